"""The owner mark of what Amazon Bedrock's agent service keeps: knowledge bases and prompts."""

from __future__ import annotations

from tunectl.core.ports import Mark
from tunectl.core.resource import Instance
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.client import AGENT, Cloud, fields
from tunectl.providers.bedrock.naming import mark_of


def tagged(cloud: Cloud, identity: Identity, instance: Instance) -> Mark | None:
    """Return the mark in the tags of an object, if any.

    Args:
        cloud: the connection.
        identity: tells whose account it is.
        instance: its `id` is the ARN.

    Raises:
        InvalidRequestError: the id is no ARN.
        ConflictError: the object belongs to another account or region.
        ProviderError: its tags cannot be read.
    """
    identity.check(instance)
    answer = cloud.ask(
        AGENT,
        f"read the tags of `{instance.id}`",
        lambda c: fields(c.list_tags_for_resource(resourceArn=instance.id)),
    )
    return mark_of(answer.get("tags") or {})
