"""import: write down that an object which exists already is managed from the next apply on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.app.adapters import is_adapter, offered
from tunectl.app.addressing import typed
from tunectl.app.connecting import Connector
from tunectl.app.foreign import foreign
from tunectl.app.options import Options
from tunectl.app.told import differing
from tunectl.app.wishing import imported
from tunectl.app.workspace import Workspace, open_workspace
from tunectl.app.writing import Described, describe, resource_lines
from tunectl.config.editing import add_block, add_to_list, flow
from tunectl.config.files import DEFAULT_ENV
from tunectl.config.handover import not_importable
from tunectl.config.looked import MAIN, SUFFIX
from tunectl.config.problems import did_you_mean, listed
from tunectl.core.errors import ConfigError, Diagnostic, Exit, Refused, Severity
from tunectl.core.project import Import, Project
from tunectl.core.resource import Instance, Recreate, Resource
from tunectl.core.state import State
from tunectl.core.value import Address

GENERATED = f"imported{SUFFIX}"
_HEAD = """\
# Written by `tunectl import`. An entry under `import:` may go when an apply has taken it over.
"""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What to import.

    Attributes:
        provider: a name under `providers:`, for what is not declared yet.
        out: the file to write, relative to the project.
        dry_run: write nothing.
        force: also what carries another history's mark.
    """

    address: str
    id: str
    provider: str | None = None
    out: Path | None = None
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What was written down.

    Attributes:
        file: relative to the project.
        text: the whole file, as written.
        declared: whether the resource was declared already.
        described: what the generated declaration says and leaves open, None for a declared one.
        warnings: whose it is, where it carries another history's mark.
    """

    address: Address
    id: str
    provider: str
    account: str
    status: str
    file: str
    text: str
    declared: bool
    described: Described | None = None
    warnings: tuple[Diagnostic, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """The fields that a person must fill in."""
        return self.described.missing if self.described is not None else ()


def take(options: Options, wanted: Wanted) -> Imported:
    """Write down that an object is imported; nothing is recorded before the next apply.

    Raises:
        ConfigError: the declaration cannot be used, the object is not there or is managed already,
            its kind cannot be imported, or the file cannot be added to.
        Refused: it carries another history's mark, and nobody said to take it all the same.
        ProviderError: the provider could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    address = _address(wanted.address)
    id_ = wanted.id.strip()
    if not id_:
        raise ConfigError.of("the id is empty", hint="the provider's own id of the object")
    _check_free(workspace, state, address, id_)
    declared = {r.address: r for r in workspace.project.resources}.get(address)
    connect = workspace.connector(state)
    resource = declared if declared is not None else _undeclared(workspace, address, wanted)
    _check_provider(workspace, state, resource, connect)
    if is_adapter(id_):
        return _adapter(workspace, wanted, declared, connect)
    now = imported(Import(address=address, id=id_), resource, connect)
    warnings = _whose(now, address, state, connect, force=wanted.force)
    described = None
    if declared is not None:
        _check_same(declared, now, wanted)
    else:
        arriving = _arriving(workspace.project, state, connect)
        described = describe(resource, now, workspace.project, state, arriving)
    file = _file(workspace, wanted, declared)
    text = _text(workspace, file, address, id_, described)
    if not wanted.dry_run:
        _write(options.root / file, text)
    return Imported(
        address=address,
        id=id_,
        provider=resource.provider,
        account=now.account,
        status=now.status.value,
        file=file,
        text=text,
        declared=declared is not None,
        described=described,
        warnings=warnings,
    )


def _adapter(
    workspace: Workspace, wanted: Wanted, declared: Resource | None, connect: Connector
) -> Imported:
    """Write down that an adapter is to be taken in."""
    id_ = wanted.id.strip()
    if declared is None:
        raise ConfigError.of(
            f"`{wanted.address}` is not declared",
            hint="an adapter does not say what it was trained on: declare the job with its "
            "`base_model` and `data`, then import",
            code="import-adapter",
        )
    block = Import(address=declared.address, id=id_)
    found = offered(block, declared, workspace.options.root, connect)
    file = _file(workspace, wanted, declared)
    text = _text(workspace, file, declared.address, id_, None)
    if not wanted.dry_run:
        _write(workspace.options.root / file, text)
    return Imported(
        address=declared.address,
        id=found.instance.id,
        provider=declared.provider,
        account=connect(declared.provider).account(),
        status=found.instance.status.value,
        file=file,
        text=text,
        declared=True,
    )


def _whose(
    now: Instance, address: Address, state: State, connect: Connector, *, force: bool
) -> tuple[Diagnostic, ...]:
    told = foreign(now, address, state, connect)
    if told is None:
        return ()
    if not force:
        hint = f"{told.hint}; `--force` imports it all the same"
        said = replace(told, severity=Severity.ERROR, hint=hint, exit=Exit.REFUSED)
        raise Refused((said,))
    return (told,)


def _check_same(declared: Resource, now: Instance, wanted: Wanted) -> None:
    if wanted.provider not in {None, declared.provider}:
        raise ConfigError.of(
            f"`{declared.address}` is declared at provider `{declared.provider}`, "
            f"not `{wanted.provider}`",
            hint="leave out `--provider`",
            source=declared.source,
        )
    if other := differing(declared, now):
        raise ConfigError.of(
            f"`{now.id}` is not what `{declared.address}` declares: {listed(other)} "
            + ("differs" if len(other) == 1 else "differ"),
            detail="\n".join(f"`{name}` is {flow(now.spec[name])} there" for name in other),
            hint="declare it as it is, or import another object",
            source=declared.source,
        )


