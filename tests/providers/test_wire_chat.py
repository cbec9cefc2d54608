"""Answers, models and accounts over the wire."""

import json

import pytest

from tests.providers.fake_openai import Fault
from tunectl.core.errors import NotFoundError, RateLimitError, UnavailableError
from tunectl.core.ports import Citation

MODEL = "gpt-4o-mini-2024-07-18"
ASK = [{"role": "user", "content": "Cześć! Привет!"}]


def test_an_answer_comes_in_pieces_and_ends_with_reason_and_counts(fake, openai):
    pieces = list(openai.chat(MODEL, ASK, temperature=0.0, max_tokens=9, top_k=3))
    assert [p.text for p in pieces[:-1]] == ["Dzień ", "dobry", "!"]
    last = pieces[-1]
    assert (last.finish_reason, last.prompt_tokens, last.completion_tokens) == ("stop", 7, 3)
    body = fake.sent("POST", "/chat/completions")[0].body
    assert body["messages"] == ASK
    assert (body["temperature"], body["max_completion_tokens"], body["top_k"]) == (0.0, 9, 3)
    assert "max_tokens" not in body  # which OpenAI's reasoning models refuse


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


SCHEMA = {
    "type": "object",
    "properties": {
        "label": {"type": "string", "enum": ["zwrot", "inne"]},
        "n": {"type": "integer"},
    },
    "required": ["label", "n"],
    "additionalProperties": False,
}


def openai_cloud(tmp_path):
    """OpenAI as a rehearsal pretends it, behind the real SDK."""
    from contextlib import contextmanager

    from tunectl.providers.openai import connect
    from tunectl.server.clouds.openai import OpenAI
    from tunectl.server.clouds.serving import serving
    from tunectl.server.clouds.world import World

    @contextmanager
    def running():
        world = World()
        cloud = OpenAI(world, tmp_path / "cloud", "openai")
        with serving(cloud, world) as url:
            yield connect(name="cloud", base_url=f"{url}/v1", key_env="FAKE_KEY")
        cloud.close()

    return running()


def test_a_whole_request_is_sent_as_it_is_and_parameters_go_before_it(fake, openai):
    body = {"messages": ASK, "temperature": 0.9, "response_format": {"type": "text"}, "own": 1}
    assert list(openai.answer(MODEL, body, temperature=0.0, max_tokens=5))[-1].finish_reason
    sent = fake.sent("POST", "/chat/completions")[0].body
    assert sent["messages"] == ASK
    assert (sent["temperature"], sent["max_completion_tokens"], sent["own"]) == (0.0, 5, 1)
    assert (openai.dialect, openai.structured) == ("openai", True)


def test_what_came_from_the_cache_is_told_and_is_part_of_the_prompt(tmp_path, key):
    long = [{"role": "system", "content": "zasada " * 1100}, *ASK]
    with openai_cloud(tmp_path) as openai:
        first, second = (list(openai.answer(MODEL, {"messages": long}))[-1] for _ in range(2))
    assert (first.cache_read_tokens, second.cache_read_tokens) == (0, 1024)
    assert first.prompt_tokens == second.prompt_tokens > 1100


def test_a_structured_answer_fits_its_schema(tmp_path, key):
    form = {"name": "answer", "strict": True, "schema": SCHEMA}
    body = {
        "messages": ASK,
        "response_format": {"type": "json_schema", "json_schema": form},
    }
    with openai_cloud(tmp_path) as openai:
        text = "".join(piece.text for piece in openai.answer(MODEL, body))
    assert json.loads(text) == {"label": "zwrot", "n": 0}


def test_pages_that_an_answer_cites_are_told(fake, openai):
    page = {"url": "https://example.com/a", "title": "Żółwie", "start_index": 0, "end_index": 3}
    fake.annotations = [{"type": "url_citation", "url_citation": page}]
    told = [one for piece in openai.chat(MODEL, ASK) for one in piece.citations]
    assert told == [Citation(source="https://example.com/a", title="Żółwie")]


@pytest.mark.parametrize(
    ("profile", "field"),
    [("azure", "max_completion_tokens"), (None, "max_tokens"), ("nebius", "max_tokens")],
)
def test_the_longest_answer_is_told_under_the_name_that_the_service_knows(
    fake, connected, profile, field
):
    there = connected(profile)
    for said in ("max_tokens", "max_completion_tokens"):
        fake.seen.clear()
        list(there.answer(MODEL, {"messages": ASK, said: 70}))
        list(there.answer(MODEL, {"messages": ASK, said: 70}, max_tokens=5))
        bodies = [one.body for one in fake.sent("POST", "/chat/completions")]
        assert [{k: v for k, v in one.items() if k.startswith("max")} for one in bodies] == [
            {field: 70},
            {field: 5},
        ]
