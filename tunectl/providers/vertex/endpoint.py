"""Endpoints: for a tuned Gemini a record of the one it has, else one with machines of its own.

A job deploys its tuned Gemini by itself, once for the model and once for each checkpoint, on
machines that nobody chooses. An `endpoint` for it says which of these callers are told; nothing
remote is made, and deleting it deletes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tunectl.core.errors import Diagnostic, InvalidRequestError, NotFoundError, Severity
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain, Ref
from tunectl.providers.instances import found, made
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.client import ENDPOINTS, Cloud
from tunectl.providers.vertex.deployment import (
    Now,
    advance,
    begin,
    endpoint_named,
    looked_at,
    name_of,
    remove_endpoint,
)
from tunectl.providers.vertex.garden import (
    advance_open,
    begin_open,
    claim,
    claim_of,
    looked_at_open,
    op_of,
    remove_open,
    unseen,
)
from tunectl.providers.vertex.machines import (
    DEDICATED,
    introduced,
    is_dedicated,
    is_garden,
    observed,
    served,
)
from tunectl.providers.vertex.marks import KIND, OP, mark_of
from tunectl.providers.vertex.places import Name, location_of
from tunectl.providers.vertex.teardown import model_named

_RECORD = "record-"
_LAG = 30.0  # seconds: an endpoint is shown when the operation that makes it has ended
_LAG_NEAR = 5.0  # of a server that was named
_PAGE = 100


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Handler of kind `endpoint`."""

    cloud: Cloud
    account: ProjectAccount

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say what does not go together."""
        spec = resource.spec
        for code, summary, hint in _odd(spec):
            yield Diagnostic(
                summary=f"Vertex AI {summary}",
                severity=Severity.ERROR,
                hint=hint,
                code=f"provider-{code}",
                address=str(resource.address),
                source=resource.source,
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return the endpoint as it is now, None when it is gone; nothing is begun."""
        record = instance.id.startswith(_RECORD)
        name = str(instance.outputs["model_id"]) if record else instance.id
        operation = str(instance.outputs.get("operation") or "")
        try:
            if instance.status is Status.PENDING and is_dedicated(instance.spec):
                now = self._looked(instance, name, operation)
                if now.status is not Status.READY:
                    return self._told(instance, replace(now, operation=operation))
            there = endpoint_named(self.cloud, name)
        except NotFoundError:
            # Of an open model whose deployment failed nothing may be left: the reason stays.
            failed = instance.status is Status.FAILED and is_garden(instance.spec)
            return instance if failed else None
        if record:
            return replace(instance, outputs=self._outputs(name, there))
        op = op_of(there)
        if instance.op and op != instance.op:
            return None  # ours is gone, and somebody else took the name
        if instance.status is Status.FAILED and not there.deployed_models:
            return instance
        return replace(
            instance,
            op=op,
            spec=observed(instance.spec, there) if instance.spec else introduced(there),
            outputs=self._outputs(name, there),
            # After a move that failed the model before serves on.
            status=Status.READY,
            progress="",
            reason="",
        )

    def create(self, request: Request) -> Instance:
        """Record the endpoint of a tuned Gemini, or begin to make one with machines."""
        account = self.account.id()
        if not is_dedicated(request.spec):
            name = self._chosen(request)
            there = endpoint_named(self.cloud, name)
            return made(
                request,
                account=account,
                id=f"{_RECORD}{request.mark.op}",
                outputs=self._outputs(name, there),
            )
        garden = is_garden(request.spec)
        now = begin_open(self.cloud, request) if garden else begin(self.cloud, request)
        claimed = claim_of(request.mark, request.resource.labels) if garden else {}
        return made(
            request,
            account=account,
            id=name_of(self.cloud, request.mark.op),
            outputs={**claimed, **_waiting(now)},
            status=now.status,
            progress=now.progress,
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return _LAG if self.cloud.endpoint is None else _LAG_NEAR

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the endpoint that the operation made: its id says so. A record is never found.

        Raises:
            UnknownOutcomeError: while Model Garden deploys, nobody can tell for whom it does.
        """
        name = name_of(self.cloud, mark.op)
        there: Any = None
        try:
            there = endpoint_named(self.cloud, name)
        except NotFoundError:
            if not unseen(self.cloud, name):
                return
        marked = there is not None and OP in there.labels
        serves = marked and bool(there.deployed_models)
        outputs = self._outputs(name, there) if serves else {} if marked else claim_of(mark, {})
        blank = found(
            mark,
            provider=self.cloud.provider,
            account=self.account.id(),
            id=name,
            outputs=outputs,
            status=Status.READY if serves else Status.PENDING,
        )
        yield blank if there is None else replace(blank, spec=introduced(there))

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the endpoint carries, if any."""
        if instance.id.startswith(_RECORD):
            return None
        return _mark(endpoint_named(self.cloud, instance.id))

    def list(self) -> Iterable[Found]:
        """Yield every endpoint of the location but those that belong to tuning jobs."""
        account, parent = self.account.id(), self.cloud.parent

        def listed() -> list[Any]:
            client = self.cloud.service(ENDPOINTS, self.cloud.location)
            asked = {"parent": parent, "page_size": _PAGE}
            return list(client.list_endpoints(asked, **self.cloud.plain))

        for there in self.cloud.ask(f"list the endpoints of `{parent}`", listed):
            mark = _mark(there)
            if there.labels.get(KIND, "endpoint") != "endpoint":
                continue  # deleted with the job that it was made for
            yield Found(
                instance=Instance(
                    address=mark.address if mark else Address.of("endpoint", there.display_name),
                    provider=self.cloud.provider,
                    account=account,
                    id=self._id(there.name),
                    spec=introduced(there),
                    outputs=self._outputs(self._id(there.name), there),
                    op=op_of(there),
                ),
                mark=mark,
                created_at=there.create_time.isoformat(timespec="seconds"),
            )

    def poll(self, instance: Instance) -> Instance:
        """Return how far it is; what comes next in a deployment is begun.

        Raises:
            NotFoundError: it is gone.
        """
        if instance.id.startswith(_RECORD):
            return instance
        spec = instance.spec
        if not is_dedicated(spec):
            # One that was found by its mark alone: what it shall be, the intent says.
            there = endpoint_named(self.cloud, instance.id)
            claim(self.cloud, there, instance)
            outputs = self._outputs(instance.id, there)
            return replace(instance, status=Status.READY, outputs=outputs, progress="")
        operation = str(instance.outputs.get("operation") or "")
        try:
            now = (
                advance_open(self.cloud, instance, operation)
                if is_garden(spec)
                else advance(self.cloud, instance.id, spec, operation, instance.progress)
            )
        except InvalidRequestError as error:
            now = Now(Status.FAILED, reason=str(error))
        return self._told(instance, now)

    def update(self, request: Request) -> Instance:
        """Move the endpoint to another model, or change its machines; the address stays."""
        prior = request.prior
        assert prior is not None, "an update has an object to change"
        blank = replace(prior, spec=dict(request.spec), status=Status.PENDING, progress="")
        if prior.id.startswith(_RECORD):
            name = self._chosen(request)
            there = endpoint_named(self.cloud, name)
            return replace(blank, status=Status.READY, outputs=self._outputs(name, there))
        now = advance(self.cloud, prior.id, served(prior.id, request.spec), "", "")
        return self._told(blank, now)

    def delete(self, instance: Instance) -> Instance | None:
        """Take everything off and delete it; of a record nothing was made."""
        if instance.id.startswith(_RECORD):
            return None
        if instance.spec.get("hosting") == DEDICATED:
            remove_endpoint(self.cloud, instance.id)
        else:
            remove_open(self.cloud, instance, str(instance.outputs.get("operation") or ""))
        return None

    def _looked(self, instance: Instance, name: str, operation: str) -> Now:
        if is_garden(instance.spec):
            return looked_at_open(self.cloud, instance, operation)
        return looked_at(self.cloud, name, instance.spec, operation)

    def _told(self, instance: Instance, now: Now) -> Instance:
        # What callers know stays true while it moves.
        known = {key: value for key, value in instance.outputs.items() if key != "operation"}
        outputs = known | _waiting(now)
        if now.status is Status.READY:
            outputs = self._outputs(instance.id, endpoint_named(self.cloud, instance.id))
        return replace(
            instance,
            status=now.status,
            outputs=outputs,
            progress=now.progress,
            reason=now.reason,
        )

    def _chosen(self, request: Request) -> str:
        """Return the endpoint of a tuned Gemini that callers are told of.

        Raises:
            InvalidRequestError: it has none, or no such checkpoint.
        """
        said, model = request.resource.spec.get("model"), str(request.spec["model"])
        wanted = request.spec.get("checkpoint")
        job = request.dependencies.get(said.address) if isinstance(said, Ref) else None
        if wanted is None and _is_endpoint(model):
            return model
        points = _points(job.outputs) if job is not None else self._deployed(model)
        chosen = points.get(str(wanted)) if wanted is not None else points.get("")
        if chosen:
            return chosen
        known = ", ".join(f"`{key}`" for key in points if key) or "none"
        raise InvalidRequestError.of(
            f"`{model}` has no endpoint for checkpoint `{wanted}`"
            if wanted is not None
            else f"`{model}` is on no endpoint",
            hint=f"its checkpoints: {known}"
            if wanted is not None
            else "a tuned Gemini is deployed by its own job; any other model needs `machine_type:`",
            address=str(request.resource.address),
        )

    def _deployed(self, model: str) -> dict[str, str]:
        """Return the endpoints of a model by checkpoint; the default one's under no name."""
        there = model_named(self.cloud, model) if Name.of(model) else None
        points: dict[str, str] = {}
        for one in there.deployed_models if there is not None else ():
            serving = endpoint_named(self.cloud, one.endpoint)
            for put in serving.deployed_models:
                if put.id == one.deployed_model_id:
                    points[put.checkpoint_id or ""] = one.endpoint
        if points:
            default = there.default_checkpoint_id if there is not None else ""
            points.setdefault("", points.get(default) or next(iter(points.values())))
        return points

    def _id(self, name: str) -> str:
        """Return a name as we write it: the service tells the project's number for its id."""
        read = Name.of(name)
        assert read is not None, name
        return f"{self.cloud.parent}/endpoints/{read.id}"

    def _outputs(self, name: str, there: Any) -> dict[str, Plain]:  # noqa: ANN401
        location = location_of(name)
        own = str(there.dedicated_endpoint_dns or "")
        base = f"{self.cloud.answering_url(location, own)}/v1"
        machines = any("dedicated_resources" in one for one in there.deployed_models)
        verb = "predict" if machines else "generateContent"
        # A client of OpenAI's wire adds `/chat/completions`, which containers of machines take
        # (Google, notebook `model_garden_pytorch_llama3_deployment`, 2026-11).
        at = f"{base}/{name}" if machines else base
        return {"model_id": name, "base_url": at, "invoke": f"{base}/{name}:{verb}"}


def _is_endpoint(text: str) -> bool:
    name = Name.of(text)
    return name is not None and name.collection == "endpoints"


def _points(outputs: Mapping[str, Plain]) -> dict[str, str]:
    """Return the endpoints that a job tells of, by checkpoint; the model's own under no name."""
    told = outputs.get("checkpoints")
    points = {
        str(key): str(point["endpoint"])
        for key, point in (told.items() if isinstance(told, Mapping) else ())
        if isinstance(point, Mapping) and point.get("endpoint")
    }
    return points | {"": str(outputs.get("endpoint") or "")}


def _waiting(now: Now) -> dict[str, Plain]:
    return {"operation": now.operation} if now.operation else {}


def _mark(there: Any) -> Mark | None:  # noqa: ANN401
    return mark_of(dict(there.labels), str(there.description or ""))


def _odd(spec: Mapping[str, Any]) -> Iterable[tuple[str, str, str]]:
    if is_dedicated(spec) and spec.get("checkpoint") is not None:
        yield (
            "endpoint",
            "has checkpoints of a tuned Gemini only, which takes no `machine_type`",
            "remove `checkpoint:` or `machine_type:`",
        )
    if spec.get("deployment"):
        yield "endpoint", "has no deployments that `deployment` could name", "remove it"
