"""A plan as a plain JSON tree and back: what `plan -o` stores and `show` reads."""

from __future__ import annotations

from typing import Any

from tunectl.core.diff import ABSENT, Absent, Delta
from tunectl.core.errors import Source
from tunectl.core.money import estimate_from_tree, estimate_to_tree
from tunectl.core.plan import (
    Action,
    Blocked,
    Cause,
    Change,
    Drift,
    OutputChange,
    Plan,
    RowDelta,
    TokenDelta,
)
from tunectl.core.prompt_delta import delta_from_tree, delta_to_tree
from tunectl.core.record import (
    instance_from_tree,
    instance_to_tree,
    intent_from_tree,
    intent_to_tree,
    lifecycle_from_tree,
    lifecycle_to_tree,
)
from tunectl.core.resource import Need, Recreate, Resource
from tunectl.core.value import Address, Plain, Value
from tunectl.core.valuetree import Tree, plain_from_tree, value_from_tree, value_to_tree


def plan_to_tree(plan: Plan) -> Tree:
    """Return the JSON tree of a plan."""
    return {
        "lineage": plan.lineage,
        "serial": plan.serial,
        "project": plan.project,
        "env": plan.env,
        "accounts": dict(plan.accounts),
        "changes": [_change_to_tree(c) for c in plan.changes],
        "outputs": [_output_to_tree(o) for o in plan.outputs],
        "moved": [[str(before), str(after)] for before, after in plan.moved],
        "drift": [_drift_to_tree(d) for d in plan.drift],
        "blocked": [_blocked_to_tree(b) for b in plan.blocked],
        "recover": [intent_to_tree(i) for i in plan.recover],
        "notes": [[str(address), note] for address, note in plan.notes],
        "noted": [[str(address), note] for address, note in plan.noted],
        "unchanged": plan.unchanged,
        "destroy": plan.destroy,
    }


def plan_from_tree(tree: Tree) -> Plan:
    """Return the plan of a JSON tree.

    Raises:
        KeyError, TypeError, ValueError: the tree is not a plan.
    """
    return Plan(
        lineage=tree["lineage"],
        serial=tree["serial"],
        project=tree["project"],
        env=tree["env"],
        accounts=tree["accounts"],
        changes=tuple(_change_from_tree(c) for c in tree["changes"]),
        outputs=tuple(_output_from_tree(o) for o in tree["outputs"]),
        moved=tuple((Address.parse(a), Address.parse(b)) for a, b in tree["moved"]),
        drift=tuple(_drift_from_tree(d) for d in tree["drift"]),
        blocked=tuple(_blocked_from_tree(b) for b in tree["blocked"]),
        recover=tuple(intent_from_tree(i) for i in tree["recover"]),
        notes=tuple((Address.parse(a), note) for a, note in tree["notes"]),
        noted=tuple((Address.parse(a), note) for a, note in tree.get("noted", ())),
        unchanged=tree["unchanged"],
        destroy=tree["destroy"],
    )


def _change_to_tree(change: Change) -> Tree:
    return {
        "address": str(change.address),
        "provider": change.provider,
        "action": change.action.name.lower(),
        "cause": change.cause.value,
        "before": instance_to_tree(change.before) if change.before else None,
        "after": _resource_to_tree(change.after) if change.after else None,
        "deltas": [_delta_to_tree(d) for d in change.deltas],
        "needs": [str(n) for n in change.needs],
        "doomed": instance_to_tree(change.doomed) if change.doomed else None,
        "found": instance_to_tree(change.found) if change.found else None,
        "origin": change.origin,
        "original": instance_to_tree(change.original) if change.original else None,
        "lets_go": change.lets_go,
        "held": change.held,
        "parent": str(change.parent) if change.parent else None,
        "rows": [
            {
                "split": r.split,
                "added": r.added,
                "removed": r.removed,
                "changed": r.changed,
                "lines": list(r.lines),
            }
            for r in change.rows
        ],
        "notes": list(change.notes),
        "who": change.who,
        "uses": [
            {"address": str(n.address), "id": n.id, "account": n.account} for n in change.uses
        ],
        "estimate": estimate_to_tree(change.estimate) if change.estimate else None,
        **({"tokens": _tokens_to_tree(change.tokens)} if change.tokens else {}),
        **({"prompt": delta_to_tree(change.prompt)} if change.prompt else {}),
    }


def _change_from_tree(tree: Tree) -> Change:
    return Change(
        address=Address.parse(tree["address"]),
        provider=tree["provider"],
        action=Action[tree["action"].upper()],
        cause=Cause(tree["cause"]),
        before=instance_from_tree(tree["before"]) if tree["before"] else None,
        after=_resource_from_tree(tree["after"]) if tree["after"] else None,
        deltas=tuple(_delta_from_tree(d) for d in tree["deltas"]),
        needs=tuple(Address.parse(n) for n in tree["needs"]),
        doomed=instance_from_tree(tree["doomed"]) if tree["doomed"] else None,
        found=instance_from_tree(tree["found"]) if tree.get("found") else None,
        origin=tree.get("origin", ""),
        original=instance_from_tree(tree["original"]) if tree.get("original") else None,
        lets_go=tree.get("lets_go", False),
        held=tree["held"],
        parent=Address.parse(tree["parent"]) if tree["parent"] else None,
        rows=tuple(
            RowDelta(
                split=r["split"],
                added=r["added"],
                removed=r["removed"],
                changed=r["changed"],
                lines=tuple(r["lines"]),
            )
            for r in tree["rows"]
        ),
        notes=tuple(tree["notes"]),
        who=tree.get("who", ""),
        uses=tuple(
            Need(Address.parse(n["address"]), n["id"], n.get("account", ""))
            for n in tree.get("uses", [])
        ),
        estimate=estimate_from_tree(tree["estimate"]) if tree.get("estimate") else None,
        tokens=_tokens_from_tree(tree["tokens"]) if tree.get("tokens") else None,
        prompt=delta_from_tree(tree["prompt"]) if tree.get("prompt") else None,
    )


