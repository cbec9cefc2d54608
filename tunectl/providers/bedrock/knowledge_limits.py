"""What Bedrock would refuse of a knowledge base, said before anything is sent.

Source: botocore 1.44.5, service model `bedrock-agent` 2023-06-05, unless a line says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tunectl.core.errors import Diagnostic
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.bedrock.knowledge import MANAGED, chunking, model_of, store_of

_LONGEST = 200  # characters of a description

_Found = Iterator[tuple[str, str, str]]  # code, what is wrong, hint


def problems(resource: Resource, provider: str) -> Iterable[Diagnostic]:
    """Yield what is wrong with a knowledge base."""
    spec = resource.spec
    for find in (_store, _cutting, _described):
        for code, summary, hint in find(spec):
            yield Diagnostic(
                summary=f"provider `{provider}` (Amazon Bedrock) {summary}",
                hint=hint,
                code=f"provider-{code}",
                address=str(resource.address),
                source=resource.source,
            )


def _store(spec: Mapping[str, Value]) -> _Found:
    store, model = store_of(spec), model_of(spec)  # type: ignore[arg-type]  # no reference inside
    if store["type"] == MANAGED:
        return
    if not model:
        hint = "such as `embedding: amazon.titan-embed-text-v2:0`; it must fit the vector index"
        yield "embedding", "chooses the embedding model itself only for `storage: managed`", hint


def _cutting(spec: Mapping[str, Value]) -> _Found:
    cut = chunking(spec)  # type: ignore[arg-type]  # no reference inside
    if cut is None:
        return
    if store_of(spec)["type"] == MANAGED and not model_of(spec):  # type: ignore[arg-type]
        summary = "cuts documents itself where it chooses the embedding model"
        hint = "remove `chunking:`, or name an `embedding:` model"
        yield "chunking", summary, hint
    if cut[1] < 1:
        summary = "wants passages to overlap by at least 1 % of their size"
        yield "chunking", summary, f"write `chunking.overlap: {max(1, cut[0] // 100)}` or more"


def _described(spec: Mapping[str, Value]) -> _Found:
    text = spec.get("description")
    if isinstance(text, str) and len(text) > _LONGEST:
        summary = f"has room for a description of {_LONGEST} characters, not {len(text)}"
        yield "description", summary, "shorten it"
