"""The state as a document: pull, push, the kept generations, and sealing all of it again."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from tunectl.app.options import Options
from tunectl.app.recording import held
from tunectl.app.workspace import open_record
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, Refused, StateError
from tunectl.core.state import State
from tunectl.core.statediff import StateDiff, state_diff
from tunectl.stores.generations import Generation
from tunectl.stores.ledger import Ledger
from tunectl.stores.sealed import MAKE_ONE, VARIABLE, SealedStore, beneath
from tunectl.stores.statefile import check_places, encode_readable, read_document

# What a document too damaged to be read still may tell; it stands in its first lines.
_SERIAL = re.compile(rb'"serial":\s*([0-9]{1,15})')
_NOT_PULLED = (
    "push a file as `tunectl state pull` or the history gave it, whole and unaltered; the present "
    "state is as it was"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One line of the history.

    Attributes:
        id: what names it; `now` for the present state.
        replaced: when a newer one took its place; None for the present state.
        resources: how many objects are recorded.
        change: what is different from the one before; None for the oldest.
        problem: why it cannot be read; empty when it can.
    """

    id: str
    replaced: datetime | None = None
    serial: int = 0
    tool_version: str = ""
    resources: int = 0
    change: StateDiff | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overwritten:
    """A state that takes the place of another.

    Attributes:
        change: what is different, seen from the state that was there; None where that is
            unreadable or missing.
        written: whether it was stored.
    """

    state: State
    change: StateDiff | None
    written: bool


def pull(options: Options) -> bytes:
    """Return the document of the present state, journal folded in, readable and whole.

    Raises:
        StateError: it cannot be read, or there is none yet.
    """
    _, ledger = open_record(options)
    recorded = ledger.load()
    if ledger.document is None:
        raise StateError.of(
            f"there is no state of environment `{options.env}` yet",
            hint="the first `tunectl apply` makes one",
            code="no-state",
        )
    return encode_readable(recorded, ledger.tool_version)


def push(options: Options, content: bytes, name: str, *, force: bool = False) -> Overwritten:
    """Put a pulled state in the place of the present one, which is kept in the history.

    Args:
        options: which project.
        content: the document.
        name: what the user calls it, for messages.
        force: also when it belongs to another history or is older; and when the present one is
            unreadable.

    Raises:
        StateError: it is damaged, altered, newer than this version, or another project's, or has
            one object at two addresses.
        Refused: another lineage or an older serial, without `force`.
        LockError: an apply is under way.
    """
    pushed = read_document(content, name, _NOT_PULLED).state
    check_places(pushed, name)
    with held(options, "state push") as ledger:
        ledger.check_owner(pushed, name)
        present = _present(ledger, force=force)
        if present is None:
            pushed = replace(pushed, serial=highest_serial(ledger, pushed))
            return Overwritten(state=ledger.overwrite(pushed), change=None, written=True)
        if present == pushed:
            return Overwritten(state=present, change=StateDiff(), written=False)
        if not force:
            _check_push(present, pushed, name)
        change = state_diff(present, pushed)
        serial = max(present.serial, pushed.serial)
        saved = ledger.overwrite(replace(pushed, serial=serial))
        return Overwritten(state=saved, change=change, written=True)


def _present(ledger: Ledger, *, force: bool) -> State | None:
    """The state as it is; None where there is none, or where it is unreadable and that is fine."""
    try:
        recorded = ledger.load()
    except StateError as error:
        if not force and not _only_missing(ledger, error):
            raise
        return None
    return recorded if ledger.document is not None else None


def _only_missing(ledger: Ledger, error: StateError) -> bool:
    """Whether nothing is there that a pushed state would take the place of."""
    missing = any(d.code == "state-missing" for d in error.diagnostics)
    return missing and not any(True for _ in ledger.store.entries(ledger.journal_name))


def _check_push(present: State, pushed: State, name: str) -> None:
    if present.lineage != pushed.lineage:
        raise Refused.of(
            f"`{name}` belongs to another history: its lineage is `{pushed.lineage}`, that of the "
            f"present state `{present.lineage}`",
            hint="check `-C`, `--env` and `state:`; `--force` puts it there all the same",
            code="other-lineage",
        )
    if pushed.serial < present.serial:
        raise Refused.of(
            f"`{name}` is older than the present state: serial {pushed.serial}, and the present "
            f"one is {present.serial}",
            hint="what was made since would be forgotten; `--force` puts it there all the same",
            code="older-serial",
        )
    if pushed.serial == present.serial:
        raise Refused.of(
            f"`{name}` and the present state both have serial {present.serial}, and differ",
            hint="what was made since it was pulled would be forgotten; `--force` puts it there "
            "all the same",
            code="older-serial",
        )


