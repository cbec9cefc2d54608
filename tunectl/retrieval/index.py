"""Searching an index: a snapshot of one file, exchanged for a new one when the file is replaced.

Laws: searching is safe from any number of threads; one search sees one version of the file, whole;
no search writes. A file is never changed in place, so it is opened as immutable: no lock, no
journal.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tunectl.retrieval.centering import Centred, centred, script
from tunectl.retrieval.document import EMBEDDINGS, HYBRID, KEYWORDS, MODES, NONE, Settings
from tunectl.retrieval.embedding import embedder, embedding_model, needed
from tunectl.retrieval.errors import MissingEmbedderError, MissingIndexError, RetrievalError
from tunectl.retrieval.keywords import terms
from tunectl.retrieval.passage import Passage
from tunectl.retrieval.ranking import CANDIDATES, fused, keyword_scores, meaning_scores
from tunectl.retrieval.schema import APPLICATION, FORMAT, WEIGHTS

_AGAIN = "run `tunectl apply` to build it again"
_TRIES = 5


def connected(path: str | Path) -> sqlite3.Connection:
    """Open an index to read; the caller closes it.

    Raises:
        MissingIndexError: there is none.
        RetrievalError: the file is not an index, or not one of this version.
    """
    place = Path(path).absolute()
    if not place.is_file():
        raise MissingIndexError(f"there is no index `{path}`", "run `tunectl apply` to build it")
    try:
        database = sqlite3.connect(
            f"{place.as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise RetrievalError(f"the index `{path}` cannot be opened: {error}") from error
    try:
        [(application,)] = database.execute("PRAGMA application_id")
        [(version,)] = database.execute("PRAGMA user_version")
    except sqlite3.Error as error:
        database.close()
        raise RetrievalError(f"`{path}` is not an index: {error}", _AGAIN) from error
    if (application, version) != (APPLICATION, FORMAT):
        database.close()
        what = f"an index of format {version}" if application == APPLICATION else "no index"
        raise RetrievalError(f"`{path}` is {what}; this version reads format {FORMAT}", _AGAIN)
    return database


def read_settings(database: sqlite3.Connection, path: str | Path) -> Settings:
    """Return how an index was built.

    Raises:
        RetrievalError: the file does not say it.
    """
    [(value,)] = database.execute("SELECT value FROM settings WHERE key = 'settings'")
    try:
        return Settings(**json.loads(value))
    except (TypeError, ValueError) as error:
        raise RetrievalError(f"`{path}` is not a whole index: {error}", _AGAIN) from error


def read_documents(path: str | Path) -> tuple[Settings, dict[str, str]]:
    """Return how an index was built, and of which documents: content hashes by source.

    Raises:
        MissingIndexError: there is none.
        RetrievalError: it cannot be read.
    """
    try:
        with closing(connected(path)) as database:
            rows = database.execute("SELECT source, sha256 FROM documents ORDER BY id")
            return read_settings(database, path), dict(rows)
    except (sqlite3.Error, ValueError) as error:
        if isinstance(error, RetrievalError):
            raise
        raise RetrievalError(f"`{path}` is not a whole index: {error}", _AGAIN) from error


@dataclass
class _Snapshot:
    """One version of the file.

    Attributes:
        stamp: what the file system says of it; another stamp is another version.
        contents: what the index says of itself, the same in every connection of a snapshot.
        count: how many passages it has; their numbers are 1 to `count`.
    """

    path: Path
    stamp: tuple[int, ...]
    contents: str
    settings: Settings
    count: int
    idle: deque[sqlite3.Connection] = field(default_factory=deque)
    _centred: Centred | None = None
    _mutex: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that nobody else uses meanwhile.

        Raises:
            _ReplacedError: the file is another one by now.
        """
        try:
            database = self.idle.pop()
        except IndexError:
            database = connected(self.path)
            if _contents(database) != self.contents:
                database.close()
                raise _ReplacedError from None
        try:
            yield database
        finally:
            self.idle.append(database)

    def vectors(self, database: sqlite3.Connection) -> Centred:
        """Return all embeddings, ready to be compared; read once."""
        import numpy as np

        with self._mutex:
            if self._centred is None:
                known = embedding_model(self.settings.embedding)
                rows = database.execute("SELECT embedding, script FROM chunks ORDER BY id")
                blobs, scripts = zip(*rows, strict=True) if self.count else ((), ())
                vectors = np.frombuffer(b"".join(blobs), dtype="<f4").reshape(-1, known.dimensions)
                self._centred = centred(vectors, scripts, known.centred)
            return self._centred

    def close(self) -> None:
        """Close what is idle."""
        while self.idle:
            self.idle.pop().close()


class _ReplacedError(Exception):
    pass


