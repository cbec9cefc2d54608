"""What cannot be read is said at its place, all at once, and without the text of the rows."""

import os
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.dataset import DataSpec, read
from tunectl.data.targets import Target

GOOD = '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n'


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ('{"messages": [}\n', "broken-json", 15),
        ('{"input_text": "a", "output_text": "b",}\n', "broken-json", 40),
        ("{'input_text': 'a'}\n", "broken-json", 2),
        ('{"input_text": "a" "output_text": "b"}\n', "broken-json", 20),
        ('{"input_text": "a"} {"input_text": "b"}\n', "broken-json", 21),
        ('{"input_text": "a"},\n', "broken-json", 20),
        ('{"input_text": "zażółć\n', "broken-json", 16),
        ('{"input_text": "a\tb"}\n', "broken-json", 18),
        ('{"input_text": "ż", "score": NaN}\n', "not-a-number", 30),
        ('{"score": -Infinity}\n', "not-a-number", 11),
        ('{"note": "NaN", "score": NaN}\n', "not-a-number", 26),
        ('{"input_text": "a\x00b"}\n', "nul-byte", 18),
        ('{"input_text": "\\ud800"}\n', "broken-json", None),
        ("[1, 2]\n", "not-an-object", 1),
        ('"tekst"\n', "not-an-object", 1),
        ("7\n", "not-an-object", 1),
        ("null\n", "not-an-object", 1),
        ('{"messages": [], "messages": []}\n', "duplicate-key", 18),
        ('{"messages": [{"role": "a:"}, {"role": ":", "k": 2, "k": 3}]}\n', "duplicate-key", 53),
        ('{"messages" :[], "messages":[], "b\\u003a": ":"}\n', "duplicate-key", 18),
    ],
)
def test_one_broken_line_in_the_middle_is_told_with_its_column(
    line, code, column, read_content, one
):
    outcome = read_content(GOOD + line + GOOD.replace('"a"', '"c"'))
    found = one(outcome)
    assert outcome[0] is None
    assert (found.code, found.exit, found.severity) == (code, Exit.ERROR, Severity.ERROR)
    assert (found.source.file, found.source.line) == ("rows.jsonl", 2)
    if column is not None:
        assert found.source.column == column


def test_equal_keys_in_different_objects_are_fine(read_content):
    dataset, problems = read_content('{"input_text": "\\u003a:", "output_text": "{\\"a\\":1}"}\n')
    assert problems == ()
    assert dataset is not None


def test_twenty_broken_lines_are_shown_and_the_others_counted(read_content):
    _, problems = read_content(GOOD + "{oops\n" * 57)
    assert [d.source.line for d in problems[:20]] == list(range(2, 22))
    assert len(problems) == 21
    assert problems[20].summary == "and 37 more lines that cannot be read"
    assert str(problems[20].source) == "rows.jsonl:58"


def test_a_file_that_is_not_utf8_is_told_of_once(read_content):
    content = (GOOD + "{oops\n").encode("utf-8") + GOOD.replace("a", "ż").encode("cp1250") * 30
    _, problems = read_content(content)
    assert [(d.code, d.source.line) for d in problems] == [
        ("broken-json", 2),
        ("not-utf8", 3),
        ("not-utf8", 32),
    ]
    assert problems[2].summary == "and 29 more lines that cannot be read"


def test_an_unclosed_quote_in_csv_is_shown_where_its_row_begins(read_content, one):
    found = one(read_content('prompt,completion\na,b\n"c,d\ne,f\n', "rows.csv"))
    assert (found.summary, found.source.line) == ("a quote is not closed", 3)
    assert found.hint


def test_a_path_with_backslashes_is_explained(folder, one):
    found = one(read(DataSpec(source="data\\rows.jsonl"), folder))
    assert found.hint == "write paths with `/`, also on Windows: `data/rows.jsonl`"


def test_all_files_are_read_before_the_problems_are_told(folder):
    (folder / "a.jsonl").write_text("{oops\n", encoding="utf-8")
    (folder / "b.jsonl").write_text("", encoding="utf-8")
    spec = DataSpec(splits={"train": "a.jsonl", "validation": "b.jsonl", "test": "c.jsonl"})
    dataset, problems = read(spec, folder)
    assert dataset is None
    assert {d.code for d in problems} == {"broken-json", "empty-file", "no-such-file"}


def test_rules_broken_beside_broken_lines_do_not_change_the_exit_code(read_content):
    _, problems = read_content('{"input_text": "a", "output_text": ""}\n{oops\n')
    assert {d.code for d in problems} == {"empty-content", "broken-json"}
    assert {d.exit for d in problems} == {Exit.ERROR}


