"""A Vertex on loopback whose every answer is held against Google's own descriptors."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from google.api_core.future import polling
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform_v1, aiplatform_v1beta1
from google.longrunning import operations_pb2
from google.protobuf import json_format

from tests.server.clouds.vertex_messages import descriptors
from tunectl.server.clouds.objects import Buckets
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.vertex import messages as known
from tunectl.server.clouds.vertex.cloud import Vertex
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.clouds.world import World

PROJECT = "acme-ml"
PARENT = f"projects/{PROJECT}/locations/us-central1"
MORNING = 1_795_300_000.0  # 2026-11-21, after Gemini 2.5 left
QUICKLY = polling.DEFAULT_POLLING.with_delay(initial=0.001, maximum=0.001)
# Operation metadata and generated messages, by what the path ends in.
SHAPES = (
    (r"/tuningJobs", {"POST": "TuningJob", "GET": "ListTuningJobsResponse"}),
    (r"/tuningJobs/[^/:]+", {"GET": "TuningJob"}),
    (r"/locations/[^/]+/models", {"GET": "ListModelsResponse"}),
    (r"/locations/[^/]+/models/[^/:]+", {"GET": "Model", "PATCH": "Model", "DELETE": "Operation"}),
    (r"/models/[^/]+:listVersions", {"GET": "ListModelVersionsResponse"}),
    (r"/models/[^/]+:listCheckpoints", {"GET": "ListModelVersionCheckpointsResponse"}),
    (r"/models/[^/]+:mergeVersionAliases", {"POST": "Model"}),
    (r"/models/[^/]+:deleteVersion", {"DELETE": "Operation"}),
    (r"/models:upload", {"POST": "Operation"}),
    (r"/endpoints", {"GET": "ListEndpointsResponse", "POST": "Operation"}),
    (r"/endpoints/[^/:]+", {"GET": "Endpoint", "PATCH": "Endpoint", "DELETE": "Operation"}),
    (r"/endpoints/[^/]+:(deployModel|undeployModel|mutateDeployedModel|update)",
     {"POST": "Operation"}),
    (r"/locations/[^/]+:deploy", {"POST": "Operation"}),
    (r"/[^/]+:generateContent", {"POST": "GenerateContentResponse"}),
    (r"/[^/]+:countTokens", {"POST": "CountTokensResponse"}),
    (r"/[^/]+:predict", {"POST": "PredictResponse"}),
    (r"/ragCorpora", {"POST": "Operation", "GET": "ListRagCorporaResponse"}),
    (r"/ragCorpora/[^/:]+", {"GET": "RagCorpus", "PATCH": "Operation", "DELETE": "Operation"}),
    (r"/ragFiles", {"GET": "ListRagFilesResponse"}),
    (r"/ragFiles:import", {"POST": "Operation"}),
    (r"/ragFiles/[^/:]+", {"GET": "RagFile", "DELETE": "Operation"}),
    (r"/locations/[^/]+:retrieveContexts", {"POST": "RetrieveContextsResponse"}),
    (r"/operations/[^/:]+(:wait)?", {"GET": "Operation", "POST": "Operation"}),
    (r"/publishers/[^/]+/models", {"GET": "ListPublisherModelsResponse"}),
    (r"/publishers/[^/]+/models/[^/:]+", {"GET": "PublisherModel"}),
)  # fmt: skip


@functools.cache
def described(version: str) -> dict[str, Any]:
    """Message classes by name, out of the descriptors."""
    from google.protobuf import message_factory

    return {n: message_factory.GetMessageClass(d) for n, d in descriptors(version).items()}


def held_against_google(asked: Asked, answered: Answered) -> str:
    """Parse a good answer with Google's own types, unknown fields refused; return the type."""
    if answered.status != 200 or not answered.body:
        return ""
    value = orjson.loads(answered.body)
    for pattern, by_method in SHAPES:
        if re.search(rf"{pattern}$", asked.path) and asked.method in by_method:
            name = by_method[asked.method]
            break
    else:
        return ""
    version = version_of(asked)
    plain = without_what_only_rest_knows(value)
    if name == "Operation":
        json_format.ParseDict(plain, operations_pb2.Operation())
    else:
        json_format.ParseDict(plain, described(version)[name]())
    return name


def version_of(asked: Asked) -> str:
    return "v1beta1" if asked.path.startswith("/v1beta1/") else "v1"


def hold_stream_against_google(asked: Asked, pieces: list[bytes]) -> None:
    """Parse each part of a stream, of events or of an array, as an answer."""
    sent = b"".join(pieces)
    if sent.startswith(b"["):
        parts = orjson.loads(sent)
    else:
        parts = [orjson.loads(p.removeprefix(b"data: ")) for p in sent.split(b"\r\n\r\n") if p]
    for part in parts:
        json_format.ParseDict(part, described(version_of(asked))["GenerateContentResponse"]())