def history(options: Options) -> list[Kept]:
    """Return the present state and the kept generations, newest first.

    Raises:
        StateError: the store cannot list.
    """
    _, ledger = open_record(options)
    states: list[tuple[Kept, State | None]] = []
    try:
        recorded = ledger.load()
        if ledger.document is not None:
            version = ledger.document.tool_version
            states.append((_line("now", None, recorded, version), recorded))
    except StateError as error:
        states.append((Kept(id="now", problem=str(error)), None))
    for generation in ledger.history():
        try:
            found = generation.read(ledger.store)
        except StateError as error:
            kept = Kept(id=generation.id, replaced=generation.replaced, problem=str(error))
            states.append((kept, None))
        else:
            line = _line(generation.id, generation.replaced, found.state, found.tool_version)
            states.append((line, found.state))
    return [
        replace(kept, change=_since(states, index)) if state is not None else kept
        for index, (kept, state) in enumerate(states)
    ]


def _line(id_: str, replaced: datetime | None, state: State, version: str) -> Kept:
    return Kept(
        id=id_,
        replaced=replaced,
        serial=state.serial,
        tool_version=version,
        resources=len(state.instances),
    )


def _since(states: Sequence[tuple[Kept, State | None]], index: int) -> StateDiff | None:
    """What is different from the next older one that can be read."""
    this = states[index][1]
    older = next((state for _, state in states[index + 1 :] if state is not None), None)
    return state_diff(older, this) if older is not None and this is not None else None


def generation(ledger: Ledger, text: str) -> Generation:
    """Return the kept generation of an id, or of a serial that only one has.

    Raises:
        ConfigError: there is none, or several.
    """
    every = ledger.history()
    found = [g for g in every if g.id == text]
    if not found and text.isdigit():
        found = [g for g in every if _serial(ledger, g) == int(text)]
    if len(found) != 1:
        what = "several generations" if found else "no generation"
        raise ConfigError.of(
            f"there {'are' if found else 'is'} {what} `{text}`",
            hint="`tunectl state history` lists them; name one by its id",
            code="unknown-generation",
        )
    return found[0]


def _serial(ledger: Ledger, kept: Generation) -> int | None:
    try:
        return kept.read(ledger.store).state.serial
    except StateError:
        return None


def restore(options: Options, text: str, *, write: bool = False) -> Overwritten:
    """Put a kept generation in the place of the present state, under a serial above all others.

    Args:
        options: which project.
        text: the generation's id or serial.
        write: without it nothing is stored.

    Raises:
        ConfigError: there is no such generation.
        StateError: it cannot be read, or is another project's.
        Refused: it belongs to another history than the present state.
        LockError: an apply is under way.
    """
    with held(options, "state repair") as ledger:
        chosen = generation(ledger, text)
        old = chosen.read(ledger.store).state
        ledger.check_owner(old, chosen.name)
        present = _present(ledger, force=True)
        if present is not None and present.lineage != old.lineage:
            raise Refused.of(
                f"`{chosen.name}` belongs to another history: its lineage is `{old.lineage}`, that "
                f"of the present state `{present.lineage}`",
                hint="pull it from a copy and push it with `--force` if that is meant",
                code="other-lineage",
            )
        change = state_diff(present, old) if present is not None else None
        if not write:
            return Overwritten(state=old, change=change, written=False)
        saved = ledger.overwrite(replace(old, serial=highest_serial(ledger, present, old)))
        return Overwritten(state=saved, change=change, written=True)


def highest_serial(ledger: Ledger, *states: State | None) -> int:
    """Return the highest serial that anything may have had, so that none is ever given twice.

    A snapshot that cannot be read may follow the newest that can.
    """
    known = [state.serial for state in states if state is not None]
    known += [serial for serial, _ in ledger.salvage()]
    damaged = beneath(ledger.store).read(ledger.snapshot_name)
    if damaged is not None and (told := _SERIAL.search(damaged.content)):
        known.append(int(told[1]))
    with contextlib.suppress(StateError):  # a store of one document has no history to list
        known += [serial for g in ledger.history() if (serial := _serial(ledger, g)) is not None]
    return max(known, default=0) + 1


def reseal(options: Options, *, unseal: bool = False) -> int:
    """Write everything of this environment again as the current key leaves it; return how much.

    For the day on which a key is set or changed: what was written before stays as it was until it
    is written next, and old generations never are.

    Args:
        options: which project.
        unseal: leave nothing sealed, for the day on which the key is given up.

    Raises:
        ConfigError: no key is given.
        StateError: something is sealed, and no key given opens it.
        LockError: an apply is under way.
    """
    with held(options, "state seal") as ledger:
        store = ledger.store
        assert isinstance(store, SealedStore), "every project's store is wrapped"
        if store.keys.current is None:
            raise ConfigError.of(f"no key is given: `{VARIABLE}` is not set", hint=MAKE_ONE)
        if unseal:
            store = SealedStore(store.inner, store.keys.only_opening)
            ledger.store = store
        recorded = ledger.load()
        count = 0
        if ledger.document is not None:
            ledger.save(recorded)
            count += 1
        shared = [name for name in store.list("shared/") if "history/" not in name]
        count += sum([store.reseal(name) for name in shared])
        kept = (f"history/{name}." for name in (ledger.snapshot_name, ledger.journal_name))
        for prefix in (*kept, "history/shared/", "shared/history/", "rows/"):
            count += sum([store.reseal(name, spare=True) for name in list(store.list(prefix))])
    return count
