"""A remote world in memory and an executor: a plan's steps, one at a time, stopped at will.

It writes what the engine writes, in the order the engine writes it: the intent, the call, the
outcome. After each write the laws that hold at every moment are checked.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tests.properties.declarations import Declaration
from tunectl.core.catching_up import caught_up
from tunectl.core.plan import Action, Plan
from tunectl.core.planner import make_plan
from tunectl.core.project import Moved, Removed
from tunectl.core.resource import Instance, Need, Recreate, Resource, Status
from tunectl.core.state import (
    Abandoned,
    Adopted,
    Began,
    Deleted,
    Entry,
    Intent,
    Made,
    Published,
    Renamed,
    Settled,
    State,
    fold,
)
from tunectl.core.steps import Step, Verb, steps
from tunectl.core.value import Address, Plain, Ref, Value, dig, refs, settle
from tunectl.core.wish import Offer, Wish

EMPTY = State(lineage="l", project="p", env="default")


class Stopped(Exception):  # noqa: N818  # nothing went wrong
    """The process was killed."""


@dataclass
class World:
    """What exists at the providers, and how jobs end there."""

    state: State = EMPTY
    objects: dict[Need, Instance] = field(default_factory=dict)
    journal: list[Entry] = field(default_factory=list)
    fate: Callable[[Address], Status] = lambda _: Status.READY
    bought: Counter[tuple[Address, str]] = field(default_factory=Counter)
    ended: set[Need] = field(default_factory=set)
    unavoidable: set[Need] = field(default_factory=set)  # a fixed name forced them out first
    ticks_left: int | None = None
    made: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    # -- what a user does ---------------------------------------------------------------------

    def plan(
        self,
        declared: Declaration,
        *,
        again: Iterable[Address] = (),
        moved: tuple[Moved, ...] = (),
        removed: tuple[Removed, ...] = (),
        destroy: bool = False,
    ) -> Plan:
        wish = Wish(
            resources=declared.resources,
            outputs=declared.outputs,
            moved=moved,
            removed=removed,
            replace=frozenset(again),
            destroy=destroy,
            offers={} if destroy else self._offers(declared),
        )
        return make_plan(wish, self.state, self.observed())

    def _offers(self, declared: Declaration) -> dict[str, tuple[Offer, ...]]:
        """Kept previous objects that are still there, as the app offers them."""
        found: dict[str, tuple[Offer, ...]] = {}
        for resource in declared.resources:
            here = [
                Offer(instance=i)
                for i in reversed(self.state.superseded)
                if (i.address, i.provider) == (resource.address, resource.provider)
                and i.fingerprint == resource.fingerprint
                and i.status is Status.READY
                and i.key in self.objects
            ]
            if resource.fingerprint and here:
                found[resource.fingerprint] = tuple(here)
        return found

    def apply(
        self,
        declared: Declaration,
        *,
        stop_after: int | None = None,
        again: Iterable[Address] = (),
        moved: tuple[Moved, ...] = (),
        removed: tuple[Removed, ...] = (),
        destroy: bool = False,
    ) -> Plan | None:
        """Recover, look, plan and execute; None when it was killed."""
        self.ticks_left = stop_after
        try:
            self._recover(declared)
            plan = self.plan(declared, again=again, moved=moved, removed=removed, destroy=destroy)
            for entry in caught_up(self.state, declared.resources, self.observed()):
                self.write(entry)
            for before, after in plan.moved:
                self.objects = {
                    Need(after if n.address == before else n.address, n.id, n.account): i
                    for n, i in self.objects.items()
                }
                self.write(Renamed(before, after))
            done = self._execute(plan, frozenset(again))
            if done:
                self.write(
                    Published(
                        {
                            o.name: self._settled(o.value)
                            for o in declared.outputs
                            if not destroy and self._known(o.value)
                        }
                    )
                )
        except Stopped:
            return None
        finally:
            self.ticks_left = None
        return plan

    def observed(self) -> dict[Address, Instance | None]:
        return {a: self._seen(i) for a, i in self.state.instances.items()}

    def _seen(self, recorded: Instance) -> Instance | None:
        there = self.objects.get(recorded.key)
        if there is None:
            return None
        return replace(
            recorded,
            spec=there.spec,
            outputs=there.outputs,
            status=there.status,
            reason=there.reason,
        )

    # -- what happens to a user ---------------------------------------------------------------

    def vanish(self, address: Address) -> None:
        """Somebody deletes an object by hand."""
        if address in self.state.instances:
            self.objects.pop(self.state.instances[address].key, None)

    def tamper(self, address: Address) -> None:
        """Somebody changes an object by hand."""
        there = self.objects.get(self.state.instances[address].key)
        if there is not None:
            spec = {**there.spec, "model": "by-hand"}
            self.objects[there.key] = replace(there, spec=spec)

    def time_passes(self) -> None:
        """Pending jobs end as they are fated."""
        self.objects = {key: self._ended(there) for key, there in self.objects.items()}

    def _ended(self, there: Instance) -> Instance:
        fate = self.fate(there.address)
        if there.status is not Status.PENDING or fate is Status.PENDING:
            return there
        if fate is Status.READY:
            return replace(there, status=fate, outputs=_outputs(there))
        return replace(there, status=fate, reason="the job ran out of luck")

    # -- how steps are done -------------------------------------------------------------------

    def _tick(self) -> None:
        if self.ticks_left is not None:
            if self.ticks_left == 0:
                raise Stopped
            self.ticks_left -= 1

    def write(self, entry: Entry) -> None:
        self._tick()
        self.journal.append(entry)
        self.state = fold(self.state, (entry,))
        self.check()

    def check(self) -> None:
        """Nothing that is managed points at something we deleted."""
        for user in self.state.everything:
            for need in set(user.needs) & self.ended - self.unavoidable:
                if user.key in self.objects:
                    raise AssertionError(f"{user.key} needs {need}, which was deleted")

    def _recover(self, declared: Declaration) -> None:
        for intent in self.state.intents:
            made = [i for i in self.objects.values() if i.op == intent.op]
            if intent.action == "create" and made:
                self.write(Made(intent.op, made[0]))
            else:
                self.write(Abandoned(intent.op, "it had no effect"))

    def _execute(self, plan: Plan, asked: frozenset[Address]) -> bool:
        todo = {s.id: s for s in steps(plan, self.state)}
        assert len(todo) == len(steps(plan, self.state)), "step ids are unique"
        lost: set[str] = set()
        while ready := [s for s in todo.values() if not s.after & (todo.keys() | lost)]:
            step = self.chance.choice(ready)
            del todo[step.id]
            if not self._perform(step, asked):
                lost.add(step.id)
        assert lost or not todo, f"steps wait for each other: {todo}"
        return not lost

    def _perform(self, step: Step, asked: frozenset[Address]) -> bool:
        match step.verb:
            case Verb.CREATE:
                self._create(step, asked)
            case Verb.UPDATE:
                self._update(step)
            case Verb.WAIT:
                return self._wait(step)
            case Verb.DELETE:
                assert step.doomed is not None
                self._delete(step)
            case Verb.ADOPT:
                self._adopt(step)
            case Verb.FORGET:
                assert step.doomed is not None
                self.write(Deleted("", step.doomed.address, step.doomed.id))
        return True

    def _create(self, step: Step, asked: frozenset[Address]) -> None:
        resource = step.change.after
        assert resource is not None
        live = self.state.instances.get(step.address)
        if live and resource.recreate is Recreate.ON_REQUEST and step.address not in asked:
            same = (live.fingerprint, live.provider) == (resource.fingerprint, resource.provider)
            assert not same, "bought again unasked"
        if step.change.action is Action.CREATE and live is not None:
            self.write(Deleted("", live.address, live.id))
        op = self._op()
        self.write(Began(_intent(op, "create", step.address, resource.provider)))
        made = self._instance(resource, op)
        self.objects[made.key] = made
        if resource.fingerprint:
            self.bought[made.address, resource.fingerprint] += 1
        self._tick()
        self.write(Made(op, made))

    def _adopt(self, step: Step) -> None:
        resource, found = step.change.after, step.change.found
        assert resource is not None
        assert found is not None
        there = self.objects[found.key]
        live = self.state.instances
        used = {ref.address for ref in resource.refs}
        needs = tuple(sorted(live[a].key for a in used if a in live))
        taken = replace(there, lifecycle=resource.lifecycle, parent=resource.parent, needs=needs)
        stale = live.get(step.address)
        if step.change.before is None and stale is not None and stale.id != found.id:
            self.write(Deleted("", stale.address, stale.id))
        self.write(Adopted("", taken))

    def _instance(self, resource: Resource, op: str) -> Instance:
        spec = {key: self._settled(value) for key, value in resource.spec.items()}
        used = {ref.address for ref in resource.refs}
        made = Instance(
            address=resource.address,
            provider=resource.provider,
            account="acc",
            id=f"id{self.made}",
            spec=spec,
            needs=tuple(sorted(self.state.instances[a].key for a in used)),
            status=Status.PENDING if resource.fingerprint else Status.READY,
            fingerprint=resource.fingerprint,
            op=op,
            lifecycle=resource.lifecycle,
            recreate=resource.recreate,
            parent=resource.parent,
        )
        for need in made.needs:
            assert need in self.objects, f"{made.address} is made from what is not there: {need}"
            assert self.objects[need].status is Status.READY, "needs come first"
        return made if resource.fingerprint else replace(made, outputs=_outputs(made))

    def _update(self, step: Step) -> None:
        resource, prior = step.change.after, self.state.instances[step.address]
        assert resource is not None
        op = self._op()
        self.write(Began(_intent(op, "update", step.address, prior.provider)))
        there = replace(self._instance(resource, op), id=prior.id, op=prior.op)
        there = replace(there, outputs=_outputs(there))
        self.objects[there.key] = there
        self._tick()
        self.write(Settled(op, there))

    def _wait(self, step: Step) -> bool:
        live = self.state.instances[step.address]
        if live.status is Status.PENDING:
            self.objects[live.key] = self._ended(self.objects[live.key])
            self.write(Settled("", self.objects[live.key]))
        return self.state.instances[step.address].status is Status.READY

    def _delete(self, step: Step) -> None:
        doomed = step.doomed
        assert doomed is not None
        op = self._op()
        self.write(Began(_intent(op, "delete", doomed.address, doomed.provider, doomed.id)))
        there = self.objects.pop(doomed.key, None)
        if there and doomed.recreate is not Recreate.ON_DEMAND:  # uploads are released, not used
            self.ended.add(doomed.key)
        if step.change.action is Action.RECREATE:
            self.unavoidable.add(doomed.key)
        self._tick()
        self.write(Deleted(op, doomed.address, doomed.id))

    def _op(self) -> str:
        self.made += 1
        return f"op{self.made}"

    def _lookup(self, ref: Ref) -> Value:
        instance = self.state.instances.get(ref.address)
        if instance is None:
            return ref
        try:
            return dig(instance.outputs, ref.path)
        except KeyError:
            return ref

    def _settled(self, value: Value) -> Plain:
        return settle(value, self._lookup)

    def _known(self, value: Value) -> bool:
        return all(self._lookup(ref) is not ref for ref in refs(value))


def _intent(op: str, action: str, address: Address, provider: str, id_: str = "") -> Intent:
    return Intent(op=op, action=action, address=address, provider=provider, id=id_)


def _outputs(made: Instance) -> dict[str, Plain]:
    match made.address.kind:
        case "upload":
            return {"file_id": f"file-{made.id}"}
        case "tuning_job":
            return {"model_id": f"model-{made.id}", "job_id": f"job-{made.id}"}
        case "endpoint":
            model = made.spec["model"] if made.provider == "cloud" else f"alias-{made.address.name}"
            return {"model_id": model, "base_url": f"http://{made.provider}"}
        case "prompt_template":
            return {"version": f"v-{made.id}", "path": f"{made.address.name}.json"}
        case _:
            return {"train": str(made.address)}
