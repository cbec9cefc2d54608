"""Hindered in every way a network has, a create happens once, and the next apply converges."""

from __future__ import annotations

import re
from functools import partial

import pytest

from tests.crash.cases import FAULTS, STALE
from tests.crash.judge import fail_with_all, looked_before_another, problems, steps_after
from tests.crash.recorded import command
from tests.crash.worlds import WORLDS

SHARDS = 12
QUICK = ("job", "endpoint")
# The commands may fail as their exit codes say, and never in another way.
ENDS = {0, 1, 7}


def hindered(nursery, case):
    """Let a world's command meet the faults of a case, go on, and return what is wrong."""
    seen = nursery.case(
        case.world,
        {**command(case.world), **case.step()},
        *steps_after(WORLDS[case.world]),
        rules=case.rules(),
        read=WORLDS[case.world].artefacts,
    )
    first = seen["steps"][0]
    found = problems(case.world, seen)
    for path in ("/v1/files", "/v1/fine_tuning/jobs"):
        found += looked_before_another(seen, path)
    if first["code"] not in ENDS:
        found.append(f"it ended with {first['code']}: {first['out'][-400:]}{first['err']}")
    met = {request["fault"] for request in seen["requests"]}
    found += [
        f"{rule['how']} was not met"
        for rule in case.rules()
        if rule["how"] not in met and len(case.wrongs) == 1
    ]
    if all(fault == "slow" for _, fault, _ in case.wrongs) and first["code"] != 0:
        found.append(f"slow is no failure: {first['err']}")
    return [f"{case}: {text}" for text in found]


@pytest.fixture
def all_well(nursery, record_property):
    """Hinder each, and fail with all that went wrong."""

    def check(each):
        record_property("hindered by a fault", len(each))
        fail_with_all(each, partial(hindered, nursery))

    return check


def quick(case):
    return case.world in QUICK


@pytest.mark.parametrize("shard", range(4))
def test_every_fault_at_a_create_leaves_exactly_one_object(all_well, recorded, shard):
    cases = [case for case in recorded.cases()["create"] if quick(case)]
    assert len(cases) == 57
    all_well(cases[shard::4])


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_every_fault_at_the_creates_of_larger_projects(all_well, recorded, shard):
    cases = [case for case in recorded.cases()["create"] if not quick(case)]
    all_well(cases[shard::SHARDS])


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("why", ["pairwise", "drawn", "doubled"])
def test_faults_elsewhere_and_two_at_once(all_well, recorded, why, shard):
    all_well(recorded.cases()[why][shard::SHARDS])


def posts_of_jobs(nursery, status: int, times: int) -> list[dict]:
    rule = {"how": "status", "status": status, "method": "POST", "path": ".*jobs", "times": times}
    seen = nursery.case("job", command("job"), rules=[rule])
    made = [(r["method"], r["path"], r) for r in seen["requests"]]
    return [r for method, path, r in made if (method, path) == ("POST", "/v1/fine_tuning/jobs")]


def test_no_create_is_repeated_by_the_sdk(nursery):
    """Its default would: two repetitions, at once, each of them a paid job."""
    marks = [mark for post in posts_of_jobs(nursery, 503, 9) for mark in post["marks"]]
    assert marks
    assert len(marks) == len(set(marks))


def test_a_create_that_was_one_too_many_is_sent_again_by_us_alone(nursery):
    """Once for each pause, not three times: the SDK's own repetitions are off here too."""
    statuses = [post["status"] for post in posts_of_jobs(nursery, 429, 3)]
    assert statuses == [429, 429, 429, 200]


def test_what_may_have_been_made_is_looked_for_and_found_in_the_same_command(nursery):
    rule = {"how": "lost", "after": True, "method": "POST", "path": "/v1/fine_tuning/jobs"}
    seen = nursery.case("job", command("job"), {"args": ["plan"]}, rules=[rule])
    first, plan = seen["steps"]
    assert first["code"] == 0, first
    assert re.search(r"tuning_job.support: Creation complete", first["out"])
    assert plan["out"].startswith("No changes.")
    assert seen["there"]["jobs_ever"] == {"tuning_job.support": 1}


@pytest.mark.parametrize("fault", ["reset after", "reply lost", "500 after", "truncated"])
def test_a_reply_that_is_lost_where_lists_lag_buys_nothing_twice(nursery, fault):
    """The look in the same command sees nothing yet; the next apply waits until it can."""
    lost = {**FAULTS[fault], "method": "POST", "path": "/v1/fine_tuning/jobs"}
    after = steps_after(WORLDS["openai"])
    seen = nursery.case("openai", command("openai"), *after, rules=[lost, STALE], lasting=True)
    assert seen["steps"][0]["code"] in {0, 1, 7}
    assert not problems("openai", seen)
    assert {"stale", lost["how"]} <= {request["fault"] for request in seen["requests"]}


@pytest.mark.parametrize("how", ["senseless", "half"])
def test_events_that_make_no_sense_stop_no_wait(nursery, how):
    rule = {"how": how, "method": "GET", "path": ".*/events", "times": 9}
    seen = nursery.case("openai", command("openai"), *steps_after(WORLDS["openai"]), rules=[rule])
    assert seen["steps"][0]["code"] == 0, seen["steps"][0]
    assert not problems("openai", seen)
    assert {request["fault"] for request in seen["requests"]} == {None, how}
