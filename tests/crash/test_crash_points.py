"""Killed before, during and after every durable or remote action, the next apply converges."""

from __future__ import annotations

import random
from functools import partial

import pytest

from tests.crash.judge import KILLED, fail_with_all, problems, steps_after
from tests.crash.recorded import command
from tests.crash.worlds import WORLDS

SHARDS = 12
ALSO = 60  # points that a larger project reaches, too, drawn by a seed
LOCAL, CREATING = ("outputs", "prompt"), ("job", "endpoint")
NEAR_A_CREATE = ("POST", "PUT", "[began create", "[made")


def killed_at(nursery, point):
    """Kill a world's command at a point, go on, and return what is wrong."""
    world, name, number = point
    seen = nursery.case(
        world,
        {**command(world), "arm": [name, number]},
        *steps_after(WORLDS[world]),
        read=WORLDS[world].artefacts,
    )
    found = problems(world, seen)
    if seen["steps"][0]["code"] != KILLED:
        found.append(f"it was not reached: {seen['steps'][0]}")
    return [f"killed in `{world}` at `{name}` #{number}: {text}" for text in found]


@pytest.fixture
def all_well(nursery, record_property):
    """Kill at each point, and fail with all that went wrong."""

    def check(each):
        record_property("killed at a point", len(each))
        fail_with_all(each, partial(killed_at, nursery))

    return check


def quick(recorded):
    """Every point around a create, and every second one of what touches nothing remote."""
    points = recorded.points()
    local = [point for point in points if point[0] in LOCAL]
    near = [
        point
        for point in points
        if point[0] in CREATING and any(text in point[1] for text in NEAR_A_CREATE)
    ]
    return [*near, *local[::2]]


@pytest.mark.parametrize("shard", range(4))
def test_a_kill_around_a_create_or_a_write_converges(all_well, recorded, shard):
    points = quick(recorded)
    assert len(points) > 80
    all_well(points[shard::4])


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_every_other_point_converges(all_well, recorded, shard):
    done = set(quick(recorded))
    points = [point for point in recorded.points() if point not in done]
    all_well(points[shard::SHARDS])


@pytest.mark.slow
@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_kill_at_points_of_larger_projects_converges(all_well, recorded, shard):
    points = random.Random(shard).sample(recorded.others(), ALSO // SHARDS)
    all_well(points)
