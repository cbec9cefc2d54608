"""Each section by itself: its text, its limit, and what is left out when it is too long.

Law: a section is rendered once, into messages of its own. Whose words they are is decided by the
section, never by what a text says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tunectl.prompts.budget import Counter
from tunectl.prompts.cleaning import cleaned, escaped
from tunectl.prompts.errors import PromptError
from tunectl.prompts.rendered import Kind, Message, Role
from tunectl.prompts.sandbox import Refused, compiled, rendered
from tunectl.prompts.shortening import without_middle, without_middles

if TYPE_CHECKING:
    from tunectl.prompts.history import Summariser
    from tunectl.prompts.turn import Turn
    from tunectl.retrieval.passage import Passage

_QUOTED = re.compile(r"[`']([^`']*)[`']")


@dataclass(frozen=True, slots=True)
class Given:
    """All that one rendering is made of; every value is inert.

    Attributes:
        scope: what templates see: the inputs, `profile`, and `user` and `session` where given.
        profile: the fields that may be said.
        turns: the conversation so far.
        passages: by section, what was found for it.
        examples: by section, the messages of the examples that were found for it.
        summarise: makes the summary of a long conversation.
    """

    scope: Mapping[str, Any]
    profile: Mapping[str, Any] = field(default_factory=dict)
    turns: Sequence[Turn] = ()
    passages: Mapping[str, Sequence[Passage]] = field(default_factory=dict)
    examples: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    summarise: Summariser | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """One section, rendered.

    Attributes:
        messages: none where it has nothing to say.
        tokens: of their texts.
        dropped: turns, passages or characters left out.
        note: that, in words.
    """

    messages: tuple[Message, ...] = ()
    tokens: int = 0
    dropped: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Sections:
    """How the sections of one prompt are rendered.

    Attributes:
        partials: what templates may include, name and text.
        count: counts the tokens of a text.
    """

    partials: tuple[tuple[str, str], ...]
    count: Counter

    def piece(self, section: Mapping[str, Any], given: Given, limit: int | None) -> Piece:
        """Render a section so that it has at most `limit` tokens.

        Raises:
            PromptError: its template is wrong, or it is too long and may not be shortened.
        """
        match section["role"]:
            case "examples":
                return self._examples(section, given, limit)
            case "history":
                return self._history(section, given, limit)
            case "profile":
                return self._profile(section, given, limit)
            case "documents":
                return self._documents(section, given, limit)
            case role:
                return self._text(section, given.scope, limit, role=role, kind="text")

    def query(self, section: Mapping[str, Any], scope: Mapping[str, Any]) -> str:
        """Return what is searched for; where nothing is said, the only text that was given.

        Raises:
            PromptError: its template is wrong, or there are several texts.
        """
        if section.get("query"):
            return self._template(section["id"], section["query"], scope, escaping=False)
        named = {"user", "session", "profile"}
        texts = [v for k, v in scope.items() if isinstance(v, str) and k not in named]
        if len(texts) != 1:
            raise PromptError(f"section `{section['id']}` needs `query:`, what is searched for")
        return str(texts[0])

    def _text(
        self,
        section: Mapping[str, Any],
        scope: Mapping[str, Any],
        limit: int | None,
        *,
        role: Role,
        kind: Kind,
        wrap: str = "",
    ) -> Piece:
        tag = section.get("wrap") or wrap
        body = self._template(
            section["id"], section["template"], scope, escaping=bool(tag) or kind != "text"
        )
        return self._shortened(section, body, limit, role=role, kind=kind, tag=tag)

    def _shortened(
        self,
        section: Mapping[str, Any],
        body: str,
        limit: int | None,
        *,
        role: Role,
        kind: Kind,
        tag: str,
    ) -> Piece:
        if not body:
            return Piece()
        text, dropped = wrapped(body, tag), 0
        if limit is not None and self.count(text) > limit:
            cut = None
            if rule_of(section) == "truncate_middle":
                cut = without_middle(body, lambda part: self.count(wrapped(part, tag)) <= limit)
            if cut is None:
                raise too_long(section, self.count(text), limit)
            body, dropped = cut
            text = wrapped(body, tag)
        note = f"{dropped} characters in the middle left out" if dropped else ""
        return self._one(section, text, role=role, kind=kind, tag=tag, dropped=dropped, note=note)

    def _one(
        self,
        section: Mapping[str, Any],
        text: str,
        *,
        role: Role,
        kind: Kind,
        tag: str,
        dropped: int = 0,
        note: str = "",
        passages: tuple[Passage, ...] = (),
    ) -> Piece:
        tokens = self.count(text)
        message = Message(
            section=section["id"],
            role=role,
            text=text,
            kind=kind,
            volatility=section["volatility"],
            passages=passages,
            wrap=tag,
            tokens=tokens,
        )
        return Piece((message,), tokens, dropped, note)

    def _profile(self, section: Mapping[str, Any], given: Given, limit: int | None) -> Piece:
        role: Role = section.get("as") or "system"
        if section.get("template"):
            scope = {"profile": given.profile}
            return self._text(section, scope, limit, role=role, kind="profile")
        tag = section.get("wrap") or "user_profile"
        said = {name: _said(value) for name, value in given.profile.items()}
        text, gone = wrapped(_fields(said), tag) if said else "", 0
        if not text:
            return Piece()
        if limit is not None and self.count(text) > limit:
            cut = None
            if rule_of(section) == "truncate_middle":  # of values: tags stay as they are
                cut = without_middles(
                    said, lambda shorter: self.count(wrapped(_fields(shorter), tag)) <= limit
                )
            if cut is None:
                raise too_long(section, self.count(text), limit)
            text, gone = wrapped(_fields(cut[0]), tag), cut[1]
        note = f"{gone} characters in the middle left out" if gone else ""
        return self._one(section, text, role=role, kind="profile", tag=tag, dropped=gone, note=note)

    def _examples(self, section: Mapping[str, Any], given: Given, limit: int | None) -> Piece:
        rows = given.examples.get(section["id"], section.get("messages") or ())
        made = [
            Message(
                section=section["id"],
                role=one["role"],
                text=one["content"],
                kind="example",
                volatility=section["volatility"],
                tokens=self.count(one["content"]),
            )
            for one in rows
        ]
        tokens = sum(message.tokens for message in made)
        if limit is not None and tokens > limit:
            raise too_long(section, tokens, limit, "fewer examples (`max:`)")
        return Piece(tuple(made), tokens)

    def _history(self, section: Mapping[str, Any], given: Given, limit: int | None) -> Piece:
        if not given.turns:
            return Piece()
        from tunectl.prompts.history import fitted

        overflow = section.get("overflow")
        try:
            turns, dropped, note = fitted(given.turns, limit, overflow, self.count, given.summarise)
        except PromptError as error:
            raise PromptError(f"section `{section['id']}`: {error}") from None
        made = tuple(
            self._said_before(section, message) for one in turns for message in one.messages
        )
        return Piece(made, sum(one.tokens for one in made), dropped, note)

    def _said_before(self, section: Mapping[str, Any], message: Mapping[str, Any]) -> Message:
        text = cleaned(message.get("content") or "")
        tokens, extra = self.count(text), {}
        if len(message) > 2:
            extra = {k: v for k, v in message.items() if k in {"tool_calls", "tool_call_id"} and v}
            if calls := extra.get("tool_calls"):
                tokens += self.count(json.dumps(calls, ensure_ascii=False, sort_keys=True))
        return Message(
            section=section["id"],
            role=message["role"],
            text=text,
            kind="history",
            volatility=section["volatility"],
            tokens=tokens,
            extra=extra,
        )

    def _documents(self, section: Mapping[str, Any], given: Given, limit: int | None) -> Piece:
        found = list(given.passages.get(section["id"], ()))
        if not found:
            return Piece(note="nothing found")
        kept, piece = found, self._of(section, given, found)
        if limit is not None and piece.tokens > limit and rule_of(section) == "drop_lowest_score":
            ranked = sorted(range(len(found)), key=lambda at: (-found[at].score, at))
            while piece.tokens > limit and len(kept) > 1:
                ranked.pop()
                kept = [found[at] for at in sorted(ranked)]
                piece = self._of(section, given, kept)
        if limit is not None and piece.tokens > limit:
            raise too_long(section, piece.tokens, limit, "a smaller `top_k:`, or smaller chunks")
        dropped = len(found) - len(kept)
        note = f"{dropped} of {len(found)} passages left out" if dropped else ""
        return Piece(piece.messages, piece.tokens, dropped, note)

    def _of(self, section: Mapping[str, Any], given: Given, found: Sequence[Passage]) -> Piece:
        role: Role = section.get("as") or "user"
        if section.get("template"):
            scope = {**given.scope, "documents": [_seen(at, p) for at, p in enumerate(found, 1)]}
            return self._text(section, scope, None, role=role, kind="documents")
        tag = section.get("wrap") or "documents"
        text = wrapped("\n".join(_document(at, p) for at, p in enumerate(found, 1)), tag)
        return self._one(section, text, role=role, kind="documents", tag=tag, passages=tuple(found))

    def _template(
        self, section: str, source: str, scope: Mapping[str, Any], *, escaping: bool
    ) -> str:
        return _in_sandbox(
            section,
            source,
            lambda: rendered(compiled(source, self.partials, escaping), scope).strip(),
        )


def _in_sandbox(section: str, source: str, render: Callable[[], str]) -> str:
    """Run a template; what goes wrong is told without any value."""
    from jinja2 import TemplateError, TemplateNotFound, TemplateSyntaxError, UndefinedError

    where = f"section `{section}`"
    try:
        return render()
    except Refused as error:
        raise PromptError(f"{where} {error}") from None
    except TemplateSyntaxError as error:
        raise PromptError(f"{where}, line {error.lineno}: {error.message}") from None
    except TemplateNotFound as error:
        name = f"`{error.name}`" if str(error.name) in source else "a file"
        raise PromptError(f"{where} includes {name}, which it does not have") from None
    except UndefinedError as error:
        raise PromptError(f"{where}: {_undefined(str(error), source)}") from None
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        # Their messages may quote what they were given.
        raise PromptError(f"{where} fails with {type(error).__name__}") from None
    except RecursionError:
        raise PromptError(f"{where} calls or includes itself without end") from None


def _undefined(message: str, source: str) -> str:
    """Say what is missing, unless it is named by a value."""
    names = _QUOTED.findall(message)
    if not names or names[-1] not in source:
        names = [name for name in names if name in source]
    if not names:
        return "it uses a value that is not there"
    return (
        f"`{names[-1]}` has no value; where it may be missing, write "
        f"`{{% if … is defined %}}` or give it a default"
    )


def wrapped(body: str, tag: str) -> str:
    """Return a text within a tag; without one, as it is."""
    return f"<{tag}>\n{body}\n</{tag}>" if tag else body


def _fields(said: Mapping[str, str]) -> str:
    return "\n".join(f"<{name}>{escaped(text)}</{name}>" for name, text in said.items())


def rule_of(section: Mapping[str, Any]) -> str:
    """Return what happens when a section is too long."""
    overflow = section.get("overflow")
    if isinstance(overflow, Mapping):
        overflow = overflow.get("rule")
    return str(overflow or "error")


def too_long(
    section: Mapping[str, Any], tokens: int, limit: int, hint: str = "an `overflow` rule"
) -> PromptError:
    """Return the error of a section that does not fit."""
    said = f"section `{section['id']}` has {tokens} tokens; {limit} may be"
    if rule_of(section) == "truncate_middle":
        return PromptError(f"{said}, and not even its two ends fit: it needs a higher `max_tokens`")
    return PromptError(f"{said}: it needs {hint}, or a higher `max_tokens`")


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(_said, value))
    return str(value)


def _seen(at: int, passage: Passage) -> dict[str, Any]:
    """Return a passage as templates see it."""
    return {
        "index": at,
        "id": passage.id,
        "text": passage.text,
        "source": passage.source,
        "title": passage.title,
        "score": passage.score,
    }


def _document(at: int, passage: Passage) -> str:
    """Return a passage in the form that Anthropic's long-context guide gives (2026-11)."""
    title = f"<title>{escaped(passage.title)}</title>\n" if passage.title else ""
    return (
        f'<document index="{at}">\n<source>{escaped(passage.source)}</source>\n{title}'
        f"<document_content>\n{escaped(passage.text)}\n</document_content>\n</document>"
    )
