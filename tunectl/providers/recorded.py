"""Objects that are there at once, or never: nothing has to be looked for, or waited for.

Such are files of the project, which are written again where it is not known whether they are there,
and mere records, of which no service keeps anything: of these a handler says what to create and how
to read it, and nothing is to be removed elsewhere either.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace

from tunectl.core.ports import Mark, Request
from tunectl.core.resource import Instance


class Immediate:
    """What every handler of such objects does alike."""

    __slots__ = ()

    @property
    def lag(self) -> float:
        """No second: what was made is there at once, or never."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:  # noqa: ARG002
        """Find nothing: to make it again does no harm."""
        return ()

    def poll(self, instance: Instance) -> Instance:
        """Return it; it is never pending."""
        return instance


class Recorded(Immediate, ABC):
    """What every handler of a mere record does alike."""

    __slots__ = ()

    @abstractmethod
    def create(self, request: Request) -> Instance:
        """Return the record."""

    def update(self, request: Request) -> Instance:
        """Return what is wanted now as the same record: with its own id, mark and age."""
        fresh, prior = self.create(request), request.prior
        return fresh if prior is None else continued(fresh, prior)

    def delete(self, instance: Instance) -> Instance | None:  # noqa: ARG002
        """Do nothing: there is nothing to remove."""
        return None


def continued(fresh: Instance, prior: Instance) -> Instance:
    """Return a new record of an object that was there before."""
    return replace(aged(fresh, prior), id=prior.id)


def aged(fresh: Instance, prior: Instance | None) -> Instance:
    """Return what was made anew with mark and age of what it takes the place of."""
    return fresh if prior is None else replace(fresh, op=prior.op, created_at=prior.created_at)
