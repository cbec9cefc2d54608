"""How single values are read, and what is said of those that do not fit. Needs no pydantic.

The models call these functions, and so does what reads plain values without them (`plain`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tunectl.core.store_address import BadAddressError, parse
from tunectl.core.value import NAME, Join, Ref

if TYPE_CHECKING:
    from pydantic_core import PydanticCustomError

# What a person reads about a value of the wrong kind; `words` in the loader show it as it is.
OURS = "tunectl"

_PERCENT = re.compile(r"(\d{1,3}(?:\.\d+)?)\s*%")


def problem(message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Make a validation error in our own words: what must be, a hint, and where below it stands."""
    from pydantic_core import PydanticCustomError  # only where something is refused

    return PydanticCustomError(OURS, "{message}", {"message": message, "hint": hint, "at": at})


def reference(value: object) -> object:
    """Take text, or what refers to another resource."""
    if isinstance(value, Ref | Join):
        return value
    if isinstance(value, str):
        if not value.strip():
            raise problem("must not be empty")
        return value.strip()
    raise problem(f"must be text or a reference, not {_sort(value)}")


def auto(value: object) -> object:
    """Take `auto` as left out."""
    return None if value == "auto" else value


def share(value: object) -> object:
    """Take `10%` as 0.1."""
    if isinstance(value, str):
        found = _PERCENT.fullmatch(value.strip())
        if not found:
            raise problem("must be a share", "write `10%` or `0.1`")
        return float(found[1]) / 100
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        raise problem("must be a share below 1", f"write `{value}%` if percent is meant")
    return value


def one_or_many(value: object) -> object:
    """Take one text as a list of it."""
    return [value] if isinstance(value, str) else value


def name(value: object) -> str:
    """Take a name: a letter, then letters, digits and `_`."""
    if not isinstance(value, str):
        raise problem(f"must be a name, not {_sort(value)}")
    value = unicodedata.normalize("NFC", value)  # as it is typed on most systems
    if not NAME.fullmatch(value):
        raise problem(f"is not a name: `{value}`", name_hint(value))
    return value


def name_hint(value: str) -> str:
    """Say how a name must look, with a repaired one where that is possible."""
    rule = "a name is a letter, then letters, digits and `_`"
    repaired = re.sub(r"_+", "_", re.sub(r"\W", "_", value)).strip("_")
    repaired = re.sub(r"^\d+_?", "", repaired)
    return f"{rule}: `{repaired}`" if NAME.fullmatch(repaired) else rule


def state_text(text: str) -> str:
    """Take the text of an address of a state."""
    try:
        parse(text)
    except BadAddressError as error:
        raise problem(error.message, error.hint) from error
    return text


def as_it_is(value: object) -> object:
    """Take anything."""
    return value


def _sort(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "a map" if isinstance(value, Mapping) else "a list"
