"""Near-duplicates share a split, and no row that was there ever moves."""

import random
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import chat_row, lines_of
from tunectl.core.errors import Severity
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.targets import Level

VOCABULARY = [f"słowo{n}" for n in range(400)]
SHARES = {"validation": 0.3, "test": 0.3}


def question(topic, edits=()):
    words = random.Random(topic).sample(VOCABULARY, 24)
    for place in edits:
        words[place] = f"inne{place}"
    return " ".join(words)


# A question is one of six topics with up to two of its words changed: all of a topic are alike.
questions = st.builds(
    question, st.integers(0, 5), st.lists(st.sampled_from([3, 17]), max_size=2, unique=True)
)
many = st.lists(questions, max_size=12)


def read_all(rows, seed=0, level=Level.DEFAULT, **more):
    with tempfile.TemporaryDirectory() as name:
        Path(name, "rows.jsonl").write_text(lines_of(rows), encoding="utf-8")
        group = more.pop("group", None)
        spec = DataSpec(
            source="rows.jsonl",
            split=SplitSpec(SHARES, seed, group),
            strip=("customer",) if group else (),
            allow={"empty-split": "few rows"},
        )
        dataset, problems = read(spec, Path(name), level=level)
        assert dataset is not None, problems
        return [mark.split for mark in dataset.marks], problems


def rows_of(asked, answer="a"):
    return [chat_row(text, f"{answer} {n}") for n, text in enumerate(asked)]


@settings(max_examples=40, deadline=None)
@given(many, many, st.integers(0, 3))
def test_appending_any_rows_moves_no_row(old, new, seed):
    before, _ = read_all(rows_of(["początek", *old]), seed)
    after, _ = read_all(rows_of(["początek", *old, *new]), seed)
    assert after[: len(before)] == before


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=12),
    st.integers(0, 3),
)
def test_rows_that_are_nearly_the_same_share_a_split(made, seed):
    asked = [question(topic, (3,) if edited else ()) for topic, edited in made]
    splits, problems = read_all(rows_of(asked), seed)
    of_topic = {}
    for (topic, _), split in zip(made, splits, strict=True):
        assert of_topic.setdefault(topic, split) == split
    assert not [d for d in problems if d.code in ("near-overlap", "split-overlap")]


@settings(max_examples=20, deadline=None)
@given(many, st.integers(0, 3))
def test_the_split_does_not_depend_on_what_is_looked_at_nor_on_the_answers(asked, seed):
    rows = rows_of(["początek", *asked])
    splits, _ = read_all(rows, seed)
    for level in (Level.SYNTAX, Level.ALL):
        assert read_all(rows, seed, level)[0] == splits
    assert read_all(rows_of(["początek", *asked], "zupełnie inna odpowiedź"), seed)[0] == splits


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.tuples(questions, st.integers(0, 3)), min_size=1, max_size=14), st.integers(0, 3)
)
def test_groups_stay_whole_and_follow_the_first_of_their_rows(made, seed):
    rows = [chat_row(text, f"{n}", customer=c) for n, (text, c) in enumerate(made)]
    splits, _ = read_all(rows, seed, group="customer")
    of_customer = {}
    for (_, customer), split in zip(made, splits, strict=True):
        assert of_customer.setdefault(customer, split) == split
    half = len(rows) // 2 + 1
    assert read_all(rows[:half], seed, group="customer")[0] == splits[:half]


def test_a_new_group_that_asks_nearly_the_same_joins_the_old_one():
    for seed in range(6):
        rows = [
            chat_row(question(1), "a", customer=1),
            chat_row(question(1, (3,)), "b", customer=2),
            chat_row(question(2), "c", customer=2),
        ]
        splits, _ = read_all(rows, seed, group="customer")
        assert len(set(splits)) == 1


def test_rows_without_near_duplicates_lie_where_their_hash_says():
    rows = rows_of(question(topic) for topic in range(40))
    near = [*rows, *rows_of([question(7, (3,))])]
    splits, _ = read_all(rows, 5)
    assert set(splits) == {"train", "validation", "test"}
    assert read_all(near, 5)[0] == [*splits, splits[7]]


def test_a_row_between_two_that_lie_apart_goes_with_the_earlier_and_is_told():
    words = [f"w{n}" for n in range(30)]
    first, second, both = " ".join(words[:21]), " ".join(words[9:]), " ".join(words)
    for seed in range(40):
        apart, _ = read_all(rows_of([first, second]), seed)
        if apart[0] != apart[1]:
            break
    splits, problems = read_all(rows_of([first, second, both]), seed)
    assert splits == [*apart, apart[0]]
    [told] = [d for d in problems if d.code == "near-overlap"]
    assert (told.source.line, told.severity) == (3, Severity.WARNING)
    assert "rows.jsonl:2" in told.summary


def test_many_rows_are_split_in_batches_as_if_they_came_at_once(monkeypatch):
    from tunectl.data import alike

    rows = rows_of(question(n % 90, (n % 24,)) for n in range(400))
    whole, _ = read_all(rows, 3)
    monkeypatch.setattr(alike, "BATCH", 2_000)
    assert read_all(rows, 3)[0] == whole
