"""What is wrong with a dataset whose rows are not needed afterwards: the quickest answers.

Law: what is said of the files is what `read` says. Of syntax alone nothing else is done: rows are
not marked, hashed, compared or divided. With the rules rows are marked by numbers that hold in this
process only. So in neither case rows can be read again from the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic
from tunectl.data.block import sound_rows
from tunectl.data.checks.rule import Context
from tunectl.data.datafile import DataFile
from tunectl.data.dataset import Dataset, prepared, read, read_through
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.data.problems import Problems
from tunectl.data.reading import Progress, Reading
from tunectl.data.scan import Scanned
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec
from tunectl.data.targets import Level, Target


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
    def seen(cls, shape: Shape, spec: DataSpec, rows: Sequence[int]) -> Readable:
        """Say it of rows that went by, told how many each split has."""
        counted = dict(zip(spec.split_names, rows, strict=True))
        return cls(shape.name, shape.evidence, counted)

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
    return Readable.seen(known, spec, reading.rows), problems.result()


def judge(
    spec: DataSpec,
    root: Path,
    *,
    targets: tuple[Target, ...] = (),
    level: Level = Level.DEFAULT,
    policy: Policy = NO_POLICY,
    progress: Progress | None = None,
) -> tuple[Readable | None, tuple[Diagnostic, ...]]:
    """Ask the rules about a dataset in one pass.

    Args:
        spec: what the YAML says.
        root: the project's folder, from which paths count.
        targets: for whom it is checked.
        level: how much is looked at; for `SYNTAX` see `read_syntax`.
        policy: what was decided about the rules of every dataset.
        progress: told now and then while rows go by, as by `read`.

    Returns:
        What could be read and everything noticed; None where it cannot be read.
    """
    reading = read_through(spec, root, targets, level, policy, progress, lasting=False)
    if isinstance(reading, Problems):
        return None, reading.result()
    known, problems = reading.shape, reading.problems
    if problems.failures or known is None:
        return None, problems.result()
    rows = [split.rows for split in reading.hashes]
    return Readable.seen(known, spec, rows), problems.result()


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
