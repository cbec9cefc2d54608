"""What bills by the hour, asked or not, is said before it is bought, and never guessed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import pytest

from tunectl.app.renting import with_rent
from tunectl.core.diff import Delta
from tunectl.core.plan import Action, Cause, Change
from tunectl.core.project import Project, Provided
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Plain, Ref, Value

JOB = Address.of("tuning_job", "support")
ADDRESS = Address.of("endpoint", "support")
NOVA = "amazon.nova-lite-v1:0:300k"
MACHINES: dict[str, Value] = {
    "machine_type": "g2-standard-12",
    "accelerator": {"type": "NVIDIA_L4", "count": 2},
    "replicas": {"min": 2, "max": 5},
}
UNITS: dict[str, Value] = {"serving": "provisioned", "model_units": 3}


def planned(
    type_: str,
    spec: dict[str, Value],
    prices: dict[str, Plain] | None = None,
    action: Action = Action.CREATE,
    *touched: str,
) -> Change:
    """A change of an endpoint for a tuned model, as it is priced."""
    job = Resource(address=JOB, provider="p", spec={"base_model": NOVA})
    endpoint = Resource(
        address=ADDRESS, provider="p", spec={"model": Ref(JOB, ("model_id",)), **spec}
    )
    project = Project(
        name="x",
        env="default",
        root=".",
        providers={"p": Provided(name="p", type=type_, settings={})},
        resources=(job, endpoint),
        prices={"p": prices or {}},
    )
    deltas = tuple(Delta(path=(name,), before=1, after=2) for name in touched)
    change = Change(
        address=ADDRESS,
        provider="p",
        action=action,
        cause=Cause.NEW,
        after=endpoint,
        deltas=deltas,
    )
    return with_rent(project, change)


OURS: dict[str, Plain] = {
    "g2-standard-12": {"hour": "1.00 USD", "source": "our contract"},
    "NVIDIA_L4": {"hour": "0.25 USD"},
}


def test_the_fewest_machines_are_counted_with_their_accelerators():
    change = planned("vertex", MACHINES, OURS)
    assert change.estimate is not None
    assert change.estimate.idle == Decimal("2190.00")  # 2 * (1 + 2 * 0.25), 730 hours
    assert change.notes == ("machines: 3.00 USD for each hour, used or not (our contract)",)


def test_model_units_bill_by_the_hour_and_nobody_publishes_for_how_much():
    change = planned("bedrock", UNITS)
    assert change.estimate is not None
    assert not change.estimate.known
    [why] = change.estimate.unknown
    assert "bills model units by the hour" in why
    assert f'`prices: {{p: {{"{NOVA}": {{hour: 1.23 USD}}}}}}`' in why


def test_model_units_cost_what_the_project_says_of_their_base():
    change = planned("bedrock", UNITS, {NOVA: {"hour": "20 USD", "source": "our contract"}})
    assert change.estimate is not None
    assert change.estimate.idle == Decimal("43800.00")
    assert change.notes == ("model units: 60 USD for each hour, used or not (our contract)",)


def test_a_deployment_by_the_token_bills_nothing_by_the_hour():
    change = planned("bedrock", {"serving": "on_demand"})
    assert change.estimate is None
    assert change.notes == ()


@pytest.mark.parametrize("touched", ["machine_type", "replicas", "accelerator", "spot"])
def test_other_machines_in_place_say_their_price_and_add_nothing_to_the_bill(touched):
    change = planned("vertex", MACHINES, OURS, Action.UPDATE, touched)
    assert change.estimate is None
    assert change.notes == ("machines: 3.00 USD for each hour, used or not (our contract)",)
    [unknown] = planned("vertex", MACHINES, {}, Action.UPDATE, touched).notes
    assert unknown.startswith("what it costs from now on is unknown (")


def test_what_leaves_the_machines_as_they_are_says_nothing_of_money():
    change = planned("vertex", MACHINES, OURS, Action.UPDATE, "canary")
    assert (change.estimate, change.notes) == (None, ())


def test_prices_in_two_currencies_are_not_added():
    two = OURS | {"NVIDIA_L4": {"hour": "1 PLN"}}
    change = planned("vertex", MACHINES, two)
    assert change.estimate is not None
    assert "are in two currencies" in change.estimate.unknown[0]
    assert with_rent(
        Project(name="x", env="default", root="."), replace(change, provider="q")
    ) == replace(change, provider="q")


@pytest.mark.parametrize(
    "module", ["tunectl.app.renting", "tunectl.app.applying", "tunectl.cli.apply_command"]
)
def test_an_apply_of_a_kept_declaration_imports_nothing_that_reads_one(module):
    """What reads and checks a declaration is a third of a small apply."""
    code = f"import {module}, sys; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"pydantic", "yaml", "jinja2", "tunectl.config.drafts"} & set(found)
    assert not {"typing_extensions", "tunectl.views.json_events"} & set(found)