class Index:
    """An index that can be searched from many threads. Close it, or use it in a `with`."""

    def __init__(self, path: str | Path) -> None:
        """Open an index.

        Raises:
            MissingIndexError: there is none.
            RetrievalError: it is not one of this version.
        """
        self._path = Path(path)
        self._mutex = threading.Lock()
        self._snapshot = _taken(self._path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; a search afterwards opens it again."""
        self._snapshot.close()

    @property
    def settings(self) -> Settings:
        """How the index was built."""
        return self._current().settings

    @property
    def passages(self) -> int:
        """How many passages it has."""
        return self._current().count

    def search(
        self, query: str, top_k: int, mode: str = HYBRID, min_score: float = 0.0
    ) -> list[Passage]:
        """Return the passages that fit best, best first.

        An index without embeddings is searched by keywords whatever `hybrid` says; `embeddings`
        is refused there.

        Args:
            query: the question.
            top_k: how many at most.
            mode: `hybrid`, `keywords` or `embeddings`.
            min_score: passages that score less, of 0 to 1, are left out.

        Raises:
            MissingEmbedderError: the index has embeddings, and the model that made them is not
                installed, so that the question cannot be embedded; `mode="keywords"` can do
                without it.
            RetrievalError: the index cannot be read, or there is no such mode.
        """
        if mode not in MODES:
            raise RetrievalError(f"there is no mode `{mode}`", "there are " + ", ".join(MODES))
        if top_k < 1 or not query.strip():
            return []
        for _ in range(_TRIES):
            snapshot = self._current()
            try:
                with snapshot.connection() as database:
                    scores = _scores(snapshot, database, query, mode)
                    best = [(at, score) for at, score in scores if score >= min_score][:top_k]
                    return _passages(database, best)
            except _ReplacedError:
                continue
            except sqlite3.Error as error:
                raise RetrievalError(
                    f"the index `{self._path}` cannot be searched: {error}", _AGAIN
                ) from error
        raise RetrievalError(f"the index `{self._path}` is replaced again and again", "try again")

    def _current(self) -> _Snapshot:
        if _stamp(self._path) == self._snapshot.stamp:
            return self._snapshot
        with self._mutex:
            if _stamp(self._path) != self._snapshot.stamp:
                before, self._snapshot = self._snapshot, _taken(self._path)
                before.close()
            return self._snapshot


def open_index(path: str | Path) -> Index:
    """Open an index to search in.

    Raises:
        MissingIndexError: there is none.
        RetrievalError: it is not one of this version.
    """
    return Index(path)


def _taken(path: Path) -> _Snapshot:
    for _ in range(_TRIES):
        stamp = _stamp(path)
        try:
            with closing(connected(path)) as database:
                settings, contents = read_settings(database, path), _contents(database)
                [(count,)] = database.execute("SELECT count(*) FROM chunks")
        except (sqlite3.Error, ValueError) as error:
            if isinstance(error, RetrievalError):
                raise
            raise RetrievalError(f"`{path}` is not a whole index: {error}", _AGAIN) from error
        if _stamp(path) == stamp:
            return _Snapshot(path, stamp, contents, settings, count)
    raise RetrievalError(f"the index `{path}` is replaced again and again", "try again")


def _stamp(path: Path) -> tuple[int, ...]:
    try:
        found = os.stat(path)
    except OSError as error:
        raise MissingIndexError(
            f"there is no index `{path}`", "run `tunectl apply` to build it"
        ) from error
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


def _contents(database: sqlite3.Connection) -> str:
    [(contents,)] = database.execute("SELECT value FROM settings WHERE key = 'contents'")
    return str(contents)


def _scores(
    snapshot: _Snapshot, database: sqlite3.Connection, query: str, mode: str
) -> list[tuple[int, float]]:
    model = snapshot.settings.embedding
    if mode == EMBEDDINGS and model == NONE:
        raise RetrievalError(
            f"the index `{snapshot.path.name}` has no embeddings", "search it by keywords"
        )
    if mode == KEYWORDS or model == NONE:
        found = _by_keywords(database, query, snapshot.count)
        return sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return _with_meaning(snapshot, database, query, mode)


def _with_meaning(
    snapshot: _Snapshot, database: sqlite3.Connection, query: str, mode: str
) -> list[tuple[int, float]]:
    model = snapshot.settings.embedding
    try:
        needed(model)
    except MissingEmbedderError as error:
        raise MissingEmbedderError(
            error.message, f"{error.hint}, or search with `mode: keywords`"
        ) from error
    cosines = snapshot.vectors(database).cosines(embedder(model).query(query), script(query))
    known = embedding_model(model)
    meaning = meaning_scores(cosines, known.unrelated, known.same)
    if mode == EMBEDDINGS:
        return fused({}, meaning)
    return fused(_by_keywords(database, query, snapshot.count), meaning)


def _by_keywords(database: sqlite3.Connection, query: str, count: int) -> Mapping[int, float]:
    parts = terms(query)
    if not parts:
        return {}
    frequencies = [
        database.execute("SELECT count(*) FROM words WHERE words MATCH ?", (part,)).fetchone()[0]
        for part in parts
    ]
    weights = ", ".join(str(weight) for weight in WEIGHTS)
    rows = database.execute(
        f"SELECT rowid, -bm25(words, {weights}) AS fit FROM words WHERE words MATCH ? "  # noqa: S608  # our own numbers
        "ORDER BY fit DESC, rowid LIMIT ?",
        (" OR ".join(parts), CANDIDATES),
    )
    return keyword_scores(rows, frequencies, count)


def _passages(database: sqlite3.Connection, best: Sequence[tuple[int, float]]) -> list[Passage]:
    found = []
    for at, score in best:
        name, text, source, title = database.execute(
            "SELECT name, text, source, title FROM chunks "
            "JOIN documents ON documents.id = document WHERE chunks.id = ?",
            (at,),
        ).fetchone()
        found.append(Passage(id=name, text=text, source=source, title=title, score=score))
    return found
