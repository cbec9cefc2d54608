"""What `gc` deleted where the provider does not tell that it is gone: remembered in the store.

A job's record stays for ever, and some services never say whether its model still exists: without a
memory the same job would be found, offered and deleted at every run.
"""

from __future__ import annotations

from typing import Any

import orjson

from tunectl.core.places import Place, place_of
from tunectl.core.ports import Store
from tunectl.core.resource import Instance
from tunectl.stores.shared_document import SharedDocument

NAME = "shared/deleted.json"
FORMAT = 1


class Deleted:
    """The places of objects that are gone although their provider still shows a record."""

    def __init__(self, store: Store) -> None:
        self._document = SharedDocument(
            store=store,
            name=NAME,
            format=FORMAT,
            empty=frozenset[Place],
            parse=_places,
            tree=_trees,
            repair="remove it: what `gc` deleted already is then offered once more",
            options=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE,
        )

    def read(self) -> frozenset[Place]:
        """Return every place.

        Raises:
            StateError: the document cannot be understood.
        """
        return self._document.read()

    def add(self, instance: Instance) -> None:
        """Remember one.

        Raises:
            StateError: the store cannot be used.
        """
        self._document.change(lambda known: known | {place_of(instance)})


def _places(trees: Any) -> frozenset[Place]:  # noqa: ANN401  # a JSON tree
    return frozenset((str(one["account"]), str(one["kind"]), str(one["id"])) for one in trees)


def _trees(places: frozenset[Place]) -> list[dict[str, str]]:
    return [{"account": a, "kind": kind, "id": id_} for a, kind, id_ in sorted(places)]
