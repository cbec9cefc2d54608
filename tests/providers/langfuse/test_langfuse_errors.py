"""What goes wrong on the way to Langfuse, in words that say what to do and hold no key."""

import pytest

from tests.providers.langfuse.conftest import PUBLIC, SECRET, wanted
from tunectl.core.errors import (
    ConfigError,
    CredentialsError,
    InvalidRequestError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.langfuse import connect
from tunectl.server.clouds.wire import Answered
from tunectl.server.clouds.world import Fault


@pytest.fixture
def handler(langfuse):
    return langfuse.handlers["publication"]


def said(caught):
    found = caught.value.diagnostics[0]
    return f"{found.summary} {found.detail} {found.hint}"


def test_a_wrong_key_is_exit_6_and_is_not_shown(url, monkeypatch):
    monkeypatch.setenv("LANGFUSE_SECRET_KEY", "sk-lf-zly")
    with pytest.raises(CredentialsError) as caught:
        connect(name="lf", base_url=url).account()
    assert "refused the keys to name the account" in said(caught)
    assert "sk-lf-zly" not in said(caught)


def test_a_missing_key_is_named_with_the_setting_that_names_another(url, monkeypatch):
    monkeypatch.delenv("LANGFUSE_PUBLIC_KEY")
    with pytest.raises(CredentialsError, match="`LANGFUSE_PUBLIC_KEY` is not set") as caught:
        connect(name="lf", base_url=url).account()
    assert "`public_key_env:`" in said(caught)


def test_keys_come_from_the_variables_that_are_named(url, monkeypatch):
    monkeypatch.setenv("A", PUBLIC)
    monkeypatch.setenv("B", SECRET)
    for name in ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY"):
        monkeypatch.delenv(name)
    connected = connect(base_url=url, public_key_env="A", secret_key_env="B")
    assert connected.account()
    assert connected.credentials() == "the variables `A` and `B`"


@pytest.mark.parametrize("how", ["reset", "lost", "status", "half"])
def test_a_question_is_asked_again_and_a_change_is_not(handler, world, cloud, how):
    world.faults.append(Fault(how, method="POST", after=True))
    with pytest.raises(UnknownOutcomeError) as caught:
        handler.create(wanted())
    assert "run it again" in said(caught)
    assert len(cloud.shelf.all()) == 1
    posts = [call for call in world.calls if call.method == "POST"]
    assert len(posts) == 1
    made = handler.create(wanted(name="inny"))
    world.faults.append(Fault(how, method="GET", times=2))
    assert handler.read(made) is not None


def test_a_service_that_is_down_is_unavailable_and_nothing_reads_as_gone(handler, world):
    made = handler.create(wanted())
    world.faults.append(Fault("status", method="GET", times=9))
    with pytest.raises(UnavailableError, match="failed to"):
        handler.read(made)


def test_a_limit_says_how_long_to_wait(handler, world):
    answer = Answered.of({"message": "Rate limit exceeded"}, 429, retry_after="7")
    world.faults.append(Fault("status", method="POST", status=429, answer=lambda _: answer))
    with pytest.raises(RateLimitError, match="Rate limit exceeded") as caught:
        handler.create(wanted())
    assert caught.value.wait == 7


def test_what_is_wrong_with_a_body_is_told_field_by_field(handler, world):
    body = {
        "message": "Invalid request data",
        "error": [{"path": ["labels", 0], "message": "Label must be lowercase"}],
    }
    answer = Answered.of(body, 400)
    world.faults.append(Fault("status", method="POST", status=400, answer=lambda _: answer))
    with pytest.raises(InvalidRequestError, match=r"labels\.0: Label must be lowercase"):
        handler.create(wanted())


def test_a_web_page_is_no_answer(langfuse, world):
    page = Answered(200, b"<html>", {"content-type": "text/html"})
    world.faults.append(Fault("status", method="GET", status=200, times=3, answer=lambda _: page))
    with pytest.raises(UnavailableError, match="no usable answer") as caught:
        langfuse.account()
    assert "`base_url`" in said(caught)


def test_nobody_there_is_told_with_the_address_to_check():
    with pytest.raises(UnavailableError, match="cannot be reached") as caught:
        connect(base_url="http://127.0.0.1:9").account()
    assert "`base_url`" in said(caught)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "https://langfuse.acme.pl"}, "unknown setting `host`"),
        ({"base_url": "http://langfuse.acme.pl"}, "has no TLS"),
        ({"base_url": "langfuse"}, "is not a URL"),
        ({"secret_key_env": "sk-lf-1234"}, "is not the name of an environment variable"),
    ],
)
def test_senseless_settings_are_refused(settings, words):
    with pytest.raises(ConfigError, match=words) as caught:
        connect(**settings)
    assert "sk-lf-1234" not in said(caught)
