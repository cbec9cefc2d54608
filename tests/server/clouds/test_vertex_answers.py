"""Inference of the Vertex wire: generateContent of Gemini, predict of what has machines."""

from __future__ import annotations

import pytest
from google.api_core import exceptions

from tests.server.clouds.test_vertex_endpoints import deploy, uploaded
from tests.server.clouds.vertex_world import PARENT, cloud, done

QUESTION = {"role": "user", "parts": [{"text": "Gdzie jest paczka numer 7?"}]}
ANSWER = "Paczka 7 jest już w drodze. Поздравляем!"


@pytest.fixture(scope="module")
def vertex():
    with cloud() as running:
        yield running


@pytest.fixture(scope="module")
def job(vertex):
    return vertex.tuned()


@pytest.fixture(scope="module")
def machine(vertex):
    """An endpoint with a model that needs machines."""
    body = {"display_name": "własny"}
    endpoint = done(vertex.endpoints.create_endpoint(parent=PARENT, endpoint=body)).name
    deploy(vertex, endpoint, uploaded(vertex), {"0": 100})
    return endpoint


@pytest.fixture(scope="module")
def prediction(vertex):
    return vertex.client("PredictionServiceClient")


def test_a_tuned_model_answers_as_its_nearest_row(prediction, job):
    answer = prediction.generate_content(model=job.tuned_model.endpoint, contents=[QUESTION])
    candidate = answer.candidates[0]
    assert candidate.content.parts[0].text == ANSWER
    assert candidate.finish_reason.name == "STOP"
    usage = answer.usage_metadata
    assert usage.total_token_count == usage.prompt_token_count + usage.candidates_token_count > 0
    assert answer.model_version == job.tuned_model.model


def test_a_stream_says_the_same_in_pieces_and_counts_at_the_end(prediction, job):
    request = {"model": job.tuned_model.endpoint, "contents": [QUESTION]}
    pieces = list(prediction.stream_generate_content(request=request))
    assert len(pieces) > 1
    assert "".join(p.candidates[0].content.parts[0].text for p in pieces) == ANSWER
    assert [p.usage_metadata.total_token_count > 0 for p in pieces] == [False] * (
        len(pieces) - 1
    ) + [True]


def test_a_stream_of_events_is_what_googles_other_client_reads(vertex, job):
    from google import genai
    from google.genai import types
    from google.oauth2.credentials import Credentials

    client = genai.Client(
        vertexai=True,
        project="acme-ml",
        location="us-central1",
        credentials=Credentials("fake"),
        http_options=types.HttpOptions(base_url=vertex.url),
    )
    config = types.GenerateContentConfig(system_instruction="Krótko.", temperature=0.0)
    pieces = list(
        client.models.generate_content_stream(
            model=job.tuned_model.endpoint, contents=QUESTION["parts"][0]["text"], config=config
        )
    )
    assert "".join(piece.text for piece in pieces) == ANSWER
    assert pieces[-1].usage_metadata.candidates_token_count > 0
    with_base = client.models.generate_content(model="gemini-3.5-flash", contents="Cześć")
    assert with_base.text == "[gemini-3.5-flash, simulated, no weights] Cześć"
    assert client.models.count_tokens(model="gemini-3.5-flash", contents="Cześć").total_tokens == 1
    names = [model.name for model in client.models.list()]
    assert "publishers/google/models/gemini-3.5-flash" in names


def test_an_answer_ends_where_it_is_told_to(prediction, job):
    request = {"model": job.tuned_model.endpoint, "contents": [QUESTION]}
    short = prediction.generate_content(
        request={**request, "generation_config": {"max_output_tokens": 3}}
    )
    assert short.candidates[0].finish_reason.name == "MAX_TOKENS"
    assert short.usage_metadata.candidates_token_count <= 3
    cut = prediction.generate_content(
        request={**request, "generation_config": {"stop_sequences": ["już"]}}
    )
    assert cut.candidates[0].content.parts[0].text == "Paczka 7 jest "


