"""Anthropic's wire: the real SDK with strict validation reads it, and no field is made up."""

import json
from datetime import UTC, datetime

import anthropic
import httpx2
import pytest
from anthropic.types import (
    Message,
    MessageTokensCount,
    ModelInfo,
    RawMessageStreamEvent,
)
from anthropic.types.shared import ErrorResponse
from pydantic import BaseModel, TypeAdapter

from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import Fault, World

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp()
MODEL = "claude-haiku-5-5"
ASK = [{"role": "user", "content": "Gdzie jest moja paczka? Где посылка?"}]


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
def client(url):
    with anthropic.Anthropic(
        api_key="k",
        base_url=url,
        max_retries=0,
        http_client=httpx2.Client(trust_env=False),
        _strict_response_validation=True,
    ) as made:
        yield made


def plain(value):
    """Return a model's values, and fail where it holds a field that the SDK does not name."""
    if isinstance(value, BaseModel):
        assert not value.model_extra, f"{type(value).__name__} has no {sorted(value.model_extra)}"
        return {name: plain(getattr(value, name)) for name in type(value).model_fields}
    return [plain(item) for item in value] if isinstance(value, list) else value


def raw(url, method, path, body=None, **headers):
    sent = {"x-api-key": "k", "anthropic-version": "2026-10-21", **headers}
    with httpx2.Client(trust_env=False) as http:
        return http.request(method, url + path, json=body, headers=sent)


def strict(type_, data):
    found = TypeAdapter(type_).validate_python(data)
    plain(found)
    return found


def test_a_message_has_the_fields_of_the_sdk_and_no_others(client, url):
    message = client.messages.create(model=MODEL, max_tokens=50, messages=ASK)
    assert plain(message)["content"][0]["text"].endswith("Где посылка?")
    assert (message.stop_reason, message.model) == ("end_turn", MODEL)
    assert message.usage.input_tokens > 5
    body = {"model": MODEL, "max_tokens": 50, "messages": ASK}
    strict(Message, raw(url, "POST", "/v1/messages", body).json())


