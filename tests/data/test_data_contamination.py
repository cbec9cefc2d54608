"""Training rows that hold what a model is to be scored with are named, with their file and line."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.conftest import chat_row, lines_of
from tunectl.core.errors import Severity
from tunectl.data import against
from tunectl.data.dataset import DataSpec, read
from tunectl.data.targets import Level

RUSSIAN = "как вернуть обувь купленную в интернет магазине через тридцать дней после покупки товара"
POLISH = "czy mogę zwrócić buty kupione w sklepie internetowym po trzydziestu dniach od dnia zakupu"


def told(folder, rows, files, level=Level.DEFAULT, **options):
    (folder / "rows.jsonl").write_text(lines_of(rows), encoding="utf-8")
    spec = DataSpec(source="rows.jsonl", against=tuple(files), **options)
    dataset, found = read(spec, folder, level=level)
    return dataset, [d for d in found if d.code == "contamination"]


def ordinary(count):
    return [chat_row(f"Gdzie paczka {n}?", f"Paczka {n * 7} jest w drodze.") for n in range(count)]


@pytest.mark.parametrize("words", [POLISH, RUSSIAN])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("eval.txt", "Wstęp.\n{}?\n"),
        ("eval.jsonl", '{{"question": "{}", "answer": "B"}}\n'),
        ("eval.jsonl", '{{"messages": [{{"role": "user", "content": "{}"}}]}}\n'),
        ("eval.json", '[{{"a": {{"b": ["x", "{}"]}}}}]'),
        ("eval.csv", "id,pytanie\n7,{}\n"),
        ("eval.jsonl.gz", '{{"question": "{}"}}\n'),
    ],
)
def test_twelve_words_in_a_row_are_found_in_any_kind_of_file(folder, name, content, words):
    made = content.format(words).encode()
    (folder / name).write_bytes(gzip.compress(made) if name.endswith("gz") else made)
    rows = [*ordinary(700), chat_row(f"Pytam: {words.upper()}!", "Tak."), *ordinary(1)]
    _, found = told(folder, rows, [name])
    assert [(d.source.file, d.source.line, d.severity) for d in found] == [
        ("rows.jsonl", 701, Severity.WARNING)
    ]
    assert name in found[0].summary
    assert words[:20] not in str(found)


def test_eleven_words_in_a_row_are_not_enough(folder):
    eleven = " ".join(POLISH.split()[:11])
    (folder / "eval.txt").write_text(POLISH, encoding="utf-8")
    assert told(folder, [chat_row(eleven, "Tak.")], ["eval.txt"])[1] == []


def test_a_system_message_that_both_share_says_nothing(folder):
    row = {"role": "system", "content": POLISH}
    both = [{"messages": [row, *one["messages"]]} for one in ordinary(4)]
    (folder / "eval.jsonl").write_text(lines_of(both[:2]), encoding="utf-8")
    assert told(folder, both[2:], ["eval.jsonl"])[1] == []


def test_many_rows_are_counted_and_some_are_named(folder):
    (folder / "eval.txt").write_text(POLISH, encoding="utf-8")
    rows = [chat_row(f"{n} {POLISH}", f"Tak {n}.") for n in range(50)]
    _, found = told(folder, rows, ["eval.txt"])
    assert len(found) < 50
    assert any("40" in d.summary for d in found)


def test_a_file_that_cannot_be_read_is_an_error_and_syntax_alone_asks_for_none(folder):
    (folder / "bad.txt").write_bytes(b"a \xff b")
    for name in ("nie.txt", "bad.txt"):
        assert told(folder, ordinary(2), [name])[0] is None
        assert told(folder, ordinary(2), [name], Level.SYNTAX)[0] is not None


def test_above_the_limit_a_sample_still_finds_copied_text(folder, monkeypatch):
    monkeypatch.setattr(against, "LIMIT", 500)
    words = [f"słowo{n}" for n in range(4000)]
    (folder / "eval.txt").write_text(" ".join(words), encoding="utf-8")
    [known] = against.known(DataSpec(against=("eval.txt",)), folder, None)
    assert len(known.numbers) <= 500
    assert known.every >= 8
    rows = [chat_row(" ".join(words[n : n + 200]), f"{n}") for n in range(0, 4000, 200)]
    assert len(told(folder, rows, ["eval.txt"])[1]) > 5


texts = st.lists(
    st.sampled_from(["ala", "ma", "kota", "żółw", "дом", "你好", "x"]), max_size=30
).map(" ".join)


@given(st.lists(texts, min_size=1, max_size=4), st.lists(texts, min_size=1, max_size=4))
def test_texts_share_a_sequence_exactly_where_twelve_words_follow_each_other_in_both(given_, rows):
    def grams(text):
        words = text.replace("你好", "你 好").split()
        return {tuple(words[n : n + 12]) for n in range(len(words) - 11)}

    known = against.Known("x", against.sequences(given_)[0], 1)
    wanted = set().union(*map(grams, given_))
    assert known.among(rows) == [n for n, text in enumerate(rows) if grams(text) & wanted]


def test_a_text_read_in_pieces_loses_no_sequence_between_two(folder, monkeypatch):
    monkeypatch.setattr(against, "_BATCH", 997)
    words = [f"żółw{n}" for n in range(3000)]
    (folder / "eval.txt").write_text(" ".join(words), encoding="utf-8")
    [known] = against.known(DataSpec(against=("eval.txt",)), folder, None)
    rows = [" ".join(words[n : n + 12]) for n in range(2988)]
    assert len(known.among(rows)) == len(rows)
