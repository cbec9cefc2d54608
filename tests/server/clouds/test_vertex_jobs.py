"""Tuning jobs of the Vertex wire, driven by Google's generated client over REST."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.protobuf import json_format

from tests.server.clouds.vertex_world import PARENT, ROWS, cloud, done, held_against_google
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.wire import Answered, Asked

DPO_ROW = {
    "system_instruction": {"parts": [{"text": "Odpowiadasz krótko."}]},
    "contents": [{"role": "user", "parts": [{"text": "Dzień dobry?"}]}],
    "completions": [
        {"score": 1, "completion": {"role": "model", "parts": [{"text": "Dzień dobry!"}]}},
        {"score": 0, "completion": {"role": "model", "parts": [{"text": "No."}]}},
    ],
}


@pytest.fixture
def vertex():
    with cloud() as running:
        yield running


def test_a_job_is_answered_at_once_and_goes_through_its_states(vertex):
    job = vertex.job(
        tuned_model_display_name="pomoc-ł",
        description="tuning_job.support",
        labels={"tunectl": "1"},
        spec={"hyper_parameters": {"epoch_count": 3, "adapter_size": "ADAPTER_SIZE_FOUR"}},
    )
    seen = [job.state.name]
    while seen[-1] not in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED"):
        job = vertex.tuning.get_tuning_job(name=job.name)
        seen.append(job.state.name)
    assert list(dict.fromkeys(seen)) == [
        "JOB_STATE_PENDING", "JOB_STATE_RUNNING", "JOB_STATE_SUCCEEDED",
    ]  # fmt: skip
    assert job.name.startswith(f"projects/{vertex.vertex.ledger.number}/locations/us-central1/")
    assert job.supervised_tuning_spec.hyper_parameters.adapter_size.name == "ADAPTER_SIZE_FOUR"
    assert (job.tuned_model_display_name, job.description) == ("pomoc-ł", "tuning_job.support")
    assert job.create_time < job.start_time < job.end_time
    assert "/metadataStores/default/contexts/tuning-experiment-" in job.experiment


def test_a_finished_job_says_what_its_data_were(vertex):
    stats = vertex.tuned().tuning_data_stats.supervised_tuning_data_stats
    assert stats.tuning_dataset_example_count == len(ROWS)
    assert stats.total_billable_token_count > 10 * len(ROWS)
    assert stats.user_input_token_distribution.max_ >= stats.user_input_token_distribution.min_ > 0
    assert stats.tuning_step_count == 6
    assert stats.user_dataset_examples[0].parts[0].text == "Gdzie jest paczka numer 1?"


def test_a_second_create_makes_a_second_job(vertex):
    first, second = vertex.job(), vertex.job()
    assert first.name != second.name
    assert [job.name for job in vertex.tuning.list_tuning_jobs(parent=PARENT)] == [
        second.name, first.name,
    ]  # fmt: skip


def test_each_checkpoint_has_an_endpoint_and_the_last_is_the_models(vertex):
    job = vertex.tuned(spec={"hyper_parameters": {"epoch_count": 4}})
    made = job.tuned_model.checkpoints
    assert [c.checkpoint_id for c in made] == ["1", "2", "3", "4"]
    assert [c.epoch for c in made] == [1, 2, 3, 4]
    assert len({c.endpoint for c in made}) == 4
    assert job.tuned_model.endpoint == made[-1].endpoint
    model = vertex.models.get_model(name=job.tuned_model.model)
    assert {ref.endpoint for ref in model.deployed_models} == {c.endpoint for c in made}


def test_many_epochs_leave_about_ten_checkpoints(vertex):
    job = vertex.tuned(spec={"hyper_parameters": {"epoch_count": 25}})
    assert len(job.tuned_model.checkpoints) == 10
    assert job.tuned_model.checkpoints[-1].epoch == 25


def test_only_the_last_checkpoint_is_exported_on_demand(vertex):
    job = vertex.tuned(spec={"export_last_checkpoint_only": True})
    assert not job.tuned_model.checkpoints
    assert [kind for kind, _ in vertex.left()] == ["endpoint", "model"]


def test_endpoints_of_a_multi_region_model_are_named_by_the_multi_region(vertex):
    job = vertex.tuned(parent=PARENT.replace("us-central1", "europe-west4"))
    assert "/locations/europe-west4/models/" in job.tuned_model.model
    assert "/locations/eu/endpoints/" in job.tuned_model.endpoint


def test_endpoints_can_be_had_in_the_jobs_own_region():
    with cloud(Behaviour(multi_region=False)) as vertex:
        assert "/locations/us-central1/endpoints/" in vertex.tuned().tuned_model.endpoint


@pytest.mark.parametrize("reach", [True, False])
def test_labels_reach_model_and_endpoints_or_not(reach):
    with cloud(Behaviour(labels_reach=reach)) as vertex:
        job = vertex.tuned(labels={"tunectl-op": "abc123"})
        model = vertex.models.get_model(name=job.tuned_model.model)
        endpoint = vertex.endpoints.get_endpoint(name=job.tuned_model.endpoint)
        assert dict(job.labels) == {"tunectl-op": "abc123"}
        assert ("tunectl-op" in model.labels) is ("tunectl-op" in endpoint.labels) is reach


def test_jobs_are_found_by_label_and_state(vertex):
    mine = vertex.tuned(labels={"tunectl-op": "a1"})
    other = vertex.job(labels={"tunectl-op": "b2"})

    def found(text):
        request = {"parent": PARENT, "filter": text}
        return [job.name for job in vertex.tuning.list_tuning_jobs(request=request)]

    assert found("labels.tunectl-op=a1") == [mine.name]
    assert found('labels.tunectl-op="b2" AND state!="JOB_STATE_SUCCEEDED"') == [other.name]
    assert found("labels.tunectl-op:*") == [other.name, mine.name]
    assert found("labels.absent=a1") == []


def test_label_filters_of_jobs_can_be_refused():
    request = {"parent": PARENT, "filter": "labels.a=b"}
    refused = pytest.raises(exceptions.BadRequest, match="Invalid filter")
    with cloud(Behaviour(filters_jobs=False)) as vertex, refused:
        list(vertex.tuning.list_tuning_jobs(request=request))


def test_a_list_comes_in_pages(vertex):
    names = [vertex.job().name for _ in range(5)]
    pages = vertex.tuning.list_tuning_jobs(request={"parent": PARENT, "page_size": 2}).pages
    sizes = [[job.name for job in page.tuning_jobs] for page in pages]
    assert [len(size) for size in sizes] == [2, 2, 1]
    assert [name for size in sizes for name in size] == names[::-1]


def test_a_cancelled_job_says_so_with_the_code_of_cancelled(vertex):
    job = vertex.job()
    vertex.tuning.cancel_tuning_job(name=job.name)
    assert vertex.tuning.get_tuning_job(name=job.name).state.name == "JOB_STATE_CANCELLING"
    job = vertex.finished(job)
    assert (job.state.name, job.error.code) == ("JOB_STATE_CANCELLED", 1)
    assert not job.tuned_model.model
    assert vertex.left() == []
    with pytest.raises(exceptions.BadRequest, match="has ended"):
        vertex.tuning.cancel_tuning_job(name=job.name)


def test_a_cancellation_that_comes_too_late_changes_nothing(vertex):
    job = vertex.job()
    vertex.world.pass_time(vertex.world.job_seconds - 1)
    vertex.tuning.cancel_tuning_job(name=job.name)
    assert vertex.finished(job).state.name == "JOB_STATE_SUCCEEDED"


def test_a_job_over_the_quota_waits_for_its_turn(vertex):
    first, second = vertex.job(), vertex.job()
    vertex.world.pass_time(vertex.world.job_seconds - 2)
    running = vertex.tuning.get_tuning_job(name=first.name)
    waiting = vertex.tuning.get_tuning_job(name=second.name)
    assert (running.state.name, waiting.state.name) == ("JOB_STATE_RUNNING", "JOB_STATE_PENDING")
    assert vertex.finished(first).state.name == "JOB_STATE_SUCCEEDED"
    assert vertex.finished(second).state.name == "JOB_STATE_SUCCEEDED"


def test_a_waiting_job_says_what_it_waits_for(vertex):
    vertex.job()
    waiting = vertex.job()
    assert (
        vertex.rest("GET", f"v1beta1/{waiting.name}")[1]["tuningJobState"]
        == "TUNING_JOB_STATE_WAITING_FOR_QUOTA"
    )


def test_a_job_over_the_quota_can_be_refused():
    with cloud(Behaviour(over_quota="refuse")) as vertex:
        first = vertex.job()
        with pytest.raises(exceptions.TooManyRequests):
            vertex.job()
        vertex.finished(first)
        vertex.job()


def test_time_is_divided_fairly_when_the_clock_leaps(vertex):
    jobs = [vertex.job() for _ in range(3)]
    vertex.world.pass_time(1000)
    ended = [vertex.tuning.get_tuning_job(name=job.name) for job in jobs]
    assert all(job.state.name == "JOB_STATE_SUCCEEDED" for job in ended)
    assert ended[0].end_time < ended[1].end_time < ended[2].end_time


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"base_model": "gemini-2.5-flash"}, exceptions.NotFound, "was not found or your project"),
        ({"base_model": "gemini-1.0-pro-001"}, exceptions.NotFound, "valid model version"),
        ({"base_model": "gpt-3.5-turbo"}, exceptions.NotFound, "was not found"),
        ({"base_model": "gemini-4-argon"}, exceptions.BadRequest, "is not supported"),
        ({"base_model": ""}, exceptions.BadRequest, "Missing required field: base_model"),
        ({"labels": {"Team": "a"}}, exceptions.BadRequest, "lowercase"),
        ({"labels": {"team": "a.b"}}, exceptions.BadRequest, "lowercase"),
        ({"labels": {"team": "a" * 65}}, exceptions.BadRequest, "64 characters"),
        ({"tuned_model_display_name": "x" * 129}, exceptions.BadRequest, "128"),
        (
            {"encryption_spec": {"kms_key_name": "projects/p/locations/l/keyRings/r/cryptoKeys/k"}},
            exceptions.BadRequest,
            "encryption",
        ),
        ({"spec": {"training_dataset_uri": "gs://acme/t.csv"}}, exceptions.BadRequest, "invalid"),
        (
            {"spec": {"hyper_parameters": {"adapter_size": "ADAPTER_SIZE_THIRTY_TWO"}}},
            exceptions.BadRequest,
            "The adapter size is not supported for this base model",
        ),
        ({"parent": "projects/acme-ml/locations/us-east1"}, exceptions.BadRequest, "us-east1"),
        ({"parent": "projects/other/locations/us-central1"}, exceptions.Forbidden, "Permission"),
        ({"parent": "projects/acme-ml/locations/us-middle1"}, exceptions.NotFound, "Error 404"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_when_it_is_created(vertex, more, error, said):
    with pytest.raises(error, match=said):
        vertex.job(**more)
    assert list(vertex.tuning.list_tuning_jobs(parent=PARENT)) == []


def test_a_refused_file_is_named_in_the_details(vertex):
    body = {"baseModel": "gemini-3.5-flash"}
    body["supervisedTuningSpec"] = {"trainingDatasetUri": "gs://acme/train.csv"}
    status, said = vertex.rest("POST", f"v1/{PARENT}/tuningJobs", body)
    (violation,) = said["error"]["details"][0]["fieldViolations"]
    assert (status, said["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert violation["field"] == "tuning_job.supervised_tuning_spec.training_dataset_uri"
    assert "should be a GCS object of type JSONL" in violation["description"]


def test_a_base_takes_no_jobs_in_its_last_month_but_still_answers():
    with cloud() as vertex:
        vertex.world.clock = lambda: 1_790_400_000.0  # 2026-09-26
        with pytest.raises(exceptions.BadRequest, match="not supported for supervised"):
            vertex.job(base_model="gemini-2.5-flash")
        path = f"v1/{PARENT}/publishers/google/models/gemini-2.5-flash:generateContent"
        body = {"contents": [{"role": "user", "parts": [{"text": "Cześć"}]}]}
        assert vertex.rest("POST", path, body)[0] == 200


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["{"], "is not JSON"),
        ([{"input_text": "a", "output_text": "b"}], "no such field: input_text"),
        ([{"messages": [{"role": "user", "content": "a"}]}], "no such field: messages"),
        ([{"contents": []}], "`contents` is required"),
        (
            [{"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}],
            "the role `user` or `model`",
        ),
        ([{"contents": [{"role": "user", "parts": [{"text": "a"}]}]}], "no turn of role `model`"),
        ([], "1 to 10000000 are supported"),
    ],
)
def test_a_bad_file_fails_the_job_and_names_the_row(vertex, rows, said):
    uri = vertex.upload([*ROWS, *rows] if rows else [], "bad.jsonl")
    job = vertex.finished(vertex.job(spec={"training_dataset_uri": uri}))
    assert (job.state.name, job.error.code) == ("JOB_STATE_FAILED", 3)
    assert said in job.error.message
    if rows:
        assert f"example {len(ROWS) + 1} of gs://acme/bad.jsonl" in job.error.message
    assert vertex.left() == []


@pytest.mark.parametrize("uri", ["gs://acme/absent.jsonl", "gs://nobody/train.jsonl"])
def test_a_file_that_is_not_there_fails_the_job(vertex, uri):
    job = vertex.finished(vertex.job(spec={"training_dataset_uri": uri}))
    assert (job.state.name, job.error.code) == ("JOB_STATE_FAILED", 5)
    assert uri in job.error.message


def test_a_bad_validation_file_fails_the_job_too(vertex):
    uri = vertex.upload([{"contents": 1}], "validation.jsonl")
    job = vertex.finished(vertex.job(spec={"validation_dataset_uri": uri}))
    assert job.state.name == "JOB_STATE_FAILED"


def test_rows_that_are_too_long_are_dropped_and_numbered(vertex):
    long = {"contents": [
        {"role": "user", "parts": [{"text": "a " * 140_000}]},
        {"role": "model", "parts": [{"text": "b"}]},
    ]}  # fmt: skip
    uri = vertex.upload([ROWS[0], long, ROWS[1]], "long.jsonl")
    stats = vertex.tuned(spec={"training_dataset_uri": uri}).tuning_data_stats
    stats = stats.supervised_tuning_data_stats
    assert stats.tuning_dataset_example_count == 2
    assert list(stats.truncated_example_indices) == [2]
    assert "131072" in stats.dropped_example_reasons[0]


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_preference_tuning_goes_by_rest(vertex, version):
    uri = vertex.upload([DPO_ROW] * 3, "pairs.jsonl")
    spec = {"trainingDatasetUri": uri, "hyperParameters": {"beta": 0.1, "epochCount": "2"}}
    body = {"baseModel": "gemini-3.5-flash", "preferenceOptimizationSpec": spec}
    status, job = vertex.rest("POST", f"{version}/{PARENT}/tuningJobs", body)
    assert (status, job["state"]) == (200, "JOB_STATE_PENDING")
    assert job["preferenceOptimizationSpec"] == spec
    vertex.world.pass_time(10)
    _, job = vertex.rest("GET", f"{version}/{job['name']}")
    assert job["state"] == "JOB_STATE_SUCCEEDED"
    stats = job["tuningDataStats"]["preferenceOptimizationDataStats"]
    assert stats["tuningDatasetExampleCount"] == "3"
    assert len(job["tunedModel"]["checkpoints"]) == 2


@pytest.mark.parametrize(
    "change",
    [
        {"completions": DPO_ROW["completions"][:1]},
        {"completions": [DPO_ROW["completions"][0]] * 2},
        {"completions": [{"score": 2, "completion": {}}] * 2},
        {"contents": [{"role": "model", "parts": [{"text": "a"}]}]},
    ],
)
def test_pairs_that_say_no_preference_fail_the_job(vertex, change):
    uri = vertex.upload([{**DPO_ROW, **change}], "pairs.jsonl")
    spec = {"trainingDatasetUri": uri}
    body = {"baseModel": "gemini-3.5-flash", "preferenceOptimizationSpec": spec}
    _, job = vertex.rest("POST", f"v1beta1/{PARENT}/tuningJobs", body)
    vertex.world.pass_time(10)
    _, job = vertex.rest("GET", f"v1beta1/{job['name']}")
    assert (job["state"], job["error"]["code"]) == ("JOB_STATE_FAILED", 3)


def test_tuning_on_makes_a_version_of_the_same_model_under_the_same_name(vertex):
    first = vertex.tuned(tuned_model_display_name="pomoc")
    before = {"tuned_model_name": first.tuned_model.model, "checkpoint_id": "2"}
    second = vertex.tuned(base_model=None, pre_tuned_model=before)
    other = vertex.tuned(base_model=None, pre_tuned_model=before, tuned_model_display_name="inny")
    plain = first.tuned_model.model.removesuffix("@1")
    assert second.tuned_model.model == f"{plain}@2"
    assert not other.tuned_model.model.startswith(plain)
    versions = list(vertex.models.list_model_versions(name=plain))
    assert [list(v.version_aliases) for v in versions] == [[], ["default"]]
    assert vertex.models.get_model(name=plain).version_id == "2"


def test_an_open_model_leaves_weights_in_the_bucket_and_nothing_else(vertex):
    client = vertex.client("GenAiTuningServiceClient", "v1beta1")
    rows = [{"prompt": f"Pytanie {n}", "completion": f"Odpowiedź {n}"} for n in range(5)]
    spec = {"training_dataset_uri": vertex.upload(rows), "tuning_mode": "TUNING_MODE_PEFT_ADAPTER"}
    job = {"base_model": "google/gemma4@gemma-4-31b-it", "supervised_tuning_spec": spec}
    with pytest.raises(exceptions.BadRequest, match="output_uri"):
        client.create_tuning_job(parent=PARENT, tuning_job=job)
    job["output_uri"] = "gs://acme/out"
    job = vertex.finished(client.create_tuning_job(parent=PARENT, tuning_job=job))
    assert job.state.name == "JOB_STATE_SUCCEEDED"
    assert vertex.left() == []
    assert vertex.buckets.keys("acme", "out/") == [
        "out/postprocess/node-0/checkpoints/final/config.json"
    ]


def test_an_unknown_field_is_refused_in_the_words_of_googles_front_end(vertex):
    body = {"baseModel": "gemini-3.5-flash", "supervisedTuningSpec": {"trainSteps": 10}}
    status, said = vertex.rest("POST", f"v1/{PARENT}/tuningJobs", body)
    assert status == 400
    assert said["error"]["message"] == (
        'Invalid JSON payload received. Unknown name "trainSteps" at '
        "'tuning_job.supervised_tuning_spec': Cannot find field."
    )


def test_google_genai_tunes_lists_and_cancels(vertex):
    import warnings

    from google import genai
    from google.genai import types
    from google.oauth2.credentials import Credentials

    client = genai.Client(
        vertexai=True,
        project="acme-ml",
        location="us-central1",
        credentials=Credentials("fake"),
        http_options=types.HttpOptions(base_url=vertex.url),
    )
    data = types.TuningDataset(gcs_uri=vertex.upload(ROWS))
    config = types.CreateTuningJobConfig(epoch_count=2, tuned_model_display_name="pomoc")
    with warnings.catch_warnings(action="ignore"):
        job = client.tunings.tune(
            base_model="gemini-3.5-flash", training_dataset=data, config=config
        )
    vertex.world.pass_time(10)
    job = client.tunings.get(name=job.name)
    assert job.has_succeeded
    assert [each.name for each in client.tunings.list()] == [job.name]
    answer = client.models.generate_content(
        model=job.tuned_model.endpoint, contents="Gdzie jest paczka numer 7?"
    )
    assert answer.text == "Paczka 7 jest już w drodze. Поздравляем!"
    assert answer.usage_metadata.total_token_count > answer.usage_metadata.prompt_token_count > 0


def test_an_operation_result_and_a_records_list_are_left_after_everything_is_deleted(vertex):
    job = vertex.tuned()
    for checkpoint in job.tuned_model.checkpoints:
        endpoint = vertex.endpoints.get_endpoint(name=checkpoint.endpoint)
        for deployed in endpoint.deployed_models:
            request = {"endpoint": endpoint.name, "deployed_model_id": deployed.id}
            done(vertex.endpoints.undeploy_model(request=request))
        done(vertex.endpoints.delete_endpoint(name=endpoint.name))
    vertex.world.pass_time(vertex.world.operation_seconds)
    done(vertex.models.delete_model(name=job.tuned_model.model.removesuffix("@1")))
    assert vertex.left() == []
    assert [left.name for left in vertex.vertex.left()] == [job.name]


def test_a_job_can_be_ordered_to_fail(vertex):
    vertex.vertex.fail("tuningJob", "INTERNAL", "Internal error occurred.")
    job = vertex.finished(vertex.job())
    assert (job.state.name, job.error.code) == ("JOB_STATE_FAILED", 13)
    assert vertex.finished(vertex.job()).state.name == "JOB_STATE_SUCCEEDED"


def test_a_global_job_leaves_its_model_in_a_region(vertex):
    job = vertex.tuned(parent="projects/acme-ml/locations/global")
    assert "/locations/global/tuningJobs/" in job.name
    assert "/locations/us-central1/models/" in job.tuned_model.model
    assert "/locations/us/endpoints/" in job.tuned_model.endpoint


def test_a_made_up_field_is_noticed():
    asked = Asked("GET", "/v1/projects/p/locations/l/tuningJobs/1")
    assert held_against_google(asked, Answered.of({"name": "n"})) == "TuningJob"
    with pytest.raises(json_format.ParseError, match="made_up"):
        held_against_google(asked, Answered.of({"name": "n", "made_up": 1}))
