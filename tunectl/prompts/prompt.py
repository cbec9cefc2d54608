"""One prompt template for an application: values in, messages or a whole request out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunectl.prompts.budget import Counter, estimator
from tunectl.prompts.gathering import Gathering, Summarise
from tunectl.prompts.inputs import checked
from tunectl.prompts.render import Plan, render
from tunectl.prompts.rendered import Rendered
from tunectl.prompts.sections import Sections
from tunectl.prompts.sources import Sources


@dataclass(frozen=True)
class Prompt:
    """One prompt template, ready to render. Immutable, so safe to share between threads.

    Attributes:
        name: the template's name in the declaration.
        version: its content hash.
        model: the model id to send the messages to.
        base_url: where that model answers; empty for a provider's own address.
        dialect: whose words that service takes: `openai`, `anthropic`, `gemini` or `bedrock`.
        inputs: what `messages` takes: name to `{type, max_chars, one_of, default}`.
        sections: the compiled sections in order.
        partials: what templates may include, name to text.
        budget: `{context_tokens, reserve_output}`, and `max_output` where it is set, in tokens.
        output: `{name, schema}` of a structured answer; None for free text.
        cache: `{ttl}` where caching is declared.
        citations: whether answers are to name their sources.
        memory: what is known of the memory, with the schema of its profiles; None without one.
        knowledge: by name, where knowledge bases are searched.
    """

    name: str
    version: str
    model: str
    base_url: str
    inputs: Mapping[str, Mapping[str, Any]]
    sections: Sequence[Mapping[str, Any]]
    dialect: str = "openai"
    partials: Mapping[str, str] = field(default_factory=dict)
    budget: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    cache: Mapping[str, Any] = field(default_factory=dict)
    citations: bool = False
    memory: Mapping[str, Any] | None = None
    knowledge: Mapping[str, Any] = field(default_factory=dict)
    _sources: Sources = field(default_factory=lambda: Sources(Path(), None, {}), repr=False)
    _count: Counter | None = field(default=None, repr=False)
    _summarise: Summarise | None = field(default=None, repr=False)

    def messages(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        **inputs: Any,  # noqa: ANN401  # the application's values
    ) -> list[dict[str, Any]]:
        """Render every section into chat messages (OpenAI's `role` and `content`).

        Neighbours of one role become one message.

        Args:
            user: whose profile and conversation it is, by the application's own name.
            session: which conversation of this user.
            inputs: the declared inputs.

        Raises:
            PromptError: an input is unknown, missing, of the wrong type or too long, or the
                prompt does not fit.
        """
        body = self._body("openai", self.render(user=user, session=session, **inputs), model="")
        found: list[dict[str, Any]] = body["messages"]
        return found

    async def messages_async(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        **inputs: Any,  # noqa: ANN401
    ) -> list[dict[str, Any]]:
        """Do what `messages` does, in a thread, so that memory and search block no event loop."""
        import asyncio

        return await asyncio.to_thread(self.messages, user=user, session=session, **inputs)

    def request(
        self,
        dialect: str | None = None,
        *,
        user: str | None = None,
        session: str | None = None,
        **inputs: Any,  # noqa: ANN401
    ) -> dict[str, Any]:
        """Return the whole body for a service, all but the model.

        Args:
            dialect: `openai`, `anthropic`, `gemini` or `bedrock`; by default the model's own.
            user: as in `messages`.
            session: as in `messages`.
            inputs: as in `messages`.

        Raises:
            PromptError: as `messages`; also where the service cannot be sent such a prompt.
        """
        rendered = self.render(user=user, session=session, **inputs)
        return self._body(dialect or self.dialect, rendered, model=self.model)

    def render(
        self,
        *,
        user: str | None = None,
        session: str | None = None,
        profile: Mapping[str, Any] | None = None,
        history: Sequence[Mapping[str, Any]] | None = None,
        documents: Sequence[Any] | Mapping[str, Sequence[Any]] | None = None,
        **inputs: Any,  # noqa: ANN401
    ) -> Rendered:
        """Render every section, for no service yet.

        Args:
            user: as in `messages`.
            session: as in `messages`.
            profile: fields of the user, in place of what the memory says.
            history: messages of the conversation, in place of what the memory says.
            documents: passages in place of a search: of the first section of documents, or by the
                id of the section. Each has `text`, and may have `source`, `title` and `score`.
            inputs: as in `messages`.

        Raises:
            PromptError: as `messages`.
        """
        values = checked(self.name, self.inputs, inputs)
        engine = Sections(tuple(self.partials.items()), self.count)
        gathering = Gathering(self.sections, self.memory, self._sources, engine, self._summarise)
        given = gathering.given(
            values, user, session, profile=profile, history=history, documents=documents
        )
        return render(self._plan, engine, given)

    def remember(self, *, user: str, session: str, question: str, answer: str) -> None:
        """Keep a question and its answer in the memory, as the conversation's next turn.

        Raises:
            PromptError: the prompt has no memory, or it cannot be written.
        """
        from tunectl.prompts.turn import turn

        self._sources.memory().append(user, session, turn(question, answer))

    def set_profile(self, *, user: str, **fields: Any) -> None:  # noqa: ANN401
        """Keep declared fields of a user; None forgets one.

        Raises:
            PromptError: a field is not declared or its value does not fit it.
        """
        self._sources.memory().set_profile(user, fields)

    def profile(self, *, user: str) -> dict[str, Any]:
        """Return what is known of a user, with the defaults.

        Raises:
            PromptError: the prompt has no memory, or it cannot be read.
        """
        return self._sources.memory().profile(user)

    @property
    def count(self) -> Counter:
        """What counts the tokens of a text for this prompt's model."""
        return self._count or estimator(self.model, self.dialect)

    @property
    def _plan(self) -> Plan:
        return Plan(
            sections=self.sections,
            context_tokens=self.budget.get("context_tokens"),
            reserve_output=self.budget.get("reserve_output") or 0,
            max_output=self.budget.get("max_output"),
            output=self.output,
            cache=self.cache,
            citations=self.citations,
        )

    def _body(self, dialect: str, rendered: Rendered, *, model: str) -> dict[str, Any]:
        from tunectl.prompts.dialects import body

        return body(dialect, rendered, model=model)
