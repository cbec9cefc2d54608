"""The two counts that are printed are those of this code, and what is counted can fail."""

from __future__ import annotations

import pytest

from tests.crash.cases import FAULTS, STALE, TIMES
from tests.crash.judge import KILLED, problems, steps_after
from tests.crash.recorded import README, command, printed, written
from tests.crash.worlds import WORLDS

REFRESH = "write it anew with `python -m tests.crash.recorded`"


def test_the_committed_counts_are_those_of_the_code(recorded, record_property):
    counts = recorded.counts()
    for what, found in counts.items():
        record_property(what, found["total"])
    assert written() == counts, REFRESH


def test_the_readme_prints_the_committed_counts():
    text = README.read_text(encoding="utf-8")
    for what, found in written().items():
        assert f"{found['total']} {what}" in text, REFRESH
    assert printed(text, written()) == text, REFRESH


def test_a_recording_is_the_same_every_time(nursery, recorded):
    for world in ("let go", "replace"):
        again = nursery.case(world, {**command(world), "record": True})
        assert sorted(again["steps"][0]["points"]) == sorted(recorded.passed[world])


def test_each_point_is_killed_once(recorded):
    points = [(name, number) for _, name, number in recorded.points()]
    assert len(points) == len(set(points))
    assert {point[1] for point in recorded.others()} <= {name for name, _ in points}


def test_every_create_meets_every_fault_and_every_sort_of_call_every_fault(recorded):
    cases = recorded.cases()
    created = {(call, fault) for case in cases["create"] for call, fault, _ in case.wrongs}
    creates = {call for found in recorded.calls.values() for call in found if call.creates}
    assert created == {(call, fault) for call in creates for fault in FAULTS}
    elsewhere = [wrong for case in cases["pairwise"] for wrong in case.wrongs]
    sorts = {call.sort for call, _, _ in elsewhere}
    assert {"alias", "chat", "delete", "list", "poll", "get", "health"} <= sorts
    assert {(c.sort, f) for c, f, _ in elsewhere} == {(s, f) for s in sorts for f in FAULTS}
    assert {(c.sort, t) for c, _, t in elsewhere} == {(s, t) for s in sorts for t in TIMES}
    assert {(f, t) for _, f, t in elsewhere} == {(f, t) for f in FAULTS for t in TIMES}


def test_a_command_that_never_looks_for_what_it_began_is_found_out(nursery):
    site = "providers.wire.tuning_job.<lambda> POST /v1/fine_tuning/jobs: answered, unread"
    again, plan = steps_after(WORLDS["job"])
    seen = nursery.case(
        "job", {**command("job"), "arm": [site, 1]}, {**again, "mutant": "blind"}, plan
    )
    assert seen["steps"][0]["code"] == KILLED
    assert any("jobs ever created" in text for text in problems("job", seen))


@pytest.mark.parametrize("mutant", [{}, {"mutant": "hasty"}], ids=["as it is", "hasty"])
def test_a_job_that_a_lagging_list_does_not_show_yet_is_bought_twice_only_by_the_hasty(
    nursery, mutant
):
    """Killed when the job was made and not recorded; the next apply comes at once."""
    site = "providers.wire.tuning_job.<lambda> POST /v1/fine_tuning/jobs: answered, unread"
    again, plan = steps_after(WORLDS["openai"])
    seen = nursery.case(
        "openai",
        {**command("openai"), "arm": [site, 1]},
        {**again, **mutant},
        plan,
        rules=[STALE],
        lasting=True,
    )
    assert seen["steps"][0]["code"] == KILLED
    found = problems("openai", seen)
    assert "stale" in {request["fault"] for request in seen["requests"]}
    assert any("jobs ever created" in text for text in found) == bool(mutant), found
    assert bool(mutant) or not found


def test_a_client_that_repeats_a_create_is_found_out(nursery):
    rule = {"how": "status", "after": True, "method": "POST", "path": "/v1/fine_tuning/jobs"}
    first = {**command("job"), "mutant": "insistent"}
    seen = nursery.case("job", first, *steps_after(WORLDS["job"]), rules=[rule])
    found = problems("job", seen)
    assert any("was sent 2 times" in text for text in found), found
    assert any("jobs ever created" in text for text in found), found
