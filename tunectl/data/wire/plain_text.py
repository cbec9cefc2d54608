"""What formats of plain texts share: everything else is noted as lost."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence

from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown_name
from tunectl.data.wire.conversation import (
    Conversation,
    Extras,
    Part,
    Tool,
    Turn,
    UnreadableRowError,
)
from tunectl.data.wire.losses import Losses

# What comes before a key of the row itself.
_FORMAT_PATH = re.compile(r"(?:(?:messages|content|tools)\[\]\.|function\.|image_url\.)*")
_JOIN = "\n\n"
_INT64 = range(-(1 << 63), 1 << 64)


def note_row(talk: Conversation, losses: Losses) -> None:
    """Note what no format but OpenAI's has at the top of a row, and in tools."""
    note_extras(talk.extras, losses)
    if talk.parallel is not None:
        losses.note("parallel-tool-calls", "`parallel_tool_calls`")
    for tool in talk.tools:
        note_extras(tool.extras, losses)


def note_turn(turn: Turn, losses: Losses, carried: Callable[[Part], Json] | None = None) -> None:
    """Note what no format but OpenAI's has in a message.

    Args:
        turn: the message.
        losses: where it is noted.
        carried: what the format makes of other parts than texts and images; None for nothing.
    """
    note_extras(turn.extras, losses)
    if turn.name and turn.role != "tool":
        losses.note("names", f"the name of a speaker (`{turn.role}`)")
    if not turn.trained:
        losses.note("weight", "`weight` 0 of an answer")
    if turn.refusal:
        losses.note("refusal", "`refusal` of an answer")
    for part in turn.parts:
        if part.kind not in ("text", "image") and not (carried and carried(part)):
            kind = shown_name(part.kind)
            losses.note("other-parts", f"a part of type `{kind}`", kind)


def note_extras(extras: Extras, losses: Losses) -> None:
    """Note keys that have no place."""
    for path, _ in extras:
        start = _FORMAT_PATH.match(path)
        at = start.end() if start else 0
        named = path[:at] + shown_name(path[at:])
        losses.note("keys", f"the key `{named}`", named)


def one_text(texts: Sequence[str], losses: Losses) -> str:
    """Several texts of one message as one."""
    if len(texts) > 1:
        losses.note("parts", f"{len(texts)} texts in one message")
    return _JOIN.join(texts)


def note_media(parts: Sequence[Part], losses: Losses) -> None:
    """Note the images that a format of texts leaves out."""
    for part in parts:
        if part.kind == "image":
            losses.note("images", "an image")


def system_first(talk: Conversation, losses: Losses) -> tuple[tuple[str, ...], tuple[Turn, ...]]:
    """The texts of the system turns at the beginning, and the other turns.

    A system turn further on is noted as lost.
    """
    count = 0
    while count < len(talk.turns) and talk.turns[count].role == "system":
        count += 1
    for turn in talk.turns[:count]:
        note_turn(turn, losses)
        note_media(turn.parts, losses)
    rest = []
    for turn in talk.turns[count:]:
        if turn.role == "system":
            losses.note("system", "a system turn inside the conversation")
        else:
            rest.append(turn)
    return tuple(text for turn in talk.turns[:count] for text in turn.texts), tuple(rest)


def spoken(talk: Conversation, losses: Losses) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The system texts, and role and text of every other turn that says something.

    Tools, calls, results and images are noted as lost.

    Raises:
        UnreadableRowError: when nothing would be left of the answer.
    """
    note_row(talk, losses)
    if talk.tools:
        losses.note("tools", f"`tools` ({len(talk.tools)})")
    system, turns = system_first(talk, losses)
    made = []
    for turn in turns:
        note_turn(turn, losses)
        note_media(turn.parts, losses)
        if turn.role == "tool" or turn.calls:
            losses.note("tool-calls", "a result" if turn.role == "tool" else "a call")
        if turn.role == "tool" or (turn.calls and not turn.texts):
            continue
        made.append((turn.role, one_text(turn.texts, losses)))
    if turns and turns[-1].role == "assistant" and made[-1:] and made[-1][0] != "assistant":
        raise UnreadableRowError("the answer is a call alone, and nothing of it would be left")
    return system, made


def exchange(
    system: Sequence[str], turns: Sequence[tuple[str, str]], losses: Losses
) -> tuple[str, str, str]:
    """System text, question and answer; what was said before is noted as lost.

    Raises:
        UnreadableRowError: when the turns do not end with a question and its answer.
    """
    if len(turns) < 2 or turns[-1][0] != "assistant" or turns[-2][0] != "user":
        raise UnreadableRowError("the row does not end with a question and its answer")
    if len(turns) > 2:
        losses.note("turns", f"{len(turns) - 2} turns before the last question")
    return one_text(system, losses), turns[-2][1], turns[-1][1]


def answer_text(turns: Sequence[Turn], losses: Losses) -> str:
    """One side of a preference as a text.

    Raises:
        UnreadableRowError: when it is not one message of the assistant that says something.
    """
    if len(turns) != 1 or turns[0].role != "assistant":
        raise UnreadableRowError("an answer is not exactly one message of `assistant`")
    [turn] = turns
    note_turn(turn, losses)
    note_media(turn.parts, losses)
    if turn.calls:
        if not turn.texts:
            raise UnreadableRowError("an answer is a call alone, and nothing of it would be left")
        losses.note("tool-calls", "a call")
    return one_text(turn.texts, losses)


def tool_schema(tool: Tool) -> Row:
    """`name`, `description` and `parameters` of a tool."""
    made: Row = {"name": tool.name}
    if tool.description:
        made["description"] = tool.description
    if tool.schema is not None:
        made["parameters"] = tool.schema
    return made


def object_of(text: str) -> Row | None:
    """The JSON object a text holds, None when it holds none that survives being written again.

    A key that stands twice and a number beyond 64 bits do not.
    """
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and all(map(_fits, _leaves(found))) else None


def _unique(pairs: list[tuple[str, Json]]) -> Row:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a key stands twice")
    return made


def _refuse(word: str) -> Json:
    raise ValueError(word)


def _leaves(value: Json) -> Iterator[Json]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _leaves(one)
    elif isinstance(value, list):
        for one in value:
            yield from _leaves(one)
    else:
        yield value


def _fits(value: Json) -> bool:
    if isinstance(value, float):
        return value - value == 0  # neither infinite nor NaN
    return type(value) is not int or value in _INT64