def test_an_excerpt_masks_the_text_of_the_row_and_fits_under_the_caret(read_content, one):
    line = '{"input_text": "Jan Kowalski, PESEL 44051401458", "output_text": "tak" "x": 1}'
    found = one(read_content(line + "\n"))
    assert found.source.column == 72
    assert found.source.text == ""
    assert "Kowalski" not in found.detail
    assert "44051401458" not in found.detail
    assert '"output_text": "•••" "x": •' in found.detail
    short = one(read_content('{"input_text": "Jan" "x"}\n'))
    assert short.source.text == '{"input_text": "•••" "•"}'
    assert short.source.text[short.source.column - 1] == '"'


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Zażółć gęślą jaźń, proszę źle"),
        ("cp1251", "Спасибо за обращение, посылка уже в пути"),
        ("koi8_r", "Спасибо за обращение, посылка уже в пути"),
        ("iso8859_2", "Źle śpię, ąśźź"),
    ],
)
def test_legacy_encodings_are_guessed_in_the_hint(encoding, text, read_content, one):
    line = f'{{"input_text": "{text}", "output_text": "b"}}\n'
    found = one(read_content(GOOD.encode() + line.encode(encoding)))
    assert found.code == "not-utf8"
    first = next(i for i, c in enumerate(line) if ord(c) > 127)
    assert (found.source.line, found.source.column) == (2, first + 1)
    assert f"iconv -f {encoding} " in found.hint


def test_a_byte_that_is_no_text_at_all_gets_no_guess(read_content, one):
    found = one(read_content(b'{"input_text": "\xff\x80\x81\x8d\x90"}\n'))
    assert found.hint == "save the file as UTF-8"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_utf_16_is_named(encoding, read_content, one):
    found = one(read_content(GOOD.encode(encoding)))
    assert found.code == "not-utf8"
    assert encoding[:6].upper() in found.summary


def test_a_byte_order_mark_is_told_of_and_the_rows_are_read(read_content, one):
    plain, _ = read_content(GOOD)
    dataset, [found] = read_content("﻿" + GOOD)
    assert (found.code, found.severity) == ("byte-order-mark", Severity.WARNING)
    assert str(found.source) == "rows.jsonl:1:1"
    assert dataset.splits == plain.splits
    for name, content in (
        ("a.json", "[" + GOOD.strip() + "]"),
        ("a.csv", "prompt,completion\na,b"),
    ):
        _, problems = read_content("﻿" + content, name)
        assert [d.code for d in problems] == ["byte-order-mark"] * name.endswith("json")


def test_a_byte_order_mark_is_right_for_one_provider_and_wrong_for_another(folder):
    content = {"with": "﻿" + GOOD, "without": GOOD}
    found = {}
    for name, text in content.items():
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
        for provider in ("openai", "azure"):
            spec = DataSpec(source=f"{name}.jsonl")
            _, problems = read(spec, folder, targets=(Target(provider),))
            [*found[name, provider]] = (d.severity for d in problems if d.code == "byte-order-mark")
    assert found == {
        ("with", "openai"): [Severity.WARNING],
        ("with", "azure"): [],
        ("without", "openai"): [],
        ("without", "azure"): [Severity.INFO],
    }


def test_blank_lines_are_counted_and_change_nothing(read_content, one):
    plain, _ = read_content(GOOD)
    dataset, [found] = read_content("\n" + GOOD + " \r\n\n")
    assert (found.code, found.severity) == ("blank-line", Severity.INFO)
    assert found.summary == "3 blank lines, first at line 1"
    assert dataset.splits == plain.splits


def test_a_byte_order_mark_inside_a_file_is_told_at_its_line(read_content, one):
    found = one(read_content(GOOD + "﻿" + GOOD))
    assert (found.code, found.source.line) == ("byte-order-mark", 2)
    assert "joined" in found.hint


@pytest.mark.parametrize("content", ["", "\n \r\n", "[]", "[ ]\n"])
def test_nothing_is_not_a_dataset(content, read_content, one):
    assert one(read_content(content)).code == "empty-file"


def test_a_csv_of_only_a_header_is_empty(read_content, one):
    assert one(read_content("input_text,output_text\n", "rows.csv")).code == "empty-file"


def test_a_git_lfs_pointer_is_named(read_content, one):
    found = one(
        read_content(
            "version https://git-lfs.github.com/spec/v1\n"
            "oid sha256:30254816114cbe202d73e829f3d06afb93343812268ea40628af11bb1cb56a33\n"
            "size 1051313\n"
        )
    )
    assert found.code == "lfs-pointer"
    assert "git lfs pull" in found.hint


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"PK\x03\x04rest", "Excel"),
        (b"PAR1rest", "Parquet"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"just some prose\nwithout rows\n", "neither"),
    ],
)
def test_foreign_content_is_named(content, what, read_content, one):
    found = one(read_content(content, "rows.dat"))
    assert found.code == "unknown-content"
    assert what in found.summary


