"""What a row says, apart from the format it stands in.

Two rows mean the same when their conversations are equal. Laws: an absent key, null and an empty
text say the same; a text and a list of one text part say the same; `developer` is the newer name of
`system`; `function_call` is the older form of `tool_calls`; `weight` 1 is the default; ids of calls
only pair a result with its call. Sources: OpenAI's specification of May 2025 and its API reference
of 2026-11.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.data.fingerprint import Json, Row, canonical_bytes

# What a row holds beside what the format knows: where, and its canonical JSON.
Extras = tuple[tuple[str, str], ...]
_ROLES = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_ROW_KEYS = frozenset({"messages", "tools", "parallel_tool_calls", "functions"})
_MESSAGE_KEYS = frozenset({"role", "content", "name"})
_ASSISTANT_KEYS = _MESSAGE_KEYS | {"weight", "tool_calls", "function_call", "refusal"}
# Nova's blocks that OpenAI has no part for: they have no `type`, their one key names them.
BLOCKS = frozenset({"video", "document", "audio"})
_TOOL_KEYS = _MESSAGE_KEYS | {"tool_call_id"}


class UnreadableRowError(ValueError):
    """A row that is no conversation; the text says why and repeats nothing of the row."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of content.

    Attributes:
        kind: `text`, `image`, the type of a part that only OpenAI has, or `video-block` and the
            like, which only Nova has.
        text: the text; the URL of an image; the canonical JSON of any other part.
        detail: of an image: `low` or `high`, empty for the default.
        mime: of an image: its type where the URL does not tell it.
    """

    kind: str
    text: str
    detail: str = ""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool; `id` is as written and tells nothing beside the pairing."""

    name: str
    arguments: str
    id: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message.

    Attributes:
        role: `system`, `user`, `assistant` or `tool`.
        name: of the speaker; of a tool's answer the name of the function.
        answers: for `tool`: the number of the call among all calls, -1 when there is none.
        trained: False for an answer that is not learned (`weight` 0).
    """

    role: str
    parts: tuple[Part, ...] = ()
    calls: tuple[Call, ...] = ()
    name: str = ""
    answers: int = -1
    trained: bool = True
    refusal: str = ""
    extras: Extras = ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts among the parts."""
        return tuple(part.text for part in self.parts if part.kind == "text")


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the model may call.

    Attributes:
        parameters: the canonical JSON of its schema, empty for none.
        schema: the same as it is written, the order of its keys included.
    """

    name: str
    description: str = ""
    parameters: str = ""
    extras: Extras = ()
    schema: Json = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that a chat row says."""

    turns: tuple[Turn, ...]
    tools: tuple[Tool, ...] = ()
    parallel: bool | None = None
    extras: Extras = ()

    @property
    def calls(self) -> tuple[Call, ...]:
        """All calls in order; `Turn.answers` counts in it."""
        return tuple(call for turn in self.turns for call in turn.calls)


@dataclass(frozen=True, slots=True)
class Preference:
    """All that a preference row says."""

    input: Conversation
    preferred: tuple[Turn, ...]
    rejected: tuple[Turn, ...]
    extras: Extras = ()


def conversation(row: Row) -> Conversation:
    """Read a canonical chat row.

    Raises:
        UnreadableRowError: when it is none.
    """
    turns = _Turns()
    turns.read(_list(row.get("messages"), "`messages`"), "messages")
    tools = [_tool(one, i) for i, one in enumerate(_list(row.get("tools") or [], "`tools`"))]
    for i, one in enumerate(_list(row.get("functions") or [], "`functions`")):
        tools.append(_tool({"type": "function", "function": one}, i))
    parallel = row.get("parallel_tool_calls")
    return Conversation(
        turns=tuple(turns.made),
        tools=tuple(tools),
        parallel=parallel if isinstance(parallel, bool) else None,
        extras=_extras(row, _ROW_KEYS, ""),
    )


def preference(row: Row) -> Preference:
    """Read a canonical preference row.

    Raises:
        UnreadableRowError: when it is none.
    """
    asked = row.get("input")
    if not isinstance(asked, dict):
        raise UnreadableRowError("`input` is not an object")
    sides = []
    for key in ("preferred_output", "non_preferred_output"):
        turns = _Turns()
        turns.read(_list(row.get(key), f"`{key}`"), key)
        sides.append(tuple(turns.made))
    known = frozenset({"input", "preferred_output", "non_preferred_output"})
    return Preference(conversation(asked), sides[0], sides[1], _extras(row, known, ""))


