"""Only whether every row can be read: the quickest answer about a dataset.

Law: what is said of the files is what `read` says at the level `SYNTAX`. Nothing else is done:
rows are not marked, hashed, compared or divided, so they cannot be read again from the result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.core.errors import Diagnostic
from tunectl.data.block import sound_rows
from tunectl.data.checks.rule import Context
from tunectl.data.datafile import DataFile
from tunectl.data.dataset import Dataset, prepared, read
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.data.problems import Problems
from tunectl.data.reading import Progress, Reading
from tunectl.data.scan import Scanned
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec
from tunectl.data.targets import Level


@dataclass(frozen=True, slots=True)
class Readable:
    """A dataset whose rows can be read.

    Attributes:
        shape: the name of the shape of its rows.
        evidence: what told the shape, for people.
        rows: how many rows each split has, in the order of the splits.
    """

    shape: str
    evidence: str
    rows: Mapping[str, int]

    @classmethod
    def of(cls, dataset: Dataset) -> Readable:
        """Say it of a dataset that was read."""
        rows = {name: one.rows for name, one in dataset.splits.items()}
        return cls(dataset.shape, dataset.evidence, rows)


def read_syntax(
    spec: DataSpec,
    root: Path,
    *,
    policy: Policy = NO_POLICY,
    progress: Progress | None = None,
) -> tuple[Readable | None, tuple[Diagnostic, ...]]:
    """Look at the syntax of a dataset in one pass.

    Args:
        spec: what the YAML says. Rows that are to be divided take longer: each is hashed.
        root: the project's folder, from which paths count.
        policy: what was decided about the rules of every dataset.
        progress: told now and then while rows go by, as by `read`.

    Returns:
        What could be read and everything noticed; None where it cannot be read.
    """
    if spec.split is not None:
        dataset, found = read(spec, root, level=Level.SYNTAX, policy=policy, progress=progress)
        return (None if dataset is None else Readable.of(dataset)), found
    begun = prepared(replace(spec, keys=()), root, policy)
    if isinstance(begun, Problems):
        return None, begun.result()
    policy, files, problems, shape = begun
    context = Context(replace(spec, keys=()), level=Level.SYNTAX, policy=policy)
    reading = _Syntax(context, files, problems, shape, progress)
    reading.run()
    known = reading.shape
    if problems.failures or known is None:
        return None, problems.result()
    counted = dict(zip(spec.split_names, reading.rows, strict=True))
    return Readable(known.name, known.evidence, counted), problems.result()


class _Syntax(Reading):
    """A pass that only counts.

    Attributes:
        rows: how many rows each split has.
    """

    def __init__(
        self,
        context: Context,
        files: list[DataFile],
        problems: Problems,
        shape: Shape | None,
        progress: Progress | None,
    ) -> None:
        super().__init__(context, files, problems, shape, progress)
        self.rows = [0] * len(self.hashes)

    @property
    def taken(self) -> int:
        """How many rows went by."""
        return sum(self.rows)

    def _take(self, scanned: Scanned) -> None:
        row, packed = scanned[3], scanned[4]
        checks = self._checks or self._row_checks()
        for rule, finding in checks.ask(row, packed, plain=checks.is_plain(row)):
            self._tell(rule, finding, scanned)
        self.rows[self._of_file[scanned[0]]] += 1

    def _take_lines(self, file: int, first: int, text: bytes) -> int:  # noqa: ARG002
        rows = sound_rows(text)
        if rows:
            self.rows[self._of_file[file]] += rows
            self._went_by(len(text))
        return rows
