"""Tuning jobs on Vertex AI: what is sent, what is told, and what is left."""

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import job_resource, new_op, settled
from tests.providers.vertex.conftest import BASE, NAME
from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.core.resource import Instance, Status
from tunectl.core.value import Address, Ref
from tunectl.providers.vertex.marks import mark_of
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.world import Fault

CREATE = {"method": "POST", "path": r"/tuningJobs$"}


@pytest.fixture
def jobs(provider):
    return provider.handlers["tuning_job"]


def sent(clouds, instance):
    """Return the job as the service has it."""
    return clouds.vertex.ledger.jobs[instance.id].kept


def made(clouds):
    return list(clouds.vertex.ledger.jobs)


def test_a_job_says_what_was_set_and_nothing_else(clouds, jobs, job_request):
    method = {"type": "supervised", "epochs": 3, "learning_rate_multiplier": 0.5, "lora_r": 4}
    request = job_request(method=method, suffix="Obsługa Klienta")
    job = sent(clouds, jobs.create(request))
    numbers = {"epochCount": 3, "learningRateMultiplier": 0.5, "adapterSize": "ADAPTER_SIZE_FOUR"}
    told = job["supervisedTuningSpec"]["hyperParameters"]
    assert {**told, "epochCount": int(told["epochCount"])} == numbers
    assert job["baseModel"] == BASE
    assert job["tunedModelDisplayName"] == f"obsluga-klienta-{request.mark.op[:8]}"
    assert mark_of(job["labels"], job["description"]) == request.mark


def test_a_job_without_numbers_sends_none(clouds, jobs, job_request):
    job = sent(clouds, jobs.create(job_request(method={"type": "supervised"})))
    assert "hyperParameters" not in job["supervisedTuningSpec"]


def test_labels_of_the_user_go_along_where_they_fit(clouds, jobs, job_request):
    request = job_request()
    resource = replace(request.resource, labels={"team": "support", "Zespół": "Żółw"})
    job = sent(clouds, jobs.create(replace(request, resource=resource)))
    assert job["labels"]["team"] == "support"
    assert "Zespół" not in job["labels"]
    [warned] = jobs.check(resource)
    assert "`Zespół`" in warned.summary


def test_preferences_go_by_the_newer_route(clouds, jobs, preference_request):
    job = sent(clouds, jobs.create(preference_request()))
    assert job["preferenceOptimizationSpec"]["hyperParameters"]["beta"] == pytest.approx(0.1)
    posts = [c for c in clouds.calls() if c.startswith("POST") and c.endswith("/tuningJobs")]
    assert [p.split("/")[1] for p in posts] == ["v1beta1"]


def test_a_job_trains_on_from_the_model_of_another(clouds, jobs, tuned, job_request):
    request = job_request("second", base=tuned.outputs["model_id"])
    first = Address.of("tuning_job", "support")
    resource = replace(
        request.resource,
        spec={**request.spec, "base_model": Ref(first, ("model_id",))},
    )
    request = replace(request, resource=resource, dependencies={first: tuned})
    job = sent(clouds, jobs.create(request))
    assert job["preTunedModel"]["tunedModelName"] == tuned.outputs["model"]
    assert "baseModel" not in job


def test_a_finished_job_tells_model_endpoint_and_every_checkpoint(tuned):
    outputs = tuned.outputs
    assert outputs["model"].endswith("@1")
    assert outputs["model_id"] == outputs["endpoint"]
    assert "/locations/eu/endpoints/" in outputs["model_id"], "served where the name says"
    assert [point["epoch"] for point in outputs["checkpoints"].values()] == ["1", "2"]
    assert all("/endpoints/" in point["endpoint"] for point in outputs["checkpoints"].values())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("lost", **CREATE), UnknownOutcomeError),
        (Fault("lost", after=True, **CREATE), UnknownOutcomeError),
        (Fault("half", **CREATE), UnknownOutcomeError),
        (Fault("reset", **CREATE), UnknownOutcomeError),
        (Fault("status", status=503, **CREATE), UnknownOutcomeError),
        (Fault("status", status=504, after=True, **CREATE), UnknownOutcomeError),
        (Fault("status", status=400, **CREATE), InvalidRequestError),
        (Fault("status", status=403, **CREATE), CredentialsError),
        (Fault("status", status=409, **CREATE), ConflictError),
        (Fault("status", status=429, headers={"retry-after": "7"}, **CREATE), RateLimitError),
    ],
)
def test_a_create_is_sent_once_and_what_is_not_told_is_looked_for(
    clouds, jobs, job_request, fault, error
):
    request = job_request()
    clouds.world.faults.append(fault)
    with pytest.raises(error) as raised:
        jobs.create(request)
    assert sum(c.startswith("POST") and c.endswith("/tuningJobs") for c in clouds.calls()) == 1
    took_effect = fault.after or fault.how == "half"
    assert [i.id for i in jobs.find(request.mark)] == (made(clouds) if took_effect else [])
    assert len(made(clouds)) == took_effect
    if error is RateLimitError:
        assert raised.value.wait == 7.0


