"""What Vertex AI's published limits refuse, said before anything is sent.

Sources: Google Cloud, "Tune Gemini models by using supervised fine-tuning" and "Preference tuning"
(2026-09-25); adapter sizes as answered to users (google-genai issue 908).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunectl.catalog import base_models
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.vertex.job import ADAPTER_SIZES
from tunectl.providers.vertex.marks import MOST_LABELS, OURS, unfit

TITLE = "Vertex AI"
SERVICE = "vertex"  # in the catalogue
_KNOWN = frozenset({"type", "epochs", "learning_rate_multiplier", "beta", "lora_r", "lora"})
_LARGE_ADAPTER = 16  # not for the Pro models

_Found = Iterator[tuple[str, str, str]]


def check_job(provider: str, resource: Resource) -> Iterator[Diagnostic]:
    """Yield what the service would refuse, as far as the settings are known before the apply."""
    for code, summary, hint in (
        *_base(resource.spec.get("base_model")),
        *_method(resource.spec),
        *_extras(resource),
    ):
        yield Diagnostic(
            summary=f"{TITLE} {summary}",
            severity=Severity.WARNING if code.startswith("unused-") else Severity.ERROR,
            hint=hint,
            code=f"provider-{code}",
            address=str(resource.address),
            source=resource.source,
            detail=f"provider `{provider}`",
        )


def _base(base: Value) -> _Found:
    if not isinstance(base, str) or base.startswith("projects/"):
        return
    if "@" in base or "/" in base:
        yield (
            "open-model",
            f"tunes open models such as `{base}` by a route that is not managed yet",
            "tune it with `provider: local`, or on a GPU server of your own",
        )
    elif not base.startswith("gemini-"):
        names = ", ".join(f"`{name}`" for name in _tunable()) or "none is left"
        yield "base", f"tunes Gemini models, and `{base}` is none", f"it tunes {names}"


def _tunable() -> list[str]:
    """Return the base models for which no end is announced."""
    found = (base_models.find(SERVICE, name) for name in base_models.names(SERVICE))
    return list(dict.fromkeys(m.id for m in found if m is not None and m.no_new_jobs is None))


def _method(spec: Mapping[str, Value]) -> _Found:
    method = spec.get("method")
    if not isinstance(method, Mapping):
        return
    for name in method:
        if name not in _KNOWN:
            yield "method", f"has no place for `method.{name}`", "leave it out"
    if method.get("lora") is False:
        yield "method", "trains Gemini by adapters only: `method.lora: false`", "leave it out"
    rank, base = method.get("lora_r"), spec.get("base_model")
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
