"""Addresses, references and values."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.values import addresses, plains, references, values
from tunectl.core.value import (
    Address,
    Join,
    Ref,
    canonical,
    dig,
    in_order,
    plain,
    refs,
    resolve,
    settle,
    shown,
)

JOB = Address.of("tuning_job", "support")
MODEL = Ref(JOB, ("model_id",))


@given(addresses)
def test_an_address_is_read_back_as_it_is_shown(address):
    assert Address.parse(str(address)) == address


@pytest.mark.parametrize("name", ["żółw", "поддержка", "shop.główny"])
def test_an_address_may_be_polish_or_russian(name):
    assert str(Address.parse(f'tuning_job.{name}["zażółć"]')) == f'tuning_job.{name}["zażółć"]'
    assert Address.parse(f"tuning_job.{name}").name == name.split(".")[-1]


@pytest.mark.parametrize(
    "text", ["", "support", "tuning_job.", 'a.b["c', "a.b[c]", "a.b-c", "a b.c", 'a.b["\\x"]']
)
def test_what_is_no_address_is_refused_by_name(text):
    with pytest.raises(ValueError, match=r"is not an address|escape"):
        Address.parse(text)


@given(st.lists(addresses, min_size=2), st.randoms())
def test_addresses_have_one_order_with_and_without_keys(found, chance):
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert sorted(shuffled) == sorted(found) == in_order(shuffled)
    first, *rest = sorted(found)
    assert all(first <= other for other in rest)


def test_an_address_without_a_key_comes_before_those_with_one():
    keyed = Address.of("tuning_job", "support", key="")
    assert keyed > JOB
    assert not keyed < JOB


@given(values)
def test_resolving_to_the_same_changes_nothing_but_joins_without_references(value):
    done = resolve(value, lambda ref: ref)
    assert list(refs(done)) == list(refs(value))
    assert resolve(done, lambda ref: ref) == done


@given(values)
def test_a_settled_value_holds_no_reference(value):
    done = settle(value, lambda _: "known")
    assert not list(refs(done))
    assert plain(done) == done


@given(values)
def test_settling_without_an_answer_names_the_reference(value):
    found = list(refs(value))
    if found:
        with pytest.raises(LookupError) as error:
            settle(value, lambda ref: ref)
        assert str(found[0]) in str(error.value)
    else:
        settle(value, lambda ref: ref)


@given(plains)
def test_a_plain_value_is_shown_and_narrowed_as_it_is(value):
    assert shown(value) == value
    assert plain(value) == value


@given(references)
def test_a_reference_is_shown_as_a_user_types_it(ref):
    assert shown(ref) == f"${{{ref}}}"
    with pytest.raises(TypeError, match="is a reference"):
        plain(ref)


def test_a_text_with_references_becomes_one_text():
    value = Join(("m=", MODEL, " ", True, False, None, 3, 0.5, ("ż", {"a": 1})))
    assert settle(value, lambda _: "x") == 'm=x truefalse30.5["ż",{"a":1}]'
    assert resolve(value, lambda ref: ref) == value
    assert shown(Join(("m=", MODEL))) == "m=${tuning_job.support.model_id}"
    with pytest.raises(TypeError, match="is a reference"):
        plain(value)


def test_keys_are_followed_into_a_value():
    assert dig({"a": {"b": 1}}, ("a", "b")) == 1
    assert dig("whole", ()) == "whole"
    for path in (("a", "x"), ("a", "b", "c")):
        with pytest.raises(KeyError, match=path[-1]):
            dig({"a": {"b": 1}}, path)


@given(plains, st.randoms())
def test_the_canonical_text_is_json_and_does_not_depend_on_key_order(value, chance):
    assert json.loads(canonical(value)) == json.loads(json.dumps(value))
    assert canonical(reordered(value, chance)) == canonical(value)


def reordered(value, chance: random.Random):
    match value:
        case dict():
            items = [(key, reordered(item, chance)) for key, item in value.items()]
            chance.shuffle(items)
            return Wrapped(dict(items))
        case tuple():
            return tuple(reordered(item, chance) for item in value)
        case _:
            return value


class Wrapped(dict):
    """Another mapping than a dict, as far as anybody can tell."""


def test_canonical_takes_any_mapping_and_refuses_what_is_not_plain():
    from types import MappingProxyType

    assert canonical(MappingProxyType({"b": "ż", "a": None})) == '{"a":null,"b":"ż"}'
    with pytest.raises(TypeError, match="Ref is not a plain value"):
        canonical({"a": MODEL})
