"""What the doctor found."""

from __future__ import annotations

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at. `ok` is None for a plain fact."""

    name: str
    said: str
    ok: bool | None = None
    hint: str = ""
