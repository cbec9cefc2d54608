"""Field deltas."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.core.values import mappings, plains
from tunectl.core.diff import ABSENT, Delta, deltas, equal, same
from tunectl.core.value import Address, Join, Ref

MODEL = Ref(Address.of("tuning_job", "support"), ("model_id",))


@given(plains)
def test_everything_is_the_same_as_itself(value):
    assert same(value, value)


@given(plains, plains)
def test_sameness_works_both_ways(one, other):
    assert same(one, other) == same(other, one)


@given(mappings)
def test_nothing_differs_from_itself(spec):
    assert deltas(spec, spec) == ()


@given(mappings, mappings)
def test_there_are_deltas_exactly_where_specs_differ(before, after):
    found = deltas(before, after)
    assert bool(found) == (not same(before, after))
    assert [d.path for d in found] == sorted(d.path for d in found)
    assert [(d.path, d.after, d.before) for d in deltas(after, before)] == [
        (d.path, d.before, d.after) for d in found
    ]


@given(mappings, mappings)
def test_taking_each_delta_over_makes_the_specs_the_same(before, after):
    patched = dict(before)
    for delta in deltas(before, after):
        _put(patched, delta.path, delta.after)
    assert same(patched, after)


@given(mappings, mappings)
def test_what_is_found_equal_has_no_deltas(before, after):
    assert equal(before, dict(before))
    assert not (equal(before, after) and deltas(before, after))


@given(mappings, mappings)
def test_keys_that_are_put_aside_are_as_if_they_were_not_there(before, after):
    aside = frozenset(sorted(before.keys() | after.keys())[::2])
    left = ({k: v for k, v in one.items() if k not in aside} for one in (before, after))
    assert equal(before, after, None, aside) == equal(*left)


def _put(tree, path, value):
    *above, last = path
    for key in above:
        tree[key] = dict(tree[key])
        tree = tree[key]
    if value is ABSENT:
        tree.pop(last, None)
    else:
        tree[last] = value


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        (None, ABSENT, True),
        ("", None, False),
        ({}, ABSENT, False),
        ({"a": None}, {}, True),
        ((1, {"a": 2}), (1, {"a": 2, "b": None}), True),
        ((1, 2), (1,), False),
        ("a", MODEL, False),
    ],
)
def test_sameness_by_example(one, other, expected):
    assert same(one, other) is expected


def test_a_delta_names_its_path_and_whether_it_forces_a_new_object():
    found = deltas(
        {"method": {"epochs": 3, "type": "dpo"}, "suffix": "a"},
        {"method": {"epochs": 4, "type": "dpo"}, "base": MODEL},
        frozenset({"method"}),
    )
    assert found == (
        Delta(("base",), ABSENT, MODEL),
        Delta(("method", "epochs"), 3, 4, forces=True),
        Delta(("suffix",), "a", ABSENT),
    )
    assert [d.unknown for d in found] == [True, False, False]
    assert Delta(("x",), None, Join(("a", MODEL))).unknown
