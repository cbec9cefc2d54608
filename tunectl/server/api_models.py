"""Models and files on the wire, and our own routes under /v1/tunectl."""

from __future__ import annotations

import time
from typing import Any

import tunectl
from tunectl.server.aliases import all_aliases, delete_alias, get_alias, put_alias
from tunectl.server.folder import is_locked
from tunectl.server.service import Service
from tunectl.server.wire import ApiError, Call, Reply, checked_metadata, page


def list_models(service: Service, _call: Call) -> Reply:
    """GET /models: bases, tuned models, checkpoints and aliases; never in pages."""
    for job in service.catalogue.jobs():
        service.reconciler.settle(job)
    data = [model.shown() for model in service.catalogue.all()]
    return Reply({"object": "list", "data": data})


def retrieve_model(service: Service, call: Call) -> Reply:
    """GET /models/{model}; an alias is shown under its own name."""
    name = call.path["model"]
    alias = get_alias(service.root, name)
    if alias is None:
        return Reply(service.catalogue.find(name).shown())
    behind = service.catalogue.find(str(alias["model"]))
    value = behind.shown() | {"id": name, "owned_by": "tunectl-alias"}
    return Reply(value | {"created": alias["created_at"], "tunectl_model": behind.id})


def delete_model(service: Service, call: Call) -> Reply:
    """DELETE /models/{model}: a tuned model with its checkpoints, or one checkpoint."""
    name = call.path["model"]
    service.catalogue.delete(name)
    return Reply({"id": name, "object": "model", "deleted": True})


def list_files(service: Service, call: Call) -> Reply:
    """GET /files with `purpose`, `order`, `after`, `limit`."""
    order = call.first("order") or "desc"
    if order not in {"asc", "desc"}:
        raise ApiError(400, f"Invalid 'order': '{order}' is neither 'asc' nor 'desc'.", "order")
    purpose = call.first("purpose")
    files = [m for m in service.files.all() if purpose is None or m["purpose"] == purpose]
    if order == "desc":
        files.reverse()
    return page(files, lambda meta: str(meta["id"]), service.files.shown, call, (10_000, 10_000))


def retrieve_file(service: Service, call: Call) -> Reply:
    """GET /files/{id}."""
    return Reply(service.files.shown(service.files.get(call.path["file_id"])))


def file_content(service: Service, call: Call) -> Reply:
    """GET /files/{id}/content: the very bytes that came."""
    meta = service.files.get(call.path["file_id"])
    results = meta["purpose"] == "fine-tune-results"
    return Reply(
        file=service.root.file_data(str(meta["id"])),
        media_type="text/csv; charset=utf-8" if results else "application/octet-stream",
    )


def delete_file(service: Service, call: Call) -> Reply:
    """DELETE /files/{id}; jobs made from it keep their rows."""
    file_id = call.path["file_id"]
    service.files.delete(file_id)
    return Reply({"id": file_id, "object": "file", "deleted": True})


def status(service: Service, _call: Call) -> Reply:
    """GET /tunectl/status: who this server is and what it is doing."""
    jobs: dict[str, int] = {}
    for job in service.catalogue.jobs():
        state = str(service.reconciler.settle(job)["state"])
        jobs[state] = jobs.get(state, 0) + 1
    return Reply(
        {
            "object": "tunectl.status",
            "version": tunectl.__version__,
            "account": service.root.account(),
            "trainer": service.settings.trainer,
            **service.executor.describe(),
            "uptime": int(time.time() - service.started_at),
            "idle_seconds": service.settings.idle_seconds,
            "slot": "busy" if is_locked(service.root.slot_lock) else "free",
            "jobs": jobs,
        }
    )


def shutdown(service: Service, _call: Call) -> Reply:
    """POST /tunectl/shutdown: stop after this answer; trainers go on."""
    service.stop()
    return Reply({"object": "tunectl.shutdown", "stopping": True})


def list_aliases(service: Service, _call: Call) -> Reply:
    """GET /tunectl/aliases."""
    return Reply({"object": "list", "data": [_alias(a) for a in all_aliases(service.root)]})


def retrieve_alias(service: Service, call: Call) -> Reply:
    """GET /tunectl/aliases/{name}."""
    alias = get_alias(service.root, call.path["name"])
    if alias is None:
        raise ApiError(404, f"No such alias: {call.path['name']}", "name")
    return Reply(_alias(alias))


def replace_alias(service: Service, call: Call) -> Reply:
    """PUT /tunectl/aliases/{name} {"model", "metadata"}; 409 where another lineage holds it."""
    name = call.path["name"]
    body = call.body(frozenset({"model", "metadata"}))
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise ApiError(
            400, "Missing required parameter: 'model'.", "model", code="missing_required_parameter"
        )
    if any(name == known.id for known in service.catalogue.all() if known.owned_by == "tunectl"):
        raise ApiError(400, f"'{name}' is the name of a base model.", "name")
    if get_alias(service.root, model) is not None:
        raise ApiError(400, f"'{model}' is an alias itself; name the model behind it.", "model")
    found = service.catalogue.resolve(model)
    pairs = checked_metadata(body.get("metadata"))
    return Reply(_alias(put_alias(service.root, name, found.id, pairs)))


def remove_alias(service: Service, call: Call) -> Reply:
    """DELETE /tunectl/aliases/{name}."""
    delete_alias(service.root, call.path["name"])
    return Reply({"id": call.path["name"], "object": "tunectl.alias", "deleted": True})


def announce_shutdown(service: Service, call: Call) -> Reply:
    """PUT /tunectl/retirements/{model} {"shutdown_date": "YYYY-MM-DD" or null}."""
    body = call.body(frozenset({"shutdown_date"}))
    date = body.get("shutdown_date")
    if date is not None and not isinstance(date, str):
        raise ApiError(400, "'shutdown_date' must be a date, YYYY-MM-DD.", "shutdown_date")
    return Reply(service.catalogue.announce(call.path["model"], date).shown())


def _alias(alias: dict[str, Any]) -> dict[str, Any]:
    return {"object": "tunectl.alias", "id": alias["name"], **alias}
