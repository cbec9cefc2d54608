"""Objects that exist only where they are recorded: no service keeps anything of them.

A handler that inherits from here says what to create and how to read it; nothing has to be looked
for, waited for or removed elsewhere.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

from tunectl.core.ports import Mark, Request
from tunectl.core.resource import Instance


class Recorded(ABC):
    """What every handler of a mere record does alike."""

    __slots__ = ()

    @abstractmethod
    def create(self, request: Request) -> Instance:
        """Return the record."""

    @property
    def lag(self) -> float:
        """No second: a record is there at once, or never."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:  # noqa: ARG002
        """Find nothing: a record exists only where it is recorded."""
        return ()

    def poll(self, instance: Instance) -> Instance:
        """Return the record."""
        return instance

    def update(self, request: Request) -> Instance:
        """Return what is wanted now as the same record: with its own id, mark and age."""
        fresh, prior = self.create(request), request.prior
        return fresh if prior is None else continued(fresh, prior)

    def delete(self, instance: Instance) -> Instance | None:  # noqa: ARG002
        """Do nothing: there is nothing to remove."""
        return None


def continued(fresh: Instance, prior: Instance) -> Instance:
    """Return a new record of an object that was there before."""
    return replace(fresh, id=prior.id, op=prior.op, created_at=prior.created_at)
