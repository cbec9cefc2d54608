"""Who holds the locks of a project's environments, and breaking one by its id."""

from __future__ import annotations

import contextlib

from tunectl.app.options import Options
from tunectl.app.workspace import open_record
from tunectl.core.errors import LockError, StateError
from tunectl.core.ports import Holder, Store

_OF_AN_ENVIRONMENT = (".json", ".lock", ".journal")


def locks(options: Options) -> list[tuple[str, Holder]]:
    """Return the held locks: environment and holder.

    A store that cannot list shows that of the chosen environment alone.

    Raises:
        ConfigError: the declaration does not tell where the state is.
        StateError: the store cannot be asked.
    """
    _, ledger = open_record(options)
    store = ledger.store
    names = sorted(_environments(store) | {options.env})
    return [(name, holder) for name in names if (holder := store.holder(name)) is not None]


def _environments(store: Store) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(StateError):
        for name in store.list(""):
            if "/" not in name and not name.startswith("."):
                stem, dot, ending = name.rpartition(".")
                if stem and f"{dot}{ending}" in _OF_AN_ENVIRONMENT:
                    found.add(stem)
    return found


def break_lock(options: Options, lock_id: str) -> tuple[str, Holder]:
    """Remove the lock of that id; return its environment and who held it.

    Raises:
        LockError: no lock has this id.
    """
    held = locks(options)
    for env, holder in held:
        if holder.id == lock_id:
            open_record(options)[1].store.break_lock(env, lock_id)
            return env, holder
    listed = ", ".join(f"`{holder.id}` ({env})" for env, holder in held)
    raise LockError.of(
        f"no lock has the id `{lock_id}`",
        hint=f"held are {listed}" if listed else "no lock is held",
        code="unknown-lock",
    )
