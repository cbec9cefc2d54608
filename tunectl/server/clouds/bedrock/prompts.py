"""Prompt management: a draft that is replaced as a whole, and versions that never change."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tunectl.server.clouds.bedrock.knowledge import NAME, remember, token_of
from tunectl.server.clouds.bedrock.refused import Refused, invalid
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of, iso, matched, needed, turned_page
from tunectl.server.clouds.wire import Asked

# botocore 1.44.5, service model `bedrock-agent`
_CREATE, _VERSION = "CreatePrompt", "CreatePromptVersion"
_MOST_VARIABLES = 20
_MOST_METADATA = 50
_LONGEST_DESCRIPTION = 200
_TAG = re.compile(r"[a-zA-Z0-9\s._:/=+@-]*")
_VALUE = re.compile(r"\{\{\s*([0-9a-zA-Z_-]+)\s*\}\}")
# User guide, "Test a prompt with Converse" (2026-11): a prompt says these itself.
_ITS_OWN = frozenset({"additionalModelRequestFields", "inferenceConfig", "system", "toolConfig"})
_SAID = ("name", "description", "customerEncryptionKeyArn", "defaultVariant", "variants")


@dataclass
class Draft:
    """One prompt.

    Attributes:
        said: the draft, as it was sent last.
        versions: what it was when each was made, by number.
    """

    id: str
    arn: str
    said: Mapping[str, Any]
    created: datetime
    changed: datetime
    versions: dict[int, tuple[Mapping[str, Any], datetime]] = field(default_factory=dict)
    made: int = 0

    @property
    def name(self) -> str:
        """What it is called."""
        return str(self.said["name"])


def create(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer CreatePrompt.

    Raises:
        Refused: a rule is broken, or the name is taken.
    """
    body = body_of(asked)
    before = token_of(shelf, _CREATE, body)
    if before is not None:
        return _shown(_known(shelf, before))
    said = _checked(body)
    if any(one.name == said["name"] for one in shelf.kept_prompts.values()):
        raise Refused("ConflictException", f"Prompt with name {said['name']} already exists.", 409)
    now, id_ = shelf.now(), shelf.new_id()[:10].upper()
    one = Draft(id=id_, arn=shelf.arn(f"prompt/{id_}"), said=said, created=now, changed=now)
    shelf.kept_prompts[id_] = one
    shelf.tags[one.arn] = dict(body.get("tags") or {})
    for key, value in shelf.tags[one.arn].items():
        matched("tags.key", key, _TAG, 128)
        if value:
            matched("tags.value", value, _TAG, 256)
    remember(shelf, _CREATE, body, id_)
    return _shown(one)


