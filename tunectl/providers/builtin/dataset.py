"""Datasets: a record of what the rows were. Nothing remote is made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tunectl.core.errors import Diagnostic
from tunectl.core.ports import Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Plain
from tunectl.providers.instances import made
from tunectl.providers.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Datasets(Recorded):
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


def _splits(spec: Mapping[str, Plain]) -> dict[str, Plain]:
    splits = spec.get("splits")
    return dict(splits) if isinstance(splits, Mapping) else {}
