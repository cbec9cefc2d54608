"""From a declaration to a plan: load, look, decide, explain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from tunectl.app.adapters import with_adapters
from tunectl.app.connecting import Connector
from tunectl.app.foreign import foreign_imports
from tunectl.app.noting import noted
from tunectl.app.options import Aim, Options
from tunectl.app.origins import Neighbours, with_origins
from tunectl.app.reviewed import remember
from tunectl.app.twins import twins
from tunectl.app.wishing import limits, wish
from tunectl.app.workspace import Workspace, locked, open_workspace, rows_name
from tunectl.config.garbage import no_collections
from tunectl.core.catching_up import caught_up, news, renamed_providers, taken_over
from tunectl.core.dataclass import dataclass
from tunectl.core.elders import made_before, sought
from tunectl.core.errors import ConfigError, Diagnostic, ProviderError, Refused, Severity, Source
from tunectl.core.guard import guards
from tunectl.core.plan import Change, Plan, RowDelta
from tunectl.core.planner import make_plan
from tunectl.core.ports import Handler
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Resource
from tunectl.core.state import Entry, Settled, State, fold
from tunectl.core.stranding import stranded
from tunectl.core.underway import marked
from tunectl.core.value import Address
from tunectl.core.wish import Wish
from tunectl.engine.refresh import accounts, observe, placed


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A plan with what it was made from.

    Attributes:
        state: as recorded, with what the declaration and the observed objects say now.
        warnings: what was noticed and stops nothing.
        accepted: what a refresh-only apply records.
    """

    plan: Plan
    state: State
    project: Project
    warnings: tuple[Diagnostic, ...] = ()
    accepted: tuple[Entry, ...] = ()


class PlanRefused(Refused):
    """A guard refuses a plan: it can be looked at, and is not carried out.

    Attributes:
        planned: what is refused.
    """

    def __init__(self, diagnostics: tuple[Diagnostic, ...], *, planned: Planned) -> None:
        """Take the reasons, and what is refused."""
        super().__init__(diagnostics)
        self.planned = planned


