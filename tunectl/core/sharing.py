"""Which environments use which trained object: so that none is bought twice or deleted too early.

Laws: an environment adds itself before it uses an object and removes itself before it deletes one;
only the last to leave deletes remotely.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import Any, TypeAlias

from tunectl.core.dataclass import dataclass
from tunectl.core.record import instance_from_tree, lean_tree
from tunectl.core.resource import Instance, Recreate, Status
from tunectl.core.valuetree import Tree

Key: TypeAlias = tuple[str, str]  # account, id


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """One object and who uses it.

    Attributes:
        instance: as recorded by the environment that made it.
        env: the environment that made it.
        users: the environments that use it, each as `project/env`.
    """

    instance: Instance
    env: str
    users: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """Every shared object of one store."""

    objects: Mapping[Key, Shared] = field(default_factory=dict)
    _equal: dict[str, list[Shared]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def equal(self, account: str, fingerprint: str) -> tuple[Shared, ...]:
        """Return the objects of an account with a fingerprint, the oldest first."""
        found = (s for s in self._of(fingerprint) if s.instance.account == account)
        return tuple(sorted(found, key=lambda s: (s.instance.created_at, s.instance.id)))

    def knows(self, fingerprint: str) -> bool:
        """Whether there is an object with a fingerprint, in any account."""
        return bool(self._of(fingerprint))

    def _of(self, fingerprint: str) -> Sequence[Shared]:
        if not self._equal:
            for shared in self.objects.values():
                self._equal.setdefault(shared.instance.fingerprint or "", []).append(shared)
        return self._equal.get(fingerprint, ())

    def others(self, user: str) -> frozenset[Key]:
        """Return what somebody else than a user uses."""
        return frozenset(key for key, s in self.objects.items() if s.users - {user})


class Others(Container[Key]):
    """What somebody else than a user uses; looked for when it is first asked for."""

    def __init__(self, read: Callable[[], Registry], user: str) -> None:
        self._read = read
        self._user = user
        self._found: frozenset[Key] | None = None

    def __contains__(self, key: object) -> bool:
        """Whether somebody else uses an object."""
        if self._found is None:
            self._found = self._read().others(self._user)
        return key in self._found


def key_of(instance: Instance) -> Key:
    """Return what identifies an object across environments."""
    return instance.account, instance.id


def is_shareable(instance: Instance) -> bool:
    """Whether an object is worth sharing: it costs money to make, and its identity is known."""
    paid = instance.recreate is Recreate.ON_REQUEST
    return paid and bool(instance.fingerprint) and instance.status is Status.READY


def agreed(
    registry: Registry,
    instances: Iterable[Instance],
    env: str,
    user: str,
    let_go: Container[Key] | None = None,
) -> Registry:
    """Return the registry in which a user uses these objects.

    Args:
        registry: as it is.
        instances: what it uses.
        env: which environment the user is.
        user: who it is.
        let_go: what it uses no longer; None where that is everything else.
    """
    using = {key_of(i): i for i in instances}
    objects: dict[Key, Shared] = {}
    for key, shared in registry.objects.items():
        left = shared.users - {user}
        stays = key in using or (let_go is not None and key not in let_go)
        if stays or user not in shared.users:
            objects[key] = shared
        elif left:
            objects[key] = replace(shared, users=left)
    for key, instance in using.items():
        known = objects.get(key) or Shared(instance=instance, env=env, users=frozenset())
        if user not in known.users:
            objects[key] = replace(known, users=known.users | {user})
    return Registry(objects=objects)


def claimed(registry: Registry, key: Key, user: str) -> Registry | None:
    """Return the registry with a further user; None when the object is not offered any more."""
    known = registry.objects.get(key)
    if known is None:
        return None
    return _with(registry, key, replace(known, users=known.users | {user}))


def released(registry: Registry, key: Key, user: str) -> tuple[Registry, bool]:
    """Return the registry without a user, and whether nobody uses the object any more."""
    known = registry.objects.get(key)
    if known is None:
        return registry, True
    left = known.users - {user}
    if left:
        return _with(registry, key, replace(known, users=left)), False
    return Registry(objects={k: s for k, s in registry.objects.items() if k != key}), True


def _with(registry: Registry, key: Key, shared: Shared) -> Registry:
    return Registry(objects={**registry.objects, key: shared})


def registry_to_tree(registry: Registry) -> list[Tree]:
    """Return the JSON tree of a registry, in an order that depends on its content alone."""
    return [
        {"instance": lean_tree(s.instance), "env": s.env, "users": sorted(s.users)}
        for _, s in sorted(registry.objects.items())
    ]


def registry_from_tree(tree: list[Any]) -> Registry:
    """Return the registry of a JSON tree.

    Raises:
        KeyError, TypeError, ValueError: it cannot be understood.
    """
    found = [
        Shared(
            instance=instance_from_tree(item["instance"]),
            env=item["env"],
            users=frozenset(item["users"]),
        )
        for item in tree
    ]
    return Registry(objects={key_of(s.instance): s for s in found})
