"""A dataset that was read: what it holds, and its rows again on demand."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Protocol, cast

from tunectl.core.errors import Diagnostic, Exit, Severity, Source, StaleError
from tunectl.core.value import Plain
from tunectl.data.checks import (
    GATHERING_RULES,
    TABLE_RULES,
    check_row,
    near_rule,
    rules_called,
)
from tunectl.data.checks.plain import is_plain, plain_input
from tunectl.data.checks.rule import Context, Finding, Gatherer, Rule
from tunectl.data.checks.splits import MISSING_GROUP
from tunectl.data.convert import writer
from tunectl.data.excerpt import excerpt
from tunectl.data.files import DataFile, find_files
from tunectl.data.fingerprint import Row, SplitHash, canonical_bytes, input_part, short
from tunectl.data.marks import Marks, RowMark, marks_sha256
from tunectl.data.problems import Problems
from tunectl.data.scan import Scanned, Scanner
from tunectl.data.shapes import SHAPE_NAMES, shape_named
from tunectl.data.shapes.columns import COLUMNS, column_shape
from tunectl.data.shapes.columns import complaint as columns_complaint
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec, SplitSpec
from tunectl.data.split import Splitter
from tunectl.data.split import complaints as split_complaints
from tunectl.data.targets import Level, Target

__all__ = ["DataSpec", "Dataset", "RowMark", "SplitSpec", "SplitSummary", "read"]

_NO_INPUT = b"[]"


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
        line = writer(format)
        for row in self._again(split):
            stream.write(line(row))

    def _again(self, split: str) -> Iterator[Row]:
        wanted = self.marks.splits.index(split) if split in self.splits else -1
        if wanted < 0:
            raise KeyError(split)
        problems = Problems(self._spec.where, {})
        scanner = Scanner(self._spec, list(self._files), problems, self._shape)
        marks = self.marks
        index = -1
        for index, (file, line, _, row, packed, _) in enumerate(scanner.rows()):
            fresh = short(hashlib.sha256(packed).digest())
            if index >= len(marks) or marks.hashes[index] != fresh:
                raise _stale(self._files[file].name, line)
            if marks.of_split[index] == wanted:
                yield row
        if index + 1 != len(marks) or problems.failures:
            raise _stale(self._files[-1].name, 0)


def read(
    spec: DataSpec,
    root: Path,
    *,
    targets: tuple[Target, ...] = (),
    level: Level = Level.DEFAULT,
) -> tuple[Dataset | None, tuple[Diagnostic, ...]]:
    """Read a dataset in one pass.

    Args:
        spec: what the YAML says.
        root: the project's folder, from which paths count.
        targets: for whom it is checked; what differs between providers is not asked without.
        level: how much is looked at.

    Returns:
        The dataset and everything noticed. The dataset is None when it cannot be read: the errors
        then stand for `Exit.ERROR`. Errors of data that can be read and breaks a rule stand for
        `Exit.REFUSED`.
    """
    allow, unknown = _allowed(spec)
    problems = Problems(spec.where, allow)
    for name in unknown:
        problems.cannot("unknown-rule", f"there is no check `{name}`", hint=near_rule(name))
    shape = _named_shape(spec, problems)
    for what in _spec_complaints(spec):
        problems.cannot("bad-dataset", what)
    if problems.failures:
        return None, problems.result()
    files = find_files(spec, root, problems)
    reading = _Reading(Context(spec, targets, level), files, problems, shape)
    reading.run()
    return reading.dataset(), problems.result()


def _allowed(spec: DataSpec) -> tuple[dict[str, str], list[str]]:
    """The waivers by rule name, and the names that are no rules."""
    allow: dict[str, str] = {}
    unknown = []
    for name, reason in spec.allow.items():
        rules = rules_called(name)
        allow.update((rule.name, reason) for rule in rules)
        if not rules:
            unknown.append(name)
    return allow, unknown


def _spec_complaints(spec: DataSpec) -> list[str]:
    found = list(split_complaints(spec.split)) if spec.split else []
    if spec.source is not None and spec.splits is not None:
        found.append("a dataset has either `source` or `splits`, not both")
    if spec.splits is not None and not spec.splits:
        found.append("`splits` names no split")
    if spec.splits is not None and spec.split is not None:
        found.append("`splits` names the files of each split, so there is nothing to `split`")
    if "messages" in spec.strip:
        found.append("`strip` may not take `messages`: nothing would be left")
    if spec.limit is not None and spec.limit < 1:
        found.append(f"`limit` is {spec.limit}: it must be at least 1")
    return found


def _named_shape(spec: DataSpec, problems: Problems) -> Shape | None:
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
        close = get_close_matches(spec.format, SHAPE_NAMES, n=1)
        known = ", ".join(f"`{name}`" for name in SHAPE_NAMES)
        hint = f"did you mean `{close[0]}`?" if close else f"known are {known}"
        if spec.format == COLUMNS:
            hint = "say which columns: `columns: {input: …, output: …}`"
        problems.cannot("unknown-format", f"unknown format `{spec.format}`", hint=hint)
    return shape


class _Reading:
    """The state of one pass: what is kept of the rows that went by."""

    def __init__(
        self, context: Context, files: list[DataFile], problems: Problems, shape: Shape | None
    ) -> None:
        self._context = context
        self._spec = spec = context.spec
        self._files = files
        self._problems = problems
        self._scanner = Scanner(spec, files, problems, shape)
        self._splitter = Splitter(spec.split) if spec.split else None
        self._marks = Marks(spec.split_names, [file.name for file in files])
        self._hashes = [SplitHash() for _ in spec.split_names]
        self._of_file = [
            0 if file.split is None else spec.split_names.index(file.split) for file in files
        ]
        self._gatherers: list[tuple[Rule, Gatherer]] = []
        if context.level > Level.SYNTAX:
            started = ((one.rule, one.start(context)) for one in GATHERING_RULES)
            self._gatherers = [(rule, made) for rule, made in started if made is not None]

    def run(self) -> None:
        """Read all rows, then ask the rules over all of them."""
        for scanned in self._scanner.rows():
            self._take(scanned)
        self._scanner.finish()
        self._marks.seal()
        if self._problems.failures:
            return
        if self._context.level is Level.SYNTAX:
            return
        for one in TABLE_RULES:
            for finding in one.check(self._marks, self._spec):
                self._tell(one.rule, finding, None)
        for rule, gatherer in self._gatherers:
            for finding in gatherer.findings(self._marks):
                self._tell(rule, finding, None)

    def _take(self, scanned: Scanned) -> None:
        file, line, _, row, packed, _ = scanned
        digest = hashlib.sha256(packed).digest()
        if is_plain(row, packed):
            input_ = asked = hashlib.sha256(plain_input(packed)).digest()
        else:
            for rule, finding in check_row(row):
                self._tell(rule, finding, scanned)
            part = input_part(row)
            input_ = asked = hashlib.sha256(part).digest()
            if part == _NO_INPUT:
                asked = digest
            elif "tools" in row:
                asked = hashlib.sha256(part + canonical_bytes(row["tools"])).digest()
        split = self._of_file[file]
        if self._splitter is not None:
            split = self._splitter.assign(self._key(scanned, input_))
        for _, gatherer in self._gatherers:
            gatherer.take(len(self._marks), split, row, packed)
        self._marks.add(digest, asked, line, file, split)
        self._hashes[split].add(packed)

    def _key(self, scanned: Scanned, digest: bytes) -> bytes:
        """The sha256 of what decides on the row's split."""
        group = self._spec.split.group if self._spec.split else None
        if group is None:
            return digest
        value = scanned[-1]
        if value is None:
            self._tell(MISSING_GROUP, Finding(f"the row has no `{group}`"), scanned)
        else:
            digest = hashlib.sha256(value).digest()
        self._marks.add_group(digest)
        return digest

    def _tell(self, rule: Rule, finding: Finding, scanned: Scanned | None) -> None:
        source = self._spec.where
        if scanned is not None:
            file, line, raw, *_ = scanned
            text, _ = excerpt(raw[:512])
            source = Source(self._files[file].name, line, 1, text)
        elif finding.index >= 0:
            mark = self._marks[finding.index]
            source = Source(mark.file, mark.line, 1)
        severity = finding.severity or rule.severity
        made = Diagnostic(
            summary=finding.text,
            severity=severity,
            hint=rule.hint,
            code=rule.name,
            source=source,
            exit=Exit.REFUSED if severity is Severity.ERROR else Exit.DONE,
        )
        self._problems.breaks(made, about=finding.about, shown=rule.shown)

    def dataset(self) -> Dataset | None:
        """What was read; None when it cannot be used."""
        shape = self._scanner.shape
        if self._problems.failures or shape is None:
            return None
        names = self._spec.split_names
        return Dataset(
            shape=shape.name,
            evidence=shape.evidence,
            splits={
                n: SplitSummary(h.rows, h.hexdigest())
                for n, h in zip(names, self._hashes, strict=True)
            },
            marks=self._marks,
            marks_sha256=marks_sha256(self._marks),
            _spec=self._spec,
            _files=tuple(self._files),
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
