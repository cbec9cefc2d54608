"""The last ten snapshots that were replaced: every store that lists keeps them under `history/`.

A name is that of the snapshot, when it was replaced, and a few digits: `default.json.STAMP.ID`.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StateError
from tunectl.core.ports import Store
from tunectl.stores.statefile import Document, read_document

KEPT = 10
FOLDER = "history/"

_STAMP = "%Y%m%dT%H%M%S%f"


@dataclass(frozen=True, slots=True)
class Generation:
    """One kept snapshot.

    Attributes:
        name: in the store.
        id: a few hexadecimal digits that tell it from the others.
        replaced: when a newer one took its place, UTC.
    """

    name: str
    id: str
    replaced: datetime

    def read(self, store: Store) -> Document:
        """Return what is in it.

        Raises:
            StateError: it cannot be read as a state.
        """
        blob = store.read(self.name)
        if blob is None:
            raise StateError.of(f"generation `{self.id}` is gone", code="state-missing")
        return read_document(blob.content, self.id)


def kept(store: Store, name: str) -> list[Generation]:
    """Return the kept generations of a snapshot, newest first.

    Raises:
        StateError: the store cannot list.
    """
    stem = FOLDER + name
    found = [made for each in store.list(f"{stem}.") if (made := _parsed(each, stem)) is not None]
    return sorted(found, key=lambda g: (g.replaced, g.name), reverse=True)


def stems(store: Store, ending: str) -> frozenset[str]:
    """Return of which snapshots generations are kept, each without the ending of its name.

    Args:
        store: where they are.
        ending: of the snapshots' names, such as `.json`.

    Raises:
        StateError: the store cannot list.
    """
    found = set[str]()
    for each in store.list(FOLDER):
        # A stamp and a few digits follow the snapshot's name, and neither has a dot.
        stem = each.rsplit(".", 2)[0]
        if stem.endswith(ending) and _parsed(each, stem) is not None:
            found.add(stem.removeprefix(FOLDER).removesuffix(ending))
    return frozenset(found)


def put_aside(store: Store, name: str, content: bytes) -> None:
    """Keep a copy under `history/`, and drop all but the newest ten of that name.

    A store that has one document only keeps none; its own service keeps versions.
    """
    stamp = datetime.now(UTC).strftime(_STAMP)
    digest = hashlib.sha256(content).hexdigest()[:8]
    with contextlib.suppress(StateError):
        store.write(f"{FOLDER}{name}.{stamp}.{digest}", content, expected=None)
        _drop(store, (g.name for g in kept(store, name)[KEPT:]))


def _drop(store: Store, names: Iterable[str]) -> None:
    for name in names:
        store.delete(name)


def _parsed(name: str, stem: str) -> Generation | None:
    if not name.startswith(f"{stem}."):
        return None
    stamp, _, id_ = name.removeprefix(f"{stem}.").rpartition(".")
    try:
        replaced = datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    return Generation(name, id_, replaced)
