"""How near-duplicates are looked for where no split depends on them.

Law: by default all rows of a small dataset are compared, and samples of their texts in a large one;
at the level `all` all rows are, whatever the size. What was done is told by the kind of result.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunectl.data.alike import Alike, asked_and_answered
from tunectl.data.datafile import DataFile
from tunectl.data.fingerprint import Row
from tunectl.data.sketch import Sketch

if TYPE_CHECKING:
    from tunectl.data.block import Block

# All rows are compared by default in so many bytes: about 25,000 chats, a second or two.
SEARCHED_BYTES = 16 << 20
_PACKED = 16  # times as much as it seems may stand in a packed file


class Search:
    """Takes the rows of one reading, and says which are alike.

    Attributes:
        exact: whether all rows are compared, at least as long as there are few.
    """

    def __init__(self, files: Sequence[DataFile], *, everything: bool) -> None:
        """Choose the method by the size of the files.

        Args:
            files: what is read.
            everything: compare all rows whatever the size.
        """
        total = sum(file.size or 0 for file in files)
        known = all(file.size is not None or file.rows is not None for file in files)
        # Packed rows, and those of a pipe, may be more than it seems.
        certain = everything or (known and total <= SEARCHED_BYTES // _PACKED)
        self._alike = Alike() if certain or total <= SEARCHED_BYTES else None
        self._sketch = None if certain else Sketch()
        self._left = (1 << 62) if certain else SEARCHED_BYTES
        self.exact = self._alike is not None

    def add(self, row: Row, packed: bytes) -> None:
        """Take the next row, and its canonical bytes."""
        spoken = asked_and_answered(row)
        if self._sketch is not None:
            self._sketch.add(*spoken)
        self._compare(spoken, len(packed))

    def add_block(self, block: Block, starts: list[int]) -> None:
        """Take the next rows.

        Args:
            block: plain rows.
            starts: where in the canonical bytes of each the answer begins.
        """
        if self._sketch is not None:
            lengths = list(map(len, block.packed))
            self._sketch.add_rows(block.joined, lengths, block.system_ends(), starts)
        if self._alike is not None:
            for spoken, packed in zip(block.spoken(), block.packed, strict=True):
                self._compare(spoken, len(packed))

    def _compare(self, spoken: tuple[str, str], size: int) -> None:
        if self._alike is None:
            return
        self._left -= size
        if self._left < 0:
            self._alike = None  # there are more than was to be seen: the samples count
        elif self._alike.add(*spoken):
            self._alike.settle()

    def settle(self) -> Alike | Sketch:
        """Return what was found, once all rows were taken."""
        if self._alike is not None:
            self._alike.settle(last=True)
            return self._alike
        assert self._sketch is not None
        self._sketch.settle()
        return self._sketch
