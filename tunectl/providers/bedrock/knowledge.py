"""A knowledge base in words: settings to requests, answers to a status. Nothing is asked.

Sources: botocore 1.44.5, service model `bedrock-agent` 2023-06-05; Amazon Bedrock's user guide,
"Build a managed knowledge base", "Connect to a custom data source" (2026-11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.documents import Indexed, Place

MANAGED, S3_VECTORS, OPENSEARCH = "managed", "s3_vectors", "opensearch"
SOURCE = "tunectl-"  # how the names of our data sources begin

_SIZE, _OVERLAP = 300, 20  # what the service takes where nothing is said: tokens, percent
# What ends; whatever else the service says, now or in future, is not over yet.
_ENDS = {"ACTIVE": Status.READY, "UPDATE_UNSUCCESSFUL": Status.READY, "FAILED": Status.FAILED}
_MOVING = frozenset({"PENDING", "STARTING", "IN_PROGRESS", "TEXT_INDEXED"})
_GOING = frozenset({"DELETING", "DELETE_IN_PROGRESS"})


def store_of(spec: Mapping[str, Plain]) -> Mapping[str, Plain]:
    """Return where the vectors are kept, as it was declared; the service keeps them by default."""
    found = spec.get("storage")
    return found if isinstance(found, Mapping) else {"type": MANAGED}


def model_of(spec: Mapping[str, Plain]) -> str:
    """Return the id of the embedding model, empty where the service chooses."""
    found = spec.get("embedding")
    return str(found.get("model") or "") if isinstance(found, Mapping) else ""


def configuration(spec: Mapping[str, Plain], region: str) -> dict[str, Any]:
    """Return the knowledge base's configuration, and its vector store's where it has one."""
    store, model = store_of(spec), model_of(spec)
    if store["type"] == MANAGED:
        given: dict[str, Any] = {"embeddingModelType": "CUSTOM" if model else "MANAGED"}
        if model:
            given["embeddingModelArn"] = model_arn(model, region)
        return {
            "knowledgeBaseConfiguration": {
                "type": "MANAGED",
                "managedKnowledgeBaseConfiguration": given,
            }
        }
    return {
        "knowledgeBaseConfiguration": {
            "type": "VECTOR",
            "vectorKnowledgeBaseConfiguration": {"embeddingModelArn": model_arn(model, region)},
        },
        "storageConfiguration": _storage(store),
    }


def _storage(store: Mapping[str, Plain]) -> dict[str, Any]:
    if store["type"] == S3_VECTORS:
        return {"type": "S3_VECTORS", "s3VectorsConfiguration": {"indexArn": str(store["arn"])}}
    return {
        "type": "OPENSEARCH_SERVERLESS",
        "opensearchServerlessConfiguration": {
            "collectionArn": str(store["arn"]),
            "vectorIndexName": str(store["index"]),
            "fieldMapping": {
                "vectorField": str(store["vector_field"]),
                "textField": str(store["text_field"]),
                "metadataField": str(store["metadata_field"]),
            },
        },
    }


def partition(region: str) -> str:
    """Return the part of an ARN that says which AWS it is.

    >>> partition("us-east-1")
    'aws'
    """
    return {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        region[:2] if region.startswith("cn-") else region[:6], "aws"
    )


def model_arn(model: str, region: str) -> str:
    """Return the ARN of an embedding model, which may be given already."""
    if model.startswith("arn:"):
        return model
    return f"arn:{partition(region)}:bedrock:{region}::foundation-model/{model}"


def percent(size: int, overlap: int) -> int:
    """Return an overlap in tokens as the whole percent of a passage that the service takes.

    >>> percent(400, 50)
    12
    """
    return round(100 * overlap / size)


def chunking(spec: Mapping[str, Plain]) -> tuple[int, int] | None:
    """Return the size in tokens and the overlap in percent; None where nothing is said."""
    found = spec.get("chunking")
    given = found if isinstance(found, Mapping) else {}
    size, overlap = given.get("size"), given.get("overlap")
    if size is None and overlap is None:
        return None
    tokens = size if isinstance(size, int) else _SIZE
    return tokens, percent(tokens, overlap) if isinstance(overlap, int) else _OVERLAP


def source(spec: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the data source that a knowledge base needs; its name tells how it cuts documents.

    How a data source cuts cannot be changed: whoever wants it otherwise makes another one.
    """
    kept = bool(store_of(spec).get("keep_vectors"))
    asked: dict[str, Any] = {"dataDeletionPolicy": "RETAIN" if kept else "DELETE"}
    if store_of(spec)["type"] == MANAGED:
        asked["dataSourceConfiguration"] = {
            "type": "MANAGED_KNOWLEDGE_BASE_CONNECTOR",
            "managedKnowledgeBaseConnectorConfiguration": {
                "connectorParameters": {"type": "CUSTOM", "version": "1"}
            },
        }
    else:
        asked["dataSourceConfiguration"] = {"type": "CUSTOM"}
    cut = chunking(spec)
    if cut is not None:
        asked["vectorIngestionConfiguration"] = {
            "chunkingConfiguration": {
                "chunkingStrategy": "FIXED_SIZE",
                "fixedSizeChunkingConfiguration": {
                    "maxTokens": cut[0],
                    "overlapPercentage": cut[1],
                },
            }
        }
    text = json.dumps(asked, sort_keys=True)
    return {"name": f"{SOURCE}{hashlib.sha256(text.encode()).hexdigest()[:12]}", **asked}


def indexed(id_: str, status: str, reason: str = "") -> Indexed:
    """Return a document as the service tells of it (DocumentStatus)."""
    if status == "INDEXED":
        return Indexed(id_, Place.THERE)
    if status in _MOVING:
        return Indexed(id_, Place.COMING)
    if status in _GOING:
        return Indexed(id_, Place.GOING)
    return Indexed(id_, Place.FAILED, reason or status.lower().replace("_", " "))


def status_of(base: Mapping[str, Any]) -> tuple[Status, str]:
    """Return how far a knowledge base is, and why where it failed."""
    status = _ENDS.get(str(base.get("status")), Status.PENDING)
    return status, reasons(base) if status is Status.FAILED else ""


def reasons(thing: Mapping[str, Any]) -> str:
    """Return why something failed, in the service's words."""
    found = "; ".join(str(one) for one in thing.get("failureReasons") or ())
    return found or "the provider gives no reason"
