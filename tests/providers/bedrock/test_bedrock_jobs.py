"""Jobs, deployments and throughput: what is sent, in which order things go, what stays."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import settled
from tests.providers.bedrock.cloud import (
    BUCKET,
    GRADER,
    HAIKU,
    REWARDED,
    ROLE,
    before_the_end_of_haiku,
    connected,
    running,
)
from tests.providers.bedrock.making import (
    endpoint_request,
    job_request,
    served,
    trained,
    upload_request,
    uploaded,
)
from tunectl.core.errors import ConflictError, InvalidRequestError, UnavailableError
from tunectl.core.resource import Status
from tunectl.server.clouds.world import Fault, World


def asked(amazon):
    [job] = amazon.bedrock.shelf.jobs.values()
    return job.asked


def test_a_job_is_asked_for_in_the_services_words(amazon, provider):
    file = uploaded(provider)
    request = job_request(
        provider,
        file,
        method={"type": "supervised", "epochs": 2, "learning_rate": 0.00002},
        validation_file=file,
        suffix="helpdesk",
        metadata={"sprawa": "żółw 7"},
    )
    request = replace(request, resource=replace(request.resource, labels={"zespół": "obsługa"}))
    provider.handlers["tuning_job"].create(request)
    body = asked(amazon)
    assert body["hyperParameters"] == {"epochCount": "2", "learningRate": "0.00002"}
    assert body["validationDataConfig"] == {"validators": [{"s3Uri": file}]}
    assert body["clientRequestToken"] == request.mark.op
    assert body["jobName"] == body["customModelName"]
    assert body["jobName"].startswith("helpdesk-")
    assert body["jobName"].endswith(request.mark.op)
    assert body["outputDataConfig"]["s3Uri"].endswith(f"/output/{body['jobName']}/")
    tags = {tag["key"]: tag["value"] for tag in body["jobTags"]}
    assert tags["sprawa"] == "=C5=BC=C3=B3=C5=82w=207"
    assert "zesp=C3=B3=C5=82" in tags


def test_another_content_has_another_name_although_the_job_is_the_same(provider, amazon):
    request = job_request(provider)
    handler = provider.handlers["tuning_job"]
    handler.create(request)
    other = replace(request.resource, fingerprint="fp1:" + "1" * 64)
    again = replace(request, resource=other, mark=replace(request.mark, op="f" * 32))
    handler.create(again)
    names = [job.name.split("-")[-2] for job in amazon.bedrock.shelf.jobs.values()]
    assert len(set(names)) == 2


def test_marks_come_back_whole_from_tags_and_metadata(provider):
    request = upload_request(project="pomoc ż", env="próba")
    up = provider.handlers["upload"]
    assert up.mark(up.create(request)) == request.mark
    job = job_request(provider)
    jobs = provider.handlers["tuning_job"]
    made = settled(jobs, jobs.create(job))
    assert jobs.mark(made) == job.mark
    live = endpoint_request(made.outputs["model_id"])
    ends = provider.handlers["endpoint"]
    assert ends.mark(ends.create(live)) == live.mark


def test_rows_are_sent_with_a_checksum_and_overwrite_nobody(amazon, provider):
    request = upload_request()
    made = provider.handlers["upload"].create(request)
    [stored] = amazon.buckets.objects.values()
    assert stored.content.count(b"\n") == 12
    assert "Привет" in stored.content.decode()
    assert stored.metadata["tunectl-op"] == request.mark.op
    assert made.id == made.outputs["file_id"]
    [put] = amazon.calls("PUT")
    assert put.status == 200
    key = made.id.removeprefix(f"s3://{BUCKET}/")
    amazon.buckets.put(BUCKET, key, b"somebody else's")
    again = provider.handlers["upload"].create(request)
    assert again.id == made.id
    assert amazon.buckets.objects[BUCKET, key].content == b"somebody else's"


def test_the_order_of_a_destroy_leaves_only_the_record(amazon, provider):
    job = trained(provider)
    end = served(provider, job.outputs["model_id"])
    with pytest.raises(ConflictError) as caught:
        provider.handlers["tuning_job"].delete(job)
    assert end.id in str(caught.value)
    assert provider.handlers["endpoint"].delete(end) is None
    record = provider.handlers["tuning_job"].delete(job)
    assert record.status is Status.READY
    assert "stays at the provider and bills nothing" in record.reason
    assert [key for _, key in amazon.buckets.objects if "/output/" in key] == []
    assert [one.record for one in amazon.bedrock.left()] == [True]


def test_what_somebody_else_wrote_beside_it_is_left_alone(amazon, provider):
    job = trained(provider)
    amazon.buckets.put(BUCKET, "tunectl/output/other/metrics.csv", b"x")
    amazon.buckets.put(BUCKET, "tunectl/output-of-mine.csv", b"x")
    provider.handlers["tuning_job"].delete(job)
    kept = [key for _, key in amazon.buckets.objects if "output" in key]
    assert kept == ["tunectl/output/other/metrics.csv", "tunectl/output-of-mine.csv"]


def test_a_live_job_is_stopped_before_it_is_deleted(amazon):
    amazon.world.job_seconds = 1000
    provider = connected(amazon)
    handler = provider.handlers["tuning_job"]
    made = handler.create(job_request(provider))
    record = handler.delete(made)
    assert record.status is Status.CANCELLED
    assert [job.status for job in amazon.bedrock.shelf.jobs.values()] == ["Stopped"]


def test_a_job_that_will_not_stop_is_for_the_next_run(amazon, provider):
    amazon.world.job_seconds = 1000
    amazon.world.step = 0
    handler = replace(provider.handlers["tuning_job"], stop_seconds=0.0)
    made = handler.create(job_request(provider))
    with pytest.raises(ConflictError) as caught:
        handler.delete(made)
    assert "Stopping" in str(caught.value)


def test_cancelling_a_job_that_is_over_tells_how_it_ended(provider):
    made = trained(provider)
    assert provider.handlers["tuning_job"].cancel(made).status is Status.READY


def test_the_phases_and_losses_of_a_job_are_told_once_and_in_order(amazon, provider):
    handler = provider.handlers["tuning_job"]
    made = handler.create(job_request(provider))
    first = list(handler.events(made))
    assert "reading the rows" in first[0].message
    made = settled(handler, made)
    every = list(handler.events(made))
    losses = [event.data["train_loss"] for event in every if "train_loss" in event.data]
    assert losses == sorted(losses, reverse=True)
    assert len(losses) > 1
    assert every[-1].id == "end"
    assert list(handler.events(made, every[-2].id)) == [every[-1]]
    assert len({event.id for event in every}) == len(every)


def test_a_failed_job_tells_the_services_reason(amazon, provider):
    file = uploaded(provider)
    key = file.removeprefix(f"s3://{BUCKET}/")
    amazon.buckets.put(BUCKET, key, b'{"messages": []}\n')
    handler = provider.handlers["tuning_job"]
    made = settled(handler, handler.create(job_request(provider, file)))
    assert made.status is Status.FAILED
    assert "Invalid record on line 1" in made.reason
    assert handler.read(made).reason == made.reason


def test_a_job_to_import_tells_its_own_settings(provider):
    job = job_request(provider)
    handler = provider.handlers["tuning_job"]
    made = settled(handler, handler.create(job))
    bare = replace(made, spec={}, op="", created_at="")
    told = handler.read(bare)
    assert told.spec["base_model"] == job.spec["base_model"]
    assert told.spec["method"]["epochs"] == 2
    assert told.spec["training_file"] == job.spec["training_file"]
    assert told.op == job.mark.op
    assert told.created_at


def test_a_job_whose_model_somebody_deleted_is_gone(amazon, provider):
    handler = provider.handlers["tuning_job"]
    made = trained(provider)
    amazon.bedrock.shelf.models.clear()
    assert handler.read(made) is None
    [listed] = handler.list()
    assert listed.instance.status is Status.FAILED


def test_throughput_of_another_base_is_refused_with_the_services_words(provider):
    handler = provider.handlers["endpoint"]
    one = trained(provider)
    other = trained(provider, base="amazon.nova-micro-v1:0:128k")
    bought = served(provider, one.outputs["model_id"], serving="provisioned", model_units=1)
    request = endpoint_request(other.outputs["model_id"], serving="provisioned", model_units=1)
    with pytest.raises(InvalidRequestError) as caught:
        handler.update(replace(request, prior=bought))
    assert "same base model" in str(caught.value)


def test_a_commitment_guards_its_throughput_and_names_the_day():
    world = World(job_seconds=0.5, operation_seconds=0.1, step=0.1)
    with running(world, committed_units=1) as amazon:
        provider = connected(amazon)
        model = trained(provider).outputs["model_id"]
        made = served(provider, model, serving="provisioned", model_units=1, commitment="SixMonths")
        [there] = amazon.bedrock.shelf.throughputs.values()
        with pytest.raises(InvalidRequestError) as caught:
            provider.handlers["endpoint"].delete(made)
        assert f"{there.expires:%Y-%m-%d}" in str(caught.value)
        assert amazon.calls("DELETE") == []
        assert provider.handlers["endpoint"].read(made).spec["commitment"] == "SixMonths"


def test_a_commitment_beyond_the_quota_says_that_waiting_does_not_help(provider):
    model = trained(provider).outputs["model_id"]
    handler = provider.handlers["endpoint"]
    request = endpoint_request(model, serving="provisioned", model_units=1, commitment="OneMonth")
    with pytest.raises(Exception, match="with a commitment") as caught:
        handler.create(request)
    assert "AWS Support" in caught.value.diagnostics[0].hint
    assert list(handler.find(request.mark)) == []


def test_a_deployment_that_is_being_made_is_deleted_when_it_is_there(amazon, provider):
    model = trained(provider).outputs["model_id"]
    handler = provider.handlers["endpoint"]
    made = handler.create(endpoint_request(model))
    assert handler.delete(made) is None
    assert amazon.bedrock.shelf.deployments == {}


def test_haiku_was_tuned_in_oregon_and_served_by_the_hour():
    with running(before_the_end_of_haiku(), "us-west-2") as amazon:
        provider = connected(amazon)
        [diagnostic] = provider.handlers["endpoint"].check(
            endpoint_request(
                f"arn:aws:bedrock:us-west-2:1:custom-model/{HAIKU}/abcdefghijkl"
            ).resource
        )
        assert "Claude 3 Haiku cannot be served `on_demand`" in diagnostic.summary


def chat(provider, model, text="Gdzie jest paczka 3?", **params):
    messages = [
        {"role": "system", "content": "Jesteś pomocny."},
        {"role": "user", "content": "Cześć!"},
        {"role": "user", "content": text},
    ]
    return list(provider.chat(model, messages, **params))


def test_an_answer_is_streamed_and_counted(provider):
    live = served(provider, trained(provider).outputs["model_id"])
    pieces = chat(provider, live.outputs["model_id"], max_tokens=50, temperature=0.5)
    assert len(pieces) > 2
    assert "Paczka 3" in "".join(piece.text for piece in pieces)
    last = pieces[-1]
    assert (last.finish_reason, last.text) == ("stop", "")
    assert last.prompt_tokens > 0
    assert last.completion_tokens > 0
    short = chat(provider, live.outputs["model_id"], max_tokens=1)
    assert short[-1].finish_reason == "length"


def test_a_tuned_model_without_an_endpoint_is_not_even_asked(amazon, provider):
    model = trained(provider).outputs["model_id"]
    before = len(amazon.world.calls)
    with pytest.raises(InvalidRequestError) as caught:
        chat(provider, model)
    assert "endpoint" in caught.value.diagnostics[0].hint
    assert len(amazon.world.calls) == before


def test_an_answer_that_breaks_off_is_an_error(amazon, provider, monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)
    live = served(provider, trained(provider).outputs["model_id"])
    amazon.world.faults.append(Fault("lost", "POST", "converse-stream", times=9))
    with pytest.raises(UnavailableError):
        chat(provider, live.outputs["model_id"])


def test_the_role_is_the_settings(amazon, provider):
    trained(provider)
    assert asked(amazon)["roleArn"] == ROLE


def test_calls_are_as_few_as_they_can_be(amazon, provider):
    """Create: the account once, then one each; refresh: one a thing, and the model of a job."""
    file = uploaded(provider)
    amazon.world.calls.clear()
    handler = provider.handlers["tuning_job"]
    made = handler.create(job_request(provider, file))
    assert [(call.method, call.path) for call in amazon.world.calls] == [
        ("POST", "/model-customization-jobs")
    ]
    made = settled(handler, made)
    amazon.world.calls.clear()
    handler.read(made)
    assert len(amazon.world.calls) == 2
    amazon.world.calls.clear()
    list(handler.list())
    assert len(amazon.world.calls) == 2


LLAMA, NOVA_2 = "meta.llama3-1-8b-instruct-v1:0:128k", "amazon.nova-2-lite-v1:0:256k"


def test_a_job_in_a_network_of_its_own_with_a_key_of_its_own(amazon):
    network = {"subnet_ids": ["subnet-1", "subnet-2"], "security_group_ids": ["sg-1"]}
    provider = connected(amazon, kms_key="alias/klucz", **network)
    made = trained(provider)
    body = asked(amazon)
    assert body["customModelKmsKeyId"] == "alias/klucz"
    assert body["vpcConfig"] == {
        "subnetIds": ["subnet-1", "subnet-2"],
        "securityGroupIds": ["sg-1"],
    }
    assert provider.handlers["tuning_job"].read(made).status is Status.READY


def test_a_reinforcement_is_asked_for_with_its_grader_and_numbers_as_numbers(amazon, provider):
    row = {
        "messages": [{"role": "user", "content": "Ile to 2 + 2?"}],
        "reference_answer": {"wynik": 4},
    }
    file = amazon.put("graded.jsonl", [row] * 100)
    method = {**REWARDED, "epochs": 3, "learning_rate": 0.00002, "reasoning_effort": "low"}
    handler = provider.handlers["tuning_job"]
    request = job_request(provider, file, NOVA_2, method=method)
    made = settled(handler, handler.create(request))
    assert made.status is Status.READY
    body = asked(amazon)
    assert body["customizationType"] == "REINFORCEMENT_FINE_TUNING"
    assert "hyperParameters" not in body
    assert body["customizationConfig"] == {
        "rftConfig": {
            "graderConfig": {"lambdaGrader": {"lambdaArn": GRADER}},
            "hyperParameters": {"epochCount": 3, "learningRate": 2e-05, "reasoningEffort": "low"},
        }
    }
    told = handler.read(replace(made, spec={}, op="", created_at="")).spec
    assert told["method"] == method


def test_a_reinforcement_of_too_few_rows_fails_with_the_services_reason(amazon, provider):
    row = {"messages": [{"role": "user", "content": "?"}], "reference_answer": "4"}
    handler = provider.handlers["tuning_job"]
    file = amazon.put("graded.jsonl", [row] * 99)
    made = settled(handler, handler.create(job_request(provider, file, NOVA_2, method=REWARDED)))
    assert made.status is Status.FAILED
    assert "99 records" in made.reason


def test_llama_is_tuned_with_a_prompt_and_its_completion():
    with running(region="us-west-2") as amazon:
        provider = connected(amazon)
        handler = provider.handlers["tuning_job"]
        rows = [{"prompt": f"Gdzie jest {n}?", "completion": f"Tu: {n}."} for n in range(12)]
        request = job_request(provider, amazon.put("a.jsonl", rows), LLAMA)
        assert settled(handler, handler.create(request)).status is Status.READY
        chats = [{"messages": [{"role": "user", "content": "?"}]}]
        request = job_request(provider, amazon.put("b.jsonl", chats), LLAMA, op="b" * 32)
        made = settled(handler, handler.create(request))
        assert made.status is Status.FAILED
        assert "`prompt` and `completion`" in made.reason
