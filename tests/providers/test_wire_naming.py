"""Derived names: what they may hold, whatever people call things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.ports import Mark
from tunectl.core.value import Address
from tunectl.providers.wire.naming import (
    alias_name,
    ascii_name,
    derived_suffix,
    file_name,
    has_op,
    mark_metadata,
)

texts = st.text(max_size=60)
ops = st.text("0123456789abcdef", min_size=8, max_size=32)


def mark(address="tuning_job.support", project="helpdesk", env="default", op="ab12"):
    return Mark(lineage="l", project=project, env=env, address=Address.parse(address), op=op)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Obsługa Klientów", "obsluga-klientow"),
        ("ŻÓŁĆ", "zolc"),
        ("Поддержка_клиентов", "podderzhka-klientov"),
        ("Ещё щука", "eshche-shchuka"),
        ("Straße", "strasse"),
        ("客服", ""),
        ("a__b", "a-b"),
    ],
)
def test_names_in_other_scripts_become_readable_ascii(text, name):
    assert ascii_name(text) == name


@given(texts)
def test_an_ascii_name_is_made_of_letters_digits_and_single_hyphens(text):
    assert re.fullmatch(r"([a-z0-9]+(-[a-z0-9]+)*)?", ascii_name(text))
    assert ascii_name(ascii_name(text)) == ascii_name(text)


@given(texts, texts, st.integers(0, 64))
def test_a_suffix_fits(project, name, longest):
    suffix = derived_suffix(project, Address.of("tuning_job", name), longest)
    assert suffix is None or re.fullmatch(r"[a-z0-9-]+", suffix)
    assert suffix is None or 0 < len(suffix) <= longest


def test_a_suffix_tells_project_name_and_key():
    address = Address.of("tuning_job", "sklep", "obsługa", key="pl")
    assert derived_suffix("Мой проект", address, 64) == "moi-proekt-sklep-obsluga-pl"
    assert derived_suffix("客", Address.of("tuning_job", "服"), 64) is None


@given(ops, ops, texts, texts)
def test_a_file_name_carries_its_operation_and_no_other(op, other, dataset, split):
    name = file_name(mark(op=op), f"dataset.{dataset}", split, "f" * 64)
    assert has_op(name, op)
    assert has_op(name, other) == (op == other)
    assert name.endswith(".jsonl")
    assert len(name) <= 206
    assert re.fullmatch(r"[a-z0-9.-]+", name)


@given(texts, texts)
def test_metadata_stays_within_the_limits(project, env):
    pairs = mark_metadata(mark(project=project * 20, env=env * 20))
    assert len(pairs) == 6
    assert all(len(k) <= 64 and len(v) <= 512 for k, v in pairs.items())


def test_an_alias_is_named_for_project_environment_and_address():
    assert alias_name(mark("endpoint.support")) == "helpdesk-support"
    assert alias_name(mark("endpoint.support", env="prod")) == "helpdesk-prod-support"
    assert alias_name(mark('endpoint.shop.main["pl"]')) == "helpdesk-shop-main-pl"
