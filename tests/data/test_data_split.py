"""A row stays in its split, whatever is done to the others and to its answer."""

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import chat_row, lines_of
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.split import Splitter, complaints, rows_needed

questions = st.lists(st.text(min_size=1, max_size=8).filter(str.strip), max_size=12, unique=True)
seeds = st.integers(0, 5)


def assigned(rows, seed=0, group=None):
    """The split of each row, in file order."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "rows.jsonl")
        path.write_text(lines_of(rows), encoding="utf-8")
        spec = SplitSpec({"validation": 0.3, "test": 0.2}, seed, group)
        strip = ("group",) if group else ()
        dataset, problems = read(DataSpec(source="rows.jsonl", split=spec, strip=strip), Path(name))
        assert dataset is not None, problems
        return [mark.split for mark in dataset.marks]


@settings(max_examples=30, deadline=None)
@given(questions, questions, seeds)
def test_appending_and_prepending_never_moves_a_row(first, more, seed):
    old = [chat_row(q, "a") for q in ["start", *first]]
    new = [chat_row(q, "b") for q in more]
    before = assigned(old, seed)
    assert assigned([*old, *new], seed)[: len(old)] == before
    assert assigned([*new, *old], seed)[len(new) :] == before


@settings(max_examples=30, deadline=None)
@given(questions, st.text(min_size=1, max_size=20).filter(str.strip), seeds)
def test_editing_an_answer_never_moves_a_row(asked, other, seed):
    asked = ["start", *asked]
    before = assigned([chat_row(q, "a") for q in asked], seed)
    assert assigned([chat_row(q, other) for q in asked], seed) == before


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 99)), min_size=1, max_size=20), seeds)
def test_rows_of_a_group_stay_together(pairs, seed):
    rows = [chat_row(f"q{q}", "a", group=g) for g, q in pairs]
    splits = assigned(rows, seed, "group")
    of_group = {}
    for (group, _), split in zip(pairs, splits, strict=True):
        assert of_group.setdefault(group, split) == split


def test_a_group_is_the_same_as_a_number_and_as_a_text():
    for n in range(20):
        row = chat_row("q", "a", group=n)
        assert assigned([row], group="group") == assigned([{**row, "group": str(n)}], group="group")


def test_every_process_gives_the_same_splits():
    rows = [chat_row(f"pytanie {n} ż", "a") for n in range(60)]
    code = (
        "import sys, json; from tests.data.test_data_split import assigned;"
        "print(json.dumps(assigned(json.load(sys.stdin), 7)))"
    )
    import json

    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(rows),
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": hash_seed},
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert [json.loads(run) for run in runs] == [assigned(rows, 7)]


def test_the_splits_are_those_of_the_first_release():
    splits = assigned([chat_row(f"question {n}", "a") for n in range(24)], seed=7)
    letters = "".join({"train": ".", "validation": "v", "test": "t"}[split] for split in splits)
    assert letters == "v..t.v...vtv.ttt.v.vv.v."


def test_shares_come_out_near_the_fractions_and_the_seed_matters():
    rows = [chat_row(f"{n}", "a") for n in range(2000)]
    first, second = assigned(rows, 1), assigned(rows, 2)
    assert 520 < first.count("validation") < 680
    assert 330 < first.count("test") < 470
    assert first != second


@given(st.binary(min_size=32, max_size=32), st.floats(0.01, 0.4), st.floats(0.01, 0.4), seeds)
def test_enlarging_a_fraction_takes_rows_only_out_of_train(digest, small, more, seed):
    def split(validation):
        splitter = Splitter(SplitSpec({"validation": validation, "test": 0.1}, seed))
        return splitter.names[splitter.assign(digest)]

    before, after = split(small), split(small + more)
    assert before == after or (before, after) == ("train", "validation")


@pytest.mark.parametrize(
    "fractions",
    [
        {"validation": 0.0},
        {"validation": 1.0},
        {"validation": -0.1},
        {"validation": 0.6, "test": 0.4},
        {"train": 0.9, "validation": 0.2},
    ],
)
def test_impossible_fractions_are_refused_before_reading(fractions, read_rows, one, chat):
    assert one(read_rows([chat("a", "b")], split=SplitSpec(fractions))).code == "bad-dataset"


def test_train_may_be_stated_where_it_adds_up():
    assert complaints(SplitSpec({"train": 0.8, "validation": 0.1, "test": 0.1})) == []


def test_rows_needed_fill_the_split_in_99_of_100_cases():
    for fraction in (0.01, 0.1, 0.5):
        n = rows_needed(fraction)
        assert (1 - fraction) ** n <= 0.01 < (1 - fraction) ** (n - 1)
