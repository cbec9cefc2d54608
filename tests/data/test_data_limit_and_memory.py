"""Starting small with `limit:`, and memory that does not grow with the rows."""

import subprocess
import sys

import pytest

from tests.data.conftest import chat_row, lines_of
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.syntax import read_syntax
from tunectl.data.targets import Level


def write(folder, name, count):
    rows = [chat_row(f"{name}: gdzie paczka {n}?", f"Paczka {n * 7}.") for n in range(count)]
    (folder / name).write_text(lines_of(rows), encoding="utf-8")


@pytest.fixture
def many(folder):
    for name, count in (("a1.jsonl", 4), ("a2.jsonl", 30), ("b.jsonl", 30)):
        write(folder, name, count)
    return folder


def rows_of(spec, folder):
    dataset, problems = read(spec, folder)
    assert dataset is not None, problems
    return dataset


def test_a_limit_counts_over_all_files_of_a_pattern(many):
    dataset = rows_of(DataSpec(source="a*.jsonl", limit=10), many)
    assert dataset.splits["train"].rows == 10
    assert [mark.file for mark in dataset.marks].count("a1.jsonl") == 4
    assert len(list(dataset.rows("train"))) == 10


def test_a_limit_holds_for_each_split_that_is_given_as_files(many):
    spec = DataSpec(splits={"train": "a*.jsonl", "validation": "b.jsonl"}, limit=7)
    dataset = rows_of(spec, many)
    assert {name: one.rows for name, one in dataset.splits.items()} == {
        "train": 7,
        "validation": 7,
    }
    assert [len(list(dataset.rows(name))) for name in dataset.splits] == [7, 7]
    assert dict(read_syntax(spec, many)[0].rows) == {"train": 7, "validation": 7}


def test_rows_that_were_read_with_a_limit_stay_in_their_split_without_it(many):
    shares = SplitSpec({"test": 0.4})
    small = rows_of(DataSpec(source="b.jsonl", split=shares, limit=15), many)
    whole = rows_of(DataSpec(source="b.jsonl", split=shares), many)
    assert len(small.marks) == 15
    assert list(small.marks) == list(whole.marks)[:15]


def test_a_limit_above_the_rows_changes_nothing(many):
    assert rows_of(DataSpec(source="b.jsonl", limit=99), many).marks == (
        rows_of(DataSpec(source="b.jsonl"), many).marks
    )


def test_what_is_broken_beyond_the_limit_is_not_read(many):
    with (many / "b.jsonl").open("a", encoding="utf-8") as file:
        file.write("{oops\n")
    assert rows_of(DataSpec(source="b.jsonl", limit=30), many).splits["train"].rows == 30
    assert read(DataSpec(source="b.jsonl"), many)[0] is None


ROW = (
    '{"messages": [{"role": "user", "content": "%d %s"}, '
    '{"role": "assistant", "content": "%s %d"}]}\n'
)
PEAK = """
import resource, sys
from pathlib import Path
from tunectl.data.dataset import DataSpec, SplitSpec, read
import numpy
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
spec = DataSpec(source=sys.argv[1], split=SplitSpec({"validation": 0.1}))
dataset, problems = read(spec, Path(sys.argv[2]))
assert dataset is not None, problems
assert len(dataset.marks) == 200_000
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.slow
def test_dividing_two_hundred_thousand_rows_takes_little_memory(folder):
    words = [f"słowo{n}" for n in range(997)]
    with (folder / "rows.jsonl").open("w", encoding="utf-8") as file:
        for n in range(200_000):
            said = " ".join([words[(n * (k + 3) + k * k + n // 997) % 997] for k in range(5)])
            file.write(ROW % (n, said, said[::-1], n))
    done = subprocess.run(
        [sys.executable, "-c", PEAK, "rows.jsonl", str(folder)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 300


def test_the_level_does_not_change_how_many_rows_a_limit_takes(many):
    for level in Level:
        dataset, _ = read(DataSpec(source="a*.jsonl", limit=9), many, level=level)
        assert dataset.splits["train"].rows == 9
