"""What `gc` deleted where the provider does not tell that it is gone: remembered in the store.

A job's record stays for ever, and some services never say whether its model still exists: without a
memory the same job would be found, offered and deleted at every run. One document, changed by
compare-and-swap alone.
"""

from __future__ import annotations

import random
import time

import orjson

from tunectl.core.errors import StaleError, StateError
from tunectl.core.places import Place, place_of
from tunectl.core.ports import Store
from tunectl.core.resource import Instance

NAME = "shared/deleted.json"
FORMAT = 1
_ATTEMPTS = 30


class Deleted:
    """The places of objects that are gone although their provider still shows a record."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def read(self) -> frozenset[Place]:
        """Return every place.

        Raises:
            StateError: the document cannot be understood.
        """
        return frozenset(self._read()[0])

    def add(self, instance: Instance) -> None:
        """Remember one.

        Raises:
            StateError: the store cannot be used.
        """
        for attempt in range(_ATTEMPTS):
            known, generation = self._read()
            place = place_of(instance)
            if place in known:
                return
            content = orjson.dumps(
                {"format": FORMAT, "objects": [_tree(p) for p in sorted({*known, place})]},
                option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
            )
            try:
                self._store.write(NAME, content, expected=generation)
            except StaleError:
                time.sleep(random.uniform(0, 0.02 * (attempt + 1)))  # noqa: S311  # jitter
                continue
            return
        raise StateError.of(
            f"`{NAME}` is changed by others all the time", hint="run the command again"
        )

    def _read(self) -> tuple[set[Place], str | None]:
        blob = self._store.read(NAME)
        if blob is None:
            return set(), None
        try:
            tree = orjson.loads(blob.content)
            if tree["format"] > FORMAT:
                raise StateError.of(
                    f"`{NAME}` has format {tree['format']}; this version reads up to {FORMAT}",
                    hint="upgrade tunectl",
                    code="state-newer",
                )
            found = {(str(o["account"]), str(o["kind"]), str(o["id"])) for o in tree["objects"]}
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise StateError.of(
                f"`{NAME}` cannot be understood: {error}",
                hint="remove it: what `gc` deleted already is then offered once more",
                code="state-damaged",
            ) from error
        return found, blob.generation


def _tree(place: Place) -> dict[str, str]:
    account, kind, id_ = place
    return {"account": account, "kind": kind, "id": id_}