def _arriving(project: Project, state: State, connect: Connector) -> Iterator[Instance]:
    """Yield what is under `import:` and not recorded yet."""
    declared = {r.address: r for r in project.resources}
    for block in project.imports:
        if block.address not in state.instances and not is_adapter(block.id):
            yield imported(block, declared[block.address], connect)


def _address(text: str) -> Address:
    address = typed(text)
    if (refusal := not_importable(address.kind)) is not None:
        summary, hint = refusal
        raise ConfigError.of(summary, hint=hint, code="bad-address")
    return address


def _check_free(workspace: Workspace, state: State, address: Address, id_: str) -> None:
    recorded = state.instances.get(address)
    if recorded is not None:
        same = recorded.id == id_
        raise ConfigError.of(
            f"`{address}` is managed already" + ("" if same else f": it is `{recorded.id}`"),
            hint="there is nothing to import"
            if same
            else f"`tunectl state rm '{address}'` forgets that one, and leaves it where it is",
            code="import-managed",
        )
    for other in state.everything:
        if other.id == id_ and other.address.kind == address.kind:
            raise ConfigError.of(
                f"`{id_}` is managed already, as `{other.address}`",
                hint=f"`moved: [{{from: {other.address}, to: {address}}}]` renames it",
                code="import-managed",
            )
    for move in workspace.project.moved:
        if address == move.after:
            raise ConfigError.of(
                f"`moved` says that `{address}` is what was `{move.before}`",
                hint="remove that entry first, if an apply has done it",
                source=move.source,
                code="import-managed",
            )
    for block in workspace.project.imports:
        if address == block.address or id_ == block.id:
            raise ConfigError.of(
                f"`{block.address}` is under `import:` already, as `{block.id}`",
                hint="`tunectl plan` shows what it takes over",
                source=block.source,
                code="import-managed",
            )


def _undeclared(workspace: Workspace, address: Address, wanted: Wanted) -> Resource:
    """Return what stands for a resource that nobody declared yet.

    Raises:
        ConfigError: it cannot be declared by us, or its provider is not known.
    """
    project = workspace.project
    same = sorted(str(r.address) for r in project.resources if r.address.kind == address.kind)
    keys = [name for name in same if name.startswith(f"{address}[")]
    if keys:
        raise ConfigError.of(f"`{address}` is several resources", hint=f"say which: {listed(keys)}")
    if address.key is not None or len(address.path) > 1:
        raise ConfigError.of(
            f"there is no `{address}`",
            hint=did_you_mean(str(address), same)
            or (
                "add its key to the `for_each`"
                if address.key
                else "declare it in its module's file"
            ),
        )
    name = wanted.provider or project.default_provider
    if name is None:
        raise ConfigError.of(
            f"`{address}` is not declared, and nothing says at which provider it is",
            hint=f"`--provider NAME`: {listed(project.providers)}",
        )
    if name not in project.providers:
        raise ConfigError.of(
            f"there is no provider `{name}`",
            hint=did_you_mean(name, project.providers, f"declared are {listed(project.providers)}"),
            code="unknown-provider",
        )
    return Resource(address=address, provider=name, spec={}, recreate=Recreate.ON_REQUEST)


def _check_provider(
    workspace: Workspace, state: State, resource: Resource, connect: Connector
) -> None:
    """Check that the provider knows the kind, and is the account that the state was made with."""
    provided = workspace.project.providers.get(resource.provider)
    kind = resource.address.kind
    provider = connect(resource.provider)
    if kind not in provider.handlers:
        raise ConfigError.of(f"provider `{resource.provider}` has no `{kind}`")
    if kind == "endpoint" and provided is not None and provided.type == "openai":
        raise ConfigError.of(
            f"at provider `{resource.provider}` an endpoint is only a record",
            hint=f"declare `{resource.address}` and apply: nothing changes at the provider",
        )
    recorded = state.providers.get(resource.provider)
    account = provider.account()
    if recorded is not None and recorded.account != account:
        raise ConfigError.of(
            f"provider `{resource.provider}` is account `{account}` now, and `{recorded.account}` "
            "in the state",
            hint="check its key and settings, or declare the other account under another name",
            code="wrong-account",
        )


def _file(workspace: Workspace, wanted: Wanted, declared: Resource | None) -> str:
    """Return the file to add to: one that the loader reads for this environment.

    Ids differ from environment to environment, so with `--env` they belong into the overlay.
    """
    env = workspace.options.env
    overlay = f"tunectl.{env}.yaml"
    if wanted.out is not None:
        name = wanted.out.as_posix()
        if name in {MAIN, overlay} or ("/" not in name and name.endswith(SUFFIX)):
            return name
        raise ConfigError.of(
            f"`{name}` would not be read",
            hint=f"name it `NAME{SUFFIX}`, in the project's folder",
        )
    if env != DEFAULT_ENV:
        return overlay
    return MAIN if declared is not None else GENERATED


def _text(
    workspace: Workspace, file: str, address: Address, id_: str, described: Described | None
) -> str:
    path = workspace.options.root / file
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError.of(f"cannot read `{file}`: {error}") from error
    entry: Mapping[str, object] = {"address": str(address), "id": id_}
    text = add_to_list(text, file, "import", entry)
    if described is None:
        return text
    return add_block(text, file, address.kind, address.name, resource_lines(described))


def _write(path: Path, text: str) -> None:
    """Replace a file in one step: a stop leaves the old one whole."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError.of(
            f"cannot write `{path.name}`: {(error.strerror or '').lower()}",
            hint="`--dry-run` prints what would be written",
        ) from error


__all__ = ["GENERATED", "Imported", "Wanted", "take"]
