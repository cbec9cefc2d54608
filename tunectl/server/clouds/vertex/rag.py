"""RAG Engine: corpora, the files that are imported into them, and what a question finds.

Sources: google-cloud-aiplatform 2.7.0, `VertexRagDataService` and `VertexRagService` v1; Google
Cloud, "Manage your RAG corpus", "Managing Spanner mode" (2026-11).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.ledger import Kept, Ledger
from tunectl.server.clouds.vertex.refusals import invalid, missing, precondition
from tunectl.server.clouds.wire import Answered, Left

_IMPORTING = "ImportRagFilesOperationMetadata"
_MOST_URIS = 25  # Google Cloud, "Use RAG Engine": files of one import
_FORMATS = (".md", ".txt", ".html", ".json", ".jsonl", ".ndjson")
_LARGEST = 10 * 1024 * 1024  # Google Cloud, "Supported document types": bytes of a text file
_SIZE, _LETTERS = 1024, 5  # tokens of a chunk; letters of a word that count
_OUTPUT = frozenset({"name", "createTime", "updateTime", "corpusStatus"})


@dataclass
class Corpus:
    """One corpus; its files by name, their chunks by the same."""

    kept: Kept
    files: dict[str, Kept] = field(default_factory=dict)
    chunks: dict[str, tuple[str, ...]] = field(default_factory=dict)


def find(ledger: Ledger, name: str) -> Corpus:
    """Return a corpus.

    Raises:
        Refused: there is none.
    """
    found: Corpus | None = ledger.corpora.get(name)
    if found is None:
        raise missing(f"RagCorpus {name} is not found.")
    return found


def _of_file(call: Call) -> str:
    return call.name.partition("/ragFiles")[0]


def create(call: Call) -> Answered:
    """`POST …/ragCorpora`: an operation; the first one sets up the project's database."""
    ledger, body = call.ledger, call.body("RagCorpus", "rag_corpus")
    if call.location == "global":
        raise invalid("RAG Engine is not available in the location global.")
    if not body.get("displayName"):
        raise invalid("Missing required field: display_name", "rag_corpus.display_name")
    if len(body["displayName"]) > 128:
        raise invalid("display_name has more than 128 characters.", "rag_corpus.display_name")
    name = f"{call.parent}/ragCorpora/{ledger.new_id()}"
    kept = {key: value for key, value in body.items() if key not in _OUTPUT}

    def effect() -> tuple[str, Kept]:
        stamp = ledger.stamp()
        kept.update(name=name, createTime=stamp, updateTime=stamp, corpusStatus={"state": "ACTIVE"})
        ledger.corpora[name] = Corpus(kept)
        ledger.rag_engines.add(call.parent)
        return "RagCorpus", dict(kept)

    return call.begin(name, "CreateRagCorpusOperationMetadata", effect)


def get(call: Call) -> Answered:
    """`GET …/ragCorpora/ID`."""
    return call.answer("RagCorpus", find(call.ledger, call.name).kept)


def list_corpora(call: Call) -> Answered:
    """`GET …/ragCorpora`, the newest first."""
    found = [
        one.kept
        for name, one in reversed(call.ledger.corpora.items())
        if name.startswith(f"{call.parent}/ragCorpora/")
    ]
    return call.listed("ListRagCorporaResponse", "ragCorpora", found)


def update(call: Call) -> Answered:
    """`PATCH …/ragCorpora/ID`: its name and description; what it is made on stays."""
    corpus, body = find(call.ledger, call.name), call.body("RagCorpus", "rag_corpus")
    for fixed in ("vectorDbConfig", "encryptionSpec"):
        if fixed in body and body[fixed] != corpus.kept.get(fixed):
            raise invalid(f"{fixed} cannot be changed.", f"rag_corpus.{fixed}")

    def effect() -> tuple[str, Kept]:
        for key in ("displayName", "description"):
            if key in body:
                corpus.kept[key] = body[key]
        corpus.kept["updateTime"] = call.ledger.stamp()
        return "RagCorpus", dict(corpus.kept)

    return call.begin(call.name, "UpdateRagCorpusOperationMetadata", effect)


def delete(call: Call) -> Answered:
    """`DELETE …/ragCorpora/ID[?force=true]`: without force only an empty one."""
    ledger, name = call.ledger, call.name
    corpus = find(ledger, name)
    if corpus.files and call.asked.param("force") != "true":
        raise precondition(f"RagCorpus {name} is not empty: it has {len(corpus.files)} RagFiles.")
    _check_idle(call, name)

    def effect() -> tuple[str, Kept]:
        ledger.corpora.pop(name, None)
        return "Empty", {}

    return call.begin(name, "DeleteOperationMetadata", effect)


def import_files(call: Call) -> Answered:
    """`POST …/ragCorpora/ID/ragFiles:import`: an operation, one at a time."""
    name = _of_file(call)
    corpus = find(call.ledger, name)
    config = call.body("ImportRagFilesRequest").get("importRagFilesConfig") or {}
    uris = (config.get("gcsSource") or {}).get("uris") or []
    if not 1 <= len(uris) <= _MOST_URIS:
        raise invalid(f"The number of URIs must be from 1 to {_MOST_URIS}.", "gcs_source.uris")
    cut = (config.get("ragFileTransformationConfig") or {}).get("ragFileChunkingConfig") or {}
    fixed = cut.get("fixedLengthChunking") or {}
    size, overlap = int(fixed.get("chunkSize", _SIZE)), int(fixed.get("chunkOverlap", 0))
    if overlap >= size:
        raise invalid("chunk_overlap must be less than chunk_size.")
    _check_idle(call, name)

    def effect() -> tuple[str, Kept]:
        counts = {"importedRagFilesCount": 0, "failedRagFilesCount": 0, "skippedRagFilesCount": 0}
        there = {one["gcsSource"]["uris"][0] for one in corpus.files.values()}
        for uri in uris:
            if uri in there:
                counts["skippedRagFilesCount"] += 1
                continue
            text, wrong = _text(call.ledger, uri)
            counts["failedRagFilesCount" if wrong else "importedRagFilesCount"] += 1
            if not wrong or text is not None:
                _keep(call.ledger, corpus, name, uri, text or "", wrong, size)
        return "ImportRagFilesResponse", dict(counts)

    return call.begin(name, _IMPORTING, effect, importRagFilesConfig=config)


