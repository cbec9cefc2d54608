"""What every handler must do: subclass `HandlerContract`, and give a `subject` fixture."""

from __future__ import annotations

import io
import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

import pytest

from tunectl.core.errors import Diagnostic, NotFoundError, Severity
from tunectl.core.ports import Handler, Mark, Provider, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain

SECONDS = 60.0


@dataclass
class Rows:
    """A `Reader` over rows in memory."""

    data: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def open(self, spec: Mapping[str, Plain]) -> Iterator[BinaryIO]:
        lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in self.data)
        yield io.BytesIO("".join(lines).encode())

    def rows(self, spec: Mapping[str, Plain]) -> Iterator[Mapping[str, Plain]]:
        yield from self.data


def chat_rows(count: int = 12) -> Rows:
    """Return rows that every service takes."""
    return Rows(
        [
            {
                "messages": [
                    {"role": "user", "content": f"Jak zwrócić zamówienie nr {n}?"},
                    {"role": "assistant", "content": f"Proszę odesłać paczkę {n}. Pozdrawiamy!"},
                ]
            }
            for n in range(count)
        ]
    )


def new_op() -> str:
    return secrets.token_hex(16)


def request_for(
    resource: Resource,
    spec: Mapping[str, Plain],
    *,
    op: str | None = None,
    reader: Rows | None = None,
    prior: Instance | None = None,
    project: str = "helpdesk",
    env: str = "default",
) -> Request:
    """Return a request as the engine makes one."""
    mark = Mark(
        lineage="11111111-2222-3333-4444-555555555555",
        project=project,
        env=env,
        address=resource.address,
        op=op or new_op(),
    )
    return Request(
        resource=resource,
        spec=spec,
        mark=mark,
        reader=reader or chat_rows(),
        now=datetime.now(UTC),
        prior=prior,
    )


@dataclass
class Subject:
    """One handler to test.

    Attributes:
        request: makes a request for a new object; each call for another one.
        changed: turns a request into one for an update; None where updates are refused.
        marked: whether `find` can find; False for records that exist only in the state.
        vanishes: whether a deleted object reads as gone; False for records.
    """

    provider: Provider
    kind: str
    request: Callable[[], Request]
    changed: Callable[[Request], Mapping[str, Plain]] | None = None
    marked: bool = True
    vanishes: bool = True

    @property
    def handler(self) -> Handler:
        return self.provider.handlers[self.kind]


def settled(handler: Handler, instance: Instance) -> Instance:
    """Poll until the instance is not pending any more."""
    deadline = time.monotonic() + SECONDS
    while instance.status is Status.PENDING:
        assert time.monotonic() < deadline, f"still pending: {instance.progress}"
        time.sleep(0.02)
        instance = handler.poll(instance)
    return instance


