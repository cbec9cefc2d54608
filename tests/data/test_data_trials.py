"""What people met who tried the commands: bad input is told, and good rows are let be."""

import gzip
import json
import os

import pytest

from tunectl.core.errors import Severity, Source
from tunectl.data.broken import explain
from tunectl.data.checks import check_row
from tunectl.data.checks.credentials import _password
from tunectl.data.checks.rule import Context
from tunectl.data.dataset import DataSpec, read
from tunectl.data.sensitive.personal import personal_data
from tunectl.data.targets import Level, Target

ALL = Context(DataSpec(), level=Level.ALL)
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def broken_by(row):
    return {rule.name for rule, _ in check_row(row, ALL)}


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        (r'{"a": "x \ud83d y"}', r"half a character: `\ud83d` alone"),
        (r'{"a": "\ud83d\ude00 \\ude00 \ude00"}', r"half a character: `\ude00` alone"),
        ('{"a": None}', "`None` is not JSON"),
        ('{"a": }', "a value is missing here"),
        ("hello", "the line is not JSON"),
        ("{a: 1}", "a key is missing here"),
        ('{"a" 1}', "a colon is missing here"),
        (r'{"a": "\q"}', "no such escape"),
        ('{"a": ' + "[" * 400 + "]" * 400 + "}", ""),
        ('{"a": ' + "9" * 5000 + "}", "a number of too many digits"),
    ],
)
def test_what_is_no_json_is_named_with_what_to_do(text, summary):
    found = explain(text.encode())
    assert found.summary.startswith(summary)
    assert found.hint or not summary


def test_an_escaped_backslash_before_u_is_no_half_of_a_character():
    found = explain(rb'{"a": "\\ud83d \ud83d"}')
    assert found.position == 15


def test_deep_nesting_is_refused_before_it_could_not_be_written(read_content, one):
    found = one(read_content('{"messages":' + "[" * 300 + "]" * 300 + "}\n"))
    assert found.summary == "nested too deep"


def test_a_gzip_that_is_cut_is_told_in_words(folder, one):
    packed = gzip.compress(os.urandom(4000))
    (folder / "a.jsonl.gz").write_bytes(packed[:2000])
    found = one(read(DataSpec(source="a.jsonl.gz"), folder))
    assert "cut off" in found.summary
    assert "pack it again" in found.hint


def test_a_pipe_in_the_place_of_a_file_is_refused_and_not_waited_for(folder, one):
    os.mkfifo(folder / "p.jsonl")
    for source in ("p.jsonl", "*.jsonl"):
        found = one(read(DataSpec(source=source), folder))
        assert found.code == "not-a-file"
        assert "named pipe" in found.summary


def test_one_column_is_told_to_be_one_too_few_in_the_words_of_its_place(read_content, one):
    text = "pytanie\na\nb\n"
    assert "--columns input=" in one(read_content(text, "a.csv")).hint
    where = Source("tunectl.yaml", 3)
    assert "columns: {input" in one(read_content(text, "a.csv", where=where)).hint


def test_fix_is_not_promised_for_rows_that_it_cannot_bring_to_a_shape(read_content, chat, one):
    lines = [json.dumps(chat("a?", "b")), json.dumps({"messages": "hi"})]
    found = one(read_content("\n".join(lines) + "\n"))
    assert found.code == "mixed-shapes"
    assert "fix" not in found.hint


