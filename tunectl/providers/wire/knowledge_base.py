"""Knowledge bases: OpenAI's vector stores. Documents are files that are attached to one.

Facts of openai 3.54.0 (types of `vector_stores`, 2026-11-22): name, metadata and expiry can be
changed, the description is told at creation and never comes back; a batch takes up to 2,000 files,
each with attributes of its own; how files are cut is said when they are attached. A file that is
deleted leaves every vector store; a vector store that is deleted leaves its files.

Laws: one create, with the mark; what is attached carries the name of its document and the hash of
its text, and nothing else. What is there is what its list says: an update attaches and detaches the
difference, so that one that broke off is finished by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tunectl.core.errors import Diagnostic, NotFoundError, ProviderError, UnknownOutcomeError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Need, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.instances import found, made
from tunectl.providers.wire.account import Account
from tunectl.providers.wire.attached import (
    Attached,
    attached,
    documents_of,
    expiry,
    idle,
    settings,
)
from tunectl.providers.wire.client import Wire, fields
from tunectl.providers.wire.listing import moment, pages
from tunectl.providers.wire.naming import OP, alias_name, carries, mark_metadata, mark_of
from tunectl.providers.wire.profile import WIRE

if TYPE_CHECKING:
    from openai import OpenAI

BATCH = 2000  # files
_LONGEST_NAME = 256
_FILE = Address.of("upload", "document")  # of one that only the service names


@dataclass(frozen=True, slots=True)
class VectorStores:
    """Handler of kind `knowledge_base`.

    Attributes:
        search: what the prompts room needs beside the id, in order to search it.
        clock: Unix time, seconds.
    """

    wire: Wire
    account: Account
    search: Mapping[str, Plain]
    clock: Callable[[], float] = time.time

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: the limits are checked where documents are read."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return it with the documents that can be found in it; None when it is gone, or expired.

        A document that could not be read in is none of them: the next update tries it again.
        """
        try:
            store = self._get(instance.id)
        except NotFoundError:
            return None
        if store.get("status") == "expired":
            return None
        return self._shown(instance, store, self._attached(instance))

    def create(self, request: Request) -> Instance:
        """Make an empty one that carries the mark, and attach its documents; it is pending.

        Where they cannot be attached it is there, and failed: the next apply attaches them.
        """
        account, spec = self.account.id(), request.spec
        arguments = settings(spec, alias_name(request.mark)[:_LONGEST_NAME])
        store = self.wire.tell(
            "create a vector store",
            lambda c: fields(
                c.vector_stores.create(**arguments, metadata=mark_metadata(request.mark)), "id"
            ),
        )
        id_ = str(store["id"])
        wanted = _wanted(spec)
        status, reason = Status.PENDING, ""
        try:
            self._attach(id_, spec, wanted)
        except UnknownOutcomeError:
            pass  # what is there now will be seen
        except ProviderError as error:
            status, reason = Status.FAILED, f"its documents could not be attached: {error}"
        return made(
            request,
            account=account,
            id=id_,
            outputs=self._outputs(id_, len(wanted)),
            status=status,
            reason=reason,
            progress=f"0 of {_documents(len(wanted))} read in" if not reason else "",
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return self.wire.profile.list_lag

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield those whose metadata carries the operation; what is in them is still to be seen."""
        account = self.account.id()
        for store in self._all():
            if carries(store.get("metadata"), OP, mark.op):
                id_ = str(store["id"])
                yield found(
                    mark,
                    provider=self.wire.provider,
                    account=account,
                    id=id_,
                    outputs=self._outputs(id_, _count(store)),
                    status=Status.PENDING,
                    progress="looking at its documents",
                )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that its metadata holds, if any."""
        return mark_of(self._get(instance.id).get("metadata"))

    def list(self) -> Iterable[Found]:
        """Yield every one of the account; of those that are ours what is in them is listed too."""
        account = self.account.id()
        for store in self._all():
            mark, id_ = mark_of(store.get("metadata")), str(store["id"])
            op = (store.get("metadata") or {}).get(OP)
            blank = Instance(
                address=mark.address if mark else Address.of("knowledge_base", id_),
                provider=self.wire.provider,
                account=account,
                id=id_,
                spec={},
                outputs=self._outputs(id_, _count(store)),
                op=op if isinstance(op, str) else "",
            )
            if store.get("status") == "expired":
                shown = replace(blank, status=Status.CANCELLED, reason="expired")
            else:
                shown = self._listed(blank, store) if mark else blank
            yield Found(instance=shown, mark=mark, created_at=moment(store.get("created_at")))

    def poll(self, instance: Instance) -> Instance:
        """Return how far its documents are read in.

        Raises:
            NotFoundError: it is gone.
        """
        store = self._get(instance.id)
        there = self._attached(instance)
        wanted = _wanted(instance.spec)
        failed = [one for one in there if one.failed and one.file in {*wanted.values()}]
        done = sum(one.done for one in there)
        of_all = _documents(len(wanted) or len(there))
        if any(one.running for one in there):
            return replace(instance, progress=f"{done} of {of_all} read in")
        ids = {one.file for one in there}
        missing = sorted(name for name, file in wanted.items() if file not in ids)
        if missing and self.clock() < _touched(store) + self.wire.profile.list_lag:
            return replace(instance, progress=f"{done} of {of_all} read in")
        reason = _reason(failed, missing)
        return replace(
            instance,
            status=Status.FAILED if reason else Status.READY,
            reason=reason,
            progress="",
            outputs=self._outputs(instance.id, done),
        )

    def update(self, request: Request) -> Instance:
        """Attach what is missing, then detach what is not wanted; it is pending.

        Raises:
            NotFoundError: it is gone.
        """
        prior = request.prior
        assert prior is not None, "an update has a prior"
        id_, spec, wanted = prior.id, request.spec, _wanted(request.spec)
        store = self._get(id_)
        if idle(store) != spec.get("expires_when_idle"):
            self.wire.tell(
                f"change the expiry of the vector store `{id_}`",
                lambda c: c.vector_stores.update(id_, expires_after=expiry(spec)),
            )
        there = self._attached(prior)
        failed = {one.file for one in there if one.failed}
        kept = {one.file for one in there if not one.failed}
        for file in sorted(failed):
            self._detach(id_, file)
        new = {name: file for name, file in wanted.items() if file not in kept}
        self._attach(id_, spec, new)
        for file in sorted(kept - {*wanted.values()}):
            self._detach(id_, file)
        fresh = made(
            request,
            account=prior.account,
            id=id_,
            outputs=self._outputs(id_, len(wanted)),
            status=Status.PENDING,
            progress=f"{len(wanted) - len(new)} of {_documents(len(wanted))} read in",
        )
        return replace(fresh, op=prior.op, created_at=prior.created_at)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete it; its files are uploads of their own, and nothing else stays."""
        id_ = instance.id
        try:
            self.wire.tell(
                f"delete the vector store `{id_}`", lambda c: fields(c.vector_stores.delete(id_))
            )
        except NotFoundError:
            return None
        return None

    def _shown(
        self, instance: Instance, store: Mapping[str, Any], files: Sequence[Attached]
    ) -> Instance:
        there = [one for one in files if not one.failed]
        running = sum(one.running for one in there)
        spec = {
            **instance.spec,
            "documents": documents_of(there, instance.spec),
            "expires_when_idle": idle(store),
        }
        if spec["expires_when_idle"] is None:
            del spec["expires_when_idle"]
        left = f"{len(there) - running} of {_documents(len(there))} read in"
        return replace(
            instance,
            spec=spec,
            outputs=self._outputs(instance.id, len(there)),
            status=Status.PENDING if running else Status.READY,
            progress=left if running else "",
            reason="",
        )

    def _listed(self, instance: Instance, store: Mapping[str, Any]) -> Instance:
        files = self._attached(instance)
        needs = (Need(_FILE, one.file, instance.account) for one in files)
        return replace(self._shown(instance, store, files), needs=tuple(needs))

    def _attached(self, instance: Instance) -> Sequence[Attached]:
        files = self._pages(
            f"list the files of the vector store `{instance.id}`",
            lambda c, after: c.vector_stores.files.list(instance.id, limit=100, after=after),
        )
        return attached(files, instance.spec)

    def _attach(self, id_: str, spec: Mapping[str, Plain], files: Mapping[str, str]) -> None:
        """Attach files by the name of their documents, in as few requests as can be."""
        documents = spec["documents"]
        assert isinstance(documents, Mapping)
        cut = settings(spec).get("chunking_strategy")
        said = [
            {
                "file_id": file,
                "attributes": {"document": name, "sha256": documents[name]},
                **({"chunking_strategy": cut} if cut else {}),
            }
            for name, file in sorted(files.items())
        ]
        for start in range(0, len(said), BATCH):
            batch: Any = said[start : start + BATCH]
            self.wire.tell(
                f"attach {_documents(len(batch))} to the vector store `{id_}`",
                _batch(id_, batch),
            )

    def _detach(self, id_: str, file: str) -> None:
        try:
            self.wire.tell(
                f"detach the file `{file}` from the vector store `{id_}`",
                lambda c: c.vector_stores.files.delete(file, vector_store_id=id_),
            )
        except NotFoundError:
            return

    def _get(self, id_: str) -> dict[str, Any]:
        return self.wire.ask(
            f"read the vector store `{id_}`",
            lambda c: fields(c.vector_stores.retrieve(id_), "id", "status"),
        )

    def _all(self) -> Iterator[dict[str, Any]]:
        """Yield every store; a service of this wire without the collection itself has none."""
        try:
            yield from self._pages(
                "list the vector stores",
                lambda c, after: c.vector_stores.list(limit=100, after=after),
            )
        except NotFoundError:
            return

    def _pages(self, doing: str, begin: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        return pages(self.wire, doing, begin)

    def _outputs(self, id_: str, documents: int) -> dict[str, Plain]:
        return {
            "id": id_,
            "search": {"type": WIRE, "id": id_, **self.search},
            "documents": documents,
        }


def _batch(id_: str, files: Any) -> Callable[[OpenAI], object]:  # noqa: ANN401  # the SDK's own
    return lambda c: c.vector_stores.file_batches.create(id_, files=files)


def _wanted(spec: Mapping[str, Plain]) -> dict[str, str]:
    """Return the file of each document; none where the settings are not known."""
    files = spec.get("files")
    return {str(k): str(v) for k, v in files.items()} if isinstance(files, Mapping) else {}


def _count(store: Mapping[str, Any]) -> int:
    counts = store.get("file_counts") or {}
    return int(counts.get("completed") or 0) + int(counts.get("in_progress") or 0)


def _touched(store: Mapping[str, Any]) -> float:
    return max(float(store.get(key) or 0) for key in ("created_at", "last_active_at"))


def _reason(failed: Iterable[Attached], missing: Sequence[str]) -> str:
    said = [f"`{one.document}`: {one.reason}" for one in failed]
    if missing:
        names = ", ".join(f"`{name}`" for name in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        said.append(f"not attached: {names}{more}")
    most = 5
    rest = [f"and {len(said) - most} more"] if len(said) > most else []
    return "; ".join([*said[:most], *rest])


def _documents(count: int) -> str:
    return f"{count} document" if count == 1 else f"{count} documents"
