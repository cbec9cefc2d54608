"""Dataclasses with slots whose methods are written when they are first called.

The standard decorator compiles up to six methods of each class while its module is imported: about
a millisecond a class, and one command imports two hundred of which it makes a few. Here the
initialiser is compiled by the first call, and the other methods are the same code for all.

Law: a class does what `dataclasses.dataclass` would make it do, and `fields`, `replace`,
`is_dataclass` and `match` know it; type checkers see the standard decorator. What is asked for
beyond `frozen`, `slots` and `kw_only`, or inherits, is left to the standard one.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass as dataclass
else:

    def dataclass(
        cls: type | None = None,
        /,
        *,
        slots: bool = False,
        frozen: bool = False,
        kw_only: bool = False,
        **more: bool,
    ) -> type | Callable[[type], type]:
        """Make a dataclass of a class, or return what does; as the standard one."""

        def decorate(cls: type) -> type:
            if more or not slots or cls.__bases__ != (object,) or _OWN & vars(cls).keys():
                said = {"slots": slots, "frozen": frozen, "kw_only": kw_only}
                return dataclasses.dataclass(**said, **more)(cls)
            return _made(cls, frozen=frozen, kw_only=kw_only)

        return decorate if cls is None else decorate(cls)


_OWN = frozenset(
    {
        "__init__",
        "__post_init__",
        "__repr__",
        "__eq__",
        "__hash__",
        "__setattr__",
        "__delattr__",
        "__getstate__",
        "__setstate__",
        "__slots__",
    }
)


def _made(cls: type[Any], *, frozen: bool, kw_only: bool) -> type[Any]:
    cls.__doc__ = cls.__doc__ or cls.__name__  # or the standard one inspects the signature
    made = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(cls)
    said = made.__dataclass_params__
    said.init = said.repr = said.eq = True
    said.frozen = frozen
    methods: dict[str, Any] = {"__init__": _initialiser(made), "__repr__": _shown}
    methods |= _comparing(made)
    if frozen:
        methods |= {"__getstate__": _state, "__setstate__": _set_state, **_freezing(made)}
    else:
        methods["__hash__"] = None
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def _initialiser(made: type[Any]) -> Callable[..., None]:
    def __init__(self: object, *args: object, **named: object) -> None:  # noqa: N807
        made.__init__ = _compiled(made)
        made.__init__(self, *args, **named)

    return __init__


def _compiled(made: type[Any]) -> Callable[..., None]:
    """Return the initialiser, which sets each field by its slot: a third of the time of a name."""
    known: dict[str, Any] = {"_MISSING": MISSING}
    plain: list[str] = ["self"]
    keyed: list[str] = []
    body: list[str] = []
    for field in dataclasses.fields(made):
        name = field.name
        known[f"_set_{name}"] = made.__dict__[name].__set__
        default = field.default_factory is not MISSING or field.default is not MISSING
        if field.init:
            parameter = f"{name}=_default_{name}" if default else name
            (keyed if field.kw_only else plain).append(parameter)
        elif not default:
            continue
        body.append(f"_set_{name}(self, {_value(field, known)})")
    parameters = [*plain, *(["*", *keyed] if keyed else [])]
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"])
    exec(text, known)  # noqa: S102  # made of the names of fields, as the standard one does
    written: Callable[..., None] = known["__init__"]
    written.__qualname__ = f"{made.__qualname__}.__init__"
    return written


def _value(field: Field[Any], known: dict[str, Any]) -> str:
    """Return what a field is set to; tell the default."""
    name = field.name
    if field.default_factory is not MISSING:
        known[f"_make_{name}"], known[f"_default_{name}"] = field.default_factory, MISSING
        if not field.init:
            return f"_make_{name}()"
        return f"_make_{name}() if {name} is _MISSING else {name}"
    known[f"_default_{name}"] = field.default
    return name if field.init else f"_default_{name}"


def _comparing(made: type[Any]) -> dict[str, Any]:
    fields = dataclasses.fields(made)
    told = _getter([f.name for f in fields if f.compare])
    hashed = [f.name for f in fields if (f.compare if f.hash is None else f.hash)]

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(told(self) == told(other))

    identity = _getter(hashed)

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(identity(self))

    return {"__eq__": __eq__, "__hash__": __hash__}


def _getter(names: list[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: ()


def _freezing(made: type[Any]) -> dict[str, Any]:
    names = frozenset(f.name for f in dataclasses.fields(made))

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
        if type(self) is made or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self: object, name: str) -> None:  # noqa: N807
        if type(self) is made or name in names:
            raise FrozenInstanceError(f"cannot delete field {name!r}")
        object.__delattr__(self, name)

    return {"__setattr__": __setattr__, "__delattr__": __delattr__}


@recursive_repr()
def _shown(self: Any) -> str:  # noqa: ANN401  # of any class
    shown = (f"{f.name}={getattr(self, f.name)!r}" for f in dataclasses.fields(self) if f.repr)
    return f"{self.__class__.__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:  # noqa: ANN401  # of any class
    return [getattr(self, f.name) for f in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:  # noqa: ANN401  # of any class
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
