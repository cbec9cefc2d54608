"""Groups across the files of splits: told without a word on whose rows they are, changing none."""

from __future__ import annotations

import json

import pytest

from tests.data.conftest import chat_row, lines_of
from tunectl.core.errors import Exit
from tunectl.data.checks import duplicates, splits
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.targets import Level

FILES = {"train": "train.jsonl", "validation": "validation.jsonl", "test": "test.jsonl"}
GROUPED = SplitSpec({}, group="klient")


def rows(*groups, first=0):
    made = [chat_row(f"Pytanie {first + n}?", "Tak.") for n in range(len(groups))]
    return [
        {**row, **({} if group is None else {"klient": group})}
        for row, group in zip(made, groups, strict=True)
    ]


@pytest.fixture
def reading(tmp_path):
    def run(split=GROUPED, level=Level.DEFAULT, limit=None, **contents):
        for name, content in contents.items():
            (tmp_path / FILES[name]).write_text(lines_of(content), encoding="utf-8")
        spec = DataSpec(
            splits={name: FILES[name] for name in contents},
            split=split,
            strip=("klient",),
            limit=limit,
        )
        return read(spec, tmp_path, level=level)

    return run


def leaks(found):
    return [
        (d.source.file, d.source.line, d.summary)
        for d in found
        if d.code == "group-leak" and d.source.line
    ]


def test_a_group_in_two_files_is_told_once_a_file_with_how_many_rows(reading):
    _, found = reading(
        train=rows("jan.kowalski", "b", "jan.kowalski"),
        validation=rows("jan.kowalski", "c", first=10),
        test=rows("d", "jan.kowalski", "jan.kowalski", "c", first=20),
    )
    assert leaks(found) == [
        (
            "validation.jsonl",
            1,
            "a row of `validation` and train.jsonl:1 of `train` have the same `klient`",
        ),
        ("test.jsonl", 2, "2 rows of `test` and train.jsonl:1 of `train` have the same `klient`"),
        (
            "test.jsonl",
            4,
            "a row of `test` and validation.jsonl:2 of `validation` have the same `klient`",
        ),
    ]
    assert all(d.exit is Exit.REFUSED for d in found)
    assert "kowalski" not in str(found)


def test_a_group_is_one_as_a_number_and_as_a_text(reading):
    _, found = reading(train=rows(7, "8"), test=rows("7", 9, first=10))
    assert [line for _, line, _ in leaks(found)] == [1]


def test_rows_without_a_group_leak_nothing_and_are_told_as_such(reading):
    _, found = reading(train=rows(None, "a", ""), test=rows(None, "b", first=10))
    assert [d.code for d in found if d.source.line] == ["missing-group"] * 3


def test_many_rows_are_compared_by_the_same_rule(reading, monkeypatch):
    contents = {
        "train": rows(*[f"k{n % 40}" for n in range(90)], None),
        "test": rows(*[f"k{n}" for n in range(38, 60)], None, first=200),
    }
    _, few = reading(**contents)
    monkeypatch.setattr(splits, "MANY", 10)
    monkeypatch.setattr(duplicates, "MANY", 10)
    _, many = reading(**contents)
    assert leaks(many) == leaks(few)
    assert [line for _, line, _ in leaks(many)] == [1, 2]


def test_naming_a_group_changes_no_fingerprint_and_no_mark(reading):
    contents = {"train": rows("a", "b"), "test": rows("b", None, first=10)}
    grouped, _ = reading(**contents)
    plain, _ = reading(split=None, **contents)
    assert grouped.splits == plain.splits
    assert grouped.marks_sha256 == plain.marks_sha256


def test_only_the_rows_that_are_used_leak(reading):
    _, found = reading(train=rows("a", "b"), test=rows("c", "b", first=10), limit=1)
    assert leaks(found) == []


def test_the_syntax_alone_says_nothing_of_leaks(reading):
    dataset, found = reading(train=rows("a"), test=rows("a", first=10), level=Level.SYNTAX)
    assert dataset is not None
    assert found == ()


def test_shares_beside_files_are_refused(reading):
    dataset, found = reading(split=SplitSpec({"test": 0.1}, group="klient"), train=rows("a"))
    assert dataset is None
    assert [d.code for d in found] == ["bad-dataset"]


def test_the_project_takes_a_group_beside_the_files(tmp_path, monkeypatch):
    from click.testing import CliRunner

    from tunectl.cli.main import cli

    (tmp_path / "a.jsonl").write_text(lines_of(rows("x", "y")), encoding="utf-8")
    (tmp_path / "c.jsonl").write_text(lines_of(rows("z", "y", first=9)), encoding="utf-8")
    (tmp_path / "tunectl.yaml").write_text(
        "project: x\ndataset:\n  a:\n    splits: {train: a.jsonl, test: c.jsonl}\n"
        "    split: {group: klient}\n    strip: [klient]\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli, ["dataset", "check", "--format", "json"])
    told = json.loads(done.stdout)
    assert "group-leak" in json.dumps(told)
    assert "c.jsonl" in json.dumps(told)
