"""Our dataclasses do what the standard ones do; only the time their classes take differs."""

from __future__ import annotations

import copy
import dataclasses
import operator
import pickle
from dataclasses import KW_ONLY, field
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.dataclass import dataclass as lean
from tunectl.core.dataclass import opened


def classes(decorator):
    """The same classes by one decorator."""

    @decorator(frozen=True, slots=True)
    class Empty:
        """Nothing."""

    @decorator(frozen=True, slots=True)
    class Point:
        """Two, of which one has a default."""

        x: int
        y: object = 7

    @decorator(frozen=True, slots=True, kw_only=True)
    class Named:
        """By name only, one made anew each time, one that does not count, one that is not told."""

        a: str
        b: dict[str, int] = field(default_factory=dict, hash=False)
        c: int | None = None
        d: object = field(default=3, compare=False, repr=False)
        e: object = field(default=None, init=False, repr=False, compare=False)
        f: list[int] = field(default_factory=list, init=False, compare=False)

        @property
        def length(self):
            return len(self.a)

    @decorator(slots=True)
    class Open:
        """It can be changed."""

        names: list[str] = field(default_factory=list)
        count: int = 0

    @decorator(frozen=True, slots=True)
    class Mixed:
        """Positions and names."""

        a: int
        b: int = field(default=2, kw_only=True)
        c: int = 3

    @decorator(frozen=True, slots=True, order=True)
    class Ranked:
        """It has an order, to which one field does not count."""

        a: int
        b: str = "x"
        c: int = field(default=0, compare=False)

    @decorator(slots=True, order=True)
    class One:
        """An order by one field."""

        a: object

    return {cls.__name__: cls for cls in (Ranked, One, Empty, Point, Named, Open, Mixed)}


OURS, STANDARD = classes(lean), classes(dataclasses.dataclass)
Plain = lean(frozen=True, slots=True)(type("Plain", (), {"__annotations__": {"x": int}}))
ARGUMENTS = st.lists(st.integers(0, 2), max_size=3)
NAMED = st.dictionaries(st.sampled_from(["a", "b", "c", "d", "x", "y", "count"]), st.just("t"))


def made(cls, args, named):
    """What a call gives, or the words of its refusal."""
    try:
        return cls(*args, **named)
    except TypeError as error:
        return str(error)


def ordered(by, one, other):
    """Which comes first, or that there is no order."""
    try:
        return by(one, other)
    except TypeError as error:
        return str(error)


@pytest.mark.parametrize("name", OURS)
@given(args=ARGUMENTS, named=NAMED, other=ARGUMENTS)
def test_they_are_made_shown_compared_and_hashed_as_the_standard_ones(name, args, named, other):
    ours, theirs = made(OURS[name], args, named), made(STANDARD[name], args, named)
    if isinstance(theirs, str):
        assert ours == theirs
        return
    assert repr(ours).replace("<locals>", "") == repr(theirs).replace("<locals>", "")
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    another, standard = made(OURS[name], other, named), made(STANDARD[name], other, named)
    assert (ours == another) == (theirs == standard)
    assert ours != theirs
    for by in (operator.lt, operator.le, operator.gt, operator.ge):
        assert ordered(by, ours, another) == ordered(by, theirs, standard)
    assert ours == copy.copy(ours) == copy.deepcopy(ours)
    if STANDARD[name].__hash__ is None:
        assert OURS[name].__hash__ is None
    else:
        assert hash(ours) == hash(copy.deepcopy(ours))


@pytest.mark.parametrize("name", OURS)
@given(args=ARGUMENTS, named=NAMED)
def test_the_first_objects_of_a_class_are_made_as_the_later_ones(name, args, named):
    fresh = classes(lean)[name]
    several = [made(fresh, args, named) for _ in range(4)]
    told = made(STANDARD[name], args, named)
    for one in several:
        assert one == several[0]
        assert one == told if isinstance(told, str) else repr(one) == repr(told)


