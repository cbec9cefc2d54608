"""Requests that Bedrock takes, and what comes of them."""

from __future__ import annotations

import hashlib
import io
from contextlib import contextmanager

from tests.contracts.handler_contract import (
    Rows,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.bedrock.cloud import NOVA, conversation
from tunectl.core.resource import Resource
from tunectl.core.value import Address


def rows(count=12):
    return Rows([conversation(number) for number in range(count)])


def upload_request(**more):
    return request_for(*upload_resource("aws"), reader=rows(), **more)


def uploaded(provider, **more):
    handler = provider.handlers["upload"]
    return settled(handler, handler.create(upload_request(**more))).outputs["file_id"]


def job_request(provider, file=None, base=NOVA, op=None, name="support", **more):
    made = job_resource("aws", base, file or uploaded(provider), name, **more)
    return request_for(*made, op=op)


def trained(provider, **more):
    handler = provider.handlers["tuning_job"]
    return settled(handler, handler.create(job_request(provider, **more)))


def endpoint_request(model, name="support", op=None, **more):
    resource, spec = endpoint_resource("aws", model, name)
    spec = {**spec, "serving": "on_demand", **more}
    return request_for(resource, spec, op=op)


def served(provider, model, **more):
    handler = provider.handlers["endpoint"]
    return settled(handler, handler.create(endpoint_request(model, **more)))


class Documents:
    """A `Reader` of documents by their names."""

    def __init__(self, texts):
        self.texts = texts

    @contextmanager
    def open(self, spec):
        yield io.BytesIO(self.texts[spec["document"]].encode())

    def rows(self, spec):
        yield from ()


TEXTS = {
    "docs/zwroty.md": "# Zwroty\n\nTowar można zwrócić w ciągu 14 dni bez podania przyczyny.",
    "docs/доставка.txt": "Доставка заказа занимает два дня и стоит 300 рублей.",
    "docs/gwarancja.html": "<h1>Gwarancja</h1><p>Gwarancja trwa 24 miesiące od zakupu.</p>",
}


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
        address = Address.of("upload", "manual", key=f"{path}/aws/document")
        resource = Resource(
            address=address, provider="aws", spec=spec, immutable=frozenset(spec),
            outputs=("file_id",),
        )  # fmt: skip
        request = request_for(resource, spec, reader=Documents(texts))
        files[path] = handler.create(request).outputs["file_id"]
    return {
        "documents": {path: sha_of(text) for path, text in texts.items()},
        "files": files,
    }


def base_request(provider, texts=TEXTS, op=None, name="manual", **more):
    spec = {**uploaded_documents(provider, texts), **more}
    resource = Resource(
        address=Address.of("knowledge_base", name),
        provider="aws",
        spec=spec,
        inputs=frozenset({"files"}),
        outputs=("id", "search", "documents"),
    )
    return request_for(resource, spec, op=op)


def filled(provider, texts=TEXTS, **more):
    handler = provider.handlers["knowledge_base"]
    return settled(handler, handler.create(base_request(provider, texts, **more)))
