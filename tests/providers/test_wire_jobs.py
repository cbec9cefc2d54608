"""Tuning jobs over the wire: what is asked for, what is told, and what remains."""

import time
from dataclasses import replace

import pytest

from tests.contracts.handler_contract import job_resource, request_for, settled
from tests.providers.fake_openai import Fault
from tests.providers.test_wire_contract import uploaded
from tunectl.core.errors import (
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    UnknownOutcomeError,
)
from tunectl.core.ports import JobEvent
from tunectl.core.resource import Status
from tunectl.providers.wire.job import progress_of

JOBS = "/fine_tuning/jobs"


def job(provider, model="gpt-4o-mini", name="support", **more):
    return request_for(*job_resource("openai_eu", model, uploaded(provider), name, **more))


def started(provider, **more):
    handler = provider.handlers["tuning_job"]
    return handler, handler.create(job(provider, **more))


def test_a_create_carries_the_owner_mark_and_only_what_the_user_set(fake, openai):
    request = job(openai, metadata={"team": "wsparcie"}, seed=7)
    openai.handlers["tuning_job"].create(request)
    body = fake.sent("POST", JOBS)[0].body
    assert body == {
        "model": "gpt-4o-mini",
        "training_file": request.spec["training_file"],
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 2}}},
        "seed": 7,
        "suffix": "helpdesk-support",
        "metadata": {
            "team": "wsparcie",
            "tunectl": "1",
            "tunectl-lineage": request.mark.lineage,
            "tunectl-project": "helpdesk",
            "tunectl-env": "default",
            "tunectl-address": "tuning_job.support",
            "tunectl-op": request.mark.op,
        },
    }


def test_a_create_without_settings_leaves_all_to_the_provider(fake, openai):
    openai.handlers["tuning_job"].create(job(openai, method={"type": "supervised"}))
    assert "method" not in fake.sent("POST", JOBS)[0].body


def test_dpo_and_validation_and_integrations_are_sent(fake, openai):
    file = uploaded(openai)
    openai.handlers["tuning_job"].create(
        job(
            openai,
            method={"type": "dpo", "beta": 0.1, "epochs": 1},
            validation_file=file,
            integrations=({"type": "wandb", "wandb": {"project": "p", "tags": ("a",)}},),
            suffix="mój",
        )
    )
    body = fake.sent("POST", JOBS)[0].body
    assert body["method"] == {
        "type": "dpo",
        "dpo": {"hyperparameters": {"n_epochs": 1, "beta": 0.1}},
    }
    assert body["validation_file"] == file
    assert body["integrations"] == [{"type": "wandb", "wandb": {"project": "p", "tags": ["a"]}}]
    assert body["suffix"] == "mój"


def test_a_job_moves_through_its_states_to_a_model(fake, openai):
    handler, now = started(openai)
    assert now.progress == "checking the files"
    told = []
    while now.status is Status.PENDING:
        now = handler.poll(now)
        told.append(now.progress)
    assert told[0] == "queued"
    assert told[1].startswith("50%, step 20/40, loss 0.1")
    assert told[-1] == ""
    assert now.outputs["job_id"] == now.id
    assert now.outputs["model_id"] in fake.models
    assert "helpdesk-support" in now.outputs["model_id"]
    assert now.reason == ""  # a healthy job has `error: {}`


@pytest.mark.parametrize("state", ["paused", "compressing", ""])
def test_a_state_that_nobody_knows_is_not_the_end(fake, openai, state):
    fake.path = ("queued", state, "succeeded")
    handler, now = started(openai)
    now = handler.poll(now) if state else now
    assert now.status is Status.PENDING
    assert now.progress


def test_a_failed_job_gives_the_provider_s_reason_and_stays_readable(fake, openai):
    fake.path = ("validating_files", "failed")
    fake.job_error = {
        "code": "invalid_n_examples",
        "message": "Training file has 3 example(s), but must have at least 10 examples",
        "param": "training_file",
    }
    handler, made = started(openai)
    now = handler.poll(made)
    assert now.status is Status.FAILED
    assert now.reason == (
        "invalid_n_examples: Training file has 3 example(s), but must have at least 10 examples "
        "(training_file)"
    )
    assert handler.read(now) == now
    assert "model_id" not in now.outputs


