"""What the service's published limits refuse, said before anything is sent. Facts: the catalogue.

The end of a base model is not judged here: the loader does, by the same catalogue.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping

from tunectl.catalog.bedrock_models import (
    REINFORCEMENT,
    SUPERVISED,
    Family,
    HyperParameter,
    base_ids,
    family,
    tuned_as,
)
from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.bedrock.naming import LONGEST, MARK_KEYS

AUTO = "auto"
_MOST_TAGS = 50  # AWS General Reference, tag limits (2026-11)
_NAME = re.compile(r"([0-9a-zA-Z][_-]?)+")  # botocore 1.44.5, CustomModelName
_TAKEN = LONGEST - 42  # of a model's name: the rest holds content and operation
# botocore 1.44.5, service model `bedrock`, LambdaArn
_LAMBDA = re.compile(
    r"arn:(aws[a-zA-Z-]*)?:lambda:[a-z]{2}(-gov)?-[a-z]+-\d{1}:\d{12}:function:"
    r"[a-zA-Z0-9-_\.]+(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
_EFFORTS = ("low", "medium", "high")  # botocore 1.44.5, ReasoningEffort
_WORDS = frozenset({"type", "grader", "reasoning_effort"})  # of a method; the others are numbers

_Found = Iterator[tuple[str, str, str]]


def check_job(provider: str, region: str, resource: Resource) -> Iterator[Diagnostic]:
    """Yield what the service would refuse, as far as the settings are known before the apply.

    A code that begins `unknown-` is a warning.
    """
    spec = resource.spec
    base = spec.get("base_model")
    facts = family(base) if isinstance(base, str) else None
    for code, summary, hint in (
        *_base(base, facts, region),
        *_method(facts, spec.get("method")),
        *_rows(facts, spec),
        *_unsupported(spec),
        *_suffix(spec.get("suffix")),
        *_tags(resource),
    ):
        rows = code == "rows"
        yield Diagnostic(
            summary=f"Amazon Bedrock {summary}",
            severity=Severity.WARNING if code.startswith("unknown-") else Severity.ERROR,
            hint=hint,
            code=f"provider-{code}",
            address=str(resource.address),
            source=resource.source,
            exit=Exit.REFUSED if rows else Exit.ERROR,
            detail=f"provider `{provider}`"
            + (f"; {facts.source}, {facts.source_date}" if facts else ""),
        )


def _base(base: Value, facts: Family | None, region: str) -> _Found:
    if not isinstance(base, str) or ":custom-model/" in base:
        return
    longer = tuned_as(base)
    if longer is not None and facts is None:
        summary = f"tunes `{base}` under the id that ends in the length of its context"
        yield "base", summary, f"write `{longer}`"
    elif facts is None and "/" in base:  # of plain ids the loader has said it
        known = ", ".join(f"`{name}`" for name in base_ids())
        yield "unknown-base", f"may not tune `{base}`: it is not known", f"known are {known}"
    elif facts is not None and region not in facts.regions:
        where = " and ".join(f"`{name}`" for name in facts.regions)
        hint = f"it does in {where}, as far as known; `tunectl model list` asks the region itself"
        yield "unknown-region", f"may not tune {facts.title} in `{region}`", hint


def _method(facts: Family | None, method: Value) -> _Found:
    if not isinstance(method, Mapping):
        return
    kind = str(method.get("type", SUPERVISED))
    if kind not in {SUPERVISED, REINFORCEMENT}:
        summary = f"does not train by method `{kind}` through this provider"
        yield "method", summary, f"`{SUPERVISED}` it does, and Nova 2 also `{REINFORCEMENT}`"
        return
    if kind == REINFORCEMENT:
        yield from _grader(method)
    if facts is None:
        return
    if kind not in facts.formats:
        summary = f"does not train {facts.title} by method `{kind}` through this provider"
        hint = f"`{SUPERVISED}` it does; open-weight models have `{REINFORCEMENT}` through "
        yield "method", summary, f"{hint}`type: openai, profile: bedrock-mantle`"
        return
    rules = facts.training(kind).hyperparameters
    if rules is None:
        return
    for name in sorted(set(method) - _WORDS):
        if name in rules:
            yield from _in_range(name, method[name], rules[name], facts)
        else:
            listed = ", ".join(f"`{one}`" for one in rules)
            yield "method", f"takes no `{name}` for {facts.title}", f"it takes {listed}"


def _grader(method: Mapping[str, Value]) -> _Found:
    """What is wrong with the grader, and with the effort that goes with it."""
    example = "`grader: {type: lambda, lambda: {function: arn:aws:lambda:…:function:NAME}}`"
    grader = method.get("grader")
    if not isinstance(grader, Mapping) or grader.get("type") != "lambda":
        yield "grader", "takes one kind of `grader`: a function of AWS Lambda", f"write {example}"
    else:
        told = grader.get("lambda")
        arn = told.get("function") if isinstance(told, Mapping) else None
        if isinstance(arn, str) and not _LAMBDA.fullmatch(arn):
            yield "grader", f"is told a `grader` that is no function: `{arn}`", f"write {example}"
        elif not isinstance(told, Mapping) or arn is None:
            yield "grader", "is told no function of the `grader`", f"write {example}"
    effort = method.get("reasoning_effort")
    if effort is not None and effort not in _EFFORTS:
        listed = ", ".join(f"`{one}`" for one in _EFFORTS)
        yield "range", f"takes a `reasoning_effort` of {listed}, not `{effort}`", "leave it out"


def _in_range(name: str, value: Value, rule: HyperParameter, facts: Family) -> _Found:
    if value is None or value == AUTO:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        if isinstance(value, str):
            yield "range", f"takes a number or `auto` for `{name}`, not `{value}`", ""
        return
    if rule.whole and value != int(value):
        yield "range", f"takes a whole number for `{name}`, not {value}", ""
    elif not rule.least <= value <= rule.most:
        to = f" to {rule.most:g}" if rule.most < math.inf else ""
        summary = f"takes `{name}` from {rule.least:g}{to} for {facts.title}, not {value}"
        yield "range", summary, _default(rule)


def _default(rule: HyperParameter) -> str:
    return "" if rule.default is None else f"without it {rule.default:g} is used"


def _rows(facts: Family | None, spec: Mapping[str, Value]) -> _Found:
    data, method = spec.get("data"), spec.get("method")
    training = data.get("training") if isinstance(data, Mapping) else None
    rows = training.get("rows") if isinstance(training, Mapping) else None
    if facts is None or not isinstance(rows, int):
        return
    kind = method.get("type", SUPERVISED) if isinstance(method, Mapping) else SUPERVISED
    known = facts.training(str(kind))
    if known.least_rows is not None and rows < known.least_rows:
        summary = f"needs at least {known.least_rows} rows for {facts.title}, there are {rows}"
        yield "rows", summary, "add rows"
    if known.most_rows is not None and rows > known.most_rows:
        summary = f"takes at most {known.most_rows} rows for {facts.title}, there are {rows}"
        yield "rows", summary, "set `limit:`"


def _unsupported(spec: Mapping[str, Value]) -> _Found:
    for name in ("seed", "integrations"):
        if spec.get(name) not in (None, ()):
            yield name, f"takes no `{name}`", "remove it"


def _suffix(suffix: Value) -> _Found:
    if not isinstance(suffix, str):
        return
    if not _NAME.fullmatch(suffix):
        summary = f"takes no such `suffix`: `{suffix}`"
        yield "suffix", summary, "letters of English, digits, single hyphens and underscores"
    elif len(suffix) > _TAKEN:
        summary = f"has room for a `suffix` of {_TAKEN} characters, not {len(suffix)}"
        yield "suffix", summary, f"shorten it to `{suffix[:_TAKEN].rstrip('-_')}`"


def _tags(resource: Resource) -> _Found:
    metadata = resource.spec.get("metadata")
    pairs = {**resource.labels, **(metadata if isinstance(metadata, Mapping) else {})}
    room = _MOST_TAGS - len(MARK_KEYS)
    if len(pairs) > room:
        hint = f"of the {_MOST_TAGS} tags it allows, {len(MARK_KEYS)} mark the owner"
        yield "tags", f"takes {room} labels and pairs of metadata, not {len(pairs)}", hint
    for key in pairs:
        if key.lower().startswith("aws:") or key in MARK_KEYS:
            yield "tags", f"keeps the tag `{key}` for others", "choose another key"
