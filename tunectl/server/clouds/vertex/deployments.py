"""Deployed models: put on an endpoint, given traffic, scaled, taken off; and Model Garden's deploy.

The laws are those of the comments of `DeployModelRequest`, `UndeployModelRequest` and
`MutateDeployedModelRequest` in google-cloud-aiplatform 2.7.0.
"""

from __future__ import annotations

import re

from tunectl.server.clouds.vertex import bases, endpoints, registry
from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.ledger import Kept, Ledger, Registered
from tunectl.server.clouds.vertex.refusals import Refused, invalid, missing, precondition
from tunectl.server.clouds.wire import Answered

_SCALING = {"minReplicaCount", "maxReplicaCount", "requiredReplicaCount", "autoscalingMetricSpecs"}
_MACHINE = "n1-standard-2"
_GARDEN = "us-docker.pkg.dev/vertex-ai/vertex-vision-model-garden-dockers/pytorch-vllm-serve:latest"
_HUB = "huggingface"
_GARDEN_MACHINES: Kept = {
    "machineSpec": {
        "machineType": "g2-standard-12", "acceleratorType": "NVIDIA_L4", "acceleratorCount": 1,
    },
    "minReplicaCount": 1,
}  # fmt: skip
# The comments of `DeployRequest.ModelConfig` and `DeployRequest.EndpointConfig`.
_CHOSEN = {
    "modelUserId": re.compile(r"[a-z_][a-z0-9_-]{0,62}"),
    "endpointUserId": re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?|[1-9][0-9]{0,8}"),
}


def deploy(call: Call) -> Answered:
    """`POST …/endpoints/ID:deployModel`: an operation; without a split the traffic stays."""
    ledger, body = call.ledger, call.body("DeployModelRequest")
    kept = endpoints.find(ledger, call.name)
    asked = body.get("deployedModel", {})
    model, version = registry.find(ledger, asked.get("model", ""))
    _check_resources(model, asked)
    _check_checkpoint(version, asked)
    id_ = asked.get("id", "") or ledger.new_id()
    taken = [each["id"] for each in kept["deployedModels"]]
    if id_ in taken:
        raise invalid(f"The DeployedModel ID {id_} is already used.", "deployed_model.id")
    endpoints.check_split(kept, body.get("trafficSplit", {}), new=id_)

    def effect() -> tuple[str, Kept]:
        now = endpoints.find(ledger, call.name)
        split = endpoints.check_split(now, body.get("trafficSplit", {}), new=id_)
        put = _put(ledger, model, version, {**asked, "id": id_})
        now["deployedModels"] = [*now["deployedModels"], put]
        now["trafficSplit"] = split or now["trafficSplit"]
        ledger.touch(now)
        return "DeployModelResponse", {"deployedModel": put}

    kind = endpoints.DEPLOYING
    return call.begin(call.name, kind, effect, deploys=id_)


def _put(ledger: Ledger, model: Registered, version: Kept, asked: Kept) -> Kept:
    put: Kept = {
        **asked,
        "model": model.name,
        "modelVersionId": version["versionId"],
        "displayName": asked.get("displayName") or version["displayName"],
        "createTime": ledger.stamp(),
    }
    if model.base:
        put.setdefault("checkpointId", version.get("defaultCheckpointId", ""))
    return put


def _check_checkpoint(version: Kept, asked: Kept) -> None:
    known = {each["checkpointId"] for each in version.get("checkpoints", [])}
    wanted = asked.get("checkpointId", "")
    if wanted and wanted not in known:
        raise missing(f"Checkpoint {wanted} of {version['name']} does not exist.")


def _check_resources(model: Registered, asked: Kept) -> None:
    kinds = [key for key in ("dedicatedResources", "automaticResources", "sharedResources")
             if key in asked]  # fmt: skip
    if model.base:
        if kinds:
            raise invalid(f"'{_words(kinds[0])}' is not supported for Model {model.name}.")
        return
    if kinds != ["dedicatedResources"]:
        raise invalid(
            f"'{_words(kinds[0] if kinds else 'automaticResources')}' is not supported for Model "
            f"{model.name}."
        )
    check_machines(asked["dedicatedResources"])


def _words(key: str) -> str:
    return key.replace("Resources", "_resources")