def test_nothing_is_sent_where_nobody_listens(clouds, job_request):
    request = job_request()
    provider = clouds.connect()
    provider.account()
    deaf = replace(provider.cloud, endpoint="http://127.0.0.1:1")
    with pytest.raises(UnavailableError, match="cannot be reached"):
        replace(provider.handlers["tuning_job"], cloud=deaf).create(request)


def test_a_lost_job_is_found_on_any_page_of_the_list(clouds, jobs, job_request):
    request = job_request()
    first = jobs.create(request)
    for _ in range(5):
        jobs.create(job_request())
    assert [i.id for i in jobs.find(request.mark)] == [first.id]
    assert list(jobs.find(replace(request.mark, op=new_op()))) == []


def test_progress_says_what_a_job_is_waiting_for(clouds, job_request):
    clouds.vertex.ledger.behaviour = Behaviour(concurrent=1)
    clouds.world.job_seconds, clouds.world.step = 3600.0, 0.0
    jobs = clouds.connect().handlers["tuning_job"]
    one, two = jobs.create(job_request()), jobs.create(job_request())
    assert jobs.poll(one).status is Status.PENDING
    assert jobs.poll(two).progress == "waiting for quota"
    clouds.world.pass_time(1800)
    assert jobs.poll(one).progress.startswith("tuning")


def test_rows_that_the_service_cannot_read_fail_the_job_in_its_own_words(clouds, jobs, job_request):
    request = job_request()
    [key] = [key for key in clouds.buckets.objects if key[1].endswith(".jsonl")]
    stored = clouds.buckets.objects[key]
    clouds.buckets.objects[key] = replace(stored, content=b'{"messages": []}\n' * 20)
    job = settled(jobs, jobs.create(request))
    assert job.status is Status.FAILED
    assert "example 1" in job.reason
    assert "no such field: messages" in job.reason
    assert [event.level for event in jobs.events(job)][-1] == "error"


def test_a_cancelled_job_ends_and_says_so(clouds, jobs, job_request):
    clouds.world.job_seconds = 3600.0
    job = settled(jobs, jobs.cancel(jobs.create(job_request())))
    assert (job.status, job.reason) == (Status.CANCELLED, "the job was cancelled")
    assert jobs.cancel(job).status is Status.CANCELLED, "twice is fine"


def test_events_tell_the_life_of_a_job_and_go_on_after_one(jobs, tuned):
    events = list(jobs.events(tuned))
    words = [event.message for event in events]
    assert words[0] == "the job was created"
    assert any("billable tokens" in one for one in words)
    assert sum(one.startswith("checkpoint") for one in words) == 2
    assert tuned.outputs["model_id"] in words[-1]
    assert [e.id for e in jobs.events(tuned, since=events[2].id)] == [e.id for e in events[3:]]
    assert all(event.at > 0 for event in events)


def test_destroying_a_live_job_cancels_it_first(clouds, jobs, job_request):
    clouds.world.job_seconds = 3600.0
    remains = jobs.delete(jobs.create(job_request()))
    assert remains.status is Status.CANCELLED
    assert "bills nothing" in remains.reason


def test_destroying_a_job_leaves_its_record_and_nothing_else(clouds, jobs, tuned):
    mark = len(clouds.world.calls)
    remains = jobs.delete(tuned)
    assert remains.outputs == {"job_id": tuned.id}
    assert [left for left in clouds.left() if not left.startswith("object")] == []
    done = [c.split("/locations/")[1] for c in clouds.calls(mark) if not c.startswith("GET")]
    kinds = ["undeploy" if ":undeployModel" in c else c.split("/")[1] for c in done]
    first_delete = kinds.index("endpoints")
    assert "undeploy" not in kinds[first_delete:], "all undeploys end before any deletion"
    assert kinds[-1] == "models", "what serves goes before the model"
    assert jobs.read(tuned) is None
    jobs.delete(tuned)


