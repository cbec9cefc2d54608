"""What an edit is."""

from __future__ import annotations

from collections.abc import Callable

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Edit:
    """One repair.

    Attributes:
        file: the file that was read, as shown to people.
        line: 1-based line in that file; the first, where `times` is above 1.
        rule: the name of what was wrong.
        what: one line: what was done; never the text of a row.
        times: how many lines or rows were repaired alike.
    """

    file: str
    line: int
    rule: str
    what: str
    times: int = 1


Tell = Callable[[Edit], None]