def _tokens_to_tree(tokens: TokenDelta) -> Tree:
    return {
        "before": list(tokens.before),
        "after": list(tokens.after),
        "cost": estimate_to_tree(tokens.cost),
    }


def _tokens_from_tree(tree: Tree) -> TokenDelta:
    return TokenDelta(
        before=_three(tree["before"]),
        after=_three(tree["after"]),
        cost=estimate_from_tree(tree["cost"]),
    )


def _three(numbers: list[int]) -> tuple[int, int, int]:
    low, likely, high = numbers
    return low, likely, high


def _resource_to_tree(resource: Resource) -> Tree:
    source = resource.source
    return {
        "address": str(resource.address),
        "provider": resource.provider,
        "spec": value_to_tree(dict(resource.spec)),
        "immutable": sorted(resource.immutable),
        "deferred": sorted(resource.deferred),
        "inputs": sorted(resource.inputs),
        "fingerprint": resource.fingerprint,
        "outputs": list(resource.outputs),
        "stable": sorted(resource.stable),
        "follows": [list(pair) for pair in resource.follows],
        "depends_on": [str(a) for a in resource.depends_on],
        "lifecycle": lifecycle_to_tree(resource.lifecycle),
        "recreate": resource.recreate.value,
        "parent": str(resource.parent) if resource.parent else None,
        "destroy_first": resource.destroy_first,
        "retired": resource.retired,
        "labels": dict(resource.labels),
        "source": {"file": source.file, "line": source.line, "column": source.column}
        if source
        else None,
    }


def _resource_from_tree(tree: Tree) -> Resource:
    source = tree["source"]
    return Resource(
        address=Address.parse(tree["address"]),
        provider=tree["provider"],
        spec={key: value_from_tree(item) for key, item in tree["spec"].items()},
        immutable=frozenset(tree["immutable"]),
        deferred=frozenset(tree["deferred"]),
        inputs=frozenset(tree["inputs"]),
        fingerprint=tree["fingerprint"],
        outputs=tuple(tree["outputs"]),
        stable=frozenset(tree["stable"]),
        follows=tuple((output, field) for output, field in tree.get("follows", ())),
        depends_on=tuple(Address.parse(a) for a in tree["depends_on"]),
        lifecycle=lifecycle_from_tree(tree["lifecycle"]),
        recreate=Recreate(tree["recreate"]),
        parent=Address.parse(tree["parent"]) if tree["parent"] else None,
        destroy_first=tree["destroy_first"],
        retired=tree.get("retired", ""),
        labels=tree["labels"],
        source=Source(source["file"], source["line"], source["column"]) if source else None,
    )


def _side_to_tree(value: Value | Absent) -> Tree:
    return {} if isinstance(value, Absent) else {"value": value_to_tree(value)}


def _delta_to_tree(delta: Delta) -> Tree:
    return {
        "path": list(delta.path),
        "before": _side_to_tree(delta.before),
        "after": _side_to_tree(delta.after),
        "forces": delta.forces,
    }


def _delta_from_tree(tree: Tree) -> Delta:
    before: Plain | Absent = ABSENT
    if "value" in tree["before"]:
        before = plain_from_tree(tree["before"]["value"])
    after: Value | Absent = ABSENT
    if "value" in tree["after"]:
        after = value_from_tree(tree["after"]["value"])
    return Delta(tuple(tree["path"]), before, after, tree["forces"])


def _output_to_tree(output: OutputChange) -> Tree:
    return {
        "name": output.name,
        "before": value_to_tree(output.before),
        "after": value_to_tree(output.after),
        "sensitive": output.sensitive,
        "gone": output.gone,
        "declared": output.declared,
        "who": output.who,
    }


def _output_from_tree(tree: Tree) -> OutputChange:
    return OutputChange(
        name=tree["name"],
        before=plain_from_tree(tree["before"]),
        after=value_from_tree(tree["after"]),
        sensitive=tree["sensitive"],
        gone=tree["gone"],
        declared=tree.get("declared", ""),
        who=tree.get("who", ""),
    )


def _drift_to_tree(drift: Drift) -> Tree:
    return {
        "address": str(drift.address),
        "gone": drift.gone,
        "released": drift.released,
        **({"local": True} if drift.local else {}),
        "deltas": [_delta_to_tree(d) for d in drift.deltas],
    }


def _drift_from_tree(tree: Tree) -> Drift:
    return Drift(
        address=Address.parse(tree["address"]),
        gone=tree["gone"],
        released=tree["released"],
        local=tree.get("local", False),
        deltas=tuple(_delta_from_tree(d) for d in tree["deltas"]),
    )


def _blocked_to_tree(blocked: Blocked) -> Tree:
    return {
        "address": str(blocked.address),
        "reason": blocked.reason,
        "hint": blocked.hint,
        "by": str(blocked.by) if blocked.by else None,
    }


def _blocked_from_tree(tree: dict[str, Any]) -> Blocked:
    return Blocked(
        address=Address.parse(tree["address"]),
        reason=tree["reason"],
        hint=tree["hint"],
        by=Address.parse(tree["by"]) if tree["by"] else None,
    )