def test_a_failed_job_without_an_error_gives_its_last_words(fake, openai):
    fake.path = ("validating_files", "failed")
    handler, made = started(openai)
    fake.tell(made.id, "error", "Zbiór odrzucony: moderacja")
    fake.tell(made.id, "info", "bye")
    assert handler.poll(made).reason == "Zbiór odrzucony: moderacja"


def test_a_success_without_a_model_is_a_failure(fake, openai):
    fake.path, fake.tuned = ("running", "succeeded"), False
    handler, made = started(openai)
    fake.tell(made.id, "warn", "The model was blocked by safety checks")
    now = handler.poll(made)
    assert now.status is Status.FAILED
    assert "blocked by safety checks" in now.reason


def test_a_model_that_is_listed_late_is_waited_for(fake, openai):
    fake.path, fake.lists_late = ("running", "succeeded"), 2
    handler, made = started(openai)
    first = handler.poll(made)
    assert first.status is Status.PENDING
    assert "waiting until the model can be used" in first.progress
    assert handler.read(first) is not None
    assert settled(handler, first).status is Status.READY


def test_a_model_that_never_comes_is_a_failure_after_a_while(fake, openai):
    fake.path, fake.lists_late = ("running", "succeeded"), 99
    handler, made = started(openai)
    handler.poll(made)
    fake.jobs[made.id]["finished_at"] = int(time.time()) - 3600
    now = handler.poll(made)
    assert now.status is Status.FAILED
    assert "does not exist" in now.reason


def test_a_job_whose_model_was_deleted_reads_as_gone(fake, openai):
    handler, made = started(openai)
    ready = settled(handler, made)
    del fake.models[ready.outputs["model_id"]]
    assert handler.read(ready) is None


def test_a_service_not_known_to_list_tuned_models_never_tells_that_one_is_gone(fake, connected):
    handler, made = started(connected(None))
    ready = settled(handler, made)
    fake.models.clear()
    assert handler.read(ready) == ready


def test_destroying_deletes_model_and_checkpoints_and_tells_what_stays(fake, openai):
    handler, made = started(openai)
    ready = settled(handler, made)
    assert any(":ckpt-step-" in name for name in fake.models)
    left = handler.delete(ready)
    assert not any(name.startswith("ft:") for name in fake.models)
    assert left.id == ready.id
    assert left.reason == f"job record {ready.id} stays at the provider and bills nothing"
    assert handler.delete(ready) is not None  # again is fine
    assert handler.read(ready) is None


def test_destroying_a_live_job_cancels_it_first(fake, openai):
    fake.path = ("queued", "running")
    handler, made = started(openai)
    left = handler.delete(made)
    assert fake.jobs[made.id]["status"] == "cancelled"
    assert left.status is Status.CANCELLED
    assert handler.read(made).status is Status.CANCELLED


def test_destroying_a_job_that_just_succeeded_deletes_its_model(fake, openai):
    fake.path = ("running", "succeeded")
    handler, made = started(openai)
    fake.get_job(made.id)
    handler.delete(made)
    assert not any(name.startswith("ft:") for name in fake.models)


def test_destroying_a_job_that_does_not_end_can_be_tried_again(fake, openai):
    fake.path = ("queued", "running")
    handler, made = started(openai)
    fake.act = lambda job_id, verb: fake.get_job(job_id, move=False)
    with pytest.raises(ConflictError, match="still `running`"):
        replace(handler, cancel_seconds=0.0).delete(made)


def test_destroying_a_job_whose_record_is_gone_is_fine(openai):
    handler, made = started(openai)
    assert handler.delete(replace(made, id="ftjob-nobody")) is None


def test_cancelling_one_that_has_ended_returns_how_it_ended(fake, openai):
    handler, made = started(openai)
    ready = settled(handler, made)
    assert handler.cancel(ready).status is Status.READY


def test_pause_and_resume(fake, openai):
    handler, made = started(openai)
    assert handler.pause(made).progress == "paused"
    assert handler.resume(made).progress == "queued"
    assert handler.cancel(made).status is Status.CANCELLED


