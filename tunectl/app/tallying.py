"""Counting what an apply did, over all its rounds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import field, replace

from tunectl.core.dataclass import dataclass
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Action, Plan
from tunectl.core.steps import Verb
from tunectl.core.value import Address, in_order

_COUNTED = {
    Action.CREATE: Verb.CREATE,
    Action.REPLACE: Verb.CREATE,
    Action.RECREATE: Verb.CREATE,
    Action.UPDATE: Verb.UPDATE,
    Action.ADOPT: Verb.ADOPT,
}
_WAITED = frozenset({Phase.PROGRESS, Phase.COMPLETE, Phase.ERRORED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What an apply was about, by how it ended; each address stands in one place, sorted.

    Attributes:
        running: it is still being made.
        unbegun: something it needs did not succeed, or the apply was stopped before.
    """

    done: tuple[Address, ...] = ()
    failed: tuple[Address, ...] = ()
    running: tuple[Address, ...] = ()
    unbegun: tuple[Address, ...] = ()


@dataclass(slots=True)
class Tally:
    """Counts what completed; what only was waited for counts nowhere.

    Attributes:
        remains: records that stay at a provider and bill nothing, one sentence each.
        begun: where something was begun, in any round.
        failed: where something failed, in any round.
    """

    remains: list[str] = field(default_factory=list)
    begun: set[Address] = field(default_factory=set)
    failed: set[Address] = field(default_factory=set)
    _completed: set[Address] = field(default_factory=set)
    _actions: dict[Address, Action] = field(default_factory=dict)
    _done: dict[Verb, int] = field(default_factory=dict)
    _skipped: list[Event] = field(default_factory=list)
    _succeeded: set[str] = field(default_factory=set)

    def succeeded(self, steps: Iterable[str]) -> None:
        """Remember the ids of steps that succeeded; a finished wait is one of them."""
        self._succeeded.update(steps)

    def expect(self, plan: Plan) -> None:
        """Remember what each wait will have been for; the first plan has the word."""
        for change in plan.changes:
            if change.action in _COUNTED:
                self._actions.setdefault(change.address, change.action)

    def named(self, event: Event) -> Event:
        """Return an event of what is changed in place and waited for as one of that change."""
        waited = event.verb is Verb.WAIT and event.phase in _WAITED
        if not waited or self._actions.get(event.address) is not Action.UPDATE:
            return event
        return replace(event, verb=Verb.UPDATE)

    def count(self, event: Event) -> None:
        """Count an event."""
        if event.phase is Phase.REMAINS:
            self.remains.append(event.message)
        elif event.phase is Phase.SKIPPED:
            self._skipped.append(event)
        elif event.phase is Phase.ERRORED:
            self.failed.add(event.address)
        elif event.phase is Phase.COMPLETE:
            self._completed.add(event.address)
            verb = event.verb
            if verb is Verb.WAIT and event.address in self._actions:
                verb = _COUNTED[self._actions[event.address]]
            self._done[verb] = self._done.get(verb, 0) + 1

    @property
    def any_done(self) -> bool:
        """Whether anything at all succeeded."""
        return bool(self._succeeded)

    def elsewhere(self, still: Collection[Address]) -> None:
        """Forget what was skipped and another command has done since.

        Args:
            still: the addresses at which a plan of the whole declaration still has something to do.
        """
        self._skipped[:] = [e for e in self._skipped if e.address in still]

    def done(self, verb: Verb) -> int:
        """Return how many of a kind completed."""
        return self._done.get(verb, 0)

    def ended(self, running: Iterable[Address]) -> Ended:
        """Return how each address ended, each once: a failure weighs more than what succeeded."""
        running = set(running) - self.failed
        unbegun = {e.address for e in self.skipped()} - self.failed - running
        return Ended(
            done=tuple(in_order(self._completed - self.failed - running - unbegun)),
            failed=tuple(in_order(self.failed)),
            running=tuple(in_order(running)),
            unbegun=tuple(in_order(unbegun)),
        )

    def skipped(self) -> Iterator[Event]:
        """Yield the events of what no round began, each once."""
        told: set[tuple[Address, Verb]] = set()
        for event in self._skipped:
            if event.address not in self.begun and (event.address, event.verb) not in told:
                told.add((event.address, event.verb))
                yield event
