"""Core values as plain JSON trees and back; the one place that knows both forms.

A reference is `{"$ref": "endpoint.support", "path": ["model_id"]}`, a text with references
`{"$join": [...]}`. Reading ignores unknown keys (a minor version may add some) and raises
`KeyError`, `TypeError` or `ValueError` on what it cannot understand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tunectl.core.approval import Approval
from tunectl.core.dataclass import opened
from tunectl.core.needing import exact, named
from tunectl.core.resource import USUAL, Instance, Lifecycle, Need, Recreate, Status
from tunectl.core.state import (
    Account,
    Forgotten,
    Intent,
    Lapse,
    State,
)
from tunectl.core.value import Address, in_order
from tunectl.core.valuetree import Tree, map_from_tree, map_to_tree, value_to_tree


def lifecycle_to_tree(life: Lifecycle) -> Tree:
    """Return the JSON tree of a lifecycle."""
    return {
        "protect": life.protect,
        "ignore_changes": sorted(life.ignore_changes),
        "keep_on_destroy": life.keep_on_destroy,
        "keep_previous": life.keep_previous,
    }


_PLAIN_LIFE = lifecycle_to_tree(USUAL)
_FREELY = Recreate.FREELY
_NONE: Mapping[str, str] = {}  # one for all that have no labels
_STATUS = {status.value: status for status in Status}
_RECREATE = {recreate.value: recreate for recreate in Recreate}


def lifecycle_from_tree(tree: Tree) -> Lifecycle:
    """Return the lifecycle of a JSON tree."""
    if tree == _PLAIN_LIFE:
        return USUAL
    return _lifecycle(
        protect=tree["protect"],
        ignore_changes=frozenset(tree["ignore_changes"]),
        keep_on_destroy=tree["keep_on_destroy"],
        keep_previous=tree["keep_previous"],
    )


_lifecycle = lru_cache(maxsize=64)(Lifecycle)  # many objects, few of them


def instance_to_tree(instance: Instance) -> Tree:
    """Return the JSON tree of an instance; most defaults are left out."""
    return _instance_tree(instance, lean=False)


def lean_tree(instance: Instance) -> Tree:
    """Return the JSON tree of an instance as it is stored: what says nothing is left out."""
    return _instance_tree(instance, lean=True)


def _instance_tree(instance: Instance, *, lean: bool) -> Tree:
    tree: Tree = {
        "address": str(instance.address),
        "provider": instance.provider,
        "account": instance.account,
        "id": instance.id,
        "status": instance.status.value,
        "spec": map_to_tree(instance.spec),
        "outputs": map_to_tree(instance.outputs),
    }
    if instance.needs or not lean:
        tree["needs"] = _needs_to_tree(instance.needs, instance.account)
    if instance.recreate is not _FREELY or not lean:
        tree["recreate"] = instance.recreate.value
    if instance.lifecycle != USUAL or not lean:
        tree["lifecycle"] = lifecycle_to_tree(instance.lifecycle)
    for key, item in (
        ("fingerprint", instance.fingerprint),
        ("progress", instance.progress),
        ("reason", instance.reason),
        ("op", instance.op),
        ("created_at", instance.created_at),
        ("renewed_at", instance.renewed_at),
        ("deadline", instance.deadline),
    ):
        if item:
            tree[key] = item
    if instance.parent:
        tree["parent"] = str(instance.parent)
    if instance.labels:
        tree["labels"] = dict(instance.labels)
    return tree


def instance_from_tree(tree: Tree, *, lists: bool = True) -> Instance:
    """Return the instance of a JSON tree.

    Args:
        tree: the object.
        lists: whether there may be lists in its settings and outputs, which become tuples.
    """
    get, parse = tree.get, Address.parse
    made: Any = _OpenInstance()
    made.address = parse(tree["address"])
    made.provider = tree["provider"]
    made.account = tree["account"]
    made.id = tree["id"]
    spec, outputs = tree["spec"], tree["outputs"]
    made.spec = map_from_tree(spec) if lists or spec.__class__ is not dict else spec
    made.outputs = map_from_tree(outputs) if lists or outputs.__class__ is not dict else outputs
    made.status = _STATUS[tree["status"]]
    needs = get("needs")
    made.needs = _needs_from_tree(needs, made.account) if needs else ()
    made.fingerprint = get("fingerprint")
    made.op = get("op", "")
    made.created_at = get("created_at", "")
    made.recreate = _RECREATE[get("recreate", "freely")]
    made.labels = get("labels", _NONE)
    if _SELDOM.isdisjoint(tree):  # one look for all of them
        made.progress = made.reason = made.renewed_at = made.deadline = ""
        made.lifecycle = USUAL
        made.parent = None
    else:
        parent, life = get("parent"), get("lifecycle")
        made.progress = get("progress", "")
        made.reason = get("reason", "")
        made.renewed_at = get("renewed_at", "")
        made.deadline = get("deadline", "")
        made.lifecycle = lifecycle_from_tree(life) if life else USUAL
        made.parent = parse(parent) if parent else None
    made.__class__ = Instance
    return made  # type: ignore[no-any-return]  # it is one now


_SELDOM = frozenset({"progress", "reason", "renewed_at", "deadline", "lifecycle", "parent"})
_OpenInstance, _OpenNeed = opened(Instance), opened(Need)


def intent_to_tree(intent: Intent) -> Tree:
    """Return the JSON tree of an intent."""
    tree: Tree = {
        "op": intent.op,
        "action": intent.action,
        "address": str(intent.address),
        "provider": intent.provider,
    }
    if intent.fingerprint is not None:
        tree["fingerprint"] = intent.fingerprint
    for key, item in (("id", intent.id), ("time", intent.time)):
        if item:
            tree[key] = item
    return tree


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


def _needs_to_tree(needs: tuple[Need, ...], home: str = "") -> list[Tree]:
    """Return the trees of needs; the account is said where it is not the user's own."""
    return [
        {"address": str(n.address), "id": n.id}
        if n.account == home
        else {"address": str(n.address), "id": n.id, "account": n.account}
        for n in needs
    ]


