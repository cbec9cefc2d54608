"""One pass over a data file that repairs what can be repaired and writes the rows anew."""

from __future__ import annotations

import hashlib
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from typing import BinaryIO, cast

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.data.broken import explain, find_duplicate_key, is_deep, lines_of_items, too_deep
from tunectl.data.datafile import DataFile
from tunectl.data.fingerprint import Json, Row, canonical_bytes
from tunectl.data.fixing.edit import Edit, Tell
from tunectl.data.fixing.mend import mend
from tunectl.data.fixing.recode import Times, find_encoding, lines, wide_name
from tunectl.data.problems import Problems
from tunectl.data.readers import elements, faulty, not_an_object, read_csv
from tunectl.data.sensitive.names import shown_name
from tunectl.data.shapes import shape_of
from tunectl.data.shapes.alpaca import INSTANCES
from tunectl.data.shapes.columns import near
from tunectl.data.shapes.shape import Shape
from tunectl.data.sniff import sniff
from tunectl.data.streams import opened

_FORMS = {"supervised": "openai-chat"}
_KINDS = {"array": "a JSON array", "csv": "a table"}


@dataclass(slots=True)
class Pass:
    """What a pass is told, and what it remembers.

    Memory: about 150 bytes for each different row, for the duplicates; no text of rows.

    Attributes:
        tell: takes every edit.
        write: takes the bytes of every row, line end included.
        whole: takes what stands in the way of a whole file.
        rows: takes the lines that cannot be repaired.
        shape: the shape of all rows where a person says it.
        columns: which column is what, where a person says it.
        encoding: of the lines that are not UTF-8, where a person says it.
        read, written: how many rows.
        method: what the rows teach by, once the first was read.
    """

    tell: Tell
    write: Callable[[bytes], object]
    whole: Problems
    rows: Problems
    shape: Shape | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    encoding: str | None = None
    read: int = 0
    written: int = 0
    method: str = ""
    seen: dict[bytes, tuple[str, int]] = field(default_factory=dict)

    def fix(self, file: DataFile) -> None:
        """Repair one file.

        Raises:
            OSError: it cannot be read.
        """
        _OneFile(self, file).run()


