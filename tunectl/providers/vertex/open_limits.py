"""What tuning an open model refuses, said before anything is sent; the catalogue has the facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunectl.catalog.open_models import ADAPTER, FULL, OpenModel, Weights, open_tuning
from tunectl.core.value import Value

OPEN_METHOD = frozenset({"type", "epochs", "learning_rate", "batch_size", "lora", "lora_r"})
_WORDS = {ADAPTER: "an adapter (`lora: true`)", FULL: "all weights (`lora: false`)"}


def open_limits(
    model: OpenModel, method: Mapping[str, Value], location: str
) -> Iterator[tuple[str, str, str]]:
    """Yield code, summary and hint of what the service would refuse, or may.

    Args:
        model: what is tuned.
        method: how, as far as it is known.
        location: where the job would run.
    """
    facts = open_tuning()
    if model.weights is not Weights.GARDEN:
        return
    if model.short not in facts.modes:
        yield (
            "unsure-base",
            f"is not known to tune the open model `{model.short}`",
            f"known are {_listed(facts.modes)} ({facts.source_date})",
        )
    if location not in facts.locations:
        yield (
            "location",
            f"does not tune open models in `{location}`",
            f"it does in {_listed(facts.locations)}: change `location:` of the provider",
        )
    yield from _method(model, method)


def _method(model: OpenModel, method: Mapping[str, Value]) -> Iterator[tuple[str, str, str]]:
    facts = open_tuning()
    if method.get("type", "supervised") != "supervised":
        yield "method", "tunes open models by `supervised` only", "write `type: supervised`"
        return
    for name in method:
        if name not in OPEN_METHOD:
            other = "write `learning_rate:`" if name == "learning_rate_multiplier" else ""
            hint = other or "leave it out"
            yield "method", f"has no place for `method.{name}` with an open model", hint
    adapter, rank = method.get("lora"), method.get("lora_r")
    if adapter is None:
        yield (
            "method",
            f"tunes {_WORDS[ADAPTER]} or {_WORDS[FULL]} of an open model; `method` says neither",
            "an adapter is cheaper and needs fewer rows; one of them must be said",
        )
        return
    mode, modes = ADAPTER if adapter else FULL, facts.modes.get(model.short, ())
    if modes and mode not in modes:
        said = " or ".join(_WORDS[one] for one in modes)
        yield (
            "unsure-mode",
            f"is not known to tune {_WORDS[mode]} of `{model.short}`, but {said}",
            f"({facts.source})",
        )
    if isinstance(rank, int) and not adapter:
        yield "range", "takes `method.lora_r` for an adapter only", "remove it, or `lora: true`"
    elif isinstance(rank, int) and rank not in facts.adapter_sizes:
        listed = ", ".join(map(str, facts.adapter_sizes))
        yield "range", f"takes an adapter size (`method.lora_r`) of {listed}, not {rank}", ""


def _listed(names: Iterator[str] | Mapping[str, object] | tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
