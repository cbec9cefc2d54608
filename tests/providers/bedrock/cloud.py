"""Bedrock and S3 on loopback, every answer held against botocore's service model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
import botocore.session
import orjson
from botocore.config import Config

from tunectl.providers.bedrock import connect
from tunectl.providers.bedrock.provider import BedrockAccount
from tunectl.server.clouds.bedrock import Bedrock
from tunectl.server.clouds.objects import S3, Buckets
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.wire import Answered, Asked
from tunectl.server.clouds.world import World

BUCKET = "acme-tuning"
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tuning/bedrock"
NOVA = "amazon.nova-lite-v1:0:300k"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0:200k"
GRADER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:ocena"
REWARDED = {
    "type": "reinforcement",
    "grader": {"type": "lambda", "lambda": {"function": GRADER}},
}
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@cache
def _session() -> Any:
    """Return one session for all: it keeps the service models, which take long to read."""
    return boto3.session.Session()


def connected(amazon: Amazon, name: str = "aws", **more: Any) -> BedrockAccount:
    """Return the provider, connected to a running cloud."""
    provider = connect(**{"name": name, **amazon.settings, **more})
    provider.cloud._sessions[None] = _session()
    return provider


@cache
def _operations() -> list[tuple[str, re.Pattern[str], Any]]:
    session = botocore.session.get_session()
    found = []
    for service in ("bedrock", "bedrock-runtime", "bedrock-agent", "bedrock-agent-runtime"):
        model = session.get_service_model(service)
        for name in model.operation_names:
            operation = model.operation_model(name)
            path = re.sub(r"\\{[^}]+\\}", "[^/]+", re.escape(operation.http["requestUri"]))
            found.append((operation.http["method"], re.compile(path), operation))
    return found


def _operation(asked: Asked) -> Any:
    for method, path, operation in _operations():
        if method == asked.method and path.fullmatch(asked.path):
            return operation
    return None


def differences(shape: Any, value: Any, at: str = "") -> Iterator[str]:
    """Yield where a JSON value is not what a shape of the service model says."""
    kind = shape.type_name
    if getattr(shape, "is_document_type", False):
        return
    if kind == "structure":
        yield from _object(shape, value, at)
    elif kind == "list":
        for number, item in enumerate(value):
            yield from differences(shape.member, item, f"{at}[{number}]")
    elif kind == "map":
        for key, item in value.items():
            yield from differences(shape.value, item, f"{at}.{key}")
    elif kind == "timestamp":
        assert shape.serialization.get("timestampFormat") == "iso8601"
        datetime.fromisoformat(value)
    elif kind == "string":
        yield from _text(shape, value, at)
    elif kind in {"integer", "long", "float", "double"}:
        yield from _number(shape, value, at)
    elif kind == "boolean" and not isinstance(value, bool):
        yield f"{at}: `{value}` is no boolean"


def _object(shape: Any, value: Any, at: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{at}: no object"
        return
    names = {m.serialization.get("name", n): m for n, m in shape.members.items()}
    yield from (f"{at}.{key}: not in the model" for key in value if key not in names)
    yield from (f"{at}.{name}: missing" for name in shape.required_members if name not in value)
    for key in value.keys() & names.keys():
        yield from differences(names[key], value[key], f"{at}.{key}")


def _number(shape: Any, value: Any, at: str) -> Iterator[str]:
    rules = shape.metadata
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{at}: `{value}` is no number"
    elif not rules.get("min", value) <= value <= rules.get("max", value):
        yield f"{at}: {value} is out of range"


def _text(shape: Any, value: Any, at: str) -> Iterator[str]:
    rules = shape.metadata
    if not isinstance(value, str):
        yield f"{at}: `{value}` is no text"
    elif rules.get("enum") and value not in rules["enum"]:
        yield f"{at}: `{value}` is none of {rules['enum']}"
    elif not rules.get("min", 0) <= len(value) <= rules.get("max", len(value)):
        yield f"{at}: `{value}` has a wrong length"
    elif rules.get("pattern") and not re.search(f"^(?:{rules['pattern']})$", value):
        yield f"{at}: `{value}` does not match"


class Checked(Bedrock):
    """The cloud, with every answer checked as it leaves and every request as it comes."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.problems: list[str] = []

    def answer(self, asked: Asked) -> Answered:
        answered = super().answer(asked)
        operation = _operation(asked)
        if operation is not None:
            found = self._differences(operation, asked, answered)
            self.problems += [f"{operation.name}: {problem}" for problem in found]
        return answered

    def _differences(self, operation: Any, asked: Asked, answered: Answered) -> Iterator[str]:
        if answered.status >= 400:
            kind = answered.headers["x-amzn-ErrorType"]
            declared = {error.name: error.metadata["error"] for error in operation.error_shapes}
            if kind in _OF_EVERY_OPERATION:
                return
            if declared.get(kind, {}).get("httpStatusCode") != answered.status:
                yield f"no {kind} with status {answered.status} is declared"
            return
        if answered.status != operation.http.get("responseCode", 200):
            yield f"status {answered.status}"
        yield from self._asked(operation, asked)
        if answered.pieces is None:
            yield from self._answered(operation, answered)

    def _asked(self, operation: Any, asked: Asked) -> Iterator[str]:
        if operation.name == "InvokeModel" or not asked.body:
            return
        here = orjson.loads(asked.body)
        shape = operation.input_shape
        for name, member in shape.members.items():
            if not member.serialization.get("location") and name in here:
                yield from differences(member, here[name], name)
        yield from (f"{key}: not in the model" for key in here if key not in shape.members)

    def _answered(self, operation: Any, answered: Answered) -> Iterator[str]:
        if operation.output_shape is not None and operation.name != "InvokeModel":
            yield from differences(operation.output_shape, orjson.loads(answered.body))


