"""What a format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tunectl.core.dataclass import dataclass
from tunectl.data.fingerprint import Row
from tunectl.data.wire.losses import Losses

Convert = Callable[[Row, Losses], Row]


@dataclass(frozen=True, slots=True)
class Format:
    """One form rows are written in.

    Attributes:
        name: what a person writes after `--to`.
        of: by method of tuning, what makes a row of this format from a canonical row, notes what
            it cannot carry, and raises `UnreadableRowError` for a row that cannot be written.
        columns: the columns of a table; empty for JSON.
    """

    name: str
    of: Mapping[str, Convert]
    columns: tuple[str, ...] = ()
