"""Models of the registry: versions, aliases, checkpoints, and what keeps one from being deleted."""

from __future__ import annotations

import re
from collections.abc import Mapping

from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.labels import check_labels
from tunectl.server.clouds.vertex.ledger import Kept, Ledger, Pairs, Registered
from tunectl.server.clouds.vertex.refusals import Refused, invalid, missing, precondition
from tunectl.server.clouds.wire import Answered

_MODEL = re.compile(r"(projects/[^/]+/locations/[^/]+/models/[^/@]+)(?:@(.+))?")
_EDITABLE = {"displayName", "description", "labels", "versionDescription", "defaultCheckpointId"}


def split(name: str) -> tuple[str, str]:
    """Return a model's name and the version or alias behind its `@`."""
    found = _MODEL.fullmatch(name)
    return (found[1], found[2] or "") if found else (name, "")


def find(ledger: Ledger, name: str) -> tuple[Registered, Kept]:
    """Return a model and the version that a name means.

    Raises:
        Refused: there is no such model or version.
    """
    plain, version = split(name)
    # A request may name the project by its id; what is kept has its number.
    ours = plain.replace(f"projects/{ledger.project}/", f"projects/{ledger.number}/", 1)
    found = ledger.models.get(ours)
    if found is None:
        raise missing(f"The Model does not exist: {plain}.")
    return found, found.version(version)


def register(
    ledger: Ledger, parent: str, kept: Kept, *, base: str = "", onto: str = "", id_: str = ""
) -> tuple[Registered, Kept]:
    """Add a model, or a version to the model `onto`; return both."""
    model = ledger.models.get(onto) or Registered(f"{parent}/models/{id_ or ledger.new_id()}", [])
    stamp = ledger.stamp()
    version: Kept = {
        **kept,
        "name": model.name,
        "versionId": str(max((int(v["versionId"]) for v in model.versions), default=0) + 1),
        "versionAliases": ["default"],
        "createTime": model.versions[0]["createTime"] if model.versions else stamp,
        "versionCreateTime": stamp,
        "versionUpdateTime": stamp,
    }
    for earlier in model.versions:
        earlier["versionAliases"] = [a for a in earlier["versionAliases"] if a != "default"]
    ledger.touch(version)
    model.versions.append(version)
    model.base = base or model.base
    ledger.models[model.name] = model
    learn(model, version, ledger.weights.get(kept.get("artifactUri", "").rstrip("/"), ()))
    return model, version


def learn(model: Registered, version: Kept, pairs: Pairs) -> None:
    """Note what a version learned."""
    model.pairs[version["versionId"]] = pairs


def view(ledger: Ledger, kept: Kept, places: Mapping[str, list[Kept]] | None = None) -> Kept:
    """Return a version with the places where it is deployed."""
    places = ledger.places() if places is None else places
    return {**kept, "deployedModels": places.get(f"{kept['name']}@{kept['versionId']}", [])}


def get(call: Call) -> Answered:
    """`GET …/models/ID[@VERSION]`."""
    _, version = find(call.ledger, call.name)
    return call.answer("Model", view(call.ledger, version))


def list_models(call: Call) -> Answered:
    """`GET …/models`: every model in its default version."""
    places = call.ledger.places()
    found = [
        view(call.ledger, model.version(""), places)
        for name, model in reversed(call.ledger.models.items())
        if name.startswith(f"{call.parent}/models/")
    ]
    return call.listed("ListModelsResponse", "models", found, call.asked.param("filter"))


def list_versions(call: Call) -> Answered:
    """`GET …/models/ID:listVersions`."""
    model, _ = find(call.ledger, call.name)
    found = [view(call.ledger, version) for version in model.versions]
    return call.listed("ListModelVersionsResponse", "models", found, call.asked.param("filter"))


def list_checkpoints(call: Call) -> Answered:
    """`GET …/models/ID[@VERSION]:listCheckpoints`."""
    _, version = find(call.ledger, call.name)
    found = version.get("checkpoints", [])
    return call.listed("ListModelVersionCheckpointsResponse", "checkpoints", found)


