"""From the files of a dataset to canonical rows: the one pass that reading and sending share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import TypeAlias

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.data.broken import find_duplicate_key, lines_of_items
from tunectl.data.datafile import DataFile, FileFacts
from tunectl.data.fingerprint import Row, canonical_bytes
from tunectl.data.problems import Problems
from tunectl.data.readers import Read, TakeLines, read_file
from tunectl.data.sensitive.names import shown_name
from tunectl.data.shapes import shape_names, shape_of, unreadable
from tunectl.data.shapes.alpaca import INSTANCES
from tunectl.data.shapes.columns import COLUMNS, near
from tunectl.data.shapes.openai_chat import NAMED_OPENAI_CHAT, OPENAI_CHAT
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
    hint: str
    keys: int
    count: int = 0


@dataclass(slots=True)
class _Keyless:
    """How many rows have none of a key, and where the first stands."""

    first: str
    count: int = 0


class Scanner:
    """One pass over the rows.

    Attributes:
        shape: the shape of the rows, once the first was recognised.
        facts: what was noticed of each file that was opened.
        on_lines: may take many whole lines of chat rows at once: told the number of their file,
            that of the first line, and the text, it says how many rows they were, or 0 to have
            each row by itself; None to have all by themselves.
        key: the bytes of what names the row that was yielded last; None without `keys`.
    """

    def __init__(
        self, spec: DataSpec, files: list[DataFile], problems: Problems, shape: Shape | None
    ) -> None:
        self.shape = shape
        self.facts: list[FileFacts] = []
        self.on_lines: Callable[[int, int, bytes], int] | None = None
        self.key: bytes | None = None
        self._spec = spec
        self._files = files
        self._problems = problems
        self._named = shape is not None
        self._kinds: dict[str, _Kind] = {}
        self._current: _Kind | None = None
        self._stripped: set[str] = set()
        self._keyed = 0
        self._keyless: dict[str, _Keyless] = {}
        # Keys that stay here say nothing about the shape.
        group = spec.group
        self._silent = frozenset({*spec.strip, *spec.keys, *((group,) if group else ())})

    def rows(self) -> Iterator[Scanned]:
        """Yield the canonical rows in file order; what is wrong goes to the problems."""
        limit = self._spec.limit
        taken: Counter[str | None] = Counter()
        for number, file in enumerate(self._files):
            if limit is not None and taken[file.split] >= limit:
                continue
            for read in read_file(file, self._problems, self.facts.append, self._taker(number)):
                shape = self.shape
                if shape is None or not shape.matches(read[2]):
                    shape = self._recognise(file, read)
                elif self._current is not None:
                    self._current.count += 1
                if shape is None:
                    taken[file.split] += 1
                elif shape.parts is None:
                    taken[file.split] += 1
                    made = self._row(number, file, read, shape)
                    if made is not None:
                        yield made
                else:
                    left = None if limit is None else limit - taken[file.split]
                    parts = self._parts(read, shape)[:left]
                    taken[file.split] += len(parts)
                    yield from self._rows_of(number, file, read, shape, parts)
                if limit is not None and taken[file.split] >= limit:
                    break

    def _taker(self, number: int) -> TakeLines | None:
        """What takes many lines of a file at once, where nothing asks for single rows."""
        on_lines = self.on_lines
        if on_lines is None or self._spec.limit is not None or self._spec.strip:
            return None

        def take(first: int, text: bytes) -> int:
            chats = self.shape is OPENAI_CHAT or self.shape is NAMED_OPENAI_CHAT
            rows = on_lines(number, first, text) if chats else 0
            if self._current is not None:
                self._current.count += rows
            return rows

        return take

    def _parts(self, read: Read, shape: Shape) -> list[Read]:
        """The rows of an object that may hold several, each with its line."""
        line, raw, value = read
        assert shape.parts is not None
        parts = shape.parts(value)
        if len(parts) == 1:
            return [(line, raw, parts[0])]
        lines = lines_of_items(raw, INSTANCES, line)
        return [
            (lines[index] if index < len(lines) else line, raw, part)
            for index, part in enumerate(parts)
        ]

    def _rows_of(
        self, number: int, file: DataFile, read: Read, shape: Shape, parts: list[Read]
    ) -> Iterator[Scanned]:
        """The rows of an object that may hold several; none when it names a key twice."""
        line, raw, _ = read
        if raw and self._twice(raw, file, line):
            return
        for at, _, part in parts:
            made = self._row(number, file, (at, b"", part), shape)
            if made is not None:
                yield (*made[:2], raw, *made[3:])
            raw = b""  # the text is that of the first: bytes are counted once

    def _row(self, number: int, file: DataFile, read: Read, shape: Shape) -> Scanned | None:
        line, raw, value = read
        spec = self._spec
        group = None
        if spec.keys:
            self._keyed += 1
            for key in spec.keys:
                if key not in value:
                    place = f"{file.name}:{line}"
                    self._keyless.setdefault(key, _Keyless(place)).count += 1
            self.key = group_bytes([value.get(key) for key in spec.keys])
        if spec.group is not None and spec.group in value:
            found = value[spec.group]
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
            f"the key `{shown_name(key)}` stands twice in one object",
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
        value = read[2]
        if self.shape is not None and self._silent & value.keys():
            bare = {key: one for key, one in value.items() if key not in self._silent}
            if self.shape.matches(bare):
                if self._current is not None:
                    self._current.count += 1
                return self.shape
        found = shape_of(value)
        name, hint = ("", "") if found else unreadable(value)
        label = f"`{found.name}` ({found.evidence})" if found else _unknown(name, value)
        if label not in self._kinds and len(self._kinds) >= _KINDS_COUNTED:
            label = "other keys"
        kind = self._kinds.setdefault(
            label, _Kind(f"{file.name}:{read[0]}", found, hint, len(value))
        )
        kind.count += 1
        if self.shape is None and found is not None:
            self.shape = found.seen(value)
            self._current = kind
            return self.shape
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
            hint = kind.hint or self._unknown_hint(kind)
            self._problems.cannot(
                "unknown-shape",
                f"unknown shape of rows: {kind.count} × {label}, first at {kind.first}",
                hint=hint,
            )
        self._missing_keys()
        self._unused_strip()

    def _unknown_hint(self, kind: _Kind) -> str:
        if self._spec.where is None:  # of the command line
            columns, form = "`--columns input=…,output=…`", "`--from`"
        else:
            columns, form = "`columns: {input: …, output: …}`", "`format:`"
        if kind.keys == 1:
            return f"one column is not enough: a row has a question and an answer, {columns}"
        known = ", ".join(f"`{name}`" for name in shape_names() if name != COLUMNS)
        return f"name the columns, {columns}, or with {form} one of {known}"

    def _mixed_hint(self) -> str:
        names = {kind.shape.name for kind in self._kinds.values() if kind.shape}
        if names == {"openai-chat", "bedrock"}:
            return "where `system` may be missing, write `format: bedrock`"
        if any(kind.shape is None for kind in self._kinds.values()):
            return "repair or remove the rows that have no known shape, or make a dataset of each"
        if len({kind.shape.method for kind in self._kinds.values() if kind.shape}) > 1:
            return "make a dataset of each: they teach by different methods"
        return "`tunectl dataset fix` brings them to one shape, or make a dataset of each"

    def _missing_keys(self) -> None:
        """Say which of the keys that name a row is not in all of them."""
        for key in self._spec.keys:
            met = self._keyless.get(key)
            if met is None:
                continue
            if met.count == self._keyed:
                self._problems.cannot(
                    "missing-key",
                    f"`keys` names `{key}`, and no row has it",
                    hint=near_key(key, some_keys(self._files)),
                )
                continue
            have = "row has" if met.count == 1 else "rows have"
            self._problems.cannot(
                "missing-key",
                f"`keys` names `{key}`, and {met.count} {have} none, first at {met.first}",
                hint="what names a row stands in every row",
            )

    def _unused_strip(self) -> None:
        if self._problems.failures or self._spec.limit is not None:
            return
        unused = [key for key in self._spec.strip if key not in self._stripped]
        seen = some_keys(self._files) if unused else []
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


def some_keys(files: list[DataFile]) -> list[str]:
    """The keys of the first row."""
    for file in files:
        for read in read_file(file, Problems(None, {})):
            return list(read[2])
    return []


def near_key(key: str, seen: list[str]) -> str:
    """A hint for a key that no row has."""
    close = get_close_matches(key, seen, n=1)
    if close:
        return f"did you mean `{close[0]}`?"
    names = ", ".join(f"`{shown_name(name)}`" for name in seen[:8])
    return f"the first row has {names}" if names else ""


def _unknown(name: str, value: Row) -> str:
    return f"`{name}`" if name else f"rows with {_keys(value)}"


def _keys(value: Row) -> str:
    """The first keys, as they may be shown."""
    names = [f"`{shown_name(key)}`" for key in value]
    if not names:
        return "no keys"
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"the keys {', '.join(names[:8])}{more}"
