"""The service: which request is which operation."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote

import tunectl.server.clouds.bedrock.custom_models as custom_models
import tunectl.server.clouds.bedrock.data_sources as data_sources
import tunectl.server.clouds.bedrock.deployments as deployments
import tunectl.server.clouds.bedrock.foundation as foundation
import tunectl.server.clouds.bedrock.identity as identity
import tunectl.server.clouds.bedrock.jobs as jobs
import tunectl.server.clouds.bedrock.knowledge as knowledge
import tunectl.server.clouds.bedrock.prompts as prompts
import tunectl.server.clouds.bedrock.retrieving as retrieving
import tunectl.server.clouds.bedrock.runtime as runtime
import tunectl.server.clouds.bedrock.throughput as throughput
from tunectl.server.clouds.bedrock.refused import Refused, missing, refusal, refusal_of
from tunectl.server.clouds.bedrock.shelf import Shelf, body_of, needed, tags_of
from tunectl.server.clouds.objects import Buckets
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

_SCOPE = re.compile(r"Credential=([^/]+)/[0-9]{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")


class Bedrock:
    """One account in one region: control plane, runtime and STS behind one address.

    Args:
        world: the clock and the faults.
        buckets: where training files are read and metrics are written.
        account: twelve digits.
        region: requests that are signed for another one are refused.
        user: the name in the identity.
        committed_units: model units that may be bought with a commitment.
        refused_keys: access keys that the account does not know.
    """

    def __init__(
        self,
        world: World,
        buckets: Buckets,
        *,
        account: str = "123456789012",
        region: str = "us-east-1",
        user: str = "tuner",
        committed_units: int = 0,
        refused_keys: Iterable[str] = (),
    ) -> None:
        self.shelf = Shelf(world, buckets, account, region, committed_units)
        self.user = user
        self.refused_keys = frozenset(refused_keys)

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return "bedrock"

    def answer(self, asked: Asked) -> Answered:
        """Answer one request."""
        try:
            region = self._authorised(asked)
        except Refused as refused:
            make = identity.refusal if identity.is_asked(asked) else refusal
            return make(refused.kind, refused.message)
        if identity.is_asked(asked):
            return identity.answer(asked, self.shelf.account, self.user)
        try:
            if region != self.shelf.region:
                raise Refused(
                    "InvalidSignatureException", "Credential should be scoped to a valid region."
                )
            for module in (jobs, deployments, throughput, data_sources, knowledge):
                module.move_on(self.shelf)
            return self._route(asked)
        except Refused as refused:
            return refusal(refused.kind, refused.message, refused.status)

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in the service's own shape."""
        return refusal_of(status, message)

    def left(self) -> Iterable[Left]:
        """Yield everything that is there now."""
        return self.shelf.left()

    def _authorised(self, asked: Asked) -> str:
        """Return the region that a request is signed for; a signature itself is not checked."""
        found = _SCOPE.search(asked.headers.get("authorization", ""))
        if found is None:
            raise Refused("MissingAuthenticationTokenException", "Missing Authentication Token")
        if found[1] in self.refused_keys:
            message = "The security token included in the request is invalid."
            raise Refused("UnrecognizedClientException", message)
        return found[2]

    def _route(self, asked: Asked) -> Answered:
        for method, pattern, status, operation in _ROUTES:
            match = pattern.fullmatch(asked.path)
            if match is not None and method == asked.method:
                answered = operation(self.shelf, asked, *map(unquote, match.groups()))
                if isinstance(answered, Answered):
                    return answered
                return Answered.of(answered, status)
        raise Refused("UnknownOperationException", f"{asked.method} {asked.path}")


