"""What a service's published limits refuse, said before anything is sent.

Ranges: OpenAI's API reference and SDK (2026-08); the rest is in the profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.wire.job import HYPERPARAMETERS
from tunectl.providers.wire.naming import MARK_KEYS
from tunectl.providers.wire.profile import ADAPTER, Profile

AUTO = "auto"
_PAIRS, _KEY, _TEXT = 16, 64, 512
_SEED = 2**31 - 1
_PLAUSIBLE_RATE = 0.01
# name -> least, most, whether the least itself is allowed, whether it must be whole
_RANGES: Mapping[str, tuple[float, float, bool, bool]] = {
    "epochs": (1, 50, True, True),
    "batch_size": (1, 256, True, True),
    "learning_rate_multiplier": (0, float("inf"), False, False),
    "beta": (0, 2, False, False),
    "compute_multiplier": (0.00001, 10, False, False),
    "eval_interval": (1, float("inf"), True, True),
    "eval_samples": (1, float("inf"), True, True),
}


def check_job(profile: Profile, provider: str, resource: Resource) -> Iterator[Diagnostic]:
    """Yield what the service would refuse, as far as the settings are known before the apply."""
    for code, summary, hint in (
        *_suffix(profile, resource.spec.get("suffix")),
        *_method(profile, resource.spec.get("method")),
        *_seed(resource.spec.get("seed")),
        *_metadata(resource.spec.get("metadata")),
        *_rows(profile, resource.spec.get("data")),
    ):
        sure = not code.startswith("unknown-")
        rows = code == "rows"
        yield Diagnostic(
            summary=f"{profile.title} {summary}",
            severity=Severity.ERROR if sure else Severity.WARNING,
            hint=hint,
            code=f"provider-{code}",
            address=str(resource.address),
            source=resource.source,
            exit=Exit.REFUSED if rows else Exit.ERROR,
            detail=f"provider `{provider}`",
        )


_Found = Iterator[tuple[str, str, str]]


def _suffix(profile: Profile, suffix: Value) -> _Found:
    if not isinstance(suffix, str):
        return
    rule = profile.suffix
    if rule.supported is False:
        yield "suffix", "does not support `suffix`", "leave it out"
        return
    if rule.supported is None:
        yield "unknown-suffix", "may ignore `suffix`: it does not document one", "leave it out"
    if suffix == "":
        yield "suffix", "takes no empty `suffix`", "leave it out, then one is derived"
    elif rule.longest is not None and len(suffix) > rule.longest:
        summary = f"takes a `suffix` of {rule.longest} characters at most, not {len(suffix)}"
        yield "suffix", summary, f"shorten it to `{suffix[: rule.longest]}`"
    bad = sorted(set(suffix) & set(rule.forbidden))
    if bad:
        yield "suffix", f"takes no `{bad[0]}` in a `suffix`", "use a hyphen"


def _method(profile: Profile, method: Value) -> _Found:
    if not isinstance(method, Mapping):
        return
    kind = method.get("type", "supervised")
    if isinstance(kind, str):
        yield from _kind(profile, kind, method)
    for name in sorted(_RANGES.keys() & method.keys()):
        yield from _in_range(name, method[name])
    rate = method.get("learning_rate_multiplier")
    if profile.absolute_learning_rate and isinstance(rate, int | float):
        summary = "reads `learning_rate_multiplier` as the learning rate itself"
        hint = "give a rate such as `2e-5`, or leave it out"
        yield "unknown-rate" if rate <= _PLAUSIBLE_RATE else "rate", summary, hint


def _kind(profile: Profile, kind: str, method: Mapping[str, Value]) -> _Found:
    if profile.methods is None:
        if kind != "supervised":
            yield "unknown-method", f"does not document method `{kind}`", "`supervised` is safe"
    elif kind not in profile.methods:
        known = ", ".join(f"`{name}`" for name in sorted(profile.methods))
        yield "method", f"does not train by method `{kind}`", f"it knows {known}"
    if kind == "reinforcement":
        yield from _grader(profile, method.get("grader"))
    for name in sorted(ADAPTER & method.keys() - (profile.adapter or frozenset())):
        code = "unknown-method" if profile.adapter is None else "method"
        yield code, f"is not known to read `method.{name}`", "leave it out"
    apart = {"type"} if profile.top_level_hyperparameters else {"type", "grader"}
    left = sorted(set(method) - set(HYPERPARAMETERS) - apart)
    if left:
        yield "method", f"has no place for `method.{left[0]}`", "leave it out"


def _grader(profile: Profile, grader: Value) -> _Found:
    if not isinstance(grader, Mapping):
        yield "method", "needs a `grader` for method `reinforcement`", "add `method.grader`"
        return
    kind = grader.get("type")
    if profile.graders is not None and kind not in profile.graders:
        known = ", ".join(f"`{name}`" for name in sorted(profile.graders))
        yield "unknown-grader", f"documents no grader `{kind}`", f"it documents {known}"


def _in_range(name: str, value: Value) -> _Found:
    least, most, closed, whole = _RANGES[name]
    if value == AUTO or value is None:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, str):
            yield "range", f"takes a number or `auto` for `{name}`, not `{value}`", ""
        return
    words = f"from {least:g}" if closed else f"greater than {least:g}"
    words += f" to {most:g}" if most < float("inf") else ""
    if whole and value != int(value):
        yield "range", f"takes a whole number for `{name}`, not {value}", ""
    elif value < least or value > most or (value == least and not closed):
        yield "range", f"takes a `{name}` {words}, not {value}", ""


def _seed(seed: Value) -> _Found:
    if isinstance(seed, int) and not 0 <= seed <= _SEED:
        yield "range", f"takes a `seed` from 0 to {_SEED}, not {seed}", ""


def _metadata(metadata: Value) -> _Found:
    if not isinstance(metadata, Mapping):
        return
    room = _PAIRS - len(MARK_KEYS)
    if len(metadata) > room:
        hint = f"of the {_PAIRS} pairs it allows, {len(MARK_KEYS)} mark the owner"
        yield "metadata", f"takes {room} pairs of `metadata` at most, not {len(metadata)}", hint
    for key, value in metadata.items():
        if key in MARK_KEYS:
            yield "metadata", f"is told the owner in `metadata.{key}`", "choose another key"
        if len(key) > _KEY:
            yield "metadata", f"takes keys of `metadata` of {_KEY} characters at most", ""
        if isinstance(value, str) and len(value) > _TEXT:
            summary = f"takes values of `metadata` of {_TEXT} characters at most: `{key[:_KEY]}`"
            yield "metadata", summary, ""


def _rows(profile: Profile, data: Value) -> _Found:
    training = data.get("training") if isinstance(data, Mapping) else None
    rows = training.get("rows") if isinstance(training, Mapping) else None
    if profile.examples is None or not isinstance(rows, int):
        return
    fewest, most = profile.examples
    if rows < fewest:
        yield "rows", f"needs at least {fewest} training examples, there are {rows}", "add rows"
    elif rows > most:
        yield "rows", f"takes at most {most} training examples, there are {rows}", "set `limit:`"