def _needs_from_tree(tree: Any, home: str = "") -> tuple[Need, ...]:  # noqa: ANN401  # a JSON tree
    found: list[Need] = []
    for said in tree:
        made: Any = _OpenNeed()
        made.address = Address.parse(said["address"])
        made.id = said["id"]
        made.account = said.get("account", home)
        made.__class__ = Need
        found.append(made)
    return tuple(found)


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
        "wanted": {str(a): approval.wanted[a] for a in in_order(approval.wanted)},
        "doomed": _needs_to_tree(approval.doomed),
        "outputs": dict(approval.outputs),
        "anew": _needs_to_tree(approval.anew),
        "left": {str(a): [str(w) for w in approval.left[a]] for a in in_order(approval.left)},
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
        aim=map_from_tree(tree["aim"]),
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


def _exactly(
    approval: Approval, live: Mapping[Address, Instance], kept: Mapping[Need, Instance]
) -> Approval:
    """Return an approval that names objects by their accounts too; one that is said counts."""
    doomed, anew = (
        tuple(need if need.account else named(need, live, kept) for need in needs)
        for needs in (approval.doomed, approval.anew)
    )
    return replace(approval, doomed=doomed, anew=anew)


def lapse_to_tree(lapse: Lapse) -> Tree:
    """Return the JSON tree of a lapse."""
    return {"address": str(lapse.address), "declared": lapse.declared, "ended": lapse.ended}


def lapse_from_tree(tree: Tree) -> Lapse:
    """Return the lapse of a JSON tree."""
    return Lapse(Address.parse(tree["address"]), tree["declared"], tree["ended"])


def state_to_tree(state: State, record: Callable[[Instance], Tree] = instance_to_tree) -> Tree:
    """Return the JSON tree of a state, in an order that depends on its content alone.

    Args:
        state: what is recorded.
        record: how an instance is said: in full, or as it is stored.
    """
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
        "instances": [record(state.instances[a]) for a in sorted(state.instances, key=str)],
        "superseded": [record(i) for i in state.superseded],
        "intents": [intent_to_tree(i) for i in state.intents],
        "outputs": value_to_tree(dict(state.outputs)),
    }
    let_go = {
        "forgotten": [{"account": f.account, "id": f.id, "op": f.op} for f in state.forgotten]
    }
    over = {"lapsed": [lapse_to_tree(lapse) for lapse in state.lapsed]}
    for more, there in ((open_, state.approvals), (let_go, state.forgotten), (over, state.lapsed)):
        tree |= more if there else {}
    return tree


def _account_from_tree(tree: Tree) -> Account:
    settings = map_from_tree(tree["settings"])
    return Account(type=tree["type"], account=tree["account"], settings=settings)


def state_from_tree(tree: Tree, instances: Sequence[Instance] | None = None) -> State:
    """Return the state of a JSON tree.

    Args:
        tree: the object.
        instances: what is live, where it was read before; then the tree's own are passed over.
    """
    if instances is None:
        instances = [instance_from_tree(item) for item in tree["instances"]]
    superseded = [instance_from_tree(item) for item in tree["superseded"]]
    live, kept = {i.address: i for i in instances}, {i.key: i for i in superseded}
    for one in [i for i in live.values() if i.needs]:
        live[one.address] = exact(one, live, kept)
    approvals = (approval_from_tree(item) for item in tree.get("approvals", []))
    return State(
        lineage=tree["lineage"],
        serial=tree["serial"],
        project=tree["project"],
        env=tree["env"],
        providers={name: _account_from_tree(a) for name, a in tree["providers"].items()},
        instances=live,
        superseded=tuple(exact(i, live, kept) for i in superseded),
        intents=tuple(intent_from_tree(item) for item in tree["intents"]),
        outputs=map_from_tree(tree["outputs"]),
        approvals=tuple(_exactly(a, live, kept) for a in approvals),
        lapsed=tuple(lapse_from_tree(item) for item in tree.get("lapsed", [])),
        forgotten=tuple(
            Forgotten(f["account"], f["id"], f["op"]) for f in tree.get("forgotten", [])
        ),
    )