class _OneFile:
    def __init__(self, over: Pass, file: DataFile) -> None:
        self._over = over
        self._file = file
        self._name = file.name
        self._blank = Times(self._name, "blank-lines", "blank lines removed")
        self._shaped: dict[str, Times] = {}
        self._last = over.shape

    def run(self) -> None:
        with opened(self._file) as (head, stream):
            kind = self._kind(head)
            if not kind:
                return
            encoding = find_encoding(head, stream, self._over.encoding)
        if encoding.trouble:
            self._over.whole.cannot(
                "not-utf8",
                f"`{self._name}` is not UTF-8, first in line {encoding.first}, and its encoding "
                f"is not certain: {encoding.trouble}",
                file=self._name,
                hint="look at the text and say it: `--encoding cp1250`",
            )
            return
        with tempfile.TemporaryFile() as kept:
            with opened(self._file) as (_, stream):
                table = kind == "csv"  # where a carriage return may belong to a value
                made = lines(stream, encoding, self._name, self._over.tell, returns=table)
                try:
                    kept.writelines(made)
                except UnicodeError as error:
                    self._not_in(encoding.wide or encoding.legacy, error)
                    return
            kept.seek(0)
            self._clean(kind, cast("BinaryIO", kept))

    def _kind(self, head: bytes) -> str:
        """What the file is; "" when it is no text, and said why."""
        wide = wide_name(head)
        if wide:
            head = head.decode(wide, "ignore").encode()
        return sniff(head, self._name, self._over.whole)

    def _not_in(self, encoding: str, error: UnicodeError) -> None:
        why = error.reason if isinstance(error, UnicodeDecodeError) else str(error)
        self._over.whole.cannot(
            "not-utf8",
            f"`{self._name}` is not {encoding}: {why}",
            file=self._name,
            hint="name another `--encoding`",
        )

    def _clean(self, kind: str, stream: BinaryIO) -> None:
        """Repair what is UTF-8 now."""
        if kind in _KINDS:
            what = f"{_KINDS[kind]} written as JSON Lines"
            self._over.tell(Edit(self._name, 1, "layout", what))
        if kind == "csv":
            for line, _, value in read_csv(stream, self._name, self._over.rows):
                self._row(line, b"", value)
        elif kind == "array":
            for line, raw in elements(stream, self._name, self._over.rows):
                self._piece(line, raw, whole=False)
        else:
            for line, raw in enumerate(stream, 1):
                if raw.isspace():
                    self._blank.at(line)
                else:
                    self._piece(line, raw.strip(), whole=True)
        for times in (self._blank, *self._shaped.values()):
            times.tell(self._over.tell)

    def _piece(self, line: int, raw: bytes, *, whole: bool) -> None:
        """One piece of JSON; `whole` when it may be written again as it is."""
        if not raw:
            self._tell(line, "trailing-comma", "1 comma too many removed")
            return
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            mended = mend(raw)
            if mended is None:
                faulty(explain(raw), raw, line, self._name, self._over.rows)
                return
            for rule, what in mended.done:
                self._tell(line, rule, what)
            self._row(line, b"", mended.value)
            return
        if not isinstance(value, dict):
            not_an_object(value, raw, line, self._name, self._over.rows)
            return
        if is_deep(raw, value):
            faulty(too_deep(), raw, line, self._name, self._over.rows)
            return
        packed = canonical_bytes(value)
        # The same test as when rows are read: equal keys were lost, so fewer colons are left.
        if raw.count(b":") != packed.count(b":") or (b"\\" in raw and b"\\u003" in raw):
            found = find_duplicate_key(raw.decode())
            if found is not None:
                self._twice(line, raw, found)
                return
        self._row(line, raw, value, keep=whole)

    def _twice(self, line: int, raw: bytes, found: tuple[str, int]) -> None:
        mended = mend(raw)
        if mended is not None:
            for rule, what in mended.done:
                self._tell(line, rule, what)
            self._row(line, b"", mended.value)
            return
        key, position = found
        before = raw.decode()[:position]
        self._over.rows.broken(
            "duplicate-key",
            f"the key `{shown_name(key)}` stands twice in one object, with two values",
            file=self._name,
            line=line + before.count("\n"),
            column=position - before.rfind("\n"),
            raw=raw.decode()[before.rfind("\n") + 1 :].split("\n", 1)[0],
            hint="keep one of them",
        )

    def _row(self, line: int, raw: bytes, value: Row, *, keep: bool = False) -> None:
        shape = self._shape_of(line, raw, value)
        if shape is None:
            return
        parts = [value] if shape.parts is None else shape.parts(value)
        places = [line] * len(parts)
        if raw and len(parts) > 1:
            found = lines_of_items(raw, INSTANCES, line)
            places = [*found, *places][: len(parts)] if len(found) == len(parts) else places
        for at, part in zip(places, parts, strict=True):
            self._one(at, raw if keep and len(parts) == 1 else b"", part, shape)

    def _shape_of(self, line: int, raw: bytes, value: Row) -> Shape | None:
        """The shape of a row; None, and said why, when it cannot be used."""
        over = self._over
        shape = self._last
        if shape is None or not shape.matches(value):
            shape = None if over.shape is not None else shape_of(value)
        if shape is None:
            keys = ", ".join(f"`{shown_name(key)}`" for key in list(value)[:8]) or "no keys"
            over.rows.broken(
                "unknown-shape",
                f"no known shape of rows: it has {keys}",
                file=self._name,
                line=line,
                raw=raw,
                hint=near(over.columns.values(), value)
                or "name the columns: `--columns input=…,output=…`",
            )
            return None
        if over.method and shape.method != over.method:
            over.rows.broken(
                "mixed-shapes",
                f"a {shape.method} row among {over.method} rows",
                file=self._name,
                line=line,
                raw=raw,
                hint="make a file of each",
            )
            return None
        over.method = shape.method
        self._last = shape
        return shape

    def _one(self, line: int, raw: bytes, value: Row, shape: Shape) -> None:
        """One row: to the canonical shape and NFC, and away when it was there before."""
        over = self._over
        over.read += 1
        row = value
        if shape.canonical is not None:
            before = canonical_bytes(value)
            row = shape.canonical(value)
            if canonical_bytes(row) != before:
                raw = b""
                self._shape_changed(line, shape)
        packed = canonical_bytes(row)
        if not packed.isascii() and not unicodedata.is_normalized("NFC", packed.decode()):
            for path in _denormal(row):
                self._tell(line, "not-nfc", f"`{path}` brought to NFC")
            made = _normal(row)
            assert isinstance(made, dict)
            row, raw, packed = made, b"", canonical_bytes(made)
        digest = hashlib.sha256(packed).digest()[:16]
        if digest in over.seen:
            file, at = over.seen[digest]
            where = f"line {at}" if file == self._name else f"{file}:{at}"
            self._tell(line, "duplicate-row", f"the row of {where} again: removed")
            return
        over.seen[digest] = (self._name, line)
        over.written += 1
        over.write(raw + b"\n" if raw else orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))

    def _shape_changed(self, line: int, shape: Shape) -> None:
        times = self._shaped.get(shape.name)
        if times is None:
            form = _FORMS.get(shape.method, shape.method)
            what = f"rows of `{shape.name}` written as `{form}`"
            times = self._shaped[shape.name] = Times(self._name, "shape", what)
        times.at(line)

    def _tell(self, line: int, rule: str, what: str) -> None:
        self._over.tell(Edit(self._name, line, rule, what))


def _denormal(value: Json, path: str = "") -> Iterator[str]:
    """The paths of the texts that are not in NFC."""
    if isinstance(value, str):
        if not unicodedata.is_normalized("NFC", value):
            yield path
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _denormal(one, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _denormal(one, f"{path}.{shown_name(key)}" if path else shown_name(key))


def _normal(value: Json) -> Json:
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list):
        return [_normal(one) for one in value]
    if isinstance(value, dict):
        return {key: _normal(one) for key, one in value.items()}
    return value
