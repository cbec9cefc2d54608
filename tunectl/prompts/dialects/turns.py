"""Messages in the order that services want: instructions apart, then turns that alternate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tunectl.prompts.errors import PromptError
from tunectl.prompts.rendered import VOLATILITIES, Message, Rendered

MOST_BREAKPOINTS = 4  # Anthropic, Bedrock and OpenAI alike (prompt caching guides, 2026-11)


class Turn(NamedTuple):
    """Neighbouring messages of one side.

    Attributes:
        role: `user` or `assistant`; results of tools are the user's.
        messages: one or more.
    """

    role: str
    messages: list[Message]


def alternating(rendered: Rendered, service: str) -> tuple[list[Message], list[Turn]]:
    """Return the instructions, and the conversation by turns.

    Args:
        rendered: the prompt.
        service: its name, for messages.

    Raises:
        PromptError: nothing is said by a user, or the first words are not a user's.
    """
    system = [one for one in rendered.messages if one.role == "system" and one.text.strip()]
    turns: list[Turn] = []
    for one in rendered.messages:
        if one.role == "system" or not (one.text.strip() or one.extra):
            continue
        role = "assistant" if one.role == "assistant" else "user"
        if turns and turns[-1].role == role:
            turns[-1].messages.append(one)
        else:
            turns.append(Turn(role, [one]))
    if not turns:
        raise PromptError(
            f"{service} needs a message of a user, and all of this prompt is instructions; "
            "add a section with `role: user`"
        )
    if turns[0].role != "user":
        first = turns[0].messages[0].section
        raise PromptError(
            f"{service} begins with a user's words, and section `{first}` comes first; "
            "put a section with `role: user` before it"
        )
    return system, turns


def marked(
    messages: Sequence[Message], *, cached: bool, declared: Sequence[Message] = ()
) -> frozenset[int]:
    """Return which messages (by identity) end a cached prefix, at most four.

    A declared breakpoint ends all that stands before it as declared. Where a service reads some of
    that later, it moves there, so that examples before it are kept, unless something that changes
    more often comes between.

    Where caching is asked for and none says so: the last of the leading messages that never change,
    and the last of those that change from user to user at most. So users share the first prefix,
    and a user's next question the second.

    Args:
        messages: in the order in which the service reads them.
        cached: caching is asked for.
        declared: the same in the order of their sections, where that is another one.
    """
    said = _said(messages, declared or messages)
    if said or not cached:
        return frozenset(said[-MOST_BREAKPOINTS:])
    found: dict[int, int] = {}
    reached = 0
    for one in messages:
        reached = max(reached, VOLATILITIES.index(one.volatility))
        if reached > VOLATILITIES.index("per_user"):
            break
        found[reached] = id(one)
    return frozenset(found.values())


def _said(messages: Sequence[Message], declared: Sequence[Message]) -> list[int]:
    """Return the messages that end a declared prefix, in the order of the service."""
    place = {id(one): at for at, one in enumerate(messages)}
    ends: set[int] = set()
    reached, last = 0, -1
    for one in declared:
        if id(one) not in place:
            continue
        reached = max(reached, VOLATILITIES.index(one.volatility))
        last = max(last, place[id(one)])
        if one.breakpoint:
            end = place[id(one)]
            while end < last and VOLATILITIES.index(messages[end + 1].volatility) <= reached:
                end += 1
            ends.add(end)
    return [id(messages[at]) for at in sorted(ends)]


def arguments_of(call: Mapping[str, Any]) -> tuple[str, str, dict[str, Any]]:
    """Return id, name and arguments of a call of a tool in OpenAI's form."""
    function = call.get("function") or {}
    try:
        found = json.loads(function.get("arguments") or "{}")
    except ValueError:
        found = {}
    return (
        str(call.get("id") or ""),
        str(function.get("name") or ""),
        found if isinstance(found, dict) else {},
    )
