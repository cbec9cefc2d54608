"""Repairs without guessing: each says what it did, and nothing else is touched."""

from __future__ import annotations

import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.data.datafile import DataFile
from tunectl.data.fingerprint import canonical_bytes
from tunectl.data.fixing.certainty import Evidence, legacy_encoding
from tunectl.data.fixing.fixer import Pass
from tunectl.data.fixing.mend import mend
from tunectl.data.problems import Problems

POLISH = "Gdzie jest moja paczka? Źle działa śledzenie, proszę o późną pomoc, bądź też zmień koń."
RUSSIAN = "Где моя посылка? Проверьте, пожалуйста, статус отправления и сообщите мне."
GERMAN = "Wo ist mein Päckchen? Die Sendungsverfolgung lässt mich nichts sehen: größere Mühe."


def row(question="Gdzie jest paczka?", answer="W drodze."):
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return {"messages": messages}


def text(value):
    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def fixed(tmp_path):
    """Repairs one file's content; gives the rows, the edits, and what cannot be repaired."""

    def run(content, name="rows.jsonl", **told):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        edits, out = [], []
        whole, rows = Problems(None, {}), Problems(None, {})
        over = Pass(tell=edits.append, write=out.append, whole=whole, rows=rows, **told)
        over.fix(DataFile.at(path, name, "train"))
        assert b"".join(out).count(b"\n") == over.written
        done = [orjson.loads(line) for line in out]
        return done, edits, [*whole.result(), *rows.result()]

    return run


# Encodings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (POLISH, "cp1250"),
        (POLISH, "iso8859_2"),
        (POLISH, "cp852"),
        (POLISH, "utf-16"),
        (POLISH, "utf-16-le"),
        (RUSSIAN, "utf-32"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (RUSSIAN, "cp866"),
        (RUSSIAN, "iso8859_5"),
        (GERMAN, "cp1252"),
    ],
)
def test_a_certain_encoding_is_written_as_utf8(fixed, content, encoding):
    wanted = [row(content, str(n)) for n in range(3)]
    made, edits, left = fixed("\n".join(map(text, wanted)).encode(encoding))
    assert left == []
    assert made == wanted
    assert [edit.rule for edit in edits] == ["not-utf8"]


@pytest.mark.parametrize("encoding", ["cp1250", "cp1251", "koi8_r"])
def test_little_text_is_not_enough_to_be_certain(fixed, encoding):
    char = "ż" if encoding == "cp1250" else "я"
    made, edits, left = fixed(text(row(char)).encode(encoding))
    assert (made, edits) == ([], [])
    assert [d.code for d in left] == ["not-utf8"]
    assert "--encoding" in left[0].hint
    assert char not in left[0].summary


def test_an_encoding_that_is_told_is_believed(fixed):
    made, _, left = fixed(text(row("ż")).encode("cp1250"), encoding="cp1250")
    assert (made, left) == ([row("ż")], [])


def test_lines_that_are_utf8_stay_when_others_are_not(fixed):
    lines = [text(row(POLISH, "1")).encode(), text(row(POLISH, "2")).encode("cp1250")]
    made, edits, left = fixed(b"\n".join(lines))
    assert left == []
    assert made == [row(POLISH, "1"), row(POLISH, "2")]
    assert [(e.line, e.times) for e in edits] == [(2, 1)]


def evidence(content):
    found = Evidence()
    found.take(content)
    return found


@given(st.sampled_from([POLISH, RUSSIAN, GERMAN]), st.data())
def test_what_is_called_certain_is_right(whole, data):
    """Any piece of a text: the encoding found gives that very text back, or none is found."""
    words = whole.split()
    piece = " ".join(data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=8)))
    known = {POLISH: ["cp1250", "iso8859_2"], RUSSIAN: ["cp1251", "koi8_r", "cp866"]}
    encoded = piece.encode(data.draw(st.sampled_from(known.get(whole, ["cp1252"]))))
    found = legacy_encoding(evidence(encoded)).encoding
    assert not found or encoded.decode(found) == piece


