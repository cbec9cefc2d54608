"""From canonical rows to the formats of others: the door of `wire`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import orjson

from tunectl.core.errors import ConfigError, Refused
from tunectl.data.fingerprint import Row
from tunectl.data.wire import FORMATS as _FORMATS
from tunectl.data.wire.conversation import UnreadableRowError
from tunectl.data.wire.format import Convert, Format
from tunectl.data.wire.losses import Losses


def _as_it_is(row: Row) -> bytes:
    """JSON Lines: the canonical row with its keys in the order they were written."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


# What uploads are written in. A canonical row is a row of OpenAI's, so those go as they are: the
# bytes are part of what was promised for a recorded job.
_CANONICAL: Mapping[str, Callable[[Row], bytes]] = {
    "chat": _as_it_is,
    "preference": _as_it_is,
    "reinforcement": _as_it_is,
}
_EXACT = ("gemini", "bedrock", "bedrock-conversation", "prompt-completion", "sharegpt", "alpaca")
FORMATS = (*_CANONICAL, *_EXACT)


def writer(name: str, method: str = "supervised") -> Callable[[Row], bytes]:
    """The function that writes one row of a wire format, its line end included.

    It raises `Refused` for a row that the format cannot carry as a whole.

    Raises:
        ConfigError: for a format that is not known, or that has no rows of this method.
    """
    if name in _CANONICAL:
        return _CANONICAL[name]
    if name not in FORMATS:
        known = ", ".join(f"`{known}`" for known in FORMATS)
        raise ConfigError.of(
            f"unknown wire format `{name}`", hint=f"known are {known}", code="unknown-wire-format"
        )
    convert = converter(_FORMATS[name], method)

    def line(row: Row) -> bytes:
        losses = Losses()
        try:
            made = convert(row, losses)
        except UnreadableRowError as error:
            raise Refused.of(
                f"a row cannot be written as `{name}`: {error}", code="cannot-convert"
            ) from error
        if losses.refused:
            lost = ", ".join(f"`{loss.kind}`" for loss in losses.refused)
            raise Refused.of(
                f"`{name}` cannot carry all that the rows say: {lost}",
                hint=f"`tunectl dataset convert --to {name}` tells where, and writes a file "
                "without it when that is allowed",
                code="lossy",
            )
        return _as_it_is(made)

    return line


def converter(to: Format, method: str) -> Convert:
    """What makes rows of a format from canonical rows of a method.

    Raises:
        ConfigError: when the format has no rows of this method.
    """
    found = to.of.get(method)
    if found is None:
        able = [f"`{one.name}`" for one in _FORMATS.values() if method in one.of]
        raise ConfigError.of(
            f"`{to.name}` has no form for {method} rows",
            hint=f"{method} rows can be written as {_listed(able)}",
            code="no-such-form",
        )
    return found


def _listed(names: Collection[str]) -> str:
    *some, last = names
    return f"{', '.join(some)} or {last}" if some else last
