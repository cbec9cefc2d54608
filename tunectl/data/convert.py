"""From canonical rows to the bytes a provider is sent: one function a wire format."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import orjson

from tunectl.core.errors import ConfigError
from tunectl.data.fingerprint import Row


def _chat(row: Row) -> bytes:
    """OpenAI chat JSON Lines: the canonical row with its keys in the order they were written."""
    return orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)


FORMATS: Mapping[str, Callable[[Row], bytes]] = {"chat": _chat}


def writer(name: str) -> Callable[[Row], bytes]:
    """The function that writes one row of a wire format, its line end included.

    Raises:
        ConfigError: for a format that is not known.
    """
    if name not in FORMATS:
        known = ", ".join(f"`{known}`" for known in FORMATS)
        raise ConfigError.of(
            f"unknown wire format `{name}`", hint=f"known are {known}", code="unknown-wire-format"
        )
    return FORMATS[name]