def merge_aliases(call: Call) -> Answered:
    """`POST …/models/ID@VERSION:mergeVersionAliases`: `-alias` takes one away."""
    model, version = find(call.ledger, call.name)
    for alias in call.body("MergeVersionAliasesRequest").get("versionAliases", []):
        plain = alias.removeprefix("-")
        if alias == "-default":
            raise invalid("The alias `default` cannot be removed; assign it to another version.")
        for each in model.versions:
            each["versionAliases"] = [a for a in each.get("versionAliases", []) if a != plain]
        if alias == plain:
            version["versionAliases"] = [*version["versionAliases"], alias]
    call.ledger.touch(version)
    return call.answer("Model", view(call.ledger, version))


def update(call: Call) -> Answered:
    """`PATCH …/models/ID[@VERSION]?updateMask=…`, answered at once."""
    model, version = find(call.ledger, call.name)
    body = call.body("Model", "model")
    wanted = call.mask()
    if not wanted or set(wanted) - _EDITABLE:
        raise invalid("update_mask must name editable fields of the model only.", "update_mask")
    if "etag" in body and body["etag"] != version["etag"]:
        raise Refused("ABORTED", f"Etag of {model.name} does not match.")
    check_labels(body.get("labels", {}), "model.labels")
    if "defaultCheckpointId" in wanted:
        known = {each["checkpointId"] for each in version.get("checkpoints", [])}
        if body.get("defaultCheckpointId") not in known:
            raise invalid(f"Checkpoint {body.get('defaultCheckpointId')} does not exist.")
    for field in wanted:
        version[field] = body.get(field)
    call.ledger.touch(version)
    return call.answer("Model", view(call.ledger, version))


def upload(call: Call) -> Answered:
    """`POST …/models:upload`: a model of one's own, or a version of one; takes an operation."""
    body = call.body("UploadModelRequest")
    kept, onto = body.get("model", {}), split(body.get("parentModel", ""))[0]
    if not kept.get("displayName"):
        raise invalid("Missing required field: model.display_name", "model.display_name")
    if not kept.get("containerSpec", {}).get("imageUri"):
        raise invalid("Missing required field: model.container_spec.image_uri")
    check_labels(kept.get("labels", {}), "model.labels")
    if onto and onto not in call.ledger.models:
        raise missing(f"The Model does not exist: {onto}.")
    kept.setdefault("modelSourceInfo", {"sourceType": "CUSTOM"})
    kept["supportedDeploymentResourcesTypes"] = ["DEDICATED_RESOURCES"]
    id_ = body.get("modelId", "") or call.ledger.new_id()
    name = onto or f"{call.parent}/models/{id_}"
    if not onto and name in call.ledger.models:
        raise Refused("ALREADY_EXISTS", f"The Model already exists: {name}.")

    def effect() -> tuple[str, Kept]:
        model, made = register(call.ledger, call.parent, kept, onto=onto, id_=id_)
        return "UploadModelResponse", {"model": model.name, "modelVersionId": made["versionId"]}

    return call.begin(name, "UploadModelOperationMetadata", effect)


def _check_free(ledger: Ledger, model: Registered, version: str = "") -> None:
    key = f"{model.name}@{version}" if version else model.name
    places = [ref["endpoint"] for ref in ledger.places().get(key, [])]
    if not places and (model.freed is None or model.freed <= ledger.world.now()):
        return
    where = f": {', '.join(places)}" if places else ""
    raise precondition(
        f"The Model is deployed or being deployed at the following Endpoint(s){where}. "
        "Please undeploy the model before retry."
    )


def delete(call: Call) -> Answered:
    """`DELETE …/models/ID`: refused while any version is deployed anywhere."""
    ledger = call.ledger
    model, _ = find(ledger, split(call.name)[0])
    _check_free(ledger, model)

    def effect() -> tuple[str, Kept]:
        _check_free(ledger, model)
        if ledger.models.pop(model.name, None) is None:
            raise missing(f"The Model does not exist: {model.name}.")
        return "Empty", {}

    return call.begin(model.name, "DeleteOperationMetadata", effect)


def delete_version(call: Call) -> Answered:
    """`DELETE …/models/ID@VERSION:deleteVersion`: the default version cannot go."""
    ledger = call.ledger
    model, version = find(ledger, call.name)
    if "default" in version["versionAliases"]:
        raise precondition(
            f"Cannot delete the default version of {model.name}; delete the model, or assign the "
            "alias `default` to another version."
        )
    _check_free(ledger, model, version["versionId"])

    def effect() -> tuple[str, Kept]:
        model.versions = [each for each in model.versions if each is not version]
        return "Empty", {}

    return call.begin(model.name, "DeleteOperationMetadata", effect)
