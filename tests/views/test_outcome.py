"""The last lines of the screen, the state, and the tables."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.errors import Diagnostic
from tunectl.core.ports import Model
from tunectl.core.resource import Status
from tunectl.core.state import State
from tunectl.views import outcome, states
from tunectl.views.redact import HIDDEN, Redactor


def test_closing_lines_are_terraforms_to_the_byte() -> None:
    assert outcome.apply_summary(3, 0, 1) == (
        "Apply complete! Resources: 3 added, 0 changed, 1 destroyed."
    )
    assert outcome.apply_summary(0, 0, 3, destroy=True) == (
        "Destroy complete! Resources: 3 destroyed."
    )
    assert outcome.apply_summary(0, 1, 0, 2).endswith("0 destroyed, 2 forgotten.")
    assert outcome.incomplete_text((1, 0, 0, 0), failed=1, skipped=2) == (
        "Apply incomplete. Resources: 1 added, 0 changed, 0 destroyed; 1 failed, 2 not begun."
    )


def test_what_is_blocked_is_not_called_complete() -> None:
    assert outcome.incomplete_text((1, 0, 0, 0), blocked=1) == (
        "Apply incomplete. Resources: 1 added, 0 changed, 0 destroyed; 1 blocked."
    )


def test_the_end_lists_by_address_and_cuts_after_twenty() -> None:
    many = [f"endpoint.e{n:02}" for n in range(25)]
    ended = {"not_started": many, "done": ["dataset.żółw"], "running": ["tuning_job.a"]}
    lines = outcome.ended_text(ended, ids={"tuning_job.a": "ftjob-1"}).splitlines()
    assert lines[:5] == [
        "Done (1):", "  dataset.żółw",
        "Still running (1):", "  tuning_job.a [id=ftjob-1]",
        "Not started (25):",
    ]  # fmt: skip
    assert lines[5:] == [*(f"  {a}" for a in many[:20]), "  and 5 more"]
    assert outcome.ended_text({}) == ""


def test_a_failure_names_its_resource_once() -> None:
    bare = Diagnostic(summary="status 400: no such base model", address="tuning_job.a")
    assert outcome.addressed(bare).summary == "`tuning_job.a`: status 400: no such base model"
    assert outcome.addressed(outcome.addressed(bare)) == outcome.addressed(bare)
    other = replace(bare, summary="`tuning_job.ab` failed")
    assert outcome.addressed(other).summary.startswith("`tuning_job.a`: ")
    nowhere = Diagnostic(summary="disk full")
    assert outcome.addressed(nowhere) == nowhere


def test_outputs_are_printed_as_terraform_prints_them(snapshot: SnapshotAssertion) -> None:
    outputs = {**samples.state().outputs, "empty": (), "none": None, "токен": "s3cr3t"}
    assert outcome.outputs_text(outputs, hidden={"токен"}) == snapshot
    assert outcome.outputs_text({}) == ""


def test_what_remains_is_listed() -> None:
    text = outcome.remains_text(["job record ftjob-1 stays at the provider and bills nothing"])
    assert text.splitlines() == [
        "What remains:",
        "  job record ftjob-1 stays at the provider and bills nothing",
    ]
    assert outcome.remains_text([]) == ""


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"])))
def test_a_shell_reads_an_output_back(value: str) -> None:
    (line,) = outcome.env_text({"model": value}).splitlines() or [""]
    assert shlex.split(line) == [f"MODEL={value}"]


def test_a_name_no_shell_takes_is_a_comment() -> None:
    assert outcome.env_text({"модель": "x", "a": {"k": 1}}) == (
        "A='{\"k\":1}'\n# модель: not a name a shell takes"
    )


def test_the_state_is_readable(snapshot: SnapshotAssertion) -> None:
    assert states.state_text(samples.state()) == snapshot


def test_an_empty_state_says_so() -> None:
    empty = State(lineage="x", project="p", env="default")
    assert states.state_text(empty) == states.NOTHING
    assert states.state_list(empty) == ""


def test_addresses_are_listed_sorted_one_a_line() -> None:
    assert states.state_list(samples.state(), "upload.").splitlines() == [
        'upload.support["train/local/chat"]',
        'upload.support["validation/local/chat"]',
    ]


def test_a_failed_job_shows_the_providers_words() -> None:
    failed = replace(samples.OLD_JOB, status=Status.FAILED, reason="bad\x1b[1m file\nline 2")
    text = states.instance_text(failed)
    assert "status   failed" in text
    assert "reason   bad file line 2" in text


def test_models_show_when_they_end() -> None:
    models = [
        ("openai", Model(id="gpt-4.1-mini", owned_by="system", shutdown_date="2027-01-14")),
        ("local", Model(id="smollm2-135m-instruct")),
    ]
    assert states.models_text(models).splitlines() == [
        "PROVIDER  MODEL                  OWNER   SHUTDOWN",
        "openai    gpt-4.1-mini           system  2027-01-14",
        "local     smollm2-135m-instruct          -",
    ]
    assert states.models_tree(models)[0]["shutdown_date"] == "2027-01-14"
    assert states.models_text([]) == "No models."


@pytest.mark.parametrize(("ok", "word"), [(True, "  ok"), (False, "FAIL"), (None, "   -")])
def test_findings_say_what_was_found(ok: bool | None, word: str) -> None:
    assert states.finding_text("torch", ok, "2.6") == f"{word}  torch: 2.6"
    assert states.finding_text("a", ok, "b", "do\nc").endswith("\n      hint: do c")


def test_cancelling_is_told_as_it_is() -> None:
    assert "it ends soon" in states.cancelled_text(replace(samples.OLD_JOB, status=Status.PENDING))
    done = replace(samples.OLD_JOB, status=Status.CANCELLED)
    assert states.cancelled_text(done).startswith("tuning_job.support: cancelled [id=")


SECRETS = ("sk-abcdef123456", "sk-abcdef", "пароль-12345")


def test_secrets_are_taken_out_of_text() -> None:
    redact = Redactor(SECRETS)
    assert redact("key sk-abcdef123456!") == f"key {HIDDEN}!"
    assert redact("пароль-12345") == HIDDEN
    assert Redactor(["abc"])("abc") == "abc"  # too short to be told from a word
    assert Redactor()("x") == "x"


@given(st.lists(st.sampled_from([*SECRETS, "sk-", "abc", "x ", "sk-abcd", "ef", "123456"])))
def test_a_secret_split_between_pieces_is_taken_out_too(pieces: list[str]) -> None:
    redact = Redactor(SECRETS)
    whole = "".join(redact.stream(pieces))
    assert not any(secret in whole for secret in SECRETS)
    given_text = "".join(pieces)
    if not any(secret in given_text for secret in SECRETS):
        assert whole == given_text


@pytest.mark.parametrize("cut", range(1, 15))
def test_no_part_of_a_longer_secret_is_left_over(cut: int) -> None:
    secret = SECRETS[0]
    assert "".join(Redactor(SECRETS).stream([secret[:cut], secret[cut:]])) == HIDDEN
    assert "".join(Redactor(["ababab"]).stream(["aba", "bab"])) == HIDDEN


def test_what_is_still_running_is_not_called_complete() -> None:
    assert outcome.incomplete_text((3, 0, 0, 1), running=1, skipped=2, destroy=True) == (
        "Destroy incomplete. Resources: 3 added, 0 changed, 0 destroyed, 1 forgotten; "
        "1 still running, 2 not begun."
    )