@pytest.mark.parametrize("name", OURS)
def test_their_fields_and_patterns_are_the_standard_ones(name):
    ours, theirs = OURS[name], STANDARD[name]
    assert ours.__match_args__ == theirs.__match_args__
    assert ours.__slots__ == theirs.__slots__
    told = [(f.name, f.default, f.init, f.compare, f.kw_only) for f in dataclasses.fields(ours)]
    assert told == [
        (f.name, f.default, f.init, f.compare, f.kw_only) for f in dataclasses.fields(theirs)
    ]
    assert repr(ours.__dataclass_params__).replace("match_args=True, ", "") == repr(
        theirs.__dataclass_params__
    ).replace("match_args=True, ", "")


def test_a_frozen_one_is_frozen_and_replace_makes_another():
    point = OURS["Point"](1)
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2
    with pytest.raises(dataclasses.FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    assert dataclasses.replace(point, x=2) == OURS["Point"](2)
    with pytest.raises(AttributeError):
        point.z = 1


def test_one_that_is_not_frozen_changes_and_has_no_hash():
    one, other = OURS["Open"](), OURS["Open"]()
    one.names.append("a")
    one.count = 2
    assert (other.names, one) == ([], OURS["Open"](["a"], 2))
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


def test_a_copy_through_pickle_is_equal():
    assert pickle.loads(pickle.dumps(Plain(3))) == Plain(3)


def test_a_standard_dataclass_may_inherit_from_a_lean_one():
    @dataclasses.dataclass(frozen=True)
    class Child(OURS["Point"]):
        z: int = 0

    assert Child(1, 2, 3) == Child(1, 2, 3) != Child(1, 2, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Child(1).x = 5


def test_what_says_its_own_methods_is_left_to_the_standard_decorator():
    @lean(frozen=True, slots=True)
    class Checked:
        a: int

        def __post_init__(self):
            if self.a < 0:
                raise ValueError("negative")

    @lean
    class Bare:
        a: int

    assert Bare(1) == Bare(1) != Bare(2)
    assert vars(Bare(1)) == {"a": 1}
    with pytest.raises(ValueError, match="negative"):
        Checked(-1)


def test_nothing_is_described_or_compiled_before_it_is_asked_for():
    @lean(frozen=True, slots=True)
    class Late:
        a: int
        b: list[int] = field(default_factory=list)

    before = dict(vars(Late))
    one = Late(1)
    assert vars(Late)["__init__"] is before["__init__"]
    assert Late(2) != Late(3)
    assert vars(Late)["__init__"] is not before["__init__"], "more are made than a few"
    assert vars(Late)["__dataclass_fields__"] is before["__dataclass_fields__"]
    assert one == Late(1, [])
    assert vars(Late)["__dataclass_fields__"] is before["__dataclass_fields__"]
    assert dataclasses.is_dataclass(Late)
    assert [f.name for f in dataclasses.fields(one)] == ["a", "b"]
    assert isinstance(vars(Late)["__dataclass_fields__"], dict)


def test_what_is_no_field_is_left_to_the_standard_decorator():
    @lean(frozen=True, slots=True)
    class Counted:
        many: ClassVar[int] = 3
        a: int

    @lean(frozen=True, slots=True)
    class Told:
        a: int
        _: KW_ONLY
        b: int = 2

    assert (Counted(1).a, Counted.many, Counted.__slots__) == (1, 3, ("a",))
    assert [f.name for f in dataclasses.fields(Counted)] == ["a"]
    assert Told(1, b=4).b == 4
    with pytest.raises(TypeError):
        Told(1, 4)


def test_an_open_object_becomes_one_of_its_class_by_its_class():
    point = opened(OURS["Point"])()
    point.x, point.y = 1, 7
    point.__class__ = OURS["Point"]
    assert point == OURS["Point"](1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2
