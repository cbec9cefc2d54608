"""The texts of a row, each with where it stands and who says it."""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.core.dataclass import dataclass
from tunectl.data.checks.rule import messages_of
from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown_name


@dataclass(frozen=True, slots=True)
class Text:
    """One text.

    Attributes:
        path: where it stands in the row (`messages[1].content`).
        role: who says it; empty outside of messages.
    """

    path: str
    role: str
    text: str


def texts_of(row: Json, path: str = "", role: str = "") -> Iterator[Text]:
    """Every text of a row but for roles and the like, in order."""
    if isinstance(row, str):
        yield Text(path, role, row)
    elif isinstance(row, list):
        for index, one in enumerate(row):
            yield from texts_of(one, f"{path}[{index}]", role)
    elif isinstance(row, dict):
        said = row.get("role")
        if isinstance(said, str):
            role = said
        for key, one in row.items():
            if key != "role":
                yield from texts_of(
                    one, f"{path}.{shown_name(key)}" if path else shown_name(key), role
                )


def said_by(row: Row, *roles: str) -> Iterator[Text]:
    """The texts of messages of these roles; calls of tools are not among them."""
    for one in texts_of(row):
        if one.role in roles and ".tool_calls[" not in one.path:
            yield one


def content_text(message: Row) -> str:
    """What a message says in words; the texts of its parts with a line end between."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") for part in content if isinstance(part, dict))
    return "\n".join(text for text in parts if isinstance(text, str))


def answers_of(row: Row) -> Iterator[tuple[str, str]]:
    """The texts that are taught, each with its place: answers that count, and preferred ones."""
    preferred = row.get("preferred_output")
    if isinstance(preferred, list):
        yield from _answers("preferred_output", preferred)
        return
    messages = row.get("messages")
    if isinstance(messages, list):
        yield from _answers("messages", messages)


def _answers(path: str, messages: list[Json]) -> Iterator[tuple[str, str]]:
    for index, one in enumerate(messages):
        if isinstance(one, dict) and one.get("role") == "assistant" and one.get("weight") != 0:
            text = content_text(one)
            if text.strip():
                yield f"{path}[{index}]", text


def question_of(row: Row) -> str:
    """The last thing the user says, empty when there is none."""
    asked = row.get("input")
    inner = asked if isinstance(asked, dict) else row
    for one in reversed(messages_of(inner)):
        if one.get("role") == "user":
            return content_text(one)
    return ""
