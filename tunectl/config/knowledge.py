"""Knowledge bases: their documents, and what the service behind each takes.

What is lowered, and so what a handler of kind `knowledge_base` is given as its settled spec; every
field but `documents` and `retrieval` is there only where it says something:

```
{
  "documents": {"docs/a.md": "<sha256>", "gs://acme/help/b.md": "<sha256>"},
  "files": {"docs/a.md": "file-1", …},       # where the service takes uploads: the id of each
  "name": "manual",                          # where its name is fixed (local): `module.name["key"]`
  "description": "…",
  "chunking": {"size": 400, "overlap": 50},  # local: always; elsewhere what is said, either or both
  "embedding": {"model": "multilingual-e5-small"},   # local: always
  "retrieval": {"top_k": 5, "min_score": 0.0, "mode": "hybrid"},
  "expires_when_idle": 2592000,              # seconds
  "storage": {"type": "managed"},            # bedrock; beside `type` what that type needs
  "role_arn": "arn:…",                       # bedrock
  "allow_rag_engine": true,                  # vertex
}
```

`documents` is what is compared: a document by its name and the sha256 of its bytes, which
`request.reader.open({"document": NAME, "sha256": SHA})` gives: its text in UTF-8 without a byte
order mark. How it is read follows from the end of its name (`.md`, `.html`, …). `read` reports the
documents that are really there, so that one that was removed elsewhere is found missing. `files` is
never compared: where a file vanished, its document is missing too.

Where the service takes uploads there is a derived `upload` for each document and provider,
`upload.NAME["docs/a.md/PROVIDER/document"]`, with this spec:

```
{"document": "docs/a.md", "sha256": "<sha256>", "bytes": 1234, "format": "document"}
```

The outputs of a knowledge base are `id`, `documents` (how many) and `search`: what the prompts room
needs in order to search it. Of what may change in place, only `retrieval` may change `search`: so a
prompt is not planned anew because a document was edited.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from tunectl.catalog.knowledge_bases import (
    KnowledgeService,
    knowledge_service,
    knowledge_services,
    without,
)
from tunectl.catalog.provider_types import Service
from tunectl.config.derive import document_upload, in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.expiry import expiry
from tunectl.config.knowledge_limits import check_knowledge
from tunectl.config.problems import listed
from tunectl.config.providers import LOCAL
from tunectl.config.world import World, service_of
from tunectl.core.errors import Diagnostic, Exit, Source
from tunectl.core.project import Provided
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Ref, Value
from tunectl.data.datafile import DataFile
from tunectl.data.documents import (
    Document,
    Missing,
    NoDocumentError,
    document,
    document_files,
)
from tunectl.kinds import KNOWLEDGE_BASE

if TYPE_CHECKING:
    from tunectl.kinds.knowledge_base import KnowledgeBase

_FILES = frozenset({"files"})
_NAME = frozenset({"name"})
_SHOWN = 20  # files that cannot be read; the rest are counted


def lower_knowledge_bases(world: World) -> None:
    """Declare every knowledge base and the uploads it needs."""
    for draft in in_file_order(world.drafts, "knowledge_base"):
        model = draft.model
        assert KNOWLEDGE_BASE.fits(model)
        provider = world.provider(draft)
        depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
        documents = _documents(world, draft, model)
        keeps, service = _service(world, draft, provider)
        if provider is None or not keeps or documents is None:
            continue
        if service is not None and not check_knowledge(world, draft, model, service, documents):
            continue
        spec = _spec(draft, model, documents, service)
        if service is not None and service.uploads:
            spec["files"] = {
                one.name: Ref(document_upload(world, draft, lifecycle, one, provider), ("file_id",))
                for one in documents
            }
        world.resources[draft.address] = Resource(
            address=draft.address,
            # A file in the project, whichever server is here and whoever runs it.
            provider=BUILTIN if provider.type == LOCAL else provider.name,
            spec=spec,
            immutable=_NAME | (service.immutable if service is not None else frozenset()),
            deferred=service.deferred if service is not None else frozenset(),
            inputs=_FILES,
            outputs=model.outputs,
            stable=frozenset({"id"}),
            follows=(("search", "retrieval"),),
            depends_on=depends_on,
            lifecycle=lifecycle,
            destroy_first=service is not None and service.fixed_name,
            expires=expiry(world, draft),
            labels=world.labels_of(draft),
            source=draft.source,
        )


def _service(
    world: World, draft: Draft, provider: Provided | None
) -> tuple[bool, KnowledgeService | None]:
    """Return whether a provider keeps knowledge bases, and what is known of it.

    A plugin's is not known, and may.
    """
    if provider is None:
        return False, None
    behind = service_of(provider)
    if behind is None:
        return True, None
    found = knowledge_service(provider.type, behind.name)
    if found is None:
        _keeps_none(world, draft, provider, behind)
    return found is not None, found


def _known(provider: Provided) -> KnowledgeService | None:
    behind = service_of(provider)
    return knowledge_service(provider.type, behind.name) if behind is not None else None


def _keeps_none(world: World, draft: Draft, provider: Provided, service: Service) -> None:
    types = listed(dict.fromkeys(name.partition("/")[0] for name in knowledge_services()))
    able = [name for name, other in world.providers.items() if _known(other) is not None]
    hint = f"providers of type {types} do, and a model of any provider can use a local one"
    if provider.type == "anthropic":
        hint = f"Claude is given what a local one finds: `provider: local` here; {types} keep some"
    if able:
        hint += f"; of those declared {listed(able)} can"
    world.problems.error(
        f"{service.title} keeps no knowledge bases that are known, so provider `{provider.name}` "
        "can have none",
        draft.at("provider"),
        code="no-knowledge-bases",
        detail=without(provider.type, service.name),
        hint=hint,
        address=str(draft.address),
    )


def _spec(
    draft: Draft,
    model: KnowledgeBase,
    documents: list[Document],
    service: KnowledgeService | None,
) -> dict[str, Value]:
    spec: dict[str, Value] = {"documents": {one.name: one.sha256 for one in documents}}
    if service is not None and service.fixed_name:
        spec["name"] = _name(draft.address)
    if model.description is not None:
        spec["description"] = model.description
    chunking = _chunking(model, service)
    if chunking:
        spec["chunking"] = chunking
    embedding = model.embedding.model if model.embedding is not None else None
    if embedding is None and service is not None:
        embedding = service.default_embedding
    if embedding is not None:
        spec["embedding"] = {"model": embedding}
    said = model.retrieval
    spec["retrieval"] = {"top_k": said.top_k, "min_score": said.min_score, "mode": said.mode}
    if model.expires_when_idle is not None:
        spec["expires_when_idle"] = model.expires_when_idle
    if model.storage is not None:
        spec["storage"] = model.storage.model_dump()
    if model.role_arn is not None:
        spec["role_arn"] = model.role_arn
    if model.allow_rag_engine:
        spec["allow_rag_engine"] = True
    return spec


def _chunking(model: KnowledgeBase, service: KnowledgeService | None) -> dict[str, Value]:
    said = model.chunking
    size, overlap = said.size, said.overlap
    if service is not None and service.default_chunking is not None:
        usual, repeated = service.default_chunking
        size = usual if size is None else size
        overlap = min(repeated, size // 2) if overlap is None else overlap
    found = {"size": size, "overlap": overlap}
    return {name: value for name, value in found.items() if value is not None}


def _name(address: Address) -> str:
    name = ".".join(address.path)
    return name if address.key is None else f"{name}[{address.key}]"


def _documents(world: World, draft: Draft, model: KnowledgeBase) -> list[Document] | None:
    """Read the documents of all sources, each once; None where one cannot be, which is told."""
    files: dict[str, DataFile] = {}
    wrong: list[tuple[Diagnostic, Source]] = []
    world.looked.opened(world.root, model.sources)
    for index, source in enumerate(model.sources):
        for found in document_files(source.strip(), world.root):
            if isinstance(found, Missing):
                wrong.append((found.said, draft.at("sources", index)))
            else:
                files.setdefault(found.name, found)
    documents: list[Document] = []
    for file in sorted(files.values(), key=lambda file: file.name):
        if file.path is not None:
            world.looked.stands(file.path)
        try:
            documents.append(document(file))
        except NoDocumentError as error:
            made = Diagnostic(summary=str(error), hint=error.hint, code=error.code, exit=Exit.ERROR)
            wrong.append(
                (made, Source(file.name, error.line) if error.line else draft.at("sources"))
            )
    world.looked.opened(world.root, model.sources)
    _tell(world, draft, wrong)
    _tell_blank(world, draft, [one.name for one in documents if one.blank])
    return None if wrong else documents


def _tell_blank(world: World, draft: Draft, names: list[str]) -> None:
    if names:
        world.problems.warn(
            f"{listed(names)} {'is' if len(names) == 1 else 'are'} empty: nothing is found there",
            draft.at("sources"),
            code="empty-document",
            hint="write the text, or leave it out of `sources:`",
            address=str(draft.address),
        )


def _tell(world: World, draft: Draft, wrong: Iterable[tuple[Diagnostic, Source]]) -> None:
    for number, (made, source) in enumerate(wrong):
        if number == _SHOWN:
            world.problems.error(
                f"and more files of `{draft.address}` that are no documents",
                draft.at("sources"),
                code="document-format",
                hint="name those that are: `sources: [docs/**/*.md]`",
                address=str(draft.address),
            )
            return
        world.problems.add(replace(made, source=source, address=str(draft.address)))