@pytest.mark.parametrize("level", [Level.SYNTAX, Level.DEFAULT])
@pytest.mark.parametrize(
    ("keys", "ids", "summary", "hint"),
    [
        ("idd", ("id", "id"), "no row has it", "did you mean `id`?"),
        ("id", ("id", "x"), "1 row has none, first at a.jsonl:2", "every row"),
    ],
)
def test_a_key_that_rows_do_not_have_is_an_error(
    level, keys, ids, summary, hint, folder, jsonl, chat, one
):
    rows = [chat(f"{n}?", f"{n}", **{key: n}) for n, key in enumerate(ids)]
    (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")
    strip = ("id", "x")
    spec = DataSpec(source="a.jsonl", keys=(keys,), strip=strip)
    dataset, found = read(spec, folder, level=level)
    assert dataset is None
    [found] = [d for d in found if d.severity is Severity.ERROR]
    assert found.code == "missing-key"
    assert summary in found.summary
    assert hint in found.hint


def test_keys_that_every_row_has_are_fine(read_rows, chat):
    dataset, found = read_rows(
        [chat("a?", "b", id=1), chat("c?", "d", id=2)], keys=("id",), strip=("id",)
    )
    assert dataset is not None
    assert found == ()


def test_a_byte_order_mark_is_not_to_be_removed_for_azure(folder, jsonl, chat):
    (folder / "a.jsonl").write_text(jsonl([chat("a?", "b")]), encoding="utf-8")
    _, found = read(DataSpec(source="a.jsonl"), folder, targets=(Target("azure"),))
    [mark] = [d for d in found if d.code == "byte-order-mark"]
    assert mark.severity is Severity.INFO
    assert "fix" not in mark.hint


@pytest.mark.parametrize(
    "text",
    [
        "Napisz na yourname@yourdomain.com",
        "your.name@gmail.com",
        "a@my-company.co.uk",
        "imie.nazwisko@wp.pl",
        "firstname.lastname@acme.org",
    ],
)
def test_the_address_of_nobody_is_not_personal(text):
    assert list(personal_data(text)) == []


def test_the_address_of_somebody_is_personal():
    assert [what for what, _ in personal_data("anna.nowak@wp.pl")] == ["an e-mail address"]


def test_as_of_counts_as_words_only(chat):
    assert "volatile-fact" in broken_by(chat("Ile?", "As of 2024 it is 12."))
    for answer in ("It stays as often as 3 times.", "whereas of 12"):
        assert "volatile-fact" not in broken_by(chat("Ile?", answer))


def test_a_number_that_a_tool_told_does_not_age_with_the_model(chat):
    def row(result):
        return {
            "messages": [
                {"role": "user", "content": "Ile kosztuje?"},
                {"role": "assistant", "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "c1", "content": result},
                {"role": "assistant", "content": "Aktualna cena: 19,90 zł."},
            ]
        }

    assert "volatile-fact" not in broken_by(row("cena 19,90"))
    assert "volatile-fact" in broken_by(row("cena 18,90"))


def test_a_row_told_as_a_copy_is_not_told_as_nearly_the_same(read_rows, chat):
    words = "paczka jest w drodze i dotrze jutro przed południem do sklepu przy ulicy Długiej"
    rows = [
        chat("Gdzie jest moja paczka, która miała być wczoraj?", f"Szanowni Państwo, {words} 7."),
        chat("Gdzie jest moja paczka, która miała być wczoraj?", f"Szanowni Państwo, {words} 8."),
        chat("Gdzie jest moja paczka, która miała być wczoraj?", f"Szanowni Państwo, {words} 8."),
    ]
    told = [(d.code, d.source.line) for d in read_rows(rows)[1]]
    assert ("duplicate-row", 3) in told
    assert ("near-duplicate", 3) not in told
    assert ("near-duplicate", 2) in told


def test_a_password_that_stands_twice_in_a_row_is_told_once(chat):
    said = "password: zX8u2Kq9Lm!"
    assert len(list(_password(chat(said, said)))) == 1
    assert len(list(_password(chat(said, "password: Yx7u2Kq9Lm!")))) == 2


@pytest.mark.parametrize(
    "word", ["password", "PASSWORD", "client_secret", "Пароль", "hasło", "API Key"]
)
def test_a_password_is_found_behind_every_word_and_letters_that_grow(word, chat):
    assert len(list(_password(chat("a?", f"İİ {word} = zX8u2Kq9Lm!")))) == 1


def test_templates_that_are_explained_are_no_residue(chat):
    answer = "Write {{ name }} where the name goes."
    assert "template-residue" in broken_by(chat("What?", answer))
    assert "template-residue" not in broken_by(chat("How do Jinja templates work?", answer))


def test_an_unknown_key_is_told_once_and_by_the_provider_where_it_is_allowed(folder, jsonl, chat):
    (folder / "a.jsonl").write_text(jsonl([chat("a?", "b", zzz=1)]), encoding="utf-8")

    def codes(**spec):
        spec = DataSpec(source="a.jsonl", **spec)
        _, found = read(spec, folder, targets=(Target("openai"),))
        return [d.code for d in found if "zzz" in d.summary]

    assert codes() == ["unknown-key"]
    assert codes(allow={"unknown-key": "celowo"}) == ["provider-rows"]


def test_once_is_not_one_times(read_rows, chat):
    _, found = read_rows([chat("a?", "b"), chat("a?", "b")], allow={"duplicate-row": "tak"})
    assert ["found once: tak" in d.summary for d in found] == [True]
