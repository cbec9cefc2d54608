"""`validation:` of variables: which values pass, and whose value it is that does not."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.config.making import DATASET, loaded, problems, project, write
from tunectl.core.errors import ConfigError

TEXT = (
    """
project: x
variables:
  epochs:
    type: integer
    default: 3
    validation:
      - {condition: "${var.epochs >= 1 and var.epochs <= var.most}", message: "not ${var.epochs}"}
  most: 20
"""
    + DATASET
)


def told(root, **options):
    with pytest.raises(ConfigError) as caught:
        loaded(root, **options)
    return caught.value.diagnostics


@pytest.mark.parametrize("value", ["1", "20"])
def test_a_value_that_fulfils_its_condition_passes(tmp_path, value):
    loaded(project(tmp_path, TEXT), variables={"epochs": value})


def test_a_condition_may_look_at_other_variables(tmp_path):
    root = project(tmp_path, TEXT)
    loaded(root, variables={"epochs": "30", "most": "40"})
    assert problems(root, variables={"epochs": "30"}) == ["variable `epochs`: not 30"]


def test_the_giver_that_wins_is_the_one_that_is_blamed(tmp_path):
    root = project(tmp_path, TEXT)
    write(root, "tunectl.prod.yaml", "variables: {epochs: 91}\n")
    write(root, "v.yaml", "epochs: 92\n")
    environ = {"TUNECTL_VAR_epochs": "90"}
    (by_environment,) = told(root, environ=environ)
    assert "`TUNECTL_VAR_epochs`" in by_environment.detail
    (by_overlay,) = told(root, environ=environ, env="prod")
    assert (by_overlay.source.file, by_overlay.source.layer) == ("tunectl.prod.yaml", "prod")
    files = [root / "v.yaml"]
    (by_file,) = told(root, environ=environ, env="prod", var_files=files)
    assert by_file.source.file.endswith("v.yaml")
    (by_option,) = told(
        root, environ=environ, env="prod", var_files=files, variables={"epochs": "93"}
    )
    assert by_option.summary == "variable `epochs`: not 93"
    assert "`--var epochs`" in by_option.detail


def test_a_value_overridden_by_a_good_one_is_not_blamed(tmp_path):
    root = project(tmp_path, TEXT)
    loaded(root, environ={"TUNECTL_VAR_epochs": "99"}, variables={"epochs": "2"})


def test_a_condition_may_stand_in_a_block(tmp_path):
    text = """
        project: x
        variables:
          n:
            default: 3
            validation:
              - condition: |
                  ${var.n > 1
                    and var.n < 3}
                message: between
        """
    (found,) = told(project(tmp_path, dedent(text) + DATASET))
    assert (found.summary, found.hint) == (
        "variable `n`: between",
        "the rule stands at tunectl.yaml:7:20",
    )


def test_every_rule_of_a_variable_is_checked(tmp_path):
    text = """
        project: x
        variables:
          name:
            default: A B
            validation:
              - {condition: "${' ' not in var.name}", message: no blank}
              - {condition: "${var.name == var.name | lower}", message: lower case}
              - {condition: "${var.name | length < 9}", message: short}
        """
    found = problems(project(tmp_path, dedent(text) + DATASET))
    assert found == ["variable `name`: no blank", "variable `name`: lower case"]


def test_a_wrong_type_is_told_of_alone(tmp_path):
    found = problems(project(tmp_path, TEXT), variables={"epochs": "many"})
    assert found == ["variable `epochs` must be a whole number, not text (`many`)"]


def test_a_sensitive_value_is_checked_and_never_shown(tmp_path):
    text = """
        project: x
        variables:
          token:
            sensitive: true
            type: string
            validation: [{condition: "${var.token | length > 20}", message: too short}]
        """
    root = project(tmp_path, dedent(text) + DATASET)
    write(root, "v.yaml", "token: geheim\n")
    for given in ({"variables": {"token": "geheim"}}, {"var_files": [root / "v.yaml"]}):
        (found,) = told(root, **given)
        assert found.summary == "variable `token`: too short"
        assert "geheim" not in repr(found)


def test_what_is_known_only_after_apply_is_not_checked(tmp_path):
    module = """
        variables:
          rows: {type: string, validation: [{condition: "${var.rows == 'x'}", message: no}]}
        tuning_job:
          main: {base_model: smollm2-135m-instruct, data: "${var.rows}"}
        """
    text = "project: x\ninclude: [{file: m.yaml, name: shop, with: {rows: dataset.support}}]\n"
    loaded(project(tmp_path, text + DATASET, **{"m.yaml": module}))


def test_an_overlay_may_add_a_rule(tmp_path):
    root = project(tmp_path, TEXT)
    rule = '{condition: "${var.epochs == 1}", message: one in prod}'
    write(root, "tunectl.prod.yaml", f"variables: {{epochs: {{validation: [{rule}]}}}}\n")
    loaded(root)
    assert problems(root, env="prod") == ["variable `epochs`: one in prod"]
