"""What a file is, by its content: the extension is only asked where the content is silent."""

from __future__ import annotations

import json
import re
import shlex

from tunectl.data.encodings import wide_encoding
from tunectl.data.pattern import regex
from tunectl.data.problems import Problems
from tunectl.data.sensitive.names import shown_name
from tunectl.data.streams import HEAD

BOM = b"\xef\xbb\xbf"
_LFS = b"version https://git-lfs.github.com/spec/"
_FOREIGN = (
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "unpack it, or save the sheet as CSV"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Word file", "save the sheet as CSV"),
    (b"PAR1", "a Parquet file", "export it as JSON Lines or CSV"),
    (b"BZh", "compressed with bzip2", "unpack it with `bunzip2`, or use gzip or zstd"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it with `unxz`, or use gzip or zstd"),
    (b"ARROW1", "an Arrow file", "export it as JSON Lines or CSV"),
    (b"%PDF", "a PDF", "export the text as JSON Lines or CSV"),
    (b"SQLite format 3", "an SQLite database", "export the table as JSON Lines or CSV"),
)
# The first line ends inside the object, and the next goes on, indented, with a key.
_INDENTED = regex(rb'\{[ \t]*\r?\n\s*"')
_NEXT = regex(rb"^\}\s*,?\s*^\{", re.MULTILINE)
_DELIMITERS = (",", ";", "\t", "|")
_CSV_NAME = regex(r"\.(csv|tsv)(\.(gz|zst|zstd))?$", re.IGNORECASE)
_JSON_NAME = regex(r"\.(jsonl|ndjson|json)(\.(gz|zst|zstd))?$", re.IGNORECASE)
# Lists that stand inside of a row.
_LISTS = ("messages", "contents", "conversations", "tools")


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
    if kind == "jsonl" and _INDENTED.match(text):
        problems.cannot(
            "indented-json",
            f"`{name}` holds {_indented(text, len(head))} over several lines, and JSON Lines have "
            "each object on one",
            file=name,
            hint=_one_line(text, name),
        )
        return ""
    if not kind and not text:
        problems.cannot(
            "empty-file",
            f"`{name}` is empty",
            file=name,
            hint="write one JSON object on each line, or a CSV with a header line",
        )
    elif not kind:
        problems.cannot(
            "unknown-content",
            f"`{name}` is neither JSON Lines, a JSON array nor CSV",
            file=name,
            hint="write one JSON object on each line, or a CSV with a header line",
        )
    return kind


def _indented(text: bytes, size: int) -> str:
    """Whether the file is one object or many, as far as its beginning tells."""
    try:
        json.loads(text)
    except ValueError:
        return "one JSON object" if size >= HEAD and not _NEXT.search(text) else "JSON objects"
    return "one JSON object"


def _one_line(text: bytes, name: str) -> str:
    """What to do with indented JSON: where it is one object around the rows, take them out."""
    of = shlex.quote(name)
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    for key, inner in value.items() if isinstance(value, dict) else ():
        rows = isinstance(inner, list) and len(inner) > 0 and isinstance(inner[0], dict)
        if (
            rows
            and shown_name(key) == key
            and key not in ("messages", "contents", "conversations", "tools")
        ):
            return f"the rows seem to stand under `{key}`: `jq -c '.{key}[]' {of} > rows.jsonl`"
    return f"`jq -c . {of} > rows.jsonl` writes each on one line; an array of them is read too"


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
