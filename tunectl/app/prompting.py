"""A declared prompt template, compiled in memory: no apply is needed to look at what it says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunectl.app.options import Options
from tunectl.app.uploading import DatasetReader
from tunectl.app.workspace import declared, ledger_of, open_store
from tunectl.config.loaded import Loaded
from tunectl.config.problems import did_you_mean, listed
from tunectl.core.errors import ConfigError
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.state import State
from tunectl.core.value import Address, Join, Plain, Ref, Value, refs, resolve
from tunectl.prompts import Prompt, PromptError
from tunectl.prompts.artefact import prompt_of
from tunectl.prompts.gathering import Summarise

KIND = "prompt_template"
# What is not needed to say the prompt, only to send it.
_SENDING = frozenset({"model", "base_url"})


@dataclass(frozen=True, kw_only=True)
class Template:
    """One template as it is declared now.

    Attributes:
        address: its address.
        resource: what was declared.
        project: the declaration it stands in.
        tree: the compiled artefact.
        unknown: what it refers to and is not there before an apply, by the field that needs it.
    """

    address: Address
    resource: Resource
    project: Project
    tree: Mapping[str, Any]
    unknown: Mapping[str, tuple[Ref, ...]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As it is typed after `prompt run`."""
        return str(self.address).removeprefix(f"{KIND}.")

    @property
    def rules(self) -> Mapping[str, Mapping[str, Any]]:
        """What it takes: `{type, default}` by the names of its inputs."""
        found: Mapping[str, Mapping[str, Any]] = self.tree["inputs"]
        return found

    @property
    def ttl(self) -> str:
        """For how long a provider is asked to keep the prompt."""
        return str((self.tree.get("cache") or {}).get("ttl") or "5m")

    def opened(self, summarise: Summarise | None = None) -> Prompt:
        """Return it ready to render.

        Args:
            summarise: asks a model for a summary of a conversation that is too long.

        Raises:
            ConfigError: it cannot be used.
        """
        try:
            return prompt_of(self.tree, root=Path(self.project.root), summarise=summarise)
        except PromptError as error:
            raise ConfigError.of(str(error), address=str(self.address)) from error


def template(options: Options, name: str, *, sending: bool) -> Template:
    """Return a declared template, compiled from its files as they are.

    Args:
        options: the project.
        name: its name, with its key where it has one: `support["pl"]`; or its address.
        sending: whether it is to be sent: then its model must be known. Otherwise the state is
            read only where the text depends on it.

    Raises:
        ConfigError: every problem of the declaration, or there is no such template.
    """
    loaded = declared(options)
    return compiled_in_memory(options, loaded, found(loaded.project, name), sending=sending)


def templates(options: Options, names: tuple[str, ...]) -> tuple[Loaded, tuple[Resource, ...]]:
    """Return the declared templates of these names; all of them for none.

    Raises:
        ConfigError: every problem of the declaration, or there is no such template.
    """
    loaded = declared(options)
    if names:
        return loaded, tuple(found(loaded.project, name) for name in names)
    return loaded, tuple(r for r in loaded.project.resources if r.address.kind == KIND)


def found(project: Project, name: str) -> Resource:
    """Return the resource of a template.

    Raises:
        ConfigError: there is none of that name; the nearest one is said.
    """
    known = {
        str(r.address).removeprefix(f"{KIND}."): r
        for r in project.resources
        if r.address.kind == KIND
    }
    asked = name.removeprefix(f"{KIND}.")
    one = known.get(asked) or known.get(_quoted(asked))
    if one is not None:
        return one
    keys = [other for other in known if other.startswith(f"{asked}[")]
    otherwise = f"declared are {listed(known)}" if known else "declare one: `prompt_template:`"
    hint = f"it has keys: {listed(keys)}" if keys else did_you_mean(asked, known, otherwise)
    raise ConfigError.of(f"there is no prompt template `{asked}`", hint=hint, code="unknown-prompt")


