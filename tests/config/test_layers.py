"""Files, overlays, variables and modules."""

from __future__ import annotations

from textwrap import dedent

import pytest

from tests.config.making import DATASET, loaded, problems, project, resources, write

JOB = """
project: helpdesk
variables:
  epochs: {type: integer, default: 1}
dataset:
  support: {source: data/rows.jsonl}
tuning_job:
  support:
    base_model: smollm2-135m-instruct
    data: dataset.support
    method: {epochs: "${var.epochs}"}
    labels: {tier: one, keep: "yes"}
"""


def epochs(root, **options):
    return resources(root, **options)["tuning_job.support"].spec["method"]["epochs"]


def test_the_nearest_giver_of_a_variable_wins(tmp_path):
    root = project(tmp_path, JOB)
    assert epochs(root) == 1
    environ = {"TUNECTL_VAR_epochs": "2"}
    assert epochs(root, environ=environ) == 2
    write(root, "tunectl.prod.yaml", "variables: {epochs: 3}\n")
    assert epochs(root, environ=environ, env="prod") == 3
    write(root, "a.vars.yaml", "epochs: 4\n")
    files = [root / "a.vars.yaml"]
    assert epochs(root, environ=environ, env="prod", var_files=files) == 4
    given = {"epochs": "5"}
    assert epochs(root, environ=environ, env="prod", var_files=files, variables=given) == 5


def test_an_overlay_keeps_the_declared_type_of_a_variable(tmp_path):
    root = project(tmp_path, JOB, **{"tunectl.prod.yaml": "variables: {epochs: many}\n"})
    assert problems(root, env="prod") == [
        "variable `epochs` must be a whole number, not text (`many`)"
    ]


def test_an_overlay_merges_maps_replaces_scalars_removes_nulls_and_adds_addresses(tmp_path):
    overlay = """
        labels: {stage: prod}
        tuning_job:
          support:
            method: {epochs: 9, batch_size: 4}
            labels: {tier: null, more: x}
          second: {base_model: smollm2-135m-instruct, data: dataset.support}
        """
    root = project(tmp_path, JOB, **{"tunectl.prod.yaml": overlay})
    found = resources(root, env="prod")
    job = found["tuning_job.support"]
    assert job.spec["method"] == {"type": "supervised", "epochs": 9, "batch_size": 4}
    assert job.labels == {"stage": "prod", "keep": "yes", "more": "x"}
    second = found["tuning_job.second"].source
    assert (second.file, second.layer) == ("tunectl.prod.yaml", "prod")
    assert "tuning_job.second" not in resources(root)


def test_null_in_an_overlay_removes_a_resource(tmp_path):
    root = project(tmp_path, JOB, **{"tunectl.prod.yaml": "tuning_job: {support: null}\n"})
    assert set(resources(root, env="prod")) == {"dataset.support"}


def test_an_environment_without_an_overlay_must_be_listed(tmp_path):
    root = project(tmp_path, JOB + "environments: [staging]\n")
    assert loaded(root, env="staging").project.env == "staging"
    assert problems(root, env="live") == ["there is no environment `live`"]


def test_every_tunectl_yaml_is_read_and_nothing_else(tmp_path):
    root = project(tmp_path, "project: helpdesk\n" + DATASET)
    write(root, "more.tunectl.yaml", "dataset:\n  more: {source: data/rows.jsonl}\n")
    write(root, "compose.yaml", "services: [broken\n")
    write(root, "tunectl.prod.yaml", "dataset: {support: null}\n")
    assert set(resources(root)) == {"dataset.support", "dataset.more"}


def test_the_order_of_files_does_not_change_what_is_declared(tmp_path):
    job = "tuning_job:\n  a: {base_model: smollm2-135m-instruct, data: dataset.support}\n"
    first = project(tmp_path / "1", "project: x\n" + job, **{"z.tunectl.yaml": DATASET})
    second = project(tmp_path / "2", "project: x\n" + DATASET, **{"z.tunectl.yaml": job})
    specs = [{k: (r.spec, r.fingerprint) for k, r in resources(p).items()} for p in (first, second)]
    assert specs[0] == specs[1]


def test_a_module_has_its_own_names_variables_and_addresses(tmp_path):
    module = """
        variables:
          rows: {type: string}
          epochs: {type: integer, default: 2}
        dataset:
          main: {source: "${var.rows}"}
        tuning_job:
          main:
            base_model: smollm2-135m-instruct
            data: dataset.main
            method: {epochs: "${var.epochs}"}
        """
    text = """
        project: helpdesk
        variables: {file: data/rows.jsonl}
        include:
          - {file: parts/assistant.yaml, name: shop, with: {rows: "${var.file}", epochs: 3}}
          - {file: parts/assistant.yaml, name: bank, with: {rows: data/rows.jsonl}}
        endpoint:
          shop: {model: tuning_job.shop.main}
        outputs:
          model: "${tuning_job.bank.main.model_id}"
        """
    root = project(tmp_path, text, **{"parts/assistant.yaml": module})
    found = resources(root)
    assert found["tuning_job.shop.main"].spec["method"]["epochs"] == 3
    assert found["tuning_job.bank.main"].spec["method"]["epochs"] == 2
    assert str(found["endpoint.shop"].spec["model"]) == "tuning_job.shop.main.model_id"
    assert 'upload.shop.main["train/local/chat"]' in found
    assert str(loaded(root).project.outputs[0].value) == "tuning_job.bank.main.model_id"


def test_a_resource_is_passed_into_a_module(tmp_path):
    module = """
        variables: {rows: {type: string}}
        tuning_job:
          main: {base_model: smollm2-135m-instruct, data: "${var.rows}"}
        """
    text = "project: x\ninclude: [{file: m.yaml, name: shop, with: {rows: dataset.support}}]\n"
    root = project(tmp_path, text + DATASET, **{"m.yaml": module})
    assert 'upload.support["train/local/chat"]' in resources(root)


def test_an_include_without_a_name_is_part_of_the_project(tmp_path):
    root = project(
        tmp_path, "project: x\ninclude: [parts/data.yaml]\n", **{"parts/data.yaml": DATASET}
    )
    assert set(resources(root)) == {"dataset.support"}


def test_keys_that_begin_with_x_are_the_users_own(tmp_path):
    text = """
        project: x
        x-defaults: &defaults {base_model: smollm2-135m-instruct, data: dataset.support}
        tuning_job:
          a: {<<: *defaults, seed: 1}
        """
    assert resources(project(tmp_path, dedent(text) + DATASET))["tuning_job.a"].spec["seed"] == 1


@pytest.mark.parametrize("value", ["list", "map"])
def test_a_list_or_map_variable_comes_from_the_command_line_as_yaml(tmp_path, value):
    default = {"list": "[pl]", "map": "{pl: x}"}[value]
    given = {"list": "[ru, en]", "map": "{ru: a, en: b}"}[value]
    text = f"""
        project: x
        variables: {{langs: {{type: {value}, default: {default}}}}}
        dataset:
          rows: {{for_each: "${{var.langs}}", source: data/rows.jsonl}}
        """
    root = project(tmp_path, text)
    assert set(resources(root)) == {'dataset.rows["pl"]'}
    found = resources(root, variables={"langs": given})
    assert set(found) == {'dataset.rows["ru"]', 'dataset.rows["en"]'}
