"""A project as bytes and back, exactly: JSON, whose reading runs no code.

Addresses stand once each in a table, and so does what many resources have in common; a setting is
JSON as it is unless it holds more than JSON can say. What is not a value of the core is refused.

More than JSON says a list with a word before it: `t` a tuple, `s` a set, `a` an address, `r` a
reference, `e` an enumerator, `c` any other class of the core with its fields.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from enum import Enum
from itertools import chain
from operator import attrgetter
from typing import Any, TypeAlias

import orjson

from tunectl.config.written import UnusualError
from tunectl.core import errors, project, resource, value
from tunectl.core.dataclass import opened
from tunectl.core.errors import Source
from tunectl.core.project import Project
from tunectl.core.resource import NOTHING, USUAL, Resource
from tunectl.core.value import Address, Ref

Json: TypeAlias = Any
_PLAIN = frozenset({str, int, bool, type(None)})
_TEXT = frozenset({str})
_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for module in (errors, project, resource, value)
    for cls in vars(module).values()
    if isinstance(cls, type)
    and cls.__module__ == module.__name__
    and ("__dataclass_fields__" in vars(cls) or issubclass(cls, Enum))
    and not issubclass(cls, BaseException)
}
# Of a resource, what is its own; the rest it has in common with others of its sort.
_OWN = ("address", "spec", "fingerprint", "labels", "depends_on", "source")
_SHARED = (
    "provider",
    "immutable",
    "deferred",
    "inputs",
    "outputs",
    "stable",
    "follows",
    "lifecycle",
    "recreate",
    "parent",
    "destroy_first",
    "retired",
    "expires",
    "origin",
)


def to_bytes(loaded: Project) -> bytes:
    """Return a project as bytes.

    Raises:
        UnusualError: it holds something that the form does not.
    """
    writer = _Writer()
    try:
        columns = writer.columns(loaded.resources)
        tree = {
            "columns": columns,
            "more": writer.more,
            "project": {
                name: writer.value(getattr(loaded, name)) for name in _fields(Project, "resources")
            },
            "traits": [writer.value(one) for one in writer.traits],
            "refs": [[writer.address(ref.address), list(ref.path)] for ref in writer.refs],
            "sources": _table(writer.sources, len(_fields(Source))),
            "addresses": [str(address) for address in writer.addresses],
        }
        return orjson.dumps(tree)
    except (TypeError, ValueError) as error:
        raise UnusualError from error


def from_bytes(content: bytes) -> Project:
    """Read what `to_bytes` returned.

    Raises:
        ValueError: it is something else.
    """
    try:
        return _Reader(orjson.loads(content)).project()
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise ValueError("not a project") from error


def _fields(cls: type[Any], *but: str) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls) if f.init and f.name not in but)


def _table(rows: Iterable[tuple[Json, ...]], width: int) -> list[list[Json]]:
    """Return rows as columns."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


class _Writer:
    def __init__(self) -> None:
        self.addresses: dict[Address, int] = {}
        self.refs: dict[Ref, int] = {}
        self.sources: dict[tuple[Json, ...], int] = {}
        self.traits: dict[tuple[Any, ...], int] = {}
        self.more: list[tuple[int, str]] = []  # settings that are more than JSON

    def value(self, said: object) -> Json:
        cls = said.__class__
        if cls in _PLAIN:
            return said
        if cls is float and math.isfinite(said):  # type: ignore[arg-type]
            return said
        if isinstance(said, dict) and cls is dict:
            return self._map(said)
        if isinstance(said, tuple) and cls is tuple:
            return ["t", *map(self.value, said)]
        if isinstance(said, frozenset):
            return ["s", *sorted(map(self.value, said), key=repr)]
        if isinstance(said, Address):
            return ["a", self.address(said)]
        if isinstance(said, Ref):
            return ["r", self.refs.setdefault(said, len(self.refs))]
        if _CLASSES.get(cls.__name__) is not cls:
            raise UnusualError
        if isinstance(said, Enum):
            return ["e", cls.__name__, said.value]
        return ["c", cls.__name__, *(self.value(getattr(said, name)) for name in _fields(cls))]

    def _map(self, said: Mapping[Any, object]) -> dict[str, Json]:
        if any(key.__class__ is not str for key in said):
            raise UnusualError
        return {key: self.value(item) for key, item in said.items()}

    def address(self, said: Address) -> int:
        return self.addresses.setdefault(said, len(self.addresses))

    def columns(self, resources: Iterable[Resource]) -> list[list[Json]]:
        """Return the resources, a column for each of `_OWN` and one for the rest."""
        shared = attrgetter(*_SHARED)
        place = attrgetter(*_fields(Source))
        address, sources, traits = self.address, self.sources, self.traits
        rows = []
        for at, said in enumerate(resources):
            labels, source, trait = said.labels, said.source, shared(said)
            if labels.__class__ is not dict or not (_is_flat(labels) or _is_json(labels)):
                raise UnusualError
            row = (
                address(said.address),
                self._spec(at, said.spec),
                said.fingerprint,
                labels,
                [address(one) for one in said.depends_on],
                None if source is None else sources.setdefault(place(source), len(sources)),
                traits.setdefault(trait, len(traits)),
            )
            rows.append(row)
        return _table(rows, len(_OWN) + 1)

    def _spec(self, at: int, spec: object) -> Json:
        if spec.__class__ is not dict:
            raise UnusualError
        assert isinstance(spec, dict)
        if not _TEXT.issuperset(map(type, spec)):
            raise UnusualError
        odd = [key for key, item in spec.items() if not _is_json(item)]
        if not odd:
            return spec
        self.more += [(at, key) for key in odd]
        return spec | {key: self.value(spec[key]) for key in odd}


