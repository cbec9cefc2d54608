"""Entries of the journal as plain JSON trees and back; as `record`, which knows what they hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import assert_never

from tunectl.core.record import (
    approval_from_tree,
    approval_to_tree,
    instance_from_tree,
    intent_from_tree,
    intent_to_tree,
    lapse_from_tree,
    lapse_to_tree,
    lean_tree,
)
from tunectl.core.resource import Instance
from tunectl.core.state import (
    Abandoned,
    Adopted,
    Approved,
    Began,
    Concluded,
    Deleted,
    Entry,
    Forgot,
    Lapsed,
    Made,
    Published,
    Renamed,
    Settled,
)
from tunectl.core.value import Address
from tunectl.core.valuetree import Tree, map_from_tree, value_to_tree


def entry_to_tree(entry: Entry) -> Tree:
    """Return the JSON tree of a journal entry."""
    match entry:
        case Began(intent):
            return {"type": "began", "intent": intent_to_tree(intent)}
        case Made(op, instance) | Adopted(op, instance) | Settled(op, instance):
            tree = {"type": type(entry).__name__.lower(), "instance": lean_tree(instance)}
            return tree if op == instance.op else {**tree, "op": op}
        case Deleted(op, address, id_, account):
            at = {"address": str(address), "id": id_, "account": account}
            return {"type": "deleted", "op": op, **at}
        case Lapsed(op, lapse, id_, account):
            over = lapse_to_tree(lapse)
            return {"type": "lapsed", "op": op, "lapse": over, "id": id_, "account": account}
        case Forgot(address, id_, account):
            return {"type": "forgot", "address": str(address), "id": id_, "account": account}
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


def _of_instance(tree: Tree) -> tuple[str, Instance]:
    """An operation and what it did; it is named where it is not the one that made the object."""
    instance = instance_from_tree(tree["instance"])
    return tree.get("op", instance.op), instance


_ENTRIES: Mapping[str, Callable[[Tree], Entry]] = {
    "began": lambda t: Began(intent_from_tree(t["intent"])),
    "made": lambda t: Made(*_of_instance(t)),
    "adopted": lambda t: Adopted(*_of_instance(t)),
    "settled": lambda t: Settled(*_of_instance(t)),
    "deleted": lambda t: Deleted(
        t["op"], Address.parse(t["address"]), t["id"], t.get("account", "")
    ),
    "lapsed": lambda t: Lapsed(t["op"], lapse_from_tree(t["lapse"]), t["id"], t.get("account", "")),
    "forgot": lambda t: Forgot(Address.parse(t["address"]), t["id"], t.get("account", "")),
    "abandoned": lambda t: Abandoned(t["op"], t["reason"]),
    "renamed": lambda t: Renamed(Address.parse(t["before"]), Address.parse(t["after"])),
    "published": lambda t: Published(map_from_tree(t["outputs"])),
    "approved": lambda t: Approved(approval_from_tree(t["approval"])),
    "concluded": lambda t: Concluded(t["id"]),
}
