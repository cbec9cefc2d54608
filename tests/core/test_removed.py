"""`removed` blocks: which recorded objects they speak of."""

from __future__ import annotations

import pytest

from tunectl.core.plan import Action
from tunectl.core.planner import make_plan
from tunectl.core.project import Removed
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.core.wish import Wish

KEYS = (None, "pl", "ru")


def actions(*removed: Removed) -> dict[str, Action]:
    made = [
        Instance(
            address=Address.of("tuning_job", name, key=key),
            provider="local",
            account="a",
            id=f"{name}-{key}",
            spec={},
        )
        for name in ("old", "older")
        for key in KEYS
    ]
    state = State(lineage="l", project="p", env="e", instances={i.address: i for i in made})
    plan = make_plan(Wish(removed=removed), state, {i.address: i for i in made})
    return {str(c.address): c.action for c in plan.changes}


def test_an_address_without_a_key_speaks_of_every_key():
    found = actions(Removed(address=Address.of("tuning_job", "old"), destroy=False))
    kept = {name for name, action in found.items() if action is Action.FORGET}
    assert kept == {"tuning_job.old", 'tuning_job.old["pl"]', 'tuning_job.old["ru"]'}
    assert {a for n, a in found.items() if n not in kept} == {Action.DELETE}


@pytest.mark.parametrize("destroy", [True, False])
def test_an_address_with_a_key_speaks_of_that_one(destroy):
    found = actions(Removed(address=Address.of("tuning_job", "old", key="pl"), destroy=destroy))
    kept = [name for name, action in found.items() if action is Action.FORGET]
    assert kept == ([] if destroy else ['tuning_job.old["pl"]'])
