"""The plan on the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.plan import Action, Blocked, Cause, Drift, OutputChange, Plan
from tunectl.core.state import Intent
from tunectl.core.value import Address
from tunectl.views.human_plan import plan_text
from tunectl.views.json_plan import plan_tree
from tunectl.views.markdown import plan_markdown
from tunectl.views.paint import Paint
from tunectl.views.sentences import MEANING, Symbol, reason, summary
from tunectl.views.text import clean

# Atlantis' own expression for the summary (`runatlantis/atlantis` models.go).
ATLANTIS = re.compile(
    r"Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy"
    r"(?:, (\d+) to forget)?\."
)


@pytest.mark.parametrize("name", samples.PLANS)
def test_plan_reads_like_terraform(name: str, snapshot: SnapshotAssertion) -> None:
    assert plan_text(samples.PLANS[name]()) == snapshot


def test_colour_changes_nothing_but_colour() -> None:
    for make in samples.PLANS.values():
        colored = plan_text(make(), Paint(color=True))
        assert clean(colored) == plan_text(make())
    assert "\x1b[" in colored


@pytest.mark.parametrize("make", [samples.first_plan, samples.replace_plan, samples.blocked_plan])
def test_atlantis_reads_the_summary(make: Callable[[], Plan]) -> None:
    plan = make()
    found = ATLANTIS.search(plan_text(plan))
    assert found is not None
    counts = [int(n or 0) for n in found.groups()]
    assert counts == [0, plan.adds, plan.updates, plan.destroys, plan.count(Action.FORGET)]


def test_summary_line_is_byte_stable() -> None:
    assert summary(samples.retrain_plan()) == "Plan: 2 to add, 2 to change, 0 to destroy."
    assert (
        summary(samples.replace_plan()) == "Plan: 2 to add, 0 to change, 4 to destroy, 1 to forget."
    )


def test_nothing_to_do_begins_with_no_changes() -> None:
    assert plan_text(samples.empty_plan()) == (
        "No changes. Your models match the configuration (helpdesk, environment default)."
    )


def test_a_partial_plan_claims_nothing_of_what_it_did_not_look_at() -> None:
    partial = plan_text(samples.plan(partial=True))
    assert partial.startswith("No changes. What was chosen matches the configuration; the rest")
    assert "Your models match" not in partial
    ends = plan_text(samples.plan(partial=True, destroy=True))
    assert ends.startswith("No changes. Nothing that was chosen needs to be destroyed (")
    assert "No changes to what was chosen." in plan_markdown(samples.plan(partial=True))


GONE = ((samples.JOB, "was deleted remotely; it stays recorded"),)
DRIFTED = (Drift(address=samples.ENDPOINT, gone=True),)
OPEN = (Intent(op="1" * 32, action="create", address=samples.JOB, provider="local"),)
REFRESHED = [
    ({}, "No changes. Everything is still as it is recorded"),
    ({"partial": True}, "No changes. What was chosen is still as it is recorded"),
    ({"notes": GONE}, "No changes. 1 object was deleted remotely and stays recorded"),
    ({"notes": 2 * GONE}, "No changes. 2 objects were deleted remotely and stay recorded"),
    ({"drift": DRIFTED}, "1 record will be brought up to date"),
    ({"recover": OPEN}, "1 open step of an interrupted apply will be settled"),
    (
        {"drift": DRIFTED, "notes": GONE},
        "1 record will be brought up to date; 1 object was deleted remotely and stays recorded",
    ),
]


@pytest.mark.parametrize(("found", "said"), REFRESHED)
def test_a_refresh_ends_with_what_it_found_and_says_nothing_of_the_declaration(
    found: dict[str, object], said: str
) -> None:
    plan = samples.plan(refresh_only=True, **found)
    text = plan_text(plan)
    place = " (helpdesk, environment default)" if plan.empty else ""
    assert text.splitlines()[-1] == f"{said}{place}."
    assert "match the configuration" not in text
    assert f"helpdesk (default): {said}." in plan_markdown(plan)


@pytest.mark.parametrize("make", [samples.first_plan, samples.blocked_plan, samples.destroy_plan])
def test_the_head_names_project_and_environment(make: Callable[[], Plan]) -> None:
    plan = replace(make(), env="prod")
    assert plan_text(plan).splitlines()[0] == "helpdesk, environment prod"


NOTED = samples.plan(noted=((samples.JOB, "`lifecycle.protect` true -> false"),))


def test_what_is_only_recorded_is_shown_and_the_summary_stays() -> None:
    text = plan_text(NOTED)
    assert "Recorded only: nothing changes at the provider\n\n  tuning_job.support: `life" in text
    assert text.splitlines()[-1] == "Plan: 0 to add, 0 to change, 0 to destroy."
    assert "No changes" not in text
    comment = plan_markdown(NOTED)
    assert "> Recorded only: nothing changes at the provider:" in comment
    assert "> - `tuning_job.support`: `lifecycle.protect` true -" in comment
    assert plan_tree(NOTED)["recorded_only"] == [
        {"address": "tuning_job.support", "message": "`lifecycle.protect` true -> false"}
    ]


def test_a_refused_plan_says_so_in_a_comment_and_in_json() -> None:
    plan = samples.replace_plan()
    refusal = Diagnostic(summary="`tuning_job.support` is protected", exit=Exit.REFUSED)
    comment = plan_markdown(plan, refusals=[refusal])
    assert (
        "> This plan is **refused** and cannot be applied:\n> - `tuning_job.support` is" in comment
    )
    assert plan.digest in comment
    tree = plan_tree(plan, "", [samples.WARNING, refusal])
    assert tree["applyable"] is False
    assert plan_tree(plan, "", [samples.WARNING])["applyable"] is True
    assert [d["severity"] for d in tree["diagnostics"]] == ["warning", "error"]


def test_legend_shows_only_symbols_in_use() -> None:
    text = plan_text(samples.first_plan()).partition("tunectl will perform")[0]
    assert MEANING[Symbol.CREATE] in text
    assert all(MEANING[s] not in text for s in Symbol if s is not Symbol.CREATE)


def test_a_plan_with_only_blocked_resources_never_says_no_changes() -> None:
    plan = samples.plan(blocked=(Blocked(address=samples.JOB, reason="failed"),))
    assert "No changes" not in plan_text(plan)


def test_a_kept_model_is_not_shown_as_destroyed() -> None:
    text = plan_text(samples.retrain_plan())
    assert "+/= tuning_job.support" in text
    assert "is kept for a rollback (keep_previous: 1)" in text
    assert "destroy" not in text.replace("0 to destroy.", "")


def test_an_upload_of_an_unchanged_dataset_stands_on_its_own() -> None:
    plan = samples.plan(changes=(samples.create(samples.upload()),))
    assert '# upload.support["train/local/chat"] will be created' in plan_text(plan)


def test_every_change_is_named_once() -> None:
    for make in samples.PLANS.values():
        plan = make()
        text = plan_text(plan)
        for change in plan.changes:
            name = re.escape(str(change.address))
            assert len(re.findall(rf"^ *[-+~./=…]+ {name}(?= |:|$)", text, re.MULTILINE)) == 1


@pytest.mark.parametrize("cause", Cause)
@pytest.mark.parametrize("action", Action)
def test_every_action_and_cause_has_words(action: Action, cause: Cause) -> None:
    change = replace(
        samples.change(Action.REPLACE, Cause.CHANGED, samples.OLD_JOB, samples.job(4)),
        action=action,
        cause=cause,
    )
    text = plan_text(samples.plan(changes=(change,)))
    assert "  # tuning_job.support " in text


def test_foreign_text_cannot_steer_the_terminal() -> None:
    evil = "x\x1b[2J\u202e\x07\ny"
    old = replace(samples.OLD_JOB, id=evil, progress=evil)
    plan = samples.plan(
        changes=(
            replace(samples.waiting_plan().changes[0], before=old, notes=(evil,)),
            samples.gone(replace(old, address=Address.of("tuning_job", "b", key=evil))),
        ),
        outputs=(OutputChange(name="m", before=evil, after=evil + "2"),),
        blocked=(Blocked(address=samples.JOB, reason=evil, hint=evil),),
        notes=((samples.JOB, evil),),
    )
    text = plan_text(plan)
    assert clean(text) == text
    assert "[2J" not in text


def test_long_values_are_cut_and_long_texts_folded() -> None:
    before = samples.prompt(
        ({"id": "system", "role": "system", "template": "\n".join(map(str, range(200)))},)
    )
    after = samples.prompt(
        ({"id": "system", "role": "system", "template": "\n".join(map(str, range(0, 400, 2)))},)
    )
    changed = samples.change(Action.UPDATE, Cause.CHANGED, samples.made(before, "support"), after)
    text = plan_text(samples.plan(changes=(changed,)))
    assert "more lines)" in text
    assert len(text.splitlines()) < 40
    long = samples.plan(outputs=(OutputChange(name="m", before="ż" * 900, after="日" * 900),))
    assert max(map(len, plan_text(long).splitlines())) < 230


def test_sensitive_outputs_are_never_shown() -> None:
    text = plan_text(samples.replace_plan())
    assert "~ token = (sensitive value) -> (sensitive value)" in text


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (Cause.MISSING, "it is missing here, or its file was edited"),
        (Cause.VANISHED, "it was deleted remotely"),
    ],
)
def test_a_file_of_the_project_was_not_deleted_remotely(cause: Cause, said: str) -> None:
    assert reason(replace(samples.create(samples.prompt()), cause=cause)) == said
