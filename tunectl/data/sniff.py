"""What a file is, by its content: the extension is only asked where the content is silent."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import BinaryIO, cast

from tunectl.data.encodings import wide_encoding
from tunectl.data.problems import Problems

HEAD = 1 << 16
BOM = b"\xef\xbb\xbf"
_LFS = b"version https://git-lfs.github.com/spec/"
_GZIP = b"\x1f\x8b"
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "export it as JSON Lines or CSV"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it with `unzstd`, or use gzip"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`, or use gzip"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with `unxz`, or use gzip"),
    (b"ARROW1", "an Arrow file", "export it as JSON Lines or CSV"),
    (b"%PDF", "a PDF", "export the text as JSON Lines or CSV"),
    (b"SQLite format 3", "an SQLite database", "export the table as JSON Lines or CSV"),
)
_DELIMITERS = (",", ";", "\t", "|")
_CSV_NAME = re.compile(r"\.(csv|tsv)(\.gz)?$", re.IGNORECASE)
_JSON_NAME = re.compile(r"\.(jsonl|ndjson|json)(\.gz)?$", re.IGNORECASE)


def open_binary(path: Path) -> BinaryIO:
    """Open a file for reading, through gzip when its content is compressed.

    Raises:
        OSError: when it cannot be opened.
    """
    with path.open("rb") as probe:
        packed = probe.read(2) == _GZIP
    if packed:
        return cast("BinaryIO", gzip.open(path, "rb"))
    return path.open("rb", buffering=1 << 20)


def sniff(head: bytes, name: str, problems: Problems) -> str:
    """`jsonl`, `array` or `csv`; "" when it is none, with the reason in `problems`.

    Args:
        head: the first bytes of the content, up to 64 KiB.
        name: the file's name as shown.
        problems: takes the reason.
    """
    if _foreign(head, name, problems):
        return ""
    text = head.removeprefix(BOM).lstrip()
    kind = _kind(text, name)
    if head.startswith(BOM) and kind != "csv":
        problems.broken(
            "byte-order-mark",
            "the file begins with a byte order mark (BOM)",
            file=name,
            line=1,
            column=1,
            hint="save it as UTF-8 without BOM: `sed -i '1s/^\\xEF\\xBB\\xBF//' FILE`",
        )
    if not kind and not text:
        problems.cannot("empty-file", f"`{name}` is empty", file=name)
    elif not kind:
        problems.cannot(
            "unknown-content",
            f"`{name}` is neither JSON Lines, a JSON array nor CSV",
            file=name,
            hint="write one JSON object on each line, or a CSV with a header line",
        )
    return kind


def _kind(text: bytes, name: str) -> str:
    if text.startswith(b"["):
        return "array"
    if text.startswith(b"{") or (text and _JSON_NAME.search(name)):
        return "jsonl"
    if text and (_CSV_NAME.search(name) or _looks_like_table(text)):
        return "csv"
    return ""


def _foreign(head: bytes, name: str, problems: Problems) -> bool:
    wide = wide_encoding(head)
    if wide:
        problems.cannot(
            "not-utf8",
            f"`{name}` is {wide}, not UTF-8",
            file=name,
            hint=f"convert it with `iconv -f {wide.lower()} -t utf-8`",
        )
        return True
    if head.startswith(_LFS):
        problems.cannot(
            "lfs-pointer",
            f"`{name}` is a git-LFS pointer, not the data",
            file=name,
            hint="fetch the data with `git lfs pull`",
        )
        return True
    for magic, what, hint in _FOREIGN:
        if head.startswith(magic):
            problems.cannot("unknown-content", f"`{name}` is {what}", file=name, hint=hint)
            return True
    if head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        problems.cannot(
            "unknown-content",
            f"`{name}` is a web page",
            file=name,
            hint="the download saved a page instead of the file: fetch the raw file",
        )
        return True
    return False


def delimiter_of(header: str) -> str:
    """The delimiter that stands most often in a CSV header outside of quotes."""
    bare = re.sub(r'"[^"]*"', "", header)
    return max(_DELIMITERS, key=bare.count)


def _looks_like_table(text: bytes) -> bool:
    """Whether the first two lines have the same columns, by a delimiter."""
    lines = text.decode("utf-8", "replace").split("\n", 2)
    delimiter = delimiter_of(lines[0])
    counts = [line.count(delimiter) for line in lines[:2]]
    return len(counts) == 2 and 0 < counts[0] == counts[1]
