"""`state:` as a field: the text of an address that is read as one."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from tunectl.kinds.reading import state_text

StateText: TypeAlias = Annotated[str, AfterValidator(state_text)]
