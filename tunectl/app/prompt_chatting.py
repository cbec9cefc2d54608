"""A conversation with a prompt: its turns are kept, and what they cost is summed up.

Laws: an answer that was interrupted is kept as far as it came; a turn is kept whole or not at all;
an answer that failed is not kept, and neither is its question.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import threading
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tunectl.app.prompt_running import Asked, Sent, Target, answer, check_answer, render, sent_to
from tunectl.app.prompt_values import first_left
from tunectl.app.prompting import Template
from tunectl.core.errors import ConfigError
from tunectl.core.money import FREE, Estimate
from tunectl.core.ports import Citation, Delta
from tunectl.core.value import Plain
from tunectl.prompts import Prompt, PromptError
from tunectl.prompts.rendered import Rendered

_HISTORY = "history"


@dataclass(frozen=True, kw_only=True)
class Said:
    """One answer, as far as it came.

    Attributes:
        used: the counts; of an interrupted answer there are none.
        whole: whether it came to its end.
        complaint: why a structured answer is none; empty where it fits.
    """

    text: str
    used: Delta
    cost: Estimate
    citations: tuple[Citation, ...] = ()
    whole: bool = True
    complaint: str = ""


@dataclass
class Conversation:
    """One conversation of one user.

    Attributes:
        made: the template.
        prompt: the same, opened.
        where: who answers.
        asked: the other inputs, the user and the session.
        params: such as `max_tokens`.
        used: the counts of all answers together.
        cost: of the same.
        turns: how many answers there were.
        kept: how many of them belong to the present conversation.
        interrupted: how many ended before their counts came.
        last: the latest answer.
        rendered: the prompt that it answers.
    """

    made: Template
    prompt: Prompt
    where: Target
    asked: Asked
    params: Mapping[str, Plain] = field(default_factory=dict)
    used: Delta = field(default_factory=Delta)
    cost: Estimate = FREE
    turns: int = 0
    kept: int = 0
    interrupted: int = 0
    last: Said | None = None
    rendered: Rendered | None = None
    _messages: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin a session where none is named.

        Raises:
            ConfigError: the prompt has no input for what the user says.
        """
        if self.asked.session is None:
            self.asked = replace(self.asked, session=_session())
        if self._question is None:
            raise ConfigError.of(
                f"`{self.made.address}` takes no input that a user could say",
                hint="declare one: `inputs: {question: string}`",
            )

    @property
    def remembers(self) -> bool:
        """Whether the template's memory keeps the conversation; else this process does."""
        return bool(self.made.tree.get("memory")) and self.asked.user is not None

    @property
    def session(self) -> str:
        """Its name."""
        return self.asked.session or ""

    @property
    def _question(self) -> str | None:
        return first_left(self.made.rules, self.asked.inputs)

    @property
    def shows_history(self) -> bool:
        """Whether the template says what was said before."""
        return any(one["role"] == _HISTORY for one in self.made.tree["sections"])

    @property
    def _follows(self) -> bool:
        """Whether the template does anything with what was said before."""
        searched = any(one.get("query_turns") for one in self.made.tree["sections"])
        return searched or self.shows_history

    def say(self, text: str) -> Generator[Delta]:
        """Stream the answer to what the user says; the turn is kept when it ends.

        Raises:
            ConfigError: a value does not fit, or something is too long.
            ProviderError: the provider refused, or the answer broke off.
        """
        sent = self._sent(text)
        pieces: list[Delta] = []
        ended = False
        try:
            for piece in answer(self.where, sent, self.params):
                pieces.append(piece)
                yield piece
            ended = True
        except (KeyboardInterrupt, GeneratorExit):
            self._keep(text, sent, pieces, whole=False)
            raise
        if ended:
            self._keep(text, sent, pieces, whole=True)

    def _sent(self, text: str) -> Sent:
        question = self._question
        assert question is not None
        asked = replace(self.asked, inputs={**self.asked.inputs, question: text})
        if not self.remembers and self._follows:
            asked = replace(asked, history=tuple(self._messages))
        self.rendered = render(self.made, self.prompt, asked)
        return sent_to(self.rendered, self.where)

    def _keep(self, question: str, sent: Sent, pieces: list[Delta], *, whole: bool) -> None:
        text = "".join(piece.text for piece in pieces)
        used = pieces[-1] if whole and pieces else Delta()
        cost = self.where.cost(used, self.made.ttl) if whole else FREE
        complaint = ""
        if whole and sent.checked is not None:
            try:
                check_answer(sent.checked, text, used.finish_reason or "")
            except ConfigError as error:
                complaint = str(error)
        cited = tuple(one for piece in pieces for one in piece.citations)
        self.last = Said(
            text=text, used=used, cost=cost, citations=cited, whole=whole, complaint=complaint
        )
        self.turns += 1
        self.interrupted += not whole
        self.used, self.cost = added(self.used, used), self.cost + cost
        if text.strip():
            with _whole():
                self._remember(question, text)
            self.kept += 1

    def _remember(self, question: str, text: str) -> None:
        if not self.remembers:
            self._messages += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": text},
            ]
            return
        assert self.asked.user is not None
        try:
            self.prompt.remember(
                user=self.asked.user, session=self.session, question=question, answer=text
            )
        except PromptError as error:
            raise ConfigError.of(str(error), address=str(self.made.address)) from error

    def reset(self) -> str:
        """Begin a new conversation; what a memory holds of the old one stays. Return its name."""
        self._messages.clear()
        self.kept = 0
        self.asked = replace(self.asked, session=_session())
        return self.session

    def profile(self) -> dict[str, Any]:
        """Return what is known of the user.

        Raises:
            ConfigError: there is no memory, or no user.
        """
        if not self.remembers or self.asked.user is None:
            raise ConfigError.of(
                "there is no profile", hint="the template needs a `memory`, and the chat `--user`"
            )
        try:
            return self.prompt.profile(user=self.asked.user)
        except PromptError as error:
            raise ConfigError.of(str(error)) from error


def added(one: Delta, other: Delta) -> Delta:
    """Return the counts of two answers together."""
    return Delta(
        prompt_tokens=one.prompt_tokens + other.prompt_tokens,
        completion_tokens=one.completion_tokens + other.completion_tokens,
        cache_read_tokens=one.cache_read_tokens + other.cache_read_tokens,
        cache_written_tokens=one.cache_written_tokens + other.cache_written_tokens,
    )


def _session() -> str:
    return f"chat-{secrets.token_hex(4)}"


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Let Ctrl-C wait until a turn is kept: it is stored whole or not at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: waiting.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if waiting:
        raise KeyboardInterrupt
