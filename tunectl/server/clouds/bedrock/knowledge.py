"""Knowledge bases: where documents are indexed, who marked them, and what takes time about them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from tunectl.server.clouds.bedrock.refused import Refused, invalid, missing
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of, iso, matched, needed, turned_page
from tunectl.server.clouds.wire import Asked

if TYPE_CHECKING:
    from tunectl.server.clouds.bedrock.data_sources import DataSource

# botocore 1.44.5, service model `bedrock-agent`
NAME = re.compile(r"([0-9a-zA-Z][_-]?){1,100}")
TOKEN = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,256}")
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
_TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")
_INDEX = re.compile(r"arn:aws[-a-z]*:s3vectors:([a-z0-9-]+):[0-9]{12}:bucket/[^/]+/index/[^/]+")
_COLLECTION = re.compile(r"arn:aws:aoss:([a-z0-9-]+):[0-9]{12}:collection/[a-z0-9-]{3,32}")
_CREATE = "CreateKnowledgeBase"
_MOST_TAGS = 50  # AWS General Reference, tag limits


@dataclass
class KnowledgeBase:
    """One knowledge base.

    Attributes:
        configuration: as it was asked for; it cannot be changed.
        storage: the same of the vector store; empty where the service keeps the vectors itself.
        until: when the state that is under way ends.
    """

    id: str
    arn: str
    name: str
    role: str
    configuration: Mapping[str, Any]
    storage: Mapping[str, Any]
    created: datetime
    changed: datetime
    until: datetime
    description: str = ""
    status: str = "CREATING"
    reasons: tuple[str, ...] = ()
    sources: dict[str, DataSource] = field(default_factory=dict)

    @property
    def managed(self) -> bool:
        """Whether the service keeps the vectors itself."""
        return bool(self.configuration["type"] == "MANAGED")


def create(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer CreateKnowledgeBase.

    Raises:
        Refused: a rule is broken, or the name is taken.
    """
    body = body_of(asked)
    before = token_of(shelf, _CREATE, body)
    if before is not None:
        return {"knowledgeBase": _shown(known(shelf, before))}
    needed(body, "name", "roleArn", "knowledgeBaseConfiguration")
    name = matched("name", body["name"], NAME, 200)
    matched("roleArn", body["roleArn"], _ROLE, 2048)
    configuration, storage = body["knowledgeBaseConfiguration"], body.get("storageConfiguration")
    _check(shelf, configuration, storage)
    tags = _tags_of(body)
    if any(one.name == name for one in shelf.knowledge.values()):
        message = f"KnowledgeBase with name {name} already exists."
        raise Refused("ConflictException", message, 409)
    now, id_ = shelf.now(), shelf.new_id()[:10].upper()
    one = KnowledgeBase(
        id=id_,
        arn=shelf.arn(f"knowledge-base/{id_}"),
        name=name,
        role=body["roleArn"],
        configuration=configuration,
        storage=storage or {},
        created=now,
        changed=now,
        until=later(shelf),
        description=str(body.get("description") or ""),
    )
    shelf.knowledge[id_] = one
    shelf.tags[one.arn] = tags
    remember(shelf, _CREATE, body, id_)
    return {"knowledgeBase": _shown(one)}


def _check(shelf: Shelf, configuration: Any, storage: Any) -> None:  # noqa: ANN401  # JSON
    kind = configuration.get("type")
    if kind == "MANAGED":
        if storage:
            raise invalid("storageConfiguration is not supported for MANAGED knowledge base type")
        given = configuration.get("managedKnowledgeBaseConfiguration") or {}
        if given.get("embeddingModelType") == "CUSTOM" and not given.get("embeddingModelArn"):
            raise invalid("embeddingModelArn is required when embeddingModelType is CUSTOM")
        model = given.get("embeddingModelArn")
    elif kind == "VECTOR":
        model = (configuration.get("vectorKnowledgeBaseConfiguration") or {}).get(
            "embeddingModelArn"
        )
        if not model or not storage:
            raise invalid("A VECTOR knowledge base needs an embedding model and a vector store.")
        _check_store(shelf, storage)
    else:
        raise invalid(f"The knowledge base type {kind} is not supported.")
    if model and model.startswith("arn:") and f":{shelf.region}:" not in model:
        raise invalid(f"The embedding model {model} is not in {shelf.region}.")


def _check_store(shelf: Shelf, storage: Mapping[str, Any]) -> None:
    if storage.get("type") == "S3_VECTORS":
        given = storage.get("s3VectorsConfiguration") or {}
        found = _INDEX.fullmatch(str(given.get("indexArn")))
    elif storage.get("type") == "OPENSEARCH_SERVERLESS":
        given = storage.get("opensearchServerlessConfiguration") or {}
        needed(given, "collectionArn", "vectorIndexName", "fieldMapping")
        needed(given["fieldMapping"], "vectorField", "textField", "metadataField")
        found = _COLLECTION.fullmatch(str(given.get("collectionArn")))
    else:
        raise invalid(f"The storage type {storage.get('type')} is not supported.")
    if found is None or found[1] != shelf.region:
        raise invalid("The knowledge base storage configuration provided is invalid.")


