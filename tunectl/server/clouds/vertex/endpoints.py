"""Endpoints: made, shown, changed, deleted when nothing is deployed there any more."""

from __future__ import annotations

import re

from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.labels import check_labels
from tunectl.server.clouds.vertex.ledger import Kept, Ledger
from tunectl.server.clouds.vertex.refusals import Refused, invalid, missing, precondition
from tunectl.server.clouds.wire import Answered

_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_EDITABLE = {
    "displayName", "description", "labels", "trafficSplit",
    "predictRequestResponseLoggingConfig", "dedicatedEndpointEnabled", "clientConnectionConfig",
    "privateServiceConnectConfig", "genAiAdvancedFeaturesConfig",
}  # fmt: skip
_OUTPUT = {
    "name", "deployedModels", "createTime", "updateTime", "etag", "dedicatedEndpointDns",
    "satisfiesPzs", "satisfiesPzi", "modelDeploymentMonitoringJob",
}  # fmt: skip
DEPLOYING = "DeployModelOperationMetadata"


def find(ledger: Ledger, name: str) -> Kept:
    """Return an endpoint.

    Raises:
        Refused: there is none.
    """
    kept = ledger.endpoints.get(name)
    if kept is None:
        raise missing(f"The Endpoint does not exist: {name}.")
    return kept


def deployed(kept: Kept, id_: str) -> Kept:
    """Return what is deployed on an endpoint under an id.

    Raises:
        Refused: nothing is.
    """
    for each in kept.get("deployedModels", []):
        if each["id"] == id_:
            found: Kept = each
            return found
    raise missing(f"The following DeployedModel ID(s) [{id_}] do not exist.")


def check_split(kept: Kept, split: dict[str, int], *, new: str = "") -> dict[str, int]:
    """Return a traffic split with the id of what is new in place of `0`.

    Raises:
        Refused: an id is unknown, or it does not add up to 100.
    """
    named = {new if key == "0" and new else key: share for key, share in split.items()}
    known = {each["id"] for each in kept.get("deployedModels", [])} | ({new} if new else set())
    strange = sorted(set(named) - known)
    if strange:
        raise invalid(f"The following DeployedModel ID(s) {strange} do not exist.", "traffic_split")
    if named and (sum(named.values()) != 100 or min(named.values()) < 0):
        raise invalid("The sum of all traffic percentages must be 100.", "traffic_split")
    return named


def make(ledger: Ledger, name: str, kept: Kept) -> Kept:
    """Put an endpoint in place."""
    stamp = ledger.stamp()
    made = {key: value for key, value in kept.items() if key not in _OUTPUT}
    made.update(name=name, createTime=stamp, deployedModels=[], trafficSplit={})
    if made.get("dedicatedEndpointEnabled"):
        id_, location = name.rpartition("/")[2], name.split("/")[3]
        made["dedicatedEndpointDns"] = f"{id_}.{location}-{ledger.number}.prediction.vertexai.goog"
    ledger.touch(made)
    ledger.endpoints[name] = made
    return made


def serve_tuned(ledger: Ledger, parent: str, version: Kept, *, checkpoint: str, extra: Kept) -> str:
    """Make the endpoint that the service makes by itself for a tuned model; return its name."""
    endpoint = make(
        ledger,
        f"{parent}/endpoints/{ledger.new_id()}",
        {"displayName": version["displayName"], **extra},
    )
    put = {
        "id": ledger.new_id(),
        "model": version["name"],
        "modelVersionId": version["versionId"],
        "displayName": version["displayName"],
        "createTime": ledger.stamp(),
        "checkpointId": checkpoint,
    }
    endpoint["deployedModels"] = [put]
    endpoint["trafficSplit"] = {put["id"]: 100}
    name: str = endpoint["name"]
    return name


def create(call: Call) -> Answered:
    """`POST …/endpoints[?endpointId=…]`: an operation."""
    ledger, body = call.ledger, call.body("Endpoint", "endpoint")
    if not body.get("displayName"):
        raise invalid("Missing required field: display_name", "endpoint.display_name")
    check_labels(body.get("labels", {}), "endpoint.labels")
    chosen = call.asked.param("endpointId")
    if chosen and not (_ID.fullmatch(chosen) and (not chosen.isdigit() or len(chosen) <= 10)):
        raise invalid(f"Invalid endpoint id: {chosen}", "endpoint_id")
    name = f"{call.parent}/endpoints/{chosen or ledger.new_id()}"
    kind = "CreateEndpointOperationMetadata"
    if name in ledger.endpoints or ledger.pending(name, kind):
        raise Refused("ALREADY_EXISTS", f"The Endpoint already exists: {name}.")
    return call.begin(name, kind, lambda: ("Endpoint", dict(make(ledger, name, body))))


def get(call: Call) -> Answered:
    """`GET …/endpoints/ID`."""
    return call.answer("Endpoint", find(call.ledger, call.name))


def list_endpoints(call: Call) -> Answered:
    """`GET …/endpoints`, the newest first."""
    found = [
        kept
        for name, kept in reversed(call.ledger.endpoints.items())
        if name.startswith(f"{call.parent}/endpoints/")
    ]
    return call.listed("ListEndpointsResponse", "endpoints", found, call.asked.param("filter"))


def update(call: Call) -> Answered:
    """`PATCH …/endpoints/ID?updateMask=…`, answered at once."""
    return call.answer("Endpoint", _change(call, call.body("Endpoint", "endpoint"), call.mask()))


def update_long(call: Call) -> Answered:
    """`POST …/endpoints/ID:update`: the same as an operation, for what is not undone at once."""
    body = call.body("UpdateEndpointLongRunningRequest").get("endpoint", {})
    find(call.ledger, call.name)

    def effect() -> tuple[str, Kept]:
        return "Endpoint", dict(_change(call, body, [key for key in body if key in _EDITABLE]))

    kind = "UpdateEndpointOperationMetadata"
    return call.begin(call.name, kind, effect)


def _change(call: Call, body: Kept, wanted: list[str]) -> Kept:
    kept = find(call.ledger, call.name)
    if not wanted or set(wanted) - _EDITABLE:
        raise invalid("update_mask must name editable fields of the endpoint only.", "update_mask")
    if "etag" in body and body["etag"] != kept["etag"]:
        raise Refused("ABORTED", f"Etag of {call.name} does not match.")
    check_labels(body.get("labels", {}), "endpoint.labels")
    if "trafficSplit" in wanted:
        kept["trafficSplit"] = check_split(kept, body.get("trafficSplit", {}))
    for field in wanted:
        if field != "trafficSplit":
            kept[field] = body.get(field)
    call.ledger.touch(kept)
    return kept


def delete(call: Call) -> Answered:
    """`DELETE …/endpoints/ID`: refused while anything is deployed or being deployed."""
    ledger, name = call.ledger, call.name
    _check_empty(ledger, find(ledger, name))

    def effect() -> tuple[str, Kept]:
        _check_empty(ledger, find(ledger, name))
        del ledger.endpoints[name]
        return "Empty", {}

    return call.begin(name, "DeleteOperationMetadata", effect)


def _check_empty(ledger: Ledger, kept: Kept) -> None:
    ids = [each["id"] for each in kept.get("deployedModels", [])]
    ids += [each.about["deploys"] for each in ledger.pending(kept["name"], DEPLOYING)]
    if ids:
        raise precondition(
            f"Endpoint {kept['name']} has deployed or being-deployed DeployedModel(s) with "
            f"ID(s): {', '.join(ids)}. Undeploy them before deleting the Endpoint."
        )