class _Turns:
    """Reads messages one after the other and pairs results with calls."""

    def __init__(self) -> None:
        self.made: list[Turn] = []
        self._count = 0
        self._open: list[tuple[int, Call]] = []

    def read(self, messages: Iterable[Json], path: str) -> None:
        for index, one in enumerate(messages):
            at = f"`{path}[{index}]`"
            if not isinstance(one, dict):
                raise UnreadableRowError(f"{at} is not an object")
            turn = self._turn(one, at)
            if turn.role != "system" or turn.parts or turn.extras:
                self.made.append(turn)

    def _turn(self, one: Row, at: str) -> Turn:
        role = _ROLES.get(role_) if isinstance(role_ := one.get("role"), str) else None
        if role is None:
            raise UnreadableRowError(f"{at} has no role that is known")
        parts, refusal, extras = _content(one.get("content"), at)
        if role == "tool":
            return self._result(one, at, parts, extras)
        if role != "assistant":
            extras += _extras(one, _MESSAGE_KEYS, "messages[].")
            return Turn(role, parts, name=_text(one, "name", at), extras=extras)
        calls = self._calls(one, at)
        return Turn(
            role,
            parts,
            calls,
            name=_text(one, "name", at),
            trained=one.get("weight") != 0,
            refusal=_text(one, "refusal", at) or refusal,
            extras=extras + _extras(one, _ASSISTANT_KEYS, "messages[]."),
        )

    def _result(self, one: Row, at: str, parts: tuple[Part, ...], extras: Extras) -> Turn:
        id_, name = _text(one, "tool_call_id", at), _text(one, "name", at)
        old = one.get("role") == "function"
        number = -1
        for waiting in reversed(self._open):  # an id may stand again in a later turn
            if waiting[1].name == name if old else waiting[1].id == id_:
                number, name = waiting[0], waiting[1].name
                self._open.remove(waiting)
                break
        extras += _extras(one, _TOOL_KEYS, "messages[].")
        return Turn("tool", parts, name=name, answers=number, extras=extras)

    def _calls(self, one: Row, at: str) -> tuple[Call, ...]:
        if not (one.get("tool_calls") or one.get("function_call")):
            return ()
        written = list(_list(one.get("tool_calls") or [], f"`tool_calls` of {at}"))
        if one.get("function_call"):
            written.append({"type": "function", "function": one["function_call"]})
        calls = tuple(_call(call, at) for call in written)
        self._open += [(self._count + i, call) for i, call in enumerate(calls)]
        self._count += len(calls)
        return calls


def _call(call: Json, at: str) -> Call:
    function = call.get("function") if isinstance(call, dict) else None
    if not isinstance(call, dict) or not isinstance(function, dict):
        raise UnreadableRowError(f"a call in {at} is not a call of a function")
    name, arguments, id_ = function.get("name"), function.get("arguments"), call.get("id")
    if not isinstance(name, str) or not name:
        raise UnreadableRowError(f"a call in {at} does not name its function")
    if not isinstance(arguments, str):
        raise UnreadableRowError(f"`arguments` of a call in {at} is not a text")
    return Call(name, arguments, id_ if isinstance(id_, str) else "")


def _tool(one: Json, index: int) -> Tool:
    function = one.get("function") if isinstance(one, dict) else None
    if not isinstance(one, dict) or not isinstance(function, dict):
        raise UnreadableRowError(f"`tools[{index}]` is not a function")
    name, description = function.get("name"), function.get("description")
    if not isinstance(name, str) or not name:
        raise UnreadableRowError(f"`tools[{index}]` does not name its function")
    parameters = function.get("parameters")
    known = frozenset({"name", "description", "parameters"})
    if function.get("strict") is False:
        known |= {"strict"}
    return Tool(
        name,
        description if isinstance(description, str) else "",
        "" if parameters is None else canonical_bytes(parameters).decode(),
        _extras(function, known, "tools[].function.")
        + _extras(one, frozenset({"type", "function"}), "tools[]."),
        parameters,
    )


def _content(content: Json, at: str) -> tuple[tuple[Part, ...], str, Extras]:
    """The parts, a refusal among them, and what else they hold."""
    if content is None or isinstance(content, str):
        return ((Part("text", content),) if content else ()), "", ()
    parts: list[Part] = []
    refusal = ""
    extras: Extras = ()
    for one in _list(content, f"`content` of {at}"):
        if isinstance(one, dict) and len(one) == 1 and one.keys() <= BLOCKS:
            parts.append(Part(f"{next(iter(one))}-block", canonical_bytes(one).decode()))
            continue
        if not isinstance(one, dict) or not isinstance(one.get("type"), str):
            raise UnreadableRowError(f"a part of {at} has no `type`")
        part, more = _part(one, at)
        extras += more
        if part.kind == "refusal":
            refusal += part.text
        elif part.text:
            parts.append(part)
    return tuple(parts), refusal, extras


def _part(one: Row, at: str) -> tuple[Part, Extras]:
    kind = one["type"]
    if kind in ("text", "refusal"):
        text = one.get(kind)
        if not isinstance(text, str):
            raise UnreadableRowError(f"a part of {at} has no text")
        return Part(kind, text), _extras(one, frozenset({"type", kind}), "content[].")
    if kind == "image_url":
        return _image(one, at)
    return Part(str(kind), canonical_bytes(one).decode()), ()


def _image(one: Row, at: str) -> tuple[Part, Extras]:
    written = one.get("image_url")
    image: Row = written if isinstance(written, dict) else {"url": written}
    url, detail, mime = image.get("url"), image.get("detail"), image.get("mime_type")
    if not isinstance(url, str) or not url:
        raise UnreadableRowError(f"an image in {at} has no `url`")
    known = detail if isinstance(detail, str) and detail != "auto" else ""
    extras = _extras(one, frozenset({"type", "image_url"}), "content[].") + _extras(
        image, frozenset({"url", "detail", "mime_type"}), "content[].image_url."
    )
    return Part("image", url, known, mime if isinstance(mime, str) else ""), extras


def _extras(row: Row, known: frozenset[str], path: str) -> Extras:
    """What stands under keys that are not known; null says nothing."""
    if row.keys() <= known:
        return ()
    return tuple(
        (f"{path}{key}", canonical_bytes(row[key]).decode())
        for key in sorted(row.keys() - known)
        if row[key] is not None
    )


def _list(value: Json, what: str) -> list[Json]:
    if not isinstance(value, list):
        raise UnreadableRowError(f"{what} is not a list")
    return value


def _text(one: Row, key: str, at: str) -> str:
    value = one.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnreadableRowError(f"`{key}` of {at} is not a text")
    return value
