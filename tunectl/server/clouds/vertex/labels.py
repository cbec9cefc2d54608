"""What labels may look like, for every resource alike (the comments of the API's `labels`)."""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.server.clouds.vertex.refusals import invalid

_LONGEST, _MOST = 64, 64


def check_labels(labels: Mapping[str, str], field: str) -> None:
    """Do nothing when all labels may be.

    Raises:
        Refused: a key or value has over 64 characters or one that is neither a lower-case letter,
            a digit, `_` nor `-`; a key does not begin with a letter; there are over 64.
    """
    if len(labels) > _MOST:
        raise invalid(f"There are {len(labels)} labels; {_MOST} are allowed.", field)
    for key, value in labels.items():
        if not key[:1].isalpha() or not (_fits(key) and _fits(value)):
            said = (
                f'The label "{key}": "{value}" is invalid: keys and values can have up to '
                f"{_LONGEST} characters, which must be lowercase letters, numbers, underscores "
                "or dashes; keys begin with a letter."
            )
            raise invalid(said, field)


def _fits(text: str) -> bool:
    plain = all((c.isalnum() and c == c.lower()) or c in "_-" for c in text)
    return plain and len(text) <= _LONGEST