def _tag(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    body = body_of(asked)
    needed(body, "resourceARN", "tags")
    shelf.tag(_tagged(shelf, body["resourceARN"]), tags_of(body, "tags"))
    return {}


def _untag(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    body = body_of(asked)
    arn = _tagged(shelf, body["resourceARN"])
    for key in body["tagKeys"]:
        shelf.tags.get(arn, {}).pop(key, None)
    return {}


def _tags(shelf: Shelf, asked: Asked) -> dict[str, Any]:
    found = shelf.tags.get(_tagged(shelf, body_of(asked)["resourceARN"]), {})
    return {"tags": [{"key": key, "value": value} for key, value in found.items()]}


def _tagged(shelf: Shelf, arn: str) -> str:
    if not any(
        arn in things for things in (shelf.jobs, shelf.models, shelf.deployments, shelf.throughputs)
    ):
        raise missing("the resource", arn)
    return arn


def _named(operation: Callable[[Shelf, str], dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """Return an operation that is asked nothing but a name."""
    return lambda shelf, _, identifier: operation(shelf, identifier)


def _named_two(operation: Callable[[Shelf, str, str], dict[str, Any]]) -> Callable[..., Any]:
    """Return an operation that is asked nothing but the name of something inside something."""
    return lambda shelf, _, outer, inner: operation(shelf, outer, inner)


# botocore 1.44.5: method, path and status of each operation.
_DEPLOYMENTS = "/model-customization/custom-model-deployments"
_THROUGHPUT = "/provisioned-model-throughput"
_SOURCES = "/knowledgebases/{}/datasources"
_ROUTES: tuple[tuple[str, re.Pattern[str], int, Callable[..., Any]], ...] = tuple(
    (method, re.compile(path.replace("{}", "([^/]+)")), status, operation)
    for method, path, status, operation in (
        ("POST", "/model-customization-jobs", 201, jobs.create),
        ("GET", "/model-customization-jobs", 200, jobs.find),
        ("GET", "/model-customization-jobs/{}", 200, _named(jobs.get)),
        ("POST", "/model-customization-jobs/{}/stop", 200, _named(jobs.stop)),
        ("GET", "/custom-models", 200, custom_models.find),
        ("GET", "/custom-models/{}", 200, _named(custom_models.get)),
        ("DELETE", "/custom-models/{}", 200, _named(custom_models.delete)),
        ("POST", _DEPLOYMENTS, 202, deployments.create),
        ("GET", _DEPLOYMENTS, 200, deployments.find),
        ("GET", f"{_DEPLOYMENTS}/{{}}", 200, _named(deployments.get)),
        ("PATCH", f"{_DEPLOYMENTS}/{{}}", 202, deployments.update),
        ("DELETE", f"{_DEPLOYMENTS}/{{}}", 200, _named(deployments.delete)),
        ("POST", _THROUGHPUT, 201, throughput.create),
        ("GET", f"{_THROUGHPUT}s", 200, throughput.find),
        ("GET", f"{_THROUGHPUT}/{{}}", 200, _named(throughput.get)),
        ("PATCH", f"{_THROUGHPUT}/{{}}", 200, throughput.update),
        ("DELETE", f"{_THROUGHPUT}/{{}}", 200, _named(throughput.delete)),
        ("GET", "/foundation-models", 200, foundation.list_models),
        ("GET", "/foundation-models/{}", 200, _named(foundation.get_model)),
        ("POST", "/tagResource", 200, _tag),
        ("POST", "/untagResource", 200, _untag),
        ("POST", "/listTagsForResource", 200, _tags),
        ("PUT", "/knowledgebases/", 202, knowledge.create),
        ("POST", "/knowledgebases/", 200, knowledge.find),
        ("GET", "/knowledgebases/{}", 200, _named(knowledge.get)),
        ("PUT", "/knowledgebases/{}", 202, knowledge.update),
        ("DELETE", "/knowledgebases/{}", 202, _named(knowledge.delete)),
        ("GET", "/tags/{}", 200, _named(knowledge.tags)),
        ("POST", "/tags/{}", 200, knowledge.tag),
        ("POST", "/prompts/", 201, prompts.create),
        ("GET", "/prompts/", 200, prompts.find),
        ("GET", "/prompts/{}/", 200, prompts.get),
        ("PUT", "/prompts/{}/", 200, prompts.update),
        ("DELETE", "/prompts/{}/", 200, prompts.delete),
        ("POST", "/prompts/{}/versions", 201, prompts.make_version),
        ("PUT", f"{_SOURCES}/", 200, data_sources.create),
        ("POST", f"{_SOURCES}/", 200, data_sources.find),
        ("GET", f"{_SOURCES}/{{}}", 200, _named_two(data_sources.get)),
        ("DELETE", f"{_SOURCES}/{{}}", 202, _named_two(data_sources.delete)),
        ("PUT", f"{_SOURCES}/{{}}/documents", 202, data_sources.ingest),
        ("POST", f"{_SOURCES}/{{}}/documents", 200, data_sources.documents),
        ("POST", f"{_SOURCES}/{{}}/documents/deleteDocuments", 202, data_sources.forget),
        ("POST", "/knowledgebases/{}/retrieve", 200, retrieving.retrieve),
        ("POST", "/model/{}/converse", 200, runtime.converse),
        ("POST", "/model/{}/converse-stream", 200, runtime.stream),
        ("POST", "/model/{}/invoke", 200, runtime.invoke),
    )
)
