"""`fmt`: comments survive, no value changes, and once is enough."""

from __future__ import annotations

import re
from textwrap import dedent

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.config.fmt import format_text
from tunectl.config.node import File, plain
from tunectl.config.problems import Problems
from tunectl.config.source import parse
from tunectl.core.errors import ConfigError


def values(text):
    node = parse(File("t.yaml", text), Problems())
    return None if node is None else plain(node)


def test_the_style_is_two_spaces_with_list_items_indented():
    text = """\
        # głowa pliku
        project:   helpdesk   # nazwa
        dataset:
            support:
                source: "data/a.jsonl"

                strip:
                - customer_id    # never leaves
                - phone
        tuning_job: {a: {base_model: no, data: dataset.support}}   # inline
        # koniec
        """
    found = format_text(dedent(text))
    assert [line.partition("#")[0].rstrip() for line in found.split("\n")] == [
        "",
        "project: helpdesk",
        "dataset:",
        "  support:",
        '    source: "data/a.jsonl"',
        "",
        "    strip:",
        "      - customer_id",
        "      - phone",
        "tuning_job: {a: {base_model: no, data: dataset.support}}",
        "",
        "",
    ]
    assert re.findall("# (.+)", found) == [
        "głowa pliku",
        "nazwa",
        "never leaves",
        "inline",
        "koniec",
    ]


def test_windows_line_ends_a_byte_order_mark_and_blanks_at_the_end_go():
    assert format_text("\ufeffproject: a\r\nstate: b\r\n\r\n\r\n") == "project: a\nstate: b\n"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "project: a\n"])
def test_what_is_in_style_stays(text):
    assert format_text(text).strip() == text.strip()


def test_a_long_line_is_not_folded():
    text = f"project: a\ndescription: {'słowo ' * 60}koniec\n"
    assert format_text(text) == text


def test_block_text_anchors_and_merge_keys_survive():
    text = (
        "x-a: &a {base_model: m}\n"
        "tuning_job:\n  b:\n    <<: *a\n    seed: 1\n"
        "prompt_template:\n  p:\n    sections:\n      - id: s\n"
        "        template: |\n          raz\n\n            dwa  \n          {{ x }}\n"
    )
    assert format_text(text) == text


def test_broken_yaml_is_refused_with_its_place():
    with pytest.raises(ConfigError) as caught:
        format_text("a:\n\tb: 1\n", "jobs.tunectl.yaml")
    assert str(caught.value.diagnostics[0].source) == "jobs.tunectl.yaml:2:1"


TREES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-1000, 1000),
        st.floats(allow_nan=False, allow_infinity=False, width=32),
        st.text(alphabet="ab żы:#'\"-{}[]\n\t%@&*!|>,?$`~", max_size=12),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(alphabet="abż_", min_size=1, max_size=4), inner, max_size=3),
    ),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(st.text(alphabet="abcż", min_size=1, max_size=4), TREES, max_size=4)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.sampled_from([None, True, False]), st.integers(2, 6))
def test_formatting_twice_is_formatting_once_and_no_value_changes(tree, flow, indent):
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow, indent=indent)
    before = values(text)
    once = format_text(text)
    assert values(once) == before
    assert format_text(once) == once


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="ab: \n-#{}[]'\"|&*", max_size=50))
def test_any_yaml_text_is_formatted_stably(text):
    try:
        once = format_text(text)
    except ConfigError:
        return
    assert format_text(once) == once
    assert repr(values(once)) == repr(values(text))
