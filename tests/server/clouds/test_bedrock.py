"""Bedrock's wire: asked by the real SDK, every answer held against botocore's service model."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import orjson
import pytest
from botocore.exceptions import ClientError
from botocore.model import OperationNotFoundError

from tests.providers.bedrock.cloud import (
    ACCOUNT,
    BUCKET,
    HAIKU,
    NOVA,
    ROLE,
    before_the_end_of_haiku,
    conversation,
    running,
)
from tunectl.server.clouds.bedrock.eventstream import failure
from tunectl.server.clouds.world import World

ROWS = [conversation(number) for number in range(8)]


@pytest.fixture
def amazon():
    with running(World(job_seconds=100, operation_seconds=10)) as found:
        yield found


@pytest.fixture
def bedrock(amazon):
    return amazon.client("bedrock")


def job(amazon, name="support-1", rows=None, **more):
    """Create a job; return its ARN."""
    uri = amazon.put(f"{name}.jsonl", ROWS if rows is None else rows)
    asked = {
        "jobName": name,
        "customModelName": name,
        "roleArn": ROLE,
        "baseModelIdentifier": NOVA,
        "trainingDataConfig": {"s3Uri": uri},
        "outputDataConfig": {"s3Uri": f"s3://{BUCKET}/out/{name}/"},
        **more,
    }
    return amazon.client("bedrock").create_model_customization_job(**asked)["jobArn"]


def tuned(amazon, name="support-1", **more):
    """Create a job and let it end; return its model's ARN."""
    arn = job(amazon, name, **more)
    amazon.world.pass_time(100)
    return amazon.client("bedrock").get_model_customization_job(jobIdentifier=arn)["outputModelArn"]


def deployed(amazon, model, name="live"):
    arn = amazon.client("bedrock").create_custom_model_deployment(
        modelDeploymentName=name, modelArn=model
    )["customModelDeploymentArn"]
    amazon.world.pass_time(10)
    return arn


def refused(call, *args, **asked):
    """Return kind and words of the refusal that a call gets."""
    with pytest.raises(ClientError) as caught:
        call(*args, **asked)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_job_goes_through_its_phases_and_makes_a_model(amazon, bedrock):
    arn = job(
        amazon,
        jobTags=[{"key": "team", "value": "support"}],
        customModelTags=[{"key": "of", "value": "model"}],
        hyperParameters={"epochCount": "3"},
        validationDataConfig={"validators": [{"s3Uri": amazon.put("v.jsonl", ROWS[:2])}]},
    )
    at_first = bedrock.get_model_customization_job(jobIdentifier=arn)
    assert at_first["status"] == "InProgress"
    assert at_first["statusDetails"]["dataProcessingDetails"]["status"] == "InProgress"
    assert at_first["statusDetails"]["trainingDetails"] == {"status": "NotStarted"}
    amazon.world.pass_time(50)
    later = bedrock.get_model_customization_job(jobIdentifier="support-1")["statusDetails"]
    assert [later[k]["status"] for k in ("dataProcessingDetails", "trainingDetails")] == [
        "Completed",
        "InProgress",
    ]
    amazon.world.pass_time(50)
    done = bedrock.get_model_customization_job(jobIdentifier=arn)
    assert done["status"] == "Completed"
    assert done["hyperParameters"]["epochCount"] == "3"
    assert done["trainingMetrics"]["trainingLoss"] > 0
    assert len(done["validationMetrics"]) == 1
    model = bedrock.get_custom_model(modelIdentifier=done["outputModelArn"])
    assert (model["jobArn"], model["modelStatus"]) == (arn, "Active")
    for of, key in ((arn, "team"), (done["outputModelArn"], "of")):
        assert [t["key"] for t in bedrock.list_tags_for_resource(resourceARN=of)["tags"]] == [key]
    tables = sorted(key.rpartition("/")[2] for _, key in amazon.buckets.objects if "out/" in key)
    assert tables == ["step_wise_training_metrics.csv", "validation_metrics.csv"]


