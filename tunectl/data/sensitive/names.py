"""Names that rows bring along, as they may be shown.

Law: what names a thing in the data (a key, a column, a role, an id, a type) is data as well. In a
CSV without a header the names of the columns are the first row.
"""

from __future__ import annotations

from functools import lru_cache

from tunectl.data.sensitive.credentials import secrets
from tunectl.data.sensitive.personal import personal_data

MASKED = "•••"
_LONGEST = 40  # characters
_DIGITS = 7  # as many have the shortest phone numbers


@lru_cache(maxsize=4096)
def shown_name(name: str) -> str:
    """A name as it is, or `•••` where it may be a text, a person's data or a secret.

    Masked is what is longer than 40 characters, has white space or control characters, has seven
    digits or more, or holds personal data or a key.
    """
    plain = (
        len(name) <= _LONGEST
        and name.isprintable()
        and not any(map(str.isspace, name))
        and sum(map(str.isdigit, name)) < _DIGITS
        and "@" not in name
        and next(personal_data(name), None) is None
        and next(secrets(name), None) is None
    )
    return name if plain else MASKED


def shown(value: object) -> str:
    """Any value that stands where a name should, as it may be shown."""
    return shown_name(value if isinstance(value, str) else str(value))
