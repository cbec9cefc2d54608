"""A knowledge base of OpenAI on loopback: the cloud, its clock, documents, and requests."""

import contextlib
import hashlib
import io
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from tests.contracts.handler_contract import request_for, settled
from tunectl.core.ports import Request
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Plain
from tunectl.providers.openai import connect
from tunectl.providers.wire.provider import WireProvider
from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

KEY = "KB_TEST_KEY"
TEXTS = {
    "docs/zwroty.md": "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni od zakupu.\n",
    "docs/wysyłka.md": "# Wysyłka\n\nPaczka z żółwiem dociera w 2 dni robocze.\n",
    "docs/гарантия.md": "# Гарантия\n\nГарантия действует два года, счёт-фактура нужна.\n",
}


@dataclass
class Documents:
    """A `Reader` over documents in memory."""

    texts: Mapping[str, str] = field(default_factory=lambda: dict(TEXTS))

    @contextmanager
    def open(self, spec: Mapping[str, Plain]):
        yield io.BytesIO(self.texts[str(spec["document"])].encode())

    def rows(self, spec: Mapping[str, Plain]):
        raise AssertionError("documents have no rows")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Account:
    """One account on loopback."""

    provider: WireProvider
    cloud: OpenAI
    world: World
    url: str
    sent: dict[str, str] = field(default_factory=dict)

    @property
    def handler(self) -> Any:
        return self.provider.handlers["knowledge_base"]

    def file(self, name: str, text: str) -> str:
        """Upload a document, each text once; return its file's id."""
        if text not in self.sent:
            spec: dict[str, Plain] = {
                "document": name,
                "sha256": sha(text),
                "bytes": len(text.encode()),
                "format": "document",
            }
            address = Address.of("upload", "manual", key=f"{name}/openai/document")
            resource = Resource(address=address, provider="openai", spec=spec, outputs=("file_id",))
            handler = self.provider.handlers["upload"]
            reader: Any = Documents({name: text})
            request = request_for(resource, spec, reader=reader)
            self.sent[text] = str(settled(handler, handler.create(request)).outputs["file_id"])
        return self.sent[text]

    def spec(self, texts: Mapping[str, str] = TEXTS, **more: Plain) -> dict[str, Plain]:
        return {
            "documents": {name: sha(text) for name, text in sorted(texts.items())},
            "files": {name: self.file(name, text) for name, text in texts.items()},
            "retrieval": {"top_k": 5, "min_score": 0.0, "mode": "hybrid"},
            **more,
        }

    def request(self, texts: Mapping[str, str] = TEXTS, **more: Plain) -> Request:
        spec = self.spec(texts, **more)
        resource = Resource(
            address=Address.of("knowledge_base", "manual"),
            provider="openai",
            spec=spec,
            inputs=frozenset({"files"}),
            outputs=("id", "search", "documents"),
        )
        return request_for(resource, spec)

    def made(self, texts: Mapping[str, str] = TEXTS, **more: Plain):
        """Return a request and what it made, settled."""
        request = self.request(texts, **more)
        return request, settled(self.handler, self.handler.create(request))

    def changed(self, request: Request, prior: Any, texts: Mapping[str, str], **more: Plain):
        """Return what an update makes of one."""
        again = replace(request, spec=self.spec(texts, **more), prior=prior)
        return settled(self.handler, self.handler.update(again))


@contextlib.contextmanager
def account(folder, environ, **seconds: float):
    """Serve an empty account and connect to it."""
    world = World(**{"operation_seconds": 0.05, **seconds})
    cloud = OpenAI(world, folder / "konto", "openai")
    environ.setenv(KEY, "any")
    try:
        with serving(cloud, world) as url:
            settings = {"base_url": f"{url}/v1", "key_env": KEY, "profile": "openai"}
            provider = connect(name="openai", **settings)
            yield Account(provider, cloud, world, url)
    finally:
        cloud.close()


__all__ = ["KEY", "TEXTS", "Account", "Documents", "account", "sha"]
