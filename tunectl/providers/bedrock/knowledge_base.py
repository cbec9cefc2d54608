"""Knowledge bases: made at once, and filled while somebody waits for them.

The laws
--------
- A create is one request, carries the operation in the name and its mark as tags. What comes after
  it (the data source, the documents) is told apart by name and id, so it is done again safely.
- The list of documents at the service is the truth: what is missing is put in, what is surplus is
  taken out, and what is there is left alone.
- A document that cannot be indexed fails the apply by its name; it then counts as not there, so
  that the next apply tries it again, and only it.
- Embeddings and the vector store cannot be changed and must be sent again with every change.
- A vector store that somebody brought is never deleted, only our vectors in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tunectl.core.errors import ConflictError, Diagnostic, NotFoundError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.agent_tags import tagged
from tunectl.providers.bedrock.client import AGENT, AGENT_RUNTIME, Cloud, fields, pages
from tunectl.providers.bedrock.data_source import Sources
from tunectl.providers.bedrock.job import moment
from tunectl.providers.bedrock.knowledge import (
    MANAGED,
    configuration,
    partition,
    source,
    status_of,
    store_of,
)
from tunectl.providers.bedrock.knowledge_ending import remains, step
from tunectl.providers.bedrock.knowledge_limits import problems
from tunectl.providers.bedrock.naming import mark_pairs, op_in_name, served_name
from tunectl.providers.documents import Indexed, Place, complaints, declared, told
from tunectl.providers.instances import found, made

_KEPT = ("name", "description", "roleArn", "knowledgeBaseConfiguration", "storageConfiguration")


@dataclass(frozen=True, slots=True)
class KnowledgeBases:
    """Handler of kind `knowledge_base`.

    Attributes:
        role_arn: what one is made with that names no role of its own.
        settle_seconds: how long a delete waits until something is gone.
    """

    cloud: Cloud
    identity: Identity
    role_arn: str
    settle_seconds: float = 300.0

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say offline what the service would refuse."""
        return problems(resource, self.cloud.provider)

    def create(self, request: Request) -> Instance:
        """Make it; it is pending until every document is indexed."""
        account, spec = self.identity.id(), request.spec
        asked = {
            "name": served_name(request.mark),
            "roleArn": self._role(spec),
            "tags": mark_pairs(request.mark),
            "clientToken": f"tunectl-{request.mark.op}",
            **configuration(spec, self.cloud.region),
        }
        if spec.get("description"):
            asked["description"] = str(spec["description"])
        answer = self.cloud.tell(
            AGENT,
            "create a knowledge base",
            lambda c: fields(c.create_knowledge_base(**asked), "knowledgeBase"),
        )
        base = fields(answer["knowledgeBase"], "knowledgeBaseArn", "knowledgeBaseId")
        return made(
            request,
            account=account,
            id=str(base["knowledgeBaseArn"]),
            outputs=self._outputs(base, spec, 0),
            status=Status.PENDING,
            progress="creating",
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return 0.0 if self.cloud.rehearsed else 10.0

    def read(self, instance: Instance) -> Instance | None:
        """Return it with the documents that are really there, None when it is gone."""
        self.identity.check(instance)
        try:
            return self._shown(instance, self._look(instance.id))
        except NotFoundError:
            return None

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield what carries the operation in its name."""
        account = self.identity.id()
        for one in self._every():
            if op_in_name(str(one["name"])) != mark.op:
                continue
            arn = self._arn(str(one["knowledgeBaseId"]), account)
            blank = found(mark, provider=self.cloud.provider, account=account, id=arn, outputs={})
            shown = self.read(blank)
            if shown is not None:
                # Its documents may be still to come: whoever takes it over goes on with it.
                ready = shown.status is Status.READY
                yield replace(shown, status=Status.PENDING if ready else shown.status)

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark in the tags, if any."""
        return tagged(self.cloud, self.identity, instance)

    def list(self) -> Iterable[Found]:
        """Yield every knowledge base of the account in the region.

        The list tells neither tags nor when one was made: of ours that is asked for.
        """
        account = self.identity.id()
        for one in self._every():
            name, arn = str(one["name"]), self._arn(str(one["knowledgeBaseId"]), account)
            blank = Instance(
                address=Address.of("knowledge_base", name),
                provider=self.cloud.provider,
                account=account,
                id=arn,
                spec={},
                op=op_in_name(name),
                status=status_of(one)[0],
            )
            shown = self.read(blank) if blank.op else blank
            if shown is not None:
                yield Found(instance=replace(shown, created_at=""), created_at=shown.created_at)

    def poll(self, instance: Instance) -> Instance:
        """Go on with it: connect the data source, put in and take out what differs.

        Raises:
            NotFoundError: it is gone.
        """
        self.identity.check(instance)
        return self._went_on(instance, self._look(instance.id))

    def update(self, request: Request) -> Instance:
        """Change its documents, its role and what it is described with; it may be pending."""
        prior = request.prior
        assert prior is not None
        self.identity.check(prior)
        base, spec = self._look(prior.id), request.spec
        fresh = made(
            request,
            account=self.identity.id(),
            id=prior.id,
            outputs=self._outputs(base, spec, 0),
            status=Status.PENDING,
        )
        kept = replace(fresh, op=prior.op, created_at=prior.created_at)
        wanted = {"roleArn": self._role(spec), "description": str(spec.get("description") or "")}
        if any((base.get(key) or "") != value for key, value in wanted.items()):
            asked = {key: base[key] for key in _KEPT if key in base}
            asked.update({key: value for key, value in wanted.items() if value})
            self.cloud.tell(
                AGENT,
                f"change the knowledge base `{prior.id}`",
                lambda c: c.update_knowledge_base(knowledgeBaseId=base["knowledgeBaseId"], **asked),
            )
            return replace(kept, progress="changing")
        return self._went_on(kept, base, again=True)

    def delete(self, instance: Instance) -> Instance | None:
        """Delete its data sources, then itself; wait until both are gone.

        Returns:
            The vector store where somebody brought one: it stays.

        Raises:
            ConflictError: it is still being changed, or cannot be deleted.
        """
        self.identity.check(instance)
        deadline = time.monotonic() + self.settle_seconds
        asked: set[str] = set()
        base: Mapping[str, Any] = {}
        while True:
            try:
                base = self._described(instance.id)
                waits = step(self.cloud, base, asked)
            except NotFoundError:
                return remains(instance, base)
            if time.monotonic() >= deadline:
                raise ConflictError.of(
                    f"`{instance.id}` is still {waits}",
                    hint="run the same command again in a few minutes",
                    address=str(instance.address),
                )
            time.sleep(self.cloud.pause)

    def _went_on(
        self, instance: Instance, base: Mapping[str, Any], *, again: bool = False
    ) -> Instance:
        """Bring the documents nearer to what is declared, and tell how far it is.

        Args:
            instance: as it is declared; without a spec nothing is changed.
            base: as it is.
            again: documents that failed are tried once more.
        """
        status, reason = status_of(base)
        if status is not Status.READY or "documents" not in instance.spec:
            return self._shown(instance, base, status=status, reason=reason)
        id_, spec = str(base["knowledgeBaseId"]), instance.spec
        sources, name = Sources(self.cloud, id_), source(spec)["name"]
        there = {str(one["name"]): one for one in sources.ours()}
        if name not in there:
            sources.make(spec)
            return replace(instance, status=Status.PENDING, progress="connecting the data source")
        ours = str(there[name]["dataSourceId"])
        if there[name]["status"] != "AVAILABLE":
            return self._waiting(instance, sources, there[name])
        indexed = {one.id: one for one in sources.documents(ours)}
        wanted = declared(spec)
        under_way = sources.level(ours, wanted, indexed, again=again)
        done = sum(one.place is Place.THERE and one.id in wanted for one in indexed.values())
        told_so_far = replace(instance, reason="", outputs=self._outputs(base, spec, done))
        if under_way:
            progress = f"indexed {done} of {len(wanted)} documents"
            return replace(told_so_far, status=Status.PENDING, progress=progress)
        for old in set(there) - {name}:
            sources.remove(str(there[old]["dataSourceId"]))
        failed = complaints(indexed.values())
        return replace(
            told_so_far,
            status=Status.FAILED if failed else Status.READY,
            reason=f"not indexed: {failed}" if failed else "",
            progress="",
            created_at=instance.created_at or moment(base.get("createdAt")),
        )

    def _waiting(self, instance: Instance, sources: Sources, one: Mapping[str, Any]) -> Instance:
        if one["status"] in {"FAILED", "DELETE_UNSUCCESSFUL"}:
            reason = sources.complaint(str(one["dataSourceId"]))
            return replace(instance, status=Status.FAILED, reason=reason, progress="")
        return replace(instance, status=Status.PENDING, progress="connecting the data source")

    def _shown(
        self,
        instance: Instance,
        base: Mapping[str, Any],
        *,
        status: Status | None = None,
        reason: str = "",
    ) -> Instance:
        """Return the instance with what the service says about it; nothing is changed."""
        if status is None:
            status, reason = status_of(base)
        spec, count, progress = instance.spec, 0, ""
        if status is Status.READY:
            indexed = self._indexed(str(base["knowledgeBaseId"]), instance.spec)
            count = sum(one.counts for one in indexed)
            spec = told(instance.spec, indexed) if "documents" in instance.spec else instance.spec
            if any(one.place is Place.COMING for one in indexed):
                status, progress = Status.PENDING, "indexing documents"
        elif status is Status.PENDING:
            progress = str(base["status"]).lower()
        return replace(
            instance,
            spec=spec,
            outputs=self._outputs(base, spec, count),
            status=status,
            progress=progress,
            reason=reason,
            op=instance.op or op_in_name(str(base["name"])),
            created_at=instance.created_at or moment(base.get("createdAt")),
        )

    def _indexed(self, id_: str, spec: Mapping[str, Plain]) -> Sequence[Indexed]:
        """Return the documents of the data source that fits the settings, or of all of ours."""
        sources = Sources(self.cloud, id_)
        name = source(spec)["name"] if "documents" in spec else ""
        return [
            document
            for one in sources.ours()
            if not name or one["name"] == name
            for document in sources.documents(str(one["dataSourceId"]))
        ]

    def _role(self, spec: Mapping[str, Plain]) -> str:
        return str(spec.get("role_arn") or self.role_arn)

    def _outputs(
        self, base: Mapping[str, Any], spec: Mapping[str, Plain], count: int
    ) -> dict[str, Plain]:
        """Return what others may refer to, and all that a search needs but for credentials."""
        kind = (base.get("knowledgeBaseConfiguration") or {}).get("type")
        search: dict[str, Plain] = {
            "type": "bedrock",
            "id": str(base["knowledgeBaseId"]),
            "region": self.cloud.region,
            "endpoint_url": self.cloud.endpoints.get(AGENT_RUNTIME),
            "managed": kind == "MANAGED" if kind else store_of(spec)["type"] == MANAGED,
        }
        retrieval = spec.get("retrieval")
        for key in ("top_k", "min_score"):
            if isinstance(retrieval, Mapping) and key in retrieval:
                search[key] = retrieval[key]
        if self.cloud.aws_profile:
            search["profile"] = self.cloud.aws_profile
        return {"id": str(base["knowledgeBaseId"]), "search": search, "documents": count}

    def _look(self, arn: str) -> Mapping[str, Any]:
        """Return it as it is now.

        Raises:
            NotFoundError: it is gone, or going.
        """
        base = self._described(arn)
        if base["status"] == "DELETING":
            raise NotFoundError.of(f"`{arn}` is being deleted")
        return base

    def _described(self, arn: str) -> Mapping[str, Any]:
        id_ = arn.rpartition("/")[2]
        answer = self.cloud.ask(
            AGENT,
            f"read the knowledge base `{id_}`",
            lambda c: fields(c.get_knowledge_base(knowledgeBaseId=id_), "knowledgeBase"),
        )
        return fields(answer["knowledgeBase"], "knowledgeBaseId", "name", "status")

    def _every(self) -> Iterator[Mapping[str, Any]]:
        for one in pages(
            self.cloud,
            "list the knowledge bases",
            "list_knowledge_bases",
            "knowledgeBaseSummaries",
            service=AGENT,
        ):
            if one.get("status") != "DELETING":
                yield one

    def _arn(self, id_: str, account: str) -> str:
        number, region = account.split("/")
        return f"arn:{partition(region)}:bedrock:{region}:{number}:knowledge-base/{id_}"
