"""Rules over all rows: what each finds, and what it leaves alone."""

import gzip
import random
from pathlib import Path

import pytest

from tests.data.conftest import chat_row, lines_of
from tunectl.core.errors import Exit, Severity
from tunectl.data import search
from tunectl.data.dataset import DataSpec, read
from tunectl.data.policy import Policy
from tunectl.data.targets import Level

INPUTS = Path(__file__).parents[3] / "shared" / "data"
WORDS = [f"wyraz{n}" for n in range(3000)]


def said(count, seed):
    return " ".join(random.Random(seed).sample(WORDS, count))


def chat(question, answer, system=None):
    made = chat_row(question, answer)
    if system is not None:
        made["messages"].insert(0, {"role": "system", "content": system})
    return made


def distinct(count, **more):
    return [chat(said(12, n), said(20, -n - 1), **more) for n in range(count)]


@pytest.fixture
def found(read_rows):
    """The findings of one rule: line and text of each."""

    def run(rows, code, **spec):
        dataset, problems = read_rows(rows, **spec)
        assert dataset is not None, problems
        return [(d.source.line if d.source else 0, d.summary) for d in problems if d.code == code]

    return run


def test_clean_rows_break_no_rule_over_all_rows(read_rows):
    _, problems = read_rows(distinct(120, system="Odpowiadaj krótko."))
    assert problems == ()


def test_a_row_that_repeats_another_but_for_white_space_is_a_duplicate(found):
    rows = [chat("Gdzie jest\npaczka?", "W drodze."), chat("Gdzie  jest paczka?", "W drodze. ")]
    assert found(rows, "duplicate-row") == [
        (2, "the row repeats rows.jsonl:1 but for white space or composed letters")
    ]


def test_a_row_that_repeats_another_in_decomposed_letters_is_a_duplicate(found):
    rows = [chat("żółw", "ćma"), chat("z\u0307o\u0301łw", "c\u0301ma")]
    assert len(found(rows, "duplicate-row")) == 1


def test_a_row_with_a_few_words_changed_is_a_near_duplicate_of_the_first_alike(found):
    rows = distinct(30)
    words = said(12, 3).split()
    rows.append(chat(" ".join(["Inny", *words[1:]]), said(20, -4)))
    assert found(rows, "near-duplicate") == [(31, "the row is nearly the same as rows.jsonl:4")]


def test_an_exact_copy_is_told_once_and_not_as_a_near_duplicate(found):
    rows = [*distinct(5), distinct(1)[0]]
    assert found(rows, "near-duplicate") == []
    assert len(found(rows, "duplicate-row")) == 1


def test_a_shared_system_message_makes_no_near_duplicates(found):
    assert found(distinct(60, system=said(80, "system")), "near-duplicate") == []


def overlap(folder, train, test, **spec):
    (folder / "a.jsonl").write_text(lines_of(train), encoding="utf-8")
    (folder / "b.jsonl").write_text(lines_of(test), encoding="utf-8")
    return read(DataSpec(splits={"train": "a.jsonl", "test": "b.jsonl"}, **spec), folder)[1]


def test_a_test_row_that_asks_nearly_what_was_trained_is_refused(folder):
    asked = said(12, 3).split()
    twin = chat(" ".join([*asked[:-1], "inaczej"]), "zupełnie inna odpowiedź")
    [one] = overlap(folder, distinct(30), [twin])
    assert (one.code, one.severity, one.exit) == ("near-overlap", Severity.ERROR, Exit.REFUSED)
    assert (one.source.file, one.source.line) == ("b.jsonl", 1)
    assert one.summary.endswith("at a.jsonl:4")


def test_the_same_answer_to_another_question_is_no_leak(folder):
    train = [
        chat(said(12, n), "Proszę wysłać formularz ze strony sklepu do końca dnia.")
        for n in range(9)
    ]
    test = [chat(said(12, 99), "Proszę wysłać formularz ze strony sklepu do końca dnia.")]
    assert overlap(folder, train, test) == ()


def long_twins():
    """Rows of which the last is the fourth but for a word."""
    rows = [chat(said(60, n), said(60, -1 - n)) for n in range(30)]
    return [*rows, chat(said(60, 3), said(60, -4).rsplit(" ", 1)[0] + " inaczej")]


def test_above_the_stated_size_samples_are_compared_and_a_note_names_the_method(
    read_rows, monkeypatch
):
    monkeypatch.setattr(search, "SEARCHED_BYTES", 2_000)
    _, problems = read_rows(long_twins())
    near = [d for d in problems if d.code == "near-duplicate"]
    assert [(d.source.line, d.summary) for d in near] == [
        (31, "the row is nearly the same as rows.jsonl:4")
    ]
    [note] = [d for d in problems if d.code == "near-duplicate-search"]
    assert note.severity is Severity.INFO
    assert note.summary.startswith(
        "31 rows were compared by samples of their text (content-defined pieces of 24 bytes, one "
    )
    assert note.summary.endswith(": some that are nearly the same may have been missed")


