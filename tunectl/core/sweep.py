"""Whose a remote object is, and what may be done about it: the decisions behind `gc`.

Laws: what any state of the store holds is managed. What carries a mark of a lineage that the store
holds and is in no state is an orphan, and only orphans are ever deleted. What carries another mark,
or too little of one, is unclaimed: it is told of and left alone. What carries none is not ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from tunectl.core.errors import Diagnostic, Exit, Severity, strongest
from tunectl.core.ports import Found
from tunectl.core.resource import Instance, Status
from tunectl.core.state import State
from tunectl.core.value import Plain

JOB = "tuning_job"
FORGOTTEN = "forgotten on purpose (`--forgotten` includes it)"


class Standing(Enum):
    """Whose a remote object is. The value is its stable name in JSON."""

    MANAGED = "managed"
    ORPHAN = "orphan"
    UNCLAIMED = "unclaimed"
    OTHER = "other"


class Fate(Enum):
    """What is to be done with an orphan. The value is its stable name in JSON."""

    DELETE = "delete"
    CANCEL = "cancel_and_delete"
    YOUNG = "too_young"
    USED = "in_use"
    KEPT = "kept_on_purpose"
    RECORD = "record_stays"

    @property
    def ends(self) -> bool:
        """Whether the object goes."""
        return self in {Fate.DELETE, Fate.CANCEL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What the states of one store hold.

    Attributes:
        lineages: the histories of the store.
        ids: of every recorded object.
        ops: of every recorded object and open step.
        past: operations that an older state of the store knew, with their lineage. They tell whose
            an object is and hold none.
        uses: every text in a recorded object that may name another, with who names it.
        kept: ids and operations that are not to go although no state holds them, with why.
        let_go: ids of what was forgotten on purpose, where that is not to go.
    """

    lineages: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    ops: frozenset[str] = frozenset()
    past: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, str] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    let_go: frozenset[str] = frozenset()

    def keeps(self, found: Found) -> str:
        """Return every reason why an object is not to go, empty where it may."""
        id_, op = found.instance.id, found.instance.op
        whys = [FORGOTTEN] if id_ in self.let_go else []
        return ", ".join([*whys, *(self.kept[key] for key in (id_, op) if key in self.kept)])

    def holds(self, found: Found) -> bool:
        """Whether some state holds the object, or a step that may have made it is open."""
        ops = {found.instance.op, found.mark.op if found.mark else ""} - {""}
        return found.instance.id in self.ids or bool(ops & self.ops)


def claims(
    states: Iterable[State],
    past: Iterable[State] = (),
    shared: Iterable[str] = (),
    *,
    forgotten: bool = False,
) -> Claims:
    """Return what states hold.

    Args:
        states: of every environment of the store, journals folded in.
        past: older generations of the same.
        shared: ids that environments say they use, beside their states.
        forgotten: what was forgotten on purpose may go too.
    """
    now = tuple(states)
    everything = [(state, instance) for state in now for instance in state.everything]
    intents = [intent for state in now for intent in state.intents]
    lineages = frozenset(state.lineage for state in now)
    known = [*past, *now]
    return Claims(
        lineages=lineages,
        ids=frozenset({i.id for _, i in everything} | {i.id for i in intents if i.id} | {*shared}),
        ops=frozenset({i.op for _, i in everything} | {i.op for i in intents}) - {""},
        past={
            instance.op: state.lineage
            for state in known
            if state.lineage in lineages
            for instance in state.everything
            if instance.op
        },
        uses={
            text: f"{instance.address} ({state.env})"
            for state, instance in everything
            for text in _named(instance)
        },
        let_go=frozenset(f.id for state in known for f in state.forgotten if not forgotten),
        kept={
            instance.op: "`keep_on_destroy`" if life.keep_on_destroy else "`protect`"
            for state in known
            for instance in state.everything
            if instance.op and ((life := instance.lifecycle).keep_on_destroy or life.protect)
        },
    )


