"""A provider in this very process whose objects are made at once and cost nothing.

Like Terraform's `terraform_data`, an object is what is recorded of it: reading gives it back. So a
benchmark with it measures the tool alone, on both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tunectl.core.errors import Diagnostic
from tunectl.core.ports import Mark, Model, Request
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Plain

ACCOUNT = "simulated"


@dataclass(frozen=True, slots=True)
class Objects:
    """Handler of one kind."""

    kind: str

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        return ()

    def read(self, instance: Instance) -> Instance | None:
        return instance

    def create(self, request: Request) -> Instance:
        name = f"{self.kind}-{request.mark.op}"
        return Instance(
            address=request.resource.address,
            provider=request.resource.provider,
            account=ACCOUNT,
            id=name,
            spec=request.spec,
            outputs=self._outputs(name, request.spec),
        )

    def find(self, mark: Mark) -> Iterable[Instance]:
        return ()

    def poll(self, instance: Instance) -> Instance:
        return instance

    def update(self, request: Request) -> Instance:
        assert request.prior is not None
        fresh = self.create(request)
        return replace(
            fresh, id=request.prior.id, outputs=self._outputs(request.prior.id, request.spec)
        )

    def delete(self, instance: Instance) -> Instance | None:
        return None

    def _outputs(self, name: str, spec: Mapping[str, Plain]) -> dict[str, Plain]:
        if self.kind == "upload":
            return {"file_id": name}
        if self.kind == "tuning_job":
            return {"model_id": f"ft:{name}", "job_id": name}
        return {"model_id": spec["model"], "base_url": "memory://", "invoke": "none"}


@dataclass(frozen=True, slots=True)
class Simulated:
    """The provider."""

    handlers: Mapping[str, Objects]

    def account(self) -> str:
        return ACCOUNT

    def models(self) -> Iterable[Model]:
        return ()


def connect(**settings: Plain) -> Simulated:
    """Return the provider; it has no settings of its own."""
    return Simulated({kind: Objects(kind) for kind in ("upload", "tuning_job", "endpoint")})