def test_the_same_token_makes_nothing_new_and_says_no_error(amazon, bedrock):
    assert job(amazon, clientRequestToken="abc-1") == job(amazon, clientRequestToken="abc-1")
    assert len(bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"]) == 1


@pytest.mark.parametrize("part", ["jobName", "customModelName"])
def test_a_name_is_taken_for_good(amazon, bedrock, part):
    bedrock.delete_custom_model(modelIdentifier=tuned(amazon))
    other = {"jobName": "other", "customModelName": "other", part: "support-1"}
    if part == "jobName":
        assert refused(job, amazon, **other)[0] == "ConflictException"
    else:
        assert job(amazon, **other)  # a model's name is free again, a job's never is


def test_a_model_name_in_use_is_a_conflict(amazon):
    tuned(amazon)
    assert refused(job, amazon, jobName="other")[0] == "ConflictException"


def test_no_operation_deletes_a_job(bedrock):
    with pytest.raises(OperationNotFoundError):
        bedrock.meta.service_model.operation_model("DeleteModelCustomizationJob")
    assert bedrock.waiter_names == []


BAD_JOBS = [
    {"jobName": "has space"},
    {"customModelName": "two--hyphens"},
    {"roleArn": "arn:aws:iam::999999999999:role/other"},
    {"roleArn": "bedrock"},
    {"baseModelIdentifier": "amazon.nova-lite-v1:0"},
    {"baseModelIdentifier": HAIKU},
    {"hyperParameters": {"epochCount": "6"}},
    {"hyperParameters": {"epochCount": "2.5"}},
    {"hyperParameters": {"epochCount": "many"}},
    {"hyperParameters": {"batchSize": "1"}},
    {"trainingDataConfig": {"s3Uri": "s3://x/ż.jsonl"}},
    {"jobTags": [{"key": "adres", "value": "żółw"}]},
    {"jobTags": [{"key": "aws:x", "value": "y"}]},
    {"customizationType": "DISTILLATION"},
    {"clientRequestToken": "-"},
]


@pytest.mark.parametrize("wrong", BAD_JOBS, ids=lambda w: "".join(map(str, w.values()))[:30])
def test_a_job_that_breaks_a_rule_is_refused_at_once(amazon, bedrock, wrong):
    assert refused(job, amazon, **wrong)[0] == "ValidationException"
    assert bedrock.list_model_customization_jobs()["modelCustomizationJobSummaries"] == []


def _spoilt(change):
    row = conversation(1)
    change(row)
    return [*ROWS, row]


BAD_ROWS = {
    "no rows": [],
    "ends with a question": _spoilt(lambda r: r["messages"].pop()),
    "begins with an answer": _spoilt(lambda r: r["messages"].pop(0)),
    "no schema": _spoilt(lambda r: r.pop("schemaVersion")),
    "text instead of blocks": _spoilt(lambda r: r["messages"][0].update(content="x")),
    "a reserved word": _spoilt(lambda r: r["messages"][0].update(content=[{"text": "User: x"}])),
    "three roles": _spoilt(lambda r: r["messages"].append({"role": "tool", "content": []})),
}


@pytest.mark.parametrize("rows", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_fails_the_whole_job(amazon, bedrock, rows):
    arn = job(amazon, rows=rows)
    amazon.world.pass_time(100)
    found = bedrock.get_model_customization_job(jobIdentifier=arn)
    assert found["status"] == "Failed"
    assert "9" in found["failureMessage"] or "no records" in found["failureMessage"]
    assert bedrock.list_custom_models()["modelSummaries"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"trainingDataConfig": {"s3Uri": f"s3://{BUCKET}/nothing.jsonl"}},
        {"trainingDataConfig": {"s3Uri": "s3://no-such-bucket/a.jsonl"}},
        {"outputDataConfig": {"s3Uri": "s3://no-such-bucket/out/"}},
    ],
)
def test_a_place_that_is_not_there_fails_the_job(amazon, bedrock, wrong):
    arn = job(amazon, **wrong)
    amazon.world.pass_time(30)
    assert bedrock.get_model_customization_job(jobIdentifier=arn)["status"] == "Failed"


def test_a_stopped_job_has_no_model_and_cannot_be_stopped_again(amazon, bedrock):
    arn = job(amazon)
    amazon.world.pass_time(40)
    bedrock.stop_model_customization_job(jobIdentifier=arn)
    assert bedrock.get_model_customization_job(jobIdentifier=arn)["status"] == "Stopping"
    amazon.world.pass_time(100)
    found = bedrock.get_model_customization_job(jobIdentifier=arn)
    assert found["status"] == "Stopped"
    assert "outputModelArn" not in found
    kind, _ = refused(bedrock.stop_model_customization_job, jobIdentifier=arn)
    assert kind == "ConflictException"


