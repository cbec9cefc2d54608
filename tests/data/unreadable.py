"""What cannot be read as rows at all: bytes that must be refused, and the nearest that are read.

These are no rules: nothing allows them, and they end a run with exit 1.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

from tests.data.planting import as_bytes, said, talks

FIRST = as_bytes(talks(1))
PACKED = gzip.compress(FIRST)
TWICE = b'{"role": "user", "role"'
SECOND = as_bytes([said("Tak.")])


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One case.

    Attributes:
        code: what is said.
        number: the number of the published table it belongs to.
        what: what is planted.
        broken, twin: the bytes of the two files.
        line: where it is said to be; 0 for the file as a whole.
        name: the file's name.
    """

    code: str
    number: str
    what: str
    broken: bytes
    twin: bytes
    line: int = 2
    name: str = "rows.jsonl"


def second(code: str, number: str, what: str, line: bytes, twin: bytes = SECOND) -> Unreadable:
    return Unreadable(code, number, what, FIRST + line, FIRST + twin)


CASES = (
    second("not-utf8", "D01", "a line in Latin-2", SECOND.replace(b"Tak", "Żółć".encode("latin2"))),
    Unreadable("not-utf8", "D01", "UTF-16", FIRST.decode().encode("utf-16"), FIRST, 0),
    Unreadable(
        "nul-byte", "D01", "a NUL byte in a table", b"prompt,completion\na\0,b\n",
        b"prompt,completion\na,b\n", 2, "rows.csv",
    ),
    second("broken-json", "D02", "a comma too many", SECOND.replace(b"]}", b"],}")),
    second("broken-json", "D02", "a line that ends too early", SECOND[:-4] + b"\n"),
    second("not-a-number", "D02", "NaN", b'{"messages": [], "score": NaN}\n'),
    second("duplicate-key", "D02", "a key twice", SECOND.replace(b'{"role"', TWICE)),
    second("not-an-object", "D02", "a row that is an array", b"[1]\n"),
    Unreadable(
        "mixed-shapes", "D04", "two shapes", FIRST + b'{"prompt": "a", "completion": "b"}\n',
        FIRST + SECOND, 0,
    ),
    Unreadable(
        "unknown-shape", "D04", "keys of no known shape", b'{"pytanie": "a", "odp": "b"}\n',
        b'{"prompt": "a", "completion": "b"}\n', 0,
    ),
    Unreadable(
        "csv-columns", "", "a row with a column too many", b"prompt,completion\na,b,c\n",
        b'prompt,completion\na,"b,c"\n', 2, "rows.csv",
    ),
    Unreadable(
        "csv-header", "", "a column that stands twice", b"prompt,prompt\na,b\n",
        b"prompt,completion\na,b\n", 1, "rows.csv",
    ),
    Unreadable(
        "broken-csv", "", "a quote that is not closed", b'prompt,completion\na,"b\n',
        b'prompt,completion\na,"b"\n', 2, "rows.csv",
    ),
    Unreadable("empty-file", "", "an empty file", b"\n\n", FIRST, 0),
    Unreadable("unknown-content", "", "a workbook of Excel", b"PK\x03\x04" + bytes(40), FIRST, 0),
    Unreadable(
        "lfs-pointer", "", "a git-LFS pointer", b"version https://git-lfs.github.com/spec/v1\n",
        FIRST, 0,
    ),
    Unreadable("unreadable", "", "a gzip file that is cut", PACKED[:-9], PACKED, 0),
)  # fmt: skip

# D03: line ends that are part of a text make no rows of their own.
ENDS = ("\u2028", "\u0085", "\u2029", "\r\n")
LINE_ENDS = as_bytes([said(f"jeden{end}dwa", f"Co to {n}?") for n, end in enumerate(ENDS)])
