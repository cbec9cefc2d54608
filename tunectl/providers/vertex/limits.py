"""What Vertex AI's published limits refuse, said before anything is sent.

Sources: Google Cloud, "Tune Gemini models by using supervised fine-tuning" and "Preference tuning"
(2026-09-25); adapter sizes as answered to users (google-genai issue 908).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunectl.catalog import base_models
from tunectl.catalog.open_models import Weights, open_model
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.vertex.job import ADAPTER_SIZES
from tunectl.providers.vertex.marks import MOST_LABELS, OURS, unfit
from tunectl.providers.vertex.open_limits import OPEN_METHOD, open_limits

TITLE = "Vertex AI"
SERVICE = "vertex"  # in the catalogue
_KNOWN = frozenset({"type", "epochs", "learning_rate_multiplier", "beta", "lora_r", "lora"})
_OF_OPEN = frozenset({"learning_rate", "batch_size", "lora"})
_NO_ERROR = ("unused-", "unsure-")
_LARGE_ADAPTER = 16  # not for the Pro models

_Found = Iterator[tuple[str, str, str]]


def check_job(provider: str, location: str, resource: Resource) -> Iterator[Diagnostic]:
    """Yield what the service would refuse, as far as the settings are known before the apply.

    Args:
        provider: its name under `providers:`.
        location: where the job would run.
        resource: the job.
    """
    for code, summary, hint in (
        *_base(resource.spec.get("base_model")),
        *_place(resource.spec.get("base_model"), location),
        *_method(resource.spec, location),
        *_extras(resource),
    ):
        yield Diagnostic(
            summary=f"{TITLE} {summary}",
            severity=Severity.WARNING if code.startswith(_NO_ERROR) else Severity.ERROR,
            hint=hint,
            code=f"provider-{code}",
            address=str(resource.address),
            source=resource.source,
            detail=f"provider `{provider}`",
        )


def _base(base: Value) -> _Found:
    if not isinstance(base, str) or base.startswith("projects/"):
        return
    found = open_model(base)
    if found is not None and found.weights is not Weights.GARDEN:
        yield (
            "open-model",
            f"tunes open models by their names in Model Garden, and `{base}` is none",
            (
                "such as `meta/llama3_1@llama-3.1-8b-instruct`; any model of Hugging Face can be "
                "tuned with `provider: local`, or on a GPU server of your own"
            ),
        )
    elif found is None and not base.startswith("gemini-"):
        names = ", ".join(f"`{name}`" for name in _tunable()) or "none is left"
        yield "base", f"tunes Gemini and open models, and `{base}` is neither", f"it tunes {names}"


def _place(base: Value, location: str) -> _Found:
    known = base_models.find(SERVICE, base) if isinstance(base, str) else None
    if known is None or not known.locations or location in known.locations:
        return
    listed = ", ".join(f"`{one}`" for one in known.locations)
    yield (
        "location",
        f"does not tune `{known.id}` in `{location}`",
        (
            f"it does in {listed} (read {known.source_date}): change `location:` of the provider, "
            "or declare another provider there"
        ),
    )


def _tunable() -> list[str]:
    """Return the base models for which no end is announced."""
    found = (base_models.find(SERVICE, name) for name in base_models.names(SERVICE))
    return list(dict.fromkeys(m.id for m in found if m is not None and m.no_new_jobs is None))


def _method(spec: Mapping[str, Value], location: str) -> _Found:
    method, base = spec.get("method"), spec.get("base_model")
    if not isinstance(method, Mapping):
        return
    if isinstance(base, str) and (known := open_model(base)) is not None:
        yield from open_limits(known, method, location)
        return
    if not isinstance(base, str) and method.keys() & _OF_OPEN and method.keys() <= OPEN_METHOD:
        return  # what is trained further may be an open model
    for name in method:
        if name not in _KNOWN:
            yield "method", f"has no place for `method.{name}`", "leave it out"
    if method.get("lora") is False:
        yield "method", "trains Gemini by adapters only: `method.lora: false`", "leave it out"
    rank = method.get("lora_r")
    if isinstance(rank, int):
        sizes = [size for size in ADAPTER_SIZES if size != _LARGE_ADAPTER or not _pro(base)]
        if rank not in sizes:
            listed = ", ".join(map(str, sizes))
            yield "range", f"takes an adapter size (`method.lora_r`) of {listed}, not {rank}", ""


def _pro(base: Value) -> bool:
    return isinstance(base, str) and base.endswith("-pro")


def _extras(resource: Resource) -> _Found:
    spec = resource.spec
    if spec.get("seed") is not None:
        yield (
            "unused-seed",
            "takes no `seed`: it is part of what makes this job another one, and nothing more",
            "leave it out",
        )
    base = spec.get("base_model")
    if isinstance(base, str) and open_model(base) is not None and spec.get("suffix"):
        yield "unused-suffix", "gives what an open model leaves no name", "remove `suffix:`"
    if spec.get("metadata"):
        yield "metadata", "keeps labels, no `metadata`", "write it under `labels:`"
    if spec.get("integrations"):
        yield "integrations", "reports to no service of `integrations:`", "leave it out"
    for key in unfit(resource.labels):
        yield (
            "unused-label",
            f"cannot keep the label `{key}`",
            (
                "labels there are lower-case letters, digits, `_` and `-`, 63 at most; the label "
                "still counts here"
            ),
        )
    room = MOST_LABELS - len(OURS)
    if len(resource.labels) > room:
        yield "labels", f"keeps {room} labels beside ours, not {len(resource.labels)}", ""
