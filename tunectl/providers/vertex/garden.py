"""Open models: Model Garden registers a copy, makes an endpoint and deploys it, in one operation.

The request has no place for labels, but the ids of endpoint and copy are chosen here, so that what
a lost answer made is found by its name; labels and description are put on it when it is there. The
operation does not say which ids it was given (`DeployOperationMetadata`, google-cloud-aiplatform
2.7.0): while one runs in the location and nothing carries ours yet, nobody can tell whether it is
ours, and nothing is deployed again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tunectl.catalog.open_models import Weights, open_model
from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    UnknownOutcomeError,
)
from tunectl.core.ports import Mark, Request
from tunectl.core.resource import Instance, Status
from tunectl.core.value import Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.vertex.client import ENDPOINTS, GARDEN, MODELS, Cloud
from tunectl.providers.vertex.deployment import (
    Now,
    endpoint_named,
    go_on,
    looked_at,
    outwaited,
    remove_endpoint,
    waited_for,
)
from tunectl.providers.vertex.machines import copy_of, resources_of, served, serving_note
from tunectl.providers.vertex.marks import OP, description_of, display_name, labels_of
from tunectl.providers.vertex.places import Name, location_of
from tunectl.providers.vertex.teardown import delete_model, model_named

CLAIM = "claim"
_DEPLOYING = "Model Garden deploys the model; 15 to 30 minutes with an accelerator"
_CHOSEN = "tunectl-"
_PAGE = "100"
_GATED = (
    "get access to the model at Hugging Face, and name the variable that holds your token there: "
    "`hugging_face_token_env: HF_TOKEN` under the provider"
)
_SOURCES = {
    Weights.GARDEN: "publisherModelName",
    Weights.HUB: "huggingFaceModelId",
}


def begin_open(cloud: Cloud, request: Request) -> Now:
    """Begin to deploy an open model.

    Raises:
        InvalidRequestError: it is no open model, or its licence is not accepted.
        CredentialsError: the variable with the token of Hugging Face is not set.
        UnknownOutcomeError: it may have begun.
    """
    model = str(request.spec["model"])
    body = asked(cloud, request)
    try:
        operation = cloud.tell(f"deploy the open model `{model}`", lambda: _sent(cloud, body))
    except (InvalidRequestError, ConflictError) as error:
        raise _with_way_out(error, model) from None
    return Now(Status.PENDING, _DEPLOYING, operation=operation)


def asked(cloud: Cloud, request: Request) -> dict[str, Any]:
    """Return the request of `deploy` in JSON.

    Raises:
        InvalidRequestError: it is no open model.
        CredentialsError: the variable with the token of Hugging Face is not set.
    """
    model = str(request.spec["model"])
    source = open_model(model)
    if source is None:
        raise InvalidRequestError.of(
            f"`{model}` is no open model that Model Garden could deploy",
            hint="such as `google/gemma3@gemma-3-1b-it`, a model's id at Hugging Face, or a folder "
            "of weights, `gs://BUCKET/FOLDER`",
            address=str(request.resource.address),
        )
    id_, title = f"{_CHOSEN}{request.mark.op}", display_name(request.mark, None)
    how: dict[str, Any] = {"modelDisplayName": title, "modelUserId": id_}
    if request.spec.get("accept_eula"):
        how["acceptEula"] = True
    if source.weights is Weights.HUB and cloud.hub_token_env:
        how["huggingFaceAccessToken"] = _token(cloud)
    what: dict[str, Any] = (
        {"customModel": {"gcsUri": source.name}}
        if source.weights is Weights.BUCKET
        else {_SOURCES[source.weights]: source.name}
    )
    return {
        **what,
        "modelConfig": how,
        "endpointConfig": {"endpointDisplayName": title, "endpointUserId": id_},
        "deployConfig": {"dedicatedResources": resources_of(request.spec)},
    }


def _token(cloud: Cloud) -> str:
    token = os.environ.get(cloud.hub_token_env, "").strip()
    if not token:
        raise CredentialsError.of(
            f"the variable `{cloud.hub_token_env}` of provider `{cloud.provider}` is not set",
            hint="set it to a token of Hugging Face that may read, or remove "
            "`hugging_face_token_env:`",
        )
    return token


def _sent(cloud: Cloud, body: Mapping[str, Any]) -> str:
    if "customModel" in body:  # only v1beta1 has weights of one's own
        begun = cloud.post_json(cloud.location, f"v1beta1/{cloud.parent}:deploy", body)
        if not isinstance(begun.get("name"), str):
            raise SenselessAnswerError("`name` is missing")
        return str(begun["name"])
    from google.cloud.aiplatform_v1 import DeployRequest
    from google.protobuf.json_format import ParseDict

    request = DeployRequest.wrap(ParseDict(dict(body), DeployRequest.pb(DeployRequest())))
    request.destination = cloud.parent
    client = cloud.service(GARDEN, cloud.location, once=True)
    return str(client.deploy(request, **cloud.plain).operation.name)


def _with_way_out(error: ProviderError, model: str) -> ProviderError:
    """Return a refusal with what to do where it speaks of a licence or of Hugging Face's token."""
    said = str(error).lower()
    if "eula" in said:
        return InvalidRequestError.of(
            _unaccepted(model), hint=_accept(model), detail=str(error), code="licence"
        )
    if "hugging face" not in said:
        return error
    return type(error)(tuple(replace(one, hint=_GATED) for one in error.diagnostics))


