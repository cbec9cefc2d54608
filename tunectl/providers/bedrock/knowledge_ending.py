"""The end of a knowledge base: its data sources, then itself; a store that was there stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunectl.core.errors import ConflictError
from tunectl.core.resource import Instance
from tunectl.providers.bedrock.client import AGENT, Cloud
from tunectl.providers.bedrock.data_source import Sources
from tunectl.providers.bedrock.knowledge import reasons, store_of


def step(cloud: Cloud, base: Mapping[str, Any], asked: set[str]) -> str:
    """Go one step on with a delete.

    Args:
        cloud: the account.
        base: the knowledge base as it is.
        asked: the ids whose deletion was asked for by this command; more come to it.

    Returns:
        What it waits for, in words.

    Raises:
        ConflictError: the service could not delete something.
    """
    id_ = str(base["knowledgeBaseId"])
    sources = Sources(cloud, id_)
    if base["status"] in {"CREATING", "UPDATING"}:
        return "being made"
    there = sources.every()
    for one in there:
        name = str(one["dataSourceId"])
        if one["status"] == "DELETE_UNSUCCESSFUL" and name in asked:
            raise ConflictError.of(
                f"the data source `{name}` of `{id_}` cannot be deleted: {sources.complaint(name)}",
                hint="its vector store must still be there, and its role must be allowed to "
                "delete in it; else set the data source's policy to RETAIN",
            )
        if one["status"] == "DELETING" or name in asked:
            continue
        if any(document.busy for document in sources.documents(name)):
            return "indexing documents"
        sources.remove(name)
        asked.add(name)
    if there:
        return "deleting its vectors"
    if base["status"] == "DELETE_UNSUCCESSFUL" and id_ in asked:
        raise ConflictError.of(f"`{id_}` cannot be deleted: {reasons(base)}")
    if base["status"] != "DELETING" and id_ not in asked:
        cloud.tell(
            AGENT,
            f"delete the knowledge base `{id_}`",
            lambda c: c.delete_knowledge_base(knowledgeBaseId=id_),
        )
        asked.add(id_)
    return "being deleted"


def remains(instance: Instance, base: Mapping[str, Any]) -> Instance | None:
    """Return the vector store that stays, None where the service had the vectors itself.

    Args:
        instance: what was deleted.
        base: as it was before.
    """
    storage = base.get("storageConfiguration") or {}
    vectors = (storage.get("s3VectorsConfiguration") or {}).get("indexArn")
    collection = (storage.get("opensearchServerlessConfiguration") or {}).get("collectionArn")
    if not vectors and not collection:
        return None
    what = "the vector index" if vectors else "the OpenSearch collection"
    kept = ", with the vectors in it" if store_of(instance.spec).get("keep_vectors") else ""
    bills = "" if vectors else "; it bills by the hour, used or not"
    arn = str(vectors or collection)
    return replace(
        instance, id=arn, reason=f"{what} `{arn}` was there before and stays{kept}{bills}"
    )
