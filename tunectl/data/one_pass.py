"""One pass over the rows of some files, without rules, marks or splits: what converting needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from tunectl.core.errors import ConfigError, Diagnostic
from tunectl.data.dataset import named_shape
from tunectl.data.files import DataFile, find_files
from tunectl.data.problems import Problems
from tunectl.data.scan import Scanned, Scanner
from tunectl.data.shapes.columns import column_shape
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec

_TELL_EACH = 2_000


class OnePass:
    """Reads the files in the order given; each may be a pattern.

    Where `columns` are named, `keep` names others that stay in the row.

    Attributes:
        files: what is read.
        problems: what was noticed so far; others may add to it.
    """

    def __init__(
        self,
        spec: DataSpec,
        root: Path,
        sources: tuple[str, ...],
        progress: Callable[[int, int, int], None] | None = None,
        keep: tuple[str, ...] = (),
    ) -> None:
        self.problems = Problems(None, {})
        shape = named_shape(spec, self.problems)
        if shape is not None and spec.columns is not None:
            shape = column_shape(spec.columns, keep)
        self.files: list[DataFile] = [
            file
            for source in sources
            for file in find_files(replace(spec, source=source), root, self.problems)
        ]
        self._scanner = Scanner(spec, self.files, self.problems, shape)
        self._progress = progress

    @property
    def shape(self) -> Shape | None:
        """The shape of the rows, once the first was recognised."""
        return self._scanner.shape

    def rows(self) -> Iterator[Scanned]:
        """Yield the canonical rows in file order; what is wrong goes to the problems."""
        for count, scanned in enumerate(self._scanner.rows()):
            if self._progress is not None and count % _TELL_EACH == 0:
                self._progress(0, count, 0)
            yield scanned

    def stop(self) -> None:
        """Raises: ConfigError: when something stands in the way already."""
        if self.problems.failures:
            raise ConfigError(self.problems.result())

    def finish(self) -> tuple[Diagnostic, ...]:
        """What was noticed, once all rows went by.

        Raises:
            ConfigError: rows that cannot be used.
        """
        self._scanner.finish()
        self.stop()
        if self.shape is None:
            raise ConfigError.of("there are no rows", code="empty-file")
        return self.problems.result()
