"""The report of a rehearsal."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.rehearsal import Check, Operation, Rehearsed, Standing, Verdict
from tunectl.views.paint import Paint
from tunectl.views.rehearsal import LIMIT, rehearsal_markdown, rehearsal_text, rehearsal_tree

PASSED = Rehearsed(
    project="helpdesk",
    env="prod",
    plan=samples.plan(changes=(samples.create(samples.job()),)),
    stages={"cloud": "Google Vertex AI", "claude": "Anthropic"},
    durations={"tuning_job.support": (30, 60), "tuning_job.inny": None},
    operations=(
        Operation(name="plan", calls={"cloud": 2}),
        Operation(
            name="apply",
            steps=("create dataset.support", 'create tuning_job.support["pl"]'),
            calls={"cloud": 120, "storage": 4},
        ),
        Operation(name="apply", steps=("create endpoint.support",), calls={"cloud": 3}),
        Operation(name="plan again", calls={"cloud": 5}),
        Operation(name="drift", calls={"cloud": 5}),
        Operation(name="destroy", steps=("delete endpoint.support",), calls={"cloud": 9}),
    ),
    checks=(
        Check(name="applied", promise="`apply` makes everything", verdict=Verdict.PASSED),
        Check(
            name="made-once",
            promise="each tuning job was started exactly once",
            verdict=Verdict.PASSED,
            detail="1 declared, 1 started",
        ),
    ),
    standing=(
        Standing(provider="cloud", kind="tuning job", name="1", record=True),
        Standing(provider="cloud", kind="endpoint", name="7", bills="1.36 USD an hour"),
        Standing(provider="storage", kind="object", name="gs://b/a", bills="storage of 9 bytes"),
    ),
    left=(Standing(provider="cloud", kind="tuning job", name="1", record=True),),
    notes=("`tuning_job.support` is imported from an existing object; here it is made anew",),
    fault="lost-reply",
)
FAILED = replace(
    PASSED,
    fault="",
    checks=(
        Check(
            name="applied",
            promise="`apply` makes everything",
            verdict=Verdict.FAILED,
            detail="| zły *wiersz* `7`\x1b[31m <b>",
        ),
        Check(name="no-drift", promise="`drift` finds nothing", verdict=Verdict.SKIPPED),
    ),
)
REFUSED = replace(
    PASSED,
    operations=PASSED.operations[:1],
    standing=(),
    left=(),
    checks=tuple(replace(c, verdict=Verdict.SKIPPED, detail="") for c in PASSED.checks),
    refusals=(Diagnostic(summary="it costs | too much", exit=Exit.REFUSED),),
)
ALL = {"passed": PASSED, "failed": FAILED, "refused": REFUSED}


@pytest.mark.parametrize("name", ALL)
def test_people_read_it(name: str, snapshot: SnapshotAssertion) -> None:
    assert rehearsal_text(ALL[name]) == snapshot


@pytest.mark.parametrize("name", ALL)
def test_a_pull_request_shows_it(name: str, snapshot: SnapshotAssertion) -> None:
    assert rehearsal_markdown(ALL[name]) == snapshot


@pytest.mark.parametrize("name", ALL)
def test_machines_read_it(name: str, snapshot: SnapshotAssertion) -> None:
    assert json.dumps(rehearsal_tree(ALL[name], "1.2.3"), indent=1, ensure_ascii=False) == snapshot


@pytest.mark.parametrize(
    ("rehearsed", "code"),
    [(PASSED, Exit.DONE), (FAILED, Exit.ERROR), (REFUSED, Exit.REFUSED)],
    ids=["passed", "failed", "refused"],
)
def test_the_verdict_is_the_exit_code(rehearsed: Rehearsed, code: Exit) -> None:
    assert rehearsed.exit is code
    assert rehearsal_tree(rehearsed)["exit"]["code"] == int(code)
    assert rehearsal_tree(rehearsed)["passed"] is (code is Exit.DONE)


@pytest.mark.parametrize("limit", [2_000, 8_000, LIMIT])
def test_a_comment_keeps_its_budget_and_shows_what_matters_first(limit: int) -> None:
    steps = tuple(f"create tuning_job.zadanie_{n}" for n in range(3_000))
    standing = tuple(
        Standing(provider="cloud", kind=f"endpoint {n}", name=str(n), bills="1 USD")
        for n in range(3_000)
    )
    long = replace(
        PASSED,
        operations=(Operation(name="plan"), Operation(name="apply", steps=steps)),
        standing=standing,
    )
    text = rehearsal_markdown(long, limit=limit)
    assert len(text) <= limit
    assert "2 of 2 promises kept" in text
    assert text.count("<details>") == text.count("</details>")


def test_nothing_of_others_is_markup_or_moves_the_cursor() -> None:
    assert "\x1b" not in rehearsal_text(FAILED) + rehearsal_markdown(FAILED)
    assert r"\<b\>" in rehearsal_markdown(FAILED)
    colored = rehearsal_text(FAILED, Paint(color=True))
    assert "\x1b[31m <b>" not in colored


def test_columns_line_up() -> None:
    lines = rehearsal_text(PASSED).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("calls"))
    ends = {len(line) for line in lines[start : start + 3]}
    assert len(ends) == 1


def test_training_is_spoken_of_only_where_something_is_trained() -> None:
    only_a_file = samples.plan(changes=(samples.create(samples.prompt()),))
    assert "training" not in rehearsal_text(replace(PASSED, plan=only_a_file, durations={}))
    assert "Cost: nothing for training." in rehearsal_text(replace(PASSED, durations={}))
