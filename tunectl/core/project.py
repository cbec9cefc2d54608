"""What the configuration files say, after loading: the loader's product, the planner's input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Source
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Plain, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """One entry under `providers:`. Settings name the variables that hold keys, never a key.

    Attributes:
        secret: names of the settings that hold values from the environment or from sensitive
            variables: they are used and never stored.
    """

    name: str
    type: str
    settings: Mapping[str, Plain] = field(default_factory=dict)
    secret: frozenset[str] = frozenset()
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One entry under `outputs:`.

    Attributes:
        write: files that receive the value as JSON, relative to the project.
        sensitive: shown only on request.
    """

    name: str
    value: Value
    write: tuple[str, ...] = ()
    sensitive: bool = False
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """`moved: [{from, to}]`: the same object under another address."""

    before: Address
    after: Address
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """`removed: [{address, destroy: false}]`: managed no longer; deleted only when `destroy`."""

    address: Address
    destroy: bool = True
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """`import: [{address, id}]`: an object that exists already is managed from now on.

    Attributes:
        id: the provider's own id of the object.
    """

    address: Address
    id: str
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """One project in one environment.

    Attributes:
        root: the project's folder.
        state: the store's address as written (`state/`, `gs://…`).
        default_provider: for resources that name none; None when each must name one.
        sensitive: names of the variables whose values are never stored.
        prices: the user's own prices, by provider and base model, as they are declared.
        warnings: what was noticed and does not stop anything.
    """

    name: str
    env: str
    root: str
    state: str = "state/"
    providers: Mapping[str, Provided] = field(default_factory=dict)
    default_provider: str | None = None
    resources: tuple[Resource, ...] = ()
    outputs: tuple[Output, ...] = ()
    moved: tuple[Moved, ...] = ()
    removed: tuple[Removed, ...] = ()
    imports: tuple[Import, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    sensitive: frozenset[str] = frozenset()
    prices: Mapping[str, Plain] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = ()
