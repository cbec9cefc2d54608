"""Addresses, references and the values that may hold them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from tunectl.core.dataclass import dataclass

Plain: TypeAlias = "bool | int | float | str | tuple[Plain, ...] | Mapping[str, Plain] | None"
Value: TypeAlias = (
    "bool | int | float | str | Ref | Join | tuple[Value, ...] | Mapping[str, Value] | None"
)

# A Unicode letter, then letters, digits and `_`: neither hyphen nor dot, which references use.
NAME = re.compile(r"[^\W\d_]\w*")
_ADDRESS = re.compile(r'(?P<path>\w+(?:\.\w+)+)(?:\[(?P<key>"(?:[^"\\]|\\.)*")\])?')


class Address(NamedTuple):
    """Where a resource stands in the declaration: `kind.name`, `kind.module.name["key"]`.

    Addresses are ordered by kind, then path; one without a key comes before those with one. A
    tuple, for they are hashed and compared more often than anything else; it is never a `Value`.
    """

    kind: str
    path: tuple[str, ...]
    key: str | None = None

    @classmethod
    def of(cls, kind: str, *path: str, key: str | None = None) -> Address:
        """Make an address from its parts."""
        return cls(kind, path, key)

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `tuning_job.support["pl"]`.

        Raises:
            ValueError: when the text is not of that form.
        """
        found = _KNOWN.get(text)
        if found is None:
            found = cls._parsed(text)
            if len(_KNOWN) >= _MANY:
                _KNOWN.clear()
            _KNOWN[text] = found
        return found

    @classmethod
    def _parsed(cls, text: str) -> Address:
        kind, _, name = text.partition(".")
        if text.isascii() and kind.isidentifier() and name.isidentifier():
            return tuple.__new__(cls, (kind, (name,), None))
        # As it stands where that can be: a recorded address must come back as the very same.
        found = _ADDRESS.fullmatch(text) or _ADDRESS.fullmatch(unicodedata.normalize("NFC", text))
        if not found:
            raise ValueError(f"`{text}` is not an address such as `tuning_job.support`")
        kind, *path = found["path"].split(".")
        return cls(kind, tuple(path), json.loads(found["key"]) if found["key"] else None)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path[-1]

    def __lt__(self, other: tuple[object, ...]) -> bool:
        """Whether it comes first."""
        return _rank(self) < _rank(other)

    def __le__(self, other: tuple[object, ...]) -> bool:
        """Whether it comes first, or is the same."""
        return _rank(self) <= _rank(other)

    def __gt__(self, other: tuple[object, ...]) -> bool:
        """Whether it comes later."""
        return _rank(self) > _rank(other)

    def __ge__(self, other: tuple[object, ...]) -> bool:
        """Whether it comes later, or is the same."""
        return _rank(self) >= _rank(other)

    def __str__(self) -> str:
        """The form a user types; `parse` reads it back."""
        kind, path, key = self
        text = f"{kind}.{path[0]}" if len(path) == 1 else ".".join((kind, *path))
        return text if key is None else f"{text}[{json.dumps(key, ensure_ascii=False)}]"


def _rank(address: tuple[Any, ...]) -> tuple[str, tuple[str, ...], bool, str]:
    kind, path, key = address
    return kind, path, key is not None, key or ""


def in_order(addresses: Iterable[Address]) -> list[Address]:
    """Return addresses sorted, as `sorted` does, and faster where there are many."""
    return sorted(addresses, key=_rank)


# What was parsed before: one address stands in many places, and the very same object is found
# fastest in a table.
_KNOWN: dict[str, Address] = {}
_MANY = 500_000


@dataclass(frozen=True, slots=True)
class Ref:
    """An output of another resource. Left in a plan it means "known after apply"."""

    address: Address
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The form a user types: `endpoint.support.model_id`."""
        return ".".join((str(self.address), *self.path))


@dataclass(frozen=True, slots=True)
class Join:
    """A text with references inside: `"${endpoint.a.base_url}/chat"`."""

    parts: tuple[Value, ...]


SCALARS = frozenset({str, int, float, bool, type(None)})


def refs(value: Value) -> Iterator[Ref]:
    """Yield every reference inside a value, in order."""
    return iter(_refs(value, []))


def _refs(value: Value, found: list[Ref]) -> list[Ref]:
    """Add every reference inside a value; most values are scalars and hold none."""
    if value.__class__ in SCALARS:
        return found
    if isinstance(value, dict):  # to ask whether something is a `Mapping` takes far longer
        for item in value.values():
            if item.__class__ is Ref:
                found.append(item)
            elif item.__class__ not in SCALARS:
                _refs(item, found)
        return found
    match value:
        case Ref():
            found.append(value)
        case Join(inside) | (tuple() as inside):
            for item in inside:
                _refs(item, found)
        case Mapping():
            for item in value.values():
                _refs(item, found)
    return found


Lookup: TypeAlias = Callable[[Ref], "Value"]


def resolve(value: Value, lookup: Lookup) -> Value:
    """Replace each reference by what `lookup` gives; one it returns unchanged stays."""
    if value.__class__ in SCALARS:
        return value
    match value:
        case Ref():  # the most frequent first
            return lookup(value)
        case dict():
            return {
                key: item if item.__class__ in SCALARS else resolve(item, lookup)
                for key, item in value.items()
            }
        case Join(parts):
            done = tuple(resolve(part, lookup) for part in parts)
            if any(True for part in done for _ in refs(part)):
                return Join(done)
            return "".join(_text(part) for part in done)
        case tuple():
            return tuple(resolve(item, lookup) for item in value)
        case Mapping():
            return {key: resolve(item, lookup) for key, item in value.items()}
        case _:
            return value


def settle(value: Value, lookup: Lookup) -> Plain:
    """Resolve completely.

    Raises:
        LookupError: naming the reference that is still unknown.
    """
    if value.__class__ in SCALARS:
        return value  # type: ignore[return-value]  # a scalar is plain
    done = resolve(value, lookup)
    for left in refs(done):
        raise LookupError(f"`{left}` is not known yet")
    return plain(done)


def plain(value: Value) -> Plain:
    """Narrow a value that holds no references.

    Raises:
        TypeError: when it holds one.
    """
    if value.__class__ in SCALARS:
        return value  # type: ignore[return-value]  # a scalar is plain
    match value:
        case Ref() | Join():
            raise TypeError(f"`{value}` is a reference")
        case tuple():
            return tuple(plain(item) for item in value)
        case Mapping():
            return {key: plain(item) for key, item in value.items()}
        case _:
            return value


def shown(value: Value) -> Plain:
    """Return the value with each reference as the text a user would type (`${a.b.c}`)."""
    match value:
        case Ref():
            return f"${{{value}}}"
        case Join(parts):
            return "".join(_text(shown(part)) for part in parts)
        case tuple():
            return tuple(shown(item) for item in value)
        case Mapping():
            return {key: shown(item) for key, item in value.items()}
        case _:
            return value


def dig(value: Value, path: tuple[str, ...]) -> Value:
    """Follow keys into a value.

    Raises:
        KeyError: when a key is missing on the way.
    """
    for key in path:
        if not isinstance(value, Mapping):
            raise KeyError(key)
        value = value[key]
    return value


def canonical(value: Plain) -> str:
    """The one JSON text of a value: sorted keys, no white space, UTF-8 characters as they are."""
    return _CANONICAL.encode(value)


def _mapping(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a plain value")


_CANONICAL = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=_mapping
)


def _text(value: Value) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case None:
            return ""
        case str():
            return value
        case int() | float():
            return str(value)
        case _:
            return canonical(plain(value))
