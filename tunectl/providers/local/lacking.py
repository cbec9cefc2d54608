"""Kinds of the local server on a machine that cannot run it: each says what is missing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NoReturn

from tunectl.core.errors import Diagnostic, ProviderError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource


@dataclass(frozen=True, slots=True)
class Lacking:
    """The handler of a kind that needs packages which are not installed.

    Attributes:
        error: says which, and how to install them.
    """

    error: ProviderError

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say what is missing."""
        for found in self.error.diagnostics:
            yield replace(found, source=resource.source, address=str(resource.address))

    def read(self, instance: Instance) -> Instance | None:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def create(self, request: Request) -> Instance:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def find(self, mark: Mark) -> Iterable[Instance]:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def list(self) -> Iterable[Found]:
        """Refuse: what is there cannot be told.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def poll(self, instance: Instance) -> Instance:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def update(self, request: Request) -> Instance:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def delete(self, instance: Instance) -> Instance | None:  # noqa: ARG002
        """Refuse.

        Raises:
            ProviderError: always.
        """
        self._refuse()

    def _refuse(self) -> NoReturn:
        raise type(self.error)(self.error.diagnostics, self.error.exit)
