"""rehearse: plan, apply, plan, drift, destroy, all of it on services that only pretend.

The very functions that the commands call do it; only where the providers are is another place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tunectl.app import applying, drifting, planning
from tunectl.app.applying import Applied, Asked
from tunectl.app.options import Aim, Options
from tunectl.app.planning import Planned, PlanRefused
from tunectl.app.rehearsing_faults import ordered, struck
from tunectl.app.rehearsing_stage import Stage, staged
from tunectl.app.workspace import open_record
from tunectl.catalog.durations import duration_of
from tunectl.config.world import service_of
from tunectl.core.errors import Diagnostic, Exit, Interrupted, TunectlError
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Action, Plan
from tunectl.core.rehearsal import Check, Operation, Rehearsed, Standing, Verdict
from tunectl.server.clouds.world import Fault, World

# By the world's clock, which each request moves on by a step: a job is looked at a few times.
_JOB_SECONDS, _OPERATION_SECONDS, _STEP = 20.0, 5.0, 5.0
_ATTEMPTS = 6  # of an apply that something was done to on purpose
_JOB = "job"  # the last word of what every cloud calls it

PROMISES = {
    "applied": "`apply` makes everything that is declared",
    "fault-struck": "the fault struck",
    "made-once": "each tuning job was started exactly once",
    "plan-again-is-empty": "a second `plan` has no changes",
    "no-drift": "`drift` finds nothing",
    "destroyed": "`destroy` ends well",
    "nothing-left": "nothing is left but records that bill nothing",
}


@dataclass
class _Play:
    """A rehearsal while it goes on."""

    stage: Stage
    plan: Plan
    operations: list[Operation] = field(default_factory=list)
    verdicts: dict[str, Check] = field(default_factory=dict)
    failures: list[Diagnostic] = field(default_factory=list)
    standing: tuple[Standing, ...] = ()
    left: tuple[Standing, ...] = ()

    def judge(self, name: str, kept: bool, detail: str = "") -> bool:
        verdict = Verdict.PASSED if kept else Verdict.FAILED
        self.verdicts[name] = Check(
            name=name, promise=PROMISES[name], verdict=verdict, detail=detail
        )
        return kept


def rehearse(
    options: Options,
    fault: str = "",
    on_event: Callable[[Event], None] = lambda _: None,
    world: World | None = None,
    samples: Mapping[str, Path] = MappingProxyType({}),
) -> Rehearsed:
    """Carry a project's whole life out on loopback.

    Args:
        options: which project.
        fault: what goes wrong on purpose, see `rehearsing_faults`; empty for nothing.
        on_event: is told what happens.
        world: the clock of the services; a fast one where not given.
        samples: local files that stand in for data in buckets, by the source as it is declared;
            what has none is stood in for by made-up rows.

    Raises:
        ConfigError: the declaration cannot be used, or nothing can stand in for a provider.
        Interrupted: stopped by the user; nothing stays.
    """
    world = world or World(_JOB_SECONDS, _OPERATION_SECONDS, _STEP)
    with staged(options, world, samples) as stage:
        first = _Calls(world)
        refusals: tuple[Diagnostic, ...] = ()
        try:
            planned = planning.plan(stage.options, Aim())
        except PlanRefused as refused:
            planned, refusals = refused.planned, refused.diagnostics
        play = _Play(stage, planned.plan, [Operation(name="plan", calls=first.taken())])
        faults = ordered(fault, stage.clouds)
        if not refusals:
            _perform(play, planned, faults, on_event)
        names = [name for name in PROMISES if name != "fault-struck" or fault]
        return Rehearsed(
            project=planned.plan.project,
            env=planned.plan.env,
            plan=planned.plan,
            stages=stage.stages,
            durations=_durations(planned),
            operations=tuple(play.operations),
            checks=tuple(play.verdicts.get(name) or _skipped(name) for name in names),
            standing=play.standing,
            left=play.left,
            notes=stage.notes,
            fault=fault,
            warnings=tuple(w for w in planned.warnings if not stage.data.concerns(w)),
            refusals=refusals,
            failures=tuple(play.failures),
        )


def _skipped(name: str) -> Check:
    return Check(name=name, promise=PROMISES[name], verdict=Verdict.SKIPPED)


def _perform(
    play: _Play, planned: Planned, faults: list[Fault], on_event: Callable[[Event], None]
) -> None:
    """Go on as long as each step is what the next one needs; destroy in any case."""
    play.stage.world.faults.extend(faults)
    applied = _apply(play, bool(faults), on_event)
    play.stage.world.faults.clear()
    if faults:
        idle = not _trained(planned.plan)  # nothing is uploaded, and nothing is bought
        play.judge("fault-struck", idle or struck(faults), "nothing to strike" if idle else "")
    play.standing = _standing(play.stage)
    if applied:
        wanted = len(_trained(planned.plan))
        made = sum(one.kind.split()[-1] == _JOB for one in play.standing)
        play.judge("made-once", made == wanted, f"{wanted} declared, {made} started")
        _plan_again(play)
        _drift(play)
    _destroy(play, on_event)


def _apply(play: _Play, again: bool, on_event: Callable[[Event], None]) -> bool:
    """Apply until everything is made; more than once only where something was done to it."""
    detail = ""
    for attempt in range(1, (_ATTEMPTS if again else 1) + 1):
        done = _carried_out(play, "apply", Aim(), on_event)
        if isinstance(done, Applied) and done.exit is Exit.DONE:
            detail = f"after {attempt} runs" if attempt > 1 else ""
            return play.judge("applied", True, detail)
        problems = done.failures if isinstance(done, Applied) else done.diagnostics
        blocked = [b for b in play.plan.blocked if b.by is None]
        stopped = [f"{b.address}: {b.reason}; {b.hint}".removesuffix("; ") for b in blocked]
        detail = problems[0].summary if problems else ", ".join(stopped) or "it did not end"
    play.failures.extend(problems)
    return play.judge("applied", False, detail)


def _plan_again(play: _Play) -> None:
    calls = _Calls(play.stage.world)
    try:
        plan = planning.plan(play.stage.options, Aim()).plan
    except TunectlError as error:
        play.failures.extend(error.diagnostics)
        play.judge("plan-again-is-empty", False, str(error))
        return
    finally:
        play.operations.append(Operation(name="plan again", calls=calls.taken()))
    changed = [f"{c.action.value} {c.address}" for c in plan.changes]
    changed += [f"output {o.name}" for o in plan.outputs]
    blocked = [f"{b.address}: {b.reason}" for b in plan.blocked]
    play.judge("plan-again-is-empty", plan.empty and not blocked, ", ".join(changed + blocked))


def _drift(play: _Play) -> None:
    calls = _Calls(play.stage.world)
    try:
        examined, _ = drifting.examine(play.stage.options)
    except TunectlError as error:
        play.failures.extend(error.diagnostics)
        play.judge("no-drift", False, str(error))
        return
    finally:
        play.operations.append(Operation(name="drift", calls=calls.taken()))
    play.failures.extend(examined.problems)
    found = [f"{one.address} {one.kind.value}" for one in examined.found]
    found += [d.summary for d in examined.problems]
    play.judge("no-drift", examined.exit is Exit.DONE, ", ".join(found))


def _destroy(play: _Play, on_event: Callable[[Event], None]) -> None:
    state = open_record(play.stage.options)[1].load()
    ends = tuple(sorted({str(i.address) for i in state.everything}))
    aim = Aim(destroy=True, force=True, allow_irreplaceable=ends)
    done = _carried_out(play, "destroy", aim, on_event)
    problems = done.failures if isinstance(done, Applied) else done.diagnostics
    kept = isinstance(done, Applied) and done.exit is Exit.DONE
    play.failures.extend(problems)
    play.judge("destroyed", kept, problems[0].summary if problems else "")
    play.left = _standing(play.stage)
    still = [f"{one.kind} {one.name}" for one in play.left if not one.record]
    records = sum(one.record and not one.bills for one in play.left)
    # What one declaration set up for the whole project is not for it to take away.
    shared = [f"{one.kind} stays and bills: {one.bills}" for one in play.left if _shared(one)]
    told = [f"records: {records}"] if records else []
    detail = ", ".join(still or [*told, *shared])
    play.judge("nothing-left", not still, detail)


def _shared(one: Standing) -> bool:
    return one.record and bool(one.bills)


def _carried_out(
    play: _Play, name: str, aim: Aim, on_event: Callable[[Event], None]
) -> Applied | TunectlError:
    """Apply or destroy; what stops it is returned, but for the user's own word."""
    calls, steps = _Calls(play.stage.world), dict[str, None]()

    def tell(event: Event) -> None:
        if event.phase is Phase.START:
            steps.setdefault(f"{event.verb.value} {event.address}")
        on_event(event)

    try:
        return applying.apply(
            play.stage.options, Asked(approve=lambda _: None, on_event=tell, aim=aim)
        )
    except Interrupted:
        raise
    except TunectlError as error:
        return error
    finally:
        play.operations.append(Operation(name=name, steps=tuple(steps), calls=calls.taken()))


