"""A prompt made into a request of a provider, sent, and its answer checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from tunectl.app.connecting import Connector
from tunectl.app.prompt_costing import answer_cost, price_for
from tunectl.app.prompting import Template, provider_of
from tunectl.app.withholding import withholding
from tunectl.catalog.prices import Price
from tunectl.config.prompt_model import dialect_of_type
from tunectl.core.abilities import Answers
from tunectl.core.errors import ConfigError
from tunectl.core.money import Estimate
from tunectl.core.ports import Chat, Citation, Delta
from tunectl.core.value import Plain, Ref
from tunectl.prompts import Prompt, PromptError
from tunectl.prompts.dialects import DIALECTS, body
from tunectl.prompts.rendered import Rendered
from tunectl.retrieval.passage import Passage

_WHY_CUT = {
    "length": "it was cut off: a longer answer may need a greater `--max-tokens`",
    "content_filter": "the service's content filter ended it",
}
_LONGEST_RULE = 100  # characters of a schema's rule that an error shows


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one rendering is given; what is None comes from the stores.

    Attributes:
        inputs: settled.
        history: messages `{role, content}`.
        documents: what was found, instead of a search.
    """

    inputs: Mapping[str, Any] = field(default_factory=dict)
    user: str | None = None
    session: str | None = None
    profile: Mapping[str, Any] | None = None
    history: Sequence[Mapping[str, Any]] | None = None
    documents: Sequence[Passage] | None = None


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A request, ready to send.

    Attributes:
        body: all of it but the model, in the words of the dialect.
        checked: the JSON Schema that the answer must fit; None for free text.
        notes: what is otherwise than declared.
    """

    dialect: str
    body: Mapping[str, Any]
    rendered: Rendered
    checked: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a prompt is sent.

    Attributes:
        price: of the model; None where nobody says it.
        answers: the provider.
    """

    provider: str
    model: str
    answers: Answers
    price: Price | None = None

    def cost(self, used: Delta, ttl: str) -> Estimate:
        """Return what an answer costs, by its last piece."""
        return answer_cost(self.price, used, self.answers.dialect, ttl)


def render(made: Template, prompt: Prompt, asked: Asked) -> Rendered:
    """Return the rendered prompt.

    Raises:
        ConfigError: a value does not fit, something is too long, or what it searches is not there.
    """
    waiting = [ref.address for ref in made.unknown.get("knowledge", ())]
    if waiting and asked.documents is None:
        raise ConfigError.of(
            f"`{waiting[0]}` is not built yet",
            hint="run `tunectl apply`, or give the passages with `--documents FILE`",
            address=str(made.address),
        )
    try:
        return prompt.render(
            user=asked.user,
            session=asked.session,
            profile=asked.profile,
            history=asked.history,
            documents=asked.documents,
            **asked.inputs,
        )
    except PromptError as error:
        raise ConfigError.of(str(error), address=str(made.address)) from error


def request(
    rendered: Rendered, dialect: str, model: str, *, structured: bool = True, service: str = ""
) -> Sent:
    """Return the request that a rendered prompt makes.

    Args:
        rendered: the prompt.
        dialect: in whose words.
        model: decides what of the dialect its service takes; may be empty.
        structured: whether the service holds an answer to a JSON Schema.
        service: how it is called, for the note when it does not.

    Raises:
        ConfigError: the dialect cannot say the prompt.
    """
    schema = (rendered.output or {}).get("schema")
    notes: tuple[str, ...] = ()
    if schema is not None and not structured:
        rendered = replace(rendered, output=None)
        notes = (f"{service} holds no answer to a schema: it is checked when it is there",)
    try:
        said = body(dialect, rendered, model=model)
    except PromptError as error:
        raise ConfigError.of(str(error)) from error
    return Sent(dialect=dialect, body=said, rendered=rendered, checked=schema, notes=notes)


def dialect_for(made: Template, wanted: str | None) -> tuple[str, bool, str]:
    """Return a dialect, whether its service holds answers to a schema, and the service's name.

    Args:
        made: the template.
        wanted: a dialect or a declared provider; None is what the template is sent to.

    Raises:
        ConfigError: it is neither.
    """
    if wanted is not None and wanted in DIALECTS and wanted not in made.project.providers:
        return wanted, True, wanted
    if wanted is not None and wanted not in made.project.providers:
        from tunectl.config.problems import did_you_mean, listed

        known = (*DIALECTS, *made.project.providers)
        hint = did_you_mean(wanted, known, f"there are {listed(known)}")
        raise ConfigError.of(f"`{wanted}` is no dialect and no provider of the project", hint=hint)
    try:
        name = provider_of(made, wanted)
    except ConfigError:
        return str(made.tree["dialect"]), True, ""
    type_ = made.project.providers[name].type
    return dialect_of_type(type_), _structured(type_), f"provider `{name}`"


def _structured(type_: str) -> bool:
    from tunectl.providers.wire.profile import LOCAL, OURS

    return next((one.structured for one in (LOCAL, OURS) if one.name == type_), True)


