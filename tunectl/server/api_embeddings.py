"""`POST /v1/embeddings`: the embedding models of the local retriever, in OpenAI's words."""

from __future__ import annotations

import base64
from typing import Any

from tunectl.retrieval import tokens
from tunectl.retrieval.embedding import MODELS, Embedder, embedder, needed
from tunectl.retrieval.errors import MissingEmbedderError
from tunectl.server.service import Service
from tunectl.server.wire import ApiError, Call, Reply

_KNOWN = frozenset({"input", "model", "encoding_format", "dimensions", "user"})
_MOST = 2048  # openai 3.54.0, types of `embeddings`: dimensions of the input array
_QUESTION, _PASSAGE = "query: ", "passage: "  # as the model card of multilingual-e5-small has them


def create(_service: Service, call: Call) -> Reply:
    """POST /embeddings: one vector of length 1 for each text.

    `multilingual-e5-small` tells questions from passages: a text that begins with `query: ` is
    embedded as a question, any other as a passage. Tokens are estimated.

    Raises:
        ApiError: the request is refused, or the model is not installed here.
    """
    body = call.body(_KNOWN)
    model, texts = _model(body.get("model")), _texts(body.get("input"))
    encoding = body.get("encoding_format") or "float"
    if encoding not in {"float", "base64"}:
        raise ApiError(
            400, "Invalid 'encoding_format': expected 'float' or 'base64'.", "encoding_format"
        )
    width = MODELS[model].dimensions
    if body.get("dimensions") not in {None, width}:
        raise ApiError(400, f"Invalid 'dimensions': '{model}' has {width}.", "dimensions")
    used = sum(tokens.count(text) for text in texts)
    return Reply(
        {
            "object": "list",
            "model": model,
            "data": [
                {"object": "embedding", "index": at, "embedding": vector}
                for at, vector in enumerate(_vectors(embedder(model), texts, encoding))
            ],
            "usage": {"prompt_tokens": used, "total_tokens": used},
        }
    )


def _model(value: object) -> str:
    if not isinstance(value, str) or value not in MODELS:
        known = ", ".join(f"'{name}'" for name in MODELS)
        raise ApiError(
            404,
            f"The model '{value}' makes no embeddings here; those that do are {known}.",
            "model",
            code="model_not_found",
        )
    try:
        needed(value)
    except MissingEmbedderError as error:
        raise ApiError(400, f"{error}.", "model", code="model_not_installed") from error
    return value


def _texts(value: object) -> list[str]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not 0 < len(texts) <= _MOST:
        raise ApiError(400, f"Invalid 'input': expected a text or 1 to {_MOST} texts.", "input")
    if not all(isinstance(text, str) for text in texts):
        raise ApiError(
            400, "Invalid 'input': this server takes texts, not tokens.", "input",
            code="unsupported_value",
        )  # fmt: skip
    if not all(text.strip() for text in texts):
        raise ApiError(400, "Invalid 'input': a text is empty.", "input")
    return texts


def _vectors(model: Embedder, texts: list[str], encoding: str) -> list[Any]:
    found: list[Any] = []
    for text in texts:
        if text.startswith(_QUESTION):
            vector = model.query(text.removeprefix(_QUESTION))
        else:
            vector = model.passages([text.removeprefix(_PASSAGE)])[0]
        exact = vector.astype("<f4")
        if encoding == "base64":
            found.append(base64.b64encode(exact.tobytes()).decode("ascii"))
        else:
            found.append([float(number) for number in exact])
    return found
