"""Endpoints: a deployment or throughput, whose ARN stays when another model moves in."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from tunectl.catalog.bedrock_models import family
from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
)
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.client import RUNTIME, Cloud
from tunectl.providers.bedrock.job import moment
from tunectl.providers.bedrock.naming import mark_of, op_in_name
from tunectl.providers.bedrock.serving import (
    ON_DEMAND,
    PROVISIONED,
    Deployments,
    Served,
    Serving,
    Throughput,
)
from tunectl.providers.bedrock.tuning_job import LIST_LAG, tags_of
from tunectl.providers.instances import found, made


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Handler of kind `endpoint`.

    Attributes:
        settle_seconds: how long a delete waits for what is being made, and until it is gone.
    """

    cloud: Cloud
    identity: Identity
    settle_seconds: float = 120.0

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say offline what cannot serve a model."""
        model, serving = resource.spec.get("model"), resource.spec.get("serving", ON_DEMAND)
        if not isinstance(model, str) or not isinstance(serving, str):
            return
        facts, problem = family(model), ""
        if ":custom-model/" not in model and serving == ON_DEMAND:
            problem = f"`{model}` is no tuned model: a base answers under its own id"
            hint = "name a `tuning_job`, or leave the endpoint out"
        elif facts is not None and facts.serving and serving not in facts.serving:
            problem = f"{facts.title} cannot be served `{serving}`"
            hint = f"write `serving: {facts.serving[0]}`"
        if problem:
            yield Diagnostic(
                summary=problem,
                hint=hint,
                code="provider-serving",
                address=str(resource.address),
                source=resource.source,
                detail=f"provider `{self.cloud.provider}`",
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return it as it is now, None when it is gone."""
        self.identity.check(instance)
        try:
            return self._shown(instance, self._of(instance.id).look(instance.id))
        except NotFoundError:
            return None

    def create(self, request: Request) -> Instance:
        """Deploy the model, or buy throughput for it; it is pending."""
        account = self.identity.id()
        serving = str(request.spec.get("serving") or ON_DEMAND)
        arn = self._by(serving).make(request)
        return made(
            request,
            account=account,
            id=arn,
            outputs=self._outputs(arn),
            status=Status.PENDING,
            progress="deploying" if serving == ON_DEMAND else "creating",
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return 0.0 if self.cloud.rehearsed else LIST_LAG

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield what carries the operation in its name."""
        account = self.identity.id()
        for one in self._every(mark.op):
            blank = found(
                mark, provider=self.cloud.provider, account=account, id=one.arn, outputs={}
            )
            yield self._shown(blank, one)

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the tags, if any."""
        self.identity.check(instance)
        return mark_of(tags_of(self.cloud, instance.id))

    def list(self) -> Iterable[Found]:
        """Yield every deployment and all throughput of the account in the region.

        A list tells no tags, so its marks are never whole: a name holds the operation.
        """
        account = self.identity.id()
        for one in self._every():
            blank = Instance(
                address=Address.of("endpoint", one.name),
                provider=self.cloud.provider,
                account=account,
                id=one.arn,
                spec={},
                op=op_in_name(one.name),
            )
            yield Found(instance=self._shown(blank, one), created_at=one.created_at)

    def poll(self, instance: Instance) -> Instance:
        """Return how far it is.

        Raises:
            NotFoundError: it is gone.
        """
        self.identity.check(instance)
        return self._shown(instance, self._of(instance.id).look(instance.id))

    def update(self, request: Request) -> Instance:
        """Put another model behind the same ARN; it is pending until that one answers."""
        prior = request.prior
        assert prior is not None
        self.identity.check(prior)
        serving, model = self._of(prior.id), str(request.spec["model"])
        if serving.look(prior.id).model != model:
            serving.move(prior.id, model)
        fresh = made(
            request, account=self.identity.id(), id=prior.id, outputs=self._outputs(prior.id)
        )
        kept = replace(fresh, op=prior.op, created_at=prior.created_at)
        return self._shown(kept, serving.look(prior.id))

    def delete(self, instance: Instance) -> Instance | None:
        """Delete it and wait until it is gone, for until then its model cannot be deleted.

        Raises:
            InvalidRequestError: its commitment has not ended.
            ConflictError: it is still being changed; try again later.
        """
        self.identity.check(instance)
        serving = self._of(instance.id)
        deadline = time.monotonic() + self.settle_seconds
        asked = False
        while True:
            try:
                now = serving.look(instance.id)
                self._refuse_committed(instance, now)
                if not asked and now.status is not Status.PENDING:
                    serving.remove(instance.id)
                    asked = True
                    continue
            except NotFoundError:
                return None
            if time.monotonic() >= deadline:
                state = "being deleted" if asked else now.progress or "being changed"
                raise ConflictError.of(
                    f"`{instance.id}` is still {state}",
                    hint="run the same command again in a few minutes",
                    address=str(instance.address),
                )
            time.sleep(self.cloud.pause)

    def _refuse_committed(self, instance: Instance, now: Served) -> None:
        if now.until is None or now.until <= datetime.now(UTC):
            return
        raise InvalidRequestError.of(
            f"`{instance.address}` is committed until {now.until:%Y-%m-%d} and cannot be deleted "
            "before",
            hint="it bills until then, used or not; destroy it after that day",
            code="committed",
            address=str(instance.address),
        )

    def _by(self, serving: str) -> Serving:
        return Throughput(self.cloud) if serving == PROVISIONED else Deployments(self.cloud)

    def _of(self, arn: str) -> Serving:
        return self._by(PROVISIONED if ":provisioned-model/" in arn else ON_DEMAND)

    def _every(self, part: str = "") -> Iterable[Served]:
        for serving in (ON_DEMAND, PROVISIONED):
            yield from self._by(serving).every(part)

    def _outputs(self, arn: str, until: datetime | None = None) -> dict[str, Plain]:
        """Return what others may refer to, and the day before which it cannot be deleted."""
        url = self.cloud.url_of(RUNTIME)
        invoke = f"{url}/model/{quote(arn, safe='')}/converse"
        found: dict[str, Plain] = {"model_id": arn, "base_url": url, "invoke": invoke}
        return {**found, "committed_until": moment(until)} if until else found

    def _shown(self, instance: Instance, now: Served) -> Instance:
        """Return the instance with what the service says about it."""
        spec: Mapping[str, Plain] = {**instance.spec, **now.spec, "model": now.model}
        return replace(
            instance,
            spec=spec,
            outputs=self._outputs(now.arn, now.until),
            status=now.status,
            progress=now.progress,
            reason=now.reason,
            op=instance.op or op_in_name(now.name),
            created_at=instance.created_at or now.created_at,
        )
