"""Documents, uploads and requests of knowledge bases at Vertex AI."""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager

from tests.contracts.handler_contract import request_for, settled
from tests.providers.vertex.conftest import NAME
from tunectl.core.resource import Resource
from tunectl.core.value import Address

TEXTS = {
    "docs/zwroty.md": "# Zwroty\n\nTowar można zwrócić w ciągu 14 dni bez podania przyczyny.",
    "docs/доставка.rst": "Доставка заказа занимает два дня и стоит 300 рублей.",
    "docs/gwarancja.html": "<h1>Gwarancja</h1><p>Gwarancja trwa 24 miesiące od zakupu.</p>",
}


class Documents:
    """A `Reader` of documents by their names."""

    def __init__(self, texts):
        self.texts = texts

    @contextmanager
    def open(self, spec):
        yield io.BytesIO(self.texts[spec["document"]].encode())

    def rows(self, spec):
        yield from ()


def sha_of(text):
    return hashlib.sha256(text.encode()).hexdigest()


def uploaded_documents(provider, texts=TEXTS):
    """Send documents as the loader derives them; return the spec of what refers to them."""
    handler, files = provider.handlers["upload"], {}
    for path, text in texts.items():
        spec = {
            "document": path,
            "sha256": sha_of(text),
            "bytes": len(text.encode()),
            "format": "document",
        }
        address = Address.of("upload", "manual", key=f"{path}/{NAME}/document")
        resource = Resource(
            address=address, provider=NAME, spec=spec, immutable=frozenset(spec),
            outputs=("file_id",),
        )  # fmt: skip
        made = handler.create(request_for(resource, spec, reader=Documents(texts)))
        files[path] = made.outputs["file_id"]
    return {"documents": {path: sha_of(text) for path, text in texts.items()}, "files": files}


def base_request(provider, texts=TEXTS, op=None, **more):
    spec = {**uploaded_documents(provider, texts), "allow_rag_engine": True, **more}
    resource = Resource(
        address=Address.of("knowledge_base", "manual"),
        provider=NAME,
        spec=spec,
        inputs=frozenset({"files"}),
        outputs=("id", "search", "documents"),
    )
    return request_for(resource, spec, op=op)


def filled(provider, texts=TEXTS, **more):
    handler = provider.handlers["knowledge_base"]
    return settled(handler, handler.create(base_request(provider, texts, **more)))
