"""`dataset convert`: nothing lost in silence, nothing half written, never over an input."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run

TOOL = {"type": "function", "function": {"name": "znajdź", "parameters": {"type": "object"}}}


def chat(*, weight: int | None = None, **more: object) -> dict[str, object]:
    answer: dict[str, object] = {"role": "assistant", "content": "W drodze, будет завтра."}
    if weight is not None:
        answer["weight"] = weight
    messages = [
        {"role": "system", "content": "Odpowiadaj krótko."},
        {"role": "user", "content": "Gdzie jest paczka?"},
        answer,
    ]
    return {"messages": messages, **more}


@pytest.fixture
def rows(project: Path) -> Path:
    """Three rows, of which the last two hold what most formats cannot carry."""
    made = [chat(), chat(weight=0, customer_id=7), chat(tools=[TOOL], source="x", weight=0)]
    path = project / "rows.jsonl"
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in made), "utf-8")
    return path


@pytest.mark.parametrize(
    "to", ["openai-chat", "gemini", "bedrock", "bedrock-conversation", "sharegpt", "alpaca", "csv"]
)
def test_rows_on_standard_output(
    to: str, rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl("dataset", "convert", "rows.jsonl", "--limit", "1", "--to", to)
    assert result.code == 0
    assert result.out + "--- stderr\n" + result.err == snapshot


@pytest.mark.parametrize("to", ["gemini", "csv"])
def test_what_would_be_lost_is_counted_and_refused(
    to: str, rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl("dataset", "convert", "rows.jsonl", "--to", to, "-o", "out.x")
    assert (result.code, result.out) == (3, "")
    assert result.err == snapshot
    assert not Path("out.x").exists()


def test_what_may_be_lost_is_told_and_a_key_may_be_carried_along(
    rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    words = ("--allow-loss", "weight,keys", "--keep", "customer_id", "-o", "out.json")
    result = tunectl("dataset", "convert", "rows.jsonl", "--to", "gemini", *words)
    assert (result.code, result.out) == (0, "")
    assert result.err == snapshot
    made = json.loads(Path("out.json").read_text("utf-8"))
    assert [row.get("customer_id") for row in made] == [None, 7, None]
    assert [row.get("source") for row in made] == [None, None, None]


def test_there_and_back_through_files_of_every_kind(rows: Path, tunectl: Run) -> None:
    rows.write_text(json.dumps(chat()) + "\n", "utf-8")
    names = ["a.jsonl", "b.json", "c.csv", "d.tsv", "e.jsonl.gz", "f.jsonl.zst"]
    before = "rows.jsonl"
    for name, to in zip(
        names, ["sharegpt", "alpaca", "csv", "csv", "gemini", "openai-chat"], strict=True
    ):
        result = tunectl("dataset", "convert", before, "--to", to, "-o", name)
        assert result.code == 0, result.err
        before = name
    result = tunectl("dataset", "convert", before, "--to", "openai-chat")
    assert result.json == chat()


def test_the_same_rows_give_the_same_compressed_bytes(rows: Path, tunectl: Run) -> None:
    made = []
    for name in ("a.jsonl.gz", "b.jsonl.gz"):
        words = ("--to", "openai-chat", "--allow-loss", "keys", "-o", name)
        assert tunectl("dataset", "convert", "rows.jsonl", *words).code == 0
        made.append(Path(name).read_bytes())
    assert made[0] == made[1]
    assert gzip.decompress(made[0]).count(b"\n") == 3


def test_several_files_become_one(rows: Path, tunectl: Run) -> None:
    Path("more.csv").write_text("input,output\na,b\n", "utf-8")
    words = ("--columns", "input=input,output=output", "--to", "alpaca")
    result = tunectl("dataset", "convert", "more.csv", "more.csv", *words)
    assert result.code == 0
    assert [json.loads(line)["output"] for line in result.out.splitlines()] == ["b", "b"]


def test_preferences_go_to_gemini_and_lose_an_answer_as_chats(rows: Path, tunectl: Run) -> None:
    row = {"prompt": "Która?", "chosen": "Ta.", "rejected": "Tamta."}
    rows.write_text(json.dumps(row) + "\n", "utf-8")
    result = tunectl("dataset", "convert", "rows.jsonl", "--to", "gemini")
    assert [one["score"] for one in result.json["completions"]] == [1, 0]
    assert tunectl("dataset", "convert", "rows.jsonl", "--to", "openai-chat").code == 3
    words = ("--to", "openai-chat", "--allow-loss", "rejected")
    result = tunectl("dataset", "convert", "rows.jsonl", *words)
    assert [one["content"] for one in result.json["messages"]] == ["Która?", "Ta."]


BAD: dict[str, tuple[list[str], int]] = {
    "over-an-input": (["rows.jsonl", "--to", "sharegpt", "-o", "./rows.jsonl", "--force"], 1),
    "over-another-file": (["rows.jsonl", "--to", "sharegpt", "-o", "tunectl.yaml"], 1),
    "no-such-folder": (["rows.jsonl", "--to", "sharegpt", "-o", "nie/ma.jsonl"], 1),
    "into-a-folder": (["rows.jsonl", "--to", "sharegpt", "-o", "data"], 1),
    "unknown-format": (["rows.jsonl", "--to", "gemni"], 1),
    "unknown-loss": (["rows.jsonl", "--to", "gemini", "--allow-loss", "weights"], 1),
    "no-such-file": (["row.jsonl", "--to", "gemini"], 1),
    "no-form": (["rows.jsonl", "--to", "preference"], 1),
    "broken": (["broken.jsonl", "--to", "gemini"], 1),
    "mixed": (["mixed.jsonl", "--to", "gemini"], 1),
    "wrong-shape": (["rows.jsonl", "--from", "alpaca", "--limit", "1", "--to", "gemini"], 1),
    "cannot-be-written": (["unanswered.jsonl", "--to", "csv"], 1),
    "key-twice": (["contents.jsonl", "--to", "gemini", "--keep", "contents"], 1),
    "no-target": (["rows.jsonl"], 1),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_said_and_nothing_is_written(
    name: str, rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    before = rows.read_bytes()
    Path("broken.jsonl").write_text('{"messages": [}\n', "utf-8")
    Path("mixed.jsonl").write_text(
        json.dumps(chat()) + '\n{"prompt": "tajne", "completion": "x"}\n', "utf-8"
    )
    Path("unanswered.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "tajne"}]}\n', "utf-8"
    )
    Path("contents.jsonl").write_text(json.dumps(chat(contents="x")) + "\n", "utf-8")
    there = sorted(path.name for path in Path().iterdir())
    args, code = BAD[name]
    result = tunectl("dataset", "convert", *args)
    assert (result.code, result.out) == (code, "")
    assert result.err == snapshot
    assert "tajne" not in result.err
    assert rows.read_bytes() == before
    assert sorted(path.name for path in Path().iterdir()) == there


def test_a_column_that_is_named_for_nothing_is_kept_and_one_that_is_not_there_is_told(
    project: Path, tunectl: Run
) -> None:
    Path("q.csv").write_text("pytanie,odp,źródło\nGdzie?,Tu.,s1\n", "utf-8")
    words = ("--columns", "input=pytanie,output=odp", "--to", "openai-chat", "--keep")
    result = tunectl("dataset", "convert", "q.csv", *words, "źródło")
    assert result.json["źródło"] == "s1"
    assert [one["content"] for one in result.json["messages"]] == ["Gdzie?", "Tu."]
    result = tunectl("dataset", "convert", "q.csv", *words, "zródło", "-o", "out.jsonl")
    assert result.code == 1
    assert "`--keep zródło`" in result.err
    assert "did you mean `źródło`?" in result.err
    assert not Path("out.jsonl").exists()


UNREADABLE: dict[str, tuple[bytes, str]] = {
    "deep.jsonl": (b'{"messages":' + b"[" * 300 + b"]" * 300 + b"}\n", "nested too deep"),
    "huge.jsonl": (b'{"messages":' + b"9" * 5000 + b"}\n", "a number of too many digits"),
    "old.xls": (b"\xd0\xcf\x11\xe0\xa1\xb1" + bytes(80), "an old Excel or Word file"),
    "empty.jsonl": (b"", "is empty"),
    "indented.json": (b'{\n  "messages": []\n}\n', "over several lines"),
    "cut.jsonl.gz": (gzip.compress(bytes(range(256)))[:40], "cut off"),
}


@pytest.mark.parametrize("name", UNREADABLE)
@pytest.mark.parametrize(
    "words",
    [("check",), ("stats",), ("convert", "--to", "gemini"), ("fix",), ("split", "-o", "parts")],
)
def test_every_command_refuses_what_cannot_be_read_in_words(
    name: str, words: tuple[str, ...], project: Path, tunectl: Run
) -> None:
    content, what = UNREADABLE[name]
    Path(name).write_bytes(content)
    there = sorted(path.name for path in Path().iterdir())
    more = ("--test", "10%") if words[0] == "split" else ()
    result = tunectl("dataset", *words, name, *more)
    assert result.code == 1
    assert what in result.out + result.err
    assert "hint: " in result.out + result.err
    assert sorted(path.name for path in Path().iterdir()) == there


def test_fix_says_which_column_is_missing(project: Path, tunectl: Run) -> None:
    Path("one.csv").write_text("pytanie\na\n", "utf-8")
    result = tunectl("dataset", "fix", "one.csv", "--columns", "input=pytanie,output=odp")
    assert result.code == 1
    assert "there is no column `odp`" in result.out + result.err
