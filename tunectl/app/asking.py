"""Ask a deployed endpoint, a tuned model, a prompt template or any model id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from tunectl.app.options import Options
from tunectl.app.prompt_running import answering, check_answer, request
from tunectl.app.prompt_values import settled
from tunectl.app.reading import applied
from tunectl.app.withholding import withholding
from tunectl.app.workspace import Workspace, open_workspace
from tunectl.core.errors import ConfigError
from tunectl.core.ports import Chat, Delta
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.state import State
from tunectl.core.value import Plain, Value
from tunectl.kinds import KINDS
from tunectl.prompts import Prompt, PromptError, load
from tunectl.prompts.rendered import Rendered

_MODELS = frozenset({"endpoint", "tuning_job"})


@dataclass(frozen=True, kw_only=True)
class Question:
    """What to ask.

    Attributes:
        target: `endpoint.x`, `tuning_job.x`, `prompt_template.x` or a model id.
        system: system instructions; only where the target is no prompt template.
        provider: which provider has the model id; the default one when not given.
        inputs: further inputs of a prompt template.
    """

    target: str
    text: str
    system: str | None = None
    provider: str | None = None
    max_tokens: int | None = None
    temperature: float | None = None
    inputs: Mapping[str, str] | None = None


def ask(options: Options, question: Question) -> Iterator[Delta]:
    """Stream one answer.

    Raises:
        ConfigError: there is nothing to ask at the target.
        ProviderError: the provider refused or could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    if question.target.partition(".")[0] in KINDS:
        found = applied(workspace, state, question.target)
        if found.address.kind == "prompt_template":
            return _prompted(workspace, state, found, question)
        provider, model = found.provider, _model(question, found)
    else:
        provider, model = _default(workspace, question), question.target
    connected = workspace.connector(state)(provider)
    if not hasattr(connected, "chat"):
        raise ConfigError.of(f"provider `{provider}` cannot answer")
    pieces = cast("Chat", connected).chat(model, _plain(question), **_params(question))
    return withholding(pieces, [question.text, question.system or ""])


def _params(question: Question) -> dict[str, Plain]:
    params: dict[str, Plain] = {}
    if question.max_tokens is not None:
        params["max_tokens"] = question.max_tokens
    if question.temperature is not None:
        params["temperature"] = question.temperature
    return params


def _model(question: Question, found: Instance) -> str:
    model = found.outputs.get("model_id")
    if not isinstance(model, str):
        answers = found.address.kind in {"endpoint", "tuning_job"}
        why = f": it is {found.status.value}" if answers else ""
        raise ConfigError.of(
            f"`{question.target}` has no model to ask{why}",
            hint="ask an `endpoint`, a `prompt_template` or a finished `tuning_job`",
        )
    return model


def _prompted(
    workspace: Workspace, state: State, found: Instance, question: Question
) -> Iterator[Delta]:
    """Ask through the prompt that was applied; a structured answer is checked at its end."""
    prompt = _prompt(workspace, found)
    rendered = _rendered(prompt, question)
    provider = question.provider or _provider_of(state, found)
    answers = answering(workspace.connector(state)(provider), provider)
    sent = request(
        rendered,
        answers.dialect,
        prompt.model,
        structured=answers.structured,
        service=f"provider `{provider}`",
    )
    text = ""
    pieces = answers.answer(prompt.model, sent.body, **_params(question))
    for piece in withholding(pieces, [message.text for message in rendered.messages]):
        text += piece.text
        yield piece
    if sent.checked is not None:
        check_answer(sent.checked, text)


def _prompt(workspace: Workspace, found: Instance) -> Prompt:
    place = Path(workspace.project.root) / str(found.outputs["path"])
    try:
        return load(found.address.name, path=place)
    except PromptError as error:
        raise ConfigError.of(str(error), hint="run `tunectl apply` to write it again") from error


def _rendered(prompt: Prompt, question: Question) -> Rendered:
    if question.system is not None:
        raise ConfigError.of(
            "a prompt template has its own system section",
            hint="leave `--system` out, or ask the endpoint",
        )
    given = settled(prompt.inputs, tuple((question.inputs or {}).items()), {}, question.text)
    try:
        return prompt.render(**given)
    except PromptError as error:
        raise ConfigError.of(
            str(error), hint="pass further inputs as `--input name=value`"
        ) from error


def _provider_of(state: State, found: Instance) -> str:
    """The provider of the first thing a prompt template is made for."""
    for need in found.needs:
        user = state.instances.get(need.address)
        if user is not None and user.provider != BUILTIN and need.address.kind in _MODELS:
            return user.provider
    raise ConfigError.of(
        f"`{found.address}` names a model id, not an endpoint",
        hint="say who has it with `--provider`, or ask with `tunectl prompt run`",
    )


def _default(workspace: Workspace, question: Question) -> str:
    if question.provider is not None:
        return question.provider
    resources = workspace.project.resources
    named = {r.provider for r in resources if question.target in _models_of(r)}
    names = sorted((named or {r.provider for r in resources}) - {BUILTIN})
    names = names or sorted(workspace.project.providers)
    if len(names) != 1:
        raise ConfigError.of(
            f"which provider has `{question.target}`?",
            hint="name one with `--provider`; declared are "
            + (", ".join(f"`{n}`" for n in names) or "none"),
        )
    return names[0]


def _models_of(resource: Resource) -> tuple[Value, ...]:
    """Return the models that a resource names by their ids."""
    return resource.spec.get("base_model"), resource.spec.get("model")


def _plain(question: Question) -> list[dict[str, str]]:
    system = [{"role": "system", "content": question.system}] if question.system else []
    return [*system, {"role": "user", "content": question.text}]
