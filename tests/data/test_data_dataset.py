"""A dataset gives its rows again, for as long as the files are what was read."""

import io
import json
import tracemalloc

import pytest

from tunectl.core.errors import ConfigError, Exit, Severity, StaleError
from tunectl.core.value import canonical
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.diff import marks_to_bytes
from tunectl.data.marks import RowMark, marks_from_bytes, marks_sha256


@pytest.fixture
def rows(chat):
    return [chat(f"Pytanie {n}?", f"Odpowiedź {n} 🐝", klient=n % 7) for n in range(60)]


def test_written_bytes_are_the_rows_without_what_is_stripped(rows, read_rows):
    spec = SplitSpec({"validation": 0.2}, seed=3, group="klient")
    dataset, problems = read_rows(rows, split=spec, strip=("klient",))
    assert problems == ()
    for split, summary in dataset.splits.items():
        stream = io.BytesIO()
        dataset.write(split, "chat", stream)
        lines = stream.getvalue().decode("utf-8").splitlines()
        assert len(lines) == summary.rows > 0
        assert "klient" not in stream.getvalue().decode()
        assert "🐝" in lines[0]
        assert [json.loads(line) for line in lines] == [
            json.loads(canonical(row)) for row in dataset.rows(split)
        ]


def test_what_was_written_has_the_fingerprint_of_the_split(rows, read_rows, read_content):
    spec = SplitSpec({"validation": 0.2}, seed=3)
    dataset, _ = read_rows(rows, split=spec, strip=("klient",))
    stream = io.BytesIO()
    dataset.write("validation", "chat", stream)
    again, _ = read_content(stream.getvalue(), "written.jsonl")
    assert again.splits["train"] == dataset.splits["validation"]


def test_the_splits_are_in_order_however_they_are_written(folder, chat, jsonl):
    for name in "abc":
        (folder / f"{name}.jsonl").write_text(jsonl([chat(name, name)]), encoding="utf-8")
    first = {"test": "c.jsonl", "train": "a.jsonl", "validation": "b.jsonl"}
    second = dict(sorted(first.items(), reverse=True))
    one, _ = read(DataSpec(splits=first), folder)
    two, _ = read(DataSpec(splits=second), folder)
    assert list(one.splits) == ["train", "validation", "test"]
    assert (one.splits, one.marks_sha256) == (two.splits, two.marks_sha256)
    assert [(m.split, m.file, m.line) for m in one.marks] == [
        ("train", "a.jsonl", 1),
        ("validation", "b.jsonl", 1),
        ("test", "c.jsonl", 1),
    ]


@pytest.mark.parametrize("edit", ["change", "append", "cut", "break", "remove"])
def test_files_that_changed_since_are_stale(edit, rows, read_rows, folder, jsonl, chat):
    dataset, _ = read_rows(rows, strip=("klient",))
    path = folder / "rows.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    lines = {
        "change": [*lines[:5], lines[5].replace("Odpowiedź", "odpowiedź"), *lines[6:]],
        "append": [*lines, jsonl([chat("x", "y")])],
        "cut": lines[:-1],
        "break": [*lines[:-1], "{oops\n"],
        "remove": [],
    }[edit]
    path.write_text("".join(lines), encoding="utf-8")
    if edit == "remove":
        path.unlink()
    with pytest.raises(StaleError) as caught:
        list(dataset.rows("train"))
    assert caught.value.exit is Exit.STALE
    assert "rows.jsonl" in str(caught.value)


def test_white_space_that_changed_since_does_not_matter(rows, read_rows, folder):
    dataset, _ = read_rows(rows, strip=("klient",))
    path = folder / "rows.jsonl"
    path.write_text("\n" + path.read_text(encoding="utf-8").replace('": ', '":'), encoding="utf-8")
    assert len(list(dataset.rows("train"))) == len(rows)


def test_an_unknown_split_and_an_unknown_format_are_errors(rows, read_rows):
    dataset, _ = read_rows(rows, strip=("klient",))
    with pytest.raises(KeyError, match="validation"):
        list(dataset.rows("validation"))
    with pytest.raises(ConfigError, match="unknown wire format `parquet`"):
        dataset.write("train", "parquet", io.BytesIO())


