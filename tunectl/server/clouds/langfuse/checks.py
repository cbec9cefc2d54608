"""What a new version must be: names, labels, messages, variables and placeholders."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_LABEL = re.compile(r"[a-z0-9_\-.]+")  # PROMPT_LABEL_REGEX
_LONGEST_LABEL = 36
_LONGEST_NAME = 255
_LONGEST_NOTE = 500
_PLACEHOLDER = re.compile(r"[a-zA-Z][a-zA-Z0-9_]*")
_VARIABLE = re.compile(r"\{\{([^{}]*)\}\}+")
_NAME_WITHOUT = re.compile(r"[|]|<[^>]*>")
_REFERENCE = re.compile(
    r"@@@langfusePrompt:name=(?P<name>[^|@]+)\|(?:version=(?P<version>\d+)|label=(?P<label>[^@]+))@@@"
)
_RESERVED = frozenset({"new", "metrics"})


class RefusedError(Exception):
    """A request is refused with a status."""

    def __init__(self, status: int, message: str) -> None:
        """Keep both."""
        self.status = status
        super().__init__(message)


@dataclass(frozen=True)
class Created:
    """A version that is wanted."""

    name: str
    type: str
    prompt: Any
    labels: list[str]
    config: Any
    tags: list[str] | None
    note: str | None


def created(body: object) -> Created:
    """Check the body of a POST.

    Raises:
        RefusedError: it is refused.
    """
    if not isinstance(body, dict):
        raise RefusedError(400, "Invalid request data")
    name, type_ = _name(body.get("name")), body.get("type", "text")
    if type_ not in {"text", "chat"}:
        raise RefusedError(400, "Invalid request data: type")
    prompt = body.get("prompt")
    if type_ == "text" and not isinstance(prompt, str):
        raise RefusedError(400, "Invalid request data: prompt must be a string")
    if type_ == "chat":
        _check_messages(prompt)
    tags, note = body.get("tags"), body.get("commitMessage")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(t, str) for t in tags)):
        raise RefusedError(400, "Invalid request data: tags")
    if note is not None and not (isinstance(note, str) and len(note) <= _LONGEST_NOTE):
        raise RefusedError(400, "Invalid request data: commitMessage")
    config = body.get("config")
    return Created(
        name=name,
        type=type_,
        prompt=prompt,
        labels=labels_of(body.get("labels") or []),
        config={} if config is None else config,
        tags=tags,
        note=note,
    )


def labels_of(given: object) -> list[str]:
    """Check labels.

    Raises:
        RefusedError: one of them is none.
    """
    if not isinstance(given, list):
        raise RefusedError(400, "Invalid request data: labels")
    for label in given:
        if not isinstance(label, str) or not _LABEL.fullmatch(label):
            raise RefusedError(
                400,
                "Label must be lowercase alphanumeric with optional underscores, hyphens, or "
                "periods",
            )
        if len(label) > _LONGEST_LABEL:
            raise RefusedError(400, "Label is too long")
    return [*given]


def referred_to(prompt: object) -> Iterator[tuple[str, int | None, str]]:
    """Yield the prompts that a text puts in: name, version or None, and the label."""
    for found in _REFERENCE.finditer(json.dumps(prompt, ensure_ascii=False)):
        version = found["version"]
        yield found["name"], int(version) if version else None, found["label"] or ""


def _name(given: object) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= _LONGEST_NAME:
        raise RefusedError(400, "Invalid request data: name")
    if _NAME_WITHOUT.search(given):
        raise RefusedError(400, "Prompt name cannot contain '|' character")
    if given.startswith("/") or given.endswith("/") or "//" in given:
        raise RefusedError(400, "Name cannot start or end with a slash, or hold two in a row")
    if given in _RESERVED:
        raise RefusedError(400, f"Prompt name cannot be '{given}'")
    return given


def _check_messages(prompt: object) -> None:
    if not isinstance(prompt, list):
        raise RefusedError(400, "Invalid request data: prompt must be a list")
    slots: set[str] = set()
    variables: set[str] = set()
    for message in prompt:
        if not isinstance(message, dict):
            raise RefusedError(400, "Invalid request data: prompt")
        if message.get("type") == "placeholder":
            name = message.get("name")
            if not isinstance(name, str) or not _PLACEHOLDER.fullmatch(name):
                raise RefusedError(
                    400,
                    "Placeholder name must start with a letter and contain only alphanumeric "
                    "characters and underscores",
                )
            slots.add(name)
            continue
        if not isinstance(message.get("role"), str) or not isinstance(message.get("content"), str):
            raise RefusedError(400, "Invalid request data: prompt")
        variables |= {found.strip() for found in _VARIABLE.findall(message["content"])}
    both = sorted(slots & variables)
    if both:
        raise RefusedError(
            400,
            "Cannot create prompt, variables and placeholders must be unique, the following are "
            f"not: {', '.join(both)}",
        )
