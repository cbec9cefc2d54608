"""Which rows a rule looks at that need not see all: the first ones, then one in many."""

from __future__ import annotations

from tunectl.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows by their places.

    Attributes:
        first: so many rows at the beginning, all of them.
        then_each: after those one in so many; 1 for every row.
    """

    first: int
    then_each: int = 32

    def holds(self, index: int) -> bool:
        """Whether the row at a place is looked at."""
        return index < self.first or not index % self.then_each

    def among(self, index: int, count: int) -> range:
        """Choose from so many rows that begin at a place; all where the first are among them."""
        if index < self.first:
            return range(count)
        return range(-index % self.then_each, count, self.then_each)