def test_an_update_is_refused_because_jobs_cannot_change(openai):
    handler, made = started(openai)
    request = replace(job(openai, suffix="new"), prior=made)
    with pytest.raises(InvalidRequestError) as caught:
        handler.update(request)
    assert "next training" in caught.value.diagnostics[0].hint


def test_polling_a_job_whose_record_is_gone_says_so(openai):
    handler, made = started(openai)
    with pytest.raises(NotFoundError):
        handler.poll(replace(made, id="ftjob-nobody"))


def test_events_come_in_order_and_after_the_last_one_seen(fake, openai):
    handler, made = started(openai)
    for number in range(250):
        fake.tell(made.id, "info", f"krok {number}", {"step": number})
    every = list(handler.events(made))
    assert [e.message for e in every][1:] == [f"krok {n}" for n in range(250)]
    looks = len(fake.sent("GET", f"{JOBS}/{made.id}/events"))
    assert looks == 3  # pages of 100
    since = every[-3].id
    assert [e.message for e in handler.events(made, since)] == ["krok 248", "krok 249"]
    assert len(fake.sent("GET", f"{JOBS}/{made.id}/events")) == looks + 1
    assert list(handler.events(made, every[-1].id)) == []


def test_a_service_that_drops_metadata_cannot_prove_absence(fake, connected):
    fake.keeps_metadata = False
    provider = connected(None)
    handler, request = provider.handlers["tuning_job"], job(provider)
    assert list(handler.find(request.mark)) == []  # no job at all: it is not there
    fake.faults.append(Fault("POST", JOBS, "reset", after=True))
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    with pytest.raises(UnknownOutcomeError) as caught:
        list(handler.find(request.mark))
    assert "--retry-unknown tuning_job.support" in caught.value.diagnostics[0].hint


def test_a_service_that_ignores_the_filter_does_not_give_away_other_jobs(fake, openai):
    started(openai)
    fake.keeps_metadata = False
    assert list(openai.handlers["tuning_job"].find(job(openai).mark)) == []


def test_azure_gets_its_training_type_a_byte_order_mark_and_a_short_suffix(fake, connected):
    provider = connected("azure", training_type="GlobalStandard")
    fake.file_path = ("uploaded", "uploaded", "processed")
    request = job(provider, "gpt-4o-mini", "obsługa_klientów_polskich")
    provider.handlers["tuning_job"].create(request)
    body = fake.sent("POST", JOBS)[0].body
    assert body["trainingType"] == "GlobalStandard"
    assert body["suffix"] == "helpdesk-obsluga-k"
    assert next(iter(fake.contents.values())).startswith(b"\xef\xbb\xbf{")
    assert len(fake.sent("GET", "/files/.*")) == 2


def test_nebius_gets_its_hyperparameters_at_the_top_and_names_no_model(fake, connected):
    fake.path = ("running", "succeeded")
    provider = connected("nebius")
    handler, made = started(provider)
    body = fake.sent("POST", JOBS)[0].body
    assert body["hyperparameters"] == {"n_epochs": 2}
    assert "method" not in body
    assert "suffix" not in body
    ready = settled(handler, made)
    assert ready.outputs["model_id"] == f"{ready.id}:ftckpt_1"


def test_progress_tells_the_time_left_from_what_is_there():
    def event(**data):
        return JobEvent(id="1", at=0, level="info", message="", data=data)

    running = {"id": "j", "status": "running", "estimated_finish": 1090}
    assert progress_of(running, [], 1000) == "running"
    assert progress_of(running, [event(step=5)], 1000) == "step 5, 2 min left"
    assert (
        progress_of(
            running,
            [event(step=30, valid_loss=1.5), event(step=31, total_steps=50, train_loss=0.4123,
                                                   valid_loss=None, seconds_left=20)],
            1000,
        )
        == "62%, step 31/50, loss 0.412, valid loss 1.5, 20 s left"
    )  # fmt: skip
    late = running | {"estimated_finish": 0}
    assert progress_of(late, [event(step=5, total_steps=0)], 1000) == "step 5"
    assert progress_of({"status": "running"}, [event(step=1, seconds_left=9000)], 0).endswith(
        "2 h left"
    )