def get(shelf: Shelf, id_: str) -> dict[str, Any]:
    """Answer GetKnowledgeBase.

    Raises:
        Refused: there is none.
    """
    return {"knowledgeBase": _shown(known(shelf, id_))}


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListKnowledgeBases, the last that changed first."""
    every = sorted(shelf.knowledge.values(), key=lambda one: one.changed, reverse=True)

    def shown(one: KnowledgeBase) -> dict[str, Any]:
        told = _shown(one)
        kept = ("knowledgeBaseId", "name", "description", "status", "updatedAt")
        return {key: told[key] for key in kept if key in told}

    return turned_page(body_of_list(asked), "knowledgeBaseSummaries", every, shown)


def update(shelf: Shelf, asked: Asked, id_: str) -> dict[str, Any]:
    """Answer UpdateKnowledgeBase: name, description and role; the rest must be as it was.

    Raises:
        Refused: something else changes, or it is not in a state to be changed.
    """
    body, one = body_of(asked), known(shelf, id_)
    needed(body, "name", "roleArn", "knowledgeBaseConfiguration")
    if one.status not in {"ACTIVE", "UPDATE_UNSUCCESSFUL"}:
        message = f"Knowledge base {id_} is in status {one.status} and cannot be updated."
        raise Refused("ConflictException", message, 409)
    if body["knowledgeBaseConfiguration"] != one.configuration:
        raise invalid("The knowledgeBaseConfiguration cannot be changed.")
    if (body.get("storageConfiguration") or {}) != one.storage:
        raise invalid("The storageConfiguration cannot be changed.")
    one.name = matched("name", body["name"], NAME, 200)
    one.role = matched("roleArn", body["roleArn"], _ROLE, 2048)
    one.description = str(body.get("description") or "")
    one.status, one.changed, one.until = "UPDATING", shelf.now(), later(shelf)
    return {"knowledgeBase": _shown(one)}


def delete(shelf: Shelf, id_: str) -> dict[str, Any]:
    """Answer DeleteKnowledgeBase; it takes a while.

    Raises:
        Refused: there is none, or it is being made.
    """
    one = known(shelf, id_)
    if one.status in {"CREATING", "UPDATING"}:
        message = f"Knowledge base {id_} is in status {one.status} and cannot be deleted."
        raise Refused("ConflictException", message, 409)
    one.status, one.until = "DELETING", later(shelf)
    return {"knowledgeBaseId": id_, "status": one.status}


def tags(shelf: Shelf, arn: str) -> dict[str, Any]:
    """Answer ListTagsForResource.

    Raises:
        Refused: there is no such thing.
    """
    return {"tags": dict(_tagged(shelf, arn))}


def tag(shelf: Shelf, asked: Asked, arn: str) -> dict[str, Any]:
    """Answer TagResource.

    Raises:
        Refused: there is no such thing.
    """
    _tagged(shelf, arn).update(_tags_of(body_of(asked)))
    return {}


def _tagged(shelf: Shelf, arn: str) -> dict[str, str]:
    bases = (one.arn for one in shelf.knowledge.values())
    prompts = (one.arn for one in shelf.kept_prompts.values())
    if arn not in {*bases, *prompts}:
        raise missing("the resource", arn)
    return shelf.tags.setdefault(arn, {})


def _tags_of(body: Mapping[str, Any]) -> dict[str, str]:
    found = dict(body.get("tags") or {})
    for key, value in found.items():
        matched("tags.key", key, _TAG, 128)
        if value:
            matched("tags.value", value, _TAG, 256)
    if len(found) > _MOST_TAGS:
        raise invalid(f"The request has more than {_MOST_TAGS} tags.")
    return found


def known(shelf: Shelf, id_: str) -> KnowledgeBase:
    """Return a knowledge base.

    Raises:
        Refused: there is none.
    """
    one = shelf.knowledge.get(id_.rpartition("/")[2])
    if one is None:
        raise Refused(
            "ResourceNotFoundException", f"Knowledge Base with id {id_} does not exist.", 404
        )
    return one


def token_of(shelf: Shelf, operation: str, body: Mapping[str, Any]) -> str | None:
    """Return what an earlier request with the same token made.

    Raises:
        Refused: the token is none.
    """
    token = body.get("clientToken")
    if token is None:
        return None
    if len(matched("clientToken", token, TOKEN, 256)) < 33:
        raise invalid("Value at 'clientToken' must have length greater than or equal to 33")
    return shelf.tokens.get((operation, token))


def remember(shelf: Shelf, operation: str, body: Mapping[str, Any], id_: str) -> None:
    """Note what a request made, under its token."""
    if body.get("clientToken"):
        shelf.tokens[operation, body["clientToken"]] = id_


def body_of_list(asked: Asked) -> dict[str, Any]:
    """Return the body of a list, which may be empty."""
    return body_of(asked) if asked.body else {}


def later(shelf: Shelf) -> datetime:
    """Return when what begins now is over."""
    return shelf.now() + timedelta(seconds=shelf.world.operation_seconds)


def _shown(one: KnowledgeBase) -> dict[str, Any]:
    told: dict[str, Any] = {
        "knowledgeBaseId": one.id,
        "name": one.name,
        "knowledgeBaseArn": one.arn,
        "roleArn": one.role,
        "knowledgeBaseConfiguration": one.configuration,
        "status": one.status,
        "createdAt": iso(one.created),
        "updatedAt": iso(one.changed),
    }
    if one.storage:
        told["storageConfiguration"] = one.storage
    if one.description:
        told["description"] = one.description
    if one.reasons:
        told["failureReasons"] = list(one.reasons)
    return told


def move_on(shelf: Shelf) -> None:
    """Let time pass for every knowledge base."""
    now = shelf.now()
    for one in tuple(shelf.knowledge.values()):
        if now < one.until:
            continue
        if one.status in {"CREATING", "UPDATING"}:
            one.status, one.changed = "ACTIVE", one.until
        elif one.status == "DELETING":
            del shelf.knowledge[one.id]
            shelf.tags.pop(one.arn, None)
