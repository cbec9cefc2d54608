"""Addresses as people type them, in a shell that may have taken their quotes away."""

from __future__ import annotations

import re

from tunectl.core.errors import ConfigError
from tunectl.core.value import Address

_UNQUOTED = r"(\w+(?:\.\w+)+)\[['‘’“”„]?([^\"\[\]'‘’“”„]*)['‘’“”„]?\]"


def typed(text: str) -> Address:
    """Read an address.

    Raises:
        ConfigError: it is none; where only the quotes of its key are missing, with how to type it.
    """
    try:
        return Address.parse(text)
    except ValueError as error:
        found = re.fullmatch(_UNQUOTED, text)
        hint = "`tunectl state list` shows the addresses of what is recorded"
        if found:
            hint = f"quote the key, and all of it for your shell: '{found[1]}[\"{found[2]}\"]'"
        raise ConfigError.of(str(error), hint=hint, code="bad-address") from error
