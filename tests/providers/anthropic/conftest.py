from datetime import UTC, datetime

import pytest

from tunectl.providers.anthropic import connect
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
VARIABLES = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL", "ANTHROPIC_PROFILE",
    "ANTHROPIC_CONFIG_DIR", "XDG_CONFIG_HOME",
    "ANTHROPIC_CUSTOM_HEADERS", "ANTHROPIC_FEDERATION_RULE_ID", "ANTHROPIC_ORGANIZATION_ID",
    "ANTHROPIC_IDENTITY_TOKEN", "ANTHROPIC_IDENTITY_TOKEN_FILE",
)  # fmt: skip


@pytest.fixture(autouse=True)
def bare(monkeypatch, tmp_path):
    """No credentials of this machine, and no waiting between the SDK's attempts."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("anthropic._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("anthropic._base_client.MAX_RETRY_DELAY", 0.001)


@pytest.fixture
def world():
    return World(clock=lambda: NOW)


@pytest.fixture
def cloud(world):
    return Anthropic(world)


@pytest.fixture
def url(cloud, world):
    with serving(cloud, world) as address:
        yield address


@pytest.fixture
def claude(url):
    return connect(name="claude", base_url=url)
