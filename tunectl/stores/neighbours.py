"""What the states of a store's other environments hold: asked before a shared object is deleted.

The document of shared objects says who uses what. It may be lost, or be an older copy; a state is
the truth of its environment, and is never read as "nothing is used" where it cannot be read.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from tunectl.core.errors import StateError
from tunectl.core.ports import Store
from tunectl.core.sharing import Key, key_of
from tunectl.stores.ledger import Ledger
from tunectl.stores.statefile import decode

_SNAPSHOT, _JOURNAL = ".json", ".journal"
# Seconds before one who holds it is believed: who has just left may still have to write it down.
_PAUSES = (0.2, 0.8)


class Neighbours:
    """The other environments of a store."""

    def __init__(self, store: Store, env: str) -> None:
        """Take the store, and which environment is not meant."""
        self._store = store
        self._env = env
        self._known: dict[str, tuple[str, frozenset[Key]]] = {}  # by generation

    def hold(self, key: Key, *, listed: bool) -> bool:
        """Whether another environment's state holds an object, whatever the shared document says.

        Args:
            key: of the object.
            listed: the shared document knew of it: then a state that cannot be read is passed over.

        Raises:
            StateError: a state cannot be read, and nothing else tells who uses the object.
        """
        for pause in _PAUSES:
            if not self._held(key, listed):
                return False
            time.sleep(pause)
        return self._held(key, listed)

    def _held(self, key: Key, listed: bool) -> bool:
        for env in self._envs():
            try:
                if key in self._keys(env):
                    return True
            except StateError:
                if not listed:
                    raise
        return False

    def _envs(self) -> Iterator[str]:
        names = (n for n in self._store.list("") if "/" not in n and n.endswith(_SNAPSHOT))
        return (env for n in names if (env := n.removesuffix(_SNAPSHOT)) != self._env)

    def _keys(self, env: str) -> frozenset[Key]:
        lines = any(self._store.entries(env + _JOURNAL))
        blob = self._store.read(env + _SNAPSHOT)
        if blob is None:
            return frozenset()
        generation, keys = self._known.get(env, ("", frozenset[Key]()))
        if lines or generation != blob.generation:
            state = decode(blob.content, env + _SNAPSHOT)
            if lines:
                state = Ledger(self._store, state.project, env, "").load()
            keys = frozenset(key_of(instance) for instance in state.everything)
            self._known[env] = ("" if lines else blob.generation, keys)
        return keys