def update(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer UpdatePrompt: the draft is what is sent now, and nothing else.

    Raises:
        Refused: a rule is broken, there is none, or the name is taken.
    """
    one, said = _known(shelf, identifier), _checked(body_of(asked))
    if any(o.name == said["name"] for o in shelf.kept_prompts.values() if o is not one):
        raise Refused("ConflictException", f"Prompt with name {said['name']} already exists.", 409)
    one.said, one.changed = said, shelf.now()
    return _shown(one)


def make_version(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer CreatePromptVersion.

    Raises:
        Refused: there is none.
    """
    one, body = _known(shelf, identifier), body_of(asked) if asked.body else {}
    before = token_of(shelf, _VERSION, body)
    if before is not None:
        return _shown(one, int(before))
    description = _description(body)
    said = {key: value for key, value in one.said.items() if key != "description"}
    one.made += 1
    kept = copy.deepcopy({**said, **({"description": description} if description else {})})
    one.versions[one.made] = (kept, shelf.now())
    remember(shelf, _VERSION, body, str(one.made))
    return _shown(one, one.made)


def get(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer GetPrompt; without a version it is the draft.

    Raises:
        Refused: there is none.
    """
    named = identifier.rpartition("/")[2].partition(":")[2]  # …:prompt/ID:VERSION
    one, version = _known(shelf, identifier), asked.param("promptVersion") or named
    return _shown(one, _number(one, version))


def delete(shelf: Shelf, asked: Asked, identifier: str) -> dict[str, Any]:
    """Answer DeletePrompt: one version, or without one everything.

    Raises:
        Refused: there is none.
    """
    one, version = _known(shelf, identifier), asked.param("promptVersion")
    number = _number(one, version)
    if number is None:
        del shelf.kept_prompts[one.id]
        shelf.tags.pop(one.arn, None)
        return {"id": one.id}
    del one.versions[number]
    return {"id": one.id, "version": str(number)}


def find(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    """Answer ListPrompts: every draft, or of one prompt the draft and its versions.

    Raises:
        Refused: there is no such prompt.
    """
    identifier = asked.param("promptIdentifier")
    body: dict[str, Any] = {"nextToken": asked.param("nextToken")}
    if asked.param("maxResults"):
        body["maxResults"] = asked.param("maxResults")
    if not identifier:
        drafts = tuple(shelf.kept_prompts.values())
        return turned_page(body, "promptSummaries", drafts, _summary)
    one = _known(shelf, identifier)
    every: list[int | None] = [None, *one.versions]
    return turned_page(body, "promptSummaries", every, lambda number: _summary(one, number))


def conversation(
    shelf: Shelf, identifier: str, body: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the model and the request that Converse makes of a prompt's ARN.

    Raises:
        Refused: there is none, it names no model, or something is said that a prompt says itself.
    """
    both = sorted({*body} & _ITS_OWN)
    if both:
        raise invalid(f"{both[0]} cannot be specified when a prompt is used.")
    shown = get(shelf, Asked("GET", ""), identifier)
    variant = (shown.get("variants") or [{}])[0]
    if not variant.get("modelId") or variant.get("templateType") != "CHAT":
        raise invalid("The prompt has no model to be used with.")
    chat, given = variant["templateConfiguration"]["chat"], body.get("promptVariables") or {}
    missing = sorted({one["name"] for one in chat.get("inputVariables") or ()} - {*given})
    if missing:
        raise invalid(f"The prompt variable {missing[0]} has no value.")
    values = {name: str(value.get("text", "")) for name, value in given.items()}

    def filled(text: str) -> str:
        return _VALUE.sub(lambda found: values.get(found[1], found[0]), text)

    messages = [
        {**one, "content": [{"text": filled(block.get("text", ""))} for block in one["content"]]}
        for one in chat["messages"]
    ]
    system = [{"text": filled(block.get("text", ""))} for block in chat.get("system") or ()]
    said = {"system": system, "messages": [*messages, *(body.get("messages") or ())]}
    return str(variant["modelId"]), said


def _checked(body: Mapping[str, Any]) -> dict[str, Any]:
    needed(body, "name")
    matched("name", body["name"], NAME, 200)
    _description(body)
    variants = body.get("variants") or []
    if len(variants) > 1:
        raise invalid("Value at 'variants' must have length less than or equal to 1")
    for variant in variants:
        needed(variant, "name", "templateType", "templateConfiguration")
        matched("variants.name", variant["name"], NAME, 200)
        _check_template(variant["templateType"], variant["templateConfiguration"])
        if len(variant.get("metadata") or ()) > _MOST_METADATA:
            raise invalid("Value at 'variants.metadata' is too long")
    names = [variant["name"] for variant in variants]
    if body.get("defaultVariant") and body["defaultVariant"] not in names:
        raise invalid("The default variant is not one of the variants.")
    return copy.deepcopy({key: body[key] for key in _SAID if body.get(key) not in (None, "")})


def _check_template(kind: str, template: Mapping[str, Any]) -> None:
    key = {"TEXT": "text", "CHAT": "chat"}.get(kind)
    if key is None or set(template) != {key}:
        raise invalid(f"The template configuration does not fit the template type {kind}.")
    said = template[key]
    variables = said.get("inputVariables") or []
    if len(variables) > _MOST_VARIABLES:
        raise invalid("Value at 'inputVariables' must have length less than or equal to 20")
    for one in variables:
        matched("inputVariables.name", one.get("name"), NAME, 200)
    if key == "text":
        needed(said, "text")
        return
    messages = said.get("messages") or []
    if not messages:
        raise invalid("A chat template needs at least one message.")
    roles = [message.get("role") for message in messages]
    if roles[0] != "user" or any(a == b for a, b in pairwise(roles)):
        raise invalid("Messages must begin with the user and alternate between user and assistant.")
    if not all(message.get("content") for message in messages):
        raise invalid("The content of a message must not be empty.")


def _description(body: Mapping[str, Any]) -> str:
    said = body.get("description")
    if said is None:
        return ""
    if not isinstance(said, str) or not 1 <= len(said) <= _LONGEST_DESCRIPTION:
        raise invalid("Value at 'description' must have length between 1 and 200")
    return said


def _known(shelf: Shelf, identifier: str) -> Draft:
    one = shelf.kept_prompts.get(identifier.rpartition("/")[2].partition(":")[0])
    if one is None:
        message = f"Prompt with id {identifier} does not exist."
        raise Refused("ResourceNotFoundException", message, 404)
    return one


def _number(one: Draft, version: str) -> int | None:
    if version in {"", "DRAFT"}:
        return None
    if not version.isdigit() or int(version) not in one.versions:
        message = f"Version {version} of prompt {one.id} does not exist."
        raise Refused("ResourceNotFoundException", message, 404)
    return int(version)


def _told(one: Draft, number: int | None) -> dict[str, Any]:
    said, moment = (one.said, one.changed) if number is None else one.versions[number]
    return {
        "id": one.id,
        "arn": one.arn if number is None else f"{one.arn}:{number}",
        "version": "DRAFT" if number is None else str(number),
        "name": said["name"],
        "createdAt": iso(one.created if number is None else moment),
        "updatedAt": iso(moment),
        **({"description": said["description"]} if said.get("description") else {}),
    }


def _summary(one: Draft, number: int | None = None) -> dict[str, Any]:
    return _told(one, number)


def _shown(one: Draft, number: int | None = None) -> dict[str, Any]:
    said = one.said if number is None else one.versions[number][0]
    return {**copy.deepcopy({key: said[key] for key in _SAID if key in said}), **_told(one, number)}
