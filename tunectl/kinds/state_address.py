"""`state:` as a field: the text of an address that is read as one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from tunectl.core.store_address import BadAddressError, parse
from tunectl.kinds.values import problem


def _valid(text: str) -> str:
    try:
        parse(text)
    except BadAddressError as error:
        raise problem(error.message, error.hint) from error
    return text


StateText: TypeAlias = Annotated[str, AfterValidator(_valid)]