def test_lists_have_pages_and_filters(amazon, bedrock):
    for number in range(5):
        job(amazon, f"support-{number}")
        amazon.world.pass_time(1)
    amazon.world.pass_time(200)
    job(amazon, "late")
    pages = list(
        bedrock.get_paginator("list_model_customization_jobs").paginate(
            PaginationConfig={"PageSize": 2}
        )
    )
    names = [one["jobName"] for p in pages for one in p["modelCustomizationJobSummaries"]]
    assert names == ["late", *(f"support-{n}" for n in (4, 3, 2, 1, 0))]
    assert len(pages) == 3

    def found(**asked):
        answer = bedrock.list_model_customization_jobs(**asked)["modelCustomizationJobSummaries"]
        return [one["jobName"] for one in answer]

    assert found(nameContains="support-3") == ["support-3"]
    assert found(statusEquals="InProgress") == ["late"]
    assert found(sortOrder="Ascending", maxResults=1) == ["support-0"]
    assert found(creationTimeAfter=amazon.world.now() - timedelta(seconds=50)) == ["late"]
    assert len(bedrock.list_custom_models(nameContains="support")["modelSummaries"]) == 5


def test_a_deployment_swaps_its_model_behind_the_same_name(amazon, bedrock):
    one, two = tuned(amazon, "one"), tuned(amazon, "two")
    made = bedrock.create_custom_model_deployment(
        modelDeploymentName="live",
        modelArn=one,
        description="Pomoc",
        tags=[{"key": "a", "value": "b"}],
        clientRequestToken="t1",
    )["customModelDeploymentArn"]

    def status():
        return bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=made)["status"]

    assert status() == "Creating"
    amazon.world.pass_time(10)
    assert status() == "Active"
    bedrock.update_custom_model_deployment(customModelDeploymentIdentifier=made, modelArn=two)
    during = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier="live")
    assert (during["status"], during["modelArn"]) == ("Active", one)
    assert during["updateDetails"] == {"modelArn": two, "updateStatus": "Updating"}
    amazon.world.pass_time(10)
    after = bedrock.get_custom_model_deployment(customModelDeploymentIdentifier=made)
    assert (after["modelArn"], after["updateDetails"]["updateStatus"]) == (two, "UpdateCompleted")
    kind, _ = refused(
        bedrock.create_custom_model_deployment, modelDeploymentName="live", modelArn=one
    )
    assert kind == "ValidationException"  # this operation declares no conflict


def test_a_model_that_is_served_cannot_be_deleted(amazon, bedrock):
    model = tuned(amazon)
    live = deployed(amazon, model)
    assert refused(bedrock.delete_custom_model, modelIdentifier=model)[0] == "ConflictException"
    bedrock.delete_custom_model_deployment(customModelDeploymentIdentifier=live)
    bedrock.delete_custom_model(modelIdentifier=model)
    assert refused(bedrock.get_custom_model, modelIdentifier=model)[0] == (
        "ResourceNotFoundException"
    )
    assert [one.record for one in amazon.bedrock.left()] == [True]


def bought(bedrock, model, **more):
    return bedrock.create_provisioned_model_throughput(
        **{"modelUnits": 1, "provisionedModelName": "units", "modelId": model, **more}
    )["provisionedModelArn"]


def test_throughput_takes_another_model_of_the_same_base_only(amazon, bedrock):
    one, two = tuned(amazon, "one"), tuned(amazon, "two")
    other = tuned(amazon, "other", baseModelIdentifier="amazon.nova-micro-v1:0:128k")
    arn = bought(bedrock, one)
    amazon.world.pass_time(10)
    update = bedrock.update_provisioned_model_throughput
    kind, words = refused(update, provisionedModelId=arn, desiredModelId=other)
    assert kind == "ValidationException"
    assert "same base model" in words
    update(provisionedModelId=arn, desiredModelId=two)
    during = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
    assert (during["status"], during["modelArn"], during["desiredModelArn"]) == (
        "Updating",
        one,
        two,
    )
    amazon.world.pass_time(10)
    assert bedrock.get_provisioned_model_throughput(provisionedModelId=arn)["modelArn"] == two
    assert refused(bedrock.delete_custom_model, modelIdentifier=two)[0] == "ConflictException"
    bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)
    assert bedrock.list_provisioned_model_throughputs()["provisionedModelSummaries"] == []