@no_collections()
def plan(options: Options, aim: Aim, *, bind: bool = False) -> Planned:
    """Make a plan. Reads only, but for `bind`.

    Args:
        options: which project.
        aim: which kind of plan.
        bind: the plan will be stored: where there is no state yet, store an empty one, so that a
            first plan belongs to one history and cannot be applied twice or elsewhere.

    Raises:
        ConfigError: the declaration cannot be used.
        PlanRefused: a guard refuses the plan.
        Refused: what exists cannot be looked at.
        ProviderError: a provider could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    if bind and state.serial == 0:
        with locked(workspace, "plan") as (_, fresh):
            state = workspace.ledger.save(fresh) if fresh.serial == 0 else fresh
    connect = workspace.connector(state)
    root = Path(workspace.project.root)
    try:
        planned = plan_for(workspace, state, connect, aim)
    except PlanRefused as refused:
        remember(root, refused.planned.plan)  # it is reviewed all the same, and then allowed
        raise
    remember(root, planned.plan)
    return planned


Narrow = Callable[[Plan, State], Plan]


@no_collections()
def plan_for(
    workspace: Workspace,
    state: State,
    connect: Connector,
    aim: Aim,
    narrow: Narrow | None = None,
) -> Planned:
    """Make a plan for a state that is already loaded.

    Args:
        workspace: the project.
        state: what is recorded.
        connect: the providers.
        aim: which kind of plan.
        narrow: leaves of the plan what was approved, before the guards look at it.

    Raises:
        ConfigError: an address to replace is not declared, or a provider refuses a setting.
        PlanRefused: a guard refuses the plan.
    """
    project = workspace.project
    warnings = (*project.warnings, *(() if aim.destroy else _checked(workspace, connect)))
    known = _accounts(project, state, connect, aim)  # every key in use, before anything is asked
    wanted, foreign = _wanted(workspace, state, connect, aim)
    observed = observe(state, connect) if aim.refresh else {}
    recorded, new = state, news(observed, state)
    if entries := _caught_up(project, state, new, wanted, known):
        state = fold(state, entries)
        new = news(observed, state)
    seen = renamed_providers(new, state)
    made = make_plan(wanted, state, seen, known)
    if aim.refresh and narrow is None:  # what was approved was looked for then
        wanted = _with_elders(made, wanted, state, connect, workspace)
        made = make_plan(wanted, state, seen, known) if wanted.elders else made
    made = marked(made, state, project.outputs)
    if narrow is not None:
        made = narrow(made, state)
    made = replace(
        made,
        changes=_priced(workspace, tuple(_with_rows(workspace, c) for c in made.changes)),
        noted=noted(recorded, entries, made),
    )
    planned = Planned(
        plan=made,
        state=state,
        project=project,
        warnings=(*warnings, *foreign, *_partial(aim), *_noticed(made, wanted, state)),
        accepted=taken_over(recorded, observed, wanted.chosen) if aim.refresh_only else (),
    )
    return _allowed(planned, aim)


def _allowed(planned: Planned, aim: Aim) -> Planned:
    """Return the same, where no guard refuses it."""
    made, state = planned.plan, planned.state
    if refusals := tuple(guards(made, state, limits(made, state, aim))):
        raise PlanRefused(refusals, planned=planned)
    return planned


def _wanted(
    workspace: Workspace, state: State, connect: Connector, aim: Aim
) -> tuple[Wish, tuple[Diagnostic, ...]]:
    """What is wanted of the objects that are there, here and elsewhere; what to say of those."""
    project = workspace.project
    wanted = wish(project, state, connect, aim, cache(workspace.shares.read))
    foreign = tuple(foreign_imports(project, wanted.imports, state, connect))
    wanted = with_origins(wanted, state, connect, Neighbours(workspace.options))
    return with_adapters(wanted, project, state, connect), foreign


def _with_elders(
    made: Plan, wanted: Wish, state: State, connect: Connector, workspace: Workspace
) -> Wish:
    """What is wanted, with what of a plan another history made already.

    What asks for it is imported only where something is looked for.
    """
    new = tuple(sought(made, wanted, state))
    if not new:
        return wanted
    from tunectl.app.elders import elders

    return replace(wanted, elders=elders(new, state, connect, workspace.store))


def _accounts(project: Project, state: State, connect: Connector, aim: Aim) -> Mapping[str, str]:
    named = {i.provider for i in state.everything}
    if not aim.destroy:
        named |= {r.provider for r in project.resources}
    return accounts(named, connect, _declared(project))


def _caught_up(
    project: Project,
    state: State,
    observed: Mapping[Address, Instance | None],
    wanted: Wish,
    known: Mapping[str, str],
) -> tuple[Settled, ...]:
    """The user's present word and what objects say of themselves count at once; apply stores them.

    A refresh-only apply takes in what is there, and not what is said of it.
    """
    if wanted.refresh_only:
        return caught_up(state, (), observed)
    renewed = dict.fromkeys(wanted.renew, wanted.now)
    return caught_up(state, project.resources, observed, known, renewed)


def _noticed(made: Plan, wanted: Wish, state: State) -> Iterable[Diagnostic]:
    yield from made_before(made, wanted, state)
    yield from twins(made, state)
    yield from stranded(made)


def _partial(aim: Aim) -> tuple[Diagnostic, ...]:
    if not aim.target and not aim.exclude:
        return ()
    return (
        Diagnostic(
            summary="this plan is partial: `--target` and `--exclude` leave resources out",
            hint="for exceptional cases only; run `tunectl plan` without them afterwards",
            code="partial-plan",
            severity=Severity.WARNING,
        ),
    )


def _checked(workspace: Workspace, connect: Connector) -> tuple[Diagnostic, ...]:
    """Ask every handler what its provider would refuse.

    What can be told without asking a service is told although a service cannot be asked.
    """
    found: list[Diagnostic] = []
    unasked: dict[str, ProviderError] = {}
    known: dict[tuple[str, str], Handler | None] = {}
    for resource in workspace.project.resources:
        sort = resource.provider, resource.address.kind
        if sort not in known:
            known[sort] = connect(resource.provider).handlers.get(resource.address.kind)
        handler = known[sort]
        if handler is None:
            found.append(_unsupported(resource, connect(resource.provider).handlers))
            continue
        try:
            found += handler.check(resource)
        except ProviderError as error:
            unasked.setdefault(resource.provider, error)
    # Files of one dataset come from one line, and what is wrong there is told once.
    told = {(d.severity, d.summary, d.source or d.address): d for d in reversed(found)}
    once = tuple(reversed(told.values()))
    if once:
        from tunectl.config.field_source import at_fields  # reads YAML, which a plan need not

        where = {f"providers.{n}": at for n, at in _declared(workspace.project).items()}
        once = tuple(replace(d, source=d.source or where.get(d.address)) for d in once)
        once = at_fields(workspace.options.root, once, workspace.options.env)
    if errors := tuple(d for d in once if d.severity.value == "error"):
        raise ConfigError(errors)
    for name, failed in unasked.items():
        raise placed(failed, _declared(workspace.project).get(name))
    return once


def _unsupported(resource: Resource, handlers: Iterable[str]) -> Diagnostic:
    return Diagnostic(
        summary=f"provider `{resource.provider}` cannot manage a `{resource.address.kind}`",
        hint=_able(handlers),
        code="unsupported-kind",
        address=str(resource.address),
        source=resource.source,
    )


def _declared(project: Project) -> Mapping[str, Source | None]:
    """Where each provider is declared."""
    return {name: provided.source for name, provided in project.providers.items()}


def _able(kinds: Iterable[str]) -> str:
    names = ", ".join(f"`{kind}`" for kind in sorted(kinds))
    return f"it manages {names}" if names else "it manages nothing in this version"


def _priced(workspace: Workspace, changes: tuple[Change, ...]) -> tuple[Change, ...]:
    if any(c.address.kind == "prompt_template" and c.after for c in changes):
        from tunectl.app.prompt_deltas import with_prompts

        changes = with_prompts(workspace, changes)
    if any(change.address.kind == "knowledge_base" for change in changes):
        from tunectl.app.keeping import with_keeping

        changes = tuple(with_keeping(workspace.project, change) for change in changes)
    if any(c.address.kind == "endpoint" and c.after for c in changes):
        from tunectl.app.renting import with_rent

        changes = tuple(with_rent(workspace.project, change) for change in changes)
    if any(change.address.kind == "memory" and change.doomed for change in changes):
        from tunectl.app.staying import with_what_stays

        changes = tuple(with_what_stays(workspace.project, change) for change in changes)
    if not any(change.address.kind == "tuning_job" for change in changes):
        return changes
    from tunectl.app.costing import with_estimates  # what reads datasets and counts their tokens

    return with_estimates(workspace, changes)


def _with_rows(workspace: Workspace, change: Change) -> Change:
    """Say which rows of a dataset changed."""
    if change.before is None or change.after is None:
        return change  # before the dataset is asked for: it may have to be read for that
    dataset = workspace.datasets.get(change.address)
    if dataset is None:
        return change
    blob = workspace.store.read(rows_name(str(change.before.spec.get("rows", ""))))
    if blob is None:
        return change
    from tunectl.data.diff import marks_from_bytes, row_diff

    rows: tuple[RowDelta, ...] = row_diff(marks_from_bytes(blob.content), dataset.marks)
    return replace(change, rows=rows)