def test_random_bytes_have_no_certain_encoding():
    assert legacy_encoding(evidence(bytes(range(256)) * 7)).encoding == ""


@pytest.mark.parametrize("encoding", ["mac_cyrillic", "cp437", "gb18030", "shift_jis"])
def test_an_encoding_that_is_not_known_is_taken_for_no_other(encoding):
    texts = {"mac_cyrillic": RUSSIAN, "cp437": GERMAN}
    content = texts.get(encoding, "你好，请问我的包裹在哪里？谢谢。").encode(encoding, "ignore")
    assert legacy_encoding(evidence(content)).encoding == ""


# Layout ---------------------------------------------------------------------------------------


def test_marks_line_ends_and_blank_lines_go_and_the_rows_stay_byte_for_byte(fixed, tmp_path):
    lines = [text(row(answer=str(n))) for n in range(3)]
    made, edits, left = fixed("\ufeff" + "\r\n\r\n".join(lines) + "\r\n")
    assert left == []
    assert made == [json.loads(line) for line in lines]
    assert [(e.rule, e.line, e.times) for e in edits] == [
        ("byte-order-mark", 1, 1),
        ("line-ends", 1, 5),
        ("blank-lines", 2, 2),
    ]


def test_a_mark_between_files_that_were_joined_goes_too(fixed):
    made, edits, left = fixed(f"\ufeff{text(row('a'))}\n\ufeff{text(row('b'))}\n")
    assert (len(made), left) == (2, [])
    assert [(e.rule, e.line) for e in edits] == [("byte-order-mark", 1), ("byte-order-mark", 2)]


def test_a_table_becomes_rows_and_keeps_carriage_returns_inside_values(fixed):
    content = '\ufeffinput;output\r\n"a\r\nb";"ż"\r\n'
    made, edits, left = fixed(content, "rows.csv")
    assert left == []
    assert made == [row("a\r\nb", "ż")]
    assert [e.rule for e in edits] == ["byte-order-mark", "layout", "shape"]


def test_an_array_with_a_comma_too_many_becomes_rows(fixed):
    made, edits, left = fixed(f"[\n{text(row('a'))},\n{text(row('b'))},\n]", "rows.json")
    assert (made, left) == ([row("a"), row("b")], [])
    assert {e.rule for e in edits} == {"layout", "trailing-comma"}


def test_every_shape_becomes_one(fixed):
    lines = [
        text(row("a")),
        text({"system": "Bądź miły", **row("b")}),
        '{"prompt": "c", "completion": "d"}',
        '{"instruction": "e", "input": "f", "output": "g"}',
        (
            '{"contents": [{"role": "user", "parts": [{"text": "h"}]},'
            ' {"role": "model", "parts": [{"text": "i"}]}]}'
        ),
    ]
    made, edits, left = fixed("\n".join(lines))
    assert left == []
    assert [[m["role"] for m in one["messages"]] for one in made] == [
        ["user", "assistant"],
        ["system", "user", "assistant"],
        ["user", "assistant"],
        ["user", "assistant"],
        ["user", "assistant"],
    ]
    assert next(e.what for e in edits) == "rows of `bedrock` written as `openai-chat`"
    assert [e.line for e in edits] == [2, 3, 4, 5]


def test_nested_instances_become_a_row_each(fixed):
    value = {"instruction": "a", "instances": [{"input": "b", "output": "c"}, {"output": "d"}]}
    made, _, left = fixed(text(value))
    assert left == []
    assert [one["messages"][-1]["content"] for one in made] == ["c", "d"]


# Rows -----------------------------------------------------------------------------------------


def test_texts_are_brought_to_nfc_and_nothing_else_of_them_changes(fixed):
    loose = unicodedata.normalize("NFD", "Źle, ﬁ, ²")
    made, edits, left = fixed(text(row(loose, "ok")))
    assert left == []
    assert made == [row("Źle, ﬁ, ²", "ok")]
    assert [(e.rule, e.what) for e in edits] == [
        ("not-nfc", "`messages[0].content` brought to NFC")
    ]


