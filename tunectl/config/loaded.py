"""What loading gives: the project, and the datasets that were read for it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import StaleError
from tunectl.core.project import Project
from tunectl.core.value import Address

if TYPE_CHECKING:
    from tunectl.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Loaded:
    """A project and the datasets that were read for it."""

    project: Project
    datasets: Mapping[Address, Dataset]


class LateDatasets(Mapping[Address, "Dataset"]):
    """The datasets of a project that was not loaded anew: read when one is first looked at.

    Law: what is read then must be what the project says of it. Thread-safe.
    """

    def __init__(self, project: Project, read: Callable[[], Loaded]) -> None:
        """Know the datasets of a project by name.

        Args:
            project: the project.
            read: loads it and its data.
        """
        self._rows = {
            resource.address: resource.spec.get("rows")
            for resource in project.resources
            if resource.address.kind == "dataset"
        }
        self._read = read
        self._found: Mapping[Address, Dataset] | None = None
        self._guard = threading.Lock()

    def __getitem__(self, address: Address) -> Dataset:
        """Return one.

        Raises:
            StaleError: its rows are others than the project says.
            ConfigError: the project can no longer be loaded.
        """
        rows = self._rows[address]
        with self._guard:
            if self._found is None:
                self._found = self._read().datasets
        found = self._found.get(address)
        if found is None or found.marks_sha256 != rows:
            raise StaleError.of(
                f"`{address}` changed after it was read", hint="plan again", code="data-changed"
            )
        return found

    def __contains__(self, address: object) -> bool:
        """Whether there is one; nothing is read for that."""
        return address in self._rows

    def __iter__(self) -> Iterator[Address]:
        """Yield the addresses."""
        return iter(self._rows)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._rows)
