"""`state repair`: make a lost or unreadable state anew, from marks and what is still known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from tunectl.app.documents import highest_serial
from tunectl.app.options import Options
from tunectl.app.workspace import Workspace, open_workspace
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, Refused, StateError
from tunectl.core.places import Place, place_of, told_apart
from tunectl.core.state import Account, Adopted, Entry, Made, State, fold
from tunectl.core.value import Address
from tunectl.engine.rebuild import Rebuilt, rebuild, survey

# What is whole, but not for us to read: repairing it would throw it away.
_WHOLE = {"state-sealed", "state-wrong-key", "state-newer", "state-foreign", "state-older"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Repaired:
    """What a repair found.

    Attributes:
        problem: why the state cannot be read; empty when it can, and nothing was looked for.
        source: the older record it builds on, as the history names it; empty when there is none.
        entries: how many journal entries were still readable.
        blind: (provider, kind) pairs that cannot be looked up by marks.
        other_lineages: what else carries the project's marks, with how many objects.
        written: whether the state was stored.
    """

    problem: str = ""
    rebuilt: Rebuilt | None = None
    source: str = ""
    entries: int = 0
    blind: tuple[tuple[str, str], ...] = ()
    other_lineages: Mapping[str, int] = field(default_factory=dict)
    written: bool = False
    serial: int = 0


@dataclass(frozen=True, slots=True)
class _Known:
    """What is still known.

    Attributes:
        state: the best older record: the newest generation that can be read, and the journal
            over it.
        older: every generation of that history that can be read, newest first.
    """

    state: State | None = None
    source: str = ""
    entries: tuple[Entry, ...] = ()
    older: tuple[State, ...] = ()


def repair(
    options: Options, *, lineage: str = "", write: bool = False, force: bool = False
) -> Repaired:
    """Rebuild the state from the marks that this project's objects carry at their providers.

    Args:
        options: which project.
        lineage: which history to look for, where the marks name several.
        write: without it nothing is stored.
        force: also when the state is readable, or is whole and sealed, newer or another's.

    Raises:
        ConfigError: the declaration cannot be used.
        StateError: the state is whole, but cannot be read here.
        Refused: the marks name several histories, or there is nothing to store.
        ProviderError: a provider could not be asked.
        LockError: an apply is under way.
    """
    workspace = open_workspace(options)
    with workspace.lock("state repair"):
        problem = _problem(workspace, force=force)
        if not problem:
            return Repaired()
        return _repaired(workspace, problem, lineage, write=write)


def _problem(workspace: Workspace, *, force: bool) -> str:
    try:
        workspace.ledger.load()
    except StateError as error:
        if not force and any(d.code in _WHOLE for d in error.diagnostics):
            raise
        return str(error)
    if workspace.ledger.document is None:
        return f"there is no state `{workspace.ledger.snapshot_name}`"
    return "it can be read, and is rebuilt all the same" if force else ""


def _repaired(workspace: Workspace, problem: str, lineage: str, *, write: bool) -> Repaired:
    project, ledger = workspace.project, workspace.ledger
    known = _known(workspace, lineage)
    declared = {r.provider for r in project.resources} | set(project.providers)
    recorded = {i.provider for i in known.state.everything} if known.state else set[str]()
    empty = State(lineage="", project=project.name, env=project.env)
    connect = workspace.connector(known.state or empty)
    seen = survey(connect, declared | recorded)
    lineages = seen.lineages(project.name, project.env)
    chosen = _chosen(lineages, lineage, known.state)
    base = known.state or replace(empty, lineage=chosen)
    if base.lineage != chosen:
        known, base = _Known(), replace(empty, lineage=chosen)
    base = told_apart(base, _told(known.entries), {r.address for r in project.resources})
    made = rebuild(seen, base, project, known.older)
    accounts = connect.recorded({i.provider for i in made.state.everything})
    made.state = replace(made.state, providers=_accounts(made, base, accounts))
    report = Repaired(
        problem=problem,
        rebuilt=made,
        source=known.source,
        entries=len(known.entries),
        blind=seen.blind,
        other_lineages={k: n for k, n in lineages.items() if k != chosen},
    )
    if not write:
        return report
    if made.empty:
        raise Refused.of(
            "nothing was found to rebuild the state from",
            hint="check the providers' keys and accounts; where really nothing exists, move the "
            "state aside by hand, and apply makes everything",
            code="nothing-found",
        )
    serial = highest_serial(ledger, made.state)
    saved = ledger.overwrite(replace(made.state, serial=serial))
    return replace(report, written=True, serial=saved.serial)


def _accounts(made: Rebuilt, base: State, now: Mapping[str, Account]) -> dict[str, Account]:
    """What was recorded of a provider stays for objects that were recorded with it."""
    adopted = {made.state.instances[a].provider for a in made.adopted}
    kept = {name: account for name, account in base.providers.items() if name not in adopted}
    return {**now, **kept}


def _known(workspace: Workspace, lineage: str) -> _Known:
    ledger = workspace.ledger
    states: list[State] = []
    source = ""
    try:
        generations = ledger.history()
    except StateError:
        generations = []  # a store of one document has no history to list
    for generation in generations:
        try:
            found = generation.read(ledger.store).state
            ledger.check_owner(found, generation.name)
        except StateError:
            continue
        if found.lineage == (states[0].lineage if states else lineage or found.lineage):
            source = source or generation.id
            states.append(found)
    if not states:
        return _Known()
    newest = states[0]
    entries = tuple(entry for serial, entry in ledger.salvage() if serial >= newest.serial)
    return _Known(fold(newest, entries), source, entries, tuple(states))


def _told(entries: Iterable[Entry]) -> dict[Place, Address]:
    """Return the addresses at which entries put objects; the later one counts."""
    return {
        place_of(entry.instance): entry.instance.address
        for entry in entries
        if isinstance(entry, Made | Adopted)
    }


def _chosen(lineages: Mapping[str, int], asked: str, known: State | None) -> str:
    """Return the history to rebuild.

    Raises:
        ConfigError: the one asked for is nowhere.
        Refused: there are several, or none.
    """
    every = dict(lineages) | ({known.lineage: 0} if known and known.lineage not in lineages else {})
    listed = "\n".join(f"{name}: {count} marked" for name, count in sorted(every.items()))
    if asked:
        if asked not in every:
            raise ConfigError.of(
                f"nothing belongs to lineage `{asked}`", detail=listed, code="unknown-lineage"
            )
        return asked
    if known is not None:
        return known.lineage
    if len(every) > 1:
        raise Refused.of(
            f"this project's marks name {len(every)} histories",
            detail=listed,
            hint="choose one with `--lineage`",
            code="several-lineages",
        )
    if not every:
        raise Refused.of(
            "nothing was found to rebuild the state from: no object carries this project's mark",
            hint="check the providers' keys and accounts, and `--env`",
            code="nothing-found",
        )
    return next(iter(every))
