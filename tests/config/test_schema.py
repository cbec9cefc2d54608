"""The JSON Schema and the reference are made from the models and fit what the loader takes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from tests.config.error_cases import FOLDER
from tunectl.config.reference import markdown
from tunectl.config.schema import yaml_schema
from tunectl.kinds import KINDS

COMMITTED = Path(__file__).parents[2] / "schemas" / "tunectl.schema.json"
FULL = Path(__file__).parent / "golden" / "everything.yaml"


def test_the_committed_schema_is_fresh():
    assert json.loads(COMMITTED.read_text(encoding="utf-8")) == json.loads(
        json.dumps(yaml_schema())
    ), "run `python -m tests.refresh`"


def test_the_schema_is_valid_and_takes_a_project_that_uses_everything():
    schema = yaml_schema()
    Draft202012Validator.check_schema(schema)
    tree = yaml.safe_load(FULL.read_text(encoding="utf-8"))
    assert [e.message for e in Draft202012Validator(schema).iter_errors(tree)] == []


@pytest.mark.parametrize(
    "case",
    [
        "unknown_key", "negative_numbers", "wrong_type", "unknown_top_level_key", "prompt_sections",
        "list_where_a_map_belongs", "name_missing", "kind_nested_in_a_kind", "planned_words",
        "hyphen_in_a_name", "lifecycle_typo", "labels_of_numbers",
    ],
)  # fmt: skip
def test_the_schema_refuses_what_the_loader_refuses(case):
    tree = yaml.safe_load((FOLDER / case / "tunectl.yaml").read_text(encoding="utf-8"))
    assert list(Draft202012Validator(yaml_schema()).iter_errors(tree))


def test_every_field_is_described_in_schema_and_reference():
    text = markdown()
    for kind, model in KINDS.items():
        assert f"### `{kind}`" in text
        for name, field in model.model_fields.items():
            assert field.description, f"{kind}.{name}"
            assert f"| `{field.alias or name}`" in text
    for name, definition in yaml_schema()["$defs"].items():
        for field, inner in definition["properties"].items():
            assert inner.get("description"), f"{name}.{field}"


def test_the_reference_speaks_no_python():
    for word in ("None", "Annotated", "pydantic", "anyOf", "dict[", "list["):
        assert word not in markdown()
