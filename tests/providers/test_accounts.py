"""Accounts over OpenAI's wire and at Anthropic: never mistaken for one another."""

from dataclasses import replace

import pytest

from tests.contracts.account_contract import AccountContract, Accounts
from tests.contracts.handler_contract import (
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers import fake_openai, network
from tunectl.core.errors import CredentialsError, Refused
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.refresh import accounts, observe
from tunectl.providers.anthropic import connect as connect_claude
from tunectl.providers.openai import connect as connect_openai
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

OPENAI, CLAUDE = "openai_eu", "claude"


def openai_things(provider):
    """An upload, and a job that uses it."""
    upload = provider.handlers["upload"]
    first = request_for(*upload_resource(OPENAI))
    file = settled(upload, upload.create(first)).outputs["file_id"]
    return [
        ("upload", request_for(*upload_resource(OPENAI))),
        ("tuning_job", request_for(*job_resource(OPENAI, "gpt-4o-mini", file))),
    ]


def emptied(fake, monkeypatch):
    """Let the service answer as it would for the key of another organization."""
    monkeypatch.setattr("tests.providers.fake_openai.ORGANIZATION", "somebody-else")
    fake.files.clear()
    fake.jobs.clear()
    for name in [name for name in fake.models if name.startswith("ft:")]:
        del fake.models[name]


class TestOpenAIAccounts(AccountContract):
    @pytest.fixture(params=["openai", "azure", None])
    def accounts(self, fake, connected, request, monkeypatch):
        azure = request.param == "azure"

        def theirs():
            if azure:  # each resource has an address of its own, which refuses other keys
                monkeypatch.setenv("FAKE_KEY", "another-resource-s-key")
            else:
                emptied(fake, monkeypatch)
            return connected(request.param)

        def keyless():
            monkeypatch.delenv("FAKE_KEY")
            return connected(request.param)

        return Accounts(connected(request.param), openai_things, theirs, keyless)


class TestAnthropicAccounts(AccountContract):
    @pytest.fixture
    def accounts(self, tmp_path, monkeypatch):
        world = World()
        cloud = Anthropic(world, keys=["mine"])
        monkeypatch.setenv("HOME", str(tmp_path))
        for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("CLAUDE_KEY", "mine")
        with serving(cloud, world) as plain, network.tls(plain, tmp_path) as (url, authority):
            monkeypatch.setenv("SSL_CERT_FILE", str(authority))

            def connected():
                return connect_claude(name=CLAUDE, base_url=url, key_env="CLAUDE_KEY")

            def theirs():
                cloud.organization = "somebody-else"
                return connected()

            def keyless():
                monkeypatch.delenv("CLAUDE_KEY")
                return connected()

            def things(_):
                return [("endpoint", request_for(*endpoint_resource(CLAUDE, "claude-haiku-5-5")))]

            yield Accounts(connected(), things, theirs, keyless)


@pytest.fixture
def recorded(connected):
    """A generic service, which names no organization, and a state with an upload there."""
    provider = connected(None)
    handler = provider.handlers["upload"]
    made = settled(handler, handler.create(request_for(*upload_resource(OPENAI))))
    other = settled(handler, handler.create(request_for(*upload_resource(OPENAI))))
    other = replace(other, address=Address.of("upload", "druga"))
    state = State(
        lineage="l",
        project="helpdesk",
        env="default",
        instances={made.address: made, other.address: other},
    )
    return provider, state, made, other


def test_one_object_that_is_there_proves_the_account_so_that_others_are_gone(fake, recorded):
    provider, state, made, other = recorded
    del fake.files[made.id]
    seen = observe(state, lambda _: provider)
    assert seen == {made.address: None, other.address: other}


def test_where_the_account_has_no_name_and_nothing_is_there_nobody_says_deleted(fake, recorded):
    provider, state, *_ = recorded
    fake.files.clear()
    with pytest.raises(Refused, match="does not say whose account") as caught:
        observe(state, lambda _: provider)
    (found,) = caught.value.diagnostics
    assert "objects: 2" in found.summary
    assert "`tunectl state rm upload.druga`" in found.hint


def test_where_the_organization_is_named_what_is_gone_is_gone(fake, openai):
    handler = openai.handlers["upload"]
    made = settled(handler, handler.create(request_for(*upload_resource(OPENAI))))
    fake.files.clear()
    state = State(lineage="l", project="p", env="default", instances={made.address: made})
    assert observe(state, lambda _: openai) == {made.address: None}


def test_every_provider_without_credentials_is_named_at_once(fake, monkeypatch, tmp_path):
    for name in ("FAKE_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    providers = {
        "eu": connect_openai(name="eu", profile="openai", base_url=fake.url, key_env="FAKE_KEY"),
        "claude": connect_claude(name="claude"),
        "fine": connect_openai(name="fine", profile="openai", base_url=fake.url, key_env="GOOD"),
    }
    monkeypatch.setenv("GOOD", fake_openai.KEY)
    with pytest.raises(CredentialsError) as caught:
        accounts(providers, providers.__getitem__)
    said = [d.summary for d in caught.value.diagnostics]
    assert len(said) == 2
    assert "`ANTHROPIC_API_KEY` is not set" in said[0]
    assert "`FAKE_KEY` is not set" in said[1]


def test_the_account_of_each_provider_is_told_for_the_digest(openai, fake):
    told = accounts(["a", "b", "builtin"], lambda _: openai)
    assert told == {"a": openai.account(), "b": openai.account()}
    assert accounts([], lambda _: openai) == {}
