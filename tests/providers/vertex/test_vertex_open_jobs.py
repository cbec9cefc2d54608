"""Tuning jobs of open models: what is sent, what is left in the bucket, and that it goes."""

from dataclasses import replace

import pytest
from google.cloud.aiplatform_v1beta1 import TuningJob
from google.protobuf.json_format import ParseDict

from tests.contracts.handler_contract import (
    HandlerContract,
    Rows,
    Subject,
    chat_rows,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.vertex.conftest import NAME
from tests.providers.vertex.dedicated import open_request
from tunectl.core.errors import NotFoundError, UnknownOutcomeError
from tunectl.core.resource import Status
from tunectl.core.value import Address, Ref
from tunectl.providers.vertex.open_job import FINAL, open_body, output_of, settings_of_open
from tunectl.server.clouds.world import Fault

LLAMA = "meta/llama3_1@llama-3.1-8b-instruct"
ADAPTER = {"type": "supervised", "epochs": 2, "learning_rate": 2e-4, "lora": True, "lora_r": 8}


@pytest.fixture
def jobs(provider):
    return provider.handlers["tuning_job"]


@pytest.fixture
def open_file(provider):
    resource, spec = upload_resource(NAME)
    handler = provider.handlers["upload"]
    request = request_for(resource, spec, reader=chat_rows())
    return settled(handler, handler.create(request)).outputs["file_id"]


@pytest.fixture
def open_job(open_file):
    def make(base: str = LLAMA, method=None, **more):
        return request_for(
            *job_resource(NAME, base, open_file, method=dict(method or ADAPTER), **more)
        )

    return make


def kept(clouds):
    return [job.kept for job in clouds.vertex.ledger.jobs.values()]


def weights(clouds):
    return [key for _, key in clouds.buckets.objects if "tunectl-tuned" in key]


class TestJobsOfOpenModelsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, provider, open_job):
        return Subject(provider, "tuning_job", open_job)


@pytest.mark.parametrize(
    ("method", "mode"),
    [(ADAPTER, "TUNING_MODE_PEFT_ADAPTER"), ({"lora": False, "batch_size": 4}, "TUNING_MODE_FULL")],
)
@pytest.mark.parametrize("before", ["", "gs://acme/first/final"])
def test_a_body_is_one_that_google_s_own_types_take(open_job, method, mode, before):
    request = open_job(method=method, validation_file="gs://acme/v.jsonl")
    body = open_body(
        request.spec, request.mark, {}, base=LLAMA, before=before, output="gs://acme/out"
    )
    taken = TuningJob.wrap(ParseDict(body, TuningJob.pb(TuningJob())))
    assert taken.base_model == LLAMA
    assert taken.custom_base_model == before
    assert taken.output_uri == "gs://acme/out"
    inner = taken.supervised_tuning_spec
    assert inner.tuning_mode.name == mode
    assert inner.validation_dataset_uri == "gs://acme/v.jsonl"
    assert inner.hyper_parameters.batch_size == method.get("batch_size", 0)
    told = settings_of_open(body)
    assert told["method"] == {"type": "supervised", **method}
    assert told["base_model"] == (before or LLAMA)


def test_the_output_lies_beside_the_training_data():
    assert output_of("gs://acme", "ab12") == "gs://acme/tunectl-tuned/ab12"
    assert output_of("gs://acme/żółw", "ab12") == "gs://acme/żółw/tunectl-tuned/ab12"


def test_a_job_leaves_weights_and_deploys_nothing(clouds, jobs, open_job):
    made = settled(jobs, jobs.create(open_job()))
    assert made.status is Status.READY
    assert made.outputs["model_id"].endswith(f"/{FINAL}")
    assert made.outputs["base"] == LLAMA
    assert not clouds.vertex.ledger.endpoints
    assert not clouds.vertex.ledger.models
    [job] = kept(clouds)
    assert job["supervisedTuningSpec"]["hyperParameters"]["adapterSize"] == "ADAPTER_SIZE_EIGHT"
    assert "nothing is deployed by itself" in list(jobs.events(made))[-1].message


def test_what_it_left_is_deployed_answers_and_goes(clouds, provider, jobs, open_job):
    made = settled(jobs, jobs.create(open_job()))
    endpoints = provider.handlers["endpoint"]
    serving = settled(endpoints, endpoints.create(open_request(made.outputs["model_id"])))
    asked = [{"role": "user", "content": "Jak zwrócić zamówienie nr 3?"}]
    said = "".join(piece.text for piece in provider.chat(serving.id, asked))
    assert said == "Proszę odesłać paczkę 3. Pozdrawiamy!"
    endpoints.delete(serving)
    left = jobs.delete(made)
    assert "bills nothing" in left.reason
    assert weights(clouds) == []
    assert [one for one in clouds.left() if not one.startswith("object")] == []


