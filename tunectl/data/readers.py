"""From a file to the JSON objects in it, one at a time, each with its line.

Lines end at a line feed and nowhere else: U+2028, U+0085 and a lone carriage return inside a text
are part of it. Blank lines are no rows.
"""

from __future__ import annotations

import csv
import re
import shlex
from collections.abc import Callable, Generator, Iterator
from io import BytesIO
from itertools import chain
from typing import BinaryIO, TypeAlias

import orjson

from tunectl.data.broken import Fault, explain, is_deep, not_utf8, too_deep
from tunectl.data.datafile import DataFile, FileFacts
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex
from tunectl.data.problems import Problems
from tunectl.data.remote.objects import UnreachableError
from tunectl.data.sensitive.names import shown_name
from tunectl.data.sniff import BOM, delimiter_of, sniff
from tunectl.data.streams import BrokenContentError, opened

# A bare quote begins a text that is not complete yet.
_ARRAY_TOKEN = regex(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[{}\[\],"]', re.DOTALL)
_SPACE = b" \t\r\n"
_CHUNK = 1 << 20
_LOOK = "look at the file: `ls -l` shows where a link leads, `file` what it holds"
_BLOCK = 1 << 16


# Takes many whole lines at once, given the number of the first, and says how many there were; 0
# leaves them to be read one by one.
TakeLines: TypeAlias = Callable[[int, bytes], int]

# One object as it stands in a file: the 1-based line on which it begins, its text (empty where the
# file is not JSON), and its value. A plain tuple: there may be millions.
Read: TypeAlias = tuple[int, bytes, Row]
_Reader: TypeAlias = Generator[Read, None, int]


def read_file(
    file: DataFile,
    problems: Problems,
    noted: Callable[[FileFacts], None] | None = None,
    whole: TakeLines | None = None,
) -> Iterator[Read]:
    """Yield the objects of a file; what cannot be read goes to `problems`.

    Args:
        file: the file.
        problems: takes what cannot be read.
        noted: told what was noticed of the file, once its beginning was seen.
        whole: may take many lines of JSON Lines at once.
    """
    name = file.name
    if file.rows is not None:
        yield from _inline(file, problems, noted)
        return
    try:
        with opened(file) as (head, stream):
            kind = sniff(head, name, problems)
            if not kind:
                return
            facts = FileFacts(name, kind, head.startswith(BOM), file.size)
            if noted is not None:
                noted(facts)
            before = problems.failures
            if kind == "jsonl":
                found = yield from read_lines(stream, name, problems, facts, whole)
            else:
                found = yield from _READERS[kind](stream, name, problems)
            if not found and problems.failures == before:
                problems.cannot("empty-file", f"`{name}` holds no rows", file=name)
    except PermissionError:
        problems.cannot(
            "unreadable",
            f"`{name}` cannot be read: permission denied",
            file=name,
            hint=f"`chmod u+r {shlex.quote(name)}`",
        )
    except UnreachableError as error:
        problems.cannot("unreadable", str(error), file=name, hint=error.hint, exit=error.exit)
    except OSError as error:
        why = error.strerror or str(error)
        problems.cannot(
            "unreadable",
            f"`{name}` cannot be read: {why[:1].lower()}{why[1:]}",
            file=name,
            hint=error.hint if isinstance(error, BrokenContentError) else _LOOK,
        )


def _inline(
    file: DataFile, problems: Problems, noted: Callable[[FileFacts], None] | None
) -> Iterator[Read]:
    """Rows that stand in the YAML: each is made as JSON would read it."""
    if noted is not None:
        noted(FileFacts(file.name, "inline"))
    for line, value in file.rows or ():
        try:
            row = orjson.loads(orjson.dumps(value))
        except TypeError as error:
            what = str(error)
            problems.broken("broken-row", what[:1].lower() + what[1:], file=file.name, line=line)
            continue
        if row != value:  # NaN and infinity become null
            problems.broken(
                "not-a-number",
                "NaN and infinity are not JSON",
                file=file.name,
                line=line,
                hint="use null or leave the key out",
            )
            continue
        yield line, b"", row


def faulty(fault: Fault, raw: bytes, line: int, name: str, problems: Problems) -> None:
    """Report a fault inside a piece that begins at `line`."""
    text = raw.decode("utf-8", "replace")
    before = text[: fault.position]
    line += before.count("\n")
    start = before.rfind("\n") + 1
    end = text.find("\n", fault.position)
    problems.broken(
        fault.code,
        fault.summary,
        file=name,
        line=line,
        column=fault.position - start + 1,
        raw=text[start : end if end >= 0 else len(text)],
        hint=fault.hint,
    )


def not_an_object(value: object, raw: bytes, line: int, name: str, problems: Problems) -> None:
    """Report a row that is JSON and no object."""
    kinds = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    problems.broken(
        "not-an-object",
        f"a row is {kinds.get(type(value), 'a number')}, not an object",
        file=name,
        line=line,
        column=1,
        raw=raw,
        hint='a row looks like `{"messages": [...]}`',
    )


def read_lines(
    stream: BinaryIO,
    name: str,
    problems: Problems,
    facts: FileFacts,
    whole: TakeLines | None = None,
) -> _Reader:
    """JSON Lines; returns how many rows there were.

    Lines that `whole` takes, many at a time, are not read one by one.
    """
    loads = orjson.loads
    line = count = 0
    for raw in _one_by_one(stream, whole):
        if isinstance(raw, int):
            line += raw
            count += raw
            continue
        line += 1
        if line == 1:
            raw = raw.removeprefix(BOM)  # noqa: PLW2901  # noted with the file's facts
        try:
            value = loads(raw)
        except orjson.JSONDecodeError:
            if raw.strip():
                faulty(explain(raw.rstrip(b"\r\n")), raw, line, name, problems)
            else:
                facts.met_blank(line)
            continue
        if is_deep(raw, value):
            faulty(too_deep(), raw, line, name, problems)
        elif isinstance(value, dict):
            count += 1
            yield line, raw, value
        else:
            not_an_object(value, raw, line, name, problems)
    return count


def _one_by_one(stream: BinaryIO, whole: TakeLines | None) -> Iterator[bytes | int]:
    """The lines of a stream, or of those that `whole` took at once their number."""
    if whole is None:
        yield from stream
        return
    # The first line tells the shape, so it goes by itself.
    text = stream.readline()
    line = 0
    while text:
        taken = whole(line + 1, text) if line else 0
        if taken:
            line += taken
            yield taken
        else:
            line += text.count(b"\n")
            yield from BytesIO(text)
        text = stream.read(_BLOCK) + stream.readline()


def read_array(stream: BinaryIO, name: str, problems: Problems) -> _Reader:
    """A JSON array of objects, element by element; returns how many rows there were."""
    count = 0
    for line, raw in elements(stream, name, problems):
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            fault = (
                explain(raw) if raw else Fault("broken-json", "a comma too many", 0, "remove it")
            )
            faulty(fault, raw, line, name, problems)
            continue
        if is_deep(raw, value):
            faulty(too_deep(), raw, line, name, problems)
        elif isinstance(value, dict):
            count += 1
            yield line, raw, value
        else:
            not_an_object(value, raw, line, name, problems)
    return count


def elements(stream: BinaryIO, name: str, problems: Problems) -> Iterator[tuple[int, bytes]]:
    """Cut an array into its elements by brackets and strings; holds one element and one chunk."""
    scan = _ArrayScan()
    size = _CHUNK
    while chunk := stream.read(size):
        before = scan.taken
        yield from scan.feed(chunk)
        # An element longer than the chunk is scanned again: doubling keeps that linear.
        size = _CHUNK if scan.taken > before else size * 2
    if not scan.closed:
        problems.broken(
            "broken-json",
            "the file ends inside the array",
            file=name,
            line=scan.next_line,
            hint="close it with `]`",
        )
    elif scan.trailing:
        problems.broken(
            "broken-json",
            "more text after the array",
            file=name,
            line=scan.line,
            hint="a file holds one array",
        )


class _ArrayScan:
    """Where an array's elements begin and end."""

    def __init__(self) -> None:
        self.line = 1
        self.taken = 0
        self.closed = False
        self.trailing = False
        self._opened = False
        self._rest = b""

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the elements that are complete now, each with its line."""
        data = self._rest + chunk
        if self.closed:
            self.trailing = self.trailing or bool(data.strip(_SPACE))
            return
        start = 0
        if not self._opened:
            start = data.index(b"[") + 1
            self.line += data.count(b"\n", 0, start)
            self._opened = True
        depth = 0
        for token in _ARRAY_TOKEN.finditer(data, start):
            word = token[0]
            if word == b'"':
                break
            if word in (b"{", b"["):
                depth += 1
            elif depth and word in (b"}", b"]"):
                depth -= 1
            elif depth == 0 and word in (b",", b"]"):
                piece = data[start : token.start()]
                self.closed = word == b"]"
                if piece.strip(_SPACE) or not self.closed or self.taken:
                    yield self._cut(piece)
                start = token.end()
                if self.closed:
                    self.trailing = bool(data[start:].strip(_SPACE))
                    return
        self._rest = data[start:]

    @property
    def next_line(self) -> int:
        """The line on which the element that is not complete begins."""
        space = len(self._rest) - len(self._rest.lstrip(_SPACE))
        return self.line + self._rest.count(b"\n", 0, space)

    def _cut(self, piece: bytes) -> tuple[int, bytes]:
        bare = piece.lstrip(_SPACE)
        line = self.line + piece.count(b"\n", 0, len(piece) - len(bare))
        self.line += piece.count(b"\n")
        self.taken += 1
        return line, bare.rstrip(_SPACE)


def read_csv(stream: BinaryIO, name: str, problems: Problems) -> _Reader:
    """CSV with a header line, every value a text; returns how many rows there were.

    A byte order mark is dropped: spreadsheets write one.
    """
    lines = _text_lines(stream, name, problems)
    first = next(lines, "")
    delimiter = delimiter_of(first)
    csv.field_size_limit(1 << 30)  # the default of 128 KiB is shorter than a long answer
    rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    count = 0
    start = 1
    try:
        header = [cell.strip() for cell in next(rows, [])]
        if not _good_header(header, name, problems):
            return 0
        start = rows.line_num + 1
        for cells in rows:
            if len(cells) == len(header):
                count += 1
                yield start, b"", dict(zip(header, cells, strict=True))
            elif cells:
                problems.broken(
                    "csv-columns",
                    f"{len(cells)} columns where the header has {len(header)}",
                    file=name,
                    line=start,
                    hint=f"put a value that holds `{delimiter}` or a line break in double quotes",
                )
            start = rows.line_num + 1
    except csv.Error as error:
        unclosed = "unexpected end of data" in str(error)
        problems.broken(
            "broken-csv",
            "a quote is not closed" if unclosed else str(error),
            file=name,
            line=start if unclosed else rows.line_num,
            column=1,
            hint='a value in quotes ends with `"`, and a quote inside it is written `""`',
        )
    return count


def _good_header(header: list[str], name: str, problems: Problems) -> bool:
    twice = [cell for cell in dict.fromkeys(header) if header.count(cell) > 1]
    if "" in header or twice:
        what = (
            f"the column `{shown_name(twice[0])}` stands twice"
            if twice and twice[0]
            else "a column has no name"
        )
        problems.broken(
            "csv-header", what, file=name, line=1, hint="give every column its own name"
        )
        return False
    return True


def _text_lines(stream: BinaryIO, name: str, problems: Problems) -> Iterator[str]:
    """The lines as text; stops at the first that is not UTF-8 or holds a NUL."""
    for line, raw in enumerate(stream, 1):
        bare = raw.removeprefix(BOM) if line == 1 else raw
        try:
            text = bare.decode("utf-8")
        except UnicodeDecodeError as error:
            faulty(not_utf8(bare, error), bare, line, name, problems)
            return
        if "\x00" in text:
            fault = Fault(
                "nul-byte",
                "a NUL byte",
                text.index("\x00"),
                "write the file again as plain UTF-8 text",
            )
            faulty(fault, bare, line, name, problems)
            return
        yield text


_READERS = {"array": read_array, "csv": read_csv}
