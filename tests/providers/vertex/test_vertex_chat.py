"""Answers from tuned Gemini and from machines of one's own."""

import json

import pytest

from tests.contracts.handler_contract import settled
from tests.providers.vertex.conftest import BASE
from tests.providers.vertex.dedicated import dedicated_request, registered
from tunectl.core.errors import CredentialsError, NotFoundError, ProviderError, UnavailableError
from tunectl.providers.vertex.chat import _ENDS, messages_of, request_of
from tunectl.providers.vertex.grounding import cited_by
from tunectl.server.clouds.world import Fault

ASK = [
    {"role": "system", "content": "Odpowiadaj krótko."},
    {"role": "user", "content": "Gdzie jest paczka nr 7?"},
]


def answer(provider, model, messages=ASK, **params):
    pieces = list(provider.chat(model, messages, **params))
    return "".join(piece.text for piece in pieces), pieces


def test_a_tuned_gemini_says_what_it_learnt_piece_by_piece(provider, tuned):
    text, pieces = answer(provider, tuned.outputs["model_id"])
    assert text == "Посылка 7 уже в пути. Pozdrawiamy!"
    assert len(pieces) > 2
    assert pieces[-1].finish_reason == "stop"
    assert pieces[-1].prompt_tokens > 0
    assert pieces[-1].completion_tokens > 0


def test_a_model_s_own_name_is_led_to_its_endpoint(provider, tuned):
    assert answer(provider, tuned.outputs["model"])[0].startswith("Посылка 7")


def test_a_base_model_answers_by_its_id(provider):
    assert BASE in answer(provider, BASE)[0]


def test_an_answer_that_is_too_long_says_so(provider, tuned):
    _, pieces = answer(provider, tuned.outputs["model_id"], max_tokens=2)
    assert pieces[-1].finish_reason == "length"


@pytest.mark.parametrize(
    ("piece", "reason"),
    [
        ({"candidates": [{"finishReason": "SAFETY"}]}, "content_filter"),
        ({"candidates": [{"finishReason": "SPII"}]}, "content_filter"),
        ({"promptFeedback": {"blockReason": "JAILBREAK"}}, "content_filter"),
        ({"candidates": [{"finishReason": "MALFORMED_FUNCTION_CALL"}]}, "malformed_function_call"),
    ],
)
def test_what_the_service_filters_is_told_in_the_words_of_others(
    provider, monkeypatch, piece, reason
):
    lines = [json.dumps(piece)]
    monkeypatch.setattr(type(provider.cloud), "post_lines", lambda *_: iter(lines))
    text, pieces = answer(provider, BASE)
    assert (text, pieces[-1].finish_reason) == ("", reason)


def test_every_filter_that_google_names_is_known():
    from google.cloud.aiplatform_v1.types import Candidate, GenerateContentResponse

    blocked = GenerateContentResponse.PromptFeedback.BlockedReason
    names = {one.name for one in (*Candidate.FinishReason, *blocked)}
    unnamed = {n for n in names if "UNSPECIFIED" not in n} - _ENDS.keys()
    assert unnamed == {"OTHER", "MALFORMED_FUNCTION_CALL"}


def test_machines_are_asked_by_predict(clouds, provider):
    endpoints = provider.handlers["endpoint"]
    made = settled(endpoints, endpoints.create(dedicated_request(registered(clouds, "mistral"))))
    text, pieces = answer(provider, made.outputs["model_id"], max_tokens=50)
    assert text.endswith("Gdzie jest paczka nr 7?")
    assert "simulated" in text
    assert pieces[-1].finish_reason == "stop"
    assert any(call.endswith(":predict") for call in clouds.calls())


def test_what_is_not_there_is_not_found(provider, tuned):
    with pytest.raises(NotFoundError):
        answer(provider, f"{tuned.outputs['model_id']}9")
    with pytest.raises(NotFoundError):
        answer(provider, "gemini-1.0-pro-001")


def test_another_s_project_is_refused(clouds, tuned):
    with pytest.raises(CredentialsError):
        answer(clouds.connect(), "projects/acme-other/locations/eu/endpoints/1")