def test_a_model_may_count_as_deployed_for_a_while_after_it_is_not(clouds, jobs, tuned):
    clouds.vertex.ledger.behaviour = replace(clouds.vertex.ledger.behaviour, lag_seconds=6.0)
    jobs.delete(tuned)
    assert [left for left in clouds.left() if not left.startswith("object")] == []


def test_a_destroy_that_was_cut_short_goes_on(clouds, jobs, tuned):
    clouds.world.faults.append(Fault("lost", method="DELETE", path="/endpoints/", after=True))
    with pytest.raises(UnknownOutcomeError):
        jobs.delete(tuned)
    jobs.delete(tuned)
    assert [left for left in clouds.left() if not left.startswith("object")] == []


def test_a_model_that_is_gone_reads_as_gone_and_is_listed_as_failed(clouds, jobs, tuned):
    jobs.delete(tuned)
    assert jobs.read(tuned) is None
    [listed] = [f.instance for f in jobs.list() if f.instance.id == tuned.id]
    assert listed.status is Status.FAILED


def test_an_imported_job_tells_its_own_settings(jobs, tuned):
    bare = Instance(
        address=tuned.address, provider=NAME, account=tuned.account, id=tuned.id, spec={}
    )
    known = jobs.read(bare)
    assert known.spec["base_model"] == BASE
    assert known.spec["method"]["epochs"] == 2
    assert known.op == tuned.op
    assert jobs.mark(known).address == tuned.address


def test_the_service_says_which_field_it_refuses(jobs, job_request):
    request = job_request()
    wrong = replace(request, spec={**request.spec, "training_file": "gs://acme-tuning/a.csv"})
    with pytest.raises(InvalidRequestError) as refused:
        jobs.create(wrong)
    assert "training_dataset_uri" in refused.value.diagnostics[0].detail


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"method": {"type": "supervised", "batch_size": 8}}, "no place for `method.batch_size`"),
        ({"method": {"type": "supervised", "lora_r": 3}}, "adapter size"),
        ({"method": {"type": "supervised", "lora_r": 32}}, "1, 2, 4, 8, 16, not 32"),
        ({"seed": 7}, "takes no `seed`"),
        ({"metadata": {"a": "b"}}, "keeps labels"),
        ({"integrations": ({"type": "wandb"},)}, "`integrations:`"),
    ],
)
def test_limits_are_told_before_anything_is_sent(jobs, more, words):
    resource, _ = job_resource(NAME, BASE, "gs://b/x.jsonl", **more)
    [found] = jobs.check(resource)
    assert words in found.summary
    assert found.severity.value == ("warning" if "seed" in more else "error")


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("gpt-3.5-turbo", "`gpt-3.5-turbo` is neither"),
        ("text-bison@001", "`text-bison@001` is neither"),
        ("meta-llama/Llama-3.2-1B", "by their names in Model Garden"),
        ("gs://acme/weights/final", "by their names in Model Garden"),
    ],
)
def test_what_is_no_gemini_is_refused_with_what_is(jobs, base, words):
    resource, _ = job_resource(NAME, base, "gs://b/x.jsonl")
    [found] = jobs.check(resource)
    assert words in found.summary
    assert found.hint


def test_where_a_base_is_not_tuned_is_told_with_where_it_is(clouds):
    jobs = clouds.connect(location="europe-west1").handlers["tuning_job"]
    resource, _ = job_resource(NAME, BASE, "gs://b/x.jsonl")
    [found] = jobs.check(resource)
    assert found.code == "provider-location"
    assert found.severity.value == "error"
    assert "does not tune `gemini-3.5-flash` in `europe-west1`" in found.summary
    assert "`europe-west4`" in found.hint


def test_the_largest_adapter_is_not_for_pro(jobs):
    method = {"type": "supervised", "lora_r": 16}
    resource, _ = job_resource(NAME, "gemini-2.5-pro", "gs://b/x.jsonl", method=method)
    assert [d.code for d in jobs.check(resource)] == ["provider-range"]


def test_one_job_at_a_time_is_the_default(clouds):
    assert clouds.connect().handlers["tuning_job"].at_once == 1
    assert clouds.connect(concurrent_jobs=3).handlers["tuning_job"].at_once == 3


def test_a_job_that_never_was_cannot_be_polled(jobs, tuned):
    with pytest.raises(NotFoundError):
        jobs.poll(replace(tuned, id=f"{tuned.id}9"))