def check_machines(resources: Kept) -> None:
    """Complete dedicated resources with the defaults, in place.

    Raises:
        Refused: replicas or accelerators cannot be so.
    """
    path = "deployed_model.dedicated_resources"
    machine = resources.setdefault("machineSpec", {})
    machine.setdefault("machineType", _MACHINE)
    low = resources.get("minReplicaCount", 0)
    if low < 1 and "scaleToZeroSpec" not in resources:
        field = f"{path}.min_replica_count"
        raise invalid("min_replica_count must be greater than or equal to 1.", field)
    high = resources.setdefault("maxReplicaCount", max(low, 1))
    if high < low:
        field = f"{path}.max_replica_count"
        raise invalid("max_replica_count must be at least min_replica_count.", field)
    if ("acceleratorType" in machine) != ("acceleratorCount" in machine):
        field = f"{path}.machine_spec"
        raise invalid("accelerator_type and accelerator_count must be set together.", field)
    if (
        machine["machineType"].startswith(("g2-", "a2-", "a3-"))
        and "acceleratorType" not in machine
    ):
        field = f"{path}.machine_spec"
        raise invalid(f"Machine type {machine['machineType']} needs an accelerator.", field)


def undeploy(call: Call) -> Answered:
    """`POST …/endpoints/ID:undeployModel`: only what has no traffic, or the last one."""
    ledger, body = call.ledger, call.body("UndeployModelRequest")
    kept = endpoints.find(ledger, call.name)
    id_ = body.get("deployedModelId", "")
    put = endpoints.deployed(kept, id_)
    split = body.get("trafficSplit")
    _left_split(kept, id_, split)

    def effect() -> tuple[str, Kept]:
        now = endpoints.find(ledger, call.name)
        endpoints.deployed(now, id_)
        now["trafficSplit"] = _left_split(now, id_, split)
        now["deployedModels"] = [each for each in now["deployedModels"] if each["id"] != id_]
        ledger.touch(now)
        ledger.freed(put["model"])
        return "UndeployModelResponse", {}

    return call.begin(call.name, "UndeployModelOperationMetadata", effect)


def _left_split(kept: Kept, id_: str, split: dict[str, int] | None) -> dict[str, int]:
    """Return the split once `id_` is gone.

    Raises:
        Refused: it would still have traffic, and others are deployed.
    """
    if [each["id"] for each in kept["deployedModels"]] == [id_]:
        return {}
    wanted = endpoints.check_split(kept, split) if split else dict(kept["trafficSplit"])
    if wanted.get(id_, 0):
        raise precondition(
            f"The DeployedModel {id_} still has traffic; set a traffic_split that unassigns it."
        )
    return {key: share for key, share in wanted.items() if key != id_}


def mutate(call: Call) -> Answered:
    """`POST …/endpoints/ID:mutateDeployedModel`: replicas, autoscaling, container logging only."""
    ledger, body = call.ledger, call.body("MutateDeployedModelRequest")
    asked = body.get("deployedModel", {})
    put = endpoints.deployed(endpoints.find(ledger, call.name), asked.get("id", ""))
    given = asked.get("dedicatedResources", {})
    strange = set(given) - _SCALING - ({"machineSpec"} if _same_machine(put, given) else set())
    if strange or "dedicatedResources" not in put:
        raise invalid("Only replica counts, autoscaling and container logging can be changed.")
    changed = {**put["dedicatedResources"], **given}
    check_machines(changed)

    def effect() -> tuple[str, Kept]:
        now = endpoints.deployed(endpoints.find(ledger, call.name), put["id"])
        now["dedicatedResources"] = changed
        if "disableContainerLogging" in body.get("updateMask", "disableContainerLogging"):
            now["disableContainerLogging"] = asked.get("disableContainerLogging", False)
        ledger.touch(ledger.endpoints[call.name])
        return "MutateDeployedModelResponse", {"deployedModel": now}

    return call.begin(call.name, "MutateDeployedModelOperationMetadata", effect)


def _same_machine(put: Kept, given: Kept) -> bool:
    return bool(put.get("dedicatedResources", {}).get("machineSpec") == given.get("machineSpec"))