def test_a_torn_gzip_file_is_an_error(read_content, one):
    import gzip

    packed = gzip.compress((GOOD * 1000).encode())
    assert one(read_content(packed[: len(packed) // 2], "rows.jsonl.gz")).code == "unreadable"


@contextmanager
def without_rights() -> Iterator[None]:
    """Root may read everything: be somebody else for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("locked", ["rows.jsonl", "."])
def test_a_file_that_may_not_be_read_is_an_error(locked, one):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "rows.jsonl").write_text(GOOD, encoding="utf-8")
        folder.chmod(0o755)
        (folder / locked).chmod(0)
        with without_rights():
            found = one(read(DataSpec(source="rows.jsonl"), folder))
        folder.chmod(0o755)
    assert (found.code, found.exit) == ("unreadable", Exit.ERROR)
    assert "permission denied" in found.summary


@pytest.mark.parametrize(
    ("text", "line", "summary"),
    [
        ('[{"input_text": "a", "output_text": "b"},\n]', 2, "a comma too many"),
        ('[\n{"input_text": "a", "output_text": "b"}\n', 2, "the file ends inside the array"),
        ('[\n{"a": "b}]\n', 2, "the file ends inside the array"),
        ('[\n{"input_text": "a", "output_text": "b"}\n] x', 3, "more text after the array"),
        ('[\n{"input_text": "a",\n "output_text" "b"}\n]', 3, "a colon is missing here"),
        ('[\n{"input_text": "a", "output_text": "b"},\n7]', 3, "a row is a number, not an object"),
    ],
)
def test_a_broken_array_is_told_with_its_line(text, line, summary, read_content, one):
    found = one(read_content(text, "rows.json"))
    assert (found.summary, found.source.line) == (summary, line)


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ('{\n  "messages": []\n}\n', "one JSON object", "jq -c . rows.jsonl"),
        ('{\n  "messages": []\n}\n{\n  "messages": []\n}\n', "JSON objects", "jq -c ."),
        ('{\n  "data": [\n    {"a": 1}\n  ]\n}\n', "one JSON object", "jq -c '.data[]'"),
    ],
)
def test_indented_json_is_told_once_with_what_to_do(text, what, hint, read_content, one):
    found = one(read_content(text))
    assert f"holds {what} over several lines" in found.summary
    assert hint in found.hint


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("input_text,output_text\na,b\nc,d,e\n", "csv-columns", 3),
        ("input_text,input_text\na,b\n", "csv-header", 1),
        ("input_text,\na,b\n", "csv-header", 1),
        ('input_text,output_text\n"a"x,b\n', "broken-csv", 2),
        ("input_text,output_text\na,\x00\n", "nul-byte", 2),
    ],
)
def test_broken_csv_is_told_with_its_line(text, code, line, read_content, one):
    found = one(read_content(text, "rows.csv"))
    assert (found.code, found.source.line) == (code, line)


def test_csv_in_another_encoding_is_told_with_its_line(read_content, one):
    text = "input_text,output_text\na,b\nZażółć,gęślą jaźń\n"
    found = one(read_content(text.encode("cp1250"), "rows.csv"))
    assert (found.code, str(found.source)) == ("not-utf8", "rows.csv:3:3")
    assert "cp1250" in found.hint


def test_a_missing_file_gets_a_suggestion(folder, one):
    (folder / "data").mkdir()
    (folder / "data" / "wsparcie-ż.jsonl").write_text(GOOD, encoding="utf-8")
    found = one(read(DataSpec(source="data/wsparcei-ż.jsonl"), folder))
    assert found.code == "no-such-file"
    assert found.hint == "did you mean `data/wsparcie-ż.jsonl`?"
    found = one(read(DataSpec(source="dta/wsparcie-ż.jsonl"), folder))
    assert found.hint == "did you mean `data/wsparcie-ż.jsonl`?"


def test_a_glob_that_matches_nothing_says_what_there_is(folder, one):
    (folder / "data").mkdir()
    (folder / "data" / "a.json").write_text(GOOD, encoding="utf-8")
    found = one(read(DataSpec(source="data/*.jsonl"), folder))
    assert (found.code, found.hint) == ("no-match", "`data/` holds `a.json`")


def test_a_directory_gets_the_glob_as_a_hint(folder, one):
    (folder / "data").mkdir()
    found = one(read(DataSpec(source="data/"), folder))
    assert (found.code, found.hint) == (
        "is-a-directory",
        "name the files in it, such as `data/*.jsonl`",
    )


def test_globs_are_read_in_the_order_of_their_unicode_names(folder, chat, jsonl):
    for name in ("ż", "a-10", "a-2", "Ä", "п"):
        stored = unicodedata.normalize("NFD", name)
        text = jsonl([chat(name, "x")])
        (folder / f"rows-{stored}.jsonl").write_text(text, encoding="utf-8")
    dataset, problems = read(DataSpec(source="rows-*.jsonl"), folder)
    assert problems == ()
    asked = [row["messages"][0]["content"] for row in dataset.rows("train")]
    assert asked == ["a-10", "a-2", "Ä", "ż", "п"]


def test_a_name_is_found_however_the_disk_spells_it(folder):
    stored = unicodedata.normalize("NFD", "zażółć.jsonl")
    (folder / stored).write_text(GOOD, encoding="utf-8")
    dataset, problems = read(DataSpec(source="zażółć.jsonl"), folder)
    assert problems == ()
    assert dataset.splits["train"].rows == 1


def test_a_name_with_brackets_is_a_name_first(folder):
    (folder / "rows[1].jsonl").write_text(GOOD, encoding="utf-8")
    dataset, _ = read(DataSpec(source="rows[1].jsonl"), folder)
    assert dataset.marks[0].file == "rows[1].jsonl"
