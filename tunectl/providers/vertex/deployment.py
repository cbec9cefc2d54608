"""Endpoints with machines of their own: a chain of long operations, each begun by whoever looks.

A move is blue and green: the new model is deployed beside the old one, the traffic shifts in the
moment it serves, and the old one goes when it has none left. Every link of the chain is told from
the endpoint as it is, so that a killed apply goes on from there; and every link can be begun twice,
for the ids of endpoint and deployment are chosen here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tunectl.core.errors import ConflictError, InvalidRequestError, NotFoundError
from tunectl.core.ports import Request
from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.vertex.client import ENDPOINTS, Cloud
from tunectl.providers.vertex.machines import (
    ALL,
    deployed_id,
    deployed_model,
    put_for,
    scaling,
    share_of,
)
from tunectl.providers.vertex.marks import description_of, display_name, labels_of
from tunectl.providers.vertex.operations import finished, looked_up, seen
from tunectl.providers.vertex.places import location_of
from tunectl.providers.vertex.teardown import begin_undeploy, delete_endpoint, undeploy

_DEPLOYING = "deploying the model; 15 to 30 minutes with an accelerator"
_RETIRING = "the new model serves; taking the previous one off"
_SCALING = "changing the replicas"
_SHIFTING = "shifting the traffic"
_MAKING = "making the endpoint"


@dataclass(frozen=True, slots=True)
class Now:
    """How far an endpoint is.

    Attributes:
        operation: what is waited for; empty when nothing is.
    """

    status: Status
    progress: str = ""
    reason: str = ""
    operation: str = ""


READY = Now(Status.READY)


def name_of(cloud: Cloud, op: str) -> str:
    """Return the name of the endpoint that an operation makes."""
    return f"{cloud.parent}/endpoints/tunectl-{op}"


def endpoint_named(cloud: Cloud, name: str) -> Any:  # noqa: ANN401  # a proto-plus message
    """Return an endpoint.

    Raises:
        NotFoundError: there is none.
    """
    return cloud.ask(
        f"read the endpoint `{name}`",
        lambda: cloud.service(ENDPOINTS, location_of(name)).get_endpoint(name=name, **cloud.plain),
    )


def begin(cloud: Cloud, request: Request) -> Now:
    """Begin to make an endpoint."""
    from google.protobuf.json_format import ParseDict

    def make() -> str:
        from google.cloud.aiplatform_v1 import CreateEndpointRequest, Endpoint

        wanted = {
            "displayName": display_name(request.mark, None),
            "description": description_of(request.mark),
            "labels": labels_of(request.mark, request.resource.labels),
        }
        endpoint = Endpoint.wrap(ParseDict(wanted, Endpoint.pb(Endpoint())))
        made = cloud.service(ENDPOINTS, cloud.location, once=True).create_endpoint(
            CreateEndpointRequest(
                parent=cloud.parent, endpoint=endpoint, endpoint_id=f"tunectl-{request.mark.op}"
            ),
            **cloud.plain,
        )
        return str(made.operation.name)

    operation = cloud.tell("create an endpoint", make)
    return Now(Status.PENDING, _MAKING, operation=operation)


def looked_at(cloud: Cloud, name: str, spec: Mapping[str, Plain], operation: str) -> Now:
    """Tell how far an endpoint is; nothing is begun.

    Args:
        cloud: where it is.
        name: of the endpoint.
        spec: what it shall be.
        operation: what was waited for; empty when that is not known.

    Raises:
        NotFoundError: the endpoint does not exist.
    """
    if operation and (now := waited_for(cloud, operation, "")) is not None:
        return now
    link = _next(endpoint_named(cloud, name), spec)
    return READY if link is None else Now(Status.PENDING, link)


def advance(
    cloud: Cloud, name: str, spec: Mapping[str, Plain], operation: str, progress: str
) -> Now:
    """Tell how far an endpoint is, and begin what comes next.

    Args:
        cloud: where it is.
        name: of the endpoint.
        spec: what it shall be.
        operation: what was waited for; empty when that is not known.
        progress: what was told of it.

    Raises:
        NotFoundError: the endpoint does not exist.
        InvalidRequestError: what comes next is definitely refused.
    """
    if operation and (now := waited_for(cloud, operation, progress)) is not None:
        return now
    return go_on(cloud, name, endpoint_named(cloud, name), spec)


def go_on(cloud: Cloud, name: str, found: Any, spec: Mapping[str, Plain]) -> Now:  # noqa: ANN401
    """Tell how far an endpoint is that waits for nothing we know, and begin what comes next.

    Args:
        cloud: where it is.
        name: of the endpoint.
        found: the endpoint, a proto-plus message.
        spec: what it shall be.

    Raises:
        InvalidRequestError: what comes next is definitely refused.
    """
    link = _next(found, spec)
    if link is None:
        return READY
    if link == _RETIRING and (left := _held(cloud, found, spec)) > 0:
        minutes = max(1, round(left / 60))
        return Now(Status.PENDING, f"the new model serves; the previous one stays {minutes} min")
    if running := _running(cloud, name):
        return Now(Status.PENDING, link, operation=running)
    try:
        begun = _LINKS[link](cloud, found, spec)
    except ConflictError:
        return Now(Status.PENDING, link)  # somebody else has just begun it
    except NotFoundError as error:
        # The endpoint was there a moment ago: it is the model that is not.
        raise InvalidRequestError(error.diagnostics) from None
    return Now(Status.PENDING, link, operation=begun)


def waited_for(cloud: Cloud, operation: str, progress: str) -> Now | None:
    """Tell of an operation that runs or failed; None when it is over or not known any more."""
    try:
        now = looked_up(cloud, operation)
    except NotFoundError:
        return None
    if now.error:
        return Now(Status.FAILED, reason=now.error)
    return None if now.done else Now(Status.PENDING, progress or _MAKING, operation=operation)


def _next(found: Any, spec: Mapping[str, Plain]) -> str | None:  # noqa: ANN401
    """Return what is to be done next, None when all is as it shall be."""
    ours = put_for(found, spec)
    if ours is None:
        return _DEPLOYING
    if {one: share for one, share in found.traffic_split.items() if share} != _split(found, spec):
        return _SHIFTING
    kept = {one for one, share in _split(found, spec).items() if share}
    if any(one.id not in kept for one in found.deployed_models):
        return _RETIRING
    resources, want = ours.dedicated_resources, scaling(spec)
    same = (resources.min_replica_count, resources.max_replica_count) == (
        want["min_replica_count"],
        want["max_replica_count"],
    )
    metrics = want.get("autoscaling_metric_specs")
    told = [
        {"metric_name": one.metric_name, "target": one.target}
        for one in resources.autoscaling_metric_specs
    ]
    return None if same and (metrics is None or metrics == told) else _SCALING


def _held(cloud: Cloud, found: Any, spec: Mapping[str, Plain]) -> float:  # noqa: ANN401
    """Return for how many seconds more the previous model stays, by the service's own clock."""
    hold = spec.get("hold")
    if not isinstance(hold, int):
        return 0.0
    now = cloud.ask(
        f"read the endpoint `{found.name}`",
        lambda: cloud.moment(location_of(found.name), f"v1/{found.name}"),
    )
    return hold - float((now - found.update_time).total_seconds())


