"""Building an index: cut, embed what is new, write one file, put it in place in one step."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from glob import escape
from pathlib import Path

from tunectl.retrieval.centering import script
from tunectl.retrieval.chunking import Chunk, chunks
from tunectl.retrieval.document import NONE, Document, Settings
from tunectl.retrieval.embedding import embedder, embedding_model, needed
from tunectl.retrieval.errors import RetrievalError
from tunectl.retrieval.folding import codes, folded
from tunectl.retrieval.schema import APPLICATION, FORMAT, SCHEMA

_TOGETHER = 32  # passages embedded in one call

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Built:
    """What was built.

    Attributes:
        documents: the content hash of each, by source.
        chunks: how many passages there are.
        embedded: how many of them were embedded now.
        reused: how many kept the embedding they had in the index before.
        sha256: of the file, hexadecimal.
    """

    documents: Mapping[str, str]
    chunks: int
    embedded: int
    reused: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Row:
    name: str
    document: int
    chunk: Chunk
    sha256: str

    @property
    def embedded_text(self) -> str:
        """What is embedded: the headings tell what a passage is about."""
        title, text = self.chunk.title, self.chunk.text
        return f"{title}\n{text}" if title else text


def build(
    path: str | Path,
    documents: Iterable[Document],
    settings: Settings,
    previous: str | Path | None = None,
    progress: Progress | None = None,
) -> Built:
    """Write the index of these documents; the file is replaced when it is whole and durable.

    What an interrupted build has embedded lies beside the file and is used by the next one. The
    same documents and settings give the same file.

    Args:
        path: the file, made with its folder.
        documents: what to search in; each source once.
        settings: how.
        previous: an index, often the one at `path`, whose embeddings are used again.
        progress: told how many passages of how many have their embedding.

    Raises:
        RetrievalError: a source is given twice, or the model is unknown.
        MissingEmbedderError: the embedding model is not installed; nothing was written.
        OSError: the file cannot be written.
    """
    if settings.embedding != NONE:
        needed(settings.embedding)
    digests, rows = _cut(documents, settings)
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    known = _embeddings(previous, settings.embedding) if previous is not None else {}
    left = [file for file in unfinished(place) if not _being_written(file)]
    for file in left:
        known |= _embeddings(file, settings.embedding)
    temporary = place.with_name(f".{place.name}.{secrets.token_hex(8)}.tmp")
    try:
        with _held(temporary):
            fresh, digest = _written(temporary, settings, digests, rows, known, progress)
            temporary.replace(place)
    except sqlite3.Error as error:
        temporary.unlink(missing_ok=True)
        raise RetrievalError(f"the index `{place.name}` cannot be written: {error}") from error
    except BaseException:
        if settings.embedding == NONE:
            temporary.unlink(missing_ok=True)
        raise
    for file in left:
        file.unlink(missing_ok=True)
    _sync_folder(place.parent)
    reused = 0 if settings.embedding == NONE else len(rows) - fresh
    return Built(digests, len(rows), fresh, reused, digest)


def unfinished(path: str | Path) -> list[Path]:
    """Return what interrupted builds of an index left beside it; the next build uses it up."""
    place = Path(path)
    return sorted(place.parent.glob(f".{escape(place.name)}.*.tmp"))


def _written(
    temporary: Path,
    settings: Settings,
    digests: Mapping[str, str],
    rows: Sequence[_Row],
    known: Mapping[str, bytes],
    progress: Progress | None,
) -> tuple[int, str]:
    """Write a whole index; return how many passages were embedded, and the file's hash."""
    with closing(sqlite3.connect(temporary)) as database:
        _prepare(database, settings, digests)
        fresh = _fill(database, rows, settings.embedding, known, progress)
    return fresh, _durable(temporary)


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a file while it is written, so that nobody takes it for a leftover."""
    with path.open("xb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _being_written(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    return False


def _cut(documents: Iterable[Document], settings: Settings) -> tuple[dict[str, str], list[_Row]]:
    digests: dict[str, str] = {}
    rows: list[_Row] = []
    for document in sorted(documents, key=lambda one: one.source):
        source = _storable(document.source)
        if source in digests:
            raise RetrievalError(f"the document `{source}` is given twice")
        digests[source] = document.digest()
        seen: dict[str, int] = {}
        for chunk in chunks(document, settings):
            sha256 = _sha256(f"{chunk.title}\0{chunk.text}")
            again = seen[sha256] = seen.get(sha256, 0) + 1
            name = _sha256(f"{source}\0{sha256}\0{again}")[:16]
            rows.append(_Row(name, len(digests), chunk, sha256))
    return digests, rows


def _prepare(database: sqlite3.Connection, settings: Settings, digests: Mapping[str, str]) -> None:
    # Nobody reads the file before it is whole, so no journal is needed; it is synced at the end.
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    database.executescript(
        f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {FORMAT};"
    )
    database.executescript(SCHEMA)
    kept = json.dumps(asdict(settings), sort_keys=True)
    contents = _sha256(json.dumps([FORMAT, kept, digests], ensure_ascii=True))
    database.executemany(
        "INSERT INTO settings VALUES (?, ?)", [("settings", kept), ("contents", contents)]
    )
    database.executemany(
        "INSERT INTO documents VALUES (?, ?, ?)",
        [(at, source, sha) for at, (source, sha) in enumerate(digests.items(), start=1)],
    )


def _fill(
    database: sqlite3.Connection,
    rows: Sequence[_Row],
    model: str,
    known: Mapping[str, bytes],
    progress: Progress | None,
) -> int:
    """Write the passages and their words; return how many were embedded."""
    fresh = 0
    for first in range(0, len(rows), _TOGETHER):
        together = rows[first : first + _TOGETHER]
        vectors = {row.sha256: known[row.sha256] for row in together if row.sha256 in known}
        new = [row for row in together if row.sha256 not in vectors]
        if new and model != NONE:
            made = embedder(model).passages([row.embedded_text for row in new]).astype("<f4")
            vectors |= {row.sha256: v.tobytes() for row, v in zip(new, made, strict=True)}
            fresh += len(new)
        for at, row in enumerate(together, start=first + 1):
            _write(database, at, row, vectors.get(row.sha256))
        database.commit()  # what is embedded outlives an interruption
        if progress is not None:
            progress(first + len(together), len(rows))
    database.execute("INSERT INTO words (words) VALUES ('optimize')")
    database.commit()
    return fresh


def _write(database: sqlite3.Connection, at: int, row: _Row, embedding: bytes | None) -> None:
    chunk = row.chunk
    database.execute(
        "INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            at, row.name, row.document, chunk.start, chunk.end, _storable(chunk.title),
            _storable(chunk.text), row.sha256, script(chunk.text), embedding,
        ),
    )  # fmt: skip
    database.execute(
        "INSERT INTO words (rowid, title, text, codes) VALUES (?, ?, ?, ?)",
        (
            at, _storable(folded(chunk.title)), _storable(folded(chunk.text)),
            _storable(" ".join(codes(f"{chunk.title}\n{chunk.text}"))),
        ),
    )  # fmt: skip


def _embeddings(previous: str | Path, model: str) -> dict[str, bytes]:
    """Return the embeddings of an index by what was embedded; none where it does not fit."""
    from tunectl.retrieval.index import connected, read_settings

    try:
        with closing(connected(previous)) as database:
            if model == NONE or read_settings(database, previous).embedding != model:
                return {}
            rows = database.execute("SELECT sha256, embedding FROM chunks")
            whole = 4 * embedding_model(model).dimensions  # bytes
            return {sha: vector for sha, vector in rows if vector and len(vector) == whole}
    except (RetrievalError, sqlite3.Error):
        return {}


def _storable(text: str) -> str:
    """Return a text that SQLite takes: halves of characters are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _durable(path: Path) -> str:
    """Put a file on the disk for good; return its hash."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
