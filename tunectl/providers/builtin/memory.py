"""Memories: a record of where users' data lies and what may be kept of them.

Law: no plan touches users' data. Nothing of it is read here, made here or deleted here; where a
memory is destroyed or moves, people are told what stays and how it is erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.core.errors import Diagnostic
from tunectl.core.ports import Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.providers.instances import made
from tunectl.providers.recorded import Recorded


@dataclass(frozen=True, slots=True)
class Memories(Recorded):
    """Handler of kind `memory`.

    Attributes:
        project: the project's folder.
    """

    project: Path

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: the declaration is checked where it is read."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return the record; whether there is data yet says nothing of it."""
        return instance

    def create(self, request: Request) -> Instance:
        """Record the memory; what keeps it is made with the first word that is remembered."""
        return made(
            request,
            account=BUILTIN,
            id=f"memory-{request.mark.op}",
            outputs={"name": request.spec.get("name"), "store": _kept_in(request.spec)},
        )

    def delete(self, instance: Instance) -> Instance | None:
        """Forget the record; returns it where users' data stays, with what erases that."""
        said = what_stays(self.project, instance)
        return replace(instance, reason=said) if said else None


def what_stays(project: Path, instance: Instance) -> str:
    """Return where users' data stays when a memory ends, and what erases it; empty for none.

    Args:
        project: the project's folder.
        instance: the memory that ends.
    """
    store = instance.spec.get("store")
    file = store.get("file") if isinstance(store, Mapping) else None
    variable = store.get("url_env") if isinstance(store, Mapping) else None
    if isinstance(file, str):
        if not (project / file).exists():
            return ""
        return (
            f"users' data of `{instance.address}` stays in `{file}`: `tunectl erase USER --file "
            f"{file}` erases one user's, removing the file and what lies beside it all of it"
        )
    return (
        f"users' data of `{instance.address}` stays in the database that `{variable}` names: "
        f"`tunectl erase USER --url-env {variable} --memory {instance.spec.get('name')}` erases "
        "one user's"
    )


def _kept_in(spec: Mapping[str, object]) -> str:
    store = spec.get("store")
    return "postgresql" if isinstance(store, Mapping) and "url_env" in store else "sqlite"
