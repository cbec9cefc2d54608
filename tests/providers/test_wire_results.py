"""What a finished job leaves: losses by step, checkpoints, the outcome of safety checks."""

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contracts.handler_contract import settled
from tests.providers.test_wire_jobs import started
from tunectl.core.resource import Status
from tunectl.providers.wire.results import steps_of

TABLE = (
    b"step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy\n"
    b"1,2.51,0.41,,\n2,1.75,0.55,1.9,0.5\n"
)
STEPS = [
    {"step": 1, "train_loss": 2.51, "train_accuracy": 0.41},
    {
        "step": 2,
        "train_loss": 1.75,
        "train_accuracy": 0.55,
        "valid_loss": 1.9,
        "valid_mean_token_accuracy": 0.5,
    },
]


def finished(fake, openai):
    fake.path = ("running", "succeeded")
    handler, made = started(openai)
    return handler, settled(handler, made)


@pytest.mark.parametrize("encode", [bytes, base64.b64encode, base64.encodebytes])
def test_losses_are_read_from_a_result_file_plain_or_base64(fake, openai, encode):
    fake.results = encode(TABLE)
    handler, ready = finished(fake, openai)
    told = [dict(e.data) for e in handler.results(ready) if not e.message]
    assert told == STEPS


def test_checkpoints_are_told_with_their_names_steps_and_losses(fake, openai):
    handler, ready = finished(fake, openai)
    (point,) = handler.results(ready)
    assert point.message == f"checkpoint `{ready.outputs['model_id']}:ckpt-step-20`"
    assert point.data["step"] == 20


@pytest.mark.parametrize("content", [b"\x00\xff", b"PK\x03\x04", b"a,b\n1,2\n", b""])
def test_a_result_file_of_another_kind_is_told_and_no_failure(fake, openai, content):
    fake.results = content
    handler, ready = finished(fake, openai)
    first = next(iter(handler.results(ready)))
    assert first.level == "warn"
    assert "is no table of steps" in first.message


def test_a_result_file_that_is_gone_leaves_the_checkpoints(fake, openai):
    fake.results = TABLE
    handler, ready = finished(fake, openai)
    fake.files.clear()
    (point,) = handler.results(ready)
    assert "checkpoint" in point.message


def test_a_job_that_failed_leaves_nothing(fake, openai):
    fake.path = ("validating_files", "failed")
    handler, made = started(openai)
    assert list(handler.results(handler.poll(made))) == []


def test_a_model_that_the_safety_checks_block_fails_with_their_outcome(fake, openai):
    fake.path, fake.tuned = ("running", "succeeded"), False
    handler, made = started(openai)
    outcome = {"blocked": True, "failed": ["hate/threatening"]}
    fake.tell(made.id, "info", "Moderation checks", outcome, "moderation_checks")
    fake.tell(made.id, "warn", "something else")
    now = handler.poll(made)
    assert now.status is Status.FAILED
    assert now.reason == (
        "the job ended without a usable model: Moderation checks "
        '{"blocked": true, "failed": ["hate/threatening"]}'
    )


def test_the_log_tells_the_outcome_of_the_safety_checks(fake, openai):
    handler, made = started(openai)
    fake.tell(made.id, "info", "", {"hate": {"passed": True}}, "moderation_checks")
    assert list(handler.events(made))[-1].message == 'safety checks {"hate": {"passed": true}}'


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(st.integers(0, 10**6), NUMBERS, st.none() | NUMBERS)), st.booleans())
def test_every_table_is_read_back_as_it_was_written(rows, coded):
    lines = ["step,train_loss,valid_loss"]
    lines += [
        f"{step},{loss!r},{'' if valid is None else repr(valid)}" for step, loss, valid in rows
    ]
    content = "\n".join(lines).encode()
    found = steps_of(base64.b64encode(content) if coded else content)
    assert [(r["step"], r["train_loss"], r.get("valid_loss")) for r in found] == rows


@example(b"\r\x00")
@given(st.binary(max_size=200))
def test_no_bytes_make_it_stumble(content):
    assert steps_of(content) is None or content
