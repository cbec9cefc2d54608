"""Deleting a tuned model and every endpoint that appeared with it, in the order that works.

First everything is undeployed, and only when all of that has ended the endpoints go, then the
model: an endpoint with a deployment, and a model that is deployed anywhere, cannot be deleted
(Vertex AI API reference, 2026-11). What is gone already is fine at every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tunectl.core.errors import NotFoundError
from tunectl.providers.vertex.client import ENDPOINTS, MODELS, Cloud
from tunectl.providers.vertex.operations import finished, insisting
from tunectl.providers.vertex.places import Name, location_of, same_thing


def model_named(cloud: Cloud, name: str) -> Any | None:  # noqa: ANN401  # a proto-plus message
    """Return a model, None when there is none."""
    try:
        return cloud.ask(
            f"read the model `{name}`",
            lambda: cloud.service(MODELS, location_of(name)).get_model(name=name, **cloud.plain),
        )
    except NotFoundError:
        return None


def remove(cloud: Cloud, model: str, endpoints: Sequence[str]) -> None:
    """Delete a tuned model and its endpoints.

    Args:
        cloud: where they are.
        model: its name, with the version that a job made; empty where none was made.
        endpoints: that were made for it; any other that serves the model loses it and stays.

    Raises:
        ConflictError: something still stands in the way; what was done counts.
        ProviderError: what else the service says.
    """
    found = model_named(cloud, model) if model else None
    served = found.deployed_models if found is not None else ()
    deployed = [(str(one.endpoint), str(one.deployed_model_id)) for one in served]
    for name in endpoints:
        if not any(same_thing(name, there) for there, _ in deployed):
            deployed.extend((name, one) for one in deployments(cloud, name))
    undeploy(cloud, deployed)
    for name in endpoints:
        delete_endpoint(cloud, name)
    if found is not None:
        delete_model(cloud, model)


def deployments(cloud: Cloud, endpoint: str) -> list[str]:
    """Return the ids of what an endpoint serves, with traffic or without; none where it is gone."""
    try:
        found = cloud.ask(
            f"read the endpoint `{endpoint}`",
            lambda: cloud.service(ENDPOINTS, location_of(endpoint)).get_endpoint(
                name=endpoint, **cloud.plain
            ),
        )
    except NotFoundError:
        return []
    return [one.id for one in found.deployed_models]


def undeploy(cloud: Cloud, deployed: Iterable[tuple[str, str]]) -> None:
    """Take models off their endpoints; returns when all of them are off."""
    begun = [
        (begin_undeploy(cloud, endpoint, one), f"undeploy `{one}` from `{endpoint}`")
        for endpoint, one in deployed
    ]
    for operation, doing in begun:
        if operation:
            finished(cloud, operation, doing)


def begin_undeploy(cloud: Cloud, endpoint: str, deployed_model: str) -> str:
    """Begin to take one model off; return the operation's name, empty where it is off already."""

    def begin() -> str:
        done = cloud.service(ENDPOINTS, location_of(endpoint), once=True).undeploy_model(
            endpoint=endpoint, deployed_model_id=deployed_model, **cloud.plain
        )
        return str(done.operation.name)

    try:
        return insisting(
            lambda: cloud.tell(f"undeploy `{deployed_model}` from `{endpoint}`", begin)
        )
    except NotFoundError:
        return ""


def delete_endpoint(cloud: Cloud, endpoint: str) -> None:
    """Delete an endpoint that serves nothing."""
    _delete(cloud, f"delete the endpoint `{endpoint}`", ENDPOINTS, "delete_endpoint", endpoint)


def delete_model(cloud: Cloud, model: str) -> None:
    """Delete a model; of one that has other versions, which are somebody else's, its version."""
    name = Name.of(model)
    assert name is not None, model
    try:
        versions = cloud.ask(
            f"list the versions of `{name.bare}`",
            lambda: (
                cloud.service(MODELS, name.location)
                .list_model_versions(name=name.bare, **cloud.plain)
                .models
            ),
        )
    except NotFoundError:
        return
    if name.version and len(versions) > 1:
        _delete(cloud, f"delete the version `{model}`", MODELS, "delete_model_version", model)
    else:
        _delete(cloud, f"delete the model `{name.bare}`", MODELS, "delete_model", name.bare)


def _delete(cloud: Cloud, doing: str, kind: str, method: str, name: str) -> None:
    def begin() -> str:
        client = cloud.service(kind, location_of(name), once=True)
        return str(getattr(client, method)(name=name, **cloud.plain).operation.name)

    def once() -> None:
        finished(cloud, cloud.tell(doing, begin), doing)

    try:
        insisting(once)
    except NotFoundError:
        return