def test_a_job_trains_on_from_weights_that_another_made(clouds, jobs, open_job):
    first = settled(jobs, jobs.create(open_job()))
    address = Address.of("tuning_job", "first")
    request = open_job(base=first.outputs["model_id"])
    spec = {**request.resource.spec, "base_model": Ref(address, ("model_id",))}
    resource = replace(request.resource, spec=spec)
    again = replace(request, resource=resource, dependencies={address: first})
    second = settled(jobs, jobs.create(again))
    assert second.outputs["base"] == LLAMA, "a third one begins there too"
    job = kept(clouds)[1]
    assert job["customBaseModel"] == first.outputs["model_id"]
    assert job["baseModel"] == LLAMA


@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_starts_no_second_job(clouds, jobs, open_job, after):
    request = open_job()
    clouds.world.faults.append(Fault("lost", method="POST", path="/tuningJobs$", after=after))
    with pytest.raises(UnknownOutcomeError):
        jobs.create(request)
    found = list(jobs.find(request.mark))
    assert len(found) == after == len(kept(clouds))
    for one in found:
        assert settled(jobs, one).outputs["model_id"].endswith(FINAL)


def test_weights_that_somebody_deleted_are_a_model_that_is_gone(clouds, jobs, open_job):
    made = settled(jobs, jobs.create(open_job()))
    for place in [place for place in clouds.buckets.objects if "tunectl-tuned" in place[1]]:
        del clouds.buckets.objects[place]
    assert jobs.read(made) is None
    [listed] = jobs.list()
    assert listed.instance.status is Status.FAILED


def test_a_bucket_that_is_gone_is_no_model_that_was_deleted(clouds, jobs, open_job):
    made = settled(jobs, jobs.create(open_job()))
    clouds.world.faults.append(
        Fault("status", status=404, method="GET", path="/b/acme-tuning/o", times=9)
    )
    with pytest.raises(NotFoundError):
        jobs.read(made)


def test_what_an_imported_job_wrote_elsewhere_is_not_ours_to_delete(clouds, jobs, open_job):
    made = settled(jobs, jobs.create(open_job()))
    [job] = kept(clouds)
    job["outputUri"] = "gs://acme-tuning/their/folder"
    clouds.buckets.put("acme-tuning", f"their/folder/{FINAL}/model.safetensors", b"w")
    left = jobs.delete(made)
    assert "`gs://acme-tuning/their/folder` stays" in left.reason
    assert "their/folder" in "".join(key for _, key in clouds.buckets.objects)


def test_a_live_job_is_cancelled_before_it_goes(clouds, jobs, open_job):
    clouds.world.job_seconds = 600.0
    pending = jobs.create(open_job())
    assert jobs.delete(pending).status is Status.CANCELLED
    assert weights(clouds) == []


@pytest.mark.parametrize(
    ("base", "method", "words"),
    [
        (LLAMA, {"epochs": 1}, "`method` says neither"),
        (LLAMA, {"type": "dpo", "lora": True}, "by `supervised` only"),
        (LLAMA, {"lora": True, "lora_r": 2}, "1, 4, 8, 16, 32, not 2"),
        (LLAMA, {"lora": False, "lora_r": 8}, "for an adapter only"),
        (LLAMA, {"lora": True, "learning_rate_multiplier": 2.0}, "write `learning_rate:`"),
        (LLAMA, {"lora": True, "packing": True}, "`method.packing` with an open model"),
        ("qwen/qwen3@qwen3-32b", {"lora": False}, "is not known to tune all weights"),
        ("google/gemma3@gemma-3-1b-it", {"lora": True}, "is not known to tune an adapter"),
        ("mistral/mistral@mistral-7b", {"lora": True}, "is not known to tune the open model"),
    ],
)
def test_what_an_open_model_cannot_be_tuned_by_is_told_before_anything_is_sent(
    jobs, base, method, words
):
    resource, _ = job_resource(NAME, base, "gs://b/x.jsonl", method=method)
    [found] = jobs.check(resource)
    assert words in f"{found.summary} {found.hint}"
    assert found.severity.value == ("warning" if "not known" in found.summary else "error")


def test_a_suffix_that_names_nothing_is_told(jobs):
    resource, _ = job_resource(NAME, LLAMA, "gs://b/x.jsonl", method=ADAPTER, suffix="sowa")
    [found] = jobs.check(resource)
    assert (found.code, found.severity.value) == ("provider-unused-suffix", "warning")


def test_open_models_are_tuned_in_places_of_their_own(clouds):
    jobs = clouds.connect(location="us-west1").handlers["tuning_job"]
    resource, _ = job_resource(NAME, LLAMA, "gs://b/x.jsonl", method=ADAPTER)
    assert list(jobs.check(resource)) == []
    jobs = clouds.connect(location="europe-west1").handlers["tuning_job"]
    [found] = jobs.check(resource)
    assert "`europe-west1`" in found.summary


def test_rows_that_are_no_chat_are_told_by_the_job(clouds, provider, jobs):
    resource, spec = upload_resource(NAME)
    uploads = provider.handlers["upload"]
    request = request_for(resource, spec, reader=Rows([{"pytanie": "a", "odpowiedź": "b"}] * 12))
    file_id = settled(uploads, uploads.create(request)).outputs["file_id"]
    made = settled(
        jobs, jobs.create(request_for(*job_resource(NAME, LLAMA, file_id, method=ADAPTER)))
    )
    assert made.status is Status.FAILED
    assert made.reason
