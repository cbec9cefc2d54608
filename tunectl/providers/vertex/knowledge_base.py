"""Knowledge bases: corpora of RAG Engine, filled while somebody waits for them.

The laws
--------
- The first corpus of a place sets up a database for the whole project (Cloud Spanner, at Google's
  own choice of size), which bills by the hour until somebody takes RAG Engine away with all that is
  in it. No plan does that unless the declaration agrees to it, and nothing here ever changes it.
- A corpus has neither labels nor metadata: its mark is in its description.
- The list of files is the truth: what is missing is imported, what is surplus is deleted.
- A corpus is deleted only after a look at what is in it: files that somebody else put there are a
  reason not to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunectl.core.errors import (
    ConflictError,
    Diagnostic,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    Severity,
    UnknownOutcomeError,
)
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.documents import (
    Document,
    Indexed,
    Place,
    complaints,
    declared,
    told,
)
from tunectl.providers.instances import found, made
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.client import RAG, Cloud, as_json
from tunectl.providers.vertex.corpus import BATCH, Corpus, Import, mark_in, note_of
from tunectl.providers.vertex.document_names import document_id
from tunectl.providers.vertex.marks import display_name
from tunectl.providers.vertex.operations import finished
from tunectl.providers.vertex.places import location_of

_STATES = {"ACTIVE": Status.READY, "ERROR": Status.FAILED}
_OPERATION = "operation"
_BILLS = (
    "RAG Engine keeps a database for the whole project: Cloud Spanner, 100 processing units unless "
    "somebody chose more, at Spanner's own price by the hour, used or not"
)
_LAG = 10.0


@dataclass(frozen=True, slots=True)
class KnowledgeBases:
    """Handler of kind `knowledge_base`."""

    cloud: Cloud
    account: ProjectAccount

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say offline what cannot be, and what it would cost."""
        title = f"provider `{self.cloud.provider}` (Vertex AI)"
        if self.cloud.location == "global":
            yield self._said(
                resource,
                f"{title} has no RAG Engine in `global`",
                "declare a second provider with a region, such as `location: europe-west4`",
                "location",
            )
        if not resource.spec.get("allow_rag_engine"):
            yield self._said(
                resource,
                f"{title} would set up a database that bills, and nobody agreed to it",
                f"{_BILLS}; it stays after a destroy. Write `allow_rag_engine: true` to agree, or "
                "use `provider: local`",
                "rag-engine",
            )
        else:
            summary = f"{title}: {_BILLS}; no price is known here"
            hint = (
                "it stays after a destroy: only the project's own setting of RAG Engine, tier "
                "`Unprovisioned`, ends it, with every corpus there"
            )
            yield replace(
                self._said(resource, summary, hint, "rag-engine"), severity=Severity.WARNING
            )

    def _said(self, resource: Resource, summary: str, hint: str, code: str) -> Diagnostic:
        return Diagnostic(
            summary=summary,
            hint=hint,
            code=f"provider-{code}",
            detail="Google Cloud, `Managing Spanner mode`, 2026-11-22",
            address=str(resource.address),
            source=resource.source,
        )

    def create(self, request: Request) -> Instance:
        """Make the corpus; it is pending until every document is imported.

        Raises:
            InvalidRequestError: the service gave it up, and nothing was made.
            UnknownOutcomeError: it may still come to be.
        """
        account, cloud, doing = self.account.id(), self.cloud, "create a corpus"
        operation = cloud.tell(doing, lambda: self._begun(request))
        try:
            # Until then it cannot be read: it would look as if it had been deleted.
            finished(cloud, operation, doing)
        except InvalidRequestError:
            raise  # the operation ended, and made nothing
        except ProviderError as error:
            # It goes on for too long, or nobody says how it goes: it may still come to be.
            raise UnknownOutcomeError(error.diagnostics) from None
        name = operation.partition("/operations/")[0]
        return made(
            request,
            account=account,
            id=name,
            outputs=self._outputs(name, request.spec, 0),
            status=Status.PENDING,
            progress="importing documents",
        )

    def _begun(self, request: Request) -> str:
        from google.cloud import aiplatform_v1 as api

        spec = request.spec
        store = api.RagVectorDbConfig(rag_managed_db=api.RagVectorDbConfig.RagManagedDb())
        embedding = spec.get("embedding")
        if isinstance(embedding, Mapping) and embedding.get("model"):
            model = str(embedding["model"])
            path = f"{self.cloud.parent}/publishers/google/models/{model}"
            store.rag_embedding_model_config = api.RagEmbeddingModelConfig(
                vertex_prediction_endpoint=api.RagEmbeddingModelConfig.VertexPredictionEndpoint(
                    endpoint=path if "/" not in model else model
                )
            )
        corpus = api.RagCorpus(
            display_name=display_name(request.mark, None),
            description=note_of(request.mark, str(spec.get("description") or "")),
            vector_db_config=store,
        )
        client = self.cloud.service(RAG, self.cloud.location, once=True)
        asked = {"parent": self.cloud.parent, "rag_corpus": corpus}
        return str(client.create_rag_corpus(**asked, **self.cloud.plain).operation.name)

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return _LAG if self.cloud.endpoint is None else 0.0

    def read(self, instance: Instance) -> Instance | None:
        """Return it with the documents that are really there, None when it is gone."""
        corpus = Corpus(self.cloud, instance.id)
        try:
            return self._shown(instance, corpus.look(), corpus.files())
        except NotFoundError:
            return None

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the corpora whose description carries the operation."""
        account = self.account.id()
        for one in self._every():
            there = mark_in(str(one.get("description") or ""))
            if there is None or there.op != mark.op:
                continue
            # Its documents may be still to come: whoever takes it over goes on with it.
            yield found(
                mark,
                provider=self.cloud.provider,
                account=account,
                id=str(one["name"]),
                outputs=self._outputs(str(one["name"]), {}, 0),
                status=Status.PENDING,
            )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the description, if any."""
        now = Corpus(self.cloud, instance.id).look()
        return mark_in(str(now.get("description") or ""))

    def list(self) -> Iterable[Found]:
        """Yield every corpus of the place; of ours the files are counted too."""
        account = self.account.id()
        for one in self._every():
            mark, name = mark_in(str(one.get("description") or "")), str(one["name"])
            blank = Instance(
                address=mark.address if mark else Address.of("knowledge_base", name),
                provider=self.cloud.provider,
                account=account,
                id=name,
                spec={},
                op=mark.op if mark else "",
            )
            try:
                files = Corpus(self.cloud, name).files() if mark else ()
            except NotFoundError:
                continue
            yield Found(
                instance=replace(self._shown(blank, one, files), created_at=""),
                mark=mark,
                created_at=str(one.get("createTime") or "").replace("Z", "+00:00"),
            )

    def poll(self, instance: Instance) -> Instance:
        """Go on with it: import and delete what differs.

        Raises:
            NotFoundError: it is gone.
        """
        return self._went_on(instance, Corpus(self.cloud, instance.id))

    def update(self, request: Request) -> Instance:
        """Change its documents and its description; it may be pending."""
        prior, spec = request.prior, request.spec
        assert prior is not None
        corpus = Corpus(self.cloud, prior.id)
        now = corpus.look()
        mark = mark_in(str(now.get("description") or ""))
        fresh = made(
            request,
            account=self.account.id(),
            id=prior.id,
            outputs=self._outputs(prior.id, spec, 0),
            status=Status.PENDING,
        )
        kept = replace(fresh, op=prior.op, created_at=prior.created_at)
        wanted = note_of(
            mark or replace(request.mark, op=prior.op), str(spec.get("description") or "")
        )
        if now.get("description") != wanted:
            corpus.describe(str(now.get("displayName")), wanted)
        return self._went_on(kept, corpus, again=True)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete it with its files.

        Returns:
            The project's database, which stays.

        Raises:
            ConflictError: somebody else put files into it.
        """
        corpus = Corpus(self.cloud, instance.id)
        try:
            files = corpus.files()
        except NotFoundError:
            return None
        foreign = [one.id for one in files if not one.sha]
        if foreign:
            shown = ", ".join(f"`{name}`" for name in foreign[:5])
            raise ConflictError.of(
                f"`{instance.id}` holds {len(foreign)} files that tunectl did not put there: "
                f"{shown}",
                hint="delete them by hand, or keep the corpus: `lifecycle.keep_on_destroy`",
                address=str(instance.address),
            )
        corpus.remove()
        parent = instance.id.partition("/ragCorpora/")[0]
        return replace(
            instance, id=f"{parent}/ragEngineConfig", reason=f"{_BILLS}: `{parent}/ragEngineConfig`"
        )

    def _went_on(self, instance: Instance, corpus: Corpus, *, again: bool = False) -> Instance:
        """Bring the documents nearer to what is declared, and tell how far it is.

        Args:
            instance: as it is declared; without documents nothing is changed.
            corpus: behind it.
            again: documents that failed are tried once more.
        """
        now, spec = corpus.look(), instance.spec
        operation = str(instance.outputs.get(_OPERATION) or "")
        if _status(now) is not Status.READY or "documents" not in spec:
            return self._shown(instance, now, corpus.files())
        last = corpus.imported(operation) if operation else Import(done=True)
        if not last.done:
            return self._pending(instance, corpus.files(), operation)
        files = corpus.files()
        there = {one.id: one for one in files}
        wanted = declared(spec)
        lost = _lost(last, there, wanted)
        if lost or last.error:
            failed = complaints((*lost, *(one for one in files if one.failed)))
            reason = last.error or f"not imported: {failed}"
            shown = self._shown(instance, now, files)
            return replace(shown, spec=spec, status=Status.FAILED, reason=reason)
        surplus = [one for one in files if one.id not in wanted or (again and one.failed)]
        missing = [one for key, one in wanted.items() if key not in there]
        if missing:
            begun = corpus.begin_import(missing[:BATCH], spec)
            return self._pending(instance, files, begun)
        if surplus:
            corpus.drop(surplus)
            return self._pending(instance, files, "")
        failed = complaints(files)
        return replace(
            self._shown(instance, now, files),
            spec=spec,
            status=Status.FAILED if failed else Status.READY,
            reason=f"not imported: {failed}" if failed else "",
        )

    def _pending(self, instance: Instance, files: Sequence[Indexed], operation: str) -> Instance:
        wanted = declared(instance.spec)
        done = sum(one.id in wanted and one.counts for one in files)
        outputs = self._outputs(instance.id, instance.spec, done)
        return replace(
            instance,
            status=Status.PENDING,
            progress=f"imported {done} of {len(wanted)} documents",
            reason="",
            outputs={**outputs, _OPERATION: operation} if operation else outputs,
        )

    def _shown(
        self, instance: Instance, now: Mapping[str, Any], files: Sequence[Indexed]
    ) -> Instance:
        """Return the instance with what the service says about it; nothing is changed."""
        status, said = _status(now), now.get("corpusStatus") or {}
        mark = mark_in(str(now.get("description") or ""))
        spec = told(instance.spec, files) if "documents" in instance.spec else instance.spec
        failed = status is Status.FAILED
        return replace(
            instance,
            spec=spec,
            outputs=self._outputs(instance.id, spec, sum(one.counts for one in files)),
            status=status,
            progress="creating" if status is Status.PENDING else "",
            reason=str(said.get("errorStatus") or "no reason is given") if failed else "",
            op=instance.op or (mark.op if mark else ""),
            created_at=instance.created_at
            or str(now.get("createTime") or "").replace("Z", "+00:00"),
        )

    def _outputs(self, name: str, spec: Mapping[str, Plain], count: int) -> dict[str, Plain]:
        """Return what others may refer to, and all that a search needs but for credentials."""
        search: dict[str, Plain] = {
            "type": "vertex",
            "corpus": name,
            "location": location_of(name),
            "endpoint": self.cloud.endpoint,
        }
        retrieval = spec.get("retrieval")
        for key in ("top_k", "min_score"):
            if isinstance(retrieval, Mapping) and key in retrieval:
                search[key] = retrieval[key]
        return {"id": name, "search": search, "documents": count}

    def _every(self) -> Iterator[Mapping[str, Any]]:
        cloud = self.cloud

        def listed() -> Sequence[Mapping[str, Any]]:
            client = cloud.service(RAG, cloud.location)
            return [
                as_json(one) for one in client.list_rag_corpora(parent=cloud.parent, **cloud.plain)
            ]

        yield from cloud.ask(f"list the corpora of `{cloud.parent}`", listed)


def _status(now: Mapping[str, Any]) -> Status:
    return _STATES.get(str((now.get("corpusStatus") or {}).get("state")), Status.PENDING)


def _lost(
    last: Import, there: Mapping[str, Indexed], wanted: Mapping[str, Document]
) -> Sequence[Indexed]:
    """Return what the last import should have brought and did not, not even as a failed file."""
    if not last.failed:
        return ()
    tried = [document_id(uri) for uri in last.uris] or list(wanted)
    return [
        Indexed(key, Place.FAILED, "RAG Engine gives no reason")
        for key in tried
        if key in wanted and key not in there
    ]
