"""The one pass over the rows of a dataset: split, check, mark and hash each as it goes by."""

from __future__ import annotations

import gc
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias, cast

from tunectl.core.errors import Diagnostic, Exit, Severity, Source
from tunectl.data.alike import Alike, asked_and_answered
from tunectl.data.blas import one_thread
from tunectl.data.checks import FILE_RULES, GATHERING_RULES, TABLE_RULES, row_checks
from tunectl.data.checks.asking import RowChecks
from tunectl.data.checks.near import NEAR_DUPLICATE, NEAR_OVERLAP
from tunectl.data.checks.plain import answer_starts, asked_hash, asked_hashes, plain_input
from tunectl.data.checks.rule import Context, Finding, Gatherer, Rule
from tunectl.data.checks.splits import MISSING_GROUP
from tunectl.data.datafile import DataFile
from tunectl.data.excerpt import excerpt
from tunectl.data.facts import Facts
from tunectl.data.fingerprint import (
    Row,
    SplitHash,
    asking_part,
    canonical_bytes,
    input_part,
    normal_hash,
    normal_hashes,
)
from tunectl.data.marks import Marks, beginnings, quick_beginnings
from tunectl.data.problems import Problems
from tunectl.data.scan import Scanned, Scanner
from tunectl.data.search import Search
from tunectl.data.shapes.shape import Shape
from tunectl.data.split import Placement, Splitter
from tunectl.data.targets import SUPERVISED, Level

if TYPE_CHECKING:
    from tunectl.data.block import Block

# Told now and then: bytes and rows so far, and how many bytes there are (0: not known).
Progress: TypeAlias = Callable[[int, int, int], None]

_NO_INPUT = b"[]"
_NO_GROUP = bytes(32)
_TELL_EACH = 1_000
FEW = 1 << 15  # bytes: up to here row by row is faster than importing what takes many at once

# A row that waits for its split: the row, its canonical bytes, their digest, the hash of what
# it answers, its line, and the number of its file.
_Waiting: TypeAlias = tuple[Row, bytes, bytes, int, int, int]


