import pytest

from tests.providers import fake_openai
from tunectl.providers.openai import connect


@pytest.fixture
def fake():
    with fake_openai.running() as service:
        yield service


@pytest.fixture
def key(monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FAKE_KEY", fake_openai.KEY)
    return fake_openai.KEY


@pytest.fixture
def connected(fake, key):
    """Connect the fake under a profile, with settings."""

    def make(profile="openai", **settings):
        given = {"name": "openai_eu", "base_url": fake.url, "key_env": "FAKE_KEY", **settings}
        return connect(**({"profile": profile} if profile else {}), **given)

    return make


@pytest.fixture
def openai(connected):
    return connected()
