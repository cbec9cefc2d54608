"""Core values as plain JSON trees and back; the one place that knows both forms.

A reference is `{"$ref": "endpoint.support", "path": ["model_id"]}`, a text with references
`{"$join": [...]}`. Reading ignores unknown keys (a minor version may add some) and raises
`KeyError`, `TypeError` or `ValueError` on what it cannot understand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, assert_never, cast

from tunectl.core.approval import Approval
from tunectl.core.resource import Instance, Lifecycle, Need, Recreate, Status
from tunectl.core.state import (
    Abandoned,
    Account,
    Adopted,
    Approved,
    Began,
    Concluded,
    Deleted,
    Entry,
    Forgot,
    Forgotten,
    Intent,
    Lapse,
    Lapsed,
    Made,
    Published,
    Renamed,
    Settled,
    State,
)
from tunectl.core.value import Address, Join, Plain, Ref, Value

Tree = dict[str, Any]


_SCALARS = frozenset({str, int, float, bool, type(None)})


def value_to_tree(value: Value) -> Any:  # noqa: ANN401  # a JSON tree
    """Return the JSON tree of a value."""
    if value.__class__ in _SCALARS:
        return value
    match value:
        case Ref(address, path):
            return {"$ref": str(address), "path": list(path)}
        case Join(parts):
            return {"$join": [value_to_tree(part) for part in parts]}
        case tuple():
            return [value_to_tree(item) for item in value]
        case Mapping():
            return {key: value_to_tree(item) for key, item in value.items()}
        case _:
            return value


def value_from_tree(tree: Any) -> Value:  # noqa: ANN401  # a JSON tree
    """Return the value of a JSON tree."""
    match tree:
        case {"$ref": str(address), "path": list(path)}:
            return Ref(Address.parse(address), tuple(path))
        case {"$join": list(parts)}:
            return Join(tuple(value_from_tree(part) for part in parts))
        case list():
            return tuple(value_from_tree(item) for item in tree)
        case dict():
            return {key: value_from_tree(item) for key, item in tree.items()}
        case _:
            return cast("Value", tree)


def plain_from_tree(tree: Any) -> Plain:  # noqa: ANN401  # a JSON tree
    """Return the plain value of a JSON tree: lists become tuples."""
    if isinstance(tree, list):
        return tuple([plain_from_tree(item) for item in tree])
    if isinstance(tree, dict):
        return _map(tree)
    return cast("Plain", tree)


def _map(tree: Tree) -> dict[str, Plain]:
    """Return the map as it is where nothing in it is to be turned: most settings are flat."""
    for item in tree.values():
        if isinstance(item, list | dict):
            return {key: plain_from_tree(item) for key, item in tree.items()}
    return dict(tree)


def lifecycle_to_tree(life: Lifecycle) -> Tree:
    """Return the JSON tree of a lifecycle."""
    return {
        "protect": life.protect,
        "ignore_changes": sorted(life.ignore_changes),
        "keep_on_destroy": life.keep_on_destroy,
        "keep_previous": life.keep_previous,
    }


_LIFE = Lifecycle()
_PLAIN_LIFE = lifecycle_to_tree(_LIFE)
_STATUS = {status.value: status for status in Status}
_RECREATE = {recreate.value: recreate for recreate in Recreate}


def lifecycle_from_tree(tree: Tree) -> Lifecycle:
    """Return the lifecycle of a JSON tree."""
    if tree == _PLAIN_LIFE:
        return _LIFE
    return Lifecycle(
        protect=tree["protect"],
        ignore_changes=frozenset(tree["ignore_changes"]),
        keep_on_destroy=tree["keep_on_destroy"],
        keep_previous=tree["keep_previous"],
    )


def instance_to_tree(instance: Instance) -> Tree:
    """Return the JSON tree of an instance; defaults are left out."""
    tree: Tree = {
        "address": str(instance.address),
        "provider": instance.provider,
        "account": instance.account,
        "id": instance.id,
        "status": instance.status.value,
        "spec": value_to_tree(dict(instance.spec)),
        "outputs": value_to_tree(dict(instance.outputs)),
        "needs": [{"address": str(n.address), "id": n.id} for n in instance.needs],
        "recreate": instance.recreate.value,
        "lifecycle": lifecycle_to_tree(instance.lifecycle),
    }
    optional = {
        "fingerprint": instance.fingerprint,
        "progress": instance.progress,
        "reason": instance.reason,
        "op": instance.op,
        "created_at": instance.created_at,
        "renewed_at": instance.renewed_at,
        "deadline": instance.deadline,
        "parent": str(instance.parent) if instance.parent else None,
        "labels": dict(instance.labels),
    }
    return tree | {key: item for key, item in optional.items() if item}


def instance_from_tree(tree: Tree) -> Instance:
    """Return the instance of a JSON tree."""
    return Instance(
        address=Address.parse(tree["address"]),
        provider=tree["provider"],
        account=tree["account"],
        id=tree["id"],
        spec=_map(tree["spec"]),
        outputs=_map(tree["outputs"]),
        status=_STATUS[tree["status"]],
        needs=_needs_from_tree(tree["needs"]) if tree["needs"] else (),
        fingerprint=tree.get("fingerprint"),
        progress=tree.get("progress", ""),
        reason=tree.get("reason", ""),
        op=tree.get("op", ""),
        created_at=tree.get("created_at", ""),
        renewed_at=tree.get("renewed_at", ""),
        deadline=tree.get("deadline", ""),
        lifecycle=lifecycle_from_tree(tree["lifecycle"]),
        recreate=_RECREATE[tree["recreate"]],
        parent=Address.parse(tree["parent"]) if tree.get("parent") else None,
        labels=tree.get("labels", {}),
    )


def intent_to_tree(intent: Intent) -> Tree:
    """Return the JSON tree of an intent."""
    return {
        "op": intent.op,
        "action": intent.action,
        "address": str(intent.address),
        "provider": intent.provider,
        "fingerprint": intent.fingerprint,
        "id": intent.id,
        "time": intent.time,
    }


def intent_from_tree(tree: Tree) -> Intent:
    """Return the intent of a JSON tree."""
    return Intent(
        op=tree["op"],
        action=tree["action"],
        address=Address.parse(tree["address"]),
        provider=tree["provider"],
        fingerprint=tree.get("fingerprint"),
        id=tree.get("id", ""),
        time=tree.get("time", ""),
    )


def _needs_to_tree(needs: tuple[Need, ...]) -> list[Tree]:
    return [{"address": str(n.address), "id": n.id} for n in needs]


def _needs_from_tree(tree: Any) -> tuple[Need, ...]:  # noqa: ANN401  # a JSON tree
    return tuple(Need(Address.parse(n["address"]), n["id"]) for n in tree)


def approval_to_tree(approval: Approval) -> Tree:
    """Return the JSON tree of an approval."""
    return {
        "id": approval.id,
        "digest": approval.digest,
        "who": approval.who,
        "info": dict(approval.info),
        "time": approval.time,
        "aim": value_to_tree(dict(approval.aim)),
        "variables": dict(approval.variables),
        "var_files": list(approval.var_files),
        "wanted": {str(a): approval.wanted[a] for a in sorted(approval.wanted)},
        "doomed": _needs_to_tree(approval.doomed),
        "outputs": dict(approval.outputs),
        "anew": _needs_to_tree(approval.anew),
        "left": {str(a): [str(w) for w in approval.left[a]] for a in sorted(approval.left)},
        "begun": [str(a) for a in approval.begun],
        "parked": approval.parked,
    }


def approval_from_tree(tree: Tree) -> Approval:
    """Return the approval of a JSON tree."""
    return Approval(
        id=tree["id"],
        digest=tree["digest"],
        who=tree["who"],
        info=tree["info"],
        time=tree["time"],
        aim=_map(tree["aim"]),
        variables=tree["variables"],
        var_files=tuple(tree["var_files"]),
        wanted={Address.parse(a): digest for a, digest in tree["wanted"].items()},
        doomed=_needs_from_tree(tree["doomed"]),
        outputs=tree["outputs"],
        anew=_needs_from_tree(tree["anew"]),
        left={Address.parse(a): tuple(map(Address.parse, w)) for a, w in tree["left"].items()},
        begun=tuple(map(Address.parse, tree["begun"])),
        parked=tree["parked"],
    )


def _lapse_to_tree(lapse: Lapse) -> Tree:
    return {"address": str(lapse.address), "declared": lapse.declared, "ended": lapse.ended}


def _lapse_from_tree(tree: Tree) -> Lapse:
    return Lapse(Address.parse(tree["address"]), tree["declared"], tree["ended"])


def entry_to_tree(entry: Entry) -> Tree:
    """Return the JSON tree of a journal entry."""
    match entry:
        case Began(intent):
            return {"type": "began", "intent": intent_to_tree(intent)}
        case Made(op, instance) | Adopted(op, instance) | Settled(op, instance):
            kind = type(entry).__name__.lower()
            return {"type": kind, "op": op, "instance": instance_to_tree(instance)}
        case Deleted(op, address, id_):
            return {"type": "deleted", "op": op, "address": str(address), "id": id_}
        case Lapsed(op, lapse, id_):
            return {"type": "lapsed", "op": op, "lapse": _lapse_to_tree(lapse), "id": id_}
        case Forgot(address, id_):
            return {"type": "forgot", "address": str(address), "id": id_}
        case Abandoned(op, reason):
            return {"type": "abandoned", "op": op, "reason": reason}
        case Renamed(before, after):
            return {"type": "renamed", "before": str(before), "after": str(after)}
        case Published(outputs):
            return {"type": "published", "outputs": value_to_tree(dict(outputs))}
        case Approved(approval):
            return {"type": "approved", "approval": approval_to_tree(approval)}
        case Concluded(id_):
            return {"type": "concluded", "id": id_}
        case _:
            assert_never(entry)


def entry_from_tree(tree: Tree) -> Entry:
    """Return the journal entry of a JSON tree.

    Raises:
        ValueError: for an entry of an unknown type.
    """
    read = _ENTRIES.get(tree["type"])
    if read is None:
        raise ValueError(f"unknown journal entry `{tree['type']}`")
    return read(tree)


_ENTRIES: Mapping[str, Callable[[Tree], Entry]] = {
    "began": lambda t: Began(intent_from_tree(t["intent"])),
    "made": lambda t: Made(t["op"], instance_from_tree(t["instance"])),
    "adopted": lambda t: Adopted(t["op"], instance_from_tree(t["instance"])),
    "settled": lambda t: Settled(t["op"], instance_from_tree(t["instance"])),
    "deleted": lambda t: Deleted(t["op"], Address.parse(t["address"]), t["id"]),
    "lapsed": lambda t: Lapsed(t["op"], _lapse_from_tree(t["lapse"]), t["id"]),
    "forgot": lambda t: Forgot(Address.parse(t["address"]), t["id"]),
    "abandoned": lambda t: Abandoned(t["op"], t["reason"]),
    "renamed": lambda t: Renamed(Address.parse(t["before"]), Address.parse(t["after"])),
    "published": lambda t: Published(_map(t["outputs"])),
    "approved": lambda t: Approved(approval_from_tree(t["approval"])),
    "concluded": lambda t: Concluded(t["id"]),
}


def state_to_tree(state: State) -> Tree:
    """Return the JSON tree of a state, in an order that depends on its content alone."""
    open_ = {"approvals": [approval_to_tree(a) for a in state.approvals]}
    tree: Tree = {
        "lineage": state.lineage,
        "serial": state.serial,
        "project": state.project,
        "env": state.env,
        "providers": {
            name: {
                "type": a.type,
                "account": a.account,
                "settings": value_to_tree(dict(a.settings)),
            }
            for name, a in sorted(state.providers.items())
        },
        "instances": [
            instance_to_tree(state.instances[a]) for a in sorted(state.instances, key=str)
        ],
        "superseded": [instance_to_tree(i) for i in state.superseded],
        "intents": [intent_to_tree(i) for i in state.intents],
        "outputs": value_to_tree(dict(state.outputs)),
    }
    let_go = {
        "forgotten": [{"account": f.account, "id": f.id, "op": f.op} for f in state.forgotten]
    }
    over = {"lapsed": [_lapse_to_tree(lapse) for lapse in state.lapsed]}
    for more, there in ((open_, state.approvals), (let_go, state.forgotten), (over, state.lapsed)):
        tree |= more if there else {}
    return tree


def state_from_tree(tree: Tree) -> State:
    """Return the state of a JSON tree."""
    instances = [instance_from_tree(item) for item in tree["instances"]]
    return State(
        lineage=tree["lineage"],
        serial=tree["serial"],
        project=tree["project"],
        env=tree["env"],
        providers={
            name: Account(type=a["type"], account=a["account"], settings=_map(a["settings"]))
            for name, a in tree["providers"].items()
        },
        instances={i.address: i for i in instances},
        superseded=tuple(instance_from_tree(item) for item in tree["superseded"]),
        intents=tuple(intent_from_tree(item) for item in tree["intents"]),
        outputs=_map(tree["outputs"]),
        approvals=tuple(approval_from_tree(item) for item in tree.get("approvals", [])),
        lapsed=tuple(_lapse_from_tree(item) for item in tree.get("lapsed", [])),
        forgotten=tuple(
            Forgotten(f["account"], f["id"], f["op"]) for f in tree.get("forgotten", [])
        ),
    )