def _keep(
    ledger: Ledger, corpus: Corpus, name: str, uri: str, text: str, wrong: str, size: int
) -> None:
    file, stamp, words = f"{name}/ragFiles/{ledger.new_id()}", ledger.stamp(), text.split()
    status: Kept = {"state": "ERROR", "errorStatus": wrong} if wrong else {"state": "ACTIVE"}
    corpus.files[file] = {
        "name": file,
        "displayName": uri.rpartition("/")[2],
        "gcsSource": {"uris": [uri]},
        "createTime": stamp,
        "updateTime": stamp,
        "fileStatus": status,
    }
    chunks = (" ".join(words[at : at + size]) for at in range(0, len(words), size))
    corpus.chunks[file] = () if wrong else tuple(chunks)


def _text(ledger: Ledger, uri: str) -> tuple[str | None, str]:
    """Return a document's text, and what is wrong with it; no text where there is no object."""
    bucket, _, key = uri.removeprefix("gs://").partition("/")
    stored = ledger.buckets.find(bucket, key) if bucket in ledger.buckets.names else None
    if stored is None:
        return None, f"No object {uri}."
    if not key.lower().endswith(_FORMATS):
        return "", f"Unsupported file type: {uri}"
    if len(stored.content) > _LARGEST:
        return "", f"The file {uri} is larger than 10 MB."
    try:
        text = stored.content.decode("utf-8")
    except UnicodeDecodeError:
        return "", f"The file {uri} cannot be parsed."
    return text, "" if text.strip() else f"The file {uri} is empty."


def list_files(call: Call) -> Answered:
    """`GET …/ragCorpora/ID/ragFiles`."""
    found = list(find(call.ledger, _of_file(call)).files.values())
    return call.listed("ListRagFilesResponse", "ragFiles", found)


def get_file(call: Call) -> Answered:
    """`GET …/ragCorpora/ID/ragFiles/ID`."""
    return call.answer("RagFile", _file(call))


def _file(call: Call) -> Kept:
    found = find(call.ledger, _of_file(call)).files.get(call.name)
    if found is None:
        raise missing(f"RagFile {call.name} is not found.")
    return found


def delete_file(call: Call) -> Answered:
    """`DELETE …/ragCorpora/ID/ragFiles/ID`: an operation."""
    corpus, name = find(call.ledger, _of_file(call)), call.name
    _file(call)

    def effect() -> tuple[str, Kept]:
        corpus.files.pop(name, None)
        corpus.chunks.pop(name, None)
        return "Empty", {}

    return call.begin(_of_file(call), "DeleteOperationMetadata", effect)


def _check_idle(call: Call, name: str) -> None:
    if call.ledger.pending(name, _IMPORTING):
        raise precondition(
            f"There are other operations running on the RagCorpus {name.rpartition('/')[2]}. "
            "Please retry after they are done."
        )


def retrieve(call: Call) -> Answered:
    """`POST …:retrieveContexts`: the chunks that share the most words, honestly simulated."""
    body = call.body("RetrieveContextsRequest")
    query = body.get("query") or {}
    asked_for = _words(str(query.get("text") or ""))
    if not asked_for:
        raise invalid("The query text must not be empty.", "query.text")
    resources = (body.get("vertexRagStore") or {}).get("ragResources") or []
    if len(resources) != 1:
        raise invalid("Exactly one RagCorpus is supported.", "vertex_rag_store.rag_resources")
    corpus = find(call.ledger, call.ledger.own_name(str(resources[0].get("ragCorpus"))))
    scored = []
    for name, chunks in corpus.chunks.items():
        file = corpus.files[name]
        for chunk in chunks:
            shared = len(asked_for & _words(chunk)) / len(asked_for)
            if shared:
                scored.append((1 - shared, file["gcsSource"]["uris"][0], chunk, file))
    scored.sort(key=lambda one: one[:3])
    most = int((query.get("ragRetrievalConfig") or {}).get("topK") or 10)
    contexts = [
        {
            "sourceUri": uri,
            "sourceDisplayName": file["displayName"],
            "text": chunk,
            "score": distance,
        }
        for distance, uri, chunk, file in scored[:most]
    ]
    return call.answer("RetrieveContextsResponse", {"contexts": {"contexts": contexts}})


def _words(text: str) -> set[str]:
    return {word[:_LETTERS] for word in re.findall(r"\w+", text.casefold())}


def left(ledger: Ledger) -> Iterator[Left]:
    """Yield the corpora, and the databases that the first of them set up.

    A database stays until somebody takes the whole engine of a location away, and bills until then:
    that is not for a project to do, which is why it counts as what cannot be deleted.
    """
    for name in ledger.corpora:
        yield Left(kind="RAG corpus", name=name)
    for parent in sorted(ledger.rag_engines):
        bills = "100 processing units of Cloud Spanner by the hour, used or not"
        yield Left(kind="RAG Engine", name=f"{parent}/ragEngineConfig", record=True, bills=bills)
