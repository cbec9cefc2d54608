"""execute: the only writer to the world. Walks a plan's steps, as many at once as may be."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from tunectl.core.errors import Diagnostic, TunectlError
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Plan
from tunectl.core.state import State
from tunectl.core.steps import Step, steps
from tunectl.core.value import Address
from tunectl.engine.act import Detached, Failed, perform
from tunectl.engine.run import Run, Tools


@dataclass
class Outcome:
    """How an apply ended.

    Attributes:
        done: ids of the steps that succeeded.
        begun: what was begun, whatever became of it.
        failures: what went wrong, in the order it did.
        skipped: steps not begun because something they need did not succeed, or after a stop.
        detached: objects left running.
    """

    done: set[str] = field(default_factory=set)
    begun: set[Address] = field(default_factory=set)
    failures: list[Diagnostic] = field(default_factory=list)
    skipped: list[Step] = field(default_factory=list)
    detached: list[Step] = field(default_factory=list)
    fatal: TunectlError | None = None


class Execution:
    """One apply. Iterate over `events()` to make it happen; read the rest afterwards."""

    def __init__(self, plan: Plan, state: State, tools: Tools) -> None:
        self.run = Run(state, tools)
        self.outcome = Outcome()
        self._todo = {step.id: step for step in steps(plan, state)}
        self._running: dict[str, tuple[Step, Future[None]]] = {}
        self._failed: set[str] = set()

    @property
    def state(self) -> State:
        """The state as of now."""
        return self.run.state

    def events(self) -> Iterator[Event]:
        """Run every step and yield what happens."""
        with ThreadPoolExecutor(max_workers=self.run.tools.parallelism) as pool:
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
            event = self.run.events.get()
            if event is not None:
                yield event
                continue
            self._collect()
            self._start(pool)

    def _leftover(self) -> Iterator[Event]:
        while not self.run.events.empty():
            event = self.run.events.get()
            if event is not None:
                yield event

    def _start(self, pool: ThreadPoolExecutor) -> None:
        if self.run.tools.stop.is_set() or self.outcome.fatal is not None:
            return
        ready = [s for s in self._todo.values() if self._is_ready(s)]
        for step in ready:
            try:
                self.run.tools.hold()
            except TunectlError as error:
                self.outcome.fatal = error
                return
            del self._todo[step.id]
            self.outcome.begun.add(step.address)
            future = pool.submit(perform, self.run, step)
            self._running[step.id] = (step, future)
            future.add_done_callback(lambda _: self.run.events.put(None))

    def _is_ready(self, step: Step) -> bool:
        """Whether all it waits for succeeded; a step that is not in the plan any more counts."""
        waiting = step.after & (self._todo.keys() | self._running.keys() | self._failed)
        return not waiting

    def _collect(self) -> None:
        for step, future in list(self._running.values()):
            if future.done():
                del self._running[step.id]
                self._judge(step, future)

    def _judge(self, step: Step, future: Future[None]) -> None:
        try:
            future.result()
        except Detached:
            self._failed.add(step.id)
            self.outcome.detached.append(step)
        except Failed as failure:
            self._fail(step, failure.diagnostic)
        except LookupError as error:
            summary = f"`{step.address}` cannot be made: {error}"
            self._fail(step, Diagnostic(summary=summary, address=str(step.address)))
        except TunectlError as error:
            self._failed.add(step.id)
            for diagnostic in error.diagnostics or (Diagnostic(summary=str(error)),):
                self._fail(step, diagnostic)
        else:
            self.outcome.done.add(step.id)

    def _fail(self, step: Step, diagnostic: Diagnostic) -> None:
        self._failed.add(step.id)
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
