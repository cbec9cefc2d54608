"""What is only looked up: operations, locations, published models, and the project itself."""

from __future__ import annotations

from tunectl.server.clouds.vertex import bases
from tunectl.server.clouds.vertex.calls import Call, wants_numbers
from tunectl.server.clouds.vertex.filters import page
from tunectl.server.clouds.vertex.ledger import Kept, Ledger
from tunectl.server.clouds.vertex.messages import written
from tunectl.server.clouds.vertex.refusals import Refused, denied, missing
from tunectl.server.clouds.wire import Answered, Asked


def operation(call: Call) -> Answered:
    """`GET …/operations/ID`, under the location or the resource."""
    found = call.ledger.operations.get(call.name)
    if found is None:
        id_ = call.name.rpartition("/")[2]
        same = [o for name, o in call.ledger.operations.items() if name.endswith(f"/{id_}")]
        found = same[0] if same and call.rest.startswith("operations/") else None
    if found is None:
        raise missing(f"The Operation does not exist: {call.name}.")
    return call.operation(found)


def operations(call: Call) -> Answered:
    """`GET …/operations`, under the location or a resource."""
    prefix = call.name.removesuffix("operations")
    found = [o for name, o in call.ledger.operations.items() if name.startswith(prefix)]
    shown, more = page(call.asked, [call.shown(each) for each in reversed(found)])
    return Answered.of({"operations": shown, **({"nextPageToken": more} if more else {})})


def wait(call: Call) -> Answered:
    """`POST …/operations/ID:wait`: answered at once, as the service may."""
    return operation(call)


def cancel(call: Call) -> Answered:
    """`POST …/operations/ID:cancel`: what has not come true yet will not."""
    found = call.ledger.operations.get(call.name)
    if found is None:
        raise missing(f"The Operation does not exist: {call.name}.")
    if not found.done:
        found.error = Refused("CANCELLED", "The operation was cancelled.")
    return Answered.of({})


def location(call: Call) -> Answered:
    """`GET …/locations/L`."""
    return Answered.of(_location(call.ledger, call.location))


def locations(ledger: Ledger) -> Answered:
    """`GET /v1/projects/P/locations`."""
    found = [_location(ledger, name) for name in sorted(bases.LOCATIONS)]
    return Answered.of({"locations": found})


def _location(ledger: Ledger, name: str) -> Kept:
    return {"name": f"projects/{ledger.project}/locations/{name}", "locationId": name}


def published(ledger: Ledger, asked: Asked, version: str, publisher: str, model: str) -> Answered:
    """`GET …/publishers/google/models[/ID]`; the list is of v1beta1 only.

    Raises:
        Refused: there is no such model any more.
    """
    day = ledger.world.now().date()
    if model:
        name = f"publishers/{publisher}/models/{model}"
        found = bases.find(name)
        if found is None or found.retired(day):
            raise missing(f"Publisher Model `{name}` was not found.")
        return _said(asked, version, "PublisherModel", _published(found))
    if version != "v1beta1":
        raise missing("Requested entity was not found.")
    living = [m for m in bases.PUBLISHED if m.publisher == publisher and not m.retired(day)]
    shown, more = page(asked, [_published(each) for each in living])
    listed = {"publisherModels": shown, "nextPageToken": more}
    return _said(asked, version, "ListPublisherModelsResponse", listed)


def _said(asked: Asked, version: str, message: str, kept: Kept) -> Answered:
    return Answered.of(written(version, message, kept, as_numbers=wants_numbers(asked)))


def _published(model: bases.Published) -> Kept:
    plain, _, release = model.id.partition("@")
    shape: Kept = {
        "name": f"publishers/{model.publisher}/models/{plain}",
        "versionId": release or "default",
        "openSourceCategory": "THIRD_PARTY_OWNED_OSS" if model.is_open else "PROPRIETARY",
        "launchStage": "GA",
        "versionState": "VERSION_STATE_STABLE",
    }
    return shape


def project(ledger: Ledger, name: str, version: str) -> Answered:
    """`GET /v1|v3/projects/P` of the Cloud Resource Manager.

    Raises:
        Refused: it is another's, or there is none: nobody is told which.
    """
    if name not in {ledger.project, str(ledger.number)}:
        raise denied("resourcemanager.projects.get", f"projects/{name}")
    if version == "v3":
        said = {"name": f"projects/{ledger.number}", "projectId": ledger.project, "state": "ACTIVE"}
        return Answered.of({**said, "displayName": ledger.project, "etag": 'W/"1"'})
    said = {"projectNumber": str(ledger.number), "projectId": ledger.project}
    return Answered.of({**said, "name": ledger.project, "lifecycleState": "ACTIVE"})
