"""The planner's laws, on random declarations, edits, failures and interruptions."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.properties.declarations import Declaration, Job, declarations
from tests.properties.world import World
from tunectl.core.catching_up import caught_up, news
from tunectl.core.plan import Action, Plan
from tunectl.core.planner import make_plan
from tunectl.core.planrecord import plan_from_tree, plan_to_tree
from tunectl.core.project import Moved, Removed
from tunectl.core.resource import Instance, Recreate, Status
from tunectl.core.state import State, fold
from tunectl.core.steps import Verb, steps
from tunectl.core.value import Address
from tunectl.core.wish import Wish

settings.register_profile(
    "laws", deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow]
)
laws = settings(settings.get_profile("laws"))

histories = st.lists(declarations(), min_size=1, max_size=4)
seeds = st.integers(0, 2**16)
fates = st.dictionaries(
    st.sampled_from("xyz"), st.sampled_from([Status.FAILED, Status.PENDING, Status.CANCELLED])
)


def world(seed: int = 0) -> World:
    return World(chance=random.Random(seed))


def fated(made: World, fate: dict[str, Status]) -> None:
    made.fate = lambda address: fate.get(address.name, Status.READY)


def heal(made: World, declared: Declaration) -> None:
    """Let everything succeed, and ask for whatever is blocked, until nothing is left to do."""
    fated(made, {})
    made.time_passes()
    for _ in range(6):
        blocked = [b.address for b in made.plan(declared).blocked if b.by is None]
        plan = made.apply(declared, again=blocked)
        assert plan is not None
        if plan.empty and not plan.blocked:
            return
    raise AssertionError(f"never done: {made.plan(declared)}")


def assert_settled(made: World, declared: Declaration) -> None:
    """The second plan is empty, and only what is declared (or kept, or used) remains."""
    plan = made.plan(declared)
    assert plan.empty, plan
    assert not plan.blocked
    assert not plan.drift or all(d.released for d in plan.drift)
    wanted = {r.address: r for r in declared.resources}
    live = set(made.state.instances)
    used = {n.address for i in made.state.everything for n in i.needs}
    assert live - set(wanted) <= used & {a for a, _ in plan.notes}
    assert all(wanted[a].recreate is Recreate.ON_DEMAND for a in set(wanted) - live)
    managed = {i.key for i in made.state.everything}
    assert set(made.objects) <= managed, "an orphan bills"
    used = {need for i in made.state.everything for need in i.needs}
    for address in {i.address for i in made.state.superseded}:
        line = [i for i in made.state.superseded if i.address == address and i.key not in used]
        kept = wanted[address].lifecycle.keep_previous if address in wanted else 0
        assert len(line) <= kept
        assert all(i.status is Status.READY for i in line)
    for address in live & set(wanted):
        if not wanted[address].lifecycle.ignore_changes:
            assert made.state.instances[address].fingerprint == wanted[address].fingerprint


@laws
@given(histories, seeds)
def test_apply_converges_and_only_what_is_declared_or_kept_remains(history, seed):
    made = world(seed)
    for declared in history:
        assert made.apply(declared) is not None
        assert_settled(made, declared)


@laws
@given(histories, st.lists(fates, min_size=4, max_size=4), seeds)
def test_failures_and_long_jobs_never_break_a_law_and_can_be_healed(history, luck, seed):
    made = world(seed)
    for declared, fate in zip(history, luck, strict=False):
        fated(made, fate)
        made.apply(declared)
        before = dict(made.bought)
        made.time_passes()
        made.apply(declared)
        made.apply(declared)
        event(f"blocked: {bool(made.plan(declared).blocked)}")
        again = {k: n - before.get(k, 0) for k, n in made.bought.items()}
        assert all(n <= 1 for n in again.values()), "a failed job is never bought again unasked"
        third = made.plan(declared)
        assert third.empty or third.count(Action.WAIT), third
    heal(made, history[-1])
    assert_settled(made, history[-1])


def test_a_kept_job_that_is_taken_back_holds_no_longer_what_it_was_made_of():
    """Found by the law below: the next plan still had that to delete."""
    made = world(0)
    plain, chained = Job("a", provider="cloud"), Job("a", base="x")
    data = {"a": 1}
    made.apply(Declaration(data, {"x": Job("a"), "z": chained}, {}, {}))
    made.apply(Declaration(data, {"x": plain, "z": replace(plain, keep=1)}, {}, {}))
    last = Declaration(data, {"x": plain, "z": chained}, {}, {})
    assert made.plan(last).count(Action.ADOPT) == 1
    made.apply(last)
    assert_settled(made, last)


@laws
@given(histories, declarations(), st.data(), seeds)
def test_what_is_seen_as_it_is_recorded_says_nothing_and_is_decided_as_all_else(
    history, last, data, seed
):
    """The way around what stays as it is gives what deciding on each of it would give."""
    made = world(seed)
    for declared in history:
        made.apply(declared)
    live = sorted(made.state.instances)
    for address in data.draw(st.sets(st.sampled_from(live))) if live else ():
        data.draw(st.sampled_from([made.vanish, made.tamper]))(address)
    copies = made.observed()  # of which none is the very object that is recorded
    very = {
        a: made.state.instances[a] if s == made.state.instances[a] else s for a, s in copies.items()
    }
    event(f"some are as recorded: {very.keys() > news(very, made.state).keys()}")
    again = frozenset(data.draw(st.sets(st.sampled_from(live)))) if live else frozenset()
    wish = Wish(resources=last.resources, outputs=last.outputs, replace=again)
    plans = [
        decided(make_plan(wish, made.state, seen))
        for seen in (copies, very, news(very, made.state))
    ]
    assert plans[1:] == plans[:1] * 2


def decided(plan: Plan):
    """A plan, but for the order of what is decided in no order."""
    return (
        {c.address: c for c in plan.changes},
        {b.address: b for b in plan.blocked},
        set(plan.notes),
        replace(plan, changes=(), blocked=(), notes=()),
    )


@laws
@given(histories, declarations(), st.integers(0, 60), st.integers(0, 60), seeds)
def test_an_apply_killed_anywhere_twice_can_be_finished(history, last, stop, stop_again, seed):
    calm, killed = world(seed), world(seed)
    for declared in history:
        calm.apply(declared)
        killed.apply(declared)
    calm.apply(last)
    event(f"killed: {killed.apply(last, stop_after=stop) is None}")
    killed.apply(last, stop_after=stop_again)
    assert killed.apply(last) is not None
    assert_settled(killed, last)
    assert killed.bought == calm.bought, "no job is made twice for one fingerprint"
    assert labels(killed) == labels(calm), "the same world in the end"


@laws
@given(histories, st.integers(0, 40), seeds)
def test_an_apply_abandoned_for_another_declaration_leaves_nothing_behind(history, stop, seed):
    made = world(seed)
    for declared in history:
        made.apply(declared, stop_after=stop)
    assert made.apply(history[-1]) is not None
    assert_settled(made, history[-1])


@laws
@given(declarations(), st.data(), seeds)
def test_what_vanished_comes_back_freely_or_when_asked(declared, data, seed):
    made = world(seed)
    made.apply(declared)
    addresses = sorted(made.state.instances)
    gone = data.draw(st.sets(st.sampled_from(addresses))) if addresses else set()
    for address in gone:
        made.vanish(address)
    before = dict(made.bought)
    plan = made.apply(declared)
    assert plan is not None
    assert dict(made.bought) == before, "what costs money is not bought again unasked"
    jobs = {a for a in gone if a.kind == "tuning_job"}
    assert jobs <= {b.address for b in plan.blocked}
    assert {d.address for d in plan.drift if d.gone} == gone
    heal(made, declared)
    assert_settled(made, declared)


@laws
@given(declarations(), declarations(), st.data(), seeds)
def test_an_edit_after_something_vanished_converges(declared, edited, data, seed):
    made = world(seed)
    made.apply(declared)
    for address in sorted(made.state.instances):
        if data.draw(st.booleans()):
            made.vanish(address)
    made.apply(edited)
    heal(made, edited)
    assert_settled(made, edited)


@laws
@given(declarations())
def test_a_change_by_hand_is_drift_and_is_undone(declared):
    made = world()
    made.apply(declared)
    touched = [a for a in made.state.instances if a.kind == "endpoint"]
    for address in touched:
        made.tamper(address)
    plan = made.plan(declared)
    assert [d.address for d in plan.drift] == sorted(touched)
    updated = {c.address for c in plan.changes if c.action is Action.UPDATE}
    assert set(touched) <= updated
    made.apply(declared)
    assert_settled(made, declared)


@laws
@given(histories, seeds)
def test_destroy_leaves_nothing(history, seed):
    made = world(seed)
    for declared in history:
        made.apply(declared)
    made.apply(history[-1], destroy=True)
    assert not made.objects
    assert not made.state.everything
    assert made.plan(history[-1], destroy=True).empty


@laws
@given(histories, st.integers(0, 40), seeds)
def test_a_killed_destroy_can_be_finished(history, stop, seed):
    made = world(seed)
    for declared in history:
        made.apply(declared)
    made.apply(history[-1], destroy=True, stop_after=stop)
    made.apply(history[-1], destroy=True)
    assert not made.objects
    assert not made.state.everything


@laws
@given(declarations(), declarations(), st.data())
def test_what_is_removed_without_destroy_is_forgotten_and_left_alone(first, second, data):
    made = world()
    made.apply(first)
    made.apply(second)
    present = sorted(a for a in made.state.instances if a.kind != "upload")
    spared = data.draw(st.sets(st.sampled_from(present))) if present else set()
    removed = tuple(Removed(address=a, destroy=False) for a in sorted(spared))
    there = {n for n in made.objects if n.address in spared}
    made.apply(Declaration(), removed=removed)
    assert set(made.objects) == there
    assert not made.state.everything


@laws
@given(declarations(fixed_names=True), declarations(fixed_names=True), seeds)
def test_fixed_names_never_tie_a_knot(first, second, seed):
    made = world(seed)
    made.apply(first)
    made.apply(second)
    heal(made, second)
    assert_settled(made, second)


@laws
@given(declarations(), declarations(), st.randoms())
def test_the_order_of_files_and_resources_changes_nothing(first, second, chance):
    made = world()
    made.apply(first)
    plan = made.plan(second)
    resources, outputs = list(second.resources), list(second.outputs)
    chance.shuffle(resources)
    chance.shuffle(outputs)
    state = replace(made.state, instances=shuffled(made.state.instances, chance))
    again = make_plan(
        Wish(resources=tuple(resources), outputs=tuple(outputs)), state, made.observed()
    )
    assert again == plan
    assert again.digest == plan.digest


@laws
@given(declarations(), declarations(), st.integers(1, 9))
def test_the_digest_ignores_the_serial_and_the_lineage(first, second, serial):
    made = world()
    made.apply(first)
    plan = made.plan(second)
    made.state = replace(made.state, serial=serial, lineage="another")
    assert made.plan(second).digest == plan.digest


@laws
@given(declarations(), declarations())
def test_the_digest_tells_different_changes_apart(first, second):
    one, two = world().plan(first), world().plan(second)
    assert (one.digest == two.digest) == (promised(one) == promised(two))


@laws
@given(declarations(), declarations(), fates)
def test_planning_on_a_record_brought_up_to_date_decides_the_same(first, second, fate):
    made = world()
    fated(made, dict.fromkeys("xyz", Status.PENDING))
    made.apply(first)
    fated(made, fate)
    made.time_passes()
    before = made.plan(second)
    entries = caught_up(made.state, second.resources, made.observed())
    event(f"caught up: {bool(entries)}")
    made.state = fold(made.state, entries)
    after = made.plan(second)
    assert waited_for(after).digest == waited_for(before).digest
    assert after.blocked == before.blocked
    assert not caught_up(made.state, second.resources, made.observed()), "once is enough"


@laws
@given(declarations(), declarations(), fates, st.booleans())
def test_a_stored_plan_is_the_same_plan_when_read_back(first, second, fate, gone):
    made = world()
    fated(made, fate)
    made.apply(first)
    for address in sorted(made.state.instances)[: 2 * gone]:
        made.vanish(address)
    made.apply(second, stop_after=3)
    plan = made.plan(second)
    event(f"to recover: {bool(plan.recover)}, blocked: {bool(plan.blocked)}")
    again = plan_from_tree(json.loads(json.dumps(plan_to_tree(plan))))
    assert again == plan
    assert again.digest == plan.digest


@laws
@given(declarations(), declarations())
def test_every_step_comes_after_what_it_needs(first, second):
    made = world()
    made.apply(first)
    plan = made.plan(second)
    found = steps(plan, made.state)
    place = {s.id: n for n, s in enumerate(found)}
    assert len(place) == len(found)
    for step in found:
        assert step.after <= place.keys()
        if step.verb is not Verb.DELETE and step.change.action is not Action.RECREATE:
            assert all(place[first] < place[step.id] for first in step.after)
    order = {c.address: n for n, c in enumerate(plan.changes) if c.after}
    for change in plan.changes:
        assert all(order[n] < order[change.address] for n in change.needs if n in order)


@laws
@given(declarations(), st.permutations("xyz"))
def test_a_move_alone_changes_no_object(declared, names):
    made = world()
    made.apply(declared)
    renamed = dict(zip("xyz", ("p", "q", "r"), strict=True))
    moved = tuple(
        Moved(before=Address.of("tuning_job", n), after=Address.of("tuning_job", renamed[n]))
        for n in names
        if n in declared.jobs
    )
    after = rename_jobs(declared, renamed)
    before = dict(made.bought)
    plan = made.plan(after, moved=moved)
    assert sorted(plan.moved) == sorted((m.before, m.after) for m in moved)
    assert not plan.changes
    made.apply(after, moved=moved)
    assert dict(made.bought) == before
    assert_settled(made, after)


@laws
@given(histories, seeds)
def test_a_journal_folded_entry_by_entry_is_always_a_valid_state(history, seed):
    made = world(seed)
    for declared in history:
        made.apply(declared)
    state = State(lineage="l", project="p", env="default")
    for entry in made.journal:
        state = fold(state, (entry,))
        assert fold(state, (entry,)) == state, "the same entry twice"
        assert all(a == i.address for a, i in state.instances.items())
        keys = [i.key for i in state.everything]
        assert len(set(keys)) == len(keys)
        ops = [i.op for i in state.intents]
        assert len(set(ops)) == len(ops)
    assert state == made.state
    assert not state.intents


def promised(plan: Plan) -> list[object]:
    return [
        (c.address, c.provider, c.deltas, c.after and c.after.fingerprint) for c in plan.changes
    ]


def waited_for(plan: Plan) -> Plan:
    """The plan without waits, which are over when the record says so."""
    return replace(plan, changes=tuple(c for c in plan.changes if c.action is not Action.WAIT))


def shuffled(mapping, chance):
    items = list(mapping.items())
    chance.shuffle(items)
    return dict(items)


def rename_jobs(declared: Declaration, names: dict[str, str]) -> Declaration:
    def new(name: str | None) -> str | None:
        return names[name] if name else None

    return Declaration(
        declared.datasets,
        {names[n]: replace(j, base=new(j.base)) for n, j in declared.jobs.items()},
        {n: replace(e, model=new(e.model)) for n, e in declared.endpoints.items()},
        {
            n: replace(t, model=new(t.model), waits_for=new(t.waits_for))
            for n, t in declared.templates.items()
        },
    )


def labels(made: World) -> set[tuple[str, str]]:
    """The world with ids replaced by what they mean."""
    objects = {i.id: i for i in made.objects.values()}

    def told(instance: Instance) -> str:
        uses = sorted(told(objects[n.id]) for n in instance.needs if n.id in objects)
        spec = {k: v for k, v in instance.spec.items() if "id" not in str(v)}
        return f"{instance.address} {instance.fingerprint} {spec} from {uses}"

    live = {i.key for i in made.state.instances.values()}
    return {("live" if i.key in live else "kept", told(i)) for i in made.objects.values()}
