"""Everything one Vertex project holds, and the moments at which things come true."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from tunectl.server.clouds.objects.buckets import Buckets
from tunectl.server.clouds.vertex.refusals import Refused, missing
from tunectl.server.clouds.world import World
from tunectl.server.prompt_caches import PromptCache

Kept = dict[str, Any]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """What is open about the real service, or is a project's own setting; 2026-11-22.

    Attributes:
        concurrent: tuning jobs that run at once; the documented default quota is at least one.
        over_quota: `queue` (the job waits for quota) or `refuse` (429).
        labels_reach: a job's labels reach its model and endpoints, as the API's comment says.
        multi_region: endpoints of models that are served in `us` and `eu` only have these in
            their names.
        filters_jobs: a list of tuning jobs takes label filters; else they are refused.
        echoes_defaults: a job shows the hyper-parameters that the service chose.
        lag_seconds: how long after an undeployment a model still counts as deployed
            (googleapis/python-aiplatform#2807); None for as long as an operation takes.
        garden_shows_early: model and endpoint of a deployment of Model Garden are there from its
            beginning, and not only when it has ended.
    """

    concurrent: int = 1
    over_quota: str = "queue"
    labels_reach: bool = True
    multi_region: bool = True
    filters_jobs: bool = True
    echoes_defaults: bool = False
    lag_seconds: float | None = None
    garden_shows_early: bool = False


@dataclass
class Operation:
    """A long-running operation.

    Attributes:
        kind: the message of its metadata: `DeleteOperationMetadata`.
        effect: what comes true at `due`; returns the response's message and content.
        about: further metadata.
        version: of the API through which it was begun; its messages stay those of it.
    """

    name: str
    kind: str
    began: datetime
    due: datetime
    effect: Callable[[], tuple[str, Kept]]
    about: Kept = field(default_factory=dict)
    version: str = "v1"
    response: tuple[str, Kept] | None = None
    error: Refused | None = None

    @property
    def done(self) -> bool:
        """Whether it came to its end."""
        return self.response is not None or self.error is not None


@dataclass
class Registered:
    """A model in the registry, with its versions from the first on.

    Attributes:
        base: the Gemini model it is tuned from; empty for what needs machines.
        pairs: by version id, the (question, answer) pairs it learned from.
        freed: until when it still counts as deployed.
    """

    name: str
    versions: list[Kept]
    base: str = ""
    pairs: dict[str, Pairs] = field(default_factory=dict)
    freed: datetime | None = None

    def version(self, wanted: str) -> Kept:
        """Return a version by its id or alias, the default one for an empty name.

        Raises:
            Refused: there is none.
        """
        wanted = wanted or "default"
        for kept in self.versions:
            if wanted == kept["versionId"] or wanted in kept.get("versionAliases", []):
                return kept
        raise missing(f"Model version {self.name}@{wanted} is not found.")


@dataclass
class Ledger:
    """One project's jobs, models, endpoints and operations, by full name, oldest first.

    Attributes:
        doomed: what shall fail, by kind: `tuningJob` or an operation's metadata.
        rag_engines: the places in which RAG Engine set up its database.
        weights: by `gs://` folder, what the model learned whose weights a job left there.
    """

    world: World
    buckets: Buckets
    project: str
    location: str
    behaviour: Behaviour
    jobs: dict[str, Any] = field(default_factory=dict)
    models: dict[str, Registered] = field(default_factory=dict)
    endpoints: dict[str, Kept] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    doomed: list[tuple[str, Refused]] = field(default_factory=list)
    weights: dict[str, Pairs] = field(default_factory=dict)
    prompts: PromptCache = field(default_factory=lambda: PromptCache(floor=2048, step=1))
    corpora: dict[str, Any] = field(default_factory=dict)
    rag_engines: set[str] = field(default_factory=set)
    ids: Iterator[int] = field(default_factory=lambda: count(1))

    @property
    def number(self) -> int:
        """The project's number, which resource names carry in place of its id."""
        digest = hashlib.sha256(self.project.encode()).digest()
        return 100_000_000_000 + int.from_bytes(digest[:8], "big") % 900_000_000_000

    def parent(self, location: str) -> str:
        """Return `projects/NUMBER/locations/LOCATION`."""
        return f"projects/{self.number}/locations/{location}"

    def own_name(self, name: str) -> str:
        """Return a resource's name with the project's number in place of its id."""
        return name.replace(f"projects/{self.project}/", f"projects/{self.number}/", 1)

    def new_id(self) -> str:
        """Return an id as the service makes them: digits, never used before."""
        digest = hashlib.sha256(f"{self.project}:{next(self.ids)}".encode()).digest()
        return str(1_000_000_000_000_000_000 + int.from_bytes(digest[:7], "big"))

    def stamp(self, moment: datetime | None = None) -> str:
        """Return a moment (now) as ProtoJSON writes it."""
        return (moment or self.world.now()).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def etag(self, kept: Kept) -> str:
        """Return an etag that changes with every change."""
        return f"AMEw9y{kept.get('updateTime', '')}{next(self.ids):06d}"

    def touch(self, kept: Kept) -> None:
        """Note that something changed just now."""
        kept["updateTime"] = self.stamp()
        kept["etag"] = self.etag(kept)

    def settle(self) -> None:
        """Let come true what is due, in the order in which it falls due."""
        now = self.world.now()
        due = [each for each in self.operations.values() if not each.done and each.due <= now]
        for operation in sorted(due, key=lambda each: each.due):
            try:
                operation.response = operation.effect()
            except Refused as refused:
                operation.error = refused

    def pending(self, resource: str, kind: str) -> list[Operation]:
        """Return the operations of a kind that still run on a resource."""
        return [
            each
            for each in self.operations.values()
            if not each.done and each.kind == kind and each.name.startswith(f"{resource}/")
        ]

    def places(self) -> dict[str, list[Kept]]:
        """Return where models are deployed, in any location, by `MODEL` and by `MODEL@VERSION`."""
        found: dict[str, list[Kept]] = {}
        for name, endpoint in self.endpoints.items():
            for deployed in endpoint.get("deployedModels", []):
                ref = {"endpoint": name, "deployedModelId": deployed["id"]}
                model = deployed["model"]
                found.setdefault(model, []).append(ref)
                found.setdefault(f"{model}@{deployed['modelVersionId']}", []).append(ref)
        return found

    def doom(self, kind: str) -> Refused | None:
        """Return how the next of a kind shall fail, and forget it."""
        for at, (doomed, refused) in enumerate(self.doomed):
            if doomed == kind:
                del self.doomed[at]
                return refused
        return None

    def freed(self, model: str) -> None:
        """Note that a model was undeployed just now; it counts as deployed a while longer."""
        if model in self.models:
            lag = self.behaviour.lag_seconds
            seconds = self.world.operation_seconds if lag is None else lag
            self.models[model].freed = self.world.now() + timedelta(seconds=seconds)
