"""Adding to a person's file: what stood there stays as it is, letter for letter."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.config.editing import add_block, add_to_list, flow
from tunectl.config.node import File, plain
from tunectl.config.problems import Problems
from tunectl.config.source import parse
from tunectl.core.errors import ConfigError

ENTRY = {"address": 'tuning_job.each["pl"]', "id": "ftjob-1"}
FILE = """\
# Kopf / голова
project: pomoc   # a comment

x-a: &a {k: v}
tuning_job:
    # the other one
    other:   {base_model: m, data: dataset.support}

import:
    - {address: tuning_job.other, id: ftjob-0}   # done long ago
# the end
"""


def values(text: str) -> object:
    problems = Problems()
    root = parse(File("f.yaml", text), problems)
    assert not problems.failed
    return None if root is None else plain(root)


def added(before: str, after: str) -> list[str]:
    """Return the lines that are new; no other line may have changed."""
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    assert not [line for line in lines if line.startswith("- ")]
    return [line[2:] for line in lines if line.startswith("+ ")]


def test_an_entry_is_one_line_more_in_the_style_of_the_file():
    done = add_to_list(FILE, "f.yaml", "import", ENTRY)
    assert added(FILE, done) == ["    - {address: 'tuning_job.each[\"pl\"]', id: ftjob-1}"]
    assert values(done)["import"] == [{"address": "tuning_job.other", "id": "ftjob-0"}, ENTRY]


def test_a_list_that_is_not_there_is_put_at_the_end():
    text = FILE.partition("import:")[0]
    done = add_to_list(text, "f.yaml", "import", ENTRY)
    assert done.startswith(text.rstrip())
    assert values(done)["import"] == [ENTRY]


@pytest.mark.parametrize("said", ["import: []  # none", "import:", "import: [{address: a, id: b}]"])
def test_flow_style_and_empty_lists_are_added_to_and_comments_stay(said):
    text = f"project: pomoc # a\n{said}\nlabels: {{a: b}} # b\n"
    done = add_to_list(text, "f.yaml", "import", ENTRY)
    assert values(done)["import"][-1] == ENTRY
    assert values(done)["labels"] == {"a": "b"}
    assert "# a" in done
    assert "# b" in done


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_is_begun(text):
    assert values(add_to_list(text, "f.yaml", "import", ENTRY)) == {"import": [ENTRY]}


def test_a_resource_stands_first_under_its_kind_and_the_others_keep_their_comments():
    lines = ["base_model: m", "# data: dataset.NAME"]
    done = add_block(FILE, "f.yaml", "tuning_job", "support", lines)
    assert added(FILE, done) == [
        "    support:",
        "      base_model: m",
        "      # data: dataset.NAME",
    ]
    assert values(done)["tuning_job"]["support"] == {"base_model": "m"}


def test_a_kind_that_is_not_there_is_put_at_the_end():
    done = add_block(FILE, "f.yaml", "endpoint", "support", ["model: m"])
    assert added(FILE, done) == ["", "endpoint:", "  support:", "    model: m"]


@pytest.mark.parametrize(
    "text",
    [
        "tuning_job: {other: {base_model: m}}\n",
        "x: &a\n  other: {base_model: m}\ntuning_job: *a\n",
        "tuning_job:\n  support: {base_model: n}\n",
        "project: a\n...\n",
    ],
)
def test_what_cannot_be_added_to_safely_is_told_and_shown(text):
    with pytest.raises(ConfigError) as caught:
        add_block(text, "f.yaml", "tuning_job", "support", ["base_model: m"])
    (said,) = caught.value.diagnostics
    assert "base_model: m" in said.detail
    assert "-o NAME.tunectl.yaml" in said.hint


def test_a_file_that_is_not_yaml_is_refused():
    with pytest.raises(ConfigError):
        add_to_list("project: [\n", "f.yaml", "import", ENTRY)


SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=12)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("abcżя", min_size=1, max_size=3), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES)
def test_every_value_reads_back_as_it_was(value):
    text = f"a: {flow(value)}\n"

    def unescaped(found: object) -> object:
        if isinstance(found, str):
            return found.replace("$${", "${")
        if isinstance(found, list):
            return [unescaped(item) for item in found]
        if isinstance(found, dict):
            return {key: unescaped(item) for key, item in found.items()}
        return found

    assert unescaped(values(text)) == {"a": value}
