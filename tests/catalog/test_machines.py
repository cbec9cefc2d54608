"""Which accelerators machines of Google Cloud are built with."""

import json
import re
from datetime import date
from pkgutil import get_data

import pytest

from tunectl.catalog.machines import BuiltIn, built_in
from tunectl.kinds.endpoint import Endpoint


@pytest.mark.parametrize(
    ("machine", "found"),
    [
        ("g2-standard-4", BuiltIn("NVIDIA_L4", 1)),
        ("g2-standard-96", BuiltIn("NVIDIA_L4", 8)),
        ("a2-megagpu-16g", BuiltIn("NVIDIA_TESLA_A100", 16)),
        ("a3-megagpu-8g", BuiltIn("NVIDIA_H100_MEGA_80GB", 8)),
        ("g4-standard-6", BuiltIn("NVIDIA_RTX_PRO_6000", None)),
        ("n1-standard-4", None),
        ("e2-standard-4", None),
        ("ct5lp-hightpu-1t", None),
    ],
)
def test_a_machine_has_what_its_family_is_built_with(machine, found):
    assert built_in(machine) == found


def test_the_reference_says_which_machines_need_their_accelerators_named():
    table = json.loads(get_data("tunectl.catalog", "machines.json"))
    families = {one["prefix"].partition("-")[0] for one in table["families"]}
    said = Endpoint.model_fields["accelerator"].description
    named = said.partition("those of ")[2].partition(":")[0]
    assert set(re.findall(r"`(\w+)`", named)) == families


def test_the_table_has_a_source_and_a_day_and_names_that_the_service_knows():
    from google.cloud.aiplatform_v1.types import AcceleratorType

    table = json.loads(get_data("tunectl.catalog", "machines.json"))
    assert table["source"]
    assert date.fromisoformat(table["source_date"]).year >= 2026
    known = {one.name for one in AcceleratorType}
    assert {one["accelerator"] for one in table["families"]} <= known
    assert len({one["prefix"] for one in table["families"]}) == len(table["families"])
    assert all(count >= 1 for one in table["families"] for count in one["counts"].values())
