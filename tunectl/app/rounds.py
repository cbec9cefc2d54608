"""One command over several holds of the lock: execute, let go, look, take it again, go on.

Law: the lock is held only while something is done. Between two rounds anybody may change what is
not under way; so each round plans anew and does only what was approved.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from tunectl.app.options import Aim
from tunectl.app.origins import Neighbours
from tunectl.app.planning import Narrow, Planned, plan_for
from tunectl.app.publishing import publish
from tunectl.app.tallying import Tally
from tunectl.app.waiting import Stopped, detached, ended, retaken
from tunectl.app.wishing import addresses
from tunectl.app.workspace import Workspace
from tunectl.core.approval import Approval
from tunectl.core.errors import Diagnostic, LockError
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Change, Plan
from tunectl.core.ports import Lease, Provider
from tunectl.core.resource import Instance, Status
from tunectl.core.state import Account, Approved, Concluded, Entry, Renamed, State, fold
from tunectl.core.underway import Progress, narrowed, progressed, still_anew
from tunectl.core.value import Address
from tunectl.engine.apply import Execution
from tunectl.engine.recover import recover
from tunectl.engine.run import Run, Tools
from tunectl.engine.watch import Watch

_SETTLE = 2.0  # seconds before a provider's listing is trusted about what it does not show
_PATIENCE = 1.5  # seconds the lock is kept when only waits are left: short ones end within
_STALE = 2.0  # seconds until a reading that lags behind is asked again
_LINGER = 0.5  # seconds to look for others that end together with one; longer where a round is


class Rounds:
    """The rounds of one command.

    Attributes:
        state: as it was stored last.
        tally: what was done in all rounds.
        failures: what went wrong in all rounds.
        aside: approved addresses where the change is not the approved one, or cannot be made alone.
    """

    def __init__(
        self,
        workspace: Workspace,
        state: State,
        on_event: Callable[[Event], None],
        stop: threading.Event,
        *,
        wait: bool,
        retry_unknown: Sequence[str] = (),
        together: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.state = state
        self.tally = Tally()
        self.failures: list[Diagnostic] = []
        self.aside: tuple[Change, ...] = ()
        self._workspace = workspace
        self._connect = workspace.connector(state)
        self._watch = Watch(self._provider, stop)
        self._on_event: Callable[[Event], None] = lambda event: on_event(self.tally.named(event))
        self._together = together
        self._stop = stop
        self._wait = wait
        self._retry = retry_unknown
        self._own: tuple[Approval, ...] = ()
        self._given_up: set[Address] = set()
        self._detached: set[Address] = set()
        self._linger = _LINGER

    # -- what holds the lock ---------------------------------------------------------------------

    def planned(self, state: State, aim: Aim, narrow: Narrow | None = None) -> Planned:
        """Settle what an interrupted apply left open, and plan.

        Raises:
            TunectlError: what became of a step cannot be told, or no plan can be made.
        """
        self._connect = self._workspace.connector(state)
        state = self._recovered(state)
        self.state = state
        return plan_for(self._workspace, state, self._connect, aim, narrow)

    def _recovered(self, state: State) -> State:
        if not state.intents:
            return state
        ledger = self._workspace.ledger
        state = ledger.save(state)
        run = Run(state, self._tools(state))
        project = self._workspace.project
        retry = addresses(self._retry)
        for event in recover(run, project, lambda: time.sleep(_SETTLE), retry):
            self._on_event(event)
        return ledger.save(run.state)

    def execute(self, planned: Planned, lease: Lease, approvals: Sequence[Approval]) -> None:
        """Carry a plan out as far as it can be done now, and store how far that is.

        Args:
            planned: the plan; all of it is approved.
            lease: the held lock.
            approvals: what it is a part of.

        Raises:
            LockError: the lock was lost. Nothing is stored then: the next holder has the journal,
                and looks for what was in flight.
        """
        plan, ledger = planned.plan, self._workspace.ledger
        state = ledger.save(replace(planned.state, providers=self._providers(planned)))
        tools = replace(self._tools(state), hold=lease.check)
        entries = _opening(planned, approvals)
        tools.journal.append(*entries)
        execution = Execution(plan, fold(state, entries), tools)
        self.tally.expect(plan)
        progress: Progress | None = None
        try:
            self._run(execution, plan)
            progress = _progress(execution, plan, approvals)
        finally:
            self.tally.begun |= execution.outcome.begun
            self.tally.succeeded(execution.outcome.done)
            if not isinstance(execution.outcome.fatal, LockError):
                lease.check()
                self.state = ledger.save(_closed(execution.state, progress))
        fulfilled = execution.outcome.complete and not plan.partial and not plan.blocked
        self._workspace.agree(self.state, fulfilled=fulfilled)
        left = {a.id: a for a in self.state.approvals}
        self._own = tuple(left[a.id] for a in approvals if a.id in left)
        if execution.outcome.fatal is not None:
            raise execution.outcome.fatal

    def _run(self, execution: Execution, plan: Plan) -> None:
        for change in plan.changes:
            if change.after is not None and change.address in self._workspace.datasets:
                self._workspace.keep_rows(change.after)
        if any(change.estimate is not None for change in plan.changes):
            from tunectl.app.costing import keep_tokens  # what reads datasets

            keep_tokens(self._workspace, plan.changes)
        for events in execution.together():
            with self._together():
                for event in events:
                    self._tell(event)
        outcome = execution.outcome
        if outcome.fatal is not None:
            return
        unfinished = {s.address for s in (*outcome.detached, *outcome.skipped)}
        unfinished |= self.tally.failed
        if not plan.destroy or not unfinished:
            publish(execution.run, self._workspace.project, plan, unfinished)

    def _tell(self, event: Event) -> None:
        """Pass an event on, but for what a later round may still change.

        A failure is kept with the address it happened at: a provider's words name no resource.
        """
        if event.phase is Phase.ERRORED and event.error is not None:
            error = replace(event.error, address=event.error.address or str(event.address))
            event = replace(event, error=error)
            self.failures.append(error)
        self.tally.count(event)
        if event.phase is Phase.START:
            self._watch.began.setdefault(event.address, time.monotonic())
        goes_on = self._wait and not self._stop.is_set()
        if event.phase is Phase.SKIPPED or (event.phase is Phase.DETACHED and goes_on):
            return
        if event.phase is Phase.DETACHED:
            self._detached.add(event.address)
        self._on_event(event)

    def again(
        self,
        state: State,
        lease: Lease,
        approvals: Sequence[Approval],
        waited: Sequence[Instance],
    ) -> None:
        """Plan anew and do what of it was approved.

        Args:
            state: as recorded.
            lease: the held lock.
            approvals: what may be done.
            waited: what was being made before the lock was taken.

        Raises:
            TunectlError: as planning and executing do.
        """
        began = time.monotonic()
        aside: list[Change] = []

        def narrow(plan: Plan, now: State) -> Plan:
            found = narrowed(plan, now, approvals)
            aside.extend(c for c in found.aside if any(c.address in a.left for a in approvals))
            open_ = {c.address for c in plan.changes} | {b.address for b in plan.blocked}
            self.tally.elsewhere(open_)
            return found.plan

        planned = self.planned(state, self._aim(approvals, state), narrow)
        self._linger = max(_LINGER, time.monotonic() - began)
        self.aside = tuple(aside)
        self._announce(planned, waited)
        self.execute(planned, lease, approvals)

    def _aim(self, approvals: Sequence[Approval], state: State) -> Aim:
        """What is asked for again: the guards said yes to all that was approved."""
        declared = {r.address for r in self._workspace.project.resources}
        there = {i.key for i in state.everything}
        ends = {n.address for a in approvals for n in a.doomed if n in there}
        return Aim(
            replace=tuple(str(a) for a in sorted(still_anew(approvals, state) & declared)),
            force=True,
            allow_irreplaceable=tuple(str(a) for a in sorted(ends)),
        )

    def _announce(self, planned: Planned, waited: Sequence[Instance]) -> None:
        """Say what became of what was waited for."""
        stuck = {b.address: b for b in planned.plan.blocked if b.by is None}
        for before in waited:
            now = planned.state.instances.get(before.address)
            event = ended(before, now, self._watch, stuck.get(before.address))
            if event is None:
                continue
            self._given_up.add(before.address)
            self.tally.count(event)
            self._on_event(event)
            if event.error is not None:
                self.failures.append(event.error)

    # -- what holds no lock ----------------------------------------------------------------------

    def pending(self) -> tuple[Instance, ...]:
        """Return what is still being made under the approvals of this command."""
        waited = {a for approval in self._own for a in approval.left} - self._given_up
        live = self.state.instances
        found = (live[a] for a in sorted(waited) if a in live)
        return tuple(i for i in found if i.status is Status.PENDING)

    def until_done(self, operation: str) -> None:
        """Wait without the lock, take it when something is settled, go on, until nothing is left.

        Raises:
            TunectlError: as planning and executing do; what runs goes on.
        """
        pending = self.pending()
        while pending and not self._stop.is_set():
            for event in self._watch.until_settled(pending, self._linger):
                self._on_event(event)
            if not self._stop.is_set():
                try:
                    with retaken(self._workspace, operation, self._stop) as (lease, state):
                        self._go_on(state, lease, pending)
                except Stopped:
                    pass
            pending = self._still(self.pending())
        if self._stop.is_set():
            for instance in pending:
                if instance.address not in self._detached:
                    self._on_event(detached(instance, self._watch))

    def _still(self, pending: tuple[Instance, ...]) -> tuple[Instance, ...]:
        """Begin anew with what a look found settled and a reading does not yet."""
        stale = [i for i in pending if not self._watch.runs(i)]
        for instance in stale:
            self._watch.forget(instance)
        if stale:
            self._stop.wait(_STALE)
        return pending

    def _go_on(self, state: State, lease: Lease, waited: Sequence[Instance]) -> None:
        open_ = {a.id: a for a in state.approvals}
        if not any(a.id in open_ for a in self._own):
            there = {i.key for i in state.everything}
            if gone := [i for i in waited if i.key not in there]:
                self._ended(state, gone)
                return
        # One that another command finished may still have outputs of its own.
        mine = [open_.get(a.id) or replace(a, left={}) for a in self._own]
        self.again(state, lease, mine, waited)

    def _ended(self, state: State, gone: Sequence[Instance]) -> None:
        """Somebody destroyed what was waited for, and the approval with it."""
        self.state, self._own = state, ()
        for instance in gone:
            event = ended(instance, None, self._watch)
            if event is not None and event.error is not None:
                self.tally.count(event)
                self._on_event(event)
                self.failures.append(event.error)

    # -- parts -----------------------------------------------------------------------------------

    def _provider(self, name: str) -> Provider:
        return self._connect(name)

    def _providers(self, planned: Planned) -> dict[str, Account]:
        names = {c.provider for c in planned.plan.changes}
        names |= {i.provider for i in planned.state.everything}
        return {**planned.state.providers, **self._connect.recorded(names)}

    def _tools(self, state: State) -> Tools:
        return Tools(
            connect=self._connect,
            journal=self._workspace.ledger.journal(state),
            reader=self._workspace.reader,
            shares=self._workspace.shares,
            clock=lambda: datetime.now(UTC),
            wait=self._wait,
            patience=_PATIENCE,
            stop=self._stop,
            parallelism=self._workspace.options.parallelism,
            original=Neighbours(self._workspace.options).original,
        )


def _opening(planned: Planned, approvals: Sequence[Approval]) -> tuple[Entry, ...]:
    """What is recorded before the first step."""
    plan, known = planned.plan, {a.id for a in planned.state.approvals}
    moves = [Renamed(before, after) for before, after in plan.moved]
    over = planned.state.approvals if plan.destroy and not plan.partial else ()
    return (
        *moves,
        *(Concluded(a.id) for a in over),
        *(Approved(a) for a in approvals if a.id not in known and a.left),
    )


def _progress(execution: Execution, plan: Plan, approvals: Sequence[Approval]) -> Progress:
    outcome = execution.outcome
    touched = outcome.begun | {s.address for s in outcome.skipped}
    return Progress(
        left=outcome.left(),
        touched=touched | {b.address for b in plan.blocked},
        made=outcome.made,
        own=frozenset(a.id for a in approvals),
        published={o.name: "" if o.gone else o.declared for o in plan.outputs},
        whole=not plan.partial and not plan.destroy,
    )


def _closed(state: State, progress: Progress | None) -> State:
    """What is stored when the lock is released.

    The settings of providers that hold nothing any more are forgotten. After a failure of this
    program itself nothing is known of how far the approvals are: they stay as they are.
    """
    used = {i.provider for i in state.everything} | {i.provider for i in state.intents}
    state = replace(state, providers={n: a for n, a in state.providers.items() if n in used})
    if progress is None:
        return state
    rest = (progressed(a, progress, state) for a in state.approvals)
    return replace(state, approvals=tuple(a for a in rest if a is not None))
