"""Google's and others' models as the service knows them: what may be tuned, how, where, until when.

Sources: Vertex AI pages "Model versions and lifecycle" (mid-October 2026), "About supervised
fine-tuning" (2026-09-25 and 2026-10-01), "Tune open models" (2026-09-25). New tuning of a model is
blocked one month before it retires. The end of a model is judged by the world's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

_SMALL = ("ONE", "TWO", "FOUR", "EIGHT", "SIXTEEN")
_BLOCKED = timedelta(days=30)
VERSIONS_PAGE = "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One model of a publisher.

    Attributes:
        id: `gemini-3.5-flash`; open models have a version behind `@`.
        publisher: `google`, `meta`.
        tunes: the methods by which it may be tuned.
        ends: the day it is retired.
        regions: where it may be tuned; empty for every location.
        multi_region: what is tuned from it is served in `us` and `eu` only.
        own_keys: whether customer-managed encryption keys may be used.
        adapters: adapter sizes that the service takes.
        eula: whether Model Garden deploys it only for those who accept its licence.
    """

    id: str
    publisher: str = "google"
    tunes: tuple[str, ...] = ()
    ends: date | None = None
    regions: tuple[str, ...] = ()
    multi_region: bool = False
    own_keys: bool = True
    adapters: tuple[str, ...] = _SMALL
    eula: bool = False

    @property
    def name(self) -> str:
        """Its resource name: `publishers/google/models/gemini-3.5-flash`."""
        return f"publishers/{self.publisher}/models/{self.id}"

    @property
    def is_open(self) -> bool:
        """Whether its weights can be had; such models are tuned and served in another way."""
        return "@" in self.id

    def retired(self, day: date) -> bool:
        """Whether it answers no more."""
        return self.ends is not None and day >= self.ends

    def closed(self, day: date) -> bool:
        """Whether it takes no new tuning jobs."""
        return self.ends is not None and day >= self.ends - _BLOCKED


_BOTH = ("supervised", "preference")
_TUNED_IN = ("us-central1", "europe-west4", "global")
_OPEN_IN = (
    "global", "us-central1", "europe-west4", "us-west1", "us-east5", "asia-southeast1",
    "asia-southeast2",
)  # fmt: skip
_OCTOBER = date(2026, 10, 20)
PUBLISHED = (
    Published(id="gemini-4-argon"),
    Published(id="gemini-3.8-flash"),
    Published(
        id="gemini-3.5-flash", tunes=_BOTH, regions=_TUNED_IN, multi_region=True, own_keys=False
    ),
    Published(
        id="gemini-3.5-flash-lite",
        tunes=_BOTH,
        regions=_TUNED_IN,
        multi_region=True,
        own_keys=False,
    ),
    Published(
        id="gemini-3.1-flash-lite",
        tunes=_BOTH,
        regions=_TUNED_IN,
        multi_region=True,
        own_keys=False,
    ),
    Published(id="gemini-2.5-pro", tunes=_BOTH, ends=_OCTOBER),
    Published(id="gemini-2.5-flash", tunes=_BOTH, ends=_OCTOBER),
    Published(id="gemini-2.5-flash-lite", tunes=_BOTH, ends=_OCTOBER),
    *(
        Published(
            id=id_,
            publisher=publisher,
            tunes=("supervised",),
            regions=_OPEN_IN,
            adapters=(*_SMALL, "THIRTY_TWO"),
            eula=publisher != "qwen",
        )
        for publisher, id_ in (
            ("google", "gemma4@gemma-4-31b-it"),
            ("google", "gemma3@gemma-3-1b-it"),
            ("google", "gemma3@gemma-3-27b-it"),
            ("meta", "llama3_1@llama-3.1-8b-instruct"),
            ("meta", "llama3_1@llama-3.1-8b"),
            ("meta", "llama3-3@llama-3.3-70b-instruct"),
            ("qwen", "qwen3@qwen3-8b"),
            ("qwen", "qwen3@qwen3-32b"),
        )
    ),
)
# Authors at Hugging Face whose models are for those with a token only.
GATED = ("meta-llama/", "google/")

# fmt: off
LOCATIONS = frozenset({
    "global", "us", "eu", "africa-south1", "asia-east1", "asia-east2", "asia-northeast1",
    "asia-northeast3", "asia-south1", "asia-southeast1", "asia-southeast2", "australia-southeast1",
    "australia-southeast2", "europe-central2", "europe-north1", "europe-southwest1",
    "europe-west1", "europe-west12", "europe-west2", "europe-west3", "europe-west4",
    "europe-west6", "europe-west8", "europe-west9", "me-central1", "me-central2", "me-west1",
    "northamerica-northeast1", "northamerica-northeast2", "southamerica-east1",
    "southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1",
    "us-west1", "us-west2", "us-west3", "us-west4",
})
# fmt: on


def find(name: str) -> Published | None:
    """Return the model that a request names: by id, `publisher/id` or resource name."""
    parts = name.removeprefix("publishers/").replace("/models/", "/").split("/")
    publisher, model = (parts[0], parts[1]) if len(parts) == 2 else ("google", name)
    return next((m for m in PUBLISHED if (m.publisher, m.id) == (publisher, model)), None)


def serving_location(model: Published, location: str) -> str:
    """Return where a tuned model is served that was tuned in `location`."""
    if not model.multi_region:
        return location
    return "eu" if location.startswith("eu") else "us"
