"""From the files of a dataset to canonical rows: the one pass that reading and sending share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.data.broken import find_duplicate_key
from tunectl.data.files import DataFile
from tunectl.data.fingerprint import Row, canonical_bytes
from tunectl.data.problems import Problems
from tunectl.data.readers import Read, read_file
from tunectl.data.shapes import SHAPE_NAMES, planned, shape_of
from tunectl.data.shapes.columns import near
from tunectl.data.shapes.shape import Shape
from tunectl.data.spec import DataSpec
from tunectl.data.split import group_bytes

_KINDS_COUNTED = 20


# One canonical row: the number of its file, its line, the line's text (empty for CSV), the row, its
# canonical bytes, and the bytes of its group (None without one). A plain tuple: there are many.
Scanned: TypeAlias = tuple[int, int, bytes, Row, bytes, bytes | None]


@dataclass(slots=True)
class _Kind:
    """How often a kind of row was met, and where first."""

    first: str
    shape: Shape | None
    planned: str
    count: int = 0


class Scanner:
    """One pass over the rows.

    Attributes:
        shape: the shape of the rows, once the first was recognised.
    """

    def __init__(
        self, spec: DataSpec, files: list[DataFile], problems: Problems, shape: Shape | None
    ) -> None:
        self.shape = shape
        self._spec = spec
        self._files = files
        self._problems = problems
        self._named = shape is not None
        self._kinds: dict[str, _Kind] = {}
        self._current: _Kind | None = None
        self._stripped: set[str] = set()

    def rows(self) -> Iterator[Scanned]:
        """Yield the canonical rows in file order; what is wrong goes to the problems."""
        limit = self._spec.limit
        taken: Counter[str | None] = Counter()
        for number, file in enumerate(self._files):
            for read in read_file(file, self._problems):
                if limit is not None:
                    if taken[file.split] >= limit:
                        break
                    taken[file.split] += 1
                made = self._row(number, file, read)
                if made is not None:
                    yield made

    def _row(self, number: int, file: DataFile, read: Read) -> Scanned | None:
        line, raw, value = read
        shape = self.shape
        if shape is None or not shape.matches(value):
            shape = self._recognise(file, read)
            if shape is None:
                return None
        elif self._current is not None:
            self._current.count += 1
        spec = self._spec
        group = None
        if spec.split is not None and spec.split.group in value:
            found = value[spec.split.group]
            group = None if found in (None, "") else group_bytes(found)
        if shape.canonical is None and not spec.strip:
            row = value
            packed = plain = canonical_bytes(row)
        else:
            plain = canonical_bytes(value)
            row = self._canonical(shape, value)
            packed = canonical_bytes(row)
        # A parser keeps the last of two equal keys, so the canonical bytes then have fewer colons
        # than the text. The counts agree otherwise, unless a colon is escaped as \u003a.
        suspect = raw and (
            raw.count(b":") != plain.count(b":") or (b"\\" in raw and b"\\u003" in raw)
        )
        if suspect and self._twice(raw, file, line):
            return None
        return number, line, raw, row, packed, group

    def _canonical(self, shape: Shape, value: Row) -> Row:
        self._stripped.update(key for key in self._spec.strip if key in value)
        row = value if shape.canonical is None else shape.canonical(value)
        for key in self._spec.strip:
            row.pop(key, None)
        return row

    def _twice(self, raw: bytes, file: DataFile, line: int) -> bool:
        """Whether an object of the row names a key twice; says so."""
        text = raw.decode("utf-8")
        found = find_duplicate_key(text)
        if found is None:
            return False
        key, position = found
        before = text[:position]
        start = before.rfind("\n") + 1
        self._problems.broken(
            "duplicate-key",
            f"the key `{key}` stands twice in one object",
            file=file.name,
            line=line + before.count("\n"),
            column=position - start + 1,
            raw=text[start:].split("\n", 1)[0],
            hint="keep one of them",
        )
        return True

    def _recognise(self, file: DataFile, read: Read) -> Shape | None:
        """The shape of a row that is not of the current one; None when it cannot be used."""
        if self._named:
            self._wrong(file, read)
            return None
        found = shape_of(read[2])
        name = planned(read[2])
        label = f"`{found.name}` ({found.evidence})" if found else _unknown(name, read[2])
        if label not in self._kinds and len(self._kinds) >= _KINDS_COUNTED:
            label = "other keys"
        kind = self._kinds.setdefault(label, _Kind(f"{file.name}:{read[0]}", found, name))
        kind.count += 1
        if self.shape is None and found is not None:
            self.shape = found
            self._current = kind
            return found
        return None

    def _wrong(self, file: DataFile, read: Read) -> None:
        assert self.shape is not None
        found = shape_of(read[2])
        is_ = f"it looks like `{found.name}`" if found else f"it has {_keys(read[2])}"
        hint = f"a row of `{self.shape.name}` has {self.shape.evidence}"
        if self._spec.columns:
            hint = near(self._spec.columns.values(), read[2]) or hint
        self._problems.broken(
            "wrong-shape",
            f"the row is not `{self.shape.name}`: {is_}",
            file=file.name,
            line=read[0],
            raw=read[1],
            hint=hint,
        )

    def finish(self) -> None:
        """Say what can only be told at the end: mixed or unknown shapes, keys that never came."""
        kinds = self._kinds
        if len(kinds) > 1:
            lines = [f"{k.count} × {label}, first at {k.first}" for label, k in kinds.items()]
            self._problems.cannot(
                "mixed-shapes",
                f"the rows have {len(kinds)} different shapes",
                detail="\n".join(lines),
                hint=self._mixed_hint(),
            )
        elif kinds and self.shape is None:
            [(label, kind)] = kinds.items()
            known = ", ".join(f"`{name}`" for name in SHAPE_NAMES)
            hint = f"name the columns, `columns: {{input: …, output: …}}`, or use one of {known}"
            if kind.planned:
                hint = f"`{kind.planned}` is not in this version; it reads {known}"
            self._problems.cannot(
                "unknown-shape",
                f"unknown shape of rows: {kind.count} × {label}, first at {kind.first}",
                hint=hint,
            )
        self._unused_strip()

    def _mixed_hint(self) -> str:
        names = {kind.shape.name for kind in self._kinds.values() if kind.shape}
        if names == {"openai-chat", "bedrock"}:
            return "where `system` may be missing, write `format: bedrock`"
        return "convert them to one shape, or make a dataset of each"

    def _unused_strip(self) -> None:
        if self._problems.failures or self._spec.limit is not None:
            return
        unused = [key for key in self._spec.strip if key not in self._stripped]
        seen = _some_keys(self._files, self._problems) if unused else []
        for key in unused:
            close = get_close_matches(key, seen, n=1)
            self._problems.note(
                Diagnostic(
                    summary=f"`strip` names `{key}`, and no row has it",
                    severity=Severity.WARNING,
                    hint=f"did you mean `{close[0]}`?" if close else "remove it",
                    code="unused-strip",
                    source=self._spec.where,
                    exit=Exit.DONE,
                )
            )


def _some_keys(files: list[DataFile], problems: Problems) -> list[str]:
    for file in files:
        for read in read_file(file, problems):
            return list(read[2])
    return []


def _unknown(name: str, value: Row) -> str:
    return f"`{name}`" if name else f"rows with {_keys(value)}"


def _keys(value: Row) -> str:
    """The keys, shortened: in a CSV without a header they are the text of a row."""
    names = [f"`{key[:24]}…`" if len(key) > 24 else f"`{key}`" for key in value]
    if not names:
        return "no keys"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"the keys {', '.join(names[:8])}{more}"
