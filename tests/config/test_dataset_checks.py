"""Datasets are checked for the providers of the jobs that use them, by the project's policy."""

import json

import pytest

from tests.config.making import loaded, project, write
from tunectl.core.errors import ConfigError, Exit, Severity

TOOL = {"type": "function", "function": {"name": "f"}}
JOBS = """
project: x
default_provider: local
providers:
  local: {}
  tried: {type: local, trainer: simulated}
  vertex: {project: acme, location: europe-west4, staging: gs://acme}
  eu: {type: openai}
  azure: {type: openai, profile: azure, key_env: A, base_url: "https://a.azure.com/openai/v1/"}
dataset:
  support: {source: data/own.jsonl}
tuning_job:
"""


def chat(number, **more):
    answer = f"Przesyłka {number * 31} dotrze za {number + 2} dni."
    return {
        "messages": [
            {"role": "user", "content": f"Gdzie jest {number}?"},
            {"role": "assistant", "content": answer},
        ],
        **more,
    }


@pytest.fixture
def diagnostics(tmp_path):
    """Everything said of a project with these rows."""

    def run(text, rows, **files):
        root = project(tmp_path, text)
        lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        write(root, "data/own.jsonl", lines)
        for name, content in files.items():
            write(root, name.replace("__", "."), content)
        try:
            return loaded(root).project.warnings
        except ConfigError as error:
            return error.diagnostics

    return run


def of(found, code):
    """The findings of a rule, but for the counts of those that are not shown."""
    return [d for d in found if d.code == code and not d.summary.startswith("and ")]


def named(found, code):
    return sorted(d.summary.split("`")[1] for d in of(found, code))


def job(name, provider, data="dataset.support", base="m"):
    return f"  {name}: {{base_model: {base}, data: {data}, provider: {provider}}}\n"


def test_one_dataset_at_two_providers_is_checked_for_both(diagnostics):
    rows = [chat(n, tools=[TOOL], parallel_tool_calls=True) for n in range(12)]
    found = diagnostics(JOBS + job("a", "local") + job("b", "vertex") + job("c", "azure"), rows)
    assert set(named(found, "provider-rows")) == {"local", "vertex"}
    assert all(d.exit is Exit.REFUSED for d in found if d.code == "provider-rows")
    assert {d.address for d in found if d.code == "provider-rows"} == {"dataset.support"}


def test_the_split_a_job_names_counts_as_a_use(diagnostics):
    text = JOBS + "  a: {base_model: m, training: dataset.support.train, provider: vertex}\n"
    rows = [chat(n, parallel_tool_calls=True) for n in range(12)]
    assert set(named(diagnostics(text, rows), "provider-rows")) == {"vertex"}


def test_a_dataset_no_job_uses_is_checked_for_nobody(diagnostics):
    rows = [chat(n, parallel_tool_calls=True) for n in range(12)]
    assert named(diagnostics(JOBS.replace("tuning_job:", ""), rows), "provider-rows") == []


def test_what_only_pretends_to_train_takes_what_the_wire_takes(diagnostics):
    rows = [chat(n, tools=[TOOL]) for n in range(12)]
    assert named(diagnostics(JOBS + job("a", "tried"), rows), "provider-rows") == []


def test_the_number_of_rows_is_told_once_by_the_job(diagnostics):
    found = diagnostics(JOBS + job("a", "local"), [chat(n) for n in range(9)])
    assert [(d.code, d.address) for d in found] == [("row-count", "tuning_job.a")]


def test_each_key_of_a_for_each_uses_its_own_dataset(diagnostics):
    text = """
        project: x
        providers: {local: {}, vertex: {project: a, location: b, staging: gs://acme}}
        dataset:
          rows: {for_each: [pl, ru], source: data/own.jsonl}
        tuning_job:
          a: {base_model: m, data: "dataset.rows[\\"pl\\"]", provider: local}
          b: {base_model: m, data: "dataset.rows[\\"ru\\"]", provider: vertex}
    """
    rows = [chat(n, parallel_tool_calls=True) for n in range(12)]
    found = of(diagnostics(text, rows), "provider-rows")
    assert {(d.address, d.summary.split("`")[1]) for d in found} == {
        ('dataset.rows["pl"]', "local"),
        ('dataset.rows["ru"]', "vertex"),
    }


SECRET = {
    "messages": [
        {"role": "user", "content": "Adres?"},
        {"role": "assistant", "content": "Proszę pisać na anna.kowalska@wp.pl."},
    ]
}
ROWS = [*(chat(n) for n in range(12)), SECRET]
PLAIN = "project: x\ndataset: {support: {source: data/own.jsonl}}\n"


@pytest.mark.parametrize(
    "said",
    [
        "checks: {severity: {personal-data: error}}\n",
        "checks: {severity: {D25: error}}\n",
        "checks: rules.yaml\n",
        "checks: {policy: rules.yaml}\n",
    ],
)
def test_the_project_decides_how_much_a_rule_weighs(said, diagnostics):
    found = diagnostics(PLAIN + said, ROWS, rules__yaml="severity: {personal-data: error}\n")
    assert [(d.code, d.severity, d.exit) for d in found] == [
        ("personal-data", Severity.ERROR, Exit.REFUSED)
    ]


