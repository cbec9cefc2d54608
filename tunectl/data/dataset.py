"""A dataset that was read: what it holds, and its rows again on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Source, StaleError
from tunectl.core.value import Plain
from tunectl.data.checks import near_rule, settled
from tunectl.data.checks.contamination import CONTAMINATION
from tunectl.data.checks.rule import Context
from tunectl.data.datafile import DataFile
from tunectl.data.files import find_files
from tunectl.data.fingerprint import Row, short
from tunectl.data.marks import Marks, RowMark, marks_sha256
from tunectl.data.policy import NO_POLICY, Policy
from tunectl.data.problems import Problems
from tunectl.data.reading import Progress, Reading
from tunectl.data.scan import Scanner
from tunectl.data.shapes import shape_named, shape_names
from tunectl.data.shapes.columns import COLUMNS, column_shape
from tunectl.data.shapes.columns import complaint as columns_complaint
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec, SplitSpec
from tunectl.data.split import complaints as split_complaints
from tunectl.data.targets import Level, Target

__all__ = ["DataSpec", "Dataset", "RowMark", "SplitSpec", "SplitSummary", "read"]


@dataclass(frozen=True, slots=True)
class SplitSummary:
    """What a split holds.

    Attributes:
        rows: how many rows.
        sha256: over the canonical rows in file order, 64 hex digits.
    """

    rows: int
    sha256: str


class Sink(Protocol):
    """Whatever takes bytes: a file, a pipe, a spooled file."""

    def write(self, content: bytes, /) -> object:
        """Take the next bytes."""
        ...


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset as it was when it was read.

    Attributes:
        shape: the name of the shape of its rows.
        evidence: what told the shape, for people.
        splits: the splits in order: train, validation, test.
        marks: one mark a row, in file order; a compact sequence.
        marks_sha256: the name of the stored form of the marks.
    """

    shape: str
    evidence: str
    splits: Mapping[str, SplitSummary]
    marks: Marks
    marks_sha256: str
    _spec: DataSpec = field(repr=False)
    _files: tuple[DataFile, ...] = field(repr=False)
    _shape: Shape = field(repr=False, compare=False)

    @property
    def read_from(self) -> tuple[str, ...]:
        """The names of its files, as they count from the project's folder."""
        return tuple(file.name for file in self._files)

    @property
    def method(self) -> str:
        """What its rows teach by: `supervised`, `preference` or `reinforcement`."""
        return self._shape.method

    def rows(self, split: str) -> Iterator[Mapping[str, Plain]]:
        """Yield the canonical rows of a split in file order, `strip` applied, from the files.

        Raises:
            KeyError: when there is no such split.
            StaleError: when a file is no longer what was read.
        """
        for row in self._again(split):
            yield cast("Mapping[str, Plain]", _frozen(row))

    def write(self, split: str, format: str, stream: Sink) -> None:  # noqa: A002  # the settled word
        """Write a split in a wire format (`chat`: OpenAI chat JSON Lines).

        Raises:
            KeyError: when there is no such split.
            ConfigError: when the format is not known.
            StaleError: when a file is no longer what was read; part may have been written.
        """
        from tunectl.data.convert import writer  # every format: a plan writes none

        line = writer(format, self.method)
        for row in self._again(split):
            stream.write(line(row))

    def each(self) -> Iterator[tuple[str, Row, bytes]]:
        """Yield every row in file order: its split, the canonical row, and its canonical bytes.

        Raises:
            StaleError: a file is no longer what was read.
        """
        for number, row, packed in self._verified():
            yield self.marks.splits[number], row, packed

    def _again(self, split: str) -> Iterator[Row]:
        wanted = self.marks.splits.index(split) if split in self.splits else -1
        if wanted < 0:
            raise KeyError(split)
        for number, row, _ in self._verified():
            if number == wanted:
                yield row

    def _verified(self) -> Iterator[tuple[int, Row, bytes]]:
        """The rows again, each compared with its mark: the number of its split, and the row."""
        problems = Problems(self._spec.where, {})
        scanner = Scanner(self._spec, list(self._files), problems, self._shape)
        marks = self.marks
        index = -1
        for index, (file, line, _, row, packed, _) in enumerate(scanner.rows()):
            fresh = short(hashlib.sha256(packed).digest())
            if index >= len(marks) or marks.hashes[index] != fresh:
                raise _stale(self._files[file].name, line)
            yield marks.of_split[index], row, packed
        if index + 1 != len(marks) or problems.failures:
            raise _stale(self._files[-1].name, 0)