class Reading:
    """The state of one pass: what is kept of the rows that went by.

    Attributes:
        spec, files, problems: as given.
        marks: one mark a row.
        hashes: the fingerprint of each split; without `lasting` only how many rows it has.
    """

    def __init__(
        self,
        context: Context,
        files: list[DataFile],
        problems: Problems,
        shape: Shape | None,
        progress: Progress | None = None,
        *,
        lasting: bool = True,
    ) -> None:
        """Begin a pass.

        Args:
            context: what is read, and for whom.
            files: its files.
            problems: takes what is noticed.
            shape: the shape that is named, None to recognise it.
            progress: told now and then while rows go by.
            lasting: whether marks and fingerprints are sha256, which tell rows again in another
                process, or numbers that are several times cheaper and hold within this one.
        """
        self.spec = spec = context.spec
        self.files = files
        self.problems = problems
        self.marks = Marks(spec.split_names, [file.name for file in files])
        self.hashes = [SplitHash() for _ in spec.split_names]
        self._context = context
        self._scanner = Scanner(spec, files, problems, shape)
        self._of_file = [
            0 if file.split is None else spec.split_names.index(file.split) for file in files
        ]
        self._explained: set[str] = set()
        self._checks: RowChecks | None = None
        self._gatherers: list[tuple[Rule, Gatherer]] = []
        self._progress = progress
        self._bytes = 0
        self._total = sum(file.size or 0 for file in files)
        # None where that is not known before all is read.
        self._size = self._total if all(file.size is not None for file in files) else None
        self._start_comparing()
        self._group = spec.group
        self._lasting = lasting or spec.divided is not None or context.level is Level.SYNTAX
        many = self._size is None or self._size > FEW or context.level is Level.SYNTAX
        if spec.split is None and not spec.keys and many:
            self._scanner.on_lines = self._take_lines

    def _start_comparing(self) -> None:
        """Decide whether rows are compared with each other, and how many."""
        spec, context = self.spec, self._context
        self._facts = None if context.level is Level.SYNTAX else Facts()
        self._alike: Alike | None = None
        self._search: Search | None = None
        self._placement: Placement | None = None
        self._waiting: list[_Waiting] = []
        self._keys: list[bytes] = []
        if spec.divided is not None:
            self._alike = Alike()
            self._placement = Placement(Splitter(spec.divided), self._alike)
        elif context.asks(NEAR_DUPLICATE) or context.asks(NEAR_OVERLAP):
            self._search = Search(self.files, everything=context.level is Level.ALL)
        self._normal = spec.divided is not None or (self._search is not None and self._search.exact)
        if context.level is not Level.SYNTAX:
            self.marks.alike, self.marks.facts = self._alike, self._facts

    @property
    def shape(self) -> Shape | None:
        """The shape of the rows, once the first was recognised."""
        return self._scanner.shape

    @property
    def taken(self) -> int:
        """How many rows went by."""
        return len(self.marks)

    def run(self) -> None:
        """Read all rows, then ask the rules over all of them."""
        with one_thread():
            self._run()

    def _run(self) -> None:
        self._read()
        self._scanner.finish()
        self._look_at_files()
        self.marks.seal()
        if self._progress is not None:
            self._progress(self._bytes, self.taken, self._total)
        if self._context.level is Level.SYNTAX or self.shape is None:
            return
        # What rows say of each other holds without those that cannot be read; what all rows say
        # together, such as how many there are, is not known without them.
        partial = bool(self.problems.failures)
        for rule, finding in self._of_all_rows():
            if finding.index >= 0 or not partial:
                self._tell(rule, finding, None)

    def _of_all_rows(self) -> Iterator[tuple[Rule, Finding]]:
        for one in TABLE_RULES:
            if self._context.asks(one.rule) and self._context.method in one.rule.methods:
                for finding in one.check(self.marks, self._context):
                    yield one.rule, finding
        for rule, gatherer in self._gatherers:
            for finding in gatherer.findings(self.marks):
                yield rule, finding

    def _look_at_files(self) -> None:
        for one in FILE_RULES if self.shape is not None else ():
            for facts in self._scanner.facts if self._context.asks(one.rule) else ():
                for finding in one.check(facts, self._context):
                    self._tell(one.rule, finding, None, Source(facts.file, 1, 1))

    def _read(self) -> None:
        """Take every row. Rows hold no cycles, so looking for some would only cost time."""
        swept = gc.isenabled()
        gc.disable()
        try:
            self._take_all()
        finally:
            if swept:
                gc.enable()

    def _take_all(self) -> None:
        take = self._take if self._placement is None else self._take_for_split
        progress = self._progress
        for count, scanned in enumerate(self._scanner.rows()):
            take(scanned)
            if progress is not None:
                self._bytes += len(scanned[2]) or len(scanned[4])
                if count % _TELL_EACH == 0:
                    progress(self._bytes, self.taken, self._total)
        if self._placement is not None:
            self._settle(self._placement, last=True)
        elif self._search is not None:
            self.marks.alike = self._search.settle()

    def _take(self, scanned: Scanned) -> None:
        """Take the next row where nothing depends on those that follow."""
        file, line, _, row, packed, _ = scanned
        digest, _, asked = self._look(scanned)
        if self._group is not None:
            self._key(scanned, _NO_GROUP)
        self._place((row, packed, digest, asked, line, file), self._of_file[file])
        if self._search is not None:
            self._search.add(row, packed)

    def _take_lines(self, file: int, first: int, text: bytes) -> int:
        """Take many plain rows at once: the same as taking each."""
        from tunectl.data.block import plain_block

        block = plain_block(text)
        if block is None:
            return 0
        self._take_block(file, first, block)
        return len(block.packed)

    def _take_block(self, file: int, first: int, block: Block) -> None:
        split = self._of_file[file]
        asked = [0] * len(block.packed)
        answers = block.answers()
        if self._facts is not None:
            starts = answer_starts(block.packed)
            asked = asked_hashes(block.packed, starts)
            self._check_block(file, first, block, answers)
            if self._search is not None:
                self._search.add_block(block, starts)
            self._facts.take_block(block.systems(), answers)
            if self._normal:
                self.marks.normals.extend(normal_hashes(block.joined))
        rows = beginnings(block.packed) if self._lasting else quick_beginnings(asked, answers)
        self.marks.add_block(rows, asked, first, file, split)
        self.hashes[split].add_block(block.joined if self._lasting else b"", len(rows))
        self._went_by(len(block.text))

    def _went_by(self, size: int) -> None:
        """Tell the progress that many bytes more went by."""
        if self._progress is not None:
            self._bytes += size
            self._progress(self._bytes, self.taken, self._total)

    def _check_block(self, file: int, first: int, block: Block, answers: list[str]) -> None:
        """Ask what plain rows may still break, and remember what the rules over all rows need."""
        checks = self._checks or self._row_checks()
        lines: list[bytes] = []
        for at, rule, finding in checks.ask_block(block, answers):
            lines = lines or block.text.split(b"\n")
            scanned = (file, first + at, lines[at], block.row(at), block.packed[at], None)
            self._tell(rule, finding, scanned)
        split, base = self._of_file[file], len(self.marks)
        rows: dict[int, Row] = {}  # most rules look at the same few
        for _, gatherer in self._gatherers:
            told = gatherer.wanted(base, split, block.packed, answers)
            if told is None:
                rows = dict(enumerate(block.rows())) if len(rows) < len(answers) else rows
                told = range(len(answers))
            for at in told:
                row = rows.get(at)
                if row is None:
                    row = rows[at] = block.row(at)
                gatherer.take(base + at, split, row, block.packed[at])

    def _take_for_split(self, scanned: Scanned) -> None:
        """Take the next row; it waits until it was compared with the others."""
        assert self._placement is not None
        assert self._alike is not None
        file, line, _, row, packed, _ = scanned
        digest, part, asked = self._look(scanned)
        self._keys.append(self._key(scanned, hashlib.sha256(part).digest()))
        self._waiting.append((row, packed, digest, asked, line, file))
        if self._alike.add(*asked_and_answered(row)):
            self._settle(self._placement)

    def _settle(self, placement: Placement, *, last: bool = False) -> None:
        waiting, keys = self._waiting, self._keys
        self._waiting, self._keys = [], []
        for one, split in zip(waiting, placement.settle(keys, last=last), strict=True):
            self._place(one, split)

    def _look(self, scanned: Scanned) -> tuple[bytes, bytes, int]:
        """Check a row by itself.

        Returns:
            What tells the row from others, its sha256 or eight bytes that hold in this process; its
            input part; and the `hash` of what it answers.
        """
        row, packed = scanned[3], scanned[4]
        if self._scanner.key is not None:
            self.marks.add_key(hashlib.sha256(self._scanner.key).digest())
        digest = hashlib.sha256(packed).digest() if self._lasting else b""
        checks = self._checks or self._row_checks()
        plain = checks.is_plain(row)
        for rule, finding in checks.ask(row, packed, plain=plain):
            self._tell(rule, finding, scanned)
        if plain:
            part = plain_input(packed)
            number = asked_hash(part)
            said = cast("list[dict[str, str]]", row["messages"])[-1]["content"]
            return digest or quick_beginnings([number], [said]).tobytes(), part, number
        digest = digest or quick_beginnings([0], [packed.decode()]).tobytes()
        part = input_part(row, self._context.method)
        asking = asking_part(row)
        if part == _NO_INPUT:
            return digest, part, hash(digest)
        if "tools" in asking:
            return digest, part, hash(part + canonical_bytes(asking["tools"]))
        return digest, part, asked_hash(part)

    def _place(self, waiting: _Waiting, split: int) -> None:
        row, packed, digest, asked, line, file = waiting
        for _, gatherer in self._gatherers:
            gatherer.take(len(self.marks), split, row, packed)
        if self._facts is not None:
            self._facts.take(row)
            if self._normal:
                self.marks.normals.append(normal_hash(packed))
        self.marks.add(digest, asked, line, file, split)
        self.hashes[split].add(packed)

    def _row_checks(self) -> RowChecks:
        """The rules for rows of the method that the first row has; those that gather begin."""
        shape = self._scanner.shape
        method = shape.method if shape is not None else SUPERVISED
        targets = tuple(target.for_rows(method) for target in self._context.targets)
        self._context = context = replace(self._context, method=method, targets=targets)
        for one in GATHERING_RULES:
            if context.asks(one.rule) and method in one.rule.methods:
                made = one.start(context)
                if made is not None:
                    self._gatherers.append((one.rule, made))
        self._checks = row_checks(context, self._size)
        return self._checks

    def _key(self, scanned: Scanned, digest: bytes) -> bytes:
        """The sha256 of what decides on the row's split."""
        group = self._group
        if group is None:
            return digest
        value = scanned[-1]
        if value is None:
            self._tell(MISSING_GROUP, Finding(f"the row has no `{group}`"), scanned)
        else:
            digest = hashlib.sha256(value).digest()
        self.marks.add_group(digest)
        return digest

    def _tell(
        self, rule: Rule, finding: Finding, scanned: Scanned | None, place: Source | None = None
    ) -> None:
        source = place or self.spec.where
        if scanned is not None:
            file, line, raw, *_ = scanned
            text = "" if rule.secretive else excerpt(raw[:512])[0]
            source = Source(self.files[file].name, line, 1, text)
        elif finding.index >= 0:
            mark = self.marks[finding.index]
            source = Source(mark.file, mark.line, 1)
        severity = self._context.policy.severity.get(rule.name, finding.severity or rule.severity)
        if severity is None:
            return
        made = Diagnostic(
            summary=finding.text,
            severity=severity,
            detail=self._about(rule),
            hint=finding.hint or rule.hint,
            code=rule.name,
            source=source,
            exit=Exit.REFUSED if severity is Severity.ERROR else Exit.DONE,
        )
        self.problems.breaks(made, about=finding.about, shown=rule.shown)

    def _about(self, rule: Rule) -> str:
        """The rule's name, and with its first finding the reason."""
        number = f" ({rule.number})" if rule.number else ""
        reason = f": {rule.reason}" if rule.reason and rule.name not in self._explained else ""
        self._explained.add(rule.name)
        return f"rule `{rule.name}`{number}{reason}"