def target(made: Template, *, provider: str | None = None, model: str | None = None) -> Target:
    """Return where a template is sent, connected.

    Args:
        made: the template, compiled to be sent.
        provider: instead of the declared one.
        model: instead of the declared one.

    Raises:
        ConfigError: nothing says where, or its model is not made yet.
        ProviderError: the provider cannot be used on this machine.
    """
    name = provider_of(made, provider)
    asked = model or made.tree.get("model")
    if not isinstance(asked, str):
        owner = next(iter(made.unknown.get("model", ())), None)
        said = f"`{owner.address}` has no model yet" if owner else "it names no model"
        raise ConfigError.of(
            said,
            hint="run `tunectl apply` first, or name one with `--model` and `--provider`",
            address=str(made.address),
        )
    answers = answering(Connector(made.project)(name), name)
    price = price_for(made.project, name, model or _base(made))
    return Target(provider=name, model=asked, answers=answers, price=price)


def answering(connected: object, name: str) -> Answers:
    """Return a connected provider as one that takes whole requests.

    Args:
        connected: the provider; one that takes messages alone is given these.
        name: its name, for the message.

    Raises:
        ConfigError: it cannot answer.
    """
    if hasattr(connected, "answer"):
        return cast("Answers", connected)
    if not hasattr(connected, "chat"):
        raise ConfigError.of(f"provider `{name}` cannot answer")
    return _ByChat(cast("Chat", connected))


def _base(made: Template) -> str | None:
    """The base model that the prices are of; the model's own id where nothing leads to one."""
    resources = {r.address: r for r in made.project.resources}
    value = made.resource.spec.get("model")
    for _ in resources:
        user = resources.get(value.address) if isinstance(value, Ref) else None
        if user is None:
            break
        value = user.spec.get("base_model", user.spec.get("model"))
    said = value if isinstance(value, str) else made.tree.get("model")
    return said if isinstance(said, str) else None


class _ByChat:
    """A provider of others that takes messages alone."""

    dialect = "openai"
    structured = False

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        return self._chat.chat(model, body["messages"], **params)


def sent_to(rendered: Rendered, where: Target) -> Sent:
    """Return the request to a connected provider.

    Raises:
        ConfigError: its dialect cannot say the prompt.
    """
    return request(
        rendered,
        where.answers.dialect,
        where.model,
        structured=where.answers.structured,
        service=f"provider `{where.provider}`",
    )


def noted(sent: Sent, made: Template, asked: Asked) -> Sent:
    """Return the request with a note of what was given and is not read."""
    if asked.user is None and asked.session is None:
        return sent
    if not made.tree.get("memory"):
        said = "the template has no `memory`: `--user` and `--session` change nothing"
    elif asked.user is None:
        said = "`--session` is a user's: without `--user` no conversation is read"
    else:
        return sent
    return replace(sent, notes=(*sent.notes, said))


def answer(where: Target, sent: Sent, params: Mapping[str, Plain]) -> Iterator[Delta]:
    """Stream one answer; a citation that names a document by its number alone gets its source.

    Raises:
        ProviderError: the provider refused, or the answer broke off; nothing that was sent is in
            it.
    """
    passages = [one for message in sent.rendered.messages for one in message.passages]
    texts = [message.text for message in sent.rendered.messages]
    pieces = where.answers.answer(where.model, sent.body, **params)
    for piece in withholding(pieces, texts):
        cited = tuple(_sourced(one, passages) for one in piece.citations)
        yield replace(piece, citations=cited) if cited else piece


def _sourced(citation: Citation, passages: Sequence[Passage]) -> Citation:
    at = citation.index
    if citation.source or at is None or not 0 <= at < len(passages):
        return citation
    return replace(citation, source=passages[at].source)


def check_answer(schema: Mapping[str, Any], text: str, ending: str = "") -> None:
    """Check a structured answer.

    Args:
        schema: what it must fit.
        text: the answer.
        ending: why it ended, as the provider says it.

    Raises:
        ConfigError: it is no JSON, or does not fit the schema: where, never with its values.
    """
    from jsonschema import validators

    try:
        tree = json.loads(text)
    except ValueError as error:
        raise ConfigError.of(
            "the answer is not JSON",
            hint=_WHY_CUT.get(ending, "the template's `output:` says what it must look like"),
            detail=f"at character {getattr(error, 'pos', 0)}",
            code="answer-not-json",
        ) from error
    checker = validators.validator_for(schema)(schema)
    wrong = sorted(checker.iter_errors(tree), key=lambda one: list(map(str, one.absolute_path)))
    if wrong:
        first = wrong[0]
        raise ConfigError.of(
            f"the answer does not fit the schema at `{first.json_path}`: "
            f"it breaks `{first.validator}`{_wanted(first.validator_value)}",
            hint="the template's `output:` says what it must look like",
            detail=f"{len(wrong) - 1} more places" if len(wrong) > 1 else "",
            code="answer-does-not-fit",
        )


def _wanted(rule: object) -> str:
    """Return what a rule of the schema wants, where that is short: ` (zwrot, reklamacja)`."""
    values = rule if isinstance(rule, list) else [rule]
    if isinstance(rule, bool) or any(isinstance(one, list | dict) for one in values):
        return ""
    told = ", ".join(str(one) for one in values)
    return f" ({told})" if 0 < len(told) <= _LONGEST_RULE else ""