# AWS General Reference, "Common errors": of every operation, in no service model.
_OF_EVERY_OPERATION = {
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "UnrecognizedClientException",
    "UnknownOperationException",
}


@dataclass
class Amazon:
    """A running cloud."""

    world: World
    buckets: Buckets
    bedrock: Bedrock
    url: str
    s3_url: str
    settings: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str, **more: Any) -> Any:
        """Return a client of the real SDK that repeats nothing."""
        url = self.s3_url if service == "s3" else self.url
        given = {"region_name": self.bedrock.shelf.region, **KEYS, **more}
        config = Config(retries={"total_max_attempts": 1})
        return _session().client(service, endpoint_url=url, config=config, **given)

    def put(self, key: str, rows: list[dict[str, Any]]) -> str:
        """Keep rows as a file; return its URI."""
        content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        self.buckets.put(BUCKET, key, content)
        return f"s3://{BUCKET}/{key}"

    def calls(self, method: str = "", path: str = "") -> list[Any]:
        return [
            call
            for call in self.world.calls
            if method in {"", call.method} and re.search(path, call.path)
        ]


@contextmanager
def running(world: World | None = None, region: str = "us-east-1", **more: Any) -> Iterator[Amazon]:
    """Run Bedrock and S3 for the life of the context."""
    world = world or World(job_seconds=0.4, operation_seconds=0.2, step=0.2)
    buckets = Buckets(world, names=(BUCKET,), location=region)
    bedrock = Checked(world, buckets, account=ACCOUNT, region=region, **more)
    with ExitStack() as stack:
        url = stack.enter_context(serving(bedrock, world))
        s3_url = stack.enter_context(serving(S3(world, buckets), world))
        settings = {
            "region": region,
            "staging": f"s3://{BUCKET}/tunectl",
            "role_arn": ROLE,
            "endpoint_url": url,
            "runtime_endpoint_url": url,
            "sts_endpoint_url": url,
            "s3_endpoint_url": s3_url,
            "agent_endpoint_url": url,
            "agent_runtime_endpoint_url": url,
        }
        yield Amazon(world, buckets, bedrock, url, s3_url, settings)
    assert bedrock.problems == []


def conversation(number: int) -> dict[str, Any]:
    """Return a row as Nova is tuned with."""
    return {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": "Jesteś pomocny."}],
        "messages": [
            {"role": "user", "content": [{"text": f"Gdzie jest paczka {number}?"}]},
            {"role": "assistant", "content": [{"text": f"Paczka {number} jest w drodze. Привет!"}]},
        ],
    }


def before_the_end_of_haiku() -> World:
    """Return a world of 2026-08-01, when Claude 3 Haiku could be tuned still."""
    start = datetime(2026, 8, 1, tzinfo=UTC).timestamp()
    begun = datetime.now(UTC).timestamp()
    return World(
        job_seconds=0.3,
        operation_seconds=0.05,
        clock=lambda: start + datetime.now(UTC).timestamp() - begun,
    )
