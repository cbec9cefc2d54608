"""One turn of a conversation: a user's words and everything until the model has answered.

Laws: a turn begins with the user's message and ends with an answer; the calls of tools and their
results stand between them and are never parted. No message of a conversation has a role `system`:
what was said once never becomes an instruction.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunectl.prompts.errors import PromptError

Count = Callable[[str], int]
"""How many tokens a text has."""

_ROLES = frozenset({"user", "assistant", "tool"})
_NO_MESSAGE = "a message of a conversation is a map with `role` and `content`"


@dataclass(frozen=True, slots=True)
class Turn:
    """A question with its answer.

    Attributes:
        messages: OpenAI's form: `role`, `content` (text, or None beside `tool_calls`), and for
            tools `tool_calls`, `tool_call_id`.
        number: its place in its session, from 1; 0 where it is of none.
        at: when it was kept, Unix time in seconds; 0.0 where it was not.
    """

    messages: tuple[Mapping[str, Any], ...]
    number: int = 0
    at: float = 0.0

    @property
    def question(self) -> str:
        """What the user said."""
        return str(self.messages[0]["content"])

    @property
    def answer(self) -> str:
        """What the model answered in the end."""
        return str(self.messages[-1]["content"])

    def tokens(self, count: Count) -> int:
        """Return how many tokens all of its messages have; calls of tools count as JSON."""
        return sum(count(text) for message in self.messages for text in _texts(message))


def turn(question: str, answer: str) -> Turn:
    """Return the turn of a plain question and its answer."""
    return Turn(
        ({"role": "user", "content": question}, {"role": "assistant", "content": answer}),
    )


def turn_of(messages: Sequence[Mapping[str, Any]]) -> Turn:
    """Return the turn that these messages make.

    Raises:
        PromptError: they are not one turn; their text stands not in the message.
    """
    kept = tuple(_message(message) for message in messages)
    if not kept or kept[0]["role"] != "user":
        raise PromptError("a turn begins with a message of role `user`")
    if any(message["role"] == "user" for message in kept[1:]):
        raise PromptError("a turn has one message of role `user`, its first; give two turns")
    last = kept[-1]
    if last["role"] != "assistant" or last.get("content") is None:
        raise PromptError("a turn ends with the text of an `assistant`: remember it when answered")
    _check_tools(kept)
    return Turn(kept)


def turns_of(messages: Sequence[Mapping[str, Any]]) -> tuple[Turn, ...]:
    """Return a conversation as turns: each message of role `user` begins one.

    Raises:
        PromptError: it does not begin with a user's message, or a turn of it is none.
    """
    if not all(isinstance(one, Mapping) for one in messages):
        raise PromptError(_NO_MESSAGE)
    starts = [at for at, one in enumerate(messages) if one.get("role") == "user"]
    if messages and (not starts or starts[0] != 0):
        raise PromptError("a history begins with a message of role `user`")
    ends = [*starts[1:], len(messages)]
    return tuple(turn_of(messages[a:b]) for a, b in zip(starts, ends, strict=False))


def _message(given: object) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise PromptError(_NO_MESSAGE)
    role, content = given.get("role"), given.get("content")
    if role not in _ROLES:
        raise PromptError("a message of a conversation has the role `user`, `assistant` or `tool`")
    calls = role == "assistant" and bool(given.get("tool_calls"))
    if not isinstance(content, str) and not (content is None and calls):
        raise PromptError(f"a message of role `{role}` needs `content`, which is text")
    try:
        json.dumps(dict(given))
    except (TypeError, ValueError):
        raise PromptError(f"a message of role `{role}` holds what JSON does not have") from None
    return dict(given)


def _check_tools(messages: Sequence[Mapping[str, Any]]) -> None:
    """Each call has its result behind it, and each result its call before it."""
    called: set[object] = set()
    for message in messages:
        if message["role"] == "tool":
            if message.get("tool_call_id") not in called:
                raise PromptError("a result of a tool stands without its call")
            called.discard(message.get("tool_call_id"))
        elif called:
            raise PromptError("a call of a tool stands without its result")
        calls = message.get("tool_calls") or ()
        if not isinstance(calls, Sequence) or not all(isinstance(c, Mapping) for c in calls):
            raise PromptError("`tool_calls` is a list of maps with `id`")
        called |= {call.get("id") for call in calls}


def _texts(message: Mapping[str, Any]) -> list[str]:
    found = [message["content"]] if isinstance(message.get("content"), str) else []
    if message.get("tool_calls"):
        found.append(json.dumps(message["tool_calls"], ensure_ascii=False, sort_keys=True))
    return found
