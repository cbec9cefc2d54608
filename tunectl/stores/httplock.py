"""The lock of Terraform's `http` protocol: one for an address, held until somebody frees it.

LOCK carries the holder; 200 is yes, 423 or 409 is no with the holder as body. UNLOCK carries the
same. What the protocol has not:

- **No lease.** A holder that was killed keeps the lock until `break_lock` with its id.
- **No question.** Who holds it is asked with a LOCK under an id of our own, freed at once where it
  was granted. Such brief locks say so in their id, and others wait a moment for them.
- **No details on GitLab**: it keeps id, user and time, and repeats the *asker's* other words. So
  the operation stands in the id too, and words that are our own are not taken for the holder's.
"""

from __future__ import annotations

import random
import re
import time
import uuid
from dataclasses import replace
from typing import Any

import orjson

from tunectl.core.errors import LockError
from tunectl.core.ports import Holder
from tunectl.stores.holders import held, not_the_holder
from tunectl.stores.httpwire import Answer, Wire
from tunectl.stores.lease import now

BRIEF = "brief-"  # how the ids of locks begin that are held for a request or two
HELD = frozenset({409, 423})

_POLL, _SLOWEST = 0.03, 1.0  # seconds between attempts to take a held lock, growing
_ABSENT = frozenset({404, 405, 501})
_NAMED = re.compile(r"(?P<operation>.+)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_LOCKS = (
    "set TF_HTTP_LOCK_ADDRESS, TF_HTTP_LOCK_METHOD and TF_HTTP_UNLOCK_METHOD as your server "
    "documents them; for a server without locks TUNECTL_HTTP_LOCKING=off leaves you to see to it "
    "that nobody else applies meanwhile"
)


def named(holder: Holder) -> Holder:
    """Return a holder whose id tells its operation, in ASCII."""
    word = re.sub(r"[^a-z0-9]+", "-", holder.operation.lower()).strip("-") or "lock"
    return replace(holder, id=f"{word[:40]}-{holder.id}")


def brief() -> Holder:
    """Return a holder for a request or two."""
    return Holder(id=f"{BRIEF}{uuid.uuid4()}", who="tunectl", operation="brief", created="")


class Waiting:
    """The pauses of one who waits for the lock."""

    def __init__(self, timeout: float, patience: float) -> None:
        self._timeout = timeout
        self._patience = patience
        self._begun = now()
        self._pause = _POLL

    def pause(self, holder: Holder | None) -> None:
        """Wait a moment; one who holds the lock for a request or two is always waited for.

        Raises:
            LockError: it took too long.
        """
        passing = holder is not None and holder.id.startswith(BRIEF)
        most = max(self._timeout, self._patience) if passing else self._timeout
        left = most - (now() - self._begun)
        if left <= 0:
            raise held(holder, stays=True)
        # Two that wait must not keep step with each other.
        time.sleep(min(left, self._pause * random.uniform(0.5, 1.5)))  # noqa: S311
        self._pause = min(self._pause * 1.2, _SLOWEST)


class HttpLock:
    """The lock of one address."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def take(self, mine: Holder) -> tuple[bool, Holder | None]:
        """Ask for the lock.

        Returns:
            whether it is ours, and its holder as the server tells it (None: it does not say).

        Raises:
            LockError: the server has no locks.
            StateError: that cannot be told.
        """
        to = self._wire.to
        answer = self._wire.ask(to.lock_method, to.lock_address, "lock the state", _said(mine))
        if answer.good:
            return True, _granted(answer, mine)
        if answer.status in HELD:
            holder = _holder(answer, mine)
            if holder is not None and holder.id == mine.id:  # since a request whose reply was lost
                return True, _granted(answer, mine)
            return False, holder
        if answer.status in _ABSENT:
            raise LockError.of(
                f"the state server has no lock at the lock address ({answer.status}): `{to.place}`",
                detail=f"asked with {to.lock_method}; {self._wire.words(answer)}".strip("; "),
                hint=_NO_LOCKS,
                code="lock-unsupported",
            )
        raise self._wire.refusal(answer, "lock the state")

    def free(self, mine: Holder) -> None:
        """Free the lock under our id; it not being ours any more is fine.

        Raises:
            LockError: it stays locked.
            StateError: that cannot be told.
        """
        to = self._wire.to
        method, said = to.unlock_method, _said(mine)
        answer = self._wire.ask(method, to.unlock_address, "unlock the state", said)
        if answer.good or answer.status in HELD or (answer.repeated and answer.status < 500):
            return
        raise LockError.of(
            f"the state stays locked: the server answered {answer.status} to {method}",
            detail=f"lock id {mine.id}; {self._wire.words(answer)}".rstrip("; "),
            hint="free it by that id with `tunectl lock break`; see TF_HTTP_UNLOCK_METHOD",
            code="lock-stays",
        )

    def look(self) -> tuple[bool, Holder | None]:
        """Return whether anybody holds the lock, and who (None: the server does not say).

        Raises:
            StateError: that cannot be told.
        """
        probe = brief()
        ours, holder = self.take(probe)
        if ours:
            self.free(probe)
            return False, None
        return True, holder

    def force(self, lock_id: str) -> None:
        """Free somebody's lock by its id.

        The id is compared here and, by servers that can, once more with the UNLOCK itself; on
        others a holder that changes in between is freed instead.

        Raises:
            LockError: when the id is not the holder's, or the server does not say whose it is.
            StateError: that cannot be told.
        """
        taken, holder = self.look()
        if taken and holder is None:
            raise LockError.of(
                f"lock `{lock_id}` cannot be broken: the state server does not tell who holds it",
                hint="free it at the server",
                code="lock-unknown",
            )
        if holder is None or holder.id != lock_id:
            raise not_the_holder(lock_id, holder)
        self.free(holder)


def _said(holder: Holder) -> bytes:
    """The protocol's `LockInfo`. `Path` and `Pid` are ours: an echo of the first is no holder's."""
    return orjson.dumps(
        {
            "ID": holder.id,
            "Operation": holder.operation,
            "Info": holder.info,
            "Who": holder.who,
            "Version": "tunectl",
            "Created": holder.created,
            "Path": holder.id,
            "Pid": holder.pid,
        }
    )


def _tree(answer: Answer) -> dict[str, Any]:
    try:
        tree = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return {}
    return tree if isinstance(tree, dict) else {}


def _granted(answer: Answer, mine: Holder) -> Holder:
    """Return us as others will be told of us."""
    tree = _tree(answer)
    who, created = tree.get("Who"), tree.get("Created")
    if tree.get("ID") != mine.id or (who, created) == (mine.who, mine.created):
        return mine
    return _bare(mine.id, who, created)


def _holder(answer: Answer, asker: Holder) -> Holder | None:
    tree = _tree(answer)
    lock_id, who, created = tree.get("ID"), tree.get("Who"), tree.get("Created")
    if not isinstance(lock_id, str) or not lock_id:
        return None
    if tree.get("Path") == asker.id and lock_id != asker.id:
        return _bare(lock_id, who, created)
    pid = tree.get("Pid")
    return Holder(
        id=lock_id,
        who=str(who or "somebody"),
        operation=str(tree.get("Operation") or ""),
        created=str(created or ""),
        pid=pid if isinstance(pid, int) else 0,
        info=str(tree.get("Info") or ""),
    )


def _bare(lock_id: str, who: object, created: object) -> Holder:
    told = _NAMED.fullmatch(lock_id)
    operation = told["operation"] if told else "another operation"
    who, created = str(who or "somebody"), str(created or "")
    return Holder(id=lock_id, who=who, operation=operation, created=created)