def _split(found: Any, spec: Mapping[str, Plain]) -> dict[str, int]:  # noqa: ANN401
    """Return how the traffic shall be split: a share to what moves in, the rest to the last."""
    wanted, share = _wanted_id(found, spec), share_of(spec)
    before = dict(found.traffic_split)
    others = [one.id for one in found.deployed_models if one.id != wanted]
    last = max(others, key=lambda one: before.get(one, 0), default=None)
    if share == ALL or last is None:
        return {wanted: ALL}
    return {wanted: share, last: ALL - share}


def _wanted_id(found: Any, spec: Mapping[str, Plain]) -> str:  # noqa: ANN401
    ours = put_for(found, spec)
    return deployed_id(found.name, spec) if ours is None else str(ours.id)


def _deploy(cloud: Cloud, found: Any, spec: Mapping[str, Plain]) -> str:  # noqa: ANN401
    wanted = deployed_id(found.name, spec)
    split = {"0" if key == wanted else key: share for key, share in _split(found, spec).items()}
    split |= {one.id: 0 for one in found.deployed_models if one.id not in split}
    model = deployed_model(found.name, spec)

    def send() -> str:
        client = cloud.service(ENDPOINTS, location_of(found.name), once=True)
        done = client.deploy_model(
            {"endpoint": found.name, "deployed_model": model, "traffic_split": split},
            **cloud.plain,
        )
        return str(done.operation.name)

    try:
        return cloud.tell(f"deploy `{spec['model']}` on `{found.name}`", send)
    except InvalidRequestError as error:
        if "already used" in str(error):
            raise ConflictError(error.diagnostics) from None
        raise


