"""What the loader makes of what is written: uploads, and the identity of a tuning job."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.project import Provided
from tunectl.core.resource import Lifecycle, Recreate, Resource
from tunectl.core.value import Address, Plain, canonical
from tunectl.data.documents import Document

FINGERPRINT = "fp1:"
DOCUMENT = "document"  # the format of an upload that is one document as it is


def fingerprint(
    *,
    base_model: Plain,
    method: Mapping[str, Plain],
    seed: int | None,
    training: str,
    validation: str | None,
    trainer: str | None,
) -> str:
    """Return the identity of a tuning job: equal fingerprints are the same job.

    A recorded fingerprint must stay what it is for ever: golden files hold this function still.

    Args:
        base_model: its id as written, or `{"tuning_job": FINGERPRINT}` of the job that makes it.
        method: the type and the hyper-parameters the user set.
        seed: None when not set.
        training: sha256 over the canonical training rows.
        validation: the same of the validation rows.
        trainer: name and version, for trainers that are part of tunectl.
    """
    parts: tuple[Plain, ...] = (base_model, method, seed, training, validation, trainer)
    return FINGERPRINT + hashlib.sha256(canonical(parts).encode()).hexdigest()


def upload(world: World, dataset: Address, split: str, provider: str, format_: str) -> Address:
    """Declare the upload of a split for a provider, once; return its address."""
    key = f"{split}/{provider}/{format_}"
    if dataset.key is not None:
        key = f"{dataset.key}/{key}"
    address = Address("upload", dataset.path, key)
    if address in world.resources:
        return address
    summary = world.datasets[dataset].splits[split]
    spec: dict[str, Plain] = {
        "dataset": str(dataset),
        "split": split,
        "format": format_,
        "sha256": summary.sha256,
        "rows": summary.rows,
    }
    parent = world.resources[dataset]
    lifecycle = Lifecycle(
        protect=parent.lifecycle.protect, keep_on_destroy=parent.lifecycle.keep_on_destroy
    )
    world.resources[address] = Resource(
        address=address,
        provider=provider,
        spec=spec,
        immutable=frozenset(spec),
        outputs=("file_id",),
        depends_on=(dataset,),
        lifecycle=lifecycle,
        recreate=Recreate.ON_DEMAND,
        parent=dataset,
        labels=parent.labels,
        source=parent.source,
    )
    return address


def document_upload(
    world: World, base: Draft, lifecycle: Lifecycle, document: Document, provider: Provided
) -> Address:
    """Declare the upload of a document of a knowledge base; return its address.

    It is made anew when it vanished: with the file the document left the knowledge base too.
    """
    key = f"{document.name}/{provider.name}/{DOCUMENT}"
    if base.address.key is not None:
        key = f"{base.address.key}/{key}"
    address = Address("upload", base.address.path, key)
    spec: dict[str, Plain] = {
        "document": document.name,
        "sha256": document.sha256,
        "bytes": document.size,
        "format": DOCUMENT,
    }
    world.resources[address] = Resource(
        address=address,
        provider=provider.name,
        spec=spec,
        immutable=frozenset(spec),
        outputs=("file_id",),
        lifecycle=Lifecycle(protect=lifecycle.protect, keep_on_destroy=lifecycle.keep_on_destroy),
        parent=base.address,
        labels=world.labels_of(base),
        source=base.source,
    )
    return address


def in_file_order(drafts: Mapping[Address, Draft], kind: str) -> list[Draft]:
    """Return the drafts of a kind that are usable, as they are written."""
    return [d for d in drafts.values() if d.address.kind == kind and d.model is not None]
