"""Knowledge bases on this machine: one index file each, built here, searched without a server.

Laws: the file is replaced in one step, so a search sees the old documents or the new ones; passages
that did not change keep their embeddings; what `read` tells is what stands in the file: one that
somebody touched is drift, one that is gone or cannot be read is missing. The file lies in
`.tunectl/knowledge/<env>/` of the project and is left out of no backup: nothing in it cannot be
built again.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.core.errors import Diagnostic, ProviderError, Severity
from tunectl.core.ports import Reader, Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Address, Plain, Value
from tunectl.providers.builtin.places import place_of, unusable
from tunectl.providers.instances import made
from tunectl.providers.recorded import Immediate, aged
from tunectl.retrieval.document import NONE, Document, Settings
from tunectl.retrieval.errors import MissingEmbedderError, RetrievalError


@dataclass(frozen=True, slots=True)
class KnowledgeBases(Immediate):
    """Handler of kind `knowledge_base`.

    Attributes:
        project: the project's folder.
        env: the environment, a folder of its own.
    """

    project: Path
    env: str

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say that the embedding model is not installed, or what cannot be built."""
        from tunectl.retrieval.embedding import needed

        try:
            settings = _settings(resource.spec)
            if settings.embedding != NONE:
                needed(settings.embedding)
        except RetrievalError as error:
            hint = error.hint
            if isinstance(error, MissingEmbedderError):
                hint += "; or search by keywords alone: `embedding: none`"
            yield Diagnostic(
                summary=error.message,
                hint=hint,
                code="not-installed" if isinstance(error, MissingEmbedderError) else "embedding",
                severity=Severity.ERROR,
                address=str(resource.address),
                source=resource.source,
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return what stands in the file, None when there is none or it is no index.

        Raises:
            ProviderError: the file is there and cannot be read.
        """
        from tunectl.retrieval.index import read_documents

        path = self.project / instance.id
        try:
            if _sha256(path) == instance.outputs.get("sha256"):
                return instance
            settings, documents = read_documents(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unusable(path, "read", error) from error
        except RetrievalError:
            return None
        there = {**instance.spec, **_told(settings, instance.spec), "documents": documents}
        if _plain(there) == _plain(instance.spec):  # touched where nobody can say what was changed
            return None
        return replace(instance, spec=there)

    def create(self, request: Request) -> Instance:
        """Build the index.

        Raises:
            ProviderError: the file cannot be written, or the embedding model is not installed.
            StaleError: a document is no longer what was planned.
        """
        path = self._path(request.resource.address)
        return self._built(request, path, previous=None)

    def update(self, request: Request) -> Instance:
        """Build the index again, with the embeddings it has of what did not change.

        Raises:
            ProviderError: the file cannot be written, or the embedding model is not installed.
            StaleError: a document is no longer what was planned.
        """
        prior = request.prior
        path = Path(prior.id) if prior else self._path(request.resource.address)
        return aged(self._built(request, path, previous=self.project / path), prior)

    def delete(self, instance: Instance) -> Instance | None:
        """Remove the file; nothing stays.

        Raises:
            ProviderError: it cannot be removed.
        """
        from tunectl.retrieval.building import unfinished

        path = self.project / instance.id
        try:
            for one in (path, *unfinished(path)):
                one.unlink(missing_ok=True)
        except NotADirectoryError:
            return None
        except OSError as error:
            raise unusable(path, "remove", error) from error
        return None

    def _built(self, request: Request, path: Path, previous: Path | None) -> Instance:
        from tunectl.retrieval.building import build

        place = self.project / path
        try:
            found = build(
                place,
                _documents(request.spec, request.reader),
                _settings(request.spec),
                previous=previous,
            )
        except RetrievalError as error:
            raise ProviderError.of(error.message, hint=error.hint) from error
        except (OSError, sqlite3.Error) as error:
            raise unusable(place, "write", error) from error
        retrieval = request.spec.get("retrieval")
        return made(
            request,
            account=BUILTIN,
            id=path.as_posix(),
            outputs={
                "id": path.as_posix(),
                "search": {
                    "type": "local",
                    "index": path.as_posix(),
                    **(retrieval if isinstance(retrieval, Mapping) else {}),
                },
                "documents": len(found.documents),
                "sha256": found.sha256,
            },
        )

    def _path(self, address: Address) -> Path:
        """Return where the index of an address lies, relative to the project."""
        return place_of("knowledge", self.env, address, ".db")


def _documents(spec: Mapping[str, Plain], reader: Reader) -> Iterator[Document]:
    given = spec.get("documents")
    for name, sha256 in (given if isinstance(given, Mapping) else {}).items():
        with reader.open({"document": name, "sha256": sha256}) as stream:
            text = stream.read().decode("utf-8", "replace")
        yield Document(name, text, sha256=str(sha256))


def _settings(spec: Mapping[str, Value]) -> Settings:
    """Return how an index is to be built; an offline check may not know all of it yet.

    Raises:
        RetrievalError: that cannot be.
    """
    usual = Settings()
    chunking, embedding = spec.get("chunking"), spec.get("embedding")
    chunked = chunking if isinstance(chunking, Mapping) else {}
    model = embedding.get("model") if isinstance(embedding, Mapping) else None
    size, overlap = chunked.get("size"), chunked.get("overlap")
    return Settings(
        size=size if isinstance(size, int) else usual.size,
        overlap=overlap if isinstance(overlap, int) else usual.overlap,
        embedding=str(model) if model else usual.embedding,
    )


def _told(settings: Settings, declared: Mapping[str, Plain]) -> dict[str, Plain]:
    """Return what an index says of how it was built, in the words of the declaration."""
    found: dict[str, Plain] = {}
    if "chunking" in declared:
        found["chunking"] = {"size": settings.size, "overlap": settings.overlap}
    if "embedding" in declared:
        found["embedding"] = {"model": settings.embedding}
    return found


def _plain(value: Plain) -> Plain:
    """Return a value whose mappings compare by content alone."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    return value


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
