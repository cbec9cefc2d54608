"""What training rows are compared with: the word sequences of files the user gives.

A sequence is twelve words that follow each other (GPT-3's authors used 13, datatrove uses 12), as
numbers; words are those of `shingles`. Of a file of rows the system messages are left out, since
they stand before every question; of any other file of JSON every text counts, and a file that is
neither JSON Lines, a JSON array nor a table counts as one text.

Memory is bounded: of all files together at most `LIMIT` numbers of eight bytes are kept. Above it
only every second is kept, then every fourth, chosen by the number itself.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tunectl.core.dataclass import dataclass
from tunectl.data.alike import asked_and_answered
from tunectl.data.datafile import DataFile
from tunectl.data.files import find_files
from tunectl.data.fingerprint import Json, Row
from tunectl.data.problems import Problems
from tunectl.data.readers import read_file
from tunectl.data.shapes import shape_of
from tunectl.data.shingles import shingles
from tunectl.data.sniff import sniff
from tunectl.data.spec import DataSpec
from tunectl.data.streams import opened

if TYPE_CHECKING:
    from tunectl.data.shingles import Numbers, Owners

WORDS = 12
LIMIT = 4_000_000
_BATCH = 1 << 20  # characters
_TAIL = 2_000  # characters that hold twelve words
_TABLES = (".csv", ".tsv")


@dataclass(frozen=True, slots=True)
class Known:
    """The sequences of one file.

    Attributes:
        name: the file as shown.
        numbers: in rising order, each once.
        every: 1 when all are kept, else one in so many.
    """

    name: str
    numbers: Numbers
    every: int

    def among(self, texts: list[str]) -> list[int]:
        """The places of the texts that share a sequence, rising."""
        import numpy as np

        found, owners = sequences(texts)
        if not len(found) or not len(self.numbers):
            return []
        at = np.minimum(np.searchsorted(self.numbers, found), len(self.numbers) - 1)
        places: list[int] = np.unique(owners[self.numbers[at] == found]).tolist()
        return places


def sequences(texts: list[str], every: int = 1) -> tuple[Numbers, Owners]:
    """The sequences of some texts in rising order, and beside each the place of its text."""
    numbers, owners = shingles([half for text in texts for half in (text, "")], every, WORDS)
    return numbers, owners >> 1


def spoken(row: Row) -> str:
    """What of a canonical row is compared: all that is said, without system messages."""
    return "\n".join(asked_and_answered(row))


def known(spec: DataSpec, root: Path, problems: Problems) -> tuple[Known, ...]:
    """Read the files that a dataset is compared with; what cannot be read goes to the problems."""
    files = [
        file
        for source in spec.against
        for file in find_files(DataSpec(source=source), root, problems)
    ]
    return tuple(_known(file, LIMIT // len(files), problems) for file in files)


def _known(file: DataFile, limit: int, problems: Problems) -> Known:
    import numpy as np

    every, kept, waiting, size = 1, np.empty(0, np.uint64), list[str](), 0

    def take() -> None:
        nonlocal every, kept
        kept = np.union1d(kept, sequences(waiting, every)[0])
        while len(kept) > limit:
            every *= 2
            kept = kept[kept & np.uint64(every - 1) == 0]
        waiting.clear()

    for text in _texts(file, problems):
        waiting.append(text)
        size += len(text)
        if size >= _BATCH:
            take()
            size = 0
    take()
    return Known(file.name, kept, every)


def _texts(file: DataFile, problems: Problems) -> Iterator[str]:
    try:
        with opened(file) as (head, _):
            kind = sniff(head, file.name, Problems(None, {}))
    except OSError:  # told by the reader
        kind = "jsonl"
    if kind in ("jsonl", "array") or (kind == "csv" and file.name.lower().endswith(_TABLES)):
        for _, _, value in read_file(file, problems):
            yield _of_row(value)
    else:
        yield from _of_text(file, problems)


def _of_row(value: Row) -> str:
    shape = shape_of(value)
    if shape is None or shape.parts is not None:
        return "\n".join(_strings(value))
    return spoken(value if shape.canonical is None else shape.canonical(dict(value)))


def _strings(value: Json) -> Iterator[str]:
    todo: list[Json] = [value]
    while todo:
        one = todo.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            todo.extend(reversed(one.values()))
        elif isinstance(one, list):
            todo.extend(reversed(one))


def _of_text(file: DataFile, problems: Problems) -> Iterator[str]:
    """A text in pieces that share their last words, so that no sequence is lost between two."""
    before = ""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    try:
        with opened(file) as (_, stream):
            while piece := stream.read(_BATCH):
                text = before + decoder.decode(piece)
                yield text
                before = text[-_TAIL:]
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        problems.cannot(
            "not-utf8",
            f"`{file.name}` is not UTF-8",
            file=file.name,
            hint="rows are compared with a text or a dataset in UTF-8",
        )
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        problems.cannot("unreadable", f"`{file.name}` cannot be read: {why}", file=file.name)
