"""The wire: which method of the service a request means, and what is there in the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from urllib.parse import unquote

from tunectl.server.clouds.objects.buckets import Buckets
from tunectl.server.clouds.vertex import (
    answers,
    bases,
    deployments,
    endpoints,
    jobs,
    lookups,
    rag,
    registry,
)
from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.ledger import Behaviour, Kept, Ledger
from tunectl.server.clouds.vertex.refusals import Refused, denied, of_status
from tunectl.server.clouds.wire import Answered, Asked, Left
from tunectl.server.clouds.world import World

Method = Callable[[Call], Answered]

_PLACE = re.compile(
    r"/(v1|v1beta1|ui)/projects/([^/:]+)/locations/([^/:]+)(?:/([^:]*))?(?::(\w+))?"
)
_PUBLISHED = re.compile(r"/(v1|v1beta1)/publishers/([^/]+)/models(?:/([^:]+))?")
_PROJECT = re.compile(r"/(v1|v3)/projects/([^/:]+)")
_LOCATIONS = re.compile(r"/(v1|v1beta1)/projects/([^/:]+)/locations")
_ONE = r"[^/]+"
_PUBLISHER = rf"publishers/{_ONE}/models/{_ONE}"
# HTTP method, path behind the location, method behind `:`, what answers.
_METHODS: tuple[tuple[str, str, str, Method], ...] = (
    ("POST", "tuningJobs", "", jobs.create),
    ("GET", "tuningJobs", "", jobs.list_jobs),
    ("GET", f"tuningJobs/{_ONE}", "", jobs.get),
    ("POST", f"tuningJobs/{_ONE}", "cancel", jobs.cancel),
    ("GET", "models", "", registry.list_models),
    ("GET", f"models/{_ONE}", "", registry.get),
    ("PATCH", f"models/{_ONE}", "", registry.update),
    ("DELETE", f"models/{_ONE}", "", registry.delete),
    ("POST", "models", "upload", registry.upload),
    ("GET", f"models/{_ONE}", "listVersions", registry.list_versions),
    ("GET", f"models/{_ONE}", "listCheckpoints", registry.list_checkpoints),
    ("POST", f"models/{_ONE}", "mergeVersionAliases", registry.merge_aliases),
    ("DELETE", f"models/{_ONE}", "deleteVersion", registry.delete_version),
    ("POST", "endpoints", "", endpoints.create),
    ("GET", "endpoints", "", endpoints.list_endpoints),
    ("GET", f"endpoints/{_ONE}", "", endpoints.get),
    ("PATCH", f"endpoints/{_ONE}", "", endpoints.update),
    ("POST", f"endpoints/{_ONE}", "update", endpoints.update_long),
    ("DELETE", f"endpoints/{_ONE}", "", endpoints.delete),
    ("POST", f"endpoints/{_ONE}", "deployModel", deployments.deploy),
    ("POST", f"endpoints/{_ONE}", "undeployModel", deployments.undeploy),
    ("POST", f"endpoints/{_ONE}", "mutateDeployedModel", deployments.mutate),
    ("POST", "", "deploy", deployments.garden),
    ("POST", f"(?:endpoints/{_ONE}|models/{_ONE}|{_PUBLISHER})", "generateContent",
     answers.generate),
    ("POST", f"(?:endpoints/{_ONE}|models/{_ONE}|{_PUBLISHER})", "streamGenerateContent",
     answers.stream),
    ("POST", f"(?:endpoints/{_ONE}|{_PUBLISHER})", "countTokens", answers.count),
    ("POST", f"(?:endpoints/{_ONE}|{_PUBLISHER})", "predict", answers.predict),
    ("POST", f"(?:endpoints/{_ONE}|{_PUBLISHER})", "rawPredict", answers.raw_predict),
    ("POST", f"endpoints/{_ONE}/chat/completions", "", answers.raw_predict),
    ("POST", "ragCorpora", "", rag.create),
    ("GET", "ragCorpora", "", rag.list_corpora),
    ("GET", f"ragCorpora/{_ONE}", "", rag.get),
    ("PATCH", f"ragCorpora/{_ONE}", "", rag.update),
    ("DELETE", f"ragCorpora/{_ONE}", "", rag.delete),
    ("POST", f"ragCorpora/{_ONE}/ragFiles", "import", rag.import_files),
    ("GET", f"ragCorpora/{_ONE}/ragFiles", "", rag.list_files),
    ("GET", f"ragCorpora/{_ONE}/ragFiles/{_ONE}", "", rag.get_file),
    ("DELETE", f"ragCorpora/{_ONE}/ragFiles/{_ONE}", "", rag.delete_file),
    ("POST", "", "retrieveContexts", rag.retrieve),
    ("GET", "", "", lookups.location),
    ("GET", f"(?:{_ONE}/{_ONE}/)?operations", "", lookups.operations),
    ("GET", f"(?:{_ONE}/{_ONE}/)?operations/{_ONE}", "", lookups.operation),
    ("POST", f"(?:{_ONE}/{_ONE}/)?operations/{_ONE}", "wait", lookups.wait),
    ("POST", f"(?:{_ONE}/{_ONE}/)?operations/{_ONE}", "cancel", lookups.cancel),
)  # fmt: skip
_NO_PAGE = (
    "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n"
    "  <title>Error 404 (Not Found)!!1</title>\n"
    "  <p><b>404.</b> <ins>That’s an error.</ins>\n"
    "  <p>The requested URL <code>{}</code> was not found on this server."
    "  <ins>That’s all we know.</ins>\n"
)


class Vertex:
    """Vertex AI of one project, in every location, `v1` and `v1beta1`.

    Attributes:
        ledger: everything that is there.
        denied: permissions that the caller lacks: `aiplatform.tuningJobs.create`.
    """

    name = "vertex"

    def __init__(
        self,
        world: World,
        buckets: Buckets,
        *,
        project: str = "acme-ml",
        location: str = "us-central1",
        behaviour: Behaviour | None = None,
    ) -> None:
        """Open an empty project; `location` is the region where jobs of `global` are run."""
        self.ledger = Ledger(world, buckets, project, location, behaviour or Behaviour())
        self.denied: set[str] = set()

    def answer(self, asked: Asked) -> Answered:
        """Answer one request; what is due comes true first."""
        self.settle()
        try:
            return self._answer(asked, unquote(asked.path))
        except Refused as refused:
            return refused.answer()

    def settle(self) -> None:
        """Let come true what is due by the world's clock."""
        jobs.advance(self.ledger)
        self.ledger.settle()

    def refusal(self, status: int, message: str) -> Answered:
        """Return an error in Google's shape."""
        return of_status(status, message).answer()

    def _answer(self, asked: Asked, path: str) -> Answered:
        if found := _PLACE.fullmatch(path):
            return self._within(asked, path, found)
        if asked.method == "GET":
            if found := _PUBLISHED.fullmatch(path):
                version, publisher, model = found.groups()
                return lookups.published(self.ledger, asked, version, publisher, model or "")
            if found := _LOCATIONS.fullmatch(path):
                self._own(found[2], "aiplatform.locations.list", f"projects/{found[2]}")
                return lookups.locations(self.ledger)
            if found := _PROJECT.fullmatch(path):
                return lookups.project(self.ledger, found[2], found[1])
        return _no_page(asked)

    def _within(self, asked: Asked, path: str, found: re.Match[str]) -> Answered:
        version, project, location, rest, verb = found.groups()
        method = _method(asked.method, rest or "", verb or "")
        if method is None or location not in bases.LOCATIONS:
            return _no_page(asked)
        resource = path.partition(f"/{version}/")[2].partition(":")[0]
        self._own(project, _permission(asked.method, rest or "", verb or ""), resource)
        parent = self.ledger.parent(location)
        version = "v1" if version == "ui" else version
        return method(Call(self.ledger, asked, version, location, parent, rest or ""))

    def fail(self, kind: str, code: str, message: str) -> None:
        """Order that the next of a kind fails, while it runs and not when it is asked for.

        Args:
            kind: `tuningJob`, or the metadata of an operation: `DeployModelOperationMetadata`.
            code: a name of google.rpc.Code: `RESOURCE_EXHAUSTED`.
            message: what is said.
        """
        self.ledger.doomed.append((kind, Refused(code, message)))

    def _own(self, project: str, permission: str, resource: str) -> None:
        mine = project in {self.ledger.project, str(self.ledger.number)}
        if not mine or permission in self.denied:
            raise denied(permission, resource)

    def left(self) -> Iterable[Left]:
        """Return endpoints, models and jobs; a job that ended is a record."""
        with self.ledger.world.mutex:
            self.settle()
            return list(self._left())

    def _left(self) -> Iterator[Left]:
        for name, endpoint in self.ledger.endpoints.items():
            bills = "; ".join(filter(None, map(_bills, endpoint["deployedModels"])))
            yield Left(kind="endpoint", name=name, bills=bills)
        for name in self.ledger.models:
            yield Left(kind="model", name=name)
        for name, job in self.ledger.jobs.items():
            bills = "" if job.ended else "training tokens, until it ends"
            yield Left(kind="tuning job", name=name, record=job.ended, bills=bills)
        yield from rag.left(self.ledger)


