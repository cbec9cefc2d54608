"""`tunectl dataset`: data files checked, listed, divided and compared without a project."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run, row
from tunectl.core.errors import Exit
from tunectl.data.checks import RULES

SILENT = (
    '{"messages":[{"role":"user","content":"Cześć, tu Żółw"},{"role":"assistant","content":""}]}'
)
UNANSWERED = '{"messages":[{"role":"user","content":"Где мой заказ?"}]}'


@pytest.fixture
def bad(project: Path) -> str:
    """A file with two broken rows."""
    rows = [*(row(n, f"Odpowiedź {n}.") for n in range(12)), SILENT, UNANSWERED]
    (project / "złe, dane.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    return "złe, dane.jsonl"


@pytest.mark.parametrize("format_", ["human", "github", "sarif", "json"])
def test_broken_rows_are_refused_in_every_format_and_no_text_of_theirs_is_shown(
    format_: str, bad: str, tunectl: Run
) -> None:
    result = tunectl("dataset", "check", bad, "--format", format_)
    assert result.code == Exit.REFUSED
    for name in ("no-assistant-turn", "empty-content"):
        assert name in result.out
    for text in ("Żółw", "заказ", "Odpowiedź"):
        assert text not in result.out + result.err


def test_github_annotations_escape_what_would_end_a_property(bad: str, tunectl: Run) -> None:
    lines = tunectl("dataset", "check", bad, "--format", "github").out.splitlines()
    assert any(line.startswith("::error file=złe%2C dane.jsonl,line=13,") for line in lines)
    assert any(line.startswith("::error file=złe%2C dane.jsonl,line=14,") for line in lines)


def test_sarif_names_rule_level_and_place(bad: str, tunectl: Run) -> None:
    log = tunectl("dataset", "check", bad, "--format", "sarif").json
    [run] = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    found = {
        (
            rules[result["ruleIndex"]]["id"],
            result["level"],
            result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"],
            result["locations"][0]["physicalLocation"]["region"]["startLine"],
        )
        for result in run["results"]
        if result["level"] == "error"
    }
    assert ("empty-content", "error", "z%C5%82e%2C%20dane.jsonl", 13) in found
    assert ("no-assistant-turn", "error", "z%C5%82e%2C%20dane.jsonl", 14) in found
    assert log["version"] == "2.1.0"


def test_every_format_can_be_written_in_the_same_run(bad: str, project: Path, tunectl: Run) -> None:
    result = tunectl(
        "dataset", "check", bad, "--write", "sarif=wynik.sarif", "--write", "json=wynik.json"
    )
    assert result.code == Exit.REFUSED
    assert json.loads((project / "wynik.sarif").read_text("utf-8"))["runs"]
    assert json.loads((project / "wynik.json").read_text("utf-8"))["exit"]["code"] == 3


def test_each_file_is_a_dataset_of_its_own_and_the_worst_decides(bad: str, tunectl: Run) -> None:
    result = tunectl("dataset", "check", "data/support.jsonl", bad, "--format", "json")
    assert [one["name"] for one in result.json["datasets"]] == ["data/support.jsonl", bad]
    assert [one["exit"]["code"] for one in result.json["datasets"]] == [0, 3]
    assert result.code == Exit.REFUSED


def test_what_cannot_be_read_is_an_error_not_a_refusal(project: Path, tunectl: Run) -> None:
    (project / "ucięty.jsonl").write_text('{"messages": [{"role": "us', "utf-8")
    assert tunectl("dataset", "check", "ucięty.jsonl").code == Exit.ERROR


def test_strict_lets_warnings_refuse(project: Path, tunectl: Run) -> None:
    (project / "dwa.jsonl").write_text(row(1) + "\n" + row(1) + "\n", "utf-8")
    assert tunectl("dataset", "check", "dwa.jsonl").code == Exit.DONE
    assert tunectl("dataset", "check", "dwa.jsonl", "--strict").code == Exit.REFUSED


def test_a_row_in_training_and_validation_is_an_error(project: Path, tunectl: Run) -> None:
    (project / "held.jsonl").write_text(row(3) + "\n", "utf-8")
    result = tunectl("dataset", "check", "data/support.jsonl", "--validation", "held.jsonl")
    assert result.code == Exit.REFUSED
    assert "split-overlap" in result.out


def test_a_split_never_writes_over_what_it_reads(project: Path, tunectl: Run) -> None:
    """Even with `--force`: `train.jsonl` beside its own splits is how people begin."""
    own = project / "train.jsonl"
    rows = "".join(row(n, f"Odpowiedź {n}.") + "\n" for n in range(200))
    own.write_text(rows, "utf-8")
    result = tunectl("dataset", "split", "train.jsonl", "--test", "0.2", "-o", ".", "--force")
    assert result.code == 1
    assert "`train.jsonl` is read, so it is not written" in result.err
    assert own.read_text("utf-8") == rows
    assert not (project / "test.jsonl").exists()


def test_a_split_never_replaces_files_unasked(project: Path, tunectl: Run) -> None:
    (project / "wiersze.jsonl").write_text(
        "".join(row(n, f"Odpowiedź {n}.") + "\n" for n in range(200)), "utf-8"
    )
    args = ["dataset", "split", "wiersze.jsonl", "--validation", "10%", "--test", "0.2", "-o", "cz"]
    first = tunectl(*args, "--format", "json")
    assert first.code == Exit.DONE, first.err
    rows = {one["split"]: one["rows"] for one in first.json["files"]}
    assert sum(rows.values()) == 200
    assert set(rows) == {"train", "validation", "test"}
    lines = [
        line
        for name in rows
        for line in (project / "cz" / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    assert len(set(lines)) == 200
    before = (project / "cz" / "train.jsonl").read_bytes()
    again = tunectl(*args)
    assert again.code == Exit.ERROR
    assert "--force" in again.err
    assert tunectl(*args, "--force").code == Exit.DONE
    assert (project / "cz" / "train.jsonl").read_bytes() == before


@pytest.fixture
def versions(project: Path) -> tuple[str, str]:
    """Two versions of a file: one row changed, one removed, one added, one only moved."""
    rows = [row(n, f"Odpowiedź {n}.") for n in range(12)]
    old, new = rows.copy(), rows.copy()
    new[3] = row(3, "Ответ: żółw.")
    del new[7]
    new.append(row(40, "Nowa."))
    (project / "v1.jsonl").write_text("\n".join(old) + "\n", "utf-8")
    (project / "v2.jsonl").write_text("\n\n".join(new), "utf-8")
    return "v1.jsonl", "v2.jsonl"


def test_a_diff_counts_rows_and_names_lines_without_their_text(
    versions: tuple[str, str], tunectl: Run
) -> None:
    result = tunectl("dataset", "diff", *versions)
    assert result.code == Exit.DONE
    expected = "train 1 changed (v2.jsonl:7), 1 added (v2.jsonl:23), 1 removed (v1.jsonl:8)"
    assert expected in result.out
    assert "żółw" not in result.out


def test_a_diff_shows_words_only_to_people_who_ask(versions: tuple[str, str], tunectl: Run) -> None:
    shown = tunectl("dataset", "diff", *versions, "--show-data").out
    assert "~ v2.jsonl:7" in shown
    assert "[-Odpowiedź-]{+Ответ:+} [-3-]{+żółw+}." in shown
    assert "- v1.jsonl:8" in shown
    assert "{+Nowa.+}" in shown
    refused = tunectl("dataset", "diff", *versions, "--show-data", "--format", "json")
    assert refused.code == Exit.ERROR


def test_a_diff_in_json_says_what_it_costs_and_no_text(
    versions: tuple[str, str], tunectl: Run
) -> None:
    args = ("--for", "openai:gpt-4.1-mini", "--format", "json", "--detailed-exitcode")
    result = tunectl("dataset", "diff", *versions, *args)
    assert result.code == Exit.CHANGES
    [split], [target] = result.json["splits"], result.json["targets"]
    assert (split["added"], split["removed"], split["changed"]) == (1, 1, 1)
    assert split["lines"]["removed"] == ["v1.jsonl:8"]
    tokens = target["tokens"]
    assert 0 < tokens["before"]["likely"] != tokens["after"]["likely"] > 0
    assert target["cost"]["after"]["currency"] == "USD"
    assert "Odpowied" not in result.out


def test_spelling_is_no_difference(project: Path, tunectl: Run) -> None:
    lines = (project / "data" / "support.jsonl").read_text("utf-8").splitlines()
    again = [json.dumps(dict(reversed(json.loads(line).items())), indent=None) for line in lines]
    (project / "inaczej.jsonl").write_text("\r\n\r\n".join(again), "utf-8")
    args = ("data/support.jsonl", "inaczej.jsonl", "--detailed-exitcode")
    result = tunectl("dataset", "diff", *args)
    assert result.code == Exit.DONE
    assert "hold the same rows" in result.out


def test_keys_tell_an_edited_row_from_another_one(project: Path, tunectl: Run) -> None:
    (project / "a.csv").write_text("id,q,a\n1,jeden,tak\n2,dwa,nie\n3,trzy,tak\n", "utf-8")
    (project / "b.csv").write_text("id,q,a\n3,trzy,owszem\n1,jeden,tak\n2,dwa,nie\n", "utf-8")
    args = ("a.csv", "b.csv", "--columns", "input=q,output=a", "--strip", "id", "--keys", "id")
    assert "train 1 changed (b.csv:2)" in tunectl("dataset", "diff", *args).out


def test_a_file_beside_a_declared_dataset_is_read_as_that_one_is(
    project: Path, tunectl: Run
) -> None:
    config = (project / "tunectl.yaml").read_text("utf-8")
    split = "source: data/support.jsonl\n    split: {validation: 30%}\n    strip: id\n"
    text = config.replace("source: data/support.jsonl\n", split)
    (project / "tunectl.yaml").write_text(text, "utf-8")
    lines = (project / "data" / "support.jsonl").read_text("utf-8").splitlines()
    rows = [{"id": n, **json.loads(line)} for n, line in enumerate(lines)]
    new = "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in rows)
    (project / "data" / "support.jsonl").write_text(new, "utf-8")
    (project / "nowe.jsonl").write_text(new, "utf-8")
    for args in (("nowe.jsonl", "dataset.support"), ("dataset.support", "nowe.jsonl")):
        assert "hold the same rows" in tunectl("dataset", "diff", *args).out


def test_stats_of_a_declared_dataset_count_with_the_epochs_of_its_job_and_its_prices(
    project: Path, tunectl: Run
) -> None:
    config = (project / "tunectl.yaml").read_text("utf-8")
    job = """
