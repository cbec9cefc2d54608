"""The NDJSON stream of `apply --json`: one object a line, types as Terraform's where it has one.

Every object has `@level`, `@message`, `@module`, `@timestamp` and `type`; a reader shows
`@message` of a type it does not know.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Action, Change, Plan
from tunectl.core.steps import Verb
from tunectl.core.value import Address, Plain
from tunectl.core.valuetree import value_to_tree
from tunectl.views import sentences
from tunectl.views.diagnostics import diagnostic_tree, diagnostics_text
from tunectl.views.outcome import LISTED, addressed
from tunectl.views.progress import event_line

UI_VERSION = "1.0"

Line = dict[str, Any]
_PLANNED = {
    Action.CREATE: "create",
    Action.UPDATE: "update",
    Action.REPLACE: "replace",
    Action.RECREATE: "replace",
    Action.DELETE: "delete",
    Action.FORGET: "remove",
    Action.ADOPT: "import",
    Action.WAIT: "noop",
}
_VERBS = {
    Verb.CREATE: "create",
    Verb.WAIT: "create",
    Verb.UPDATE: "update",
    Verb.DELETE: "delete",
    Verb.FORGET: "remove",
    Verb.ADOPT: "import",
}


class ResourceName(TypedDict):
    """What an event is about."""

    addr: str
    module: str
    resource: str
    implied_provider: str
    resource_type: str
    resource_name: str
    resource_key: str | None


class Hook(TypedDict):
    """What happened to it."""

    resource: ResourceName
    action: str
    id_key: NotRequired[str]
    id_value: NotRequired[str]
    elapsed_seconds: NotRequired[float]
    progress: NotRequired[dict[str, Any]]


class EndedList(TypedDict):
    """Resources that ended alike: how many, and the first addresses."""

    count: int
    addresses: list[str]


class StreamLine(TypedDict):
    """One line of the stream."""

    type: Literal[
        "version",
        "planned_change",
        "change_summary",
        "diagnostic",
        "recorded_only",
        "outputs",
        "apply_start",
        "apply_progress",
        "apply_complete",
        "apply_errored",
        "apply_skipped",
        "apply_detached",
        "apply_recovered",
        "apply_remains",
    ]
    hook: NotRequired[Hook]
    change: NotRequired[dict[str, Any]]
    changes: NotRequired[dict[str, Any]]
    ended: NotRequired[dict[str, EndedList]]
    outputs: NotRequired[dict[str, Any]]
    diagnostic: NotRequired[dict[str, Any]]
    tunectl: NotRequired[str]
    ui: NotRequired[str]


def version_line(version: str, at: str) -> Line:
    """Return the first line of a stream. `at` is ISO 8601, UTC, here and below."""
    return _line("version", f"tunectl {version}", at, tunectl=version, ui=UI_VERSION)


def planned_line(change: Change, at: str) -> Line:
    """Return the line of one planned change."""
    body: Line = {"resource": _name(change.address, change.provider)}
    body["action"] = _PLANNED[change.action]
    body["reason"] = change.cause.value
    message = f"{change.address}: Plan to {body['action']}"
    return _line("planned_change", message, at, change=body)


def recorded_only_line(address: Address, sentence: str, at: str) -> Line:
    """Return the line of what an apply only records; nothing changes at the provider."""
    change = {"resource": _name(address, ""), "action": "noop", "message": sentence}
    return _line("recorded_only", f"{address}: {sentence}", at, change=change)


def plan_summary_line(plan: Plan, at: str) -> Line:
    """Return the summary of a plan."""
    return _summary_line(
        sentences.summary(plan),
        at,
        "destroy" if plan.destroy else "plan",
        (plan.adds, plan.updates, plan.destroys, plan.forgets),
        plan.adopts,
    )


def apply_summary_line(
    message: str,
    counts: tuple[int, int, int, int],
    at: str,
    *,
    destroy: bool,
    imported: int = 0,
    ended: Mapping[str, Sequence[str]] | None = None,
) -> Line:
    """Return the summary of an apply.

    Args:
        message: the closing line.
        counts: added, changed, destroyed, forgotten.
        at: when.
        destroy: it was a destroy.
        imported: how many were taken over.
        ended: addresses by how they ended, of an apply that could not do everything.
    """
    line = _summary_line(message, at, "destroy" if destroy else "apply", counts, imported)
    if ended:
        line["ended"] = {
            name: {"count": len(found), "addresses": list(found[:LISTED])}
            for name, found in ended.items()
        }
    return line


def _summary_line(
    message: str, at: str, operation: str, counts: tuple[int, int, int, int], imported: int
) -> Line:
    add, change, remove, forget = counts
    changes = {
        "add": add,
        "change": change,
        "import": imported,
        "remove": remove,
        "forget": forget,
        "operation": operation,
    }
    return _line("change_summary", message, at, changes=changes)


def event_tree(event: Event, at: str) -> Line:
    """Return the line of something that happened."""
    hook: Line = {"resource": _name(event.address, ""), "action": _VERBS[event.verb]}
    if event.id:
        hook |= {"id_key": "id", "id_value": event.id}
    if event.phase is not Phase.START:
        hook["elapsed_seconds"] = round(event.elapsed, 3)
    if event.detail:
        hook["progress"] = value_to_tree(dict(event.detail))
    message = event_line(event) or event.message or f"{event.address}: {event.phase.value}"
    level = "error" if event.phase is Phase.ERRORED else "info"
    line = _line(event.phase.value, message, at, level=level, hook=hook)
    if event.error is not None:
        line["diagnostic"] = diagnostic_tree(event.error)
    return line


def outputs_line(outputs: Mapping[str, Plain], at: str, hidden: Collection[str] = ()) -> Line:
    """Return the outputs; the values of hidden ones are left out."""
    values: Line = {}
    for name, value in sorted(outputs.items()):
        secret = name in hidden
        values[name] = {"sensitive": secret}
        if not secret:
            values[name]["value"] = value_to_tree(value)
    return _line("outputs", f"Outputs: {len(values)}", at, outputs=values)


def diagnostic_line(diagnostic: Diagnostic, at: str) -> Line:
    """Return the line of a diagnostic."""
    level = {Severity.ERROR: "error", Severity.WARNING: "warn"}.get(diagnostic.severity, "info")
    message = diagnostics_text([addressed(diagnostic)]).partition("\n")[0]
    return _line("diagnostic", message, at, level=level, diagnostic=diagnostic_tree(diagnostic))


def _line(type_: str, message: str, at: str, *, level: str = "info", **more: object) -> Line:
    return {
        "@level": level,
        "@message": message,
        "@module": "tunectl.ui",
        "@timestamp": at,
        "type": type_,
        **more,
    }


def _name(address: Address, provider: str) -> ResourceName:
    return {
        "addr": str(address),
        "module": ".".join(address.path[:-1]),
        "resource": ".".join((address.kind, *address.path)),
        "implied_provider": provider,
        "resource_type": address.kind,
        "resource_name": address.name,
        "resource_key": address.key,
    }


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of one line of the stream."""
    from pydantic import TypeAdapter  # only who asks for the schema pays for it

    made = TypeAdapter(StreamLine).json_schema()
    text = {"type": "string"}
    made["properties"] |= {
        "@level": {"enum": ["error", "warn", "info"]},
        "@message": text,
        "@module": text,
        "@timestamp": {"type": "string", "format": "date-time"},
    }
    made["required"] = ["@level", "@message", "@module", "@timestamp", *made["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tunectl event stream line",
        **{key: item for key, item in made.items() if key != "title"},
    }
