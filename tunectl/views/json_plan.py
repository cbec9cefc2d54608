"""The plan for machines: Terraform's JSON plan, with what only tunectl knows beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tunectl.core.diff import Absent, Delta
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.plan import Action, Change, Drift, OutputChange, Plan
from tunectl.core.value import Address, Value
from tunectl.core.valuetree import value_to_tree
from tunectl.views import plan_document as doc
from tunectl.views import sentences
from tunectl.views.diagnostics import diagnostic_tree
from tunectl.views.money import cost_tree, cost_trees, token_tree
from tunectl.views.prompt_diff import prompt_tree
from tunectl.views.values import is_known

_ACTIONS = {
    Action.CREATE: ["create"],
    Action.UPDATE: ["update"],
    Action.REPLACE: ["create", "delete"],
    Action.RECREATE: ["delete", "create"],
    Action.DELETE: ["delete"],
    Action.FORGET: ["forget"],
    Action.ADOPT: ["no-op"],
    Action.WAIT: ["no-op"],
}
schema = doc.schema


def plan_tree(
    plan: Plan, version: str = "", diagnostics: Iterable[Diagnostic] = ()
) -> doc.PlanDocument:
    """Return the plan as a JSON document.

    Args:
        plan: what to show.
        version: tunectl's own version.
        diagnostics: to carry along: warnings, and the refusals of a plan that cannot be applied.
    """
    told = tuple(diagnostics)
    refused = any(d.severity is Severity.ERROR for d in told)
    before = {str(new): str(old) for old, new in plan.moved}
    changes = [_change(change, before) for change in plan.changes]
    listed = {item["address"] for item in changes}
    changes += [_moved(old, new) for old, new in plan.moved if str(new) not in listed]
    made: doc.PlanDocument = {
        "format_version": doc.FORMAT_VERSION,
        "tunectl_version": version,
        "project": plan.project,
        "environment": plan.env,
        "lineage": plan.lineage,
        "serial": plan.serial,
        "digest": plan.digest,
        "accounts": dict(plan.accounts),
        "applyable": not plan.empty and not refused,
        "complete": not plan.blocked,
        "errored": False,
        "destroy": plan.destroy,
        "refresh_only": plan.refresh_only,
        "partial": plan.partial,
        "summary": _summary(plan),
        "resource_changes": changes,
        "output_changes": {o.name: _output(o) for o in plan.outputs},
        "resource_drift": [_drift(d) for d in plan.drift],
        "blocked": [_blocked(b.address, b.reason, b.hint, b.by) for b in plan.blocked],
        "notes": [{"address": str(address), "message": text} for address, text in plan.notes],
        "recorded_only": [{"address": str(a), "message": text} for a, text in plan.noted],
        "recover": [_recovery(i.op, i.action, i.address, i.id, i.time) for i in plan.recover],
        "unchanged": plan.unchanged,
        "diagnostics": [diagnostic_tree(d) for d in told],
    }
    if costs := cost_trees(plan):
        made["cost"] = costs
    return made


def actions(change: Change) -> list[str]:
    """Return Terraform's list of actions; `delete` is in it exactly when an object is deleted."""
    if change.action is Action.ADOPT:
        if change.lets_go:
            return ["no-op", "forget"]
        return ["no-op"] if change.held or change.doomed is None else ["no-op", "delete"]
    if change.lets_go:
        return ["create", "forget"]
    return ["create"] if change.held else list(_ACTIONS[change.action])


def _summary(plan: Plan) -> doc.Summary:
    return {
        "import": plan.adopts,
        "add": plan.adds,
        "change": plan.updates,
        "remove": plan.destroys,
        "forget": plan.forgets,
        "message": sentences.summary(plan),
    }


def _named(
    address: Address, provider: str, reason: str, body: doc.ChangeBody
) -> doc.ResourceChange:
    item: doc.ResourceChange = {
        "address": str(address),
        "mode": "managed",
        "type": address.kind,
        "name": ".".join(address.path),
        "provider_name": provider,
        "action_reason": reason,
        "change": body,
    }
    if address.key is not None:
        item["index"] = address.key
    return item


def _change(change: Change, previous: Mapping[str, str]) -> doc.ResourceChange:
    item = _named(change.address, change.provider, change.cause.value, _body(change))
    if (old := previous.get(str(change.address))) is not None:
        item["previous_address"] = old
    _add_ids(item, change)
    if change.after is not None and change.after.fingerprint:
        item["fingerprint"] = change.after.fingerprint
    if change.who:
        item["approved_by"] = change.who
    if change.parent is not None:
        item["parent"] = str(change.parent)
    if change.needs:
        item["needs"] = [str(need) for need in change.needs]
    if change.rows:
        item["rows"] = [_rows(delta) for delta in change.rows]
    if change.notes:
        item["notes"] = list(change.notes)
    if change.estimate is not None:
        item["saves" if change.saves else "cost"] = cost_tree(change.estimate)
    if change.tokens is not None:
        item["tokens"] = token_tree(change.tokens)
    if (prompt := prompt_tree(change)) is not None:
        item["prompt"] = prompt
    if change.source is not None:
        source = change.source
        item["config_source"] = {
            "file": source.file,
            "line": source.line,
            "column": source.column,
        }
    return item