def read(
    spec: DataSpec,
    root: Path,
    *,
    targets: tuple[Target, ...] = (),
    level: Level = Level.DEFAULT,
    policy: Policy = NO_POLICY,
    progress: Progress | None = None,
) -> tuple[Dataset | None, tuple[Diagnostic, ...]]:
    """Read a dataset in one pass.

    Args:
        spec: what the YAML says.
        root: the project's folder, from which paths count.
        targets: for whom it is checked; what differs between providers is not asked without.
        level: how much is looked at.
        policy: what was decided about the rules of every dataset; its own `allow` is laid over it.
        progress: told now and then while rows go by: the bytes and rows so far, and how many
            bytes there are as stored, 0 when that is not known.

    Returns:
        The dataset and everything noticed. The dataset is None when it cannot be read: the errors
        then stand for `Exit.ERROR`. Errors of data that can be read and breaks a rule stand for
        `Exit.REFUSED`.
    """
    reading = read_through(spec, root, targets, level, policy, progress, lasting=True)
    if isinstance(reading, Problems):
        return None, reading.result()
    return _dataset(reading), reading.problems.result()


def read_through(
    spec: DataSpec,
    root: Path,
    targets: tuple[Target, ...],
    level: Level,
    policy: Policy,
    progress: Progress | None,
    *,
    lasting: bool,
) -> Reading | Problems:
    """Read all rows of a dataset, as `read` does; `lasting` as of a `Reading`.

    Returns:
        The problems alone, where what the YAML says cannot be followed.
    """
    begun = prepared(spec, root, policy)
    if isinstance(begun, Problems):
        return begun
    policy, files, problems, shape = begun
    context = Context(spec, targets, level, policy)
    if spec.against and context.asks(CONTAMINATION):
        from tunectl.data.against import known

        context = replace(context, known=known(spec, root, problems))
    reading = Reading(context, files, problems, shape, progress, lasting=lasting)
    reading.run()
    return reading


def prepared(
    spec: DataSpec, root: Path, policy: Policy
) -> tuple[Policy, list[DataFile], Problems, Shape | None] | Problems:
    """Find what a reading needs: its policy, files, problems so far, and the shape that is named.

    Returns:
        The problems alone, where what the YAML says cannot be followed.
    """
    policy, unknown = settled(Policy(allow=spec.allow).over(policy))
    problems = Problems(spec.where, policy.allow)
    for name in unknown:
        problems.cannot("unknown-rule", f"there is no check `{name}`", hint=near_rule(name))
    shape = named_shape(spec, problems)
    for what in _spec_complaints(spec):
        problems.cannot("bad-dataset", what)
    if problems.failures:
        return problems
    return policy, find_files(spec, root, problems), problems, shape


def _spec_complaints(spec: DataSpec) -> list[str]:
    found = list(split_complaints(spec.split)) if spec.split else []
    fractions = spec.split.fractions if spec.split else {}
    if spec.source is not None and spec.splits is not None:
        found.append("a dataset has either `source` or `splits`, not both")
    if spec.splits is not None and not spec.splits:
        found.append("`splits` names no split")
    if spec.splits is not None and fractions:
        found.append("`splits` names the files of each split, so there is nothing to `split`")
    if "messages" in spec.strip and spec.format not in ("preference", "chosen-rejected"):
        found.append("`strip` may not take `messages`: nothing would be left")
    if spec.output is not None and (wrong := spec.output.complaint()):
        found.append(wrong)
    if spec.limit is not None and spec.limit < 1:
        found.append(f"`limit` is {spec.limit}: it must be at least 1")
    return found


def named_shape(spec: DataSpec, problems: Problems) -> Shape | None:
    """The shape that `format:` or `columns:` names, None to recognise it."""
    if spec.columns is not None:
        wrong = columns_complaint(spec.columns)
        if wrong or spec.format not in (None, COLUMNS):
            problems.cannot("bad-columns", wrong or f"`columns` does not go with `{spec.format}`")
            return None
        return column_shape(spec.columns)
    if spec.format is None:
        return None
    shape = shape_named(spec.format)
    if shape is None:
        close = get_close_matches(spec.format, shape_names(), n=1)
        known = ", ".join(f"`{name}`" for name in shape_names())
        hint = f"did you mean `{close[0]}`?" if close else f"known are {known}"
        if spec.format == COLUMNS:
            hint = "say which columns: `columns: {input: …, output: …}`"
        problems.cannot("unknown-format", f"unknown format `{spec.format}`", hint=hint)
    return shape


def _dataset(reading: Reading) -> Dataset | None:
    """What was read; None when it cannot be used."""
    shape = reading.shape
    if reading.problems.failures or shape is None:
        return None
    names = reading.spec.split_names
    return Dataset(
        shape=shape.name,
        evidence=shape.evidence,
        splits={
            n: SplitSummary(h.rows, h.hexdigest())
            for n, h in zip(names, reading.hashes, strict=True)
        },
        marks=reading.marks,
        marks_sha256=marks_sha256(reading.marks),
        _spec=reading.spec,
        _files=tuple(reading.files),
        _shape=shape,
    )


def _stale(name: str, line: int) -> StaleError:
    error = StaleError.of(
        f"`{name}` changed after it was read",
        hint="plan again",
        code="data-changed",
        source=Source(name, line),
    )
    assert isinstance(error, StaleError)
    return error


def _frozen(value: object) -> object:
    """Lists as tuples, which is what plain values are made of."""
    if isinstance(value, dict):
        return {key: _frozen(one) for key, one in value.items()}
    if isinstance(value, list):
        return tuple(_frozen(one) for one in value)
    return value
