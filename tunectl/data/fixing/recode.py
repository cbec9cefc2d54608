"""The bytes of a file as UTF-8 with line feeds, whatever they were."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from tunectl.core.dataclass import dataclass
from tunectl.data.encodings import wide_encoding
from tunectl.data.fixing.certainty import Evidence, legacy_encoding
from tunectl.data.fixing.edit import Edit, Tell

_BOM = codecs.BOM_UTF8
_CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file is to be read.

    Attributes:
        wide: the encoding of the whole file, where it is UTF-16 or UTF-32.
        legacy: the encoding of the lines that are not UTF-8; empty when there are none.
        reason: what told it, for people.
        trouble: why some lines cannot be read; empty when all can.
        first: the first line that is not UTF-8.
    """

    wide: str = ""
    legacy: str = ""
    reason: str = ""
    trouble: str = ""
    first: int = 0


def find_encoding(head: bytes, stream: BinaryIO, told: str | None = None) -> Encoding:
    """Read a file to its end and say how to read it.

    Args:
        head: its first bytes.
        stream: the whole of it.
        told: the encoding of the lines that are not UTF-8, where a person says so.
    """
    wide = wide_name(head)
    if wide:
        return Encoding(wide=wide, reason="by its first bytes")
    evidence = Evidence()
    first = 0
    for number, line in enumerate(stream, 1):
        if line.isascii() or _is_utf8(line):
            continue
        first = first or number
        evidence.take(line)
    if not first:
        return Encoding()
    if told:
        return Encoding(legacy=told, reason="as told", first=first)
    verdict = legacy_encoding(evidence)
    if verdict.encoding:
        return Encoding(legacy=verdict.encoding, reason=verdict.reason, first=first)
    return Encoding(trouble=verdict.reason, first=first)


def lines(
    stream: BinaryIO, encoding: Encoding, name: str, tell: Tell, *, returns: bool = False
) -> Iterator[bytes]:
    """Yield the lines as UTF-8; every edit is told.

    Args:
        stream: the content as it is.
        encoding: how it is to be read.
        name: of the file, for the edits.
        tell: takes the edits.
        returns: keep the carriage returns before line feeds.

    Raises:
        UnicodeDecodeError: a line that is not in the encoding found.
    """
    ends = Times(name, "line-ends", "carriage returns at line ends removed")
    was = f"{encoding.wide or encoding.legacy}, {encoding.reason}"
    recoded = Times(name, "not-utf8", f"written as UTF-8: it was {was}")
    source: Iterable[bytes] = stream
    if encoding.wide:
        source = _unwidened(stream, encoding.wide)
        recoded.at(1)
    for number, raw in enumerate(source, 1):
        line = raw
        if encoding.legacy and not line.isascii() and not _is_utf8(line):
            line = line.decode(encoding.legacy).encode()
            recoded.at(number)
        if line.startswith(_BOM):
            line = line.removeprefix(_BOM)
            tell(Edit(name, number, "byte-order-mark", "the byte order mark (BOM) removed"))
        if not returns and line.endswith(b"\r\n"):
            line = line.rstrip(b"\r\n") + b"\n"
            ends.at(number)
        yield line
    for times in (recoded, ends):
        times.tell(tell)


class Times:
    """An edit that is made in many lines and told once."""

    def __init__(self, name: str, rule: str, what: str) -> None:
        self._name, self._rule, self._what = name, rule, what
        self._first = self._times = 0

    def at(self, line: int) -> None:
        """It is made in this line too."""
        self._first = self._first or line
        self._times += 1

    def tell(self, tell: Tell) -> None:
        """Tell it, when it was made at all."""
        if self._times:
            tell(Edit(self._name, self._first, self._rule, self._what, self._times))


def wide_name(head: bytes) -> str:
    """Python's name of UTF-16 or UTF-32, its byte order included where there is no mark."""
    wide = wide_encoding(head)
    if not wide or head.startswith((b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")):
        return wide
    return "UTF-16-LE" if head[1:2] == b"\x00" else "UTF-16-BE"


def _unwidened(stream: BinaryIO, encoding: str) -> Iterator[bytes]:
    decode = codecs.getincrementaldecoder(encoding)()
    rest = ""
    while chunk := stream.read(_CHUNK):
        *whole, rest = (rest + decode.decode(chunk)).split("\n")
        for line in whole:
            yield f"{line}\n".encode()
    rest += decode.decode(b"", final=True)
    if rest:
        yield rest.encode()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
