"""YAML is 1.2's core schema, with positions."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.config.node import File, plain
from tunectl.config.problems import Problems
from tunectl.config.source import parse, typed


def read(text: str):
    problems = Problems()
    node = parse(File("t.yaml", text), problems)
    assert not problems.all
    return plain(node)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("true", True), ("False", False), ("TRUE", True), ("tRUE", "tRUE"),
        ("null", None), ("~", None), ("", None), ("Null", None), ("nil", "nil"),
        ("2e-4", 2e-4), ("1E5", 1e5), (".5", 0.5), ("1.", 1.0), ("-0.25", -0.25),
        ("12:30", "12:30"), ("1_000", "1_000"), ("2024-01-01", "2024-01-01"),
        ("0x1F", 31), ("0o17", 15), ("017", 17), ("0b11", "0b11"), ("+7", 7), ("-7", -7),
        (".inf", math.inf), ("-.INF", -math.inf), ("1.2.3", "1.2.3"), ("=", "="),
    ],
)  # fmt: skip
def test_a_plain_scalar_has_the_type_of_the_core_schema(text, value):
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@given(st.one_of(st.integers(), st.booleans(), st.none(), st.floats(allow_nan=False)))
def test_what_json_writes_is_read_back(value):
    import json

    assert read(f"a: {json.dumps(value)}".replace("Infinity", ".inf")) == {"a": value}


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs", "Cc", "Cn", "Co"])))
def test_quoted_text_is_read_back(text):
    import json

    assert read(f"a: {json.dumps(text, ensure_ascii=False)}") == {"a": text}


def test_quotes_make_text_and_tags_say_the_type():
    assert read("a: '12'\nb: !!str 12\nc: !!float 3\nd: \"true\"") == {
        "a": "12", "b": "12", "c": 3.0, "d": "true",
    }  # fmt: skip


def test_keys_are_text_as_they_are_written():
    assert read("1: a\nno: b\n~: c\n1.50: d") == {"1": "a", "no": "b", "~": "c", "1.50": "d"}


def test_a_written_key_wins_over_a_merged_one_and_the_first_merged_wins():
    assert read(
        "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {z: 9, <<: [*a, *b]}\nd:\n  <<: *a\n  y: 3"
    ) == {
        "a": {"x": 1, "y": 1},
        "b": {"y": 2, "z": 2},
        "c": {"z": 9, "x": 1, "y": 1},
        "d": {"y": 3, "x": 1},
    }


def test_aliases_that_explode_are_refused_and_not_expanded():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    problems = Problems()
    parse(File("t.yaml", "\n".join(levels)), problems)
    assert [d.code for d in problems.all][:1] == ["yaml-aliases"]


def test_deep_nesting_is_an_error_and_no_crash():
    problems = Problems()
    parse(File("t.yaml", "[" * 400 + "]" * 400), problems)
    assert [d.code for d in problems.all] == ["yaml-nesting"]


@given(st.text(max_size=60))
def test_any_text_gives_a_value_or_a_diagnostic_with_a_place_in_the_file(text):
    problems = Problems()
    file = File("t.yaml", text)
    parse(file, problems)
    for diagnostic in problems.all:
        assert diagnostic.summary
        assert diagnostic.source is not None
        assert 0 <= diagnostic.source.line <= len(file.lines)


@pytest.mark.parametrize("text", ["a: zażółć\nb: 'x'", "а: |\n  текст\n  ещё\nb: 1"])
def test_positions_count_characters_from_one(text):
    node = parse(File("t.yaml", text), Problems())
    assert node is not None
    source = node.value["b"].key_source
    assert (source.line, source.column) == (text.count("\n") + 1, 1)
    assert source.text.startswith("b:")
