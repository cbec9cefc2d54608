"""The page about the rules is fresh, and what it says of unreadable files and the probe holds."""

from __future__ import annotations

import pytest

from tests.data import probe, rule_table, unreadable
from tests.data.planting import as_bytes
from tunectl.core.errors import Exit
from tunectl.data.dataset import DataSpec, read


def test_the_page_says_what_the_rules_say():
    written = rule_table.PAGE.read_text(encoding="utf-8").partition(rule_table.MEASURED)[0]
    assert written.strip() == rule_table.static_part().strip(), (
        "run `python -m tests.data.rule_table`"
    )


def test_every_rule_stands_in_the_page_once():
    text = rule_table.static_part()
    for name in rule_table.RULES:
        assert text.count(f"\n| `{name}` |") == 1


@pytest.mark.parametrize("case", unreadable.CASES, ids=lambda case: f"{case.code}: {case.what}")
def test_what_cannot_be_read_says_where_and_what_to_do(case, tmp_path):
    (tmp_path / case.name).write_bytes(case.broken)
    dataset, [found] = read(DataSpec(source=case.name), tmp_path)
    assert dataset is None
    assert (found.code, found.exit) == (case.code, Exit.ERROR)
    assert (found.source.line if found.source else 0) == case.line
    assert found.hint or found.code == "empty-file"
    (tmp_path / case.name).write_bytes(case.twin)
    dataset, problems = read(DataSpec(source=case.name), tmp_path)
    assert dataset is not None
    assert problems == ()


def test_line_ends_inside_of_texts_make_no_rows(tmp_path):
    (tmp_path / "a.jsonl").write_bytes(unreadable.LINE_ENDS)
    dataset, problems = read(DataSpec(source="a.jsonl"), tmp_path)
    assert {d.code for d in problems} == {"hidden-character"}  # U+0085 is one
    assert dataset.splits["train"].rows == len(unreadable.ENDS)


def told(rows, folder):
    (folder / "probe.jsonl").write_bytes(as_bytes(rows))
    return read(DataSpec(source="probe.jsonl"), folder, targets=(probe.TARGET,))[1]


def test_of_six_defects_in_one_file_six_are_found_and_nothing_else(tmp_path):
    found = told(probe.rows(), tmp_path)
    places = {f"probe.jsonl:{line}": code for line, _, code, _ in probe.DEFECTS}
    *_, mixed = probe.DEFECTS
    [of_shapes] = [d for d in found if d.code == mixed[2]]
    assert f"probe.jsonl:{mixed[0]}" in of_shapes.detail
    others = {f"{d.source.file}:{d.source.line}": d.code for d in found if d is not of_shapes}
    assert len(found) == len(probe.DEFECTS) == 6
    assert {**others, f"probe.jsonl:{mixed[0]}": mixed[2]} == places


def test_the_same_file_without_its_defects_breaks_no_rule(tmp_path):
    assert told(probe.rows(*(code for _, _, code, _ in probe.DEFECTS)), tmp_path) == ()


def test_what_all_rows_say_together_is_not_told_while_some_cannot_be_read(tmp_path):
    rows = [{"role": "user", "content": "a"}, *probe.rows("mixed-shapes")[:5]]
    assert {d.code for d in told(rows, tmp_path)} >= {"mixed-shapes", "message-order"}
    assert not {"row-count", "few-rows"} & {d.code for d in told(rows, tmp_path)}
