"""Open models at Vertex AI: where Model Garden takes the weights of each, and which it tunes.

The forms are those of `vertexai.model_garden.OpenModel` (google-cloud-aiplatform 2.7.0) and of
`gcloud ai model-garden models deploy --model` (2026-11).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from enum import Enum
from functools import cache
from pkgutil import get_data

from tunectl.core.dataclass import dataclass

_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_FULL = re.compile(rf"publishers/{_NAME}/models/{_NAME}@{_NAME}")
_SHORT = re.compile(rf"({_NAME})/({_NAME}@{_NAME})")
_HUB = re.compile(rf"{_NAME}/({_NAME})")
_WEIGHTS = re.compile(r"gs://[a-z0-9][a-z0-9._-]+/\S+")


class Weights(Enum):
    """Where the weights of an open model are."""

    GARDEN = "Model Garden"
    HUB = "Hugging Face"
    BUCKET = "Cloud Storage"


@dataclass(frozen=True, slots=True)
class OpenModel:
    """An open model, as Model Garden is told of it.

    Attributes:
        name: `publishers/P/models/M@V`, a model's id at Hugging Face in small letters, or a folder
            `gs://BUCKET/FOLDER` of weights in the form of Hugging Face.
    """

    weights: Weights
    name: str

    @property
    def short(self) -> str:
        """The name as tuning jobs take it: `meta/llama3_1@llama-3.1-8b-instruct`."""
        return self.name.removeprefix("publishers/").replace("/models/", "/", 1)

    @property
    def page(self) -> str:
        """Where its card and its licence are to be read, in words.

        The address is that of Google's model cards (documentation of Gemma, read 2026-11-23).
        """
        if self.weights is Weights.BUCKET:
            return "whoever published the weights"
        if self.weights is Weights.HUB:
            return f"the card of `{self.name}` at Hugging Face"
        _, publisher, _, model = self.name.split("/")
        card = f"publishers/{publisher}/model-garden/{model.partition('@')[0]}"
        return f"https://console.cloud.google.com/vertex-ai/{card}"


def open_model(text: str) -> OpenModel | None:
    """Read the name of an open model; None where it is none, such as a Gemini's.

    >>> open_model("google/gemma3@gemma-3-1b-it").name
    'publishers/google/models/gemma3@gemma-3-1b-it'
    >>> open_model("gemini-3.5-flash") is None
    True
    """
    if _WEIGHTS.fullmatch(text):
        return OpenModel(Weights.BUCKET, text.rstrip("/"))
    if _FULL.fullmatch(text):
        return OpenModel(Weights.GARDEN, text.lower())
    if found := _SHORT.fullmatch(text):
        return OpenModel(Weights.GARDEN, f"publishers/{found[1]}/models/{found[2]}".lower())
    if (found := _HUB.fullmatch(text)) and not found[1].lower().startswith("gemini-"):
        return OpenModel(Weights.HUB, text.lower())
    return None


FULL, ADAPTER = "full", "adapter"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is known of tuning open models.

    Attributes:
        locations: where it is done.
        adapter_sizes: ranks of an adapter that are taken.
        modes: by the name of a model `FULL`, `ADAPTER` or both; empty where that is not known.
        source: where that is said.
        source_date: when it was read there.
    """

    locations: tuple[str, ...]
    adapter_sizes: tuple[int, ...]
    modes: Mapping[str, tuple[str, ...]]
    source: str
    source_date: date


@cache
def open_tuning() -> Tuning:
    """Return what is known of tuning open models."""
    raw = json.loads(get_data("tunectl.catalog", "open_models.json") or b"")
    return Tuning(
        locations=tuple(raw["locations"]),
        adapter_sizes=tuple(raw["adapter_sizes"]),
        modes={one["id"]: tuple(one["modes"]) for one in raw["tunable"]},
        source=raw["source"],
        source_date=date.fromisoformat(raw["source_date"]),
    )
