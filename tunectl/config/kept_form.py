"""A project as bytes and back, exactly: lines of JSON, whose reading runs no code.

Addresses stand once each in a table, and so does what many resources have in common; a setting is
JSON as it is unless it holds more than JSON can say. What is not a value of the core is refused.
A table has a line for each hundred rows: a parser touches four times the memory of the text it is
given, and what it has for one line it has for the next one too.

More than JSON says a list with a word before it: `t` a tuple, `s` a set, `a` an address, `r` a
reference, `e` an enumerator, `c` any other class of the core with its fields.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from enum import Enum
from itertools import chain, islice
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
_ROWS = 100  # of a line
_FEW = 4
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
        rows = writer.rows(loaded.resources)
        head = {
            "project": {
                name: writer.value(getattr(loaded, name)) for name in _fields(Project, "resources")
            },
            "traits": [writer.value(one) for one in writer.traits],
            "refs": [[writer.address(ref.address), list(ref.path)] for ref in writer.refs],
        }
        tables = (
            _lines([(str(address),) for address in writer.addresses]),
            _lines(writer.sources),
            _lines(rows, writer.more),
        )
        head["lines"] = list(map(len, tables))
        return b"\n".join((orjson.dumps(head), *chain.from_iterable(tables)))
    except (TypeError, ValueError) as error:
        raise UnusualError from error


def from_bytes(content: bytes, start: int = 0) -> Project:
    """Read what `to_bytes` returned, which begins somewhere in these bytes.

    Raises:
        ValueError: it is something else.
    """
    try:
        return _Reader(_texts(content, start)).project()
    except (KeyError, IndexError, TypeError, AttributeError, StopIteration) as error:
        raise ValueError("not a project") from error


def _texts(content: bytes, at: int) -> Iterator[bytes]:
    """Yield the lines, and copy no more than one at a time."""
    while at <= len(content):
        end = content.find(b"\n", at)
        end = len(content) if end < 0 else end
        yield content[at:end]
        at = end + 1


def _fields(cls: type[Any], *but: str) -> tuple[str, ...]:
    return tuple(f.name for f in fields(cls) if f.init and f.name not in but)


def _lines(rows: Sequence[tuple[Json, ...]], more: Sequence[tuple[int, str]] = ()) -> list[bytes]:
    """Return a table as lines, each with the columns of some rows and what is more than JSON."""
    more_of: dict[int, list[tuple[int, str]]] = {}
    for row, key in more:
        more_of.setdefault(row // _ROWS, []).append((row % _ROWS, key))
    return [
        orjson.dumps([more_of.get(at // _ROWS, []), *zip(*rows[at : at + _ROWS], strict=True)])
        for at in range(0, len(rows), _ROWS)
    ]


class _Writer:
    def __init__(self) -> None:
        self.addresses: dict[Address, int] = {}
        self.refs: dict[Ref, int] = {}
        self.sources: list[tuple[Json, ...]] = []
        self.traits: dict[tuple[Any, ...], int] = {}
        self._latest: list[tuple[tuple[Any, ...], int]] = []
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

    def rows(self, resources: Iterable[Resource]) -> list[tuple[Json, ...]]:
        """Return the resources, each with a value for each of `_OWN` and one for the rest."""
        shared = attrgetter(*_SHARED)
        place = attrgetter(*_fields(Source))
        address, sources, latest = self.address, self.sources, None
        rows = []
        for at, said in enumerate(resources):
            labels, source = said.labels, said.source
            if source is not None and source is not latest:  # all of one `for_each` share theirs
                latest = source
                sources.append(place(source))
            if labels.__class__ is not dict or not (_is_flat(labels) or _is_json(labels)):
                raise UnusualError
            row = (
                address(said.address),
                self._spec(at, said.spec),
                said.fingerprint,
                labels,
                [address(one) for one in said.depends_on],
                None if source is None else len(sources) - 1,
                self._trait(shared(said)),
            )
            rows.append(row)
        return rows

    def _trait(self, said: tuple[Any, ...]) -> int:
        """Return the number of what a resource has in common with others, mostly the ones before.

        To see that two are the same objects takes less than to hash one.
        """
        for known, number in self._latest:
            if known == said:
                return number
        number = self.traits.setdefault(said, len(self.traits))
        self._latest = [(said, number), *self._latest[: _FEW - 1]]
        return number

    def _spec(self, at: int, spec: object) -> Json:
        if spec.__class__ is not dict:
            raise UnusualError
        assert isinstance(spec, dict)
        if _is_flat(spec):
            return spec
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
    def __init__(self, lines: Iterator[bytes]) -> None:
        self._tree = tree = orjson.loads(next(lines))
        addresses, sources, resources = (list(islice(lines, many)) for many in tree["lines"])
        self._addresses = [
            Address.parse(text) for line in addresses for text in orjson.loads(line)[1]
        ]
        self._refs = [Ref(self._addresses[at], tuple(path)) for at, path in tree["refs"]]
        self._sources = [*chain.from_iterable(map(_sources, sources)), None]
        self._resource_lines = resources

    def project(self) -> Project:
        rest = {name: self.value(item) for name, item in self._tree["project"].items()}
        traits = [self.value(trait) for trait in self._tree["traits"]]
        return Project(
            resources=tuple(
                [one for line in self._resource_lines for one in self._resources(line, traits)]
            ),
            **rest,
        )

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

    def _resources(self, line: bytes, values: Sequence[Any]) -> Iterator[Resource]:
        """Yield the resources; an initialiser for each would take several times as long."""
        at, sources = self._addresses, self._sources
        more, addresses, specs, prints, labels, depends, places, traits = orjson.loads(line)
        referring = self._more(more, specs) if more else {}
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

    def _more(
        self, more: Iterable[tuple[int, str]], specs: list[dict[str, Any]]
    ) -> dict[int, tuple[Ref, ...] | None]:
        """Set what is more than JSON: nothing else in a setting can refer to anything.

        Returns:
            The rows of it, each with what it refers to; None where that must be looked for.
        """
        refs, found = self._refs, dict[int, tuple[Ref, ...] | None]()
        for row, key in more:
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


def _sources(line: bytes) -> Iterator[Source]:
    for file, at, column, text, length, layer in zip(*orjson.loads(line)[1:], strict=True):
        made: Any = _OpenSource()
        made.file = file
        made.line = at
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
