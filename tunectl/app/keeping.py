"""What keeping the documents of a knowledge base costs each month, though nobody searches them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tunectl.catalog.knowledge_bases import KnowledgeService, Storage, knowledge_service
from tunectl.config.services import service_of
from tunectl.core.money import FREE, Estimate, unknown
from tunectl.core.plan import Action, Change
from tunectl.core.project import Project
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Ref, Value

KIND = "knowledge_base"
_MADE = frozenset({Action.CREATE, Action.REPLACE, Action.RECREATE})
_TOLD = _MADE | {Action.UPDATE}
_GIGABYTE = 2**30
_MANAGED = "managed"
_DAYS = Decimal(365) / 12  # of a month


def with_keeping(project: Project, change: Change) -> Change:
    """Return a change of a knowledge base with what it costs while it lies there.

    What is kept is what the service makes of the documents, of which nobody says how large it is:
    their own size is the least that it can be, and is said beside the price.
    """
    if change.address.kind != KIND:
        return change
    change = _with_remains(project, change)
    if change.after is None or change.action not in _TOLD:
        return change
    provided = project.providers.get(change.provider)
    behind = service_of(provided) if provided is not None else None
    if provided is None or behind is None:
        return change  # a plugin's
    service = knowledge_service(provided.type, behind.name)
    if service is None:
        return change
    if service.storage is None or _store(change.after.spec) not in {"", _MANAGED}:
        said = unknown(f"nobody says what {service.title} charges for keeping `{change.address}`")
        return replace(change, estimate=said) if change.action in _MADE else change
    if not service.storage.gigabyte_day:
        return change
    size = _size(project, change.after)
    estimate = _monthly(service.storage, size)
    noted = replace(change, notes=(*change.notes, _note(service, service.storage, size)))
    if change.action not in _MADE or estimate.free:
        return noted
    return replace(noted, estimate=estimate)


def _with_remains(project: Project, change: Change) -> Change:
    """Return a change with what will still be there, and bill, when the knowledge base is gone."""
    provided = project.providers.get(change.provider)
    behind = service_of(provided) if provided is not None else None
    service = knowledge_service(provided.type, behind.name) if provided and behind else None
    going = change.doomed if change.action is not Action.FORGET else None
    spec = change.after.spec if change.after is not None and change.action in _MADE else None
    spec = going.spec if spec is None and going is not None else spec
    if service is None or spec is None:
        return change
    what = service.remains.get(_store(spec)) or service.remains.get("")
    if what is None:
        return change
    store = spec.get("storage")
    arn = f": `{store['arn']}`" if isinstance(store, Mapping) and store.get("arn") else ""
    return replace(change, notes=(*change.notes, f"a destroy leaves behind {what}{arn}"))


def _store(spec: Mapping[str, Value]) -> str:
    """Return the type of a knowledge base's vector store; empty where nothing is said of it."""
    store = spec.get("storage")
    return str(store.get("type") or "") if isinstance(store, Mapping) else ""


def _monthly(storage: Storage, size: int) -> Estimate:
    beyond = Decimal(size) / _GIGABYTE - storage.free_gigabytes
    if beyond <= 0:
        return FREE
    idle = (beyond * storage.gigabyte_day * _DAYS).quantize(Decimal("0.01"))
    return Estimate(idle=idle, currency=storage.currency) if idle else FREE


def _note(service: KnowledgeService, storage: Storage, size: int) -> str:
    free = f" beyond the account's first {storage.free_gigabytes} GB"
    return (
        f"keeping it: {storage.gigabyte_day} {storage.currency} for each GB and day"
        f"{free if storage.free_gigabytes else ''}; the documents have {_shown(size)} and take "
        f"more when they are read in ({service.title}: {storage.source}, {storage.source_date})"
    )


def _shown(size: int) -> str:
    for unit, name in ((_GIGABYTE, "GB"), (2**20, "MB"), (2**10, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"


def _size(project: Project, resource: Resource) -> int:
    """The bytes of its documents, as their uploads say."""
    sizes: dict[Address, int] = {}
    for one in project.resources:
        size = one.spec.get("bytes")
        if one.parent == resource.address and isinstance(size, int):
            sizes[one.address] = size
    files = resource.spec.get("files")
    if not isinstance(files, Mapping):
        return 0
    return sum(sizes.get(ref.address, 0) for ref in files.values() if isinstance(ref, Ref))
