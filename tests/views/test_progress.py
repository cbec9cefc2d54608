"""What an apply says while it runs."""

from __future__ import annotations

import json

import jsonschema
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.errors import Diagnostic
from tunectl.core.event import Event, Phase
from tunectl.core.ports import JobEvent
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.views import json_events
from tunectl.views.progress import event_line, job_event_line
from tunectl.views.text import clean, json_text, scrub

AT = "2026-11-22T10:00:00+00:00"
TRAINING = {
    "step": 12, "total_steps": 90, "train_loss": 1.2345, "valid_loss": 0.9, "seconds_left": 130.4,
}  # fmt: skip


def event(phase: Phase, verb: Verb = Verb.CREATE, **more: object) -> Event:
    return Event(phase=phase, address=samples.JOB, verb=verb, **more)  # type: ignore[arg-type]


STORY = (
    event(Phase.RECOVERED, message="found as ftjob-1", id="ftjob-1"),
    event(Phase.START),
    event(Phase.PROGRESS, Verb.WAIT, detail=TRAINING, elapsed=31.0, id="ftjob-5e0c"),
    event(Phase.PROGRESS, Verb.WAIT, message="queued", elapsed=3.0),
    event(Phase.COMPLETE, Verb.WAIT, id="ftjob-5e0c", elapsed=182.4),
    event(Phase.START, Verb.UPDATE, id="helpdesk-support"),
    event(Phase.COMPLETE, Verb.UPDATE, id="helpdesk-support"),
    event(Phase.START, Verb.DELETE, id="ftjob-1"),
    event(Phase.COMPLETE, Verb.DELETE, id="ftjob-1", elapsed=1.2),
    event(Phase.REMAINS, Verb.DELETE, id="ftjob-1", message="job record ftjob-1 stays"),
    event(Phase.COMPLETE, Verb.FORGET, id="ftjob-2"),
    event(Phase.ERRORED, elapsed=4, message="no", error=Diagnostic(summary="no")),
    event(Phase.SKIPPED),
    event(Phase.DETACHED, Verb.WAIT, id="ftjob-5e0c"),
)


def test_an_apply_tells_its_story(snapshot: SnapshotAssertion) -> None:
    assert "\n".join(filter(None, map(event_line, STORY))) == snapshot


@given(st.text(), st.text(), st.text())
@example("", "\x1b[31m", "")
@example("", "", "a\u202eb")
@example("\x1b[31m", "", "")
def test_a_line_is_the_same_whether_its_event_was_cleaned_before(key, id_, message):
    for phase in Phase:
        told = Event(
            phase=phase,
            address=Address.of("upload", "a", key=key),
            verb=Verb.CREATE,
            id=id_,
            message=message,
        )
        assert event_line(told) == event_line(scrub(told))
        assert clean(event_line(told)) == event_line(told)


def test_progress_names_step_losses_and_time_left() -> None:
    assert (
        event_line(STORY[2])
        == "tuning_job.support: Still creating... [step 12/90, loss 1.23, valid 0.9, 2m10s left]"
    )


def test_completion_has_terraforms_words() -> None:
    assert (
        event_line(STORY[4]) == "tuning_job.support: Creation complete after 3m2s [id=ftjob-5e0c]"
    )


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("verb", Verb)
def test_every_event_fits_the_stream_schema(phase: Phase, verb: Verb) -> None:
    tree = json.loads(json_text(json_events.event_tree(event(phase, verb, detail=TRAINING), AT)))
    jsonschema.validate(tree, json_events.schema())
    assert tree["type"] == phase.value
    assert tree["@message"]


def test_the_stream_begins_with_a_version_and_ends_with_outputs(
    snapshot: SnapshotAssertion,
) -> None:
    plan = samples.replace_plan()
    lines = [
        json_events.version_line("0.1.0", AT),
        *(json_events.planned_line(change, AT) for change in plan.changes),
        json_events.plan_summary_line(plan, AT),
        *(json_events.event_tree(e, AT) for e in STORY),
        json_events.diagnostic_line(samples.UNKNOWN_KEY, AT),
        json_events.apply_summary_line("Apply complete!", (2, 0, 4, 1), AT, destroy=False),
        json_events.outputs_line({"model": "m", "token": "t"}, AT, hidden={"token"}),
    ]
    for line in lines:
        jsonschema.validate(json.loads(json_text(line)), json_events.schema())
    assert "\n".join(map(json_text, lines)) == snapshot


def test_the_summary_of_an_incomplete_apply_lists_by_address() -> None:
    many = tuple(f"endpoint.e{n}" for n in range(21))
    line = json_events.apply_summary_line(
        "Apply incomplete.", (1, 0, 0, 0), AT, destroy=False,
        ended={"failed": ("tuning_job.a",), "not_started": many},
    )  # fmt: skip
    jsonschema.validate(line, json_events.schema())
    assert line["ended"]["failed"] == {"count": 1, "addresses": ["tuning_job.a"]}
    assert line["ended"]["not_started"] == {"count": 21, "addresses": list(many[:20])}
    noted = json_events.recorded_only_line(samples.JOB, "`lifecycle.protect` false -> true", AT)
    jsonschema.validate(noted, json_events.schema())
    assert noted["@message"] == "tuning_job.support: `lifecycle.protect` false -> true"


def test_schema_refuses_an_unknown_type() -> None:
    line = {**json_events.version_line("0.1.0", AT), "type": "surprise"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(line, json_events.schema())


def test_job_log_lines_are_in_utc_and_clean() -> None:
    line = job_event_line(
        JobEvent(id="e", at=1_795_341_203.0, level="warn", message="loss\x1b[31m up", data=TRAINING)
    )
    assert line == (
        "2026-11-22 09:53:23Z  warn: loss up (step 12/90, loss 1.23, valid 0.9, 2m10s left)"
    )


def test_foreign_words_in_events_are_cleaned() -> None:
    evil = event(Phase.PROGRESS, message="\x1b]0;t\x07a\nb", id="x\u202e")
    assert clean(event_line(evil)) == event_line(evil)
    assert "\n" not in event_line(evil)
    keyed = Event(
        phase=Phase.START, address=Address.of("upload", "a", key="\x9b2J"), verb=Verb.CREATE
    )
    assert "\x9b" not in event_line(keyed)