def _is_flat(said: dict[Any, Any]) -> bool:
    """Whether a map holds nothing but texts, whole numbers and the like, as most do."""
    return _PLAIN.issuperset(map(type, said.values())) and _TEXT.issuperset(map(type, said))


def _is_json(said: object) -> bool:
    """Whether JSON holds a value as it is."""
    cls = said.__class__
    if cls in _PLAIN:
        return True
    if cls is dict:
        assert isinstance(said, dict)
        if _is_flat(said):
            return True
        return _TEXT.issuperset(map(type, said)) and all(map(_is_json, said.values()))
    return cls is float and math.isfinite(said)  # type: ignore[arg-type]


_OpenResource, _OpenSource = opened(Resource), opened(Source)


class _Reader:
    def __init__(self, tree: Json) -> None:
        self._tree = tree
        self._addresses = [Address.parse(text) for text in tree["addresses"]]
        self._refs = [Ref(self._addresses[at], tuple(path)) for at, path in tree["refs"]]

    def project(self) -> Project:
        rest = {name: self.value(item) for name, item in self._tree["project"].items()}
        return Project(resources=tuple(self._resources()), **rest)

    def value(self, said: Json) -> Any:  # noqa: ANN401  # any value of the core
        if said.__class__ is dict:
            return {key: self.value(item) for key, item in said.items()}
        if said.__class__ is not list:
            return said
        match said[0]:
            case "t":
                return tuple(map(self.value, said[1:]))
            case "s":
                return frozenset(map(self.value, said[1:]))
            case "a":
                return self._addresses[said[1]]
            case "r":
                return self._refs[said[1]]
            case "e":
                return _CLASSES[said[1]](said[2])
            case "c":
                cls = _CLASSES[said[1]]
                made = cls(**dict(zip(_fields(cls), map(self.value, said[2:]), strict=True)))
                return USUAL if made == USUAL else made
            case _:
                raise ValueError("not a value")

    def _resources(self) -> Iterator[Resource]:
        """Yield the resources; an initialiser for each would take several times as long."""
        tree, at = self._tree, self._addresses
        addresses, specs, prints, labels, depends, places, traits = tree["columns"]
        referring = self._more(specs)
        sources = [*self._sources(), None]
        values = [self.value(trait) for trait in tree["traits"]]
        unsaid = -1  # where None stands
        for row, trait in enumerate(traits):
            made: Any = _OpenResource()
            made.address = at[addresses[row]]
            made.spec = specs[row]
            made.fingerprint = prints[row]
            made.labels = labels[row]
            named = depends[row]
            made.depends_on = tuple([at[i] for i in named]) if named else ()
            place = places[row]
            made.source = sources[unsaid if place is None else place]
            (
                made.provider,
                made.immutable,
                made.deferred,
                made.inputs,
                made.outputs,
                made.stable,
                made.follows,
                made.lifecycle,
                made.recreate,
                made.parent,
                made.destroy_first,
                made.retired,
                made.expires,
                made.origin,
            ) = values[trait]
            told = referring.get(row, ())  # what it would find out by itself, where that is known
            made._refs = told  # noqa: SLF001
            made._needs = None if told or told is None or named else NOTHING  # noqa: SLF001
            made.__class__ = Resource
            yield made

    def _more(self, specs: list[dict[str, Any]]) -> dict[int, tuple[Ref, ...] | None]:
        """Set what is more than JSON: nothing else in a setting can refer to anything.

        Returns:
            The rows of it, each with what it refers to; None where that must be looked for.
        """
        refs, found = self._refs, dict[int, tuple[Ref, ...] | None]()
        for row, key in self._tree["more"]:
            spec = specs[row]
            said = spec[key]
            before = found.get(row, ())
            if said.__class__ is list and said[0] == "r":
                spec[key] = refs[said[1]]
                found[row] = None if before is None else (*before, refs[said[1]])
            else:
                spec[key] = self.value(said)
                found[row] = None
        return found

    def _sources(self) -> Iterator[Source]:
        for file, line, column, text, length, layer in zip(*self._tree["sources"], strict=True):
            made: Any = _OpenSource()
            made.file = file
            made.line = line
            made.column = column
            made.text = text
            made.length = length
            made.layer = layer
            made.__class__ = Source
            yield made


def texts(loaded: Project) -> Iterable[str]:
    """Yield the texts in which a person might have written a password: addresses of services."""
    settings = (one.settings.values() for one in loaded.providers.values())
    return (str(text) for text in chain((loaded.state,), chain.from_iterable(settings)))
