"""What rendering a prompt gives: messages that still know their sections, and a token report.

A dialect turns this into a provider's body. Nothing here is parsed again: the role of a message
is decided by the section it came from, never by its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from tunectl.retrieval.passage import Passage

Role = Literal["system", "user", "assistant", "tool"]
Kind = Literal["text", "example", "history", "profile", "documents"]
Volatility = Literal["static", "per_user", "per_conversation", "per_turn"]

VOLATILITIES: tuple[Volatility, ...] = ("static", "per_user", "per_conversation", "per_turn")
"""From what never changes to what changes at each turn."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of one section, ready to send.

    Attributes:
        section: the id of the section it came from.
        role: whose words they are; `tool` only in a history.
        text: the whole text; values in it are already cleaned, and escaped where it is wrapped.
        kind: what sort of section it came from.
        volatility: how often it changes.
        passages: what was retrieved, when the section is of documents and has no template of its
            own; their texts are cleaned and not escaped. `text` says the same as XML.
        breakpoint: declared so: the cached prefix ends after this message. Where caching is asked
            for and no message says so, a dialect sets the ends (`dialects.turns.marked`).
        wrap: the XML tag that encloses the text; empty for none. `text` holds the tag already.
        tokens: how many tokens the text has, by the count of the prompt.
        extra: fields of a message that answers or calls a tool, as they were kept in the history.
    """

    section: str
    role: Role
    text: str
    kind: Kind = "text"
    volatility: Volatility = "static"
    passages: tuple[Passage, ...] = ()
    breakpoint: bool = False
    wrap: str = ""
    tokens: int = 0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SectionTokens:
    """What one section costs.

    Attributes:
        id: of the section.
        role: of the section, as it was declared.
        tokens: what is sent of it.
        limit: its `max_tokens`; None when it has none.
        dropped: how much was left out to fit: turns, passages or characters.
        note: what was left out, in words; empty when nothing was.
    """

    id: str
    role: str
    tokens: int
    limit: int | None = None
    dropped: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A whole prompt, of no provider yet.

    Attributes:
        messages: in the order of the sections.
        output: `{name, schema}` of a structured answer; None for free text.
        cache: `{ttl}` where caching was asked for; empty otherwise.
        citations: the answer is to name its sources.
        report: a line for each section.
        tokens: of all messages together.
        context_tokens: what the model can take; None when that is not known.
        reserve_output: how many of them are kept for the answer.
        max_output: the longest answer, in tokens, that the service is told; None for its own.
    """

    messages: tuple[Message, ...]
    output: Mapping[str, Any] | None = None
    cache: Mapping[str, Any] = field(default_factory=dict)
    citations: bool = False
    report: tuple[SectionTokens, ...] = ()
    tokens: int = 0
    context_tokens: int | None = None
    reserve_output: int = 0
    max_output: int | None = None
