"""`dataset fix`: a new file, every edit listed, and what is left named."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.cli.conftest import Run, row

NFD = "Z\u0301le dzia\u0142a, przes\u0142ano"


def messy() -> bytes:
    lines = [
        row(1) + ",",
        "",
        json.dumps({"system": "Bądź miły", **json.loads(row(2))}, ensure_ascii=False),
        row(1),
        row(3, NFD),
        row(4).replace("}]}", "},]}"),
    ]
    return "\r\n".join(lines).encode("utf-8-sig") + b"\r\n"


@pytest.fixture
def rows(project: Path) -> Path:
    path = project / "rows.jsonl"
    path.write_bytes(messy())
    return path


def test_every_edit_is_listed_and_the_input_stays(
    rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    result = tunectl("dataset", "fix", "rows.jsonl")
    assert result.out == snapshot
    assert (result.code, result.err) == (0, "")
    assert rows.read_bytes() == messy()
    made = [json.loads(line) for line in Path("rows.fixed.jsonl").read_bytes().splitlines()]
    assert [one["messages"][0]["role"] for one in made] == ["user", "system", "user", "user"]
    assert made[2]["messages"][-1]["content"] == "Źle działa, przesłano"
    again = tunectl("dataset", "fix", "rows.fixed.jsonl")
    assert (again.code, again.out) == (0, "rows.fixed.jsonl: nothing to repair\n")
    assert not Path("rows.fixed.fixed.jsonl").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(rows: Path, tunectl: Run) -> None:
    dry = tunectl("dataset", "fix", "rows.jsonl", "--dry-run")
    assert dry.code == 0
    assert dry.out.splitlines()[-1].endswith("would be written to rows.fixed.jsonl")
    assert not Path("rows.fixed.jsonl").exists()
    real = tunectl("dataset", "fix", "rows.jsonl")
    edits = [
        line for line in dry.out.splitlines() if line.startswith("rows.jsonl:") and ": " in line
    ]
    assert edits[:-1] == real.out.splitlines()[: len(edits) - 1]


def test_a_machine_reads_every_edit(rows: Path, tunectl: Run, snapshot: SnapshotAssertion) -> None:
    result = tunectl("dataset", "fix", "rows.jsonl", "--json")
    lines = [json.loads(line) for line in result.out.splitlines()]
    assert [line["type"] for line in lines] == ["edit"] * (len(lines) - 1) + ["fixed"]
    assert sum(line["times"] for line in lines[:-1]) == sum(lines[-1]["edits"].values())
    assert lines[-1] == snapshot


def test_people_see_the_first_of_many_edits(rows: Path, tunectl: Run) -> None:
    rows.write_text("".join(row(n) + ",\n" for n in range(25)), "utf-8")
    out = tunectl("dataset", "fix", "rows.jsonl", "--dry-run").out.splitlines()
    assert out[9].startswith("rows.jsonl:10: trailing-comma")
    assert out[10] == "and 15 more edits of `trailing-comma`"
    assert len(out) == 12


def test_rows_go_to_standard_output_and_the_edits_beside(
    rows: Path, tunectl: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(messy())))
    result = tunectl("dataset", "fix", "-", "-o", "-")
    assert [json.loads(line)["messages"][-1]["content"] for line in result.out.splitlines()]
    assert "<stdin>:4: duplicate-row" in result.err
    assert result.code == 0


def test_several_files_are_merged_and_their_common_rows_left_once(rows: Path, tunectl: Run) -> None:
    Path("other.jsonl").write_text(row(1) + "\n" + row(9) + "\n", "utf-8")
    result = tunectl("dataset", "fix", "rows.jsonl", "other.jsonl", "-o", "all.jsonl")
    assert result.code == 0
    assert "other.jsonl:1: duplicate-row: the row of rows.jsonl:1 again: removed" in result.out
    assert len(Path("all.jsonl").read_bytes().splitlines()) == 5


def test_a_row_that_cannot_be_repaired_stops_it_or_is_left_out(
    rows: Path, tunectl: Run, snapshot: SnapshotAssertion
) -> None:
    rows.write_bytes(messy() + b'{"messages": [NaN]}\n')
    result = tunectl("dataset", "fix", "rows.jsonl")
    assert result.code == 1
    assert result.out == snapshot
    assert not Path("rows.fixed.jsonl").exists()
    dropped = tunectl("dataset", "fix", "rows.jsonl", "--drop")
    assert dropped.code == 0
    assert "4 rows of 6 written to rows.fixed.jsonl" in dropped.out


def test_a_rule_the_new_file_breaks_is_named(rows: Path, tunectl: Run) -> None:
    broken = json.loads(row(5))
    broken["messages"][0]["role"] = "robot"
    rows.write_text(f"{row(1)},\n{json.dumps(broken)}\n", "utf-8")
    result = tunectl("dataset", "fix", "rows.jsonl")
    assert result.code == 3
    assert "unknown role `robot`" in result.out
    assert "rows.fixed.jsonl:2" in result.out


def test_check_repairs_first_and_then_checks_what_it_wrote(rows: Path, tunectl: Run) -> None:
    assert tunectl("dataset", "check", "rows.jsonl").code == 1
    result = tunectl("dataset", "check", "rows.jsonl", "--fix", "--format", "json")
    assert result.code == 0
    assert "rows.jsonl:4: duplicate-row" in result.err
    [report] = result.json["datasets"]
    assert (report["name"], report["rows"]) == ("rows.fixed.jsonl", 4)
    rows.write_bytes(messy() + b'{"messages": [NaN]}\n')
    result = tunectl("dataset", "check", "rows.jsonl", "--fix")
    assert result.code == 1
    assert "`NaN` is not JSON" in result.out
    assert tunectl("dataset", "check", "--fix").code == 1


BAD: dict[str, tuple[list[str], int]] = {
    "no-such-file": (["nie-ma.jsonl"], 1),
    "over-the-input": (["rows.jsonl", "-o", "rows.jsonl", "--force"], 1),
    "there-already": (["rows.jsonl", "-o", "tunectl.yaml"], 1),
    "no-such-folder": (["rows.jsonl", "-o", "nie/ma.jsonl"], 1),
    "unknown-encoding": (["rows.jsonl", "--encoding", "cp99999"], 1),
    "unknown-shape": (["rows.jsonl", "--from", "sharegtp"], 1),
    "uncertain-encoding": (["little.jsonl"], 1),
    "not-that-encoding": (["little.jsonl", "--encoding", "cp1253"], 1),
    "standard-input-without-output": (["-"], 1),
    "not-text": (["sheet.jsonl"], 1),
    "empty": (["empty.jsonl"], 1),
    "bad-columns": (["rows.jsonl", "--columns", "input"], 1),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_said_and_nothing_is_written(
    name: str,
    rows: Path,
    tunectl: Run,
    snapshot: SnapshotAssertion,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(messy())))
    Path("little.jsonl").write_bytes(
        row(1).replace("Tak.", "tajne @").encode("cp1250").replace(b"@", b"\xd2")
    )
    Path("sheet.jsonl").write_bytes(b"PK\x03\x04")
    Path("empty.jsonl").write_bytes(b"")
    there = sorted(path.name for path in Path().iterdir())
    args, code = BAD[name]
    result = tunectl("dataset", "fix", *args)
    assert result.code == code
    assert result.out + result.err == snapshot
    assert "tajne" not in result.out + result.err
    assert sorted(path.name for path in Path().iterdir()) == there
