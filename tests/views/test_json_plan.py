"""The plan for machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.plan import Action, Plan
from tunectl.views import json_events, json_plan
from tunectl.views.text import json_text

SCHEMAS = Path(__file__).parents[2] / "schemas"


def tree_of(plan: Plan) -> dict[str, Any]:
    return json.loads(json_text(json_plan.plan_tree(plan, "0.1.0", [samples.WARNING])))


@pytest.mark.parametrize("name", samples.PLANS)
def test_json_plan_fits_its_schema(name: str) -> None:
    jsonschema.Draft202012Validator(json_plan.schema()).validate(tree_of(samples.PLANS[name]()))


def test_schema_refuses_a_plan_without_changes_list() -> None:
    tree = tree_of(samples.first_plan())
    del tree["resource_changes"]
    with pytest.raises(jsonschema.ValidationError, match="resource_changes"):
        jsonschema.validate(tree, json_plan.schema())


@pytest.mark.parametrize("name", ["retrain", "replace", "blocked"])
def test_json_plan_is_stable(name: str, snapshot: SnapshotAssertion) -> None:
    assert json_text(tree_of(samples.PLANS[name]()), indent=1) == snapshot


def test_a_scan_for_delete_finds_every_deletion_and_nothing_else() -> None:
    for make in samples.PLANS.values():
        plan = make()
        found = [c for c in tree_of(plan)["resource_changes"] if "delete" in c["change"]["actions"]]
        assert len(found) == plan.destroys
        assert all("deletes_id" in c for c in found)


def test_what_is_known_after_apply_is_unknown_and_absent() -> None:
    endpoint = tree_of(samples.first_plan())["resource_changes"][4]
    assert endpoint["change"]["after"] == {}
    assert endpoint["change"]["after_unknown"] == {"model": True}


def test_a_reference_that_did_not_change_has_its_recorded_value() -> None:
    change = samples.change(
        Action.UPDATE, samples.Cause.CHANGED, samples.OLD_PROMPT, samples.prompt(version="v2")
    )
    kept = tuple(d for d in change.deltas if d.path == ("version",))
    after = json_plan.after_spec(samples.replace(change, deltas=kept))
    assert after["model"] == "helpdesk-support"
    assert after["version"] == "v2"


def test_after_is_what_the_deltas_lead_to() -> None:
    job = tree_of(samples.retrain_plan())["resource_changes"][2]["change"]
    assert job["before"]["method"]["epochs"] == 3
    assert job["after"]["method"] == {**job["before"]["method"], "epochs": 4}
    assert ["method", "epochs"] in job["replace_paths"]


def test_sensitive_outputs_are_null() -> None:
    token = tree_of(samples.replace_plan())["output_changes"]["token"]
    assert (token["before"], token["after"], token["after_sensitive"]) == (None, None, True)


@pytest.mark.parametrize(
    ("name", "made"), [("plan", json_plan.schema), ("events", json_events.schema)]
)
def test_stored_schema_is_fresh(name: str, made: Any) -> None:
    stored = SCHEMAS / f"{name}.schema.json"
    assert stored.read_text("utf-8") == json_text(made(), indent=2) + "\n", (
        f"run: tunectl schema {name} > schemas/{name}.schema.json"
    )
