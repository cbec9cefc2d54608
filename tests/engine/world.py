"""A provider in memory, with switches to fail, delay and lose replies; and a project on it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from tunectl.core.errors import InvalidRequestError, UnknownOutcomeError
from tunectl.core.ports import Mark, Request
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Recreate, Resource, Status
from tunectl.core.state import Entry, State, fold
from tunectl.core.value import Address, Ref
from tunectl.engine.run import Tools

FILE = Address.of("upload", "a", key="train")
JOB = Address.of("tuning_job", "a")
ALIAS = Address.of("endpoint", "a")


@dataclass
class Remote:
    """The world: objects by id, with the mark they carry."""

    objects: dict[str, Instance] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    fault: Callable[[str, str, str], None] = lambda verb, kind, when: None
    polls: int = 1
    lag: float = 0.0
    unlisted: int = 0  # how many looks show nothing yet
    ids: Iterable[int] = field(default_factory=lambda: itertools.count(1))
    guard: threading.Lock = field(default_factory=threading.Lock)


@dataclass
class MemoryHandler:
    remote: Remote
    kind: str

    def check(self, resource: Resource):
        return ()

    def read(self, instance: Instance) -> Instance | None:
        return self.remote.objects.get(instance.id)

    def create(self, request: Request) -> Instance:
        self.remote.fault("create", self.kind, "before")
        with self.remote.guard:
            id_ = f"{self.kind}-{next(self.remote.ids)}"
            self.remote.created.append(id_)
            pending = self.kind == "tuning_job"
            made = Instance(
                address=request.resource.address,
                provider="memory",
                account="memory",
                id=id_,
                spec=request.spec,
                outputs={} if pending else {"file_id": id_, "model_id": id_},
                status=Status.PENDING if pending else Status.READY,
            )
            self.remote.objects[id_] = made
            self.remote.marks[id_] = request.mark.op
        self.remote.fault("create", self.kind, "after")
        return made

    @property
    def lag(self) -> float:
        return self.remote.lag

    def find(self, mark: Mark):
        if self.remote.unlisted > 0:
            self.remote.unlisted -= 1
            return []
        return [o for i, o in self.remote.objects.items() if self.remote.marks[i] == mark.op]

    def poll(self, instance: Instance) -> Instance:
        self.remote.fault("poll", self.kind, "before")
        self.remote.polls -= 1
        if self.remote.polls > 0:
            return replace(instance, progress=f"{self.remote.polls} left")
        now = self.remote.objects[instance.id]
        if now.reason:
            done = replace(instance, status=Status.FAILED, reason=now.reason)
        else:
            done = replace(instance, status=Status.READY, outputs={"model_id": f"ft:{instance.id}"})
        self.remote.objects[instance.id] = done
        return done

    def update(self, request: Request) -> Instance:
        self.remote.fault("update", self.kind, "before")
        made = replace(request.prior, spec=request.spec)
        self.remote.objects[made.id] = made
        return made

    def delete(self, instance: Instance) -> Instance | None:
        self.remote.fault("delete", self.kind, "before")
        self.remote.objects.pop(instance.id, None)
        if self.kind == "tuning_job":
            return replace(instance, reason=f"job record {instance.id} stays and bills nothing")
        return None


@dataclass
class MemoryProvider:
    remote: Remote

    @property
    def handlers(self):
        return {k: MemoryHandler(self.remote, k) for k in ("upload", "tuning_job", "endpoint")}

    def account(self) -> str:
        return "memory"

    def models(self):
        return ()


class Log:
    """A journal that remembers, and can be cut off."""

    def __init__(self, cut: int = 1000) -> None:
        self.entries: list[Entry] = []
        self.cut = cut

    def append(self, *entries: Entry) -> None:
        for entry in entries:
            if len(self.entries) >= self.cut:
                raise KeyboardInterrupt
            self.entries.append(entry)


class NoReader:
    @contextmanager
    def open(self, spec):
        yield None

    def rows(self, spec):
        return iter(())


def resources(rows: str = "r1") -> tuple[Resource, ...]:
    return (
        Resource(
            address=FILE,
            provider="memory",
            spec={"sha256": rows},
            immutable=frozenset({"sha256"}),
            outputs=("file_id",),
            recreate=Recreate.ON_DEMAND,
        ),
        Resource(
            address=JOB,
            provider="memory",
            spec={"data": rows, "training_file": Ref(FILE, ("file_id",))},
            immutable=frozenset({"data"}),
            inputs=frozenset({"training_file"}),
            fingerprint=f"fp1:{rows}",
            outputs=("model_id",),
            recreate=Recreate.ON_REQUEST,
        ),
        Resource(
            address=ALIAS,
            provider="memory",
            spec={"model": Ref(JOB, ("model_id",))},
            outputs=("model_id",),
        ),
    )


def project(rows: str = "r1") -> Project:
    return Project(name="p", env="default", root=".", resources=resources(rows))


def empty() -> State:
    return State(lineage="lineage-1", project="p", env="default")


def tools(remote: Remote, log: Log, **changes) -> Tools:
    provider = MemoryProvider(remote)
    made = Tools(
        connect=lambda name: provider,
        journal=log,
        reader=NoReader(),
        clock=lambda: datetime(2026, 11, 22, tzinfo=UTC),
        settle=(0.0, 0.0),
    )
    return replace(made, **changes)


def replayed(state: State, log: Log) -> State:
    return fold(state, log.entries)


def lost_reply(verb: str, kind: str) -> Callable[[str, str, str], None]:
    def fault(v: str, k: str, when: str) -> None:
        if (v, k, when) == (verb, kind, "after"):
            raise UnknownOutcomeError.of("the connection was reset")

    return fault


def refusal(verb: str, kind: str) -> Callable[[str, str, str], None]:
    def fault(v: str, k: str, when: str) -> None:
        if (v, k, when) == (verb, kind, "before"):
            raise InvalidRequestError.of("no such base model")

    return fault