def _quoted(name: str) -> str:
    """Return `support["pl"]` for `support[pl]`, which a shell leaves of it."""
    head, bracket, key = name.partition("[")
    return f'{head}["{key[:-1]}"]' if bracket and key.endswith("]") else name


def compiled_in_memory(
    options: Options, loaded: Loaded, resource: Resource, *, sending: bool
) -> Template:
    """Return a template, compiled from the declaration that was loaded.

    Raises:
        ConfigError: the state that it depends on cannot be found.
        StaleError: the rows of its examples are no longer what was read.
    """
    from tunectl.providers.builtin.artefact import compiled
    from tunectl.providers.builtin.nearest import NearestIndexes

    project = loaded.project
    needed = {k: v for k, v in resource.spec.items() if sending or k not in _SENDING}
    state: State | None = None
    if any(True for _ in refs(needed)):
        state = ledger_of(open_store(project), project, options).load()
    settled: dict[str, Plain] = {}
    unknown: dict[str, tuple[Ref, ...]] = {}
    for key, value in resource.spec.items():
        done = resolve(value, lambda ref: _recorded(state, ref))
        left = tuple(refs(done))
        if left:
            unknown[key] = left
        settled[key] = _known(done)
    indexes = NearestIndexes(Path(project.root), _beside(project, resource.address))
    content = compiled(resource.address, settled, DatasetReader(loaded.datasets), indexes.make)
    return Template(
        address=resource.address,
        resource=resource,
        project=project,
        tree=json.loads(content),
        unknown=unknown,
    )


def _recorded(state: State | None, ref: Ref) -> Value:
    """Return what a reference means by the record; itself where nothing is recorded."""
    instance = state.instances.get(ref.address) if state is not None else None
    if instance is None:
        return ref
    value: Value = instance.outputs
    for part in ref.path:
        if not isinstance(value, Mapping) or part not in value:
            return ref
        value = value[part]
    return value


def _known(value: Value) -> Plain:
    """Narrow a value; what is not known before an apply is None."""
    if isinstance(value, Ref | Join):
        return None
    if isinstance(value, tuple):
        return tuple(_known(item) for item in value)
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    return value


def _beside(project: Project, address: Address) -> Path:
    """Return where the artefact would lie: indexes of examples are kept beside it."""
    from tunectl.providers.builtin.prompt_template import PromptTemplates

    return PromptTemplates(Path(project.root), project.env).path_of(address)


def provider_of(made: Template, chosen: str | None = None) -> str:
    """Return the name of the provider that a template is sent to.

    Args:
        made: the template.
        chosen: what the user names; it goes before what is declared.

    Raises:
        ConfigError: there is none of that name, or nothing says which.
    """
    project = made.project
    if chosen is not None:
        if chosen not in project.providers:
            raise ConfigError.of(
                f"there is no provider `{chosen}`",
                hint=did_you_mean(chosen, project.providers, _declared(project)),
            )
        return chosen
    resources = {r.address: r for r in project.resources}
    target = made.resource.spec.get("model")
    if isinstance(target, Ref):
        user = resources.get(target.address)
        if user is not None and user.provider != BUILTIN:
            return user.provider
    return _by_dialect(made, project)


def _by_dialect(made: Template, project: Project) -> str:
    """Return the provider that has a model id: the default one, or the only one of its dialect."""
    from tunectl.config.prompt_model import dialect_of_type

    dialect = str(made.tree.get("dialect"))
    fit = [n for n, p in project.providers.items() if dialect_of_type(p.type) == dialect]
    if project.default_provider in fit and project.default_provider is not None:
        return project.default_provider
    if len(fit) == 1:
        return fit[0]
    raise ConfigError.of(
        f"which provider has the model of `{made.address}`?",
        hint=f"name one with `--provider`; {_declared(project)}",
    )


def _declared(project: Project) -> str:
    return f"declared are {listed(project.providers) or 'none'}"
