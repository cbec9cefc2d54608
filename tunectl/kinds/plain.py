"""Plain values are read without pydantic, whose import takes longer than most plans.

Law: what is read here is what pydantic would make of it, field by field; what is not plain beyond
doubt is left to pydantic, which alone says what is wrong. The table `plain.json` is made from the
models (`plain_table`), and the functions it names are those that the models call.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, TypeAlias

import orjson

Form: TypeAlias = list[Any]
Read: TypeAlias = Callable[[Any], Any]

# Where the functions stand that the table may name; none of these imports pydantic.
ROOMS = frozenset({"reading", "moments", "rules", "provider_rules"})
_PRINTABLE = re.compile("[ -~]*").fullmatch
_ANY: Form = ["any"]
_ANY_TEXT: Form = ["text", 0, None, None]
_TEXT = frozenset({str})
TABLE = Path(__file__).with_name("plain.json")


class UnplainError(ValueError):
    """It is left to pydantic."""


class PlainModel:
    """What a model is to those who read its fields; nobody changes it.

    Attributes:
        model_fields: the names of its fields, and what they are where nobody writes them.
        model_fields_set: those that were written.
    """

    __slots__ = ("__dict__", "model_fields_set")
    model_fields: ClassVar[Mapping[str, object]] = {}
    model_fields_set: frozenset[str]

    def __eq__(self, other: object) -> bool:
        """Whether another one says the same."""
        return type(self) is type(other) and vars(self) == vars(other)

    __hash__ = None  # type: ignore[assignment]  # it holds lists, as pydantic's do

    def __repr__(self) -> str:
        """Return it for people who look for a mistake."""
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in vars(self).items())})"

    def model_dump(
        self,
        *,
        exclude_unset: bool = False,
        exclude_none: bool = False,
        exclude_defaults: bool = False,
        exclude: frozenset[str] | set[str] = frozenset(),
    ) -> dict[str, Any]:
        """Return the fields, models inside as maps; of plain values, as pydantic does it."""
        about = {
            "exclude_unset": exclude_unset,
            "exclude_none": exclude_none,
            "exclude_defaults": exclude_defaults,
        }
        return {
            name: _dumped(value, about)
            for name, value in vars(self).items()
            if name not in exclude
            and not (exclude_unset and name not in self.model_fields_set)
            and not (exclude_none and value is None)
            and not (exclude_defaults and value == self.model_fields[name])
        }


def _dumped(value: object, about: Mapping[str, bool]) -> object:
    if isinstance(value, PlainModel):
        return value.model_dump(**about)  # type: ignore[arg-type]  # switches only
    if isinstance(value, dict):
        return {key: _dumped(item, about) for key, item in value.items()}
    return [_dumped(one, about) for one in value] if isinstance(value, list) else value


def read(home: str, value: object) -> PlainModel | None:
    """Return what a value says; None where pydantic has to read it.

    Args:
        home: the model, `module.Class` in this room.
        value: a tree of the declaration.
    """
    reader = _reader(home)
    if reader is None:
        return None
    try:
        made: PlainModel = reader(value)
    except (ValueError, AssertionError):  # what pydantic would tell
        return None
    return made


@cache
def _table() -> Mapping[str, Any]:
    found: Mapping[str, Any] = orjson.loads(TABLE.read_bytes())
    return found


@cache
def facts(home: str) -> type[PlainModel]:
    """Return the class of a model as others see it: its facts, and the names of its fields."""
    said = _table()[home]
    known = {
        name: tuple(fact) if isinstance(fact, list) else fact
        for name, fact in said["facts"].items()
    }
    fields: dict[str, object] = dict.fromkeys(said["fields"], ...) | _defaults(
        said.get("defaults", {})
    )
    name = home.rpartition(".")[2]
    return type(name, (PlainModel,), {**known, "model_fields": MappingProxyType(fields)})


def _defaults(said: Mapping[str, list[Any]]) -> dict[str, object]:
    """Return what the fields are that nobody writes; shared, for nobody changes them."""
    return {name: value if how == "is" else _silent(value) for name, (how, value) in said.items()}


@cache
def _silent(home: str) -> PlainModel | None:
    return read(home, {})


@cache
def _reader(home: str) -> Read | None:
    """Return what makes a model of a map; None where the table cannot say it."""
    said = _table()[home]
    if "forms" not in said:
        return None
    cls = facts(home)
    forms = said["forms"]
    ready: dict[str, tuple[str, Read]] = {}
    needed, defaults = frozenset(said["needed"]), dict(cls.model_fields)
    rules = [_function(name) for name in said["rules"]]
    new = object.__new__

    def reader(value: Any) -> PlainModel:  # noqa: ANN401  # whatever is written
        if value.__class__ is not dict or not needed <= value.keys():
            raise UnplainError
        written = {}
        for key, given in value.items():
            field = ready.get(key)
            if field is None:
                if key not in forms:
                    raise UnplainError
                name, form = forms[key]
                field = ready[key] = (name, _read(form))
            name, of = field
            written[name] = of(given)
        made = new(cls)
        made.__dict__ = defaults | written  # in the order of the fields
        made.model_fields_set = frozenset(written)
        for rule in rules:
            rule(made)
        return made

    return reader


def _function(name: str) -> Read:
    module, _, function = name.partition(".")
    found: Read = getattr(import_module(f"{__package__}.{module}"), function)
    return found


def _read(form: Form) -> Read:
    sort, *about = form
    return _FORMS[sort](*about)


def _any() -> Read:
    return lambda value: value


def _flag() -> Read:
    return lambda value: value if value is True or value is False else _unplain()


def _unplain() -> Any:  # noqa: ANN401  # never returns
    raise UnplainError


def _text(least: int, most: int | None, pattern: str | None) -> Read:
    found = None if pattern is None else re.compile(pattern).search

    def text(value: Any) -> str:  # noqa: ANN401
        if value.__class__ is not str or len(value) < least:
            raise UnplainError
        if most is not None and len(value) > most:
            raise UnplainError
        # Of other texts pydantic's engine thinks differently here and there.
        if found is not None and not (_PRINTABLE(value) and found(value)):
            raise UnplainError
        said: str = value
        return said

    return text


def _one(choices: list[str]) -> Read:
    known = frozenset(choices)
    return lambda value: value if value.__class__ is str and value in known else _unplain()


def _whole(*bounds: float | None) -> Read:
    return lambda value: value if value.__class__ is int and _within(value, bounds) else _unplain()


def _number(*bounds: float | None) -> Read:
    def number(value: Any) -> float:  # noqa: ANN401
        if value.__class__ is not float and value.__class__ is not int:
            raise UnplainError
        try:
            found = float(value)
        except OverflowError:
            raise UnplainError from None
        if not math.isfinite(found) or not _within(found, bounds):
            raise UnplainError
        return found

    return number


def _within(value: float, bounds: tuple[float | None, ...]) -> bool:
    ge, gt, le, lt = bounds
    return (
        (ge is None or value >= ge)
        and (gt is None or value > gt)
        and (le is None or value <= le)
        and (lt is None or value < lt)
    )


def _list(form: Form, least: int, most: int | None) -> Read:
    one = _read(form)

    def many(value: Any) -> list[Any]:  # noqa: ANN401
        if value.__class__ is not list or len(value) < least:
            raise UnplainError
        if most is not None and len(value) > most:
            raise UnplainError
        return [one(item) for item in value]

    return many


def _map(key: Form, form: Form, least: int) -> Read:
    name, one = _read(key), _read(form)
    texts = key == form == _ANY_TEXT

    def entries(value: Any) -> dict[Any, Any]:  # noqa: ANN401
        if value.__class__ is not dict or len(value) < least:
            raise UnplainError
        if texts and _TEXT.issuperset(map(type, value)):
            if not _TEXT.issuperset(map(type, value.values())):
                raise UnplainError
            return dict(value)
        return {name(k): one(item) for k, item in value.items()}

    return entries


def _null(form: Form) -> Read:
    one = _read(form)
    return lambda value: None if value is None else one(value)


def _call(function: str, form: Form) -> Read:
    before, one = _function(function), _read(form)
    if form == _ANY:
        return before
    return lambda value: one(before(value))


def _after(function: str, form: Form) -> Read:
    one, after = _read(form), _function(function)
    return lambda value: after(one(value))


def _either(*forms: Form) -> Read:
    choices = [_read(form) for form in forms]

    def either(value: Any) -> Any:  # noqa: ANN401
        for choice in choices:
            try:
                return choice(value)
            except ValueError:  # it is one of the others, or none
                continue
        raise UnplainError

    return either


def _of(home: str) -> Read:
    return _reader(home) or (lambda _: _unplain())


_FORMS: Mapping[str, Callable[..., Read]] = {
    "any": _any,
    "flag": _flag,
    "text": _text,
    "one": _one,
    "whole": _whole,
    "number": _number,
    "list": _list,
    "map": _map,
    "null": _null,
    "call": _call,
    "after": _after,
    "either": _either,
    "of": _of,
}
