"""Answers, models and accounts over the wire."""

import pytest

from tests.providers.fake_openai import Fault
from tunectl.core.errors import NotFoundError, RateLimitError, UnavailableError

MODEL = "gpt-4o-mini-2024-07-18"
ASK = [{"role": "user", "content": "Cześć! Привет!"}]


def test_an_answer_comes_in_pieces_and_ends_with_reason_and_counts(fake, openai):
    pieces = list(openai.chat(MODEL, ASK, temperature=0.0, max_tokens=9, top_k=3))
    assert [p.text for p in pieces[:-1]] == ["Dzień ", "dobry", "!"]
    last = pieces[-1]
    assert (last.finish_reason, last.prompt_tokens, last.completion_tokens) == ("stop", 7, 3)
    body = fake.sent("POST", "/chat/completions")[0].body
    assert body["messages"] == ASK
    assert (body["temperature"], body["max_tokens"], body["top_k"]) == (0.0, 9, 3)


def test_an_unknown_model_is_not_found(openai):
    with pytest.raises(NotFoundError, match="nobody"):
        list(openai.chat("nobody", ASK))


def test_an_answer_that_breaks_off_is_no_answer(fake, openai):
    fake.faults.append(Fault("POST", "/chat/completions", "stop-short", after=True))
    with pytest.raises(UnavailableError, match="broke off"):
        list(openai.chat(MODEL, ASK))


def test_a_page_of_a_proxy_is_no_answer(fake, openai):
    fake.faults.append(Fault("POST", "/chat/completions", "html"))
    with pytest.raises(UnavailableError):
        list(openai.chat(MODEL, ASK))


def test_an_error_in_the_middle_of_an_answer_is_ours(fake, openai):
    fake.faults.append(Fault("POST", "/chat/completions", "stream-error"))
    with pytest.raises(UnavailableError, match="overloaded"):
        list(openai.chat(MODEL, ASK))


def test_an_exhausted_quota_says_that_waiting_does_not_help(fake, openai, monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.001)
    fault = Fault("POST", "/chat/completions", status=429, code="insufficient_quota", times=9)
    fake.faults.append(fault)
    with pytest.raises(RateLimitError) as caught:
        list(openai.chat(MODEL, ASK))
    assert "waiting does not help" in caught.value.diagnostics[0].hint


def test_models_come_with_the_dates_on_which_they_end(openai):
    found = {m.id: m for m in openai.models()}
    assert found[MODEL].shutdown_date == "2027-01-14"
    assert found[MODEL].owned_by == "openai"
    assert found[MODEL].created == 1_700_000_000


def test_the_account_is_host_and_organization_and_is_asked_for_once(fake, openai):
    host = fake.url.removeprefix("http://").removesuffix("/v1")
    assert openai.account() == f"{host}/acme-corp"
    assert openai.account() == openai.account()
    assert len(fake.seen) == 1


def test_another_service_names_no_organization(fake, connected):
    provider = connected(None, project="proj_1")
    host = fake.url.removeprefix("http://").removesuffix("/v1")
    assert provider.account() == f"{host}/proj_1"
    assert fake.seen[0].headers["openai-project"] == "proj_1"


def test_headers_from_the_environment_do_not_replace_the_declared_key(fake, connected, monkeypatch):
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "Authorization: Bearer other\nX-Team: a")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin")
    connected().account()
    assert fake.seen[0].headers["x-team"] == "a"
    assert "sk-admin" not in str(fake.seen)