def test_rows_too_short_for_samples_are_counted_in_the_note(read_rows, monkeypatch):
    monkeypatch.setattr(search, "SEARCHED_BYTES", 2_000)
    _, problems = read_rows([*long_twins(), chat("Kiedy?", "Jutro."), chat("Gdzie?", "Tu.")])
    [note] = [d for d in problems if d.code == "near-duplicate-search"]
    assert "2 rows with fewer than 3 of their own were not compared" in note.summary


def test_what_seems_small_and_is_packed_is_compared_by_samples_once_it_is_large(
    folder, monkeypatch
):
    lines = lines_of(long_twins()).encode()
    (folder / "rows.jsonl.gz").write_bytes(gzip.compress(lines))
    monkeypatch.setattr(search, "SEARCHED_BYTES", len(lines) // 2)
    _, problems = read(DataSpec(source="rows.jsonl.gz"), folder)
    assert [d.code for d in problems if d.code.startswith("near-")] == [
        "near-duplicate",
        "near-duplicate-search",
    ]


def test_at_the_level_all_every_row_is_compared(folder, monkeypatch):
    monkeypatch.setattr(search, "SEARCHED_BYTES", 2_000)
    rows = [*distinct(30), chat(said(12, 3) + " tak", said(20, -4))]
    (folder / "rows.jsonl").write_text(lines_of(rows), encoding="utf-8")
    _, problems = read(DataSpec(source="rows.jsonl"), folder, level=Level.ALL)
    assert [d.source.line for d in problems if d.code == "near-duplicate"] == [31]


def test_rows_without_the_system_message_of_the_others_are_counted(found):
    rows = [*distinct(12, system="Pomagaj."), chat("a", "b"), chat("c", "d")]
    assert found(rows, "system-missing") == [
        (13, "2 of 14 rows have no system message, the others have one, such as rows.jsonl:1")
    ]


def test_a_rare_wording_of_the_system_message_is_a_variant(found):
    rows = distinct(40, system="Jesteś pomocnym asystentem sklepu. Odpowiadaj krótko.")
    rows[17]["messages"][0]["content"] = "Jesteś pomocnym asystentem sklpu. Odpowiadaj krótko."
    [(line, text)] = found(rows, "system-variant")
    assert line == 18
    assert "39 others" in text


def test_different_system_messages_are_no_variants(found):
    rows = distinct(40, system="Jesteś pomocnym asystentem sklepu.")
    rows[3]["messages"][0]["content"] = "Переведи текст на польский язык."
    assert found(rows, "system-variant") == []


def labelled(*counts):
    labels = [label for label, count in enumerate(counts) for _ in range(count)]
    random.Random(1).shuffle(labels)
    return [chat(said(12, n), f"klasa-{label}") for n, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("counts", "code", "text"),
    [
        ((70, 15, 15), "label-imbalance", "one of 3 answers stands in 70% of the rows"),
        ((90, 10), "label-imbalance", "one of 2 answers stands in 90% of the rows"),
        ((60,), "label-imbalance", "all 60 rows have the same answer"),
        ((50, 48, 2), "rare-label", "only 2 rows have this answer, one of 3"),
        ((60, 59, 1), "rare-label", "only 1 row has this answer, one of 3"),
    ],
)
def test_answers_that_are_spread_unevenly_are_told(counts, code, text, found):
    assert [what for _, what in found(labelled(*counts), code)] == [text]


def test_even_labels_and_free_answers_are_not_told(read_rows):
    for rows in (labelled(40, 35), labelled(40, 30, 30), distinct(80)):
        assert read_rows(rows)[1] == ()


def test_a_policy_sets_the_share_from_which_labels_are_uneven(folder):
    (folder / "rows.jsonl").write_text(lines_of(labelled(45, 30, 25)), encoding="utf-8")
    policy = Policy(thresholds={"label-imbalance": 0.4})
    _, problems = read(DataSpec(source="rows.jsonl"), folder, policy=policy)
    assert [d.code for d in problems] == ["label-imbalance"]


def test_rows_sorted_by_their_label_are_noted(read_rows):
    rows = sorted(labelled(40, 35, 30), key=lambda row: row["messages"][-1]["content"])
    [note] = read_rows(rows)[1]
    assert (note.code, note.severity) == ("row-order", Severity.INFO)


IN_POLISH = "Proszę powiedzieć, kiedy będzie u mnie paczka {}, która już jest w drodze."
IN_ENGLISH = "The parcel {} is on its way and it will be with you before noon, as you have asked."
IN_RUSSIAN = "Посылка {} уже в пути и будет у вас до полудня, как вы и просили."


@pytest.mark.parametrize(
    ("foreign", "fitting", "told"), [(4, 0, 0), (5, 0, 1), (6, 6, 0), (7, 6, 1), (0, 13, 0)]
)
def test_answers_that_mostly_change_the_language_are_told_once(found, foreign, fitting, told):
    rows = [chat(IN_POLISH.format(n), IN_RUSSIAN.format(n)) for n in range(foreign)]
    rows += [chat(IN_POLISH.format(n), IN_POLISH.format(n * 7)) for n in range(50, 50 + fitting)]
    texts = found(rows, "answer-language", allow={"D12": "planted"})
    assert len(texts) == told
    for line, text in texts:
        assert line == 1
        assert text.startswith(f"{foreign} of {foreign + fitting} rows answer in another language")
        assert text.endswith("most of these ask in Polish and answer in Russian")


def test_a_policy_sets_the_share_from_which_foreign_answers_are_told(folder):
    rows = [chat(IN_POLISH.format(n), IN_ENGLISH.format(n)) for n in range(3)]
    rows += [chat(IN_POLISH.format(n), IN_POLISH.format(n * 7)) for n in range(50, 57)]
    (folder / "rows.jsonl").write_text(lines_of(rows), encoding="utf-8")
    for share, told in ((0.2, 1), (0.4, 0)):
        policy = Policy(thresholds={"answer-language": share})
        _, problems = read(DataSpec(source="rows.jsonl"), folder, policy=policy)
        assert [d.code for d in problems].count("answer-language") == told


@pytest.mark.parametrize("rows", [300, 2_500])
def test_rows_sorted_by_the_dates_of_their_questions_are_noted(found, rows):
    days = [f"{2020 + n // 336}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}" for n in range(rows)]
    for order in (days, days[::-1]):
        made = [chat(f"Co było {day}?", said(20, n)) for n, day in enumerate(order)]
        assert found(made, "row-order") == [
            (0, "the rows are sorted by the date that their questions name")
        ]
    mixed = random.Random(2).sample(days, rows)
    assert found([chat(f"{day}?", said(20, n)) for n, day in enumerate(mixed)], "row-order") == []


def test_numbers_that_are_no_dates_tell_no_order(found):
    for form in ("2026-13-{:02}", "1.{}.99", "wersja 1.{}.20261", "tel. 600-10-{:02}"):
        rows = [chat(form.format(n) + " działa?", said(20, n)) for n in range(1, 90)]
        assert found(rows, "row-order") == []


def test_answers_that_all_begin_alike_are_told(found):
    rows = [chat(said(12, n), f"Dziękujemy za kontakt z nami {said(12, -n)}") for n in range(70)]
    assert found(rows, "same-opening") == [(1, "100% of 70 answers begin with the same five words")]


def test_answers_made_of_few_words_are_told(found):
    rows = [chat(said(12, n), f"{n} " + "tak jest proszę czekać dziś " * 20) for n in range(80)]
    [(_, text)] = found(rows, "few-words")
    assert "in 80 answers" in text


def test_an_answer_much_longer_than_the_others_is_told_at_the_level_all(folder):
    rows = distinct(60)
    rows[41]["messages"][-1]["content"] = said(900, 1)
    rows[42]["messages"][-1]["content"] = "no"
    (folder / "rows.jsonl").write_text(lines_of(rows), encoding="utf-8")
    for level, lines in ((Level.DEFAULT, []), (Level.ALL, [42, 43])):
        _, problems = read(DataSpec(source="rows.jsonl"), folder, level=level)
        assert [d.source.line for d in problems if d.code == "answer-length"] == lines


@pytest.mark.parametrize(
    "name",
    ["foundry_gsm8k_train.jsonl", "foundry_tool.jsonl", "anth_json_mode.jsonl", "lf_glaive.json"],
)
def test_clean_real_files_break_no_rule_of_severity_error(name):
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    dataset, problems = read(DataSpec(source=name), INPUTS, level=Level.ALL)
    assert dataset is not None
    assert [d for d in problems if d.severity is Severity.ERROR] == []


def test_progress_is_told_with_bytes_rows_and_the_size(folder, monkeypatch):
    text = lines_of(distinct(300))
    (folder / "rows.jsonl").write_text(text, encoding="utf-8")
    told = []
    read(DataSpec(source="rows.jsonl"), folder, progress=lambda *now: told.append(now))
    size = len(text.encode())
    assert told[-1] == (size, 300, size)
    assert told == sorted(told)