def _unaccepted(model: str) -> str:
    return f"the licence of `{model}` is not accepted, and Model Garden deploys it only then"


def _accept(model: str) -> str:
    found = open_model(model)
    where = f" ({found.page})" if found is not None else ""
    return f"read it{where}, then write `accept_eula: true` at the endpoint"


def claim_of(mark: Mark, own: Mapping[str, str]) -> dict[str, Plain]:
    """Return what is put on endpoint and copy once they are there."""
    return {
        CLAIM: {"labels": dict(labels_of(mark, own)), "description": description_of(mark)},
    }


def looked_at_open(cloud: Cloud, instance: Instance, operation: str) -> Now:
    """Tell how far an open model is; nothing is begun.

    Raises:
        NotFoundError: nothing of it exists, and nothing is being made.
    """
    before = instance.progress or _DEPLOYING
    if operation and (now := waited_for(cloud, operation, before)) is not None:
        return _told(now, instance)
    try:
        return looked_at(cloud, instance.id, served(instance.id, instance.spec), "")
    except NotFoundError:
        if not is_begun(cloud, instance.id):
            raise
        return Now(Status.PENDING, _DEPLOYING)


def advance_open(cloud: Cloud, instance: Instance, operation: str) -> Now:
    """Tell how far an open model is, mark what is there as ours, and begin what comes next.

    Raises:
        NotFoundError: nothing of it exists, and nothing is being made.
        InvalidRequestError: what comes next is definitely refused.
    """
    name = instance.id
    if operation and (now := waited_for(cloud, operation, instance.progress)) is not None:
        return _told(now, instance)
    try:
        found = endpoint_named(cloud, name)
    except NotFoundError:
        if not is_begun(cloud, name):
            raise
        return Now(Status.PENDING, _DEPLOYING)
    if not found.deployed_models and deploying(cloud):
        return Now(Status.PENDING, _DEPLOYING)
    claim(cloud, found, instance)
    return go_on(cloud, name, found, served(name, instance.spec))


def _told(now: Now, instance: Instance) -> Now:
    if now.status is Status.FAILED and "eula" in now.reason.lower():
        model = str(instance.spec.get("model"))
        reason = f"{_unaccepted(model)}; {_accept(model)} (Vertex AI: {now.reason})"
        return replace(now, reason=reason)
    return now


def claim(cloud: Cloud, found: Any, instance: Instance) -> None:  # noqa: ANN401
    """Put labels and description on an endpoint and its copy; once, where they are not there.

    Args:
        cloud: where they are.
        found: the endpoint, a proto-plus message.
        instance: what carries them until then.
    """
    told = instance.outputs.get(CLAIM)
    if not isinstance(told, Mapping) or found.labels.get(OP) == instance.op:
        return
    labels = told.get("labels")
    assert isinstance(labels, Mapping)
    note = serving_note(instance.spec) if instance.spec.get("model") else ""
    wanted = {"labels": dict(labels), "description": str(told.get("description")) + note}
    copy = copy_of(instance.id)
    # The endpoint is last: it is by its labels that all of it counts as marked.
    if model_named(cloud, copy) is not None:
        _labelled(cloud, MODELS, copy, wanted)
    _labelled(cloud, ENDPOINTS, instance.id, wanted)