def test_rows_are_plain_values_that_the_core_takes(read_rows, chat):
    dataset, _ = read_rows([chat("a", "b")])
    [row] = dataset.rows("train")
    assert isinstance(row["messages"], tuple)


def test_the_limit_reads_only_the_first_rows_of_each_source(folder, chat, jsonl):
    for name in "ab":
        text = jsonl([chat(f"{name}{n}", "x") for n in range(9)]) + "{broken\n"
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    dataset, problems = read(DataSpec(source="*.jsonl", limit=4), folder)
    assert problems == ()
    assert [mark.line for mark in dataset.marks] == [1, 2, 3, 4]
    spec = DataSpec(splits={"train": "a.jsonl", "test": "b.jsonl"}, limit=4)
    dataset, problems = read(spec, folder)
    assert problems == ()
    assert [s.rows for s in dataset.splits.values()] == [4, 4]
    assert len(list(dataset.rows("test"))) == 4


def test_a_strip_that_no_row_has_is_a_warning_with_a_suggestion(rows, read_rows):
    _, problems = read_rows(rows, strip=("klient", "klienci"))
    [found] = [d for d in problems if d.code == "unused-strip"]
    assert found.severity is Severity.WARNING
    assert found.hint == "did you mean `klient`?"


def test_warnings_never_choose_the_exit_code(rows, read_rows):
    _, problems = read_rows([rows[0], rows[0]], strip=("klient", "x"))
    assert {d.exit for d in problems} == {Exit.DONE}


@pytest.mark.parametrize(
    "spec",
    [
        {"strip": ("messages",)},
        {"limit": 0},
        {"splits": {"train": "rows.jsonl"}},
        {"split": SplitSpec({"validation": 2.0})},
    ],
)
def test_a_declaration_that_cannot_be_meant_is_an_error(spec, rows, read_rows, one):
    found = one(read_rows(rows, **spec))
    assert (found.code, found.exit) == ("bad-dataset", Exit.ERROR)


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        ({"instruction": "Ile?", "output": "Trzy."}, "`instruction` and `output`"),
        ({"instruct": "Ile?", "output": "Trzy."}, "`instruct` and `output`"),
        ({"instruction": "Ile?", "response": "Trzy."}, "`instruction` and `response`"),
        (
            {"instruction": "Ile?", "instances": [{"input": "2+1", "output": "Trzy."}]},
            "`instruction` and nested `instances`",
        ),
    ],
)
def test_the_evidence_names_the_keys_that_are_there(row, evidence, read_rows):
    dataset, _ = read_rows([row])
    assert (dataset.shape, dataset.evidence) == ("alpaca", evidence)


def test_the_evidence_of_the_shape_is_kept(rows, read_rows):
    dataset, _ = read_rows(rows, strip=("klient",))
    assert (dataset.shape, dataset.evidence) == ("openai-chat", "`messages` with `role`")


def test_marks_behave_like_a_sequence_and_name_their_stored_form(rows, read_rows):
    dataset, _ = read_rows(rows, strip=("klient",))
    marks = dataset.marks
    assert (len(marks), marks[0], marks[-1]) == (60, next(iter(marks)), marks[59])
    assert marks[2:4] == (marks[2], marks[3])
    assert marks == tuple(marks)
    assert marks_to_bytes(marks) == marks_to_bytes(tuple(marks))
    assert dataset.marks_sha256 == marks_sha256(tuple(marks))


@pytest.mark.parametrize("content", [b"", b"other\n", b'tunectl-marks 1 ["train"]\n00 3\n'])
def test_foreign_marks_are_refused(content):
    with pytest.raises(ValueError, match="row mark"):
        marks_from_bytes(content)


def test_reading_holds_no_rows(folder, chat, jsonl):
    text = jsonl([chat(f"{n}", "długa odpowiedź " * 200) for n in range(4000)])
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")
    size = len(text.encode())
    read(DataSpec(source="rows.jsonl", limit=10), folder)
    tracemalloc.start()
    dataset, _ = read(DataSpec(source="rows.jsonl"), folder)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert dataset.splits["train"].rows == 4000
    assert most < size / 2
    assert isinstance(dataset.marks[0], RowMark)
