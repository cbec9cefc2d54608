"""A corpus of RAG Engine: its files, what is imported into it, and whose it is.

An import runs alone: while one does, every other change of the corpus is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunectl.core.errors import ConflictError, NotFoundError, UnknownOutcomeError
from tunectl.core.ports import Mark
from tunectl.core.value import Address, Plain
from tunectl.providers.documents import Document, Indexed, Place
from tunectl.providers.vertex.client import RAG, Cloud, as_json
from tunectl.providers.vertex.document_names import document_id
from tunectl.providers.vertex.operations import finished, insisting, seen
from tunectl.providers.vertex.places import location_of

BATCH = 25  # Google Cloud, "Use RAG Engine" (2026-11): files of one import
_DELETED_AT_ONCE = 20
_SIZE, _OVERLAP = 1024, 256  # tokens, where one of the two is said and the other is not
_NOTE = re.compile(r"tunectl (\{.*\})")


def note_of(mark: Mark, description: str) -> str:
    """Return a corpus's description: the user's words, then whose it is.

    A corpus has neither labels nor metadata.
    """
    said = {
        "lineage": mark.lineage,
        "project": mark.project,
        "env": mark.env,
        "address": str(mark.address),
        "op": mark.op,
    }
    text = f"tunectl {json.dumps(said, ensure_ascii=False)}"
    return f"{description} ({text})" if description else text


def mark_in(description: str) -> Mark | None:
    """Return the owner mark in a description; None where it is not there as a whole."""
    found = _NOTE.search(description)
    if found is None:
        return None
    try:
        said = json.loads(found[1])
        return Mark(
            lineage=str(said["lineage"]),
            project=str(said["project"]),
            env=str(said["env"]),
            address=Address.parse(str(said["address"])),
            op=str(said["op"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Import:
    """What became of an import.

    Attributes:
        uris: what was to be imported, as far as that is told.
        failed: how many were not.
        error: why none was; empty where some were.
    """

    done: bool
    uris: tuple[str, ...] = ()
    failed: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Corpus:
    """One corpus.

    Attributes:
        name: `projects/P/locations/L/ragCorpora/ID`.
    """

    cloud: Cloud
    name: str

    def look(self) -> Mapping[str, Any]:
        """Return it as it is now, as its REST route tells it.

        Raises:
            NotFoundError: there is none.
        """
        return self.cloud.ask(
            f"read the corpus `{self.name}`",
            lambda: as_json(self._client().get_rag_corpus(name=self.name, **self.cloud.plain)),
        )

    def files(self) -> list[Indexed]:
        """Return every file; one that we did not import is known by its own name alone."""
        found = self.cloud.ask(
            f"list the files of `{self.name}`",
            lambda: [
                as_json(one)
                for one in self._client().list_rag_files(
                    parent=self.name, retry=None, timeout=self.cloud.ask_seconds
                )
            ],
        )
        return [_indexed(one) for one in found]

    def begin_import(self, documents: Sequence[Document], spec: Mapping[str, Plain]) -> str:
        """Begin to import documents; return the operation, empty where another one runs."""

        def begin() -> str:
            from google.cloud import aiplatform_v1 as api

            config = api.ImportRagFilesConfig(
                gcs_source=api.GcsSource(uris=[one.file for one in documents])
            )
            cut = _chunking(spec)
            if cut is not None:
                fixed = api.RagFileChunkingConfig.FixedLengthChunking(
                    chunk_size=cut[0], chunk_overlap=cut[1]
                )
                config.rag_file_transformation_config = api.RagFileTransformationConfig(
                    rag_file_chunking_config=api.RagFileChunkingConfig(fixed_length_chunking=fixed)
                )
            made = self._client(once=True).import_rag_files(
                parent=self.name, import_rag_files_config=config, **self.cloud.plain
            )
            return str(made.operation.name)

        try:
            return self.cloud.tell(f"import documents into `{self.name}`", begin)
        except (ConflictError, UnknownOutcomeError):
            return ""  # the next list of files tells what came of it

    def imported(self, operation: str) -> Import:
        """Tell how an import goes."""
        try:
            answer = self.cloud.ask(
                f"follow the import `{operation}`",
                lambda: self.cloud.get_json(location_of(operation), f"v1/{operation}"),
            )
        except NotFoundError:
            return Import(done=True)  # only ended operations are forgotten
        now, response = seen(answer), answer.get("response") or {}
        config = (answer.get("metadata") or {}).get("importRagFilesConfig") or {}
        return Import(
            done=now.done,
            uris=tuple((config.get("gcsSource") or {}).get("uris") or ()),
            failed=int(response.get("failedRagFilesCount") or 0),
            error=now.error,
        )

    def drop(self, surplus: Sequence[Indexed]) -> None:
        """Delete some files, and wait until they are gone; what is left of them is for later."""
        begun = []
        for one in surplus[:_DELETED_AT_ONCE]:
            doing = f"delete the file `{one.name}`"
            try:
                begun.append((self.cloud.tell(doing, partial(self._drop, one.name)), doing))
            except (NotFoundError, ConflictError, UnknownOutcomeError):
                continue  # the next list of files tells
        for operation, doing in begun:
            finished(self.cloud, operation, doing)

    def _drop(self, name: str) -> str:
        client = self._client(once=True)
        return str(client.delete_rag_file(name=name, **self.cloud.plain).operation.name)

    def describe(self, display_name: str, description: str) -> None:
        """Change what people read about it."""
        doing = f"change the corpus `{self.name}`"

        def begin() -> str:
            from google.cloud import aiplatform_v1 as api

            corpus = api.RagCorpus(
                name=self.name, display_name=display_name, description=description
            )
            made = self._client(once=True).update_rag_corpus(rag_corpus=corpus, **self.cloud.plain)
            return str(made.operation.name)

        finished(self.cloud, self.cloud.tell(doing, begin), doing)

    def remove(self) -> None:
        """Delete it with all that is in it: whoever calls has looked."""
        doing = f"delete the corpus `{self.name}`"

        def begin() -> str:
            from google.cloud import aiplatform_v1 as api

            asked = api.DeleteRagCorpusRequest(name=self.name, force=True)
            made = self._client(once=True).delete_rag_corpus(asked, **self.cloud.plain)
            return str(made.operation.name)

        def once() -> None:
            finished(self.cloud, self.cloud.tell(doing, begin), doing)

        try:
            insisting(once)
        except NotFoundError:
            return

    def _client(self, *, once: bool = False) -> Any:  # noqa: ANN401  # the SDK's client
        return self.cloud.service(RAG, location_of(self.name), once=once)


def _indexed(file: Mapping[str, Any]) -> Indexed:
    uris = (file.get("gcsSource") or {}).get("uris") or ("",)
    status, name = file.get("fileStatus") or {}, str(file.get("name"))
    failed = status.get("state") == "ERROR"
    return Indexed(
        id=document_id(str(uris[0])) or str(uris[0]) or name,
        place=Place.FAILED if failed else Place.THERE,
        reason=str(status.get("errorStatus") or "") if failed else "",
        name=name,
    )


def _chunking(spec: Mapping[str, Plain]) -> tuple[int, int] | None:
    """Return size and overlap in tokens; None where nothing is said."""
    found = spec.get("chunking")
    given = found if isinstance(found, Mapping) else {}
    size, overlap = given.get("size"), given.get("overlap")
    if size is None and overlap is None:
        return None
    tokens = size if isinstance(size, int) else _SIZE
    return tokens, overlap if isinstance(overlap, int) else min(_OVERLAP, tokens // 2)
