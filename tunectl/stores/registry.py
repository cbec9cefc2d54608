"""The shared objects of a store: two environments change them at once, each under its own lock."""

from __future__ import annotations

from collections.abc import Container, Iterable

from tunectl.core.ports import Store
from tunectl.core.resource import Instance
from tunectl.core.sharing import (
    Key,
    Registry,
    agreed,
    claimed,
    is_shareable,
    key_of,
    registry_from_tree,
    registry_to_tree,
    released,
)
from tunectl.stores.neighbours import Neighbours
from tunectl.stores.shared_document import SharedDocument

NAME = "shared/objects.json"
FORMAT = 2  # since 2 what says nothing is left out


class SharedObjects:
    """What one environment of one project says and reads there; the engine's `Shares`."""

    def __init__(self, store: Store, project: str, env: str) -> None:
        self._document = SharedDocument(
            store=store,
            name=NAME,
            format=FORMAT,
            empty=Registry,
            parse=registry_from_tree,
            tree=registry_to_tree,
            repair="restore a copy of it; it says which environments use which model, and "
            "`tunectl apply` in each of them writes it anew where it is missing",
        )
        self._env = env
        self._neighbours = Neighbours(store, env)
        self.user = f"{project}/{env}"

    def read(self) -> Registry:
        """Return what is shared.

        Raises:
            StateError: the document cannot be understood.
        """
        return self._document.read()

    def agree(self, instances: Iterable[Instance], let_go: Container[Key] | None = None) -> None:
        """Say what this environment uses: what an interrupted step left out or too much.

        Only under the environment's own lock.

        Args:
            instances: what its state holds.
            let_go: what it uses no longer. None where that is everything else: the declaration is
                fulfilled. Before that, what its state lacks may still be taken up again (an older
                state was put back), and would be bought again if nobody knew of it.

        Raises:
            StateError: the store cannot be used.
        """
        mine = tuple(i for i in instances if is_shareable(i))
        self._document.change(lambda registry: agreed(registry, mine, self._env, self.user, let_go))

    def claim(self, instance: Instance) -> bool:
        """Become a user of an object; False when it is not offered any more.

        Raises:
            StateError: the store cannot be used.
        """
        return self._document.change(
            lambda registry: claimed(registry, key_of(instance), self.user)
        )

    def release(self, instance: Instance) -> bool:
        """Be a user no longer; True when nobody else is one, so that it may be deleted.

        Raises:
            StateError: the store cannot be used; or it is not known who else uses the object.
        """
        key, last, listed = key_of(instance), True, False

        def leave(registry: Registry) -> Registry:
            nonlocal last, listed
            listed = key in registry.objects
            left, last = released(registry, key, self.user)
            return left

        self._document.change(leave)
        if last and is_shareable(instance):
            last = not self._neighbours.hold(key, listed=listed)
        return last
