"""Whose a remote object is, and what may be done about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.ports import Found, Mark
from tunectl.core.resource import Instance, Lifecycle, Need, Status
from tunectl.core.state import Forgotten, Intent, State
from tunectl.core.sweep import (
    Fate,
    Orphan,
    Outcome,
    Standing,
    Swept,
    claims,
    fate,
    judged,
    swept,
    user_of,
)
from tunectl.core.value import Address

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, YOUNG = "2026-11-20T08:00:00+00:00", "2026-11-22T11:30:00+00:00"


def instance(kind: str, id_: str, **changes) -> Instance:
    made = Instance(
        address=Address.of(kind, "a"), provider="p", account="acc", id=id_, spec={}, op=f"op-{id_}"
    )
    return replace(made, **changes)


def mark(id_: str, kind: str = "tuning_job", lineage: str = "ours", env: str = "default") -> Mark:
    return Mark(
        lineage=lineage, project="x", env=env, address=Address.of(kind, "a"), op=f"op-{id_}"
    )


def job(id_: str, lineage: str = "ours", created: str = OLD, **changes) -> Found:
    model = {"job_id": id_, "model_id": f"ft:{id_}"}
    there = instance("tuning_job", id_, **{"outputs": model, **changes})
    return Found(instance=there, mark=mark(id_, lineage=lineage), created_at=created)


def file(id_: str, op: str | None = None, created: str = OLD) -> Found:
    there = instance("upload", id_, op=f"op-{id_}" if op is None else op)
    return Found(instance=there, created_at=created)


def alias(id_: str, model: str, lineage: str = "ours") -> Found:
    there = instance("endpoint", id_, spec={"model": model}, outputs={"model_id": id_})
    return Found(instance=there, mark=mark(id_, "endpoint", lineage), created_at=OLD)


def state(*instances: Instance, env: str = "default", lineage: str = "ours", **more) -> State:
    return State(
        lineage=lineage,
        project="x",
        env=env,
        instances={i.address._replace(key=str(n)): i for n, i in enumerate(instances)},
        **more,
    )


def standing(found: Found, *states: State, beside: tuple[Found, ...] = (), **more) -> Standing:
    return judged((found, *beside), claims(states, **more))[0].standing


def test_what_a_state_holds_is_managed():
    assert standing(job("j"), state(instance("tuning_job", "j"))) is Standing.MANAGED


def test_what_another_environment_holds_is_managed():
    prod = state(instance("tuning_job", "j"), env="prod", lineage="prods")
    assert standing(job("j"), state(), prod) is Standing.MANAGED


def test_what_is_superseded_is_managed():
    old = state(superseded=(instance("tuning_job", "j"),))
    assert standing(job("j"), old) is Standing.MANAGED


def test_what_an_open_step_may_have_made_is_managed():
    intent = Intent(op="op-j", action="create", address=Address.of("tuning_job", "a"), provider="p")
    assert standing(job("j"), state(intents=(intent,))) is Standing.MANAGED


def test_what_an_environment_says_it_uses_is_managed():
    assert standing(job("j"), state(), shared=["j"]) is Standing.MANAGED


def test_our_mark_in_no_state_is_an_orphan():
    assert standing(job("j"), state()) is Standing.ORPHAN


def test_the_mark_of_another_lineage_is_unclaimed():
    assert standing(job("j", lineage="theirs"), state()) is Standing.UNCLAIMED


def test_a_lineage_that_only_the_past_knows_is_not_held():
    past = [state(instance("tuning_job", "j", op="x"), lineage="before")]
    assert standing(job("j", lineage="before"), state(), past=past) is Standing.UNCLAIMED


def test_what_carries_no_mark_is_not_ours():
    assert standing(file("f", op=""), state()) is Standing.OTHER


def test_a_file_of_which_nothing_tells_whose_it_is_is_unclaimed():
    assert standing(file("f"), state()) is Standing.UNCLAIMED


def test_a_file_that_an_older_state_knew_is_an_orphan():
    past = [state(instance("upload", "f"))]
    assert standing(file("f"), state(), past=past) is Standing.ORPHAN


def test_a_file_that_our_job_was_made_from_is_an_orphan():
    user = job("j", needs=(Need(Address.of("upload", "training_file"), "f"),))
    assert standing(file("f"), state(), beside=(user,)) is Standing.ORPHAN


def test_a_file_that_jobs_of_two_lineages_were_made_from_is_nobody_s():
    need = (Need(Address.of("upload", "training_file"), "f"),)
    users = (job("j", needs=need), job("k", lineage="theirs", needs=need))
    assert standing(file("f"), state(), beside=users) is Standing.UNCLAIMED


def test_what_carries_a_name_like_ours_and_no_operation_stays_even_when_our_job_used_it():
    user = job("j", needs=(Need(Address.of("upload", "training_file"), "f"),))
    assert standing(file("f", op=""), state(), beside=(user,)) is Standing.OTHER


@pytest.mark.parametrize(
    ("orphan", "expected"),
    [
        (job("j"), Fate.DELETE),
        (job("j", status=Status.PENDING), Fate.CANCEL),
        (job("j", status=Status.FAILED), Fate.RECORD),
        (job("j", status=Status.CANCELLED), Fate.RECORD),
        (job("j", created=YOUNG), Fate.YOUNG),
        (job("j", created=""), Fate.YOUNG),
        (job("j", created="yesterday"), Fate.YOUNG),
        (job("j", created="2026-11-20T08:00:00"), Fate.DELETE),
        (file("f"), Fate.DELETE),
    ],
)
def test_the_fate_of_an_orphan(orphan, expected):
    assert fate(orphan, "", NOW, HOUR) is expected


def test_what_is_in_use_stays():
    assert fate(job("j"), "endpoint.a", NOW, HOUR) is Fate.USED


@pytest.mark.parametrize(
    ("life", "why"),
    [
        (Lifecycle(keep_on_destroy=True), "`keep_on_destroy`"),
        (Lifecycle(protect=True), "`protect`"),
    ],
)
def test_what_an_older_state_kept_on_purpose_stays(life, why):
    past = [state(instance("tuning_job", "j", lifecycle=life))]
    [orphan] = swept((job("j"),), claims([state()], past), NOW, HOUR).orphans
    assert (orphan.fate, orphan.why) == (Fate.KEPT, why)


def test_every_reason_that_spares_an_orphan_is_said_at_once():
    kept = state(instance("tuning_job", "j", lifecycle=Lifecycle(keep_on_destroy=True)))
    held = state(instance("endpoint", "record-1", spec={"model": "ft:j"}), env="prod")
    held = replace(held, forgotten=(Forgotten("a", "j"),))
    one = job("j", created=YOUNG)
    [orphan] = swept((one,), claims([held], [kept]), NOW, HOUR).orphans
    assert orphan.why == (
        "forgotten on purpose (`--forgotten` includes it), `keep_on_destroy`, "
        "in use by endpoint.a (prod)"
    )
    assert (orphan.fate, orphan.young) == (Fate.KEPT, True)
    [asked] = swept((one,), claims([held], [kept], forgotten=True), NOW, HOUR).orphans
    assert asked.why == "`keep_on_destroy`, in use by endpoint.a (prod)"


def test_a_model_that_a_recorded_endpoint_names_is_in_use():
    held = state(instance("endpoint", "record-1", spec={"model": "ft:j"}), env="prod")
    assert user_of(job("j"), (), claims([held])) == "endpoint.a (prod)"


def test_a_model_that_any_alias_stands_for_is_in_use():
    assert user_of(job("j"), (alias("chat", "ft:j", "theirs"),), claims([])) == "chat"


def test_a_file_is_in_use_only_while_a_job_runs():
    need = (Need(Address.of("upload", "training_file"), "f"),)
    running = job("j", status=Status.PENDING, needs=need)
    assert user_of(file("f"), (running,), claims([])) == "running j"
    assert user_of(file("f"), (job("j", needs=need),), claims([])) == ""


def test_a_model_from_which_a_running_job_goes_on_is_in_use():
    need = (Need(Address.of("model", "base_model"), "ft:j"),)
    assert user_of(job("j"), (job("k", status=Status.PENDING, needs=need),), claims([]))


def test_a_recorded_job_holds_its_file_only_until_it_ends():
    spec = {"training_file": "f"}
    for status, held in ((Status.PENDING, True), (Status.READY, False)):
        recorded = state(instance("tuning_job", "j", spec=spec, status=status))
        assert bool(user_of(file("f"), (), claims([recorded]))) is held


def test_what_stands_for_a_model_goes_before_the_model_and_the_model_before_its_files():
    need = (Need(Address.of("upload", "training_file"), "f"),)
    found = (file("f"), job("j", status=Status.PENDING, needs=need), alias("chat", "ft:j"))
    made = swept(found, claims([state()]), NOW, HOUR)
    assert [o.found.instance.id for o in made.doomed] == ["chat", "j", "f"]


def test_an_alias_that_stays_keeps_its_model():
    used = state(instance("prompt_template", "t", spec={"model": "chat"}))
    made = swept((alias("chat", "ft:j"), job("j")), claims([used]), NOW, HOUR)
    assert [(o.fate, o.why) for o in made.orphans] == [
        (Fate.USED, "prompt_template.a (default)"),
        (Fate.USED, "chat"),
    ]


def test_an_alias_of_another_account_holds_nothing():
    far = alias("chat", "ft:j", "theirs")
    far = replace(far, instance=replace(far.instance, account="elsewhere"))
    made = swept((far, job("j")), claims([state()]), NOW, HOUR)
    assert [o.found.instance.id for o in made.doomed] == ["j"]


def test_the_rest_is_counted_by_kind():
    found = (file("f", op=""), file("g", op=""), job("m"), job("k", lineage="theirs"))
    made = swept(found, claims([state(instance("tuning_job", "m"))]), NOW, HOUR)
    assert (made.managed, dict(made.others), len(made.unclaimed)) == (1, {"upload": 2}, 1)


LINEAGES = st.sampled_from(["ours", "theirs", "before"])
FOUND = st.builds(
    lambda n, lineage, status, created: job(f"j{n}", lineage, created, status=status),
    st.integers(0, 5),
    LINEAGES,
    st.sampled_from(list(Status)),
    st.sampled_from([OLD, YOUNG, ""]),
)


@given(
    found=st.lists(FOUND, max_size=8, unique_by=lambda f: f.instance.id),
    recorded=st.lists(st.integers(0, 5), max_size=4, unique=True),
    open_=st.lists(st.integers(0, 5), max_size=2),
)
def test_nothing_is_ever_doomed_that_a_state_holds_or_that_is_not_of_a_held_lineage(
    found, recorded, open_
):
    intents = tuple(
        Intent(op=f"op-j{n}", action="create", address=Address.of("tuning_job", "a"), provider="p")
        for n in open_
    )
    held = state(*(instance("tuning_job", f"j{n}") for n in recorded), intents=intents)
    made = swept(found, claims([held]), NOW, HOUR)
    kept = {f"j{n}" for n in (*recorded, *open_)}
    for orphan in made.doomed:
        assert orphan.found.instance.id not in kept
        assert orphan.found.mark is not None
        assert orphan.found.mark.lineage == "ours"
        assert orphan.found.created_at == OLD
    total = made.managed + len(made.orphans) + len(made.unclaimed) + sum(made.others.values())
    assert total == len(found)


@pytest.mark.parametrize(
    ("outcomes", "problems", "expected"),
    [
        ([], [], Exit.DONE),
        ([Outcome.DELETED, Outcome.KEPT], [], Exit.DONE),
        ([Outcome.DELETED, Outcome.FAILED], [], Exit.PARTIAL),
        ([Outcome.FAILED], [], Exit.ERROR),
        ([Outcome.DELETED], [Exit.CREDENTIALS], Exit.CREDENTIALS),
    ],
)
def test_the_exit_code(outcomes, problems, expected):
    orphans = tuple(
        Orphan(found=job("j"), fate=Fate.DELETE, outcome=o, exit=Exit.ERROR) for o in outcomes
    )
    said = tuple(Diagnostic(summary="x", exit=code) for code in problems)
    assert Swept(project="x", orphans=orphans, problems=said).exit is expected