def test_a_stream_has_the_events_of_the_sdk_in_their_order(url):
    body = {"model": MODEL, "max_tokens": 50, "messages": ASK, "stream": True}
    answer = raw(url, "POST", "/v1/messages", body)
    assert answer.headers["content-type"] == "text/event-stream"
    blocks = [block.split("\n") for block in answer.text.strip().split("\n\n")]
    names = [lines[0].removeprefix("event: ") for lines in blocks]
    assert names[:3] == ["message_start", "content_block_start", "ping"]
    assert names[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(names[3:-3]) == {"content_block_delta"}
    for name, lines in zip(names, blocks, strict=True):
        data = json.loads(lines[1].removeprefix("data: "))
        assert data["type"] == name
        if name != "ping":  # the SDK drops it
            strict(RawMessageStreamEvent, data)


def test_the_sdk_puts_a_streamed_message_together(client):
    with client.messages.stream(model=MODEL, max_tokens=50, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text
    assert final.usage.output_tokens > 5


def test_the_longest_answer_and_stop_sequences_end_one(client):
    short = client.messages.create(model=MODEL, max_tokens=3, messages=ASK)
    assert short.stop_reason == "max_tokens"
    assert short.usage.output_tokens <= 3
    stopped = client.messages.create(
        model=MODEL, max_tokens=50, messages=ASK, stop_sequences=["jest"]
    )
    assert (stopped.stop_reason, stopped.stop_sequence) == ("stop_sequence", "jest")
    assert "jest" not in stopped.content[0].text


def test_a_marked_prefix_is_written_to_the_cache_once_and_then_read(client, world):
    text = {"type": "text", "text": "zasada " * 1500, "cache_control": {"type": "ephemeral"}}

    def ask():
        return client.messages.create(model=MODEL, max_tokens=9, system=[text], messages=ASK).usage

    first, second = ask(), ask()
    assert first.cache_creation_input_tokens == 1500
    assert first.cache_creation.ephemeral_5m_input_tokens == 1500
    assert (second.cache_creation_input_tokens, second.cache_read_input_tokens) == (0, 1500)
    assert first.input_tokens == second.input_tokens
    world.pass_time(301)
    assert ask().cache_creation_input_tokens == 1500


def test_a_prefix_below_the_floor_is_silently_not_cached(client):
    text = {"type": "text", "text": "krótko", "cache_control": {"type": "ephemeral"}}
    usage = client.messages.create(model=MODEL, max_tokens=9, system=[text], messages=ASK).usage
    assert (usage.cache_creation_input_tokens, usage.cache_read_input_tokens) == (0, 0)


def test_tokens_are_counted_as_an_answer_counts_them(client, url):
    counted = client.messages.count_tokens(model=MODEL, system="Bądź miły.", messages=ASK)
    answered = client.messages.create(model=MODEL, max_tokens=9, system="Bądź miły.", messages=ASK)
    assert counted.input_tokens == answered.usage.input_tokens
    body = {"model": MODEL, "messages": ASK}
    strict(MessageTokensCount, raw(url, "POST", "/v1/messages/count_tokens", body).json())


def test_models_are_listed_page_by_page_without_the_retired(client, url):
    models = list(client.models.list(limit=3))
    ids = [model.id for model in models]
    assert len(ids) == len(set(ids)) > 10
    assert {m.lifecycle for m in models} == {"active", "deprecated"}
    assert "claude-sonnet-4-20250514" not in ids
    ending = next(m for m in models if m.id == "claude-sonnet-4-5-20250929")
    assert ending.retires_at == datetime(2026, 11, 30, tzinfo=UTC)
    for model in models:
        plain(model)
    page = raw(url, "GET", "/v1/models?limit=2").json()
    assert set(page) == {"data", "has_more", "first_id", "last_id"}
    strict(ModelInfo, page["data"][0])


def test_pages_lead_backwards_too(client):
    ids = [model.id for model in client.models.list(limit=1000)]
    page = client.models.list(before_id=ids[5], limit=2)
    assert [m.id for m in page.data] == ids[3:5]
    assert page.has_more
    assert [m.id for m in page] == [*ids[3:5], *ids[1:3], ids[0]]


def test_retired_models_are_listed_only_when_asked_for(client):
    retired = list(client.models.list(lifecycle=["retired"], limit=1000))
    assert {m.lifecycle for m in retired} == {"retired"}
    assert client.models.retrieve("claude-sonnet-4-0").id == "claude-sonnet-4-20250514"


def test_a_model_retires_by_the_clock_of_the_world(client, world):
    name = "claude-sonnet-4-5-20250929"
    with pytest.warns(DeprecationWarning, match="claude-sonnet-4-5"):
        client.messages.create(model=name, max_tokens=9, messages=ASK)
    world.pass_time(9 * 24 * 3600)
    with (
        pytest.warns(DeprecationWarning, match="claude-sonnet-4-5"),
        pytest.raises(anthropic.NotFoundError),
    ):
        client.messages.create(model=name, max_tokens=9, messages=ASK)
    assert client.models.retrieve(name).lifecycle == "retired"


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"model": "claude-99"}, 404, "model: claude-99"),
        ({"model": None}, 404, "model:"),
        ({"max_tokens": 0}, 400, "max_tokens"),
        ({"max_tokens": "9"}, 400, "max_tokens"),
        ({"messages": []}, 400, "at least one message"),
        ({"messages": [{"role": "system", "content": "x"}]}, 400, "messages.0.role"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "first message"),
        ({"messages": [{"role": "user", "content": ""}]}, 400, "non-empty"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, 400, "content block"),
        ({"messages": ["x"]}, 400, "messages.0"),
        ({"system": 3}, 400, "system"),
        ({"suffix": "x"}, 400, "suffix: Extra inputs"),
        ({"temperature": 0.2}, 400, "temperature"),
        ({"top_k": 3, "model": "claude-opus-4-7"}, 400, "top_k"),
    ],
)
def test_what_the_service_refuses_is_refused_in_its_shape(url, change, status, words):
    body = {"model": MODEL, "max_tokens": 9, "messages": ASK, **change}
    answer = raw(url, "POST", "/v1/messages", body)
    assert answer.status_code == status
    error = strict(ErrorResponse, answer.json())
    assert words in error.error.message
    assert error.request_id == answer.headers["request-id"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5", "claude-opus-4-6", "claude-opus-4-5"])
def test_older_models_still_take_a_temperature(url, model):
    body = {"model": model, "max_tokens": 9, "messages": ASK, "temperature": 0.2}
    assert raw(url, "POST", "/v1/messages", body).status_code == 200


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 413, 429, 500, 503, 504, 529])
def test_an_ordered_fault_has_the_shape_of_the_service(cloud, status):
    answer = cloud.refusal(status, "tak miało być")
    strict(ErrorResponse, json.loads(answer.body))


def test_every_answer_names_the_request_the_organization_and_the_limits(url, cloud):
    for answer in (raw(url, "GET", "/v1/models"), raw(url, "GET", "/v1/nowhere")):
        assert answer.headers["request-id"].startswith("req_")
        assert answer.headers["anthropic-organization-id"] == cloud.organization
        assert answer.headers["anthropic-ratelimit-requests-limit"] == "4000"


def test_who_shows_no_key_or_a_wrong_one_is_refused(url, cloud):
    assert raw(url, "GET", "/v1/models", **{"x-api-key": ""}).status_code == 401
    cloud.keys = frozenset({"right"})
    answer = raw(url, "GET", "/v1/models")
    assert (answer.status_code, answer.json()["error"]["type"]) == (401, "authentication_error")
    bearer = {"x-api-key": "", "authorization": "Bearer right"}
    assert raw(url, "GET", "/v1/models", **bearer).status_code == 200


def test_who_asks_too_fast_is_told_when_to_come_back(url, cloud, world):
    cloud.requests_a_minute = 2
    codes = [raw(url, "GET", "/v1/models").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    late = raw(url, "GET", "/v1/models")
    world.pass_time(int(late.headers["retry-after"]))
    assert raw(url, "GET", "/v1/models").status_code == 200


def test_what_is_no_json_is_refused_and_nothing_is_ever_left(url, cloud, world):
    with httpx2.Client(trust_env=False) as http:
        headers = {"x-api-key": "k", "anthropic-version": "2026-10-21"}
        answer = http.post(f"{url}/v1/messages", content=b"{", headers=headers)
    assert answer.status_code == 400
    world.faults.append(Fault("status", status=529))
    assert raw(url, "GET", "/v1/models").json()["error"]["type"] == "overloaded_error"
    assert list(cloud.left()) == []