def _permission(http: str, rest: str, verb: str) -> str:
    """Name the permission that a method wants (cloud.google.com/vertex-ai/docs/general/iam)."""
    collection, _, within = rest.partition("/")
    if verb in {"generateContent", "streamGenerateContent", "countTokens", "predict", "rawPredict"}:
        return "aiplatform.endpoints.predict"
    if verb:
        action = verb.removesuffix("Model")
    elif http == "GET":
        action = "get" if within or not rest else "list"
    else:
        action = {"POST": "create", "PATCH": "update"}.get(http, "delete")
    return f"aiplatform.{collection or 'locations'}.{action}"


def _method(http: str, rest: str, verb: str) -> Method | None:
    for method, path, named, answers_it in _METHODS:
        if method == http and named == verb and re.fullmatch(path, rest):
            return answers_it
    return None


def _no_page(asked: Asked) -> Answered:
    """Answer as Google's front end does where no service is, an unknown region's host included."""
    body = _NO_PAGE.format(unquote(asked.path)).encode()
    return Answered(404, body, {"content-type": "text/html; charset=UTF-8"})


def _bills(deployed: Kept) -> str:
    resources = deployed.get("dedicatedResources")
    if not resources:
        return ""
    machine = resources["machineSpec"]
    kind = machine["machineType"]
    if "acceleratorType" in machine:
        kind = f"{kind} with {machine['acceleratorCount']} {machine['acceleratorType']}"
    least = resources.get("minReplicaCount", 0)
    return f"{least} × {kind} by the node-hour, also without traffic"
