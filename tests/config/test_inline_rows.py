"""Rows that stand in the YAML itself, and where the rows of a dataset may come from."""

import json

import pytest

from tests.config.making import loaded, problems, project, resources
from tunectl.core.errors import ConfigError

JOB = """
        tuning_job:
          support: {base_model: smollm2-135m-instruct, data: dataset.support}
"""
ROWS = """
        project: x
        variables: {city: {type: string, default: Łódź}}
        dataset:
          support:
            rows:
              - messages:
                  - {role: user, content: "Gdzie jest ${var.city}?"}
                  - {role: assistant, content: В Польше.}
              - {messages: [{role: user, content: "Ile to 2 + 2?"},
                            {role: assistant, content: Cztery.}]}
"""
SAID = [["Gdzie jest Łódź?", "В Польше."], ["Ile to 2 + 2?", "Cztery."]]
MORE = [[f"Ile to {n} razy {n}?", f"Razem {n * n}."] for n in range(3, 13)]


def written(pairs):
    return [
        {"messages": [{"role": "user", "content": q}, {"content": a, "role": "assistant"}]}
        for q, a in pairs
    ]


def in_yaml(pairs):
    return "".join(f"              - {json.dumps(row)}\n" for row in written(pairs))


def test_rows_of_the_yaml_are_a_dataset_like_any_other(tmp_path):
    root = project(tmp_path, ROWS + in_yaml(MORE) + JOB)
    found = loaded(root)
    [dataset] = found.datasets.values()
    said = [[m["content"] for m in row["messages"]] for row in dataset.rows("train")]
    assert said == SAID + MORE
    marks = [(m.file, m.line) for m in dataset.marks]
    assert marks[:3] == [("tunectl.yaml", 7), ("tunectl.yaml", 10), ("tunectl.yaml", 12)]
    made = resources(root)
    assert made["dataset.support"].spec["source"] == "rows"
    assert 'upload.support["train/local/chat"]' in made


def test_the_same_rows_in_a_file_have_the_same_fingerprint(tmp_path):
    text = ROWS + in_yaml(MORE) + JOB
    inline = resources(project(tmp_path / "a", text))["tuning_job.support"].fingerprint
    text = "project: x\ndataset:\n  support: {source: data/two.jsonl}\n"
    text += "tuning_job:\n  support: {base_model: smollm2-135m-instruct, data: dataset.support}\n"
    root = project(tmp_path / "b", text)
    lines = "".join(json.dumps(row) + "\n" for row in written(SAID + MORE))
    (root / "data" / "two.jsonl").write_text(lines, encoding="utf-8")
    assert resources(root)["tuning_job.support"].fingerprint == inline


def test_what_is_wrong_with_a_row_is_shown_in_the_yaml(tmp_path):
    text = ROWS + "              - {messages: [{role: user, content: a}]}\n"
    with pytest.raises(ConfigError) as caught:
        loaded(project(tmp_path, text))
    [found] = [d for d in caught.value.diagnostics if d.code == "no-assistant-turn"]
    assert (found.source.file, found.source.line) == ("tunectl.yaml", 12)


@pytest.mark.parametrize(
    ("fields", "summary"),
    [
        ("source: '-'", "standard input"),
        ("splits: {train: '-'}", "standard input"),
        ("rows: []", "rows"),
        ("rows: [a]", "must be a row"),
        ("rows: [{messages: [{1: a}]}]", "key"),
        ("rows: [{prompt: a, completion: b}], source: data/rows.jsonl", "has both"),
        ("rows: [{prompt: a, completion: b}], splits: {train: data/rows.jsonl}", "has both"),
        ("rows: [{prompt: a, completion: '${tuning_job.t.model_id}'}]", "known only after apply"),
    ],
)
def test_what_cannot_be_meant_is_an_error(fields, summary, tmp_path):
    text = "project: x\ndataset:\n  d: {" + fields + "}\n  s: {source: data/rows.jsonl}\n"
    text += "tuning_job:\n  t: {base_model: smollm2-135m-instruct, data: dataset.s}\n"
    assert any(summary in said for said in problems(project(tmp_path, text)))
