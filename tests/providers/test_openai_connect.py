"""Settings of provider type `openai`."""

import pytest

from tunectl.core.errors import ConfigError
from tunectl.providers.openai import connect
from tunectl.providers.wire.profile import AZURE, BEDROCK_MANTLE, GENERIC, NEBIUS, OPENAI

ACME = "https://a.openai.azure.com/openai/v1"
AWS = "https://bedrock-mantle.eu-west-1.api.aws/v1"
EVIL = "https://api.openai.com.evil.example/v1"
OWN = "https://llm.acme.example/v1"


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def test_nothing_is_needed_for_openai_itself():
    wire = connect(name="openai", project_root="/nowhere", env="default").wire
    assert wire.profile is OPENAI
    assert wire.base_url == "https://api.openai.com/v1"
    assert wire.channel.key_env == "OPENAI_API_KEY"


@pytest.mark.parametrize(
    ("settings", "profile", "url"),
    [
        ({"data_residency": "eu"}, OPENAI, "https://eu.api.openai.com/v1"),
        ({"data_residency": "global"}, OPENAI, "https://api.openai.com/v1"),
        ({"base_url": "https://us.api.openai.com/v1/"}, OPENAI, "https://us.api.openai.com/v1"),
        ({"base_url": OWN, "key_env": "K"}, GENERIC, OWN),
        ({"base_url": EVIL, "key_env": "K"}, GENERIC, EVIL),
        ({"profile": "azure", "base_url": f"{ACME}/", "key_env": "K"}, AZURE, ACME),
        ({"profile": "nebius", "key_env": "K"}, NEBIUS, "https://api.tokenfactory.nebius.com/v1"),
        ({"profile": "bedrock-mantle", "base_url": AWS, "key_env": "K"}, BEDROCK_MANTLE, AWS),
    ],
)  # fmt: skip
def test_profile_and_address_follow_from_the_settings(settings, profile, url):
    wire = connect(name="p", **settings).wire
    assert (wire.profile, wire.base_url) == (profile, url)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"profil": "azure"}, "unknown setting `profil`"),
        ({"profile": "azur"}, "unknown profile `azur`"),
        ({"profile": "azure", "key_env": "K"}, "needs a `base_url`"),
        ({"profile": "nebius"}, "needs `key_env`"),
        ({"base_url": "https://llm.acme.example/v1"}, "needs `key_env`"),
        ({"base_url": "https://x/v1", "data_residency": "eu"}, "both `base_url` and"),
        ({"data_residency": "mars"}, "`mars`"),
        ({"base_url": "llm.acme.example/v1"}, "is not a URL"),
        ({"base_url": "ftp://x/v1"}, "is not a URL"),
        ({"base_url": "https://x:port/v1"}, "is not a URL"),
        ({"base_url": 3}, "must be a text"),
        ({"timeout": "soon"}, "number of seconds"),
        ({"timeout": 0}, "number of seconds"),
        ({"training_type": "Standard"}, "`training_type`"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(settings, words):
    with pytest.raises(ConfigError) as caught:
        connect(name="p", **settings)
    assert words in str(caught.value)


def test_a_near_miss_is_suggested():
    with pytest.raises(ConfigError) as caught:
        connect(name="p", base_ulr="x", data_residenci="y")
    assert [d.hint for d in caught.value.diagnostics] == [
        "did you mean `base_url`?",
        "did you mean `data_residency`?",
    ]


@pytest.mark.parametrize(
    "settings", [{"key_env": "sk-proj-abc123"}, {"base_url": "https://me:sk-proj-abc123@x/v1"}]
)
def test_a_key_in_the_wrong_place_is_refused_without_repeating_it(settings):
    with pytest.raises(ConfigError) as caught:
        connect(name="p", **settings)
    assert "sk-proj" not in str(caught.value)
    assert "sk-proj" not in repr(caught.value.diagnostics)


def test_the_sdk_s_variable_for_the_address_counts_for_openai_only(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "https://eu.api.openai.com/v1")
    assert connect(name="p").wire.base_url == "https://eu.api.openai.com/v1"
    nebius = connect(name="p", profile="nebius", key_env="K")
    assert nebius.wire.base_url == "https://api.tokenfactory.nebius.com/v1"


def test_connecting_reads_no_key_and_sends_nothing():
    kinds = {"upload", "tuning_job", "endpoint"}
    assert set(connect(name="p").handlers) == {*kinds, "knowledge_base"}
    assert set(connect(name="p", profile="nebius", key_env="K").handlers) == kinds
