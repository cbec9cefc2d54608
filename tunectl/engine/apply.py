"""execute: the only writer to the world. Walks a plan's steps, as many at once as may be."""

from __future__ import annotations

import heapq
import queue
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import field
from functools import partial

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
from tunectl.engine.act import Detached, Failed, perform
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
        self.run = Run(state, tools)
        self.outcome = Outcome()
        self._todo = {step.id: step for step in _in_turns(steps(plan, state), tools)}
        self._queue = _Queue(self._todo.values())
        self._running: dict[str, tuple[Step, Future[None]]] = {}
        self._waits = 0  # of those that run
        self._idle_since = float("-inf")

    @property
    def state(self) -> State:
        """The state as of now."""
        return self.run.state

    def events(self) -> Iterator[Event]:
        """Run every step and yield what happens."""
        with ThreadPoolExecutor(max_workers=2 * self.run.tools.parallelism) as pool:
            try:
                yield from self._until_done(pool)
            except GeneratorExit:
                # Nobody listens any more: waits must not hold the process.
                self.run.tools.stop.set()
                raise
        yield from self._leftover()
        for step in self._todo.values():
            self.outcome.skipped.append(step)
            yield Event(phase=Phase.SKIPPED, address=step.address, verb=step.verb)

    def _until_done(self, pool: ThreadPoolExecutor) -> Iterator[Event]:
        self._start(pool)
        while self._running:
            event = self._listen()
            # What ended together is dealt with together.
            together = [event, *(self.run.events.get() for _ in range(self.run.events.qsize()))]
            for one in together:
                if isinstance(one, Event):
                    yield one
                else:
                    self._collect(one)
            self._start(pool)

    def _listen(self) -> Event | str:
        """Return the next event; let go of the waits when nothing else has run for a while."""
        run, patience = self.run, self.run.tools.patience
        if patience is not None and self._waits == len(self._running) and not run.let_go.is_set():
            left = self._idle_since + patience - time.monotonic()
            if left > 0:
                try:
                    return run.events.get(timeout=left)
                except queue.Empty:
                    pass
            run.let_go.set()
        return run.events.get()

    def _leftover(self) -> Iterator[Event]:
        while not self.run.events.empty():
            event = self.run.events.get()
            if isinstance(event, Event):
                yield event

    def _start(self, pool: ThreadPoolExecutor) -> None:
        # Waits have places of their own: a job of hours must not hold up what can be done now.
        held = False
        while self._queue.ready:
            waits = self._queue.next_waits
            running = self._waits if waits else len(self._running) - self._waits
            if running >= self.run.tools.parallelism:
                return
            if self.run.tools.stop.is_set() or self.outcome.fatal is not None:
                return
            try:
                if not held:
                    self.run.tools.hold()
                    held = True
            except TunectlError as error:
                self.outcome.fatal = error
                return
            step = self._queue.take()
            del self._todo[step.id]
            self.outcome.begun.add(step.address)
            future = pool.submit(perform, self.run, step)
            self._running[step.id] = (step, future)
            self._waits += waits
            future.add_done_callback(partial(self._ended, step.id))

    def _ended(self, id_: str, _: Future[None]) -> None:
        self.run.events.put(id_)

    def _collect(self, id_: str) -> None:
        step, future = self._running.pop(id_)
        if step.verb is Verb.WAIT:
            self._waits -= 1
        else:
            self._idle_since = time.monotonic()
        self._judge(step, future)

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

    def _judge(self, step: Step, future: Future[None]) -> None:
        try:
            future.result()
        except Detached:
            self.outcome.detached.append(step)
        except LockError as error:
            self.outcome.failed.add(step.id)
            self.outcome.fatal = self.outcome.fatal or error
        except Failed as failure:
            self._fail(step, failure.diagnostic)
        except LookupError as error:
            summary = f"`{step.address}` cannot be made: {error}"
            self._fail(step, Diagnostic(summary=summary, address=str(step.address)))
        except TunectlError as error:
            for diagnostic in error.diagnostics or (Diagnostic(summary=str(error)),):
                self._fail(step, diagnostic)
        else:
            self.outcome.done.add(step.id)
            if step.verb in {Verb.CREATE, Verb.ADOPT}:
                self.outcome.made.add(step.address)
            self._queue.done(step, self._is_over)

    def _fail(self, step: Step, diagnostic: Diagnostic) -> None:
        self.outcome.failed.add(step.id)
        self.outcome.failures.append(diagnostic)
        self.run.events.put(
            Event(
                phase=Phase.ERRORED,
                address=step.address,
                verb=step.verb,
                message=diagnostic.summary,
                error=diagnostic,
            )
        )
