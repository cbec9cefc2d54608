"""A dedicated deployment in words: settings to what is deployed, and back. No request is made here.

Field names as of `DedicatedResources` (google-cloud-aiplatform 2.7.0).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import Any

from tunectl.core.value import Plain
from tunectl.providers.vertex.places import Name, same_thing

DEDICATED, GARDEN = "dedicated", "garden"
ALL = 100  # percent of the traffic
METRICS = {
    "cpu": "aiplatform.googleapis.com/prediction/online/cpu/utilization",
    "gpu": "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle",
}
_DIGITS = 9_000_000_000
_TITLE = 128  # characters of a display name
_SERVES = re.compile(r" serves (\S+)$")


def is_dedicated(spec: Mapping[str, Plain]) -> bool:
    """Tell whether an endpoint has machines of its own."""
    return spec.get("hosting") in {DEDICATED, GARDEN}


def is_garden(spec: Mapping[str, Plain]) -> bool:
    """Tell whether Model Garden makes an endpoint, and a model in the registry with it."""
    return spec.get("hosting") == GARDEN


def copy_of(endpoint: str) -> str:
    """Return the name of the model that Model Garden registers for an endpoint: it has its id."""
    name = Name.of(endpoint)
    assert name is not None, endpoint
    return f"projects/{name.project}/locations/{name.location}/models/{name.id}"


def served(endpoint: str, spec: Mapping[str, Plain]) -> Mapping[str, Plain]:
    """Return the settings with the registered model in place of an open one."""
    return {**spec, "model": copy_of(endpoint)} if is_garden(spec) else spec


def deployed_id(endpoint: str, spec: Mapping[str, Plain]) -> str:
    """Return the id of a deployment: ten digits that say what cannot be changed about it.

    So that the same deployment can be asked for twice and is there once.
    """
    name = Name.of(endpoint)
    model = Name.of(str(spec.get("model")))
    # The project may be told by its id or its number, and it is one model.
    said = f"{model.location}/{model.id}@{model.version}" if model else spec.get("model")
    parts = [name.id if name else endpoint, said, spec.get("machine_type")]
    parts += [str(_accelerator(spec)), spec.get("spot") or False]
    digest = hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()
    return str(int(digest[:15], 16) % _DIGITS + 1_000_000_000)


def put_for(found: Any, spec: Mapping[str, Plain]) -> Any | None:  # noqa: ANN401  # untyped
    """Return what serves as it is declared, None when nothing does.

    Model Garden chooses the id of what it deploys: that is known by its model and its machines.

    Args:
        found: the endpoint, a proto-plus message.
        spec: as `served` returned it.
    """
    wanted = deployed_id(found.name, spec)
    for one in found.deployed_models:
        if one.id == wanted or (is_garden(spec) and _is_such(one, spec)):
            return one
    return None


def _is_such(one: Any, spec: Mapping[str, Plain]) -> bool:  # noqa: ANN401
    resources = one.dedicated_resources
    machine = resources.machine_spec
    kind = (machine.accelerator_type.name, machine.accelerator_count)
    return bool(
        _same_model(str(spec.get("model")), one)
        and machine.machine_type == spec.get("machine_type")
        and (kind if machine.accelerator_count else None) == _accelerator(spec)
        and bool(resources.spot) == bool(spec.get("spot"))
    )


def _accelerator(spec: Mapping[str, Plain]) -> tuple[str, int] | None:
    given = spec.get("accelerator")
    if not isinstance(given, Mapping):
        return None
    return str(given.get("type")), int(str(given.get("count") or 1))


def replicas_of(spec: Mapping[str, Plain]) -> tuple[int, int]:
    """Return fewest and most replicas."""
    given = spec.get("replicas")
    if not isinstance(given, Mapping):
        return 1, 1
    least = int(str(given.get("min") or 1))
    return least, int(str(given.get("max") or least))


def scaling(spec: Mapping[str, Plain]) -> dict[str, Any]:
    """Return what can be changed while a model serves: replicas and when to add some."""
    least, most = replicas_of(spec)
    found: dict[str, Any] = {"min_replica_count": least, "max_replica_count": most}
    targets = spec.get("autoscaling")
    if isinstance(targets, Mapping) and targets:
        found["autoscaling_metric_specs"] = [
            {"metric_name": METRICS[key], "target": int(str(value))}
            for key, value in targets.items()
        ]
    return found


def deployed_model(endpoint: str, spec: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the model to deploy, as `deployModel` takes it."""
    return {
        "id": deployed_id(endpoint, spec),
        "model": str(spec["model"]),
        "display_name": str(spec["model"])[:_TITLE],
        "dedicated_resources": resources_of(spec),
    }