def test_a_row_that_stands_twice_is_left_once_also_when_it_is_spelled_otherwise(fixed):
    again = json.dumps(row("Źle"), indent=None, separators=(",", ":"))
    nfd = unicodedata.normalize("NFD", text(row("Źle")))
    made, edits, left = fixed(f"{text(row('Źle'))}\n{again}\n{nfd}\n{text(row('inne'))}\n")
    assert left == []
    assert made == [row("Źle"), row("inne")]
    twice = [(e.line, e.what) for e in edits if e.rule == "duplicate-row"]
    assert twice == [
        (2, "the row of line 1 again: removed"),
        (3, "the row of line 1 again: removed"),
    ]


@pytest.mark.parametrize(
    ("raw", "rule"),
    [
        ('{"a": [1, 2,], "b": {"c": 3,},}', "trailing-comma"),
        ('{"a": "x,}"},', "trailing-comma"),
        ('{"a": "one\ttwo"}', "control-character"),
        ('{"a": 1, "a": 1}', "duplicate-key"),
        ("{'a': True, 'b': None, 'c': 'it\\'s'}", "python-literal"),
    ],
)
def test_json_that_has_only_one_reading_is_mended(raw, rule):
    mended = mend(raw.encode())
    assert mended is not None
    assert [found for found, _ in mended.done] == [rule]
    assert canonical_bytes(mended.value)


@pytest.mark.parametrize(
    "raw",
    [
        '{"a": 1, "a": 2}',
        "{'a': 1, 'a': 2}",
        '{"a": NaN}',
        '{"a": 1',
        '{"a" 1}',
        '{"a": "he said "no""}',
        "{'a': {1, 2}}",
        "{'a': b'x'}",
        "{'a': open('x')}",
        '{"a": "\x00"}',
        "[1, 2,]",
    ],
)
def test_json_that_has_no_reading_or_two_is_not_mended(raw):
    assert mend(raw.encode()) is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), JSON, min_size=1))
def test_mending_never_changes_what_an_object_says(value):
    assert mend(text(value).encode()) is None
    spoiled = text(value)[:-1] + ",}"
    mended = mend(spoiled.encode())
    assert mended is not None
    assert mended.value == value
    python = mend(repr(value).encode())
    assert python is None or python.value == value


@given(st.lists(st.text(max_size=6), max_size=6))
def test_a_repaired_file_has_nothing_more_to_repair(tmp_path_factory, texts):
    path = tmp_path_factory.mktemp("fix") / "rows.jsonl"
    path.write_text("\r\n".join(text(row(one, one)) for one in texts), "utf-8", newline="")
    out, edits = [], []
    for _ in range(2):
        out, edits = [], []
        over = Pass(edits.append, out.append, Problems(None, {}), Problems(None, {}))
        over.fix(DataFile.at(path, "rows.jsonl", "train"))
        path.write_bytes(b"".join(out))
    assert edits == []


# What only a person can repair ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"messages": [NaN]}', "not-a-number"),
        ("[1]", "not-an-object"),
        ('{"a": 1}', "unknown-shape"),
        ('{"messages": [], "id": 1, "id": 2}', "duplicate-key"),
        ('{"messages": ', "broken-json"),
        ('{"input": {"messages": []}, "preferred_output": [], "non_preferred_output": []}',
         "mixed-shapes"),
    ],
)  # fmt: skip
def test_what_cannot_be_repaired_is_named_with_its_line_and_not_its_text(fixed, line, code):
    made, edits, left = fixed(f"{text(row('Sekret'))}\n{line}\n{text(row('inne'))}\n")
    assert (len(made), edits) == (2, [])
    assert [(d.code, d.source.line) for d in left] == [(code, 2)]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"PK\x03\x04....", "unknown-content"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "lfs-pointer"),
        (b"<!DOCTYPE html><html>", "unknown-content"),
        (b'{"messages": "\xff\xfe\x80\x81\x8d"}', "not-utf8"),
    ],
)
def test_what_is_no_data_is_said_to_be_none(fixed, content, code):
    made, _, left = fixed(content)
    assert made == []
    assert [d.code for d in left] == [code]