def _labelled(cloud: Cloud, kind: str, name: str, wanted: Mapping[str, Any]) -> None:
    def send() -> None:
        from google.cloud.aiplatform_v1 import Endpoint, Model
        from google.protobuf.field_mask_pb2 import FieldMask

        mask = FieldMask(paths=sorted(wanted))
        client = cloud.service(kind, location_of(name), once=True)
        if kind == MODELS:
            client.update_model(model=Model(name=name, **wanted), update_mask=mask, **cloud.plain)
        else:
            endpoint = Endpoint(name=name, **wanted)
            client.update_endpoint(endpoint=endpoint, update_mask=mask, **cloud.plain)

    cloud.tell(f"label `{name}`", send)


def is_begun(cloud: Cloud, endpoint: str) -> bool:
    """Tell whether something is there, or being made, that may become an endpoint."""
    return model_named(cloud, copy_of(endpoint)) is not None or bool(deploying(cloud))


def deploying(cloud: Cloud) -> list[str]:
    """Return the operations of Model Garden that run in the location, whoever began them."""
    found: list[str] = []
    token = ""
    while True:
        listed = cloud.ask(
            f"list the operations of `{cloud.parent}`",
            lambda token=token: cloud.get_json(  # type: ignore[misc]
                cloud.location,
                f"v1/{cloud.parent}/operations",
                pageSize=_PAGE,
                **({"pageToken": token} if token else {}),
            ),
        )
        found += (str(one.get("name")) for one in listed.get("operations") or () if _runs(one))
        following = str(listed.get("nextPageToken") or "")
        if not following or following == token:
            return found
        token = following


def _runs(operation: Mapping[str, Any]) -> bool:
    kind = str((operation.get("metadata") or {}).get("@type", ""))
    return not operation.get("done") and kind.endswith(".DeployOperationMetadata")


def unseen(cloud: Cloud, endpoint: str) -> bool:
    """Tell whether an endpoint that does not exist is being made.

    Returns:
        True when its copy is registered already; False when nothing of it is there or made.

    Raises:
        UnknownOutcomeError: that cannot be told while Model Garden deploys something there.
    """
    if model_named(cloud, copy_of(endpoint)) is not None:
        return True
    running = deploying(cloud)
    if not running:
        return False
    raise UnknownOutcomeError.of(
        f"Model Garden deploys a model in `{cloud.parent}`, and does not say for whom",
        hint="run the same command again when it has ended (15 to 30 minutes)",
        detail=", ".join(running),
    )


def remove_open(cloud: Cloud, instance: Instance, operation: str) -> None:
    """Take an open model off, delete its endpoint, then the copy that was registered for it.

    Raises:
        ConflictError: it is still being made; try again later.
    """
    pending = not operation and instance.status is Status.PENDING
    if operation:
        outwaited(cloud, operation)
    elif pending and _is_missing(cloud, instance.id) and (running := deploying(cloud)):
        raise ConflictError.of(
            f"Model Garden deploys a model in `{cloud.parent}`, perhaps `{instance.address}`",
            hint="run the same command again when it has ended (15 to 30 minutes)",
            address=str(instance.address),
            detail=", ".join(running),
        )
    remove_endpoint(cloud, instance.id)
    copy = copy_of(instance.id)
    if model_named(cloud, copy) is not None:
        delete_model(cloud, copy)


def _is_missing(cloud: Cloud, endpoint: str) -> bool:
    try:
        endpoint_named(cloud, endpoint)
    except NotFoundError:
        return True
    return False


def op_of(there: Any) -> str:  # noqa: ANN401  # a proto-plus message
    """Return the operation that made an endpoint: its labels say it, else the id we chose."""
    if told := str(there.labels.get(OP, "")):
        return told
    name = Name.of(there.name)
    chosen = name.id if name is not None else ""
    return chosen.removeprefix(_CHOSEN) if chosen.startswith(_CHOSEN) else ""
