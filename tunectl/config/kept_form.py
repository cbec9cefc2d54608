"""A project as bytes and back, exactly: JSON, whose reading runs no code.

Addresses stand once each in a table, and so does what many resources have in common; a setting is
JSON as it is unless it holds more than JSON can say. What is not a value of the core is refused.

More than JSON says a list with a word before it: `t` a tuple, `s` a set, `a` an address, `r` a
reference, `e` an enumerator, `c` any other class of the core with its fields.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, TypeAlias, TypeVar

import orjson

from tunectl.config.written import UnusualError
from tunectl.core import errors, project, resource, value
from tunectl.core.errors import Source
from tunectl.core.project import Project
from tunectl.core.resource import Resource
from tunectl.core.value import Address, Ref

Json: TypeAlias = Any
M = TypeVar("M")
_PLAIN = frozenset({str, int, bool, type(None)})
_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for module in (errors, project, resource, value)
    for cls in vars(module).values()
    if isinstance(cls, type)
    and cls.__module__ == module.__name__
    and (is_dataclass(cls) or issubclass(cls, Enum))
    and not issubclass(cls, BaseException)
}
# Of a resource, what is its own; the rest it has in common with others of its sort.
_OWN = ("address", "spec", "fingerprint", "labels", "depends_on", "source")


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
            "addresses": [[a.kind, list(a.path), a.key] for a in writer.addresses],
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
        shared = attrgetter(*_fields(Resource, *_OWN))
        place = attrgetter(*_fields(Source))
        address, sources, traits = self.address, self.sources, self.traits
        rows = []
        for at, said in enumerate(resources):
            labels, source, trait = said.labels, said.source, shared(said)
            if labels.__class__ is not dict or not _is_json(labels):
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
        if _is_json(spec):
            return spec
        assert isinstance(spec, dict)
        self.more += [(at, key) for key, item in spec.items() if not _is_json(item)]
        return self._map(spec)


def _is_json(said: object) -> bool:
    """Whether JSON holds a value as it is."""
    cls = said.__class__
    if cls is dict:
        assert isinstance(said, dict)
        return all(key.__class__ is str and _is_json(item) for key, item in said.items())
    return cls in _PLAIN or (cls is float and math.isfinite(said))  # type: ignore[arg-type]


class _Reader:
    def __init__(self, tree: Json) -> None:
        self._tree = tree
        self._addresses = [Address(kind, tuple(path), key) for kind, path, key in tree["addresses"]]
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
                return cls(**dict(zip(_fields(cls), map(self.value, said[2:]), strict=True)))
            case _:
                raise ValueError("not a value")

    def _resources(self) -> Iterable[Resource]:
        tree, at = self._tree, self._addresses
        refs = self._refs
        *columns, trait = tree["columns"]
        own: dict[str, Any] = dict(zip(_OWN, columns, strict=True))
        for row, key in tree["more"]:
            spec = own["spec"][row]
            said = spec[key]
            refers = said.__class__ is list and said[0] == "r"
            spec[key] = refs[said[1]] if refers else self.value(said)
        places = dict(zip(_fields(Source), tree["sources"], strict=True))
        sources = [*_made(Source, len(places["file"]), places), None]
        own["address"] = map(at.__getitem__, own["address"])
        own["depends_on"] = [tuple([at[i] for i in one]) for one in own["depends_on"]]
        own["source"] = [sources[-1 if i is None else i] for i in own["source"]]
        shared = _fields(Resource, *_OWN)
        values = list(zip(*map(self.value, tree["traits"]), strict=True)) or [()] * len(shared)
        for name, column in zip(shared, values, strict=True):
            own[name] = map(column.__getitem__, trait)
        return _made(Resource, len(trait), own)


def _made(cls: type[M], count: int, columns: Mapping[str, Iterable[Any]]) -> list[M]:
    """Return objects of a class with slots and no more initialiser than its fields.

    Filled column by column: calling an initialiser for each takes five times as long.
    """
    made = list(map(cls.__new__, repeat(cls, count)))
    begun = {f.name: repeat(f.default) for f in fields(cls) if f.default is not MISSING}  # type: ignore[arg-type]  # it is a dataclass
    for name, column in {**begun, **columns}.items():
        deque(map(getattr(cls, name).__set__, made, column), maxlen=0)
    return made


def texts(loaded: Project) -> Iterable[str]:
    """Yield the texts in which a person might have written a password: addresses of services."""
    settings = (one.settings.values() for one in loaded.providers.values())
    return (str(text) for text in chain((loaded.state,), chain.from_iterable(settings)))