providers: {eu: {type: openai, key_env: OPENAI_API_KEY}}
prices: {eu: {gpt-4.1-mini: {training: 1000000 EUR}}}
tuning_job:
  t:
    provider: eu
    base_model: gpt-4.1-mini
    data: dataset.support
    method: {type: supervised, epochs: 2}
"""
    (project / "tunectl.yaml").write_text(config + job, "utf-8")
    [found] = tunectl("dataset", "stats", "--format", "json").json["datasets"]
    [target] = found["targets"]
    assert target["epochs"] == 2
    assert target["cost"]["currency"] == "EUR"
    billed = target["tokens"]["billed"]["low"]
    assert target["cost"]["low"] == f"{2 * billed}.00"


def test_stats_count_tokens_and_costs_for_whom_is_asked(tunectl: Run) -> None:
    args = ("data/support.jsonl", "--for", "openai:gpt-4.1-mini", "--for", "local:smollm2-135m")
    result = tunectl("dataset", "stats", *args, "--format", "json")
    [found] = result.json["datasets"]
    assert (found["rows"], found["roles"]) == (12, {"user": 12, "assistant": 12})
    openai, local = found["targets"]
    assert openai["tokens"]["total"]["low"] > 12 * 10
    assert openai["cost"]["currency"] == "USD"
    assert (local["cost"]["high"], local["cost"]["unknown"]) == ("0.00", [])


def test_a_declared_dataset_is_checked_for_the_jobs_that_use_it(
    project: Path, tunectl: Run
) -> None:
    config = (project / "tunectl.yaml").read_text("utf-8")
    job = """
