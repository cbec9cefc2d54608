"""How money is shown: rounded once, with its range, and `unknown` where nobody knows."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from tunectl.core.money import Estimate, unknown
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.value import Address
from tunectl.views.human_plan import plan_text
from tunectl.views.json_plan import plan_tree
from tunectl.views.markdown import plan_markdown
from tunectl.views.money import cost_sentence, cost_summary, money

NO_PRICE = "no price is known for training on `azure:gpt-4.1-mini`"


def usd(low, likely, high, **more):
    amounts = {"low": Decimal(low), "likely": Decimal(likely), "high": Decimal(high)}
    return Estimate(**amounts, currency="USD", **more)


WIDE = usd("8.1", "12.4", "14.899")


def change(estimate, name="support", cause=Cause.NEW):
    action = Action.ADOPT if cause is Cause.REUSED else Action.CREATE
    address = Address.of("tuning_job", name)
    return Change(address=address, provider="openai", action=action, cause=cause, estimate=estimate)


def plan(*changes):
    return Plan(lineage="l", serial=1, project="helpdesk", env="prod", changes=changes)


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (WIDE, "~ 12.40 USD (8.10 to 14.90)"),
        (usd("1.2446", "1.2447", "1.2448"), "~ 1.24 USD"),
        (usd("0.001", "0.004", "0.02"), "~ under 0.01 USD (under 0.01 to 0.02)"),
        (usd("4665", "4665", "12000"), "~ 4,665.00 USD (4,665.00 to 12,000.00)"),
        (unknown(NO_PRICE), f"unknown ({NO_PRICE})"),
        (WIDE + unknown("the hosting"), "~ 12.40 USD (8.10 to 14.90), and unknown: the hosting"),
    ],
)
def test_an_estimate_in_words(estimate, text):
    assert money(estimate) == text


def test_a_job_says_what_it_costs_and_the_end_what_all_cost():
    made = plan(
        change(WIDE), change(usd("1", "2", "3"), "other"), change(unknown(NO_PRICE), "third")
    )
    text = plan_text(made)
    assert "      # training costs ~ 12.40 USD (8.10 to 14.90)" in text
    assert f"      # training costs unknown ({NO_PRICE})" in text
    assert text.endswith(
        "Plan: 3 to add, 0 to change, 0 to destroy.\n"
        "Cost: ~ 14.40 USD (9.10 to 17.90) for training; unknown for 1 tuning job."
    )
    assert "**Cost: \\~ 14.40 USD" in plan_markdown(made)


def test_what_is_reused_is_saved_and_not_spent():
    made = plan(change(WIDE, cause=Cause.REUSED), change(None, "local"))
    assert cost_sentence(made.changes[0]) == "reuse saves ~ 12.40 USD (8.10 to 14.90)"
    assert cost_summary(made) == "Cost: ~ 12.40 USD (8.10 to 14.90) saved by reuse."
    tree = plan_tree(made)
    assert "cost" not in tree
    assert tree["resource_changes"][0]["saves"]["likely"] == "12.40"


def test_two_currencies_are_shown_beside_each_other():
    euros = replace(WIDE, currency="EUR")
    assert cost_summary(plan(change(WIDE), change(euros, "other"))) == (
        "Cost: ~ 12.40 USD (8.10 to 14.90) + ~ 12.40 EUR (8.10 to 14.90) for training."
    )


def test_a_plan_without_costs_says_nothing_of_money():
    made = plan(change(None))
    assert cost_summary(made) == cost_sentence(made.changes[0]) == ""
    assert "cost" not in plan_tree(made)["resource_changes"][0]


def test_the_json_plan_has_the_range_and_what_is_unknown():
    tree = plan_tree(plan(change(WIDE), change(unknown(NO_PRICE), "other")))
    first, second = tree["resource_changes"]
    assert first["cost"] == {
        "low": "8.10",
        "likely": "12.40",
        "high": "14.90",
        "currency": "USD",
        "unknown": [],
    }
    assert second["cost"]["unknown"] == [NO_PRICE]
    assert tree["cost"] == [{**first["cost"], "unknown": [NO_PRICE]}]


KEPT = Estimate(idle=Decimal("9.125"), currency="USD")


def base(estimate, name):
    return replace(change(estimate), address=Address.of("knowledge_base", name))


def test_what_is_kept_is_told_by_the_month_and_never_as_training():
    made = plan(change(WIDE), base(KEPT, "manual"), base(KEPT, "faq"))
    assert cost_sentence(made.changes[1]) == "keeping it costs ~ 9.12 USD a month"
    assert cost_summary(made) == (
        "Cost: ~ 12.40 USD (8.10 to 14.90) for training; ~ 18.25 USD a month for keeping."
    )
    assert cost_summary(plan(base(KEPT, "manual"))) == "Cost: ~ 9.12 USD a month for keeping."
    tree = plan_tree(made)
    assert tree["cost"][0]["monthly"] == "18.25"
    assert "monthly" not in tree["resource_changes"][0]["cost"]


def test_what_nobody_knows_is_counted_by_what_it_is():
    nobody = unknown("nobody says what Bedrock charges for keeping `knowledge_base.manual`")
    made = plan(change(unknown(NO_PRICE)), base(nobody, "manual"), base(nobody, "faq"))
    assert cost_summary(made) == "Cost: unknown for 1 tuning job and 2 knowledge bases."
    assert cost_sentence(made.changes[1]).startswith("keeping it costs unknown (nobody says")
