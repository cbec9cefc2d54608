"""Models by name, each imported when it is first asked for.

A project uses a few kinds, and one provider or two; the models of all of them take as long to
make as everything else that a small project needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")


class ModelsByName(Mapping[str, type[M]]):
    """A mapping whose names are known without any of its models.

    Law: of what it holds only `[...]`, and what asks for values, imports anything.
    """

    def __init__(self, homes: Mapping[str, str]) -> None:
        """Take where each model is made: `module.Class` in this room."""
        self._homes = dict(homes)
        self._models: dict[str, type[M]] = {}

    def __getitem__(self, name: str) -> type[M]:
        """Return a model.

        Raises:
            KeyError: none has that name.
        """
        found = self._models.get(name)
        if found is None:
            module, _, cls = self._homes[name].partition(".")
            found = self._models[name] = getattr(import_module(f"{__package__}.{module}"), cls)
        return found

    def __contains__(self, name: object) -> bool:
        """Whether there is a model of that name."""
        return name in self._homes

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self._homes)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._homes)
