"""execute: the only writer to the world. Walks a plan's steps, as many at once as may be."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, LockError, TunectlError
from tunectl.core.event import Event, Phase
from tunectl.core.graph import order
from tunectl.core.plan import Plan
from tunectl.core.resource import Status
from tunectl.core.state import State
from tunectl.core.steps import Step, Verb, steps
from tunectl.core.turns import groups, in_turns
from tunectl.core.value import Address
from tunectl.engine.act import perform
from tunectl.engine.conductor import Acts, Conductor, Detached, Failed
from tunectl.engine.run import Run, Tools


@dataclass(slots=True)
class Outcome:
    """How an apply ended.

    Attributes:
        done: ids of the steps that succeeded.
        begun: what was begun, whatever became of it.
        failures: what went wrong, in the order it did.
        skipped: steps not begun because something they need did not succeed, or after a stop.
        detached: objects left running.
        failed: ids of the steps that failed.
        made: where an object was made or taken over.
    """

    done: set[str] = field(default_factory=set)
    begun: set[Address] = field(default_factory=set)
    failures: list[Diagnostic] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    detached: list[Step] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    made: set[Address] = field(default_factory=set)
    fatal: TunectlError | None = None

    @property
    def complete(self) -> bool:
        """Whether every step was done."""
        return not (self.failures or self.skipped or self.detached or self.fatal)

    def left(self) -> Mapping[Address, tuple[Address, ...]]:
        """Return what goes on when running objects are done, with those each waits for.

        What waits for a failure is not among it, nor what a stop kept from beginning.
        """
        roots = {step.id: frozenset({step.address}) for step in self.detached}
        skipped = {step.id: step for step in self.skipped}
        for first in _by_need(skipped):
            behind = [roots[a] for a in first.after if a in roots]
            lost = any(a in self.failed or (a in skipped and a not in roots) for a in first.after)
            if behind and not lost:
                roots[first.id] = frozenset[Address]().union(*behind)
        found: dict[Address, set[Address]] = {}
        for step in (*self.detached, *self.skipped):
            if step.id in roots:
                found.setdefault(step.address, set()).update(roots[step.id])
        return {address: tuple(sorted(waits)) for address, waits in found.items()}


def _by_need(steps_: Mapping[str, Step]) -> Iterator[Step]:
    """What comes first, first."""
    for id_ in order({id_: step.after & steps_.keys() for id_, step in steps_.items()}):
        yield steps_[id_]


class _Queue:
    """Steps whose turn has come: all they wait for succeeded, in the order of the plan.

    Whatever begins something goes before a mere wait, which may take hours. What a step waits for
    and is not in the plan any more counts as done. Each edge of the graph is looked at once.
    """

    def __init__(self, todo: Iterable[Step]) -> None:
        self._steps = tuple(sorted(todo, key=lambda step: step.verb is Verb.WAIT))
        place = {step.id: number for number, step in enumerate(self._steps)}
        self._users: dict[str, list[int]] = {}
        self._waits = [0] * len(self._steps)
        for number, step in enumerate(self._steps):
            for first in step.after & place.keys():
                self._users.setdefault(first, []).append(number)
                self._waits[number] += 1
        self.ready = [number for number, left in enumerate(self._waits) if not left]

    @property
    def next_waits(self) -> bool:
        """Whether the next step is a mere wait."""
        return self._steps[self.ready[0]].verb is Verb.WAIT

    def take(self) -> Step:
        """Return the next step whose turn has come."""
        return self._steps[heapq.heappop(self.ready)]

    def done(self, step: Step, at_once: Callable[[Step], bool]) -> None:
        """Say that a step succeeded.

        Args:
            step: which.
            at_once: called with each step whose turn has come by that; whether it is done already,
                as the wait for what is ready. Such a one is never in the queue.
        """
        done = [step]
        while done:
            for number in self._users.pop(done.pop().id, ()):
                self._waits[number] -= 1
                if self._waits[number]:
                    continue
                if at_once(self._steps[number]):
                    done.append(self._steps[number])
                else:
                    heapq.heappush(self.ready, number)


def _in_turns(every: tuple[Step, ...], tools: Tools) -> tuple[Step, ...]:
    """Let wait what a provider makes only so many of at once."""
    limits: dict[tuple[str, str], int] = {}
    for provider, kind in groups(every):
        handler = tools.connect(provider).handlers.get(kind)
        at_once = getattr(handler, "at_once", None)
        if isinstance(at_once, int):
            limits[provider, kind] = at_once
    return in_turns(every, limits)


class Execution:
    """One apply. Iterate over `events()` to make it happen; read the rest afterwards."""

    def __init__(self, plan: Plan, state: State, tools: Tools) -> None:
        self.run = Run(state, tools, plan.changes)
        self.outcome = Outcome()
        self._todo = {step.id: step for step in _in_turns(steps(plan, state), tools)}
        self._queue = _Queue(self._todo.values())

    @property
    def state(self) -> State:
        """The state as of now."""
        return self.run.state

    def events(self) -> Iterator[Event]:
        """Run every step and yield what happens."""
        for together in self.together():
            yield from together

    def together(self) -> Iterator[Sequence[Event]]:
        """Run every step and yield what happens; what is known at the same time comes together."""
        with ThreadPoolExecutor(max_workers=2 * self.run.tools.parallelism + 1) as pool:
            conducting = pool.submit(Conductor(self.run, self, pool).conduct)
            conducting.add_done_callback(lambda _: self.run.events.put(None))
            try:
                yield from self._told()
            except BaseException:
                # Nobody listens any more: nothing new begins, and waits must not hold the process.
                self.run.tools.stop.set()
                raise
            finally:
                wait([conducting])  # a closed pool would refuse the calls of what is begun
        conducting.result()
        self.outcome.skipped += self._todo.values()
        if self._todo:
            yield [
                Event(phase=Phase.SKIPPED, address=step.address, verb=step.verb)
                for step in self._todo.values()
            ]

    def _told(self) -> Iterator[Sequence[Event]]:
        events = self.run.events
        while (told := events.get()) is not None:
            yield told

    # -- what the conductor asks -----------------------------------------------------------------

    def next(self, working: int, waiting: int, *, held: bool) -> Step | None:
        """Return the next step; none where no place is free, or nothing new shall begin."""
        if not self._queue.ready or self.run.tools.stop.is_set() or self.outcome.fatal is not None:
            return None
        # Waits have places of their own: a job of hours must not hold up what can be done now.
        if (waiting if self._queue.next_waits else working) >= self.run.tools.parallelism:
            return None
        try:
            if not held:
                self.run.tools.hold()
        except TunectlError as error:
            self.outcome.fatal = error
            return None
        step = self._queue.take()
        del self._todo[step.id]
        self.outcome.begun.add(step.address)
        return step

    def acts(self, step: Step) -> Acts[None]:
        """Return what a step does."""
        return perform(self.run, step)

    def ended(self, step: Step, error: Exception | None) -> None:
        """Take notice of the end of a step; what waits for it may have its turn now."""
        match error:
            case None:
                self.outcome.done.add(step.id)
                if step.verb in {Verb.CREATE, Verb.ADOPT}:
                    self.outcome.made.add(step.address)
                self._queue.done(step, self._is_over)
            case Detached():
                self.outcome.detached.append(step)
            case LockError():
                self.outcome.failed.add(step.id)
                self.outcome.fatal = self.outcome.fatal or error
            case Failed(diagnostic=diagnostic):
                self._fail(step, diagnostic)
            case LookupError():
                summary = f"`{step.address}` cannot be made: {error}"
                self._fail(step, Diagnostic(summary=summary, address=str(step.address)))
            case TunectlError():
                for diagnostic in error.diagnostics or (Diagnostic(summary=str(error)),):
                    self._fail(step, diagnostic)

    def _is_over(self, step: Step) -> bool:
        """Whether a step is the wait for what is ready: then there is nothing to do, or to tell."""
        if step.verb is not Verb.WAIT:
            return False
        live = self.run.live(step.address)
        if live is None or live.status is not Status.READY:
            return False
        del self._todo[step.id]
        self.outcome.begun.add(step.address)
        self.outcome.done.add(step.id)
        return True

    def _fail(self, step: Step, diagnostic: Diagnostic) -> None:
        self.outcome.failed.add(step.id)
        self.outcome.failures.append(diagnostic)
        self.run.tell(
            Event(
                phase=Phase.ERRORED,
                address=step.address,
                verb=step.verb,
                message=diagnostic.summary,
                error=diagnostic,
            )
        )