def _named(instance: Instance) -> Iterator[str]:
    """The texts of an object that may name another; a job that ended needs its files no more."""
    ended = instance.address.kind == JOB and instance.status.settled
    for key, value in instance.spec.items():
        if not (ended and key in {"training_file", "validation_file"}):
            yield from _texts(value)
    yield from _texts(dict(instance.outputs))
    if not ended:
        yield from (need.id for need in instance.needs)


def _texts(value: Plain) -> Iterator[str]:
    match value:
        case str():
            yield value
        case tuple():
            for item in value:
                yield from _texts(item)
        case Mapping():
            for item in value.values():
                yield from _texts(item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A remote object, and whose it is.

    Attributes:
        lineage: the one it belongs to, as far as that can be told.
    """

    found: Found
    standing: Standing
    lineage: str = ""


def judged(found: Sequence[Found], claimed: Claims) -> tuple[Judged, ...]:
    """Return whose each object of one account is.

    Args:
        found: everything the account shows, of every kind: a job tells whose the files are that
            it was made from.
        claimed: what the states hold.
    """
    users = _users(found)
    return tuple(_judged(one, claimed, users.get(one.instance.id, frozenset())) for one in found)


def _users(found: Iterable[Found]) -> dict[str, frozenset[str]]:
    """The lineages of the marked objects that were made from each id."""
    users: dict[str, frozenset[str]] = {}
    for one in found:
        if one.mark is not None:
            for need in one.instance.needs:
                users[need.id] = users.get(need.id, frozenset()) | {one.mark.lineage}
    return users


def _judged(one: Found, claimed: Claims, users: frozenset[str]) -> Judged:
    if claimed.holds(one):
        return Judged(found=one, standing=Standing.MANAGED)
    if one.mark is None and not one.instance.op:
        return Judged(found=one, standing=Standing.OTHER)
    if one.mark is not None:
        lineage = one.mark.lineage
    elif one.instance.op in claimed.past:
        lineage = claimed.past[one.instance.op]
    else:
        # Of several lineages that used it, none can be told to be its maker.
        lineage = next(iter(users)) if len(users) == 1 else ""
    ours = lineage in claimed.lineages
    return Judged(
        found=one, standing=Standing.ORPHAN if ours else Standing.UNCLAIMED, lineage=lineage
    )


def user_of(orphan: Found, others: Iterable[Found], claimed: Claims) -> str:
    """Return who still uses an object, empty for nobody.

    Used is what a recorded object names, what an alias stands for, and what a running job was
    started from.

    Args:
        orphan: the object.
        others: what the account shows now, without what is to go before it.
        claimed: what the states hold.
    """
    model = orphan.instance.outputs.get("model_id")
    names = {orphan.instance.id, *([model] if isinstance(model, str) else [])}
    for name in sorted(names):
        if name in claimed.uses:
            return claimed.uses[name]
    for other in others:
        if other.instance.id == orphan.instance.id:
            continue
        if other.instance.status is Status.PENDING and names & {
            need.id for need in other.instance.needs
        }:
            return f"running {other.instance.id}"
        if names & set(_texts(dict(other.instance.spec))):
            return str(other.instance.id)
    return ""


def spared(user: str, keep: str) -> str:
    """Return every reason but its age for which an orphan stays, empty where there is none."""
    return (keep and (f"{keep}, in use by {user}" if user else keep)) or user


def young(orphan: Found, now: datetime, grace: timedelta) -> bool:
    """Whether an apply elsewhere may be making it, or nobody tells its age."""
    made = _moment(orphan.created_at)
    return made is None or now - made < grace


def fate(orphan: Found, user: str, now: datetime, grace: timedelta, keep: str = "") -> Fate:
    """Return what is to be done with an orphan.

    Args:
        orphan: the object.
        user: who uses it, empty for nobody.
        now: UTC.
        grace: younger objects stay: an apply elsewhere may be making them. So do objects whose
            age nobody tells.
        keep: why it is kept on purpose, empty where it is not.
    """
    instance = orphan.instance
    ended = instance.status in {Status.FAILED, Status.CANCELLED}
    if instance.address.kind == JOB and ended:
        return Fate.RECORD
    if keep:
        return Fate.KEPT
    if user:
        return Fate.USED
    if young(orphan, now, grace):
        return Fate.YOUNG
    return Fate.CANCEL if instance.status is Status.PENDING else Fate.DELETE


class Outcome(Enum):
    """What became of an orphan that was to go. The value is its stable name in JSON."""

    DELETED = "deleted"
    KEPT = "kept"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An object of ours that is in no state.

    Attributes:
        why: who uses it and what else spares it, or what became of the attempt to delete it.
        young: whether its age alone would spare it.
        outcome: None where nothing was tried.
    """

    found: Found
    fate: Fate
    lineage: str = ""
    why: str = ""
    young: bool = False
    outcome: Outcome | None = None
    exit: Exit = Exit.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What a look through every account found, and what was done about it.

    Attributes:
        envs: the environments whose states were read.
        accounts: the accounts that were listed.
        managed: how many objects some state holds.
        orphans: in the order in which they may go: what stands for a thing before the thing.
        unclaimed: objects with another mark, or too little of one.
        others: how many objects without a mark there are, by kind.
        problems: what could not be read or asked.
        deleting: whether orphans were to be deleted.
        grace: younger orphans are left.
    """

    project: str
    envs: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    managed: int = 0
    orphans: tuple[Orphan, ...] = ()
    unclaimed: tuple[Judged, ...] = ()
    others: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
    deleting: bool = False
    grace: timedelta = timedelta(hours=1)

    @property
    def doomed(self) -> tuple[Orphan, ...]:
        """The orphans that are to go."""
        return tuple(orphan for orphan in self.orphans if orphan.fate.ends)

    @property
    def exit(self) -> Exit:
        """The process's exit code."""
        failed = [o for o in self.orphans if o.outcome is Outcome.FAILED]
        codes = [d.exit for d in self.problems if d.severity is Severity.ERROR]
        codes += [o.exit for o in failed if o.exit is Exit.CREDENTIALS]
        if failed:
            done = any(o.outcome is Outcome.DELETED for o in self.orphans)
            codes.append(Exit.PARTIAL if done else Exit.ERROR)
        return strongest(codes)


# What stands for a model goes first; a knowledge base, which alone tells whose its files are, last.
_ORDER = ("endpoint", JOB, "upload", "knowledge_base")


def swept(found: Sequence[Found], claimed: Claims, now: datetime, grace: timedelta) -> Swept:
    """Return whose every object is, and what is to be done with the orphans.

    Args:
        found: everything the accounts show, of every kind.
        claimed: what the states hold.
        now: UTC.
        grace: younger orphans are left.
    """
    whose = judged(found, claimed)
    mine = sorted((j for j in whose if j.standing is Standing.ORPHAN), key=_rank)
    orphans: list[Orphan] = []
    left = {id(one): one for one in found}
    for one in mine:
        near = [o for o in left.values() if o.instance.account == one.found.instance.account]
        user = user_of(one.found, near, claimed)
        keep = claimed.keeps(one.found)
        decided = fate(one.found, user, now, grace, keep)
        if decided.ends:
            del left[id(one.found)]
        orphans.append(
            Orphan(
                found=one.found,
                fate=decided,
                lineage=one.lineage,
                why=spared(user, keep) if decided in {Fate.USED, Fate.KEPT} else "",
                young=young(one.found, now, grace),
            )
        )
    others: dict[str, int] = {}
    for one in whose:
        if one.standing is Standing.OTHER:
            kind = one.found.instance.address.kind
            others[kind] = others.get(kind, 0) + 1
    return Swept(
        project="",
        managed=sum(j.standing is Standing.MANAGED for j in whose),
        orphans=tuple(orphans),
        unclaimed=tuple(j for j in whose if j.standing is Standing.UNCLAIMED),
        others=others,
        grace=grace,
    )


def _rank(one: Judged) -> tuple[int, str, str]:
    kind = one.found.instance.address.kind
    place = _ORDER.index(kind) if kind in _ORDER else 0
    return place, one.found.created_at, one.found.instance.id


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
