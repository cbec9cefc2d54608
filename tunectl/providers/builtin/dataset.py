"""Datasets: a record of what the rows were. Nothing remote is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tunectl.core.errors import Diagnostic
from tunectl.core.ports import Mark, Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Plain
from tunectl.providers.instances import made


@dataclass(frozen=True, slots=True)
class Datasets:
    """Handler of kind `dataset`."""

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: the rows are checked where they are read."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return the record."""
        return instance

    def create(self, request: Request) -> Instance:
        """Record the dataset; its outputs are its splits."""
        return made(
            request,
            account=BUILTIN,
            id=f"dataset-{request.mark.op}",
            outputs=_splits(request.spec),
        )

    @property
    def lag(self) -> float:
        """No second: what is written here is found here."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:  # noqa: ARG002
        """Find nothing: a record exists only where it is recorded."""
        return ()

    def poll(self, instance: Instance) -> Instance:
        """Return the record."""
        return instance

    def update(self, request: Request) -> Instance:
        """Record what the rows are now."""
        fresh, prior = self.create(request), request.prior
        if prior is None:
            return fresh
        return replace(fresh, id=prior.id, op=prior.op, created_at=prior.created_at)

    def delete(self, instance: Instance) -> Instance | None:  # noqa: ARG002
        """Do nothing: the user's files are the user's."""
        return None


def _splits(spec: Mapping[str, Plain]) -> dict[str, Plain]:
    splits = spec.get("splits")
    return dict(splits) if isinstance(splits, Mapping) else {}
