"""Inference: `generateContent` for Gemini, `predict` and `rawPredict` for what has machines.

Models have no weights: a tuned one repeats the answer of the training row nearest to the question,
any other says that it is simulated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson

from tunectl.server.clouds.vertex import bases, endpoints
from tunectl.server.clouds.vertex.calls import Call
from tunectl.server.clouds.vertex.ledger import Kept, Ledger, Registered
from tunectl.server.clouds.vertex.refusals import invalid, missing, precondition
from tunectl.server.clouds.vertex.rows import text_of
from tunectl.server.clouds.wire import Answered
from tunectl.server.schema_answers import fitting
from tunectl.server.simulated_answers import count_tokens, nearest_answer

_PIECE = re.compile(r"\s*\S+\s*")
_SAMPLES = 4  # pieces of a stream
_PREDICT = (
    "Gemini cannot be accessed through Vertex Predict/RawPredict API. Please follow "
    "https://cloud.google.com/vertex-ai/docs/generative-ai/start/quickstarts/quickstart-multimodal "
    "for Gemini usage."
)


def generate(call: Call) -> Answered:
    """`POST …:generateContent`."""
    response, _ = _generated(call)
    return call.answer("GenerateContentResponse", response)


def stream(call: Call) -> Answered:
    """`POST …:streamGenerateContent`: server-sent events with `alt=sse`, else one JSON array."""
    response, text = _generated(call)
    words = _PIECE.findall(text) or [text]
    size = max(1, -(-len(words) // _SAMPLES))
    chunks = ["".join(words[at : at + size]) for at in range(0, len(words), size)]
    last = response["candidates"][0]["finishReason"]
    sent: list[Kept] = []
    for number, chunk in enumerate(chunks, start=1):
        ends = number == len(chunks)
        candidate = {"content": _content(chunk), **({"finishReason": last} if ends else {})}
        part = {key: value for key, value in response.items() if key != "usageMetadata"}
        part["candidates"] = [candidate]
        if ends:
            part["usageMetadata"] = response["usageMetadata"]
        sent.append(call.form("GenerateContentResponse", part))
    if call.asked.param("alt") == "sse":
        return Answered(200, b"", {"content-type": "text/event-stream"}, _events(sent))
    return Answered(200, b"", {"content-type": "application/json"}, _array(sent))


def _events(sent: list[Kept]) -> Iterator[bytes]:
    for each in sent:
        yield b"data: " + orjson.dumps(each) + b"\r\n\r\n"


def _array(sent: list[Kept]) -> Iterator[bytes]:
    for number, each in enumerate(sent):
        yield (b"[" if number == 0 else b",\r\n") + orjson.dumps(each)
    yield b"]"


def count(call: Call) -> Answered:
    """`POST …:countTokens`."""
    _speaker(call)
    body = call.body("CountTokensRequest")
    texts = [text_of(each) for each in (*body.get("contents", []), _system(body))]
    tokens = sum(count_tokens(text) for text in texts)
    characters = sum(len("".join(text.split())) for text in texts)
    detail = [{"modality": "TEXT", "tokenCount": tokens}]
    shown = {"totalTokens": tokens, "totalBillableCharacters": characters}
    return call.answer("CountTokensResponse", {**shown, "promptTokensDetails": detail})


def _system(body: Kept) -> Kept:
    said: Kept = body.get("systemInstruction", {})
    return said


def _generated(call: Call) -> tuple[Kept, str]:
    ledger = call.ledger
    base, model, put = _speaker(call)
    body = call.body("GenerateContentRequest")
    question = _question(body)
    text = _said(base, model, put, question)
    config = body.get("generationConfig", {})
    schema = config.get("responseJsonSchema") or config.get("responseSchema")
    if schema:
        text = fitting(schema, text)
    text, reason = _limited(text, config)
    asked = sum(count_tokens(text_of(each)) for each in (*body["contents"], _system(body)))
    said = count_tokens(text)
    parts = [text_of(each) for each in (_system(body), *body["contents"])]
    cached = ledger.prompts.read(base, parts)
    usage: Kept = {
        "promptTokenCount": asked,
        "candidatesTokenCount": said,
        "totalTokenCount": asked + said,
        "trafficType": "ON_DEMAND",
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": asked}],
        "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": said}],
    }
    if cached:
        usage["cachedContentTokenCount"] = cached
    version = base if model is None else f"{model.name}@{put['modelVersionId']}"
    response: Kept = {
        "candidates": [{"content": _content(text), "finishReason": reason}],
        "usageMetadata": usage,
        "modelVersion": version,
        "createTime": ledger.stamp(),
        "responseId": ledger.new_id(),
    }
    return response, text


def _content(text: str) -> Kept:
    return {"role": "model", "parts": [{"text": text}]}


def _question(body: Kept) -> str:
    contents = body.get("contents", [])
    if not contents:
        raise invalid(
            "Unable to submit request because at least one contents field is required. Learn more: "
            "https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/gemini"
        )
    for turn in contents:
        if turn.get("role", "user") not in {"user", "model"}:
            raise invalid("Please use a valid role: user, model.")
        if not turn.get("parts"):
            raise invalid("Unable to submit request because it must have a text parameter.")
    asked = [text_of(turn) for turn in contents if turn.get("role", "user") == "user"]
    return asked[-1] if asked else ""


def _said(base: str, model: Registered | None, put: Kept, question: str) -> str:
    pairs = model.pairs.get(put["modelVersionId"], ()) if model is not None else ()
    answer = nearest_answer(pairs, question)
    return answer if answer is not None else f"[{base}, simulated, no weights] {question}"


def _limited(text: str, config: Kept) -> tuple[str, str]:
    cuts = [at for stop in config.get("stopSequences", []) if (at := text.find(stop)) >= 0]
    text = text[: min(cuts)] if cuts else text
    most = config.get("maxOutputTokens")
    if most is None or count_tokens(text) <= most:
        return text, "STOP"
    kept = ""
    for piece in _PIECE.findall(text):
        if count_tokens(kept + piece) > most:
            break
        kept += piece
    return kept, "MAX_TOKENS"


def _speaker(call: Call) -> tuple[str, Registered | None, Kept]:
    """Return the base, and for a tuned model the model and what is deployed of it."""
    kind = call.rest.partition("/")[0]
    if kind == "models":
        raise invalid(
            f"The Model name {call.name} is malformed and it should be in form of "
            "projects/{project}/locations/{location}/publishers/google/models/{model}"
        )
    if kind == "publishers":
        found = bases.find(call.rest)
        if found is None or found.is_open or found.retired(call.ledger.world.now().date()):
            raise missing(
                f"Publisher Model `projects/{call.ledger.project}/locations/{call.location}/"
                f"{call.rest}` was not found or your project does not have access to it. Please "
                "ensure you are using a valid model version. For more information, see: "
                f"{bases.VERSIONS_PAGE}"
            )
        return found.id, None, {}
    model, put = _served(call.ledger, call.name)
    if not model.base:
        raise precondition(f"The Endpoint {call.name} does not serve generateContent; use predict.")
    base = bases.find(model.base)
    if base is not None and base.retired(call.ledger.world.now().date()):
        raise missing(f"The base model {base.id} of {model.name} was retired on {base.ends}.")
    return model.base, model, put


def _served(ledger: Ledger, name: str) -> tuple[Registered, Kept]:
    """Return what gets the most traffic on an endpoint."""
    kept = endpoints.find(ledger, name)
    split: dict[str, int] = kept["trafficSplit"]
    if not kept["deployedModels"] or not split:
        raise precondition(f"The Endpoint {name} has no deployed model that gets traffic.")
    put = endpoints.deployed(kept, max(split, key=lambda key: split[key]))
    model = ledger.models.get(put["model"])
    if model is None:
        raise missing(f"The Model does not exist: {put['model']}.")
    return model, put


def predict(call: Call) -> Answered:
    """`POST …:predict`: an answer to each instance, as the text containers give it."""
    model, put = _machines(call)
    instances = call.body("PredictRequest").get("instances", [])
    if not instances:
        raise invalid("Missing required field: instances", "instances")
    shown = {
        "predictions": _predictions(call.ledger, model, put, instances),
        "deployedModelId": put["id"],
        "model": model.name,
        "modelVersionId": put["modelVersionId"],
        "modelDisplayName": put["displayName"],
    }
    return call.answer("PredictResponse", shown)


def raw_predict(call: Call) -> Answered:
    """`POST …:rawPredict` and `…/chat/completions`: whatever the container answers."""
    model, put = _machines(call)
    body = call.raw()
    if not isinstance(body, dict):
        raise invalid("The body must be a JSON object.")
    if "messages" in body:
        return Answered.of(_chat(call.ledger, model, put, body))
    instances = body.get("instances", [body])
    if not isinstance(instances, list):
        raise invalid("`instances` must be a list.", "instances")
    return Answered.of({"predictions": _predictions(call.ledger, model, put, instances)})


def _machines(call: Call) -> tuple[Registered, Kept]:
    if call.rest.startswith("publishers/"):
        raise precondition(_PREDICT)
    model, put = _served(call.ledger, call.name.removesuffix("/chat/completions"))
    if model.base:
        raise precondition(_PREDICT)
    return model, put


def _predictions(ledger: Ledger, model: Registered, put: Kept, instances: list[Any]) -> list[Any]:
    found: list[Any] = []
    for each in instances:
        if isinstance(each, dict) and each.get("@requestFormat") == "chatCompletions":
            found.append(_chat(ledger, model, put, each))
        else:
            prompt = each.get("prompt", "") if isinstance(each, dict) else str(each)
            answer = _said(put["displayName"], model, put, str(prompt))
            found.append(f"Prompt:\n{prompt}\nOutput:\n{answer}")
    return found


def _messages(body: Kept) -> list[tuple[str, str]]:
    """Return the messages of a chat as (role, text).

    Raises:
        Refused: they are none.
    """
    said = body.get("messages")
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise invalid("`messages` must be a list of messages.", "messages")
    return [(str(each.get("role", "")), str(each.get("content", ""))) for each in said]


def _choice(text: str, ended: str) -> Kept:
    message = {"role": "assistant", "content": text}
    return {"index": 0, "message": message, "finish_reason": ended}


def _chat(ledger: Ledger, model: Registered, put: Kept, body: Kept) -> Kept:
    messages = _messages(body)
    question = next((text for role, text in reversed(messages) if role == "user"), "")
    text = _said(put["displayName"], model, put, question)
    stop = body.get("stop") or []
    limits = {
        "maxOutputTokens": body.get("max_tokens"),
        "stopSequences": [stop] if isinstance(stop, str) else stop,
    }
    text, ended = _limited(text, limits)
    asked = sum(count_tokens(text) for _, text in messages)
    said = count_tokens(text)
    return {
        "id": f"chatcmpl-{ledger.new_id()}",
        "object": "chat.completion",
        "created": int(ledger.world.now().timestamp()),
        "model": body.get("model") or put["displayName"],
        "choices": [_choice(text, "length" if ended == "MAX_TOKENS" else "stop")],
        "usage": {
            "prompt_tokens": asked,
            "completion_tokens": said,
            "total_tokens": asked + said,
        },
    }
