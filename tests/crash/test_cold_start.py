"""Killed while it makes the local server's folder and starts the server, the next apply converges.

Here nothing runs before: the first command makes the identity of the folder, starts the server as a
process of its own and leaves it running, in its full time.
"""

from __future__ import annotations

import pytest

from tests.crash.judge import KILLED, fail_with_all, problems, steps_after
from tests.crash.recorded import command
from tests.crash.worlds import WORLDS

pytestmark = pytest.mark.slow  # each starts real processes, one after the other

STARTS = "providers.local."
SHARDS = 4


@pytest.fixture(scope="module")
def points(nursery):
    """What a first apply does until its server answers, each with its number among its like."""
    seen = nursery.case("job", {**command("job"), "record": True}, cold=True)
    assert seen["steps"][0]["code"] == 0, seen["steps"][0]
    passed = [name for name in seen["steps"][0]["points"] if name.startswith(STARTS)]
    return [(name, passed[: n + 1].count(name)) for n, name in enumerate(passed)]


def test_a_first_apply_makes_an_identity_and_starts_a_process(points):
    said = " ".join(name for name, _ in points)
    for part in ("replace account.json", "start a process: before", "start a process: after"):
        assert part in said


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_while_the_server_is_started_converges(nursery, points, shard, record_property):
    def killed(point):
        first = {**command("job"), "arm": list(point)}
        seen = nursery.case("job", first, *steps_after(WORLDS["job"]), cold=True)
        if seen["steps"][0]["code"] != KILLED:
            yield f"`{point}` was not reached: {seen['steps'][0]}"
        yield from (f"killed at `{point}`: {text}" for text in problems("job", seen))

    mine = points[shard::SHARDS]
    record_property("killed at a point", len(mine))
    fail_with_all(mine, killed)
