"""Models by name, each imported when it is first asked for.

A project uses a few kinds, and one provider or two; the models of all of them take as long to
make as everything else that a small project needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Generic, TypeGuard, TypeVar, cast

from tunectl.kinds.plain import facts, read

if TYPE_CHECKING:
    from pydantic import BaseModel

M = TypeVar("M", bound="BaseModel")


class Named(Generic[M]):
    """A model that is imported, and pydantic with it, only where its table does not suffice.

    What says it plainly is no instance of the model, and looks like one: `fits` tells.
    """

    def __init__(self, home: str) -> None:
        """Take where the model is made: `module.Class` in this room."""
        self._home = home
        self._module, _, self._name = home.partition(".")

    @property
    def model(self) -> type[M]:
        """The model itself."""
        found: type[M] = getattr(import_module(f"{__package__}.{self._module}"), self._name)
        return found

    @property
    def facts(self) -> type[M]:
        """What its class says beside validation: its class variables, the names of its fields."""
        return cast("type[M]", facts(self._home))

    def plainly(self, value: object) -> M | None:
        """Return what a value says; None where pydantic has to read it."""
        return cast("M | None", read(self._home, value))

    def made(self, value: object) -> M:
        """Return what a value says.

        Raises:
            pydantic.ValidationError: it does not fit.
        """
        found = self.plainly(value)
        return self.model.model_validate(value) if found is None else found

    def fits(self, said: object) -> TypeGuard[M]:
        """Whether something is what this model makes of a value."""
        return type(said).__name__ == self._name


class ModelsByName(Mapping[str, type[M]]):
    """A mapping whose names are known without any of its models.

    Law: of what it holds only `[...]`, and what asks for values, imports anything; `named` holds
    the same models, not imported yet.
    """

    def __init__(self, homes: Mapping[str, str]) -> None:
        """Take where each model is made: `module.Class` in this room."""
        self.named: Mapping[str, Named[M]] = {name: Named(home) for name, home in homes.items()}

    def __getitem__(self, name: str) -> type[M]:
        """Return a model.

        Raises:
            KeyError: none has that name.
        """
        return self.named[name].model

    def __contains__(self, name: object) -> bool:
        """Whether there is a model of that name."""
        return name in self.named

    def __iter__(self) -> Iterator[str]:
        """Yield the names."""
        return iter(self.named)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.named)
