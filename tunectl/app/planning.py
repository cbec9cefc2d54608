"""From a declaration to a plan: load, look, decide, explain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tunectl.app.connecting import Connector
from tunectl.app.options import Aim, Options
from tunectl.app.workspace import Workspace, locked, open_workspace, rows_name
from tunectl.core.errors import ConfigError, Diagnostic, Refused
from tunectl.core.guard import guards
from tunectl.core.plan import Change, Plan, RowDelta
from tunectl.core.planner import Wish, make_plan
from tunectl.core.project import Project
from tunectl.core.state import State, caught_up, fold
from tunectl.core.value import Address
from tunectl.data.diff import marks_from_bytes, row_diff
from tunectl.engine.refresh import accounts, observe


@dataclass(frozen=True, kw_only=True)
class Planned:
    """A plan with what it was made from.

    Attributes:
        state: as recorded, with what the declaration and the observed objects say now.
        warnings: what was noticed and stops nothing.
    """

    plan: Plan
    state: State
    project: Project
    warnings: tuple[Diagnostic, ...] = ()


def plan(options: Options, aim: Aim, *, bind: bool = False) -> Planned:
    """Make a plan. Reads only, but for `bind`.

    Args:
        options: which project.
        aim: which kind of plan.
        bind: the plan will be stored: where there is no state yet, store an empty one, so that a
            first plan belongs to one history and cannot be applied twice or elsewhere.

    Raises:
        ConfigError: the declaration cannot be used.
        Refused: a guard refuses the plan.
        ProviderError: a provider could not be asked.
    """
    workspace = open_workspace(options)
    state = workspace.ledger.load()
    if bind and state.serial == 0:
        with locked(workspace, "plan") as (_, fresh):
            state = workspace.ledger.save(fresh) if fresh.serial == 0 else fresh
    connect = workspace.connector(state)
    return plan_for(workspace, state, connect, aim)


def plan_for(workspace: Workspace, state: State, connect: Connector, aim: Aim) -> Planned:
    """Make a plan for a state that is already loaded.

    Raises:
        ConfigError: an address to replace is not declared, or a provider refuses a setting.
        Refused: a guard refuses the plan.
    """
    project = workspace.project
    warnings = () if aim.destroy else _checked(project, connect)
    wish = Wish(
        resources=project.resources,
        outputs=project.outputs,
        moved=project.moved,
        removed=project.removed,
        replace=_replaced(project, aim.replace),
        destroy=aim.destroy,
    )
    observed = observe(state, connect) if aim.refresh else {}
    # The user's present word (`protect`, labels) and what objects say of themselves count at once;
    # an apply stores them, even one that changes nothing.
    state = fold(state, caught_up(state, project.resources, observed))
    named = {i.provider for i in state.everything}
    if not aim.destroy:
        named |= {r.provider for r in project.resources}
    made = make_plan(wish, state, observed, accounts(named, connect))
    made = replace(made, changes=tuple(_with_rows(workspace, c) for c in made.changes))
    refusals = tuple(guards(made, state))
    if refusals:
        raise Refused(refusals)
    return Planned(plan=made, state=state, project=project, warnings=(*project.warnings, *warnings))


def _checked(project: Project, connect: Connector) -> tuple[Diagnostic, ...]:
    """Ask every handler, offline, what its provider would refuse."""
    found: list[Diagnostic] = []
    for resource in project.resources:
        handlers = connect(resource.provider).handlers
        handler = handlers.get(resource.address.kind)
        if handler is None:
            found.append(
                Diagnostic(
                    summary=f"provider `{resource.provider}` cannot manage a "
                    f"`{resource.address.kind}`",
                    hint=_able(handlers),
                    code="unsupported-kind",
                    address=str(resource.address),
                    source=resource.source,
                )
            )
        else:
            found.extend(handler.check(resource))
    errors = tuple(d for d in found if d.severity.value == "error")
    if errors:
        raise ConfigError(errors)
    return tuple(found)


def _able(kinds: Iterable[str]) -> str:
    names = ", ".join(f"`{kind}`" for kind in sorted(kinds))
    return f"it manages {names}" if names else "it manages nothing in this version"


def addresses(texts: Iterable[str]) -> frozenset[Address]:
    """Read addresses as a user types them.

    Raises:
        ConfigError: one is malformed.
    """
    try:
        return frozenset(Address.parse(text) for text in texts)
    except ValueError as error:
        raise ConfigError.of(str(error)) from error


def _replaced(project: Project, texts: Sequence[str]) -> frozenset[Address]:
    found = addresses(texts)
    for address in sorted(found - {r.address for r in project.resources}):
        raise ConfigError.of(
            f"`--replace {address}`: there is no such resource",
            hint="`tunectl state list` shows the addresses",
        )
    return found


def _with_rows(workspace: Workspace, change: Change) -> Change:
    """Say which rows of a dataset changed."""
    dataset = workspace.datasets.get(change.address)
    if dataset is None or change.before is None or change.after is None:
        return change
    blob = workspace.store.read(rows_name(str(change.before.spec.get("rows", ""))))
    if blob is None:
        return change
    rows: tuple[RowDelta, ...] = row_diff(marks_from_bytes(blob.content), dataset.marks)
    return replace(change, rows=rows)
