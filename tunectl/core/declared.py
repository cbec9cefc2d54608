"""Hashes of what is declared: whether it is still the very same, however it is settled."""

from __future__ import annotations

import hashlib
from typing import Any

from tunectl.core.resource import Resource
from tunectl.core.value import Value, canonical
from tunectl.core.valuetree import value_to_tree


def declaration(resource: Resource) -> str:
    """Return the hash of what is declared: provider, fingerprint, settings with references."""
    tree = {
        "provider": resource.provider,
        "fingerprint": resource.fingerprint,
        "spec": value_to_tree(dict(resource.spec)),
    }
    if resource.origin is not None:
        tree["from"] = {"env": resource.origin.env, "address": str(resource.origin.address)}
    return _hash(tree)


def value_declared(value: Value) -> str:
    """Return the hash of a value, references unsettled."""
    return _hash({"value": value_to_tree(value)})


def _hash(tree: Any) -> str:  # noqa: ANN401  # a JSON tree
    return hashlib.sha256(canonical(tree).encode()).hexdigest()
