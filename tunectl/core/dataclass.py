"""Dataclasses with slots whose methods are written when they are first called.

The standard decorator describes each field and compiles up to six methods of each class while its
module is imported: about two milliseconds a class, and one command imports a hundred of which it
makes a few. Here only the class with its slots is made; the initialiser is compiled where many
objects are made, the other methods are the same code for all, and what `dataclasses` knows of the
fields is found out, by the standard decorator, when somebody asks.

Law: a class does what `dataclasses.dataclass` would make it do, and `fields`, `replace`,
`is_dataclass` and `match` know it; type checkers see the standard decorator. What is asked for
beyond `frozen`, `slots`, `kw_only` and `order`, inherits, or holds more than fields, is left to the
standard one. What is wrong with a definition is said when it is first used.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, FrozenInstanceError
from functools import partial
from operator import attrgetter, ge, gt, le, lt
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
        order: bool = False,
        **more: bool,
    ) -> type | Callable[[type], type]:
        """Make a dataclass of a class, or return what does; as the standard one."""

        def decorate(cls: type) -> type:
            if more or not slots or cls.__bases__ != (object,) or _is_more(cls):
                said = {"slots": slots, "frozen": frozen, "kw_only": kw_only, "order": order}
                return dataclasses.dataclass(**said, **more)(cls)
            return _made(_Told(cls, frozen=frozen, kw_only=kw_only, order=order))

        return decorate if cls is None else decorate(cls)


def opened(cls: type[Any]) -> type[Any]:
    """Return the class of an object of a dataclass with slots while its fields are set.

    Then it becomes one, by its `__class__`; whoever makes it sets every field. A frozen dataclass
    sets its own at several times the cost, and of some there are tens of thousands.
    """
    return type(f"Opened{cls.__name__}", (), {"__slots__": cls.__slots__})


_OWN = frozenset(
    {
        "__init__",
        "__post_init__",
        "__repr__",
        "__eq__",
        "__hash__",
        "__lt__",
        "__le__",
        "__gt__",
        "__ge__",
        "__setattr__",
        "__delattr__",
        "__getstate__",
        "__setstate__",
        "__slots__",
    }
)


_PSEUDO = ("ClassVar", "InitVar", "KW_ONLY")  # annotations that are no fields


def _is_more(cls: type[Any]) -> bool:
    """Whether a class says its own methods, or holds what only looks like a field."""
    said = " ".join(map(str, getattr(cls, "__annotations__", {}).values()))
    own = type(cls) is not type or _OWN & vars(cls).keys()
    return bool(own) or any(word in said for word in _PSEUDO)


class _Told:
    """What the body of a class says; `said` has its fields in order, each with its default."""

    __slots__ = ("calls", "doc", "frozen", "kw_only", "made", "notes", "order", "said")

    def __init__(self, cls: type[Any], *, frozen: bool, kw_only: bool, order: bool) -> None:
        self.made, self.frozen, self.kw_only, self.order = cls, frozen, kw_only, order
        self.calls = 0  # of the initialiser
        self.doc = cls.__doc__ or cls.__name__  # or the standard one inspects the signature
        self.notes: dict[str, Any] = getattr(cls, "__annotations__", {})
        self.said = {name: vars(cls).get(name, MISSING) for name in self.notes}

    def keyed(self, said: object) -> bool:
        """Whether a field is given by its name only."""
        own = said.kw_only if isinstance(said, Field) else MISSING
        return self.kw_only if own is MISSING else bool(own)

    def fields(self) -> list[tuple[str, Field[Any]]]:
        """Return every field with its name, which it may not know yet."""
        return [
            (name, said if isinstance(said, Field) else dataclasses.field(default=said))
            for name, said in self.said.items()
        ]

    def describe(self) -> None:
        """Let the standard decorator describe the fields, for `dataclasses` to find."""
        cls, stated = self.made, {n: s for n, s in self.said.items() if s is not MISSING}
        body = {"__annotations__": self.notes, "__module__": cls.__module__, **stated}
        alike = type(cls.__name__, (), body | {"__doc__": self.doc})
        decorate = dataclasses.dataclass(
            init=False, repr=False, eq=False, slots=True, kw_only=self.kw_only
        )
        known: Any = decorate(alike)
        params: Any = known.__dataclass_params__
        params.init = params.repr = params.eq = True
        params.frozen, params.order = self.frozen, self.order
        cls.__dataclass_fields__ = known.__dataclass_fields__
        cls.__dataclass_params__ = params


class _Asked:
    """Stands in a class where `dataclasses` looks for what it knows, until it does."""

    __slots__ = ("name", "told")

    def __init__(self, told: _Told, name: str) -> None:
        self.told, self.name = told, name

    def __get__(self, instance: object, owner: type | None = None) -> Any:  # noqa: ANN401
        self.told.describe()
        return getattr(self.told.made, self.name)


def _made(told: _Told) -> type[Any]:
    cls, names = told.made, tuple(told.said)
    apart = {*names, "__dict__", "__weakref__"}
    body = {name: item for name, item in vars(cls).items() if name not in apart}
    body |= {
        "__doc__": told.doc,
        "__qualname__": cls.__qualname__,
        "__slots__": names,
        "__match_args__": tuple(
            name
            for name, said in told.said.items()
            if not told.keyed(said) and not (isinstance(said, Field) and not said.init)
        ),
        "__init__": _initialiser(told),
        "__eq__": _later(told, "__eq__", _comparing),
        "__hash__": _later(told, "__hash__", _hashing) if told.frozen else None,
        "__repr__": _shown,
    }
    for name in ("__dataclass_fields__", "__dataclass_params__"):
        body[name] = _Asked(told, name)
    if told.order:
        body |= {name: _later(told, name, write) for name, write in _ORDER.items()}
    if told.frozen:
        body |= {"__getstate__": _state, "__setstate__": _set_state, **_freezing(told)}
    told.made = type(cls.__name__, cls.__bases__, body)
    return told.made


def _later(
    told: _Told, name: str, write: Callable[[_Told], Callable[..., Any]]
) -> Callable[..., Any]:
    """Return a method that writes itself when it is first called."""

    def method(self: object, *args: object, **named: object) -> Any:  # noqa: ANN401
        written = write(told)
        setattr(told.made, name, written)
        return written(self, *args, **named)

    return method


_FEW = 2  # objects: to compile an initialiser takes as long as to do without for some twenty


def _initialiser(told: _Told) -> Callable[..., None]:
    """Return the initialiser, which is compiled after the first few objects: most have no more."""

    def __init__(self: object, *args: object, **named: object) -> None:  # noqa: N807
        told.calls += 1
        if told.calls > _FEW or not _set(told, self, args, named):
            written = _compiled(told)
            told.made.__init__ = written
            written(self, *args, **named)

    return __init__


def _set(told: _Told, self: object, args: tuple[object, ...], named: dict[str, object]) -> bool:
    """Set the fields as the initialiser would; of a call that it would refuse, nothing is set."""
    fields = told.fields()
    plain = [name for name, field in fields if field.init and not told.keyed(field)]
    given = dict(zip(plain, args, strict=False))
    if len(args) > len(plain) or not given.keys().isdisjoint(named):
        return False
    given |= named
    values: dict[str, object] = {}
    for name, field in fields:
        if field.init and name in given:
            values[name] = given.pop(name)
        elif field.default_factory is not MISSING:
            values[name] = field.default_factory()
        elif field.default is not MISSING:
            values[name] = field.default
        elif field.init:
            return False
    if given:
        return False
    for name, value in values.items():
        object.__setattr__(self, name, value)
    return True


def _compiled(told: _Told) -> Callable[..., None]:
    """Return the initialiser, which sets each field by its slot: a third of the time of a name."""
    made = told.made
    known: dict[str, Any] = {"_MISSING": MISSING}
    plain: list[str] = ["self"]
    keyed: list[str] = []
    body: list[str] = []
    for name, field in told.fields():
        known[f"_set_{name}"] = made.__dict__[name].__set__
        default = field.default_factory is not MISSING or field.default is not MISSING
        if field.init:
            parameter = f"{name}=_default_{name}" if default else name
            (keyed if told.keyed(field) else plain).append(parameter)
        elif not default:
            continue
        body.append(f"_set_{name}(self, {_value(name, field, known)})")
    parameters = [*plain, *(["*", *keyed] if keyed else [])]
    text = f"def __init__({', '.join(parameters)}):\n " + "\n ".join(body or ["pass"])
    exec(text, known)  # noqa: S102  # made of the names of fields, as the standard one does
    written: Callable[..., None] = known["__init__"]
    written.__qualname__ = f"{made.__qualname__}.__init__"
    return written


def _value(name: str, field: Field[Any], known: dict[str, Any]) -> str:
    """Return what a field is set to; tell the default."""
    if field.default_factory is not MISSING:
        known[f"_make_{name}"], known[f"_default_{name}"] = field.default_factory, MISSING
        if not field.init:
            return f"_make_{name}()"
        return f"_make_{name}() if {name} is _MISSING else {name}"
    known[f"_default_{name}"] = field.default
    return name if field.init else f"_default_{name}"


def _comparing(told: _Told) -> Callable[[object, object], bool]:
    compared = _getter([name for name, field in told.fields() if field.compare])

    def __eq__(self: object, other: object) -> bool:  # noqa: N807
        if other.__class__ is not self.__class__:
            return NotImplemented
        return bool(compared(self) == compared(other))

    return __eq__


def _ordering(told: _Told, by: Callable[[Any, Any], bool]) -> Callable[[object, object], Any]:
    compared = _getters([name for name, field in told.fields() if field.compare])

    def order(self: object, other: object) -> Any:  # noqa: ANN401
        if other.__class__ is not self.__class__:
            return NotImplemented
        return by(compared(self), compared(other))

    return order


_ORDER = {f"__{by.__name__}__": partial(_ordering, by=by) for by in (lt, le, gt, ge)}


def _hashing(told: _Told) -> Callable[[object], int]:
    identity = _getter(
        [name for name, f in told.fields() if (f.compare if f.hash is None else f.hash)]
    )

    def __hash__(self: object) -> int:  # noqa: N807
        return hash(identity(self))

    return __hash__


def _getter(names: list[str]) -> Callable[[object], object]:
    return attrgetter(*names) if names else lambda _: ()


def _getters(names: list[str]) -> Callable[[object], tuple[Any, ...]]:
    """Return what gives a tuple, also of one."""
    get = _getter(names)
    return (lambda one: (get(one),)) if len(names) == 1 else get  # type: ignore[return-value]


def _freezing(told: _Told) -> dict[str, Any]:
    names = told.said

    def __setattr__(self: object, name: str, value: object) -> None:  # noqa: N807
        if type(self) is told.made or name in names:
            raise FrozenInstanceError(f"cannot assign to field {name!r}")
        object.__setattr__(self, name, value)

    def __delattr__(self: object, name: str) -> None:  # noqa: N807
        if type(self) is told.made or name in names:
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
