"""Registered checkpoints, for manners in which a job names no model: `/v0/models`.

As Nebius Token Factory has it (cookbook notebook `fine_tune_llama`, 2026-08): a checkpoint gets a
name, is `validating` when that is answered, and then `active`: it answers under its name. Kept like
an alias, so that a chat finds it.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any

from tunectl.server.aliases import all_aliases, delete_alias, get_alias
from tunectl.server.api_jobs import checkpoint_id
from tunectl.server.folder import write_json
from tunectl.server.service import Service
from tunectl.server.wire import ApiError, Call, Reply

_SOURCE = re.compile(r"(ftjob-[A-Za-z0-9]+):(ftckpt_[A-Za-z0-9]+)")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,99}")
_KEYS = frozenset({"name", "base_model", "source", "description"})


def register(service: Service, call: Call) -> Reply:
    """POST /v0/models {name, base_model, source, description?}."""
    body = call.body(_KEYS)
    for key in ("name", "base_model", "source"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise ApiError(400, f"Missing required parameter: '{key}'.", key)
    if not _NAME.fullmatch(body["name"]):
        raise ApiError(400, "Invalid 'name': lower-case letters, digits and hyphens.", "name")
    name = f"{body['base_model']}-LoRa:{body['name']}-{secrets.token_hex(2)}"
    model = {
        "name": name,
        "base_model": body["base_model"],
        "source": body["source"],
        "description": str(body.get("description") or ""),
        "created_at": int(time.time()),
    }
    kept = {**model, "model": _behind(service, body["source"]), "metadata": {}, "registered": True}
    write_json(service.root.alias_file(name), kept)
    return Reply({**model, "status": "validating"})


def listed(service: Service, _call: Call) -> Reply:
    """GET /v0/models."""
    found = [alias for alias in all_aliases(service.root) if alias.get("registered")]
    return Reply({"data": [_shown(alias) for alias in found]})


def retrieved(service: Service, call: Call) -> Reply:
    """GET /v0/models/{name}."""
    return Reply(_shown(_found(service, call.path["name"])))


def deleted(service: Service, call: Call) -> Reply:
    """DELETE /v0/models/{name}."""
    _found(service, call.path["name"])
    delete_alias(service.root, call.path["name"])
    return Reply({})


def _behind(service: Service, source: str) -> str:
    """Return the checkpoint's own name here."""
    named = _SOURCE.fullmatch(source)
    if named is not None:
        job = service.job(named[1])
        for step, _ in job.checkpoints():
            if checkpoint_id(job, step) == named[2]:
                return f"{service.catalogue.recipe(job)['fine_tuned_model']}:ckpt-step-{step}"
    raise ApiError(400, f"invalid source: {source}", "source")


def _found(service: Service, name: str) -> dict[str, Any]:
    alias = get_alias(service.root, name)
    if alias is None or not alias.get("registered"):
        raise ApiError(404, f"Model {name} not found", "name")
    return alias


def _shown(alias: dict[str, Any]) -> dict[str, Any]:
    keys = ("name", "base_model", "source", "description", "created_at")
    return {**{key: alias[key] for key in keys}, "status": "active"}