def test_the_name_of_the_model_is_no_address(vertex, job):
    path = f"v1/{job.tuned_model.model.removesuffix('@1')}:generateContent"
    status, said = vertex.rest("POST", path, {"contents": [QUESTION]})
    assert (status, said["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert "is malformed" in said["error"]["message"]


def test_predict_on_gemini_is_refused_with_the_reason(prediction, job):
    with pytest.raises(exceptions.BadRequest, match="cannot be accessed through Vertex Predict"):
        prediction.predict(endpoint=job.tuned_model.endpoint, instances=[{"prompt": "a"}])


def test_generate_on_machines_is_refused(prediction, machine):
    with pytest.raises(exceptions.BadRequest, match="use predict"):
        prediction.generate_content(model=machine, contents=[QUESTION])


def test_machines_predict_each_instance(prediction, machine):
    answer = prediction.predict(endpoint=machine, instances=[{"prompt": "a"}, {"prompt": "ż"}])
    assert list(answer.predictions) == [
        "Prompt:\na\nOutput:\n[własny, simulated, no weights] a",
        "Prompt:\nż\nOutput:\n[własny, simulated, no weights] ż",
    ]
    assert answer.model_display_name == "własny"


def test_machines_predict_a_chat(vertex, machine):
    message = {"role": "user", "content": "Cześć"}
    body = {"instances": [{"@requestFormat": "chatCompletions", "messages": [message]}]}
    status, said = vertex.rest("POST", f"v1/{machine}:predict", body)
    (chat,) = said["predictions"]
    assert (status, chat["object"]) == (200, "chat.completion")
    assert chat["choices"][0]["message"]["content"] == "[własny, simulated, no weights] Cześć"
    body["instances"][0]["messages"] = "Cześć"
    assert vertex.rest("POST", f"v1/{machine}:predict", body)[0] == 400


@pytest.mark.parametrize("way", [":rawPredict", "/chat/completions"])
def test_machines_answer_chats_raw(vertex, machine, way):
    body = {"messages": [{"role": "user", "content": "Cześć"}]}
    status, said = vertex.rest("POST", f"v1beta1/{machine}{way}", body)
    assert status == 200
    assert said["choices"][0]["message"]["content"] == "[własny, simulated, no weights] Cześć"
    assert said["usage"]["total_tokens"] > 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"contents": []}, "at least one contents field"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}, "valid role"),
        ({"contents": [{"role": "user"}]}, "text parameter"),
        ({"messages": []}, "Cannot find field"),
    ],
)
def test_a_question_of_another_shape_is_refused(vertex, job, body, said):
    path = f"v1/{job.tuned_model.endpoint}:generateContent"
    status, answer = vertex.rest("POST", path, body)
    assert status == 400
    assert said in answer["error"]["message"]


@pytest.mark.parametrize("model", ["gemini-2.5-flash", "gemini-9"])
def test_a_model_that_is_gone_or_never_was_is_not_found(vertex, model):
    path = f"v1/{PARENT}/publishers/google/models/{model}:generateContent"
    status, answer = vertex.rest("POST", path, {"contents": [QUESTION]})
    assert (status, answer["error"]["status"]) == (404, "NOT_FOUND")


def test_a_tuned_model_ends_with_its_base():
    with cloud() as vertex:
        vertex.world.clock = lambda: 1_785_000_000.0  # 2026-07-25
        job = vertex.tuned(base_model="gemini-2.5-flash")
        path = f"v1/{job.tuned_model.endpoint}:generateContent"
        assert vertex.rest("POST", path, {"contents": [QUESTION]})[0] == 200
        vertex.world.pass_time(100 * 86_400)
        assert vertex.rest("POST", path, {"contents": [QUESTION]})[0] == 404


def test_an_endpoint_without_traffic_does_not_answer(vertex):
    body = {"display_name": "pusty"}
    endpoint = done(vertex.endpoints.create_endpoint(parent=PARENT, endpoint=body)).name
    path = f"v1/{endpoint}:generateContent"
    status, answer = vertex.rest("POST", path, {"contents": [QUESTION]})
    assert (status, answer["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_tuned_weights_of_an_open_model_answer_from_machines():
    with cloud() as vertex:
        rows = [{"prompt": f"Pytanie {n}?", "completion": f"Odpowiedź {n}"} for n in range(9)]
        spec = {"training_dataset_uri": vertex.upload(rows)}
        job = {
            "base_model": "google/gemma4@gemma-4-31b-it",
            "output_uri": "gs://acme/out/",
            "supervised_tuning_spec": spec,
        }
        client = vertex.client("GenAiTuningServiceClient", "v1beta1")
        vertex.finished(client.create_tuning_job(parent=PARENT, tuning_job=job))
        weights = "gs://acme/out/postprocess/node-0/checkpoints/final"
        garden = vertex.client("ModelGardenServiceClient", "v1beta1")
        request = {"custom_model": {"gcs_uri": weights}, "destination": PARENT}
        endpoint = done(garden.deploy(request=request)).endpoint
        answer = vertex.client("PredictionServiceClient").predict(
            endpoint=endpoint, instances=[{"prompt": "Pytanie 4?"}]
        )
        assert answer.predictions[0].endswith("Odpowiedź 4")