def garden(call: Call) -> Answered:
    """`POST …/locations/L:deploy`: an open model onto an endpoint and a model of its own."""
    ledger, body = call.ledger, call.body("DeployRequest")
    display, source = _garden_model(body)
    chosen = {key: body.get(key, {}) for key in ("modelConfig", "endpointConfig", "deployConfig")}
    resources = chosen["deployConfig"].get("dedicatedResources") or dict(_GARDEN_MACHINES)
    check_machines(resources)
    _check_licence(body)
    id_ = _chosen_id(chosen["modelConfig"], "modelUserId") or ledger.new_id()
    name = f"{call.parent}/endpoints/" + (
        _chosen_id(chosen["endpointConfig"], "endpointUserId") or ledger.new_id()
    )
    title = chosen["modelConfig"].get("modelDisplayName") or display
    kept = {
        "displayName": title,
        "containerSpec": chosen["modelConfig"].get("containerSpec") or {"imageUri": _GARDEN},
        "artifactUri": source,
        "modelSourceInfo": {"sourceType": "MODEL_GARDEN"},
        "supportedDeploymentResourcesTypes": ["DEDICATED_RESOURCES"],
    }
    endpoint = {
        "displayName": chosen["endpointConfig"].get("endpointDisplayName") or title,
        "dedicatedEndpointEnabled": not chosen["endpointConfig"].get("dedicatedEndpointDisabled"),
    }

    def prepare() -> tuple[Registered, Kept, Kept]:
        _check_new(ledger, name, f"{call.parent}/models/{id_}")
        model, version = registry.register(ledger, call.parent, kept, id_=id_)
        return model, version, endpoints.make(ledger, name, endpoint)

    _check_new(ledger, name, f"{call.parent}/models/{id_}")
    early = prepare() if ledger.behaviour.garden_shows_early else None

    def effect() -> tuple[str, Kept]:
        model, version, made = early or prepare()
        put = _put(ledger, model, version, {"id": ledger.new_id(), "dedicatedResources": resources})
        made["deployedModels"], made["trafficSplit"] = [put], {put["id"]: 100}
        published = body.get("publisherModelName", "")
        shown = {"publisherModel": published, "endpoint": name, "model": model.name}
        return "DeployResponse", shown

    about = {"destination": call.parent, "projectNumber": ledger.number}
    return call.begin(call.parent, "DeployOperationMetadata", effect, **about)


def _check_new(ledger: Ledger, endpoint: str, model: str) -> None:
    for there, kind in ((endpoint, "Endpoint"), (model, "Model")):
        if there in ledger.endpoints or there in ledger.models:
            raise Refused("ALREADY_EXISTS", f"The {kind} already exists: {there}.")


def _chosen_id(config: Kept, key: str) -> str:
    """Return the id that a caller chose, empty where none is.

    Raises:
        Refused: it cannot be one.
    """
    id_: str = config.get(key, "")
    if id_ and not _CHOSEN[key].fullmatch(id_):
        raise invalid(f"Invalid {key}: {id_}", key)
    return id_


def _check_licence(body: Kept) -> None:
    """Refuse what asks for consent and has none; the real service's words are not known."""
    how, name = body.get("modelConfig", {}), body.get("publisherModelName", "")
    published = bases.find(name) if name else None
    if published is not None and published.eula and not how.get("acceptEula"):
        raise precondition(
            f"The EULA of Publisher Model `{name}` has not been accepted for this project."
        )
    hub = body.get("huggingFaceModelId", "")
    if hub.startswith(bases.GATED) and not how.get("huggingFaceAccessToken"):
        raise invalid(f"Access to the Hugging Face model {hub} is restricted: a token is needed.")


def _garden_model(body: Kept) -> tuple[str, str]:
    """Return a display name, and where the weights are."""
    if uri := body.get("customModel", {}).get("gcsUri", ""):
        return uri.rstrip("/").rpartition("/")[2], uri
    if hub := body.get("huggingFaceModelId", ""):
        return hub.replace("/", "--"), f"{_HUB}://{hub}"
    name = body.get("publisherModelName", "")
    found = bases.find(name)
    if found is None or not found.is_open:
        raise missing(f"Publisher Model `{name}` was not found.")
    return found.id.replace("@", "--"), found.name
