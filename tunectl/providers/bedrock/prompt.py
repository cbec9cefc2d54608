"""A prompt of Bedrock's prompt management in words: settings to a variant, and what tells it apart.

Source: botocore 1.44.5, service model `bedrock-agent` 2023-06-05 (2026-11): one variant, `{{name}}`
for values, a system text beside the messages, and no place for messages that are put in later.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tunectl.core.value import Plain, canonical
from tunectl.providers.publishing import Message, Slot

VARIANT = "tunectl"
SHA256 = "tunectl-sha256"  # of what is declared
_CONTENT = "tunectl-content"  # of what was sent
_NOTE = "tunectl "


def variant(spec: Mapping[str, Plain], messages: Sequence[Message | Slot]) -> dict[str, Any]:
    """Return the whole variant, with what tells it apart in its metadata.

    Args:
        spec: the settled settings of a publication.
        messages: what it says.
    """
    said = [one for one in messages if isinstance(one, Message)]
    chat: dict[str, Any] = {"messages": _messages(said)}
    system = [{"text": one.text} for one in said if one.role == "system"]
    if system:
        chat["system"] = system
    names = _names(spec)
    if names:
        chat["inputVariables"] = [{"name": name} for name in names]
    made: dict[str, Any] = {
        "name": VARIANT,
        "templateType": "CHAT",
        "templateConfiguration": {"chat": chat},
    }
    if isinstance(spec.get("model"), str):
        made["modelId"] = spec["model"]
    named = {**made, "prompt": spec.get("name")}
    metadata = {SHA256: str(spec.get("sha256")), _CONTENT: _hash(named)}
    made["metadata"] = [{"key": key, "value": value} for key, value in metadata.items()]
    return made


def told(draft: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hash of what was declared and the hash of what is there.

    Where somebody changed the draft, its name or its variant, the first is the hash of what stands
    there now, which nothing declared has.
    """
    variants = draft.get("variants") or []
    first = variants[0] if len(variants) == 1 else {}
    said = {str(one["key"]): str(one["value"]) for one in first.get("metadata") or ()}
    bare = {key: value for key, value in first.items() if key != "metadata"}
    found = _hash({**bare, "prompt": draft.get("name")})
    ours = draft.get("defaultVariant") == VARIANT and said.get(_CONTENT) == found
    return (said.get(SHA256, "") if ours else found), found


def note(content: str) -> str:
    """Return what a version is described with; by it another one of the same text is found."""
    return f"{_NOTE}{content}"


def is_ours(description: object) -> bool:
    """Whether a version was made here."""
    return isinstance(description, str) and description.startswith(_NOTE)


def _messages(said: Sequence[Message]) -> list[dict[str, Any]]:
    """The conversation; neighbours of one role are one message."""
    found: list[dict[str, Any]] = []
    for one in said:
        if one.role == "system":
            continue
        if found and found[-1]["role"] == one.role:
            found[-1]["content"].append({"text": one.text})
        else:
            found.append({"role": one.role, "content": [{"text": one.text}]})
    return found


def _names(spec: Mapping[str, Plain]) -> list[str]:
    given = spec.get("messages")
    found: dict[str, None] = {}
    for one in given if isinstance(given, tuple | list) else ():
        names = one.get("names") if isinstance(one, Mapping) else None
        found |= {str(name): None for name in names} if isinstance(names, tuple | list) else {}
    return [*found]


def _hash(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(_filled(content)).encode()).hexdigest()


def _filled(value: Any) -> Any:  # noqa: ANN401  # JSON is of any type
    """Without what is empty: a service may echo what nobody sent."""
    if isinstance(value, Mapping):
        found = {str(key): _filled(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item not in (None, "", [], {})}
    return [_filled(item) for item in value] if isinstance(value, list | tuple) else value