def test_an_account_begins_without_committed_units(amazon, bedrock):
    model = tuned(amazon)
    kind, _ = refused(bought, bedrock, model, commitmentDuration="OneMonth")
    assert kind == "ServiceQuotaExceededException"


def test_a_commitment_keeps_throughput_until_it_ends():
    with running(World(job_seconds=1, operation_seconds=1), committed_units=2) as amazon:
        bedrock = amazon.client("bedrock")
        model = tuned(amazon)
        arn = bought(bedrock, model, commitmentDuration="OneMonth", modelUnits=2)
        amazon.world.pass_time(1)
        found = bedrock.get_provisioned_model_throughput(provisionedModelId=arn)
        assert found["commitmentExpirationTime"] - found["creationTime"] == timedelta(days=30)
        kind, words = refused(bedrock.delete_provisioned_model_throughput, provisionedModelId=arn)
        assert kind == "ConflictException"
        assert found["commitmentExpirationTime"].strftime("%Y-%m-%d") in words
        assert [one.bills for one in amazon.bedrock.left()][-1].startswith("2 model units")
        amazon.world.pass_time(31 * 86400)
        bedrock.delete_provisioned_model_throughput(provisionedModelId=arn)


def test_the_life_cycle_of_a_base_is_told_and_enforced():
    world = before_the_end_of_haiku()
    with running(world, "us-west-2") as amazon:
        bedrock = amazon.client("bedrock")
        found = bedrock.get_foundation_model(modelIdentifier=HAIKU)["modelDetails"]
        assert found["modelLifecycle"]["status"] == "LEGACY"
        assert found["modelLifecycle"]["endOfLifeTime"].date().isoformat() == "2026-09-10"
        listed = bedrock.list_foundation_models(
            byCustomizationType="FINE_TUNING", byProvider="anthropic"
        )
        assert [one["modelId"] for one in listed["modelSummaries"]] == [HAIKU]
        rows = [
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
        ] * 32
        model = tuned(amazon, baseModelIdentifier=HAIKU, rows=rows)
        kind, _ = refused(
            bedrock.create_custom_model_deployment, modelDeploymentName="x", modelArn=model
        )
        assert kind == "ValidationException"
        assert refused(bought, bedrock, model)[0] == "ValidationException"
        world.pass_time(60 * 86400)
        kind, words = refused(job, amazon, "late", baseModelIdentifier=HAIKU)
        assert kind == "ResourceNotFoundException"
        assert "end of its life" in words


def test_a_few_rows_are_too_few_for_haiku():
    with running(before_the_end_of_haiku(), "us-west-2") as amazon:
        rows = [{"messages": [{"role": "user", "content": "a"}]}]
        arn = job(amazon, baseModelIdentifier=HAIKU, rows=rows)
        amazon.world.pass_time(100)
        found = amazon.client("bedrock").get_model_customization_job(jobIdentifier=arn)
        assert "1 records; 32 are needed" in found["failureMessage"]


def ask(runtime, model, text="Gdzie jest paczka 3?", **more):
    messages = [{"role": "user", "content": [{"text": text}]}]
    return runtime.converse(modelId=model, messages=messages, **more)


def test_a_tuned_model_answers_only_behind_a_deployment(amazon):
    model, runtime = tuned(amazon), amazon.client("bedrock-runtime")
    kind, words = refused(ask, runtime, model)
    assert kind == "ValidationException"
    assert "isn't supported" in words
    answer = ask(runtime, deployed(amazon, model))
    assert answer["output"]["message"]["content"] == [{"text": "Paczka 3 jest w drodze. Привет!"}]
    assert answer["stopReason"] == "end_turn"
    assert answer["usage"]["totalTokens"] == sum(
        answer["usage"][key] for key in ("inputTokens", "outputTokens")
    )
    simulated = ask(runtime, "amazon.nova-lite-v1:0")
    assert "simulated" in simulated["output"]["message"]["content"][0]["text"]