def _shift(cloud: Cloud, found: Any, spec: Mapping[str, Plain]) -> str:  # noqa: ANN401
    def send() -> None:
        from google.cloud.aiplatform_v1 import Endpoint
        from google.protobuf.field_mask_pb2 import FieldMask

        client = cloud.service(ENDPOINTS, location_of(found.name), once=True)
        client.update_endpoint(
            endpoint=Endpoint(name=found.name, traffic_split=_split(found, spec)),
            update_mask=FieldMask(paths=["traffic_split"]),
            **cloud.plain,
        )

    cloud.tell(f"shift the traffic of `{found.name}`", send)
    return ""


def _retire(cloud: Cloud, found: Any, spec: Mapping[str, Plain]) -> str:  # noqa: ANN401
    kept = {one for one, share in _split(found, spec).items() if share}
    old = next(one.id for one in found.deployed_models if one.id not in kept)
    return begin_undeploy(cloud, found.name, old)


def _rescale(cloud: Cloud, found: Any, spec: Mapping[str, Plain]) -> str:  # noqa: ANN401
    def send() -> str:
        from google.protobuf.field_mask_pb2 import FieldMask

        client = cloud.service(ENDPOINTS, location_of(found.name), once=True)
        wanted = scaling(spec)
        done = client.mutate_deployed_model(
            {
                "endpoint": found.name,
                "deployed_model": {
                    "id": _wanted_id(found, spec),
                    "dedicated_resources": wanted,
                },
                "update_mask": FieldMask(paths=[f"dedicated_resources.{key}" for key in wanted]),
            },
            **cloud.plain,
        )
        return str(done.operation.name)

    return cloud.tell(f"change the replicas of `{found.name}`", send)


_LINKS: Mapping[str, Callable[[Cloud, Any, Mapping[str, Plain]], str]] = {
    _DEPLOYING: _deploy,
    _SHIFTING: _shift,
    _RETIRING: _retire,
    _SCALING: _rescale,
}


def _running(cloud: Cloud, name: str) -> str:
    """Return an operation on an endpoint that is not done, empty when there is none."""
    listed = cloud.ask(
        f"list the operations of `{name}`",
        lambda: cloud.get_json(location_of(name), f"v1/{name}/operations"),
    )
    found = (seen(one) for one in listed.get("operations") or ())
    return next((one.name for one in found if not one.done), "")


def remove_endpoint(cloud: Cloud, name: str) -> None:
    """Take everything off an endpoint and delete it; what is gone already is fine."""
    try:
        if running := _running(cloud, name):
            outwaited(cloud, running)
        found = endpoint_named(cloud, name)
    except NotFoundError:
        return
    # What has traffic can only be taken off as the last one.
    split = dict(found.traffic_split)
    for one in sorted(found.deployed_models, key=lambda each: split.get(each.id, 0)):
        if split.get(one.id, 0) not in {0, ALL}:
            _give_all(cloud, name, _largest(split))
            split = {_largest(split): ALL}
        undeploy(cloud, [(name, one.id)])
    delete_endpoint(cloud, name)


def outwaited(cloud: Cloud, operation: str) -> None:
    """Wait until an operation is over, however it ends: nothing can be deleted under it."""
    try:
        finished(cloud, operation, "finish what runs on an endpoint")
    except InvalidRequestError:
        return


def _largest(split: Mapping[str, int]) -> str:
    return max(split, key=lambda key: split[key])


def _give_all(cloud: Cloud, name: str, one: str) -> None:
    def send() -> None:
        from google.cloud.aiplatform_v1 import Endpoint
        from google.protobuf.field_mask_pb2 import FieldMask

        cloud.service(ENDPOINTS, location_of(name), once=True).update_endpoint(
            endpoint=Endpoint(name=name, traffic_split={one: ALL}),
            update_mask=FieldMask(paths=["traffic_split"]),
            **cloud.plain,
        )

    cloud.tell(f"shift the traffic of `{name}`", send)
