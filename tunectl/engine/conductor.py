"""Steps on their way: what they record is written together, what they call runs in threads.

Laws: an intent is durable before its call, and a result before it is told or anybody acts on it.
Whatever is to be recorded at the same time goes to the journal in one write. One thread, the
conductor's, folds, decides and tells; only calls leave it. So a reader that is slow to print what
is told keeps no result from the journal.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, Protocol, TypeAlias, TypeVar, cast

from tunectl.core.errors import Diagnostic, TunectlError
from tunectl.core.event import Event
from tunectl.core.state import Began, Entry
from tunectl.core.steps import Step, Verb
from tunectl.engine.run import Run

T = TypeVar("T")

Call: TypeAlias = Callable[[], object]
# What a step asks for: to record an entry, to tell an event, to make a call. It goes on when that
# is done, with what the call returned or raised.
Acts: TypeAlias = Generator[Entry | Event | Call, Any, T]

_TOGETHER = 0.001  # seconds that calls which end soon after each other are waited for


class Detached(Exception):  # noqa: N818  # not an error: the object goes on being made
    """The wait ended before the object was ready."""


class Failed(Exception):  # noqa: N818  # the object's own failure, already recorded
    """A remote object settled as failed or cancelled; carries what to show."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.summary)


def called(call: Callable[[], T]) -> Acts[T]:
    """Make a call in a thread, as a part of a step; return what it returns.

    Raises:
        Exception: whatever the call raises.
    """
    return cast("T", (yield call))


class Work(Protocol):
    """What there is to do, and who is told how it ended. Asked by the conductor's thread only."""

    def next(self, working: int, waiting: int, *, held: bool) -> Step | None:
        """Return a step that begins now, None where nothing may.

        Args:
            working: how many steps work now.
            waiting: how many wait for something that is being made.
            held: the lock was looked at for another that begins at the same time.
        """
        ...

    def acts(self, step: Step) -> Acts[None]:
        """Return what a step does."""
        ...

    def ended(self, step: Step, error: Exception | None) -> None:
        """Take notice that a step ended, and why where it did not succeed."""
        ...


class _Task:
    """One step on its way.

    Attributes:
        works: it takes one of the places of work: from its intent until its call is over. The next
            one may begin while the result is written.
    """

    __slots__ = ("acts", "step", "waits", "works")

    def __init__(self, step: Step, acts: Acts[None]) -> None:
        self.step = step
        self.acts = acts
        self.waits = step.verb is Verb.WAIT
        self.works = False


class Conductor:
    """Carries steps through. One object serves one apply."""

    def __init__(self, run: Run, work: Work, pool: Executor) -> None:
        self._run = run
        self._work = work
        self._pool = pool
        self._arrived: queue.SimpleQueue[tuple[_Task, Future[object]]] = queue.SimpleQueue()
        self._due: deque[tuple[_Task, object, BaseException | None]] = deque()  # to go on with
        self._entries: list[tuple[_Task, Entry]] = []  # to record
        self._no_place: deque[tuple[_Task, Began | Call]] = deque()
        self._told: list[Event] = []
        self._calls = 0  # on their way
        self._tasks = 0  # that did not end
        self._working = 0
        self._waiting = 0
        self._closing = False
        self._idle_since = float("-inf")

    def conduct(self) -> None:
        """Carry everything through.

        Raises:
            Exception: a fault of this program. What was called until then is recorded still.
        """
        try:
            self._go_on()
            while self._calls:
                self._collect()
                self._go_on()
        finally:
            self._closing = True
            if self._due or self._entries or self._calls:
                self.conduct()

    def _go_on(self) -> None:
        """Do all that can be done without a call that is on its way."""
        while True:
            while self._due:
                self._advance(*self._due.popleft())
            if self._begin():
                continue
            if not self._entries:
                break
            self._record()
        if self._told:
            told, self._told = self._told, []
            self._run.tell(*told)

    def _begin(self) -> bool:
        """Begin what has a place now; return whether there was anything."""
        begun = held = False
        places = self._run.tools.parallelism
        while self._no_place and self._working < places:
            self._take(*self._no_place.popleft())
            begun = True
        while not self._closing:
            working = self._working + len(self._no_place)
            step = self._work.next(working, self._waiting, held=held)
            if step is None:
                break
            begun = held = True
            task = _Task(step, self._work.acts(step))
            self._tasks += 1
            if task.waits:
                self._waiting += 1
            self._advance(task, None, None)
        return begun

    def _advance(self, task: _Task, value: object, error: BaseException | None) -> None:
        """Let a step go on until it asks for what takes time."""
        acts = task.acts
        try:
            asked = acts.throw(error) if error is not None else acts.send(value)
            while isinstance(asked, Event):
                self._told.append(asked)
                asked = acts.send(None)
        except StopIteration:
            self._end(task, None)
        except (Detached, Failed, TunectlError, LookupError) as why:
            self._end(task, why)
        else:
            self._take(task, asked)

    def _take(self, task: _Task, asked: Entry | Call) -> None:
        if callable(asked) or isinstance(asked, Began):
            if not (task.waits or task.works):
                if self._working >= self._run.tools.parallelism:
                    self._no_place.append((task, asked))
                    return
                task.works = True
                self._working += 1
            if callable(asked):
                future = self._pool.submit(asked)
                self._calls += 1
                future.add_done_callback(partial(self._arrive, task))
                return
        self._entries.append((task, asked))

    def _arrive(self, task: _Task, future: Future[object]) -> None:
        self._arrived.put((task, future))

    def _end(self, task: _Task, error: Exception | None) -> None:
        self._tasks -= 1
        self._leave(task)
        if task.waits:
            self._waiting -= 1
        else:
            self._idle_since = time.monotonic()
        self._work.ended(task.step, error)

    def _leave(self, task: _Task) -> None:
        if task.works:
            task.works = False
            self._working -= 1

    def _record(self) -> None:
        """Make all entries durable with one write, then look at the lock before anything is called.

        Whoever holds the lock next has read the intents, and looks for what came of them.
        """
        batch, self._entries = self._entries, []
        lost: TunectlError | None = None
        try:
            self._run.record(*(entry for _, entry in batch))
        except TunectlError as error:
            self._due.extend((task, None, error) for task, _ in batch)
            return
        if any(isinstance(entry, Began) for _, entry in batch):
            try:
                self._run.tools.hold()
            except TunectlError as error:
                lost = error
        for task, entry in batch:
            self._due.append((task, None, lost if isinstance(entry, Began) else None))

    def _collect(self) -> None:
        """Wait for a call to end, and take with it those that end soon after."""
        arrived = [self._listen()]
        if self._calls > 1:
            time.sleep(_TOGETHER)
            arrived += [self._arrived.get() for _ in range(self._arrived.qsize())]
        for task, future in arrived:
            self._calls -= 1
            self._leave(task)
            error = future.exception()
            self._due.append((task, None if error else future.result(), error))

    def _listen(self) -> tuple[_Task, Future[object]]:
        """Return the next call that ended; let go of the waits when only they were left a while."""
        run, patience = self._run, self._run.tools.patience
        if patience is not None and self._waiting == self._tasks and not run.let_go.is_set():
            left = self._idle_since + patience - time.monotonic()
            if left > 0:
                try:
                    return self._arrived.get(timeout=left)
                except queue.Empty:
                    pass
            run.let_go.set()
        return self._arrived.get()