def test_an_answer_is_streamed_in_frames_that_the_sdk_reads(amazon):
    runtime = amazon.client("bedrock-runtime")
    live = deployed(amazon, tuned(amazon))
    messages = [{"role": "user", "content": [{"text": "Gdzie jest paczka 5?"}]}]
    events = list(runtime.converse_stream(modelId=live, messages=messages)["stream"])
    deltas = [e["contentBlockDelta"]["delta"]["text"] for e in events if "contentBlockDelta" in e]
    assert len(deltas) > 1
    assert "".join(deltas) == "Paczka 5 jest w drodze. Привет!"
    assert [next(iter(e)) for e in events if "contentBlockDelta" not in e] == [
        "messageStart",
        "contentBlockStop",
        "messageStop",
        "metadata",
    ]
    short = runtime.converse_stream(
        modelId=live, messages=messages, inferenceConfig={"maxTokens": 2}
    )
    assert [e["messageStop"]["stopReason"] for e in short["stream"] if "messageStop" in e] == [
        "max_tokens"
    ]


def test_a_frame_that_is_an_error_is_one_for_the_sdk_too():
    from botocore.eventstream import EventStreamBuffer

    buffer = EventStreamBuffer()
    buffer.add_data(failure("modelStreamErrorException", "zerwane"))
    [message] = list(buffer)
    assert message.headers[":exception-type"] == "modelStreamErrorException"
    assert orjson.loads(message.payload) == {"message": "zerwane"}


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "assistant", "content": [{"text": "a"}]}],
        [{"role": "user", "content": [{"text": "a"}]}] * 2,
        [{"role": "user", "content": [{"text": " "}]}],
        [{"role": "system", "content": [{"text": "a"}]}],
    ],
)
def test_a_conversation_that_is_none_is_refused(amazon, messages):
    runtime = amazon.client("bedrock-runtime")
    kind, _ = refused(runtime.converse, modelId="amazon.nova-lite-v1:0", messages=messages)
    assert kind == "ValidationException"


@pytest.mark.parametrize(
    ("region", "model", "body", "said"),
    [
        (
            "us-east-1",
            "amazon.nova-lite-v1:0",
            {"messages": [{"role": "user", "content": [{"text": "cześć"}]}]},
            r'"text":"\[amazon.nova-lite-v1:0, simulated, no weights\] cześć"',
        ),
        (
            "us-west-2",
            "anthropic.claude-3-haiku-20240307-v1:0",
            {
                "anthropic_version": "bedrock-2023-05-31",
                "max_tokens": 90,
                "messages": [{"role": "user", "content": "cześć"}],
            },
            r'"type":"text","text":".*cześć"',
        ),
        (
            "us-west-2",
            "meta.llama3-2-1b-instruct-v1:0",
            {"prompt": "cześć"},
            r'"generation":".*cześć"',
        ),
    ],
)
def test_each_maker_has_its_own_words(region, model, body, said):
    with running(before_the_end_of_haiku(), region) as amazon:
        runtime = amazon.client("bedrock-runtime")
        answer = runtime.invoke_model(modelId=model, body=orjson.dumps(body))
        assert re.search(said, answer["body"].read().decode())


def test_the_account_says_who_it_is(amazon):
    found = amazon.client("sts").get_caller_identity()
    assert found["Account"] == ACCOUNT
    assert found["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:")


def test_a_wrong_region_and_an_unknown_key_are_refused(amazon):
    far = amazon.client("bedrock", region_name="eu-west-1")
    assert refused(far.list_custom_models)[0] == "InvalidSignatureException"
    with running(refused_keys=["test"]) as closed:
        for service, call in (("bedrock", "list_custom_models"), ("sts", "get_caller_identity")):
            kind, _ = refused(getattr(closed.client(service), call))
            assert kind == "UnrecognizedClientException"


def test_tags_are_of_things_that_exist(amazon, bedrock):
    arn = job(amazon)
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "1"}])
    bedrock.tag_resource(resourceARN=arn, tags=[{"key": "a", "value": "2"}])
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == [{"key": "a", "value": "2"}]
    bedrock.untag_resource(resourceARN=arn, tagKeys=["a"])
    assert bedrock.list_tags_for_resource(resourceARN=arn)["tags"] == []
    kind, _ = refused(bedrock.list_tags_for_resource, resourceARN=arn[:-4] + "aaaa")
    assert kind == "ResourceNotFoundException"


def test_the_clock_is_the_worlds(amazon, bedrock):
    arn = job(amazon)
    made = bedrock.get_model_customization_job(jobIdentifier=arn)["creationTime"]
    assert abs(made - amazon.world.now()) < timedelta(minutes=1)
    assert isinstance(made, datetime)
