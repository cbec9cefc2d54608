"""What the service's published limits refuse, said before anything is sent. Facts: the catalogue.

The end of a base model is not judged here: the loader does, by the same catalogue.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from tunectl.catalog.bedrock_models import Family, HyperParameter, base_ids, family, tuned_as
from tunectl.core.errors import Diagnostic, Exit, Severity
from tunectl.core.resource import Resource
from tunectl.core.value import Value
from tunectl.providers.bedrock.naming import LONGEST, MARK_KEYS

AUTO = "auto"
_MOST_TAGS = 50  # AWS General Reference, tag limits (2026-11)
_NAME = re.compile(r"([0-9a-zA-Z][_-]?)+")  # botocore 1.44.5, CustomModelName
_TAKEN = LONGEST - 42  # of a model's name: the rest holds content and operation
_METHODS = "supervised"

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
        *_rows(facts, spec.get("data")),
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
        hint = f"known are {where}; `tunectl model list` asks the region itself"
        yield "unknown-region", f"may not tune {facts.title} in `{region}`", hint


def _method(facts: Family | None, method: Value) -> _Found:
    if not isinstance(method, Mapping):
        return
    kind = method.get("type", _METHODS)
    if kind != _METHODS:
        summary = f"does not train by method `{kind}` through this provider"
        hint = "`supervised` it does; `reinforcement` has `type: openai, profile: bedrock-mantle`"
        yield "method", summary, hint
    if facts is None:
        return
    if not facts.formats:
        summary = f"wants rows for {facts.title} that this version does not write"
        yield "rows-form", summary, "choose another base model, such as one of Amazon Nova"
    rules = facts.hyperparameters
    if rules is None:
        return
    for name in sorted(set(method) - {"type"}):
        if name in rules:
            yield from _in_range(name, method[name], rules[name], facts)
        else:
            listed = ", ".join(f"`{one}`" for one in rules)
            yield "method", f"takes no `{name}` for {facts.title}", f"it takes {listed}"


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
        summary = (
            f"takes `{name}` from {rule.least:g} to {rule.most:g} for {facts.title}, not {value}"
        )
        yield "range", summary, f"without it {rule.default:g} is used"


def _rows(facts: Family | None, data: Value) -> _Found:
    training = data.get("training") if isinstance(data, Mapping) else None
    rows = training.get("rows") if isinstance(training, Mapping) else None
    if facts is None or not isinstance(rows, int):
        return
    if facts.least_rows is not None and rows < facts.least_rows:
        summary = f"needs at least {facts.least_rows} rows for {facts.title}, there are {rows}"
        yield "rows", summary, "add rows"
    if facts.most_rows is not None and rows > facts.most_rows:
        summary = f"takes at most {facts.most_rows} rows for {facts.title}, there are {rows}"
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
