import pytest

from tests.contracts.handler_contract import request_for
from tunectl.core.resource import Resource
from tunectl.core.value import Address
from tunectl.providers.langfuse import connect
from tunectl.server.clouds.langfuse import Langfuse
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

PUBLIC, SECRET = "pk-lf-1", "sk-lf-2"
NAME = "obsługa/support"


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    """Keys of this project alone, and no waiting between attempts."""
    monkeypatch.delenv("LANGFUSE_BASE_URL", raising=False)
    monkeypatch.setenv("LANGFUSE_PUBLIC_KEY", PUBLIC)
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", SECRET)
    monkeypatch.setattr("tunectl.providers.langfuse.link._PAUSE", 0.001)


@pytest.fixture
def world():
    return World()


@pytest.fixture
def cloud(world):
    return Langfuse(world, keys={PUBLIC: SECRET})


@pytest.fixture
def url(cloud, world):
    with serving(cloud, world) as address:
        yield address


@pytest.fixture
def langfuse(url):
    return connect(name="langfuse", base_url=url)


def publication(name=NAME, text="Pomagasz klientom. {{greeting}}", labels=("staging",), **more):
    """Return a publication and its settled settings, as the loader makes them."""
    messages = (
        {"section": "system", "role": "system", "text": text, "names": ("greeting",)},
        {
            "section": "shots",
            "examples": {"dataset": "dataset.support", "split": "train", "sha256": "a" * 64},
            "max": 1,
            "select": "fixed",
        },
        {"section": "history", "slot": True},
        {"section": "ask", "role": "user", "text": "{{question}}", "names": ("question",)},
    )
    spec = {
        "name": name,
        **({"labels": tuple(labels)} if labels else {}),
        "model": "gpt-4o",
        "sha256": f"{hash(text) & 0xFFFFFFFF:08x}",
        "messages": messages,
        "form": {"inputs": {"question": {"type": "string", "max_chars": 800}}},
        **more,
    }
    resource = Resource(
        address=Address.of("publication", "support", key=f"langfuse/{name}"),
        provider="langfuse",
        spec=spec,
        immutable=frozenset({"name"}),
        inputs=frozenset({"messages", "form"}),
        outputs=("name", "version"),
        parent=Address.of("prompt_template", "support"),
    )
    return resource, spec


def wanted(**more):
    return request_for(*publication(**more))
