"""The shared objects of a store: one document, changed by compare-and-swap alone.

It takes no lock: two environments change it at once, each under its own.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable

import orjson

from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Store
from tunectl.core.resource import Instance
from tunectl.core.sharing import (
    Registry,
    agreed,
    claimed,
    is_shareable,
    key_of,
    registry_from_tree,
    registry_to_tree,
    released,
)

NAME = "shared/objects.json"
FORMAT = 2  # since 2 what says nothing is left out
_ATTEMPTS = 30


class SharedObjects:
    """What one environment of one project says and reads there; the engine's `Shares`."""

    def __init__(self, store: Store, project: str, env: str) -> None:
        self._store = store
        self._env = env
        self.user = f"{project}/{env}"

    def read(self) -> Registry:
        """Return what is shared.

        Raises:
            StateError: the document cannot be understood.
        """
        return self._read()[0]

    def agree(self, instances: Iterable[Instance]) -> None:
        """Say exactly what this environment uses: what an interrupted step left out or too much.

        Only under the environment's own lock.

        Raises:
            StateError: the store cannot be used.
        """
        mine = tuple(i for i in instances if is_shareable(i))
        self._change(lambda registry: agreed(registry, mine, self._env, self.user))

    def claim(self, instance: Instance) -> bool:
        """Become a user of an object; False when it is not offered any more.

        Raises:
            StateError: the store cannot be used.
        """
        return self._change(lambda registry: claimed(registry, key_of(instance), self.user))

    def release(self, instance: Instance) -> bool:
        """Be a user no longer; True when nobody else is one, so that it may be deleted.

        Raises:
            StateError: the store cannot be used.
        """
        last = True

        def leave(registry: Registry) -> Registry:
            nonlocal last
            left, last = released(registry, key_of(instance), self.user)
            return left

        self._change(leave)
        return last

    def _change(self, change: Callable[[Registry], Registry | None]) -> bool:
        for attempt in range(_ATTEMPTS):
            registry, generation = self._read()
            after = change(registry)
            if after is None:
                return False
            if after == registry:
                return True
            content = orjson.dumps(
                {"format": FORMAT, "objects": registry_to_tree(after)},
                option=orjson.OPT_APPEND_NEWLINE,
            )
            try:
                self._store.write(NAME, content, expected=generation)
            except StaleError:
                time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311  # jitter
                continue
            return True
        raise StateError.of(
            f"`{NAME}` is changed by others all the time", hint="run the command again"
        )

    def _read(self) -> tuple[Registry, str | None]:
        blob = self._store.read(NAME)
        if blob is None:
            return Registry(), None
        try:
            tree = orjson.loads(blob.content)
            if tree["format"] > FORMAT:
                raise StateError.of(
                    f"`{NAME}` has format {tree['format']}; this version reads up to {FORMAT}",
                    hint="upgrade tunectl",
                    code="state-newer",
                )
            return registry_from_tree(tree["objects"]), blob.generation
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError.of(
                f"`{NAME}` cannot be understood: {error}",
                hint="restore a copy of it; it says which environments use which model, and "
                "`tunectl apply` in each of them writes it anew where it is missing",
                code="state-damaged",
            ) from error
