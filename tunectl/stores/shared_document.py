"""One JSON document beside the states, which all environments of a store change.

It takes no lock: it is changed by compare-and-swap alone, again and again until nobody else changed
it meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Store

_ATTEMPTS = 30
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedDocument(Generic[T]):
    """A document of a form of its own.

    Attributes:
        name: of the blob in the store.
        format: the newest number this version reads, and the one it writes.
        empty: makes what is true where there is no document.
        parse: reads what stands under `objects`.
        tree: writes it.
        repair: the hint where it cannot be understood.
        options: orjson's, for how it is written.
    """

    store: Store
    name: str
    format: int
    empty: Callable[[], T]
    parse: Callable[[Any], T]
    tree: Callable[[T], object]
    repair: str
    options: int = orjson.OPT_APPEND_NEWLINE

    def read(self) -> T:
        """Return what it says.

        Raises:
            StateError: it cannot be understood, or is of a newer version.
        """
        return self._read()[0]

    def change(self, change: Callable[[T], T | None]) -> bool:
        """Change it, and return True; False where `change` gives None, and nothing is written.

        Args:
            change: from what it says to what it is to say; called anew after another's change.

        Raises:
            StateError: the store cannot be used, or others change it all the time.
        """
        for attempt in range(_ATTEMPTS):
            before, generation = self._read()
            after = change(before)
            if after is None:
                return False
            if after == before:
                return True
            content = orjson.dumps(
                {"format": self.format, "objects": self.tree(after)}, option=self.options
            )
            try:
                self.store.write(self.name, content, expected=generation)
            except StaleError:
                import random

                time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311  # jitter
                continue
            return True
        raise StateError.of(
            f"`{self.name}` is changed by others all the time", hint="run the command again"
        )

    def _read(self) -> tuple[T, str | None]:
        blob = self.store.read(self.name)
        if blob is None:
            return self.empty(), None
        try:
            tree = orjson.loads(blob.content)
            if tree["format"] > self.format:
                raise StateError.of(
                    f"`{self.name}` has format {tree['format']}; "
                    f"this version reads up to {self.format}",
                    hint="upgrade tunectl",
                    code="state-newer",
                )
            return self.parse(tree["objects"]), blob.generation
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError.of(
                f"`{self.name}` cannot be understood: {error}",
                hint=self.repair,
                code="state-damaged",
            ) from error