class HandlerContract:
    """Subclasses define a fixture `subject`."""

    @pytest.fixture
    def handler(self, subject: Subject) -> Handler:
        return subject.handler

    @pytest.fixture
    def made(self, subject: Subject) -> tuple[Request, Instance]:
        request = subject.request()
        return request, settled(subject.handler, subject.handler.create(request))

    def test_the_account_has_a_name(self, subject):
        assert subject.provider.account()
        assert subject.provider.account() == subject.provider.account()

    def test_check_finds_no_error_in_a_good_resource(self, subject):
        found = list(subject.handler.check(subject.request().resource))
        assert all(isinstance(d, Diagnostic) for d in found)
        assert [d for d in found if d.severity is Severity.ERROR] == []

    def test_create_tells_address_id_account_and_operation(self, subject):
        request = subject.request()
        instance = subject.handler.create(request)
        assert instance.address == request.resource.address
        assert instance.id
        assert instance.account == subject.provider.account()
        assert instance.provider == request.resource.provider
        assert instance.op == request.mark.op
        assert dict(instance.spec) == dict(request.spec)
        assert instance.created_at

    def test_a_settled_object_is_ready_and_has_its_outputs(self, subject, made):
        request, instance = made
        assert instance.status is Status.READY, instance.reason
        for name in request.resource.outputs:
            assert instance.outputs[name], name

    def test_what_was_made_reads_as_it_was_made(self, subject, made):
        _, instance = made
        now = subject.handler.read(instance)
        assert now is not None
        assert now.id == instance.id
        assert now.status is Status.READY
        assert dict(now.outputs) == dict(instance.outputs)
        assert dict(now.spec) == dict(instance.spec)

    def test_an_object_is_found_by_its_operation_and_no_other(self, subject, made):
        request, instance = made
        expected = [instance.id] if subject.marked else []
        assert [i.id for i in subject.handler.find(request.mark)] == expected
        other = replace(request.mark, op=new_op())
        assert list(subject.handler.find(other)) == []

    def test_what_is_found_can_be_polled_and_has_the_outputs(self, subject, made):
        request, instance = made
        for found in subject.handler.find(request.mark):
            ready = settled(subject.handler, found)
            assert ready.status is Status.READY
            assert dict(ready.outputs) == dict(instance.outputs)
            assert ready.op == request.mark.op

    def test_what_carries_a_mark_can_be_listed(self, subject):
        assert hasattr(subject.handler, "list") == subject.marked

    def test_a_list_and_a_read_say_the_same_of_a_ready_object(self, subject, made):
        if not subject.marked:
            return
        request, instance = made
        [found] = [f for f in subject.handler.list() if f.instance.id == instance.id]
        now = subject.handler.read(instance)
        there = found.instance
        assert there.status is now.status is Status.READY
        assert (there.progress, there.reason) == (now.progress, now.reason)
        assert dict(there.outputs) == dict(now.outputs)
        assert {**instance.spec, **there.spec} == dict(now.spec)
        assert (there.provider, there.account) == (now.provider, now.account)
        assert there.op == request.mark.op
        assert found.mark in {None, request.mark}
        assert datetime.fromisoformat(found.created_at).tzinfo is not None

    def test_what_was_deleted_is_not_listed_as_ready(self, subject, made):
        if not subject.marked:
            return
        _, instance = made
        subject.handler.delete(instance)
        left = [f.instance for f in subject.handler.list() if f.instance.id == instance.id]
        assert all(one.status is not Status.READY for one in left)

    def test_two_creates_make_two_objects(self, subject):
        one, two = subject.request(), subject.request()
        a, b = subject.handler.create(one), subject.handler.create(two)
        assert a.id != b.id

    def test_an_update_keeps_the_identity(self, subject, made):
        request, instance = made
        if subject.changed is None:
            return
        spec = subject.changed(request)
        again = replace(request, spec=spec, prior=instance, mark=replace(request.mark, op=new_op()))
        now = settled(subject.handler, subject.handler.update(again))
        assert now.id == instance.id
        assert now.op == instance.op
        assert dict(now.spec) == dict(spec)
        assert now.created_at == instance.created_at

    def test_deleting_twice_is_fine_and_leaves_nothing_to_read(self, subject, made):
        _, instance = made
        subject.handler.delete(instance)
        subject.handler.delete(instance)
        if subject.vanishes:
            assert subject.handler.read(instance) is None

    def test_what_never_was_reads_as_gone_and_cannot_be_polled(self, subject, made):
        if not subject.vanishes:
            return
        _, instance = made
        nobody = replace(instance, id=_other_id(instance.id), outputs=_moved(instance))
        assert subject.handler.read(nobody) is None
        if subject.marked:
            with pytest.raises(NotFoundError):
                subject.handler.poll(nobody)

    def test_a_handler_may_be_used_by_many_threads(self, subject):
        requests = [subject.request() for _ in range(4)]
        with ThreadPoolExecutor(4) as pool:
            made = list(pool.map(subject.handler.create, requests))
            ready = list(pool.map(lambda i: settled(subject.handler, i), made))
        assert len({i.id for i in ready}) == len(requests)
        assert {i.op for i in ready} == {r.mark.op for r in requests}


def _other_id(id_: str) -> str:
    return id_[:-4] + ("aaaa" if not id_.endswith("aaaa") else "bbbb")


def _moved(instance: Instance) -> dict[str, Plain]:
    outputs = dict(instance.outputs)
    if "path" in outputs:
        outputs["path"] = _other_id(instance.id)
    return outputs


def upload_resource(provider: str, name: str = "support") -> tuple[Resource, dict[str, Plain]]:
    """Return an upload and its settled spec, as the loader derives them."""
    spec: dict[str, Plain] = {
        "dataset": f"dataset.{name}",
        "split": "train",
        "format": "chat",
        "sha256": "a1b2c3d4e5f6" + "0" * 52,
        "rows": 12,
    }
    address = Address.of("upload", name, key=f"train/{provider}/chat")
    return (
        Resource(
            address=address,
            provider=provider,
            spec=spec,
            immutable=frozenset(spec),
            outputs=("file_id",),
            depends_on=(Address.of("dataset", name),),
            parent=Address.of("dataset", name),
        ),
        spec,
    )


def job_resource(
    provider: str, base: str, file_id: str, name: str = "support", **more: Plain
) -> tuple[Resource, dict[str, Plain]]:
    """Return a tuning job and its settled spec."""
    spec: dict[str, Plain] = {
        "base_model": base,
        "method": {"type": "supervised", "epochs": 2},
        "data": {"training": {"rows": 12, "sha256": "a1b2" * 16}},
        "training_file": file_id,
        **more,
    }
    resource = Resource(
        address=Address.of("tuning_job", name),
        provider=provider,
        spec=spec,
        fingerprint="fp1:" + "0" * 64,
        outputs=("model_id", "job_id"),
    )
    return resource, spec


def endpoint_resource(
    provider: str, model: str, name: str = "support"
) -> tuple[Resource, dict[str, Plain]]:
    """Return an endpoint and its settled spec."""
    spec: dict[str, Plain] = {"model": model}
    resource = Resource(
        address=Address.of("endpoint", name),
        provider=provider,
        spec=spec,
        outputs=("model_id", "base_url", "invoke"),
    )
    return resource, spec
