"""Chat messages as text, the same for training and for answers.

What a chat template cannot show is refused here, never dropped: a model must not be trained on
less than the row says, nor asked less than the user wrote.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
"""Roles of the wire to roles of chat templates: `developer` is OpenAI's newer word for `system`."""

_TOOL_KEYS = ("tools", "functions")
_CALL_KEYS = ("tool_calls", "function_call", "audio", "refusal")


class UnsupportedMessageError(ValueError):
    """A message holds what the local engine cannot show to a model."""


def text_messages(messages: object) -> list[dict[str, str]]:
    """The messages as `role` and `content`, in the roles that chat templates know.

    Raises:
        UnsupportedMessageError: no messages, an unknown role, or anything but text.
    """
    if isinstance(messages, str) or not isinstance(messages, Sequence) or not messages:
        raise UnsupportedMessageError("`messages` is missing or empty")
    result = []
    for message in messages:
        if not isinstance(message, Mapping) or not isinstance(message.get("role"), str):
            raise UnsupportedMessageError("a message has no `role`")
        role = ROLES.get(message["role"])
        if role is None:
            raise UnsupportedMessageError(
                f"a message has the role `{message['role']}`; the local engine knows only text: "
                "system, developer, user and assistant"
            )
        for key in _CALL_KEYS:
            if message.get(key):
                raise UnsupportedMessageError(
                    f"a message has `{key}`; the local engine knows only text"
                )
        result.append({"role": role, "content": plain_text(message.get("content"))})
    return result


def refuse_tools(row: Mapping[str, Any]) -> None:
    """Refuse tools, which small local models and most chat templates cannot use.

    Raises:
        UnsupportedMessageError: the row or request offers tools.
    """
    for key in _TOOL_KEYS:
        if row.get(key):
            raise UnsupportedMessageError(
                f"`{key}` is not supported; the local engine knows only text"
            )


def plain_text(content: object) -> str:
    """The text of a message's content, given as a string or as parts of type `text`.

    Raises:
        UnsupportedMessageError: it is missing, or holds anything but text.
    """
    match content:
        case str():
            return content
        case list():
            return "".join(_part_text(part) for part in content)
    raise UnsupportedMessageError("a message's `content` must be text")


def _part_text(part: object) -> str:
    match part:
        case {"type": "text", "text": str() as text}:
            return text
        case {"type": str() as kind}:
            raise UnsupportedMessageError(
                f"a message has a part of type `{kind}`; the local engine knows only text"
            )
    raise UnsupportedMessageError("a message's `content` must be text")