def _add_ids(item: doc.ResourceChange, change: Change) -> None:
    if change.before is not None:
        item["id"] = change.before.id
    if change.doomed is not None and change.held:
        item["keeps_id"] = change.doomed.id
    elif change.doomed is not None and change.lets_go:
        item["forgets_id"] = change.doomed.id
    elif change.doomed is not None and change.action is not Action.FORGET:
        item["deletes_id"] = change.doomed.id
    if change.original is not None:
        item["copied_from"] = {
            "environment": change.origin,
            "account": change.original.account,
            "id": change.original.id,
        }
    elif change.origin:
        item["reused_from_environment"] = change.origin


def _rows(delta: Any) -> doc.RowChange:  # noqa: ANN401
    return {
        "split": delta.split,
        "added": delta.added,
        "removed": delta.removed,
        "changed": delta.changed,
        "lines": list(delta.lines),
    }


def _body(change: Change) -> doc.ChangeBody:
    known, unknown = _split(after_spec(change)) if change.after is not None else (None, {})
    body: doc.ChangeBody = {
        "actions": actions(change),
        "before": value_to_tree(dict(change.before.spec)) if change.before else None,
        "after": known,
        "after_unknown": unknown,
        "before_sensitive": False,
        "after_sensitive": False,
    }
    if change.found is not None:
        body["importing"] = {"id": change.found.id}
    paths = [list(delta.path) for delta in change.deltas if delta.forces]
    if paths and change.action in {Action.REPLACE, Action.RECREATE}:
        body["replace_paths"] = paths
    return body


def after_spec(change: Change) -> dict[str, Value]:
    """Return the wanted settings with every reference that has a value at plan replaced by it."""
    if change.after is None:
        return {}
    spec: dict[str, Value] = dict(change.after.spec)
    differs = {delta.path[0] for delta in change.deltas}
    if change.before is not None:
        for key, value in spec.items():
            same = key not in differs and key not in change.after.inputs
            if same and not is_known(value) and key in change.before.spec:
                spec[key] = change.before.spec[key]
    for delta in change.deltas:
        _put(spec, delta)
    return spec


def _put(spec: dict[str, Value], delta: Delta) -> None:
    """Write a delta's wanted value into a copy of the spec."""
    if isinstance(delta.after, Absent):
        return
    here = spec
    for key in delta.path[:-1]:
        inner = here.get(key)
        copied: dict[str, Value] = dict(inner) if isinstance(inner, Mapping) else {}
        here[key] = copied
        here = copied
    here[delta.path[-1]] = delta.after


def _split(spec: Mapping[str, Value]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part what is known from what is known after apply."""
    known: dict[str, Any] = {}
    unknown: dict[str, Any] = {}
    for key, value in spec.items():
        if is_known(value):
            known[key] = value_to_tree(value)
        elif isinstance(value, Mapping):
            known[key], unknown[key] = _split(value)
        else:
            unknown[key] = True
    return known, unknown


def _output(output: OutputChange) -> doc.OutputBody:
    known = is_known(output.after)
    done = "create" if output.before is None else "update"
    body: doc.OutputBody = {
        "actions": ["delete" if output.gone else done],
        "before": None if output.sensitive else value_to_tree(output.before),
        "after_unknown": not known,
        "before_sensitive": output.sensitive,
        "after_sensitive": output.sensitive,
    }
    if known:
        body["after"] = None if output.sensitive else value_to_tree(output.after)
    return body


def _drift(drift: Drift) -> doc.ResourceChange:
    before: dict[str, Value] = {}
    after: dict[str, Value] = {}
    for delta in drift.deltas:
        key = ".".join(delta.path)
        before[key] = None if isinstance(delta.before, Absent) else delta.before
        after[key] = None if isinstance(delta.after, Absent) else delta.after
    body: doc.ChangeBody = {
        "actions": ["delete" if drift.gone else "update"],
        "before": value_to_tree(before),
        "after": None if drift.gone else value_to_tree(after),
        "after_unknown": {},
        "before_sensitive": False,
        "after_sensitive": False,
    }
    return _named(drift.address, "", _drift_reason(drift), body)


def _drift_reason(drift: Drift) -> str:
    if drift.released:
        return "released"
    if drift.gone:
        return "missing_locally" if drift.local else "deleted_remotely"
    return "changed_remotely"


def _moved(old: Address, new: Address) -> doc.ResourceChange:
    body: doc.ChangeBody = {
        "actions": ["no-op"],
        "before": None,
        "after": None,
        "after_unknown": {},
        "before_sensitive": False,
        "after_sensitive": False,
    }
    return {**_named(new, "", "moved", body), "previous_address": str(old)}


def _blocked(address: Address, reason: str, hint: str, by: Address | None) -> doc.BlockedResource:
    item: doc.BlockedResource = {"address": str(address), "reason": reason}
    if hint:
        item["hint"] = hint
    if by is not None:
        item["by"] = str(by)
    return item


def _recovery(op: str, action: str, address: Address, id_: str, time: str) -> doc.Recovery:
    item: doc.Recovery = {"op": op, "action": action, "address": str(address)}
    if id_:
        item["id"] = id_
    if time:
        item["time"] = time
    return item
