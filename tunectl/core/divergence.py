"""What is not as recorded: the state against what is there. The declaration has no say in it.

Laws: an edit that was never applied is no drift; what may go without costing anything (a file that
no running job needs) is no drift; a job that ended as jobs do is no drift.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from enum import Enum

from tunectl.core.dataclass import dataclass
from tunectl.core.diff import Delta, deltas
from tunectl.core.errors import Diagnostic, Exit, strongest
from tunectl.core.ignoring import covers
from tunectl.core.resource import BUILTIN, Instance, Need, Recreate, Status
from tunectl.core.state import Intent
from tunectl.core.value import Address

Seen = tuple[Instance, Instance | None]
"""An object as recorded, and as it is now; None is gone."""


class Divergence(Enum):
    """How an object differs from its record. The value is its stable name in JSON."""

    CHANGED = "changed_remotely"
    DELETED = "deleted_remotely"
    MISSING = "missing_locally"
    STATUS = "status_moved"
    FINISHED = "finished_since"
    RELEASED = "released"

    @property
    def is_drift(self) -> bool:
        """Whether it counts: what finished or was released only has to be recorded."""
        return self in _DRIFT


_DRIFT = frozenset({Divergence.CHANGED, Divergence.DELETED, Divergence.MISSING, Divergence.STATUS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverged:
    """One object that is not as recorded.

    Attributes:
        recorded: the object as the state has it.
        now: as it is; None where it is gone.
        deltas: the settings that differ.
        superseded: it was replaced already, and is kept or about to be deleted.
    """

    kind: Divergence
    recorded: Instance
    now: Instance | None = None
    deltas: tuple[Delta, ...] = ()
    superseded: bool = False

    @property
    def address(self) -> Address:
        """Where it stands."""
        return self.recorded.address


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a look at everything recorded found.

    Attributes:
        stored: whether there is a record to compare with.
        checked: how many objects were looked at.
        ignored: how many of those that differ were not to be told of.
        open: steps that an interrupted apply left, which the next one settles.
        vanished: providers of which nothing that is recorded exists any more.
        unseen: how many objects could not be looked at.
        problems: why not.
    """

    project: str
    env: str
    lineage: str
    serial: int
    stored: bool = True
    checked: int = 0
    found: tuple[Diverged, ...] = ()
    ignored: int = 0
    open: tuple[Intent, ...] = ()
    vanished: tuple[str, ...] = ()
    unseen: int = 0
    problems: tuple[Diagnostic, ...] = ()

    @property
    def drift(self) -> tuple[Diverged, ...]:
        """What counts as drift."""
        return tuple(d for d in self.found if d.kind.is_drift)

    @property
    def exit(self) -> Exit:
        """The process's exit code: an error is stronger than drift."""
        codes = [d.exit for d in self.problems]
        return strongest([*codes, Exit.CHANGES if self.drift else Exit.DONE])

    def of(self, kind: Divergence) -> tuple[Diverged, ...]:
        """What diverged in one way."""
        return tuple(d for d in self.found if d.kind is kind)


def diverged(seen: Iterable[Seen], superseded: Collection[Need] = ()) -> tuple[Diverged, ...]:
    """Return every object that is not as recorded, in the order given.

    Args:
        seen: objects as recorded and as they are.
        superseded: which of them were replaced already.
    """
    pairs = tuple(seen)
    busy = _used_by_the_running(pairs)
    found = (_one(recorded, now, recorded.key in superseded, busy) for recorded, now in pairs)
    return tuple(one for one in found if one is not None)


def _used_by_the_running(pairs: Sequence[Seen]) -> frozenset[Need]:
    """The objects that something still in the making was made from."""
    return frozenset(
        need
        for recorded, now in pairs
        if recorded.status is Status.PENDING and now is not None and not now.status.settled
        for need in recorded.needs
    )


def _one(
    recorded: Instance, now: Instance | None, superseded: bool, busy: Collection[Need]
) -> Diverged | None:
    if now is None:
        free = recorded.recreate is Recreate.ON_DEMAND and recorded.key not in busy
        kind = Divergence.MISSING if recorded.provider == BUILTIN else Divergence.DELETED
        kind = Divergence.RELEASED if free else kind
        return Diverged(kind=kind, recorded=recorded, superseded=superseded)
    quiet = recorded.lifecycle.ignore_changes
    changed = tuple(d for d in deltas(recorded.spec, now.spec) if not covers(quiet, d.path))
    if changed:
        kind = Divergence.CHANGED
    elif recorded.status is now.status:
        return None
    else:
        kind = Divergence.STATUS if recorded.status.settled else Divergence.FINISHED
    return Diverged(kind=kind, recorded=recorded, now=now, deltas=changed, superseded=superseded)


def vanished(seen: Iterable[Seen]) -> tuple[str, ...]:
    """Return the providers of which several objects are recorded and none exists.

    Another key is a likelier reason than somebody who deleted everything.
    """
    counts: dict[str, list[bool]] = {}
    for recorded, now in seen:
        if recorded.provider != BUILTIN:
            counts.setdefault(recorded.provider, []).append(now is None)
    return tuple(sorted(n for n, gone in counts.items() if len(gone) > 1 and all(gone)))
