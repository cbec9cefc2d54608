"""Vertex AI and Cloud Storage on loopback, and the provider connected to them."""

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.contracts.handler_contract import (
    Rows,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tunectl.providers.vertex import connect
from tunectl.server.clouds.objects import Buckets, CloudStorage
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.vertex.cloud import Vertex
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.world import World

NAME = "vertex_eu"
BASE = "gemini-3.5-flash"
BUCKET = "acme-tuning"


def gemini_rows(count: int = 16) -> Rows:
    """Return rows as Gemini takes them."""
    return Rows(
        [
            {
                "contents": [
                    {"role": "user", "parts": [{"text": f"Gdzie jest paczka nr {n}?"}]},
                    {"role": "model", "parts": [{"text": f"Посылка {n} уже в пути. Pozdrawiamy!"}]},
                ]
            }
            for n in range(count)
        ]
    )


@dataclass
class Clouds:
    """What a test talks to, and looks into."""

    world: World
    buckets: Buckets
    vertex: Vertex
    storage: CloudStorage
    url: str
    storage_url: str
    uploaded: list[str] = field(default_factory=list)

    def connect(self, **more: Any):
        settings = {
            "name": NAME,
            "project": "acme-ml",
            "location": "europe-west4",
            "staging": f"gs://{BUCKET}",
            "endpoint": self.url,
            "storage_endpoint": self.storage_url,
        }
        return connect(**{**settings, **more})

    def left(self) -> list[str]:
        """What is there and no mere record."""
        there = (*self.vertex.left(), *self.storage.left())
        return [f"{one.kind} {one.name}" for one in there if not one.record]

    def calls(self, since: int = 0) -> list[str]:
        return [f"{c.method} {c.path}" for c in self.world.calls[since:]]


@pytest.fixture
def clouds(monkeypatch):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    # The clock runs ahead: a job of minutes ends after some questions.
    world = World(job_seconds=4.0, operation_seconds=0.4, step=1.5)
    buckets = Buckets(world, names=(BUCKET,), location="EUROPE-WEST4")
    vertex = Vertex(world, buckets, location="europe-west4", behaviour=Behaviour(concurrent=10))
    storage = CloudStorage(world, buckets)
    with serving(vertex, world) as url, serving(storage, world) as storage_url:
        yield Clouds(world, buckets, vertex, storage, url, storage_url)


@pytest.fixture
def provider(clouds):
    return clouds.connect(concurrent_jobs=100)


@pytest.fixture
def training_file(provider):
    resource, spec = upload_resource(NAME)
    handler = provider.handlers["upload"]
    request = request_for(resource, spec, reader=gemini_rows())
    return settled(handler, handler.create(request)).outputs["file_id"]


@pytest.fixture
def job_request(training_file):
    def make(name: str = "support", base: str = BASE, **more: Any):
        resource, spec = job_resource(NAME, base, training_file, name, **more)
        return request_for(resource, spec)

    return make


@pytest.fixture
def tuned(provider, job_request):
    handler = provider.handlers["tuning_job"]
    return settled(handler, handler.create(job_request()))


def body_of(clouds: Clouds, name: str) -> list[dict[str, Any]]:
    """Return the rows of an object."""
    bucket, _, key = name.removeprefix("gs://").partition("/")
    content = clouds.buckets.objects[bucket, key].content
    return [json.loads(line) for line in content.splitlines()]


def preference_rows(count: int = 16) -> Rows:
    """Return rows of which one answer is better."""

    def answer(score: int, text: str) -> dict[str, Any]:
        return {"score": score, "completion": {"role": "model", "parts": [{"text": text}]}}

    return Rows(
        [
            {
                "contents": [{"role": "user", "parts": [{"text": f"Где заказ {n}?"}]}],
                "completions": [answer(1, f"В пути, {n}."), answer(0, "Nie wiem.")],
            }
            for n in range(count)
        ]
    )


@pytest.fixture
def preference_request(provider):
    resource, spec = upload_resource(NAME, "better")
    handler = provider.handlers["upload"]
    request = request_for(resource, spec, reader=preference_rows())
    file_id = settled(handler, handler.create(request)).outputs["file_id"]
    method = {"type": "dpo", "epochs": 1, "beta": 0.1, "lora_r": 4}

    def make():
        return request_for(*job_resource(NAME, BASE, file_id, "better", method=method))

    return make
