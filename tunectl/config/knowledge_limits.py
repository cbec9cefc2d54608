"""What a service would refuse of a knowledge base, said before anything is sent."""

from __future__ import annotations

from collections.abc import Sequence

from tunectl.catalog.knowledge_bases import KnowledgeService, knowledge_services
from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.world import World
from tunectl.data.documents import Document
from tunectl.kinds.knowledge_base import KnowledgeBase

_DAY = 86_400  # seconds
_HALF = "at most half of a passage may be repeated"


def check_knowledge(
    world: World,
    draft: Draft,
    model: KnowledgeBase,
    service: KnowledgeService,
    documents: Sequence[Document],
) -> bool:
    """Check every field against what the service takes; return whether all of it fits."""
    said = [
        *_chunking(model, service),
        *_embedding(model, service),
        *_idle(model, service),
        *_many(service, documents),
        *_of_others(model, service),
    ]
    if model.retrieval.mode not in service.modes:
        local = "only `local` lets one choose" if len(service.modes) == 1 else listed(service.modes)
        said.append((f"{service.title} has its own way to search", ("retrieval", "mode"), local))
    for summary, path, hint in said:
        world.problems.error(
            summary,
            draft.at(*path),
            code="limit",
            detail=f"{service.source}, {service.source_date}",
            hint=hint,
            address=str(draft.address),
        )
    return not said


_Said = list[tuple[str, tuple[str, ...], str]]


def _chunking(model: KnowledgeBase, service: KnowledgeService) -> _Said:
    size, overlap, bounds = model.chunking.size, model.chunking.overlap, service.chunk_tokens
    if bounds is None:
        return []
    least, most = bounds
    if size is not None and not least <= size <= most:
        return [
            (
                f"`chunking.size` is {size}; {service.title} takes {least} to {most} tokens",
                ("chunking", "size"),
                f"such as `size: {min(max(size, least), most)}`",
            )
        ]
    whole = size if size is not None else (service.default_chunking or (None,))[0]
    if overlap is not None and overlap > (whole if whole is not None else most) // 2:
        hint = _HALF if whole is None else f"{_HALF}: {whole // 2}"
        return [(f"`chunking.overlap` is {overlap}", ("chunking", "overlap"), hint)]
    return []


def _embedding(model: KnowledgeBase, service: KnowledgeService) -> _Said:
    choice, known = model.embedding, service.embeddings
    if choice is None or known is None or choice.model in known:
        return []
    where = ("embedding",)
    if not known:
        text = f"{service.title} chooses the embedding model itself"
        return [(text, where, "remove `embedding:`")]
    hint = did_you_mean(choice.model, known, f"there are {listed(known)}")
    return [(f"{service.title} has no embedding model `{choice.model}`", where, hint)]


def _idle(model: KnowledgeBase, service: KnowledgeService) -> _Said:
    idle, bounds, where = model.expires_when_idle, service.idle_days, ("expires_when_idle",)
    if idle is None:
        return []
    if bounds is None:
        text = f"{service.title} deletes nothing by itself because nobody searches it"
        return [(text, where, "`expires_after:` counts from the creation")]
    least, most = bounds
    days, rest = divmod(idle, _DAY)
    if rest or not least <= days <= most:
        return [
            (
                f"{service.title} takes {least} to {most} whole days",
                where,
                f"such as `{min(max(days, least), most)}d`",
            )
        ]
    return []


def _of_others(model: KnowledgeBase, service: KnowledgeService) -> _Said:
    found: _Said = []
    for other in knowledge_services().values():
        for name in sorted(other.own - service.own):
            if getattr(model, name):
                text = f"{service.title} has no `{name}`: it is a setting of {other.title}"
                found.append((text, (name,), "remove it"))
    return found


def _many(service: KnowledgeService, documents: Sequence[Document]) -> _Said:
    found: _Said = []
    most, largest = service.most_documents, service.largest_document
    if most is not None and len(documents) > most:
        text = f"there are {len(documents):,} documents; {service.title} takes {most:,}"
        found.append((text, ("sources",), "divide them among several knowledge bases"))
    for one in documents:
        if largest is not None and one.size > largest:
            text = f"`{one.name}` is too large for {service.title}: {one.size:,} bytes"
            found.append((text, ("sources",), f"at most {largest:,}: split it by chapters"))
    return found
