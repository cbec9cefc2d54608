"""The package's own server as a cloud: a job takes its time by the world's clock."""

from __future__ import annotations

import time

import pytest
from openai import OpenAI as Client

from tests.e2e.conftest import row
from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World


@pytest.fixture
def world():
    return World(job_seconds=3600)


@pytest.fixture
def cloud(world, tmp_path):
    found = OpenAI(world, tmp_path / "konto")
    yield found
    found.close()


@pytest.fixture
def client(cloud, world):
    with serving(cloud, world) as url, Client(base_url=f"{url}/v1", api_key="any") as client:
        yield client


@pytest.fixture
def job(client):
    rows = "\n".join(row(number) for number in range(20)).encode()
    file = client.files.create(file=("wiersze.jsonl", rows), purpose="fine-tune")
    model = "gpt-4.1-mini-2025-04-14"
    return client.fine_tuning.jobs.create(model=model, training_file=file.id)


def settled(client, job, *states):
    deadline = time.monotonic() + 20
    while (now := client.fine_tuning.jobs.retrieve(job.id)).status not in states:
        assert time.monotonic() < deadline, now.status
        time.sleep(0.02)
    return now


def test_a_job_ends_when_its_time_is_over_and_not_before(client, job, world, cloud):
    settled(client, job, "running", "queued")
    [left] = [left for left in cloud.left() if left.kind == "tuning job"]
    assert not left.record
    world.pass_time(3600)
    done = settled(client, job, "succeeded")
    assert {left.kind for left in cloud.left()} == {"file", "model", "tuning job"}
    [left] = [left for left in cloud.left() if left.kind == "tuning job"]
    assert left.record

    client.models.delete(done.fine_tuned_model)
    for file in client.files.list():
        client.files.delete(file.id)
    assert [left.kind for left in cloud.left()] == ["tuning job"]


def test_a_job_is_cancelled_while_its_time_runs(client, job):
    client.fine_tuning.jobs.cancel(job.id)
    assert settled(client, job, "cancelled").status == "cancelled"


def test_what_still_trains_ends_with_the_cloud(client, job, cloud):
    settled(client, job, "running", "queued")
    cloud.close()
    assert client.fine_tuning.jobs.retrieve(job.id).status not in {"succeeded", "failed"}


def test_a_tuned_model_answers_also_in_a_stream(client, job, world):
    world.pass_time(3600)
    model = settled(client, job, "succeeded").fine_tuned_model
    question = [{"role": "user", "content": "Pytanie numer 3: gdzie jest żółw 21?"}]
    whole = client.chat.completions.create(model=model, messages=question)
    assert "Żółw 21" in whole.choices[0].message.content
    stream = client.chat.completions.create(model=model, messages=question, stream=True)
    told = "".join(c.choices[0].delta.content or "" for c in stream if c.choices)
    assert told == whole.choices[0].message.content