tuning_job:
  t: {provider: local, base_model: smollm2-135m-instruct, data: dataset.support}
"""
    (project / "tunectl.yaml").write_text(f"{config}providers: {{local: {{}}}}\n{job}", "utf-8")
    result = tunectl("dataset", "check", "--format", "json")
    [found] = result.json["datasets"]
    assert found["name"] == "dataset.support"
    assert found["checked_for"] == ["local:smollm2-135m-instruct"]


def test_every_rule_says_why_and_what_to_do(tunectl: Run) -> None:
    rules = tunectl("dataset", "rules", "--format", "json").json["rules"]
    assert {rule["name"] for rule in rules} == set(RULES)
    assert [rule["name"] for rule in rules if not rule["reason"]] == []
    assert [rule["name"] for rule in rules if not rule["hint"]] == []


def test_a_rule_is_found_by_its_number_too(tunectl: Run) -> None:
    assert "duplicate-row (D11)" in tunectl("dataset", "rules", "d11").out


@pytest.mark.parametrize(
    "args",
    [
        ["dataset", "chek"],
        ["dataset", "check", "nie-ma.jsonl"],
        ["dataset", "check", "data"],
        ["dataset", "check", "data/support.jsonl", "--from", "openai"],
        ["dataset", "check", "data/support.jsonl", "--columns", "input"],
        ["dataset", "check", "data/support.jsonl", "--for", "openai:"],
        ["dataset", "check", "data/support.jsonl", "--limit", "0"],
        ["dataset", "check", "data/support.jsonl", "--syntax-only", "--all"],
        ["dataset", "check", "a.jsonl", "b.jsonl", "--test", "c.jsonl"],
        ["dataset", "check", "dataset.suport"],
        ["dataset", "split", "data/support.jsonl", "-o", "cz"],
        ["dataset", "split", "data/support.jsonl", "--validation", "110%", "-o", "cz"],
        ["dataset", "rules", "near-duplicat"],
        ["dataset", "diff", "-", "-"],
        ["dataset", "diff", "data/support.jsonl", "nie-ma.jsonl"],
        ["dataset", "stats", "dataset.suport"],
        ["dataset", "stats", "nie-ma.jsonl"],
    ],
    ids=" ".join,
)
def test_bad_use_is_said_with_a_hint(
    args: list[str], tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl(*args)
    assert result.code == Exit.ERROR
    assert result.out + result.err == snapshot


def test_a_plan_shows_rows_only_on_the_screen_of_who_asks(project: Path, tunectl: Run) -> None:
    assert tunectl("apply", "--auto-approve").code == Exit.DONE
    path = project / "data" / "support.jsonl"
    lines = path.read_text("utf-8").splitlines()
    lines[4] = row(4, "Teraz inaczej, żółwiu.")
    path.write_text("\n".join(lines) + "\n", "utf-8")
    plain = tunectl("plan")
    assert "rows: train 1 changed (data/support.jsonl:5)" in plain.out
    assert "żółwiu" not in plain.out + plain.err
    shown = tunectl("plan", "--show-data", "--write", "human=p.txt", "--write", "json=p.json")
    assert "data/support.jsonl:5" in shown.out
    assert "Teraz inaczej, żółwiu." in shown.out
    for name in ("p.txt", "p.json"):
        assert "żółwiu" not in (project / name).read_text("utf-8")
    assert tunectl("plan", "--show-data", "--format", "markdown").code == Exit.ERROR
