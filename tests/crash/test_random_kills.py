"""Killed at random, again and again: the state is always readable, nothing acknowledged is lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.crash.judge import KILLED, acknowledged, there_problems
from tests.crash.worlds import JOB_ADDRESS, WORLDS

FAST, SLOW = 40, 1000
SHARDS = 2
CHAINS = 10
ENDS = {0, KILLED}


def survives(nursery, seed, kills):
    """Run one chain of kills and return how many there were."""
    seen = nursery.chain(seed, kills)
    alive: dict[str, str] = {}
    for number, step in enumerate(seen["seen"]):
        told = f"kill {number} of seed {seed}: {step['out'][-1500:]}\n{step['err']}"
        assert step["code"] in ENDS, told
        assert "error" not in step["state"], f"{step['state']}\n{told}"
        known = {id_ for _, id_ in step["state"]["ids"]}
        alive |= {id_: address for address, id_ in acknowledged(step["out"])}
        missing = alive.keys() - known
        lost = missing & set(step["there"]["ids"])
        assert not lost, f"acknowledged and in no state: {lost}\n{told}"
        # What was replaced and deleted meanwhile is rightly in neither.
        for id_ in missing:
            assert not alive[id_].startswith("dataset."), told
            del alive[id_]
    done, plan = seen["steps"]
    assert done["code"] == 0, done
    assert plan["out"].startswith("No changes."), plan
    versions = seen["versions"]
    world = replace(WORLDS["all"], epochs=versions, jobs_ever={JOB_ADDRESS: versions})
    assert not list(there_problems(world, seen["there"])), seen["there"]
    return seen["kills"]


@pytest.mark.parametrize("shard", range(SHARDS))
def test_forty_random_kills_lose_nothing(nursery, shard, record_property):
    kills = survives(nursery, shard, FAST // SHARDS)
    record_property("killed at random", kills)
    assert kills >= FAST // SHARDS


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 100 + CHAINS))
def test_a_thousand_random_kills_lose_nothing(nursery, seed, record_property):
    kills = survives(nursery, seed, SLOW // CHAINS)
    record_property("killed at random", kills)
    assert kills >= SLOW // CHAINS