def without_what_only_rest_knows(value: Any) -> Any:
    """Take away the fields that the descriptors lack, which `messages` lists one by one."""
    extra = {
        name
        for more in (known._REST_ONLY, known._BETA_ONLY)
        for message, fields in more.items()
        if message in {"TuningJob", "TuningDataStats"}
        for name in fields
    }
    if isinstance(value, dict):
        return {k: without_what_only_rest_knows(v) for k, v in value.items() if k not in extra}
    if isinstance(value, list):
        return [without_what_only_rest_knows(each) for each in value]
    return value


class Checked(Vertex):
    """Vertex, whose answers must parse as what they claim to be."""

    checked: list[str]
    wrong: list[str]

    def answer(self, asked: Asked) -> Answered:
        answered = super().answer(asked)
        try:
            if answered.pieces is not None:
                answered = replace(answered, pieces=list(answered.pieces))
                hold_stream_against_google(asked, answered.pieces)
            self.checked.append(held_against_google(asked, answered))
        except json_format.ParseError as error:
            self.wrong.append(f"{asked.method} {asked.path}: {error}")
        return answered


@dataclass
class Cloud:
    """A running Vertex, its world, its buckets and Google's clients for it."""

    url: str
    world: World
    buckets: Buckets
    vertex: Checked
    clients: dict[str, Any] = field(default_factory=dict)

    def client(self, name: str, version: str = "v1") -> Any:
        """A generated client over REST."""
        key = f"{version}.{name}"
        if key not in self.clients:
            package = {"v1": aiplatform_v1, "v1beta1": aiplatform_v1beta1}[version]
            self.clients[key] = getattr(package, name)(
                credentials=AnonymousCredentials(),
                transport="rest",
                client_options={"api_endpoint": self.url},
            )
        return self.clients[key]

    @property
    def tuning(self) -> Any:
        return self.client("GenAiTuningServiceClient")

    @property
    def endpoints(self) -> Any:
        return self.client("EndpointServiceClient")

    @property
    def models(self) -> Any:
        return self.client("ModelServiceClient")

    def upload(self, rows: list[Any], key: str = "train.jsonl") -> str:
        """Put rows into the bucket; return their URI."""
        lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
        self.buckets.put("acme", key, "\n".join(lines).encode())
        return f"gs://acme/{key}"

    def job(self, **more: Any) -> Any:
        """Create a supervised job with the generated client."""
        spec: dict[str, Any] = {"training_dataset_uri": self.upload(ROWS)}
        spec.update(more.pop("spec", {}))
        job: dict[str, Any] = {"base_model": "gemini-3.5-flash", "supervised_tuning_spec": spec}
        parent = more.pop("parent", PARENT)
        return self.tuning.create_tuning_job(parent=parent, tuning_job={**job, **more})

    def finished(self, job: Any) -> Any:
        """Let a job come to its end; return it."""
        self.world.pass_time(self.world.job_seconds + 0.001)
        return self.tuning.get_tuning_job(name=job.name)

    def tuned(self, **more: Any) -> Any:
        """A job that succeeded."""
        job = self.finished(self.job(**more))
        assert job.state.name == "JOB_STATE_SUCCEEDED", job
        return job

    def rest(self, method: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """A plain REST call, as an HTTP client without Google's types makes it."""
        import requests

        sent = requests.request(method, f"{self.url}/{path}", json=body, params=query, timeout=10)
        said = sent.headers.get("content-type", "")
        return sent.status_code, sent.json() if said.startswith("application/json") else sent.text

    def left(self) -> list[tuple[str, str]]:
        """What is there that is no record."""
        return [(left.kind, left.name) for left in self.vertex.left() if not left.record]


def done(operation: Any) -> Any:
    """The result of a long-running operation, asked for without a pause."""
    return operation.result(timeout=30, polling=QUICKLY)


ROWS = [
    {
        "systemInstruction": {"parts": [{"text": "Pomagasz klientom sklepu."}]},
        "contents": [
            {"role": "user", "parts": [{"text": f"Gdzie jest paczka numer {number}?"}]},
            {
                "role": "model",
                "parts": [{"text": f"Paczka {number} jest już w drodze. Поздравляем!"}],
            },
        ],
    }
    for number in range(1, 21)
]


@contextmanager
def cloud(behaviour: Behaviour | None = None, **more: Any) -> Iterator[Cloud]:
    """Serve an empty project; every good answer was held against Google's types at the end."""
    world = World(clock=lambda: MORNING, step=0.25, **more)
    buckets = Buckets(world, names=("acme",))
    vertex = Checked(world, buckets, project=PROJECT, behaviour=behaviour)
    vertex.checked, vertex.wrong = [], []
    with serving(vertex, world) as url:
        yield Cloud(url, world, buckets, vertex)
    assert not vertex.wrong, vertex.wrong