def test_the_project_is_laid_over_its_policy_file_and_a_dataset_over_both(diagnostics):
    policy = "severity: {personal-data: error}\n"
    text = PLAIN + "checks: {policy: rules.yaml, severity: {personal-data: off}}\n"
    assert diagnostics(text, ROWS, rules__yaml=policy) == ()
    own = "dataset: {support: {source: data/own.jsonl, checks: {allow: {D25: zgoda}}}}\n"
    text = f"project: x\n{own}checks: rules.yaml\n"
    assert diagnostics(text, ROWS, rules__yaml=policy) == ()


@pytest.mark.parametrize(
    ("said", "summary", "place"),
    [
        ("checks: {severity: {secrets: off}}", "there is no check `secrets`", "tunectl.yaml:3"),
        ("checks: {thresholds: {secret: 1}}", "`secret` compares with no number", "tunectl.yaml:3"),
        ("checks: {severity: {secret: bad}}", "", "tunectl.yaml:3"),
        ("checks: none.yaml", "there is no file `none.yaml`", "tunectl.yaml:3"),
        ('checks: "none\\0.yaml"', "there is no file `none\0.yaml`", "tunectl.yaml:3"),
        ("checks: bad.yaml", "there is no check `nothing`", "bad.yaml:1"),
        ('checks: {allow: {secret: " "}}', "", "tunectl.yaml:3"),
    ],
)
def test_a_wrong_policy_is_shown_where_it_stands(said, summary, place, diagnostics):
    found = diagnostics(PLAIN + said + "\n", [chat(1)], bad__yaml="allow: {nothing: dlatego}\n")
    assert [str(d.source).startswith(place) for d in found] == [True]
    assert summary in found[0].summary


def test_everything_that_is_wrong_with_a_policy_is_told_at_once(diagnostics):
    wrong = (
        "severity: {near-duplicat: off, empty-content: maybe}\n"
        "thresholds: {D07: 3, nope: x}\n"
        "allow: {D12: 5}\n"
        "colour: blue\n"
    )
    inside = "".join(f"  {line}\n" for line in wrong.splitlines())
    for text in (PLAIN + "checks: wrong.yaml\n", f"{PLAIN}checks:\n{inside}"):
        found = diagnostics(text, [chat(1)], wrong__yaml=wrong)
        said = " | ".join(d.summary for d in found)
        for part in (
            "no check `near-duplicat`",
            "severity.empty-content` must be one of",
            "`D07` compares with no number",
            "no check `nope`",
            "thresholds.nope` must be a number",
            "allow.D12` must be text",
            "unknown key `colour`",
        ):
            assert part in said, text


OUTPUT = "project: x\ndataset:\n  support: {{source: data/own.jsonl, checks: {{output: {}}}}}\n"


@pytest.mark.parametrize(
    "output",
    [
        "json",
        '{regex: "[a-z]+"}',
        "{one_of: [tak, nie]}",
        "{json_schema: {type: object}}",
        "{json_schema: schema.json}",
    ],
)
def test_the_declared_form_of_the_answers_is_checked(output, diagnostics):
    found = diagnostics(OUTPUT.format(output), [chat(1)], schema__json='{"type": "object"}')
    assert [(d.code, d.severity) for d in found] == [("wrong-output", Severity.WARNING)]


@pytest.mark.parametrize(
    "output", ["xml", "{}", "{regex: a, one_of: [b]}", '{regex: "("}', "{json_schema: no.json}"]
)
def test_a_form_that_cannot_be_is_an_error(output, diagnostics):
    found = diagnostics(OUTPUT.format(output), [chat(1)])
    assert [d.exit for d in found] == [Exit.ERROR]
    assert found[0].source.line == 3


def test_a_dataset_is_compared_with_the_texts_that_are_named_and_looked_at_again(tmp_path):
    words = "czy mogę zwrócić buty kupione w sklepie internetowym po trzydziestu dniach od zakupu"
    row = chat(1)
    row["messages"][0]["content"] = f"{words}?"
    own = "dataset: {support: {source: data/own.jsonl, checks: {contamination: [eval.txt]}}}\n"
    write(tmp_path, "tunectl.yaml", f"project: x\n{own}")
    write(tmp_path, "data/own.jsonl", "".join(json.dumps(r) + "\n" for r in (chat(2), row)))
    write(tmp_path, "eval.txt", "nic wspólnego")
    assert "contamination" not in {d.code for d in loaded(tmp_path).project.warnings}
    (tmp_path / "eval.txt").write_text(words, encoding="utf-8")
    [found] = [d for d in loaded(tmp_path).project.warnings if d.code == "contamination"]
    assert (found.source.file, found.source.line) == ("data/own.jsonl", 2)
    (tmp_path / "eval.txt").unlink()
    with pytest.raises(ConfigError, match=r"eval\.txt"):
        loaded(tmp_path)