def _trained(plan: Plan) -> list[str]:
    """The tuning jobs that the plan starts."""
    makes = {Action.CREATE, Action.REPLACE, Action.RECREATE}
    jobs = (c for c in plan.changes if c.address.kind == "tuning_job")
    return [str(c.address) for c in jobs if c.action in makes and c.original is None]


def _durations(planned: Planned) -> dict[str, tuple[int, int] | None]:
    """How long each job that is started is said to take at the service it is declared for."""
    found: dict[str, tuple[int, int] | None] = {}
    started = set(_trained(planned.plan))
    for job in planned.project.resources:
        if str(job.address) not in started:
            continue
        service = service_of(planned.project.providers[job.provider])
        method = job.spec.get("method")
        said = method.get("type") if isinstance(method, Mapping) else None
        base = job.spec.get("base_model")
        tuned = base if isinstance(base, str) else ""
        known = duration_of(service.name, str(said or "supervised"), tuned) if service else None
        found[str(job.address)] = (known.low, known.high) if known is not None else None
    return found


def _standing(stage: Stage) -> tuple[Standing, ...]:
    return tuple(_all_standing(stage))


def _all_standing(stage: Stage) -> Iterator[Standing]:
    with stage.world.mutex:
        for name, cloud in stage.clouds.items():
            for left in cloud.left():
                yield Standing(
                    provider=name,
                    kind=left.kind,
                    name=left.name,
                    record=left.record,
                    bills=left.bills,
                )


class _Calls:
    """The requests from now on."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._begun = len(world.calls)

    def taken(self) -> dict[str, int]:
        """Return how many there were, by provider."""
        found: dict[str, int] = {}
        for call in self._world.calls[self._begun :]:
            found[call.cloud] = found.get(call.cloud, 0) + 1
        return dict(sorted(found.items()))
