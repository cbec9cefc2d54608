"""Data sources, and the documents that are put into one directly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tunectl.server.clouds.bedrock.knowledge import (
    NAME,
    KnowledgeBase,
    body_of_list,
    known,
    later,
    remember,
    token_of,
)
from tunectl.server.clouds.bedrock.refused import Refused, invalid
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of, iso, matched, needed, turned_page
from tunectl.server.clouds.wire import Asked

_CREATE = "CreateDataSource"
_MOST_DOCUMENTS = 10  # botocore 1.44.5, KnowledgeBaseDocuments
_MOST_AT_ONCE = 10  # user guide, quotas: ingest and delete requests of an account under way
_LARGEST = 50 * 1024 * 1024  # user guide, supported document formats: bytes of one file
_FORMATS = (".txt", ".md", ".html", ".csv")  # of the user guide's, those that are text
_WORDS = 400  # of a passage where no chunking is asked for
_CUSTOM: Mapping[str, Any] = {"type": "CUSTOM"}


@dataclass
class Document:
    """One document.

    Attributes:
        status: of botocore's DocumentStatus.
        until: when the state that is under way ends.
        request: the number of the request that it came or goes with.
    """

    id: str
    uri: str
    status: str
    changed: datetime
    until: datetime
    request: int
    reason: str = ""
    passages: tuple[str, ...] = ()


@dataclass
class DataSource:
    """One data source."""

    id: str
    knowledge: str
    name: str
    configuration: Mapping[str, Any]
    ingestion: Mapping[str, Any]
    policy: str
    created: datetime
    until: datetime
    status: str = "CREATING"
    reasons: tuple[str, ...] = ()
    documents: dict[str, Document] = field(default_factory=dict)


def create(shelf: Shelf, asked: Asked, knowledge: str) -> dict[str, Any]:
    """Answer CreateDataSource.

    Raises:
        Refused: a rule is broken.
    """
    body, base = body_of(asked), known(shelf, knowledge)
    before = token_of(shelf, _CREATE, body)
    if before is not None and before in base.sources:
        return {"dataSource": _shown(base.sources[before])}
    needed(body, "name", "dataSourceConfiguration")
    name = matched("name", body["name"], NAME, 200)
    if base.status != "ACTIVE":
        message = f"Knowledge base {base.id} is in status {base.status}."
        raise Refused("ConflictException", message, 409)
    ingestion = body.get("vectorIngestionConfiguration") or {}
    _check(base, body["dataSourceConfiguration"], ingestion)
    if any(one.name == name for one in base.sources.values()):
        raise Refused("ConflictException", f"Data source {name} exists already.", 409)
    one = DataSource(
        id=shelf.new_id()[:10].upper(),
        knowledge=base.id,
        name=name,
        configuration=body["dataSourceConfiguration"],
        ingestion=ingestion,
        policy=str(body.get("dataDeletionPolicy") or "DELETE"),
        created=shelf.now(),
        until=later(shelf),
        status="CREATING" if base.managed else "AVAILABLE",  # of managed ones alone it takes time
    )
    base.sources[one.id] = one
    remember(shelf, _CREATE, body, one.id)
    return {"dataSource": _shown(one)}


def _check(
    base: KnowledgeBase, configuration: Mapping[str, Any], ingestion: Mapping[str, Any]
) -> None:
    chunking = ingestion.get("chunkingConfiguration")
    if base.managed:
        given = configuration.get("managedKnowledgeBaseConnectorConfiguration") or {}
        if configuration.get("type") != "MANAGED_KNOWLEDGE_BASE_CONNECTOR":
            raise invalid("Unsupported data source type for MANAGED knowledge base type")
        if given.get("connectorParameters") != {"type": "CUSTOM", "version": "1"}:
            raise invalid("The connectorParameters are not supported.")
        own = base.configuration.get("managedKnowledgeBaseConfiguration") or {}
        if chunking and own.get("embeddingModelType") != "CUSTOM":
            raise invalid("chunkingConfiguration is not supported with a managed embedding model")
    elif configuration != _CUSTOM:
        raise invalid("Unsupported data source type for VECTOR knowledge base type")
    if chunking and chunking.get("chunkingStrategy") == "FIXED_SIZE":
        fixed = chunking.get("fixedSizeChunkingConfiguration") or {}
        needed(fixed, "maxTokens", "overlapPercentage")
        if not 1 <= fixed["overlapPercentage"] <= 99 or not 1 <= fixed["maxTokens"] <= 8192:
            raise invalid("The fixedSizeChunkingConfiguration is out of range.")


def get(shelf: Shelf, knowledge: str, id_: str) -> dict[str, Any]:
    """Answer GetDataSource.

    Raises:
        Refused: there is none.
    """
    return {"dataSource": _shown(_source(shelf, knowledge, id_))}


def find(shelf: Shelf, asked: Asked, knowledge: str) -> dict[str, Any]:
    """Answer ListDataSources.

    Raises:
        Refused: there is no such knowledge base.
    """

    def shown(one: DataSource) -> dict[str, Any]:
        told = _shown(one)
        kept = ("knowledgeBaseId", "dataSourceId", "name", "status", "updatedAt")
        return {key: told[key] for key in kept}

    every = known(shelf, knowledge).sources.values()
    return turned_page(body_of_list(asked), "dataSourceSummaries", every, shown)


def delete(shelf: Shelf, knowledge: str, id_: str) -> dict[str, Any]:
    """Answer DeleteDataSource: its vectors go with it, unless they are to be kept.

    Raises:
        Refused: there is none, or something is being put into it.
    """
    one = _source(shelf, knowledge, id_)
    if any(_moving(document) for document in one.documents.values()):
        message = "The data source has documents that are being ingested or deleted."
        raise Refused("ConflictException", message, 409)
    one.status, one.until = "DELETING", later(shelf)
    return {"knowledgeBaseId": knowledge, "dataSourceId": id_, "status": one.status}


def ingest(shelf: Shelf, asked: Asked, knowledge: str, id_: str) -> dict[str, Any]:
    """Answer IngestKnowledgeBaseDocuments.

    Raises:
        Refused: a rule is broken, or too much is under way.
    """
    body, one = body_of(asked), _source(shelf, knowledge, id_)
    given = body.get("documents") or []
    number = _begun(shelf, one, len(given))
    found = []
    for each in given:
        content = each["content"]
        custom = content.get("custom") or {}
        if content.get("dataSourceType") != "CUSTOM" or custom.get("sourceType") != "S3_LOCATION":
            raise invalid("The content does not match the type of the data source.")
        key = str(custom["customDocumentIdentifier"]["id"])
        document = Document(
            id=key,
            uri=str(custom["s3Location"]["uri"]),
            status="STARTING",
            changed=shelf.now(),
            until=later(shelf),
            request=number,
        )
        one.documents[key] = document
        found.append(_told(one, document))
    return {"documentDetails": found}


def forget(shelf: Shelf, asked: Asked, knowledge: str, id_: str) -> dict[str, Any]:
    """Answer DeleteKnowledgeBaseDocuments.

    Raises:
        Refused: a rule is broken, or too much is under way.
    """
    body, one = body_of(asked), _source(shelf, knowledge, id_)
    given = body.get("documentIdentifiers") or []
    number = _begun(shelf, one, len(given))
    found = []
    for each in given:
        key = str(each["custom"]["id"])
        document = one.documents.get(key)
        if document is None:
            document = Document(key, "", "NOT_FOUND", shelf.now(), shelf.now(), number)
        else:
            document.status, document.until = "DELETING", later(shelf)
            document.request = number
        found.append(_told(one, document))
    return {"documentDetails": found}


def documents(shelf: Shelf, asked: Asked, knowledge: str, id_: str) -> dict[str, Any]:
    """Answer ListKnowledgeBaseDocuments.

    Raises:
        Refused: there is no such data source.
    """
    one = _source(shelf, knowledge, id_)
    every = one.documents.values()
    return turned_page(body_of_list(asked), "documentDetails", every, lambda each: _told(one, each))


def _begun(shelf: Shelf, one: DataSource, count: int) -> int:
    if one.status != "AVAILABLE":
        raise Refused("ConflictException", f"Data source {one.id} is in status {one.status}.", 409)
    if not 1 <= count <= _MOST_DOCUMENTS:
        raise invalid(f"The number of documents must be from 1 to {_MOST_DOCUMENTS}.")
    running = {
        (source.id, document.request)
        for base in shelf.knowledge.values()
        for source in base.sources.values()
        for document in source.documents.values()
        if _moving(document)
    }
    if len(running) >= _MOST_AT_ONCE:
        raise invalid(
            "You have exceeded the maximum number of concurrent IngestKnowledgeBaseDocuments and "
            f"DeleteKnowledgeBaseDocuments requests: {_MOST_AT_ONCE}."
        )
    shelf.made += 1
    return shelf.made


def _moving(document: Document) -> bool:
    return document.status in {"STARTING", "IN_PROGRESS", "DELETING"}


def _source(shelf: Shelf, knowledge: str, id_: str) -> DataSource:
    one = known(shelf, knowledge).sources.get(id_)
    if one is None:
        message = f"Data source with id {id_} does not exist."
        raise Refused("ResourceNotFoundException", message, 404)
    return one


def _shown(one: DataSource) -> dict[str, Any]:
    told: dict[str, Any] = {
        "knowledgeBaseId": one.knowledge,
        "dataSourceId": one.id,
        "name": one.name,
        "status": one.status,
        "dataSourceConfiguration": one.configuration,
        "dataDeletionPolicy": one.policy,
        "createdAt": iso(one.created),
        "updatedAt": iso(one.created),
    }
    if one.ingestion:
        told["vectorIngestionConfiguration"] = one.ingestion
    if one.reasons:
        told["failureReasons"] = list(one.reasons)
    return told


def _told(one: DataSource, document: Document) -> dict[str, Any]:
    told: dict[str, Any] = {
        "knowledgeBaseId": one.knowledge,
        "dataSourceId": one.id,
        "status": document.status,
        "identifier": {"dataSourceType": "CUSTOM", "custom": {"id": document.id}},
        "updatedAt": iso(document.changed),
    }
    return told | {"statusReason": document.reason} if document.reason else told


def move_on(shelf: Shelf) -> None:
    """Let time pass for every data source and document."""
    now = shelf.now()
    for base in shelf.knowledge.values():
        for one in tuple(base.sources.values()):
            for document in tuple(one.documents.values()):
                if now >= document.until and _moving(document):
                    _settle(shelf, one, document)
            if now >= one.until and one.status == "CREATING":
                one.status = "AVAILABLE"
            elif now >= one.until and one.status == "DELETING":
                del base.sources[one.id]


def _settle(shelf: Shelf, one: DataSource, document: Document) -> None:
    document.changed = document.until
    if document.status == "DELETING":
        del one.documents[document.id]
        return
    text = _text(shelf, document)
    if document.reason:
        document.status = "FAILED"
        return
    fixed = (one.ingestion.get("chunkingConfiguration") or {}).get("fixedSizeChunkingConfiguration")
    size = int((fixed or {}).get("maxTokens") or _WORDS)
    words = text.split()
    document.passages = tuple(
        " ".join(words[start : start + size]) for start in range(0, len(words), size)
    )
    document.status = "INDEXED"


def _text(shelf: Shelf, document: Document) -> str:
    """Read a document out of its bucket as the service does; what is wrong becomes its reason."""
    bucket, _, key = document.uri.removeprefix("s3://").partition("/")
    stored = shelf.buckets.find(bucket, key) if bucket in shelf.buckets.names else None
    if stored is None:
        document.reason = f"The S3 object {document.uri} could not be read."
        return ""
    if not key.lower().endswith(_FORMATS):
        document.reason = f"The file type of {document.uri} is not supported."
        return ""
    if len(stored.content) > _LARGEST:
        document.reason = f"{document.uri} exceeds the maximum file size of 50 MB."
        return ""
    try:
        text = stored.content.decode("utf-8")
    except UnicodeDecodeError:
        document.reason = f"The content of {document.uri} could not be parsed."
        return ""
    if not text.strip():
        document.reason = f"No text content found in {document.uri}."
    return text
