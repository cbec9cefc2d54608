"""`${…}` inside text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.config.making import DATASET, loaded, problems, project, resources
from tunectl.config.template import Expr, split
from tunectl.core.value import Join, Ref


def output(tmp_path, value, more=""):
    variables = "{n: 3, word: kot, list: [1, 2], map: {default: {a: {b: ż}}}}"
    text = f"project: helpdesk\nvariables: {variables}\n{more}\n"
    root = project(tmp_path, f"{text}outputs:\n  x: {{value: {value}}}\n{DATASET}")
    return loaded(root).project.outputs[0].value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"${var.n}"', 3),
        ('"${var.n * 2 + 1}"', 7),
        ('"${var.list}"', (1, 2)),
        ('"${var.map}"', {"a": {"b": "ż"}}),
        ('"${var.map.a.b}"', "ż"),
        ('"${ [var.n, var.word] }"', (3, "kot")),
        ('"n=${var.n}, ${var.word | upper}"', "n=3, KOT"),
        ('"${project}-${var.n}"', "helpdesk-3"),
        ('"$${var.n}"', "${var.n}"),
        ('"cost: 5$"', "cost: 5$"),
        ('\'${ {"a": "}"}["a"] }\'', "}"),
        ('"${true}"', True),
        ('"${var.n if var.n > 2 else none}"', 3),
        ("'${var.word == \"kot\"}'", True),
        ("'${[1, 2] | map(\"string\")}'", ("1", "2")),
    ],
)
def test_an_expression_keeps_its_type_and_a_mixture_is_text(tmp_path, text, value):
    assert output(tmp_path, text) == value


def test_booleans_in_text_are_written_as_yaml_writes_them(tmp_path):
    assert output(tmp_path, '"is ${true}"') == "is true"


def test_a_reference_alone_or_in_text_is_known_after_apply(tmp_path):
    more = "endpoint:\n  a: {model: some-model}\n"
    assert isinstance(output(tmp_path, '"${endpoint.a.model_id}"', more), Ref)
    joined = output(tmp_path, '"${endpoint.a.base_url}/v${var.n}"', more)
    assert isinstance(joined, Join)
    assert joined.parts[1:] == ("/v", 3)
    assert str(output(tmp_path, "endpoint.a", more)) == "endpoint.a.model_id"


@pytest.mark.parametrize(
    "text",
    [
        "${var.word.__class__}",
        "${''.__class__.__mro__}",
        "${var.list.append(3)}",
        "${'a' * 100000000}",
        "${9 ** 99999999}",
        "${lipsum.__globals__}",
        "${cycler.__init__.__globals__.os}",
    ],
)
def test_the_sandbox_holds(tmp_path, text):
    root = project(
        tmp_path,
        f'project: x\nvariables: {{word: a, list: [1]}}\noutputs:\n  x: {{value: "{text}"}}\n',
    )
    assert len(problems(root)) == 1


def test_values_are_never_evaluated_twice(tmp_path):
    root = project(
        tmp_path, "project: x\nvariables: {a: {type: string}}\noutputs: {x: '${var.a}'}\n"
    )
    assert problems(root, variables={"a": "${project}"}) == [
        "variable `a` cannot be made from other values"
    ]
    found = loaded(root, variables={"a": "{{ 7 * 7 }} {% raw %}"}).project.outputs[0].value
    assert found == "{{ 7 * 7 }} {% raw %}"


def test_each_gives_key_and_value(tmp_path):
    text = """
        project: x
        dataset:
          rows: {for_each: {pl: 1, ru: 2}, source: data/rows.jsonl, limit: "${10 + each.value}"}
        tuning_job:
          rows:
            for_each: [pl, ru]
            base_model: smollm2-135m-instruct
            data: dataset.rows[each.key]
            suffix: "job-${each.key}"
        endpoint:
          one: {model: 'tuning_job.rows["pl"]'}
          built: {for_each: [ru], model: "tuning_job.rows[each.value]"}
        """
    found = resources(project(tmp_path, text))
    assert found['tuning_job.rows["ru"]'].spec["suffix"] == "job-ru"
    assert found['tuning_job.rows["ru"]'].spec["data"]["training"]["rows"] == 12
    assert 'upload.rows["pl/train/local/chat"]' in found
    assert str(found["endpoint.one"].spec["model"]) == 'tuning_job.rows["pl"].model_id'
    assert str(found['endpoint.built["ru"]'].spec["model"]) == 'tuning_job.rows["ru"].model_id'


@pytest.mark.parametrize("key", ["pl-PL", "zażółć", "a b", 'quo"te', "x/y", "русский"])
def test_keys_are_any_text(tmp_path, key):
    text = "project: x\ndataset:\n  rows: {for_each: '${var.k}', source: data/rows.jsonl}\n"
    root = project(tmp_path, text + "variables: {k: {type: map, default: {}}}\n")
    import json

    found = resources(root, variables={"k": json.dumps({key: 1}, ensure_ascii=False)})
    assert [r.address.key for r in found.values()] == [key]


def test_templates_are_not_interpolated(tmp_path):
    text = """
        project: x
        prompt_template:
          a:
            model: some-model
            sections: [{id: ask, role: user, template: "price: ${amount}"}]
        """
    found = resources(project(tmp_path, text))["prompt_template.a"]
    assert found.spec["sections"][0]["template"] == "price: ${amount}"


def test_the_environment_reaches_providers_and_state_only(tmp_path):
    text = """
        project: x
        env: [URL, BUCKET]
        state: "${env.BUCKET}/x"
        providers:
          own: {type: openai, base_url: "${env.URL}", key_env: OWN_KEY}
        """
    environ = {"URL": "https://example.test/v1", "BUCKET": "gs://bucket", "OWN_KEY": "secret"}
    found = loaded(project(tmp_path, text), environ=environ).project
    assert found.state == "gs://bucket/x"
    assert found.providers["own"].settings == {
        "base_url": "https://example.test/v1",
        "key_env": "OWN_KEY",
    }


@given(st.lists(st.text(alphabet="ab ż$\n", max_size=5), max_size=5))
def test_text_without_a_mark_is_one_literal(parts):
    text = "".join(parts).replace("${", "$")
    assert "".join(p for p in split(text) if isinstance(p, str)) == text


@given(st.lists(st.text(alphabet="abż .|", min_size=1, max_size=6), min_size=1, max_size=4))
def test_expressions_are_cut_out_in_order(inner):
    text = " ".join(f"${{{one}}}" for one in inner)
    assert [p.text for p in split(text) if isinstance(p, Expr)] == inner