def test_an_answer_that_breaks_off_is_told(clouds, provider, tuned):
    model = tuned.outputs["model_id"]
    clouds.world.faults.append(Fault("lost", path=":streamGenerateContent"))
    with pytest.raises(UnavailableError):
        answer(provider, model)
    clouds.world.faults.append(Fault("status", status=500, path=":streamGenerateContent"))
    with pytest.raises(ProviderError, match="answer with"):
        answer(provider, model)


def test_messages_become_contents_and_what_stands_first_an_instruction():
    talk = [
        {"role": "system", "content": "Krótko."},
        {"role": "developer", "content": [{"type": "text", "text": "По-русски."}]},
        {"role": "user", "content": "Cześć"},
        {"role": "assistant", "content": "Привет"},
        {"role": "user", "content": "Gdzie?"},
    ]
    sent = request_of(talk, {"temperature": 0.2, "max_tokens": 9, "stop": "KONIEC", "top_p": None})
    assert sent["systemInstruction"] == {"parts": [{"text": "Krótko."}, {"text": "По-русски."}]}
    assert [turn["role"] for turn in sent["contents"]] == ["user", "model", "user"]
    assert sent["generationConfig"] == {
        "temperature": 0.2,
        "maxOutputTokens": 9,
        "stopSequences": ["KONIEC"],
    }


def test_a_whole_request_is_sent_as_it_is(provider):
    schema = {"type": "OBJECT", "properties": {"ok": {"type": "BOOLEAN"}}}
    config = {"responseMimeType": "application/json", "responseSchema": schema}
    said = {"role": "user", "parts": [{"text": "Gdzie?"}]}
    body = {"contents": [said], "generationConfig": config}
    pieces = list(provider.answer(BASE, body, max_tokens=50))
    assert json.loads("".join(piece.text for piece in pieces)) == {"ok": True}
    assert (provider.dialect, provider.structured) == ("gemini", True)


def test_what_came_from_the_cache_is_told_and_is_part_of_the_prompt(provider):
    messages = [{"role": "system", "content": "zasada " * 2100}, ASK[1]]
    first, second = (answer(provider, BASE, messages)[1][-1] for _ in range(2))
    assert first.cache_read_tokens == 0
    assert second.cache_read_tokens >= 2100
    assert first.prompt_tokens == second.prompt_tokens > 2100


@pytest.fixture
def machines(clouds, provider):
    endpoints = provider.handlers["endpoint"]
    return settled(endpoints, endpoints.create(dedicated_request(registered(clouds, "mistral"))))


def test_machines_are_told_the_limits_of_a_whole_request(provider, machines):
    body = request_of(ASK, {"max_tokens": 2})
    pieces = list(provider.answer(machines.outputs["model_id"], body))
    assert pieces[-1].finish_reason == "length"
    pieces = list(provider.answer(machines.outputs["model_id"], body, max_tokens=50))
    assert pieces[-1].finish_reason == "stop", "what is asked now goes before the prompt"


def test_an_application_asks_machines_by_a_client_of_openai(machines):
    from openai import OpenAI

    address = str(machines.outputs["base_url"])
    with OpenAI(base_url=address, api_key="token", max_retries=0) as client:
        said = client.chat.completions.create(model="", messages=ASK)
    assert "Gdzie jest paczka nr 7?" in str(said.choices[0].message.content)


def test_machines_get_the_texts_of_a_whole_request():
    body = request_of([*ASK, {"role": "assistant", "content": "Tu."}], {})
    assert messages_of(body) == [*ASK, {"role": "assistant", "content": "Tu."}]


def test_what_an_answer_is_grounded_in_is_told():
    chunks = [{"web": {"uri": "https://a", "title": "A"}}, {"retrievedContext": {"text": "14 dni"}}]
    candidate = {
        "groundingMetadata": {"groundingChunks": chunks},
        "citationMetadata": {"citations": [{"uri": "https://b", "startIndex": 1}]},
    }
    first, second, third = cited_by(candidate)
    assert (first.source, first.title, first.index) == ("https://a", "A", None)
    assert (second.text, second.source) == ("14 dni", "")
    assert (third.source, third.index) == ("https://b", None)