def resources_of(spec: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the machines, as `DedicatedResources` says them."""
    machine: dict[str, Any] = {"machine_type": spec.get("machine_type")}
    if (accelerator := _accelerator(spec)) is not None:
        machine |= {"accelerator_type": accelerator[0], "accelerator_count": accelerator[1]}
    resources = {"machine_spec": machine, **scaling(spec)}
    if spec.get("spot"):
        resources["spot"] = True
    return resources


def share_of(spec: Mapping[str, Plain]) -> int:
    """Return the percent of the traffic that goes to the model that an endpoint moved to."""
    canary = spec.get("canary")
    return canary if isinstance(canary, int) else ALL


def observed(spec: Mapping[str, Plain], found: Any) -> dict[str, Plain]:  # noqa: ANN401  # untyped
    """Return settings as they are now; what was not set is not told.

    Args:
        spec: as recorded.
        found: the endpoint, a proto-plus message.
    """
    wanted = served(found.name, spec)
    ours = put_for(found, wanted)
    current = ours if ours is not None else _newest(found)
    if current is None:
        return {**spec, **_emptied(is_garden(spec))}
    now = dict(spec)
    if not _same_model(str(wanted.get("model", "")), current):
        now["model"] = _model_of(current)
    return _described(now, current, dict(found.traffic_split))


def introduced(found: Any) -> dict[str, Plain]:  # noqa: ANN401
    """Return the settings of an endpoint of which only the name is known."""
    current = _newest(found)
    if current is None:
        told = _garden(str(found.description))
        return {**told, **_emptied(bool(told))}
    said: dict[str, Plain] = {"model": _model_of(current)}
    if "dedicated_resources" not in current:
        return said
    if same_thing(copy_of(found.name), current.model):
        said = _garden(str(found.description))
    else:
        said["hosting"] = DEDICATED
    return _described(said, current, dict(found.traffic_split))


def _garden(description: str) -> dict[str, Plain]:
    """Return which open model it is; nothing where that is not told, which contradicts nothing."""
    told = _SERVES.search(description)
    return {"model": told[1], "hosting": GARDEN} if told else {}


def _emptied(garden: bool) -> dict[str, Plain]:
    """Return what tells that nothing is deployed; what Model Garden registered is put on again."""
    return {"machine_type": ""} if garden else {"model": ""}


def serving_note(spec: Mapping[str, Plain]) -> str:
    """Return what an endpoint's description says of its open model, for those who only list."""
    return f" serves {spec['model']}"


def _newest(found: Any) -> Any:  # noqa: ANN401
    """Return what an endpoint moved to last: while two share the traffic, it may have less."""
    return max(found.deployed_models, key=lambda one: one.create_time, default=None)


def _model_of(current: Any) -> str:  # noqa: ANN401
    """Return the model's name as it was declared: what we deploy is called by it."""
    title = str(current.display_name)
    if Name.of(title) is not None and _same_model(title, current):
        return title
    return f"{current.model}@{current.model_version_id}"


def _described(
    spec: Mapping[str, Plain],
    current: Any,  # noqa: ANN401
    split: Mapping[str, int],
) -> dict[str, Plain]:
    now, resources = dict(spec), current.dedicated_resources
    machine = resources.machine_spec
    now["machine_type"] = machine.machine_type
    if machine.accelerator_count or "accelerator" in spec:
        kind = machine.accelerator_type.name
        now["accelerator"] = {"type": kind, "count": machine.accelerator_count}
    least = resources.min_replica_count
    now["replicas"] = {"min": least, "max": resources.max_replica_count or least}
    if "autoscaling" in spec:
        names = {metric: key for key, metric in METRICS.items()}
        now["autoscaling"] = {
            names.get(one.metric_name, one.metric_name): one.target
            for one in resources.autoscaling_metric_specs
        }
    share = split.get(current.id, 0)
    if share != share_of(spec):
        now["canary"] = share
    return now


def _same_model(said: str, deployed: Any) -> bool:  # noqa: ANN401
    name = Name.of(said)
    if name is None or not same_thing(said, deployed.model):
        return bool(said == deployed.model)
    return name.version in {"", str(deployed.model_version_id)}
