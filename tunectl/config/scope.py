"""The names that `${…}` may use at one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, replace
from typing import Final, final

from tunectl.core.dataclass import dataclass


@final
class Broken:
    """The value of what could not be evaluated; the reason was told already."""


BROKEN: Final = Broken()


@dataclass(frozen=True, slots=True)
class Each:
    """The item of a `for_each` that a resource is made for."""

    key: str
    value: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is in reach.

    Attributes:
        module: the module, empty for the project itself.
        variables: values of the module's variables; broken ones hold BROKEN.
        sensitive: variables whose values may appear only under `providers` and `state`.
        env: the declared environment variables that are set.
        declared: the declared environment variables.
        whole: whether all of the module was read; what is not there may else be declared.
    """

    project: str = ""
    module: tuple[str, ...] = ()
    variables: Mapping[str, object] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    env: Mapping[str, str] = field(default_factory=dict)
    declared: frozenset[str] = frozenset()
    each: Each | None = None
    whole: bool = True

    def for_item(self, each: Each) -> Scope:
        """Return the scope of one resource of a `for_each`."""
        return replace(self, each=each)
