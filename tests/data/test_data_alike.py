"""Rows that are nearly the same are found, whatever stands around them."""

import random
import subprocess
import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.data import alike
from tunectl.data.alike import ALIKE, Alike, asked_and_answered
from tunectl.data.shingles import shingles

WORDS = [
    "paczka",
    "klient",
    "faktura",
    "zwrot",
    "сервис",
    "ответ",
    "заказ",
    "order",
    "invoice",
    "return",
    "łódź",
    "żółw",
    "ćma",
]
texts = st.lists(st.sampled_from(WORDS[:4]), max_size=14).map(" ".join)
rows = st.lists(st.tuples(texts, texts), max_size=14)


def pairs_of(found):
    return set(zip(found.later, found.earlier, strict=True))


def whole_pairs_of(found):
    return set(zip(found.later_whole, found.earlier_whole, strict=True))


def search(made, every=0):
    found = Alike()
    for index, (asked, answered) in enumerate(made):
        found.add(asked, answered)
        if every and index % every == 0:
            found.settle()
    found.settle()
    return found


def sequences(text):
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def by_definition(made, part):
    """Every pair by the definition, with the template rule left out: for few rows."""
    sets = [part(row) for row in made]
    return {
        (i, j)
        for i in range(len(made))
        for j in range(i)
        if sets[i] & sets[j] and len(sets[i] & sets[j]) >= ALIKE * len(sets[i] | sets[j])
    }


@settings(deadline=None)
@given(rows, st.integers(0, 4))
def test_exactly_the_pairs_of_the_definition_are_found_however_they_arrive(made, every):
    found = search(made, every)
    assert pairs_of(found) == by_definition(made, lambda row: sequences(row[0]))
    whole = by_definition(
        made, lambda row: {(0, s) for s in sequences(row[0])} | {(1, s) for s in sequences(row[1])}
    )
    assert whole_pairs_of(found) == whole


@settings(deadline=None)
@given(rows, rows)
def test_rows_that_are_appended_change_nothing_of_what_was_found(old, new):
    before, after = search(old), search([*old, *new])
    assert {p for p in pairs_of(after) if p[0] < len(old)} == pairs_of(before)


@given(st.text(max_size=60), st.text(max_size=60))
@settings(deadline=None)
def test_any_text_can_be_compared_and_equals_itself(one, other):
    numbers, owners = shingles([one, "", other, "", one, ""])
    of = {k: {int(n) for n, o in zip(numbers, owners, strict=True) if o == k} for k in range(6)}
    assert of[0] == of[4]
    assert of[1] == of[3] == set()
    assert list(numbers) == sorted(numbers)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Proszę o numer mojej paczki jutro", "proszę  o numer, mojej\npaczki — jutro!"),
        ("ГДЕ МОЙ ЗАКАЗ НОМЕР СОРОК ДВА", "где мой «заказ» номер сорок два?"),
        (
            "Żółta łódź płynie dziś po ćmie",
            unicodedata.normalize("NFD", "żółta łódź płynie dziś po ćmie"),
        ),
        ("你好我的订单在哪里", "你好,我的订单在哪里?"),
        ("“one two three four five”", "one two three four five"),
        ("a\xa0b c d e", "a b c d e"),
    ],
)
def test_case_punctuation_and_composition_do_not_tell_texts_apart(one, other):
    found = search([(one, ""), (other, "")])
    assert pairs_of(found) == {(1, 0)}


def test_different_long_words_with_equal_ends_are_different():
    one = "abcdefgh1ijklmnop " * 6
    assert pairs_of(search([(one, ""), (one.replace("1", "22"), "")])) == set()


def test_questions_and_answers_are_never_mixed_up():
    text = "one two three four five six"
    assert whole_pairs_of(search([(text, ""), ("", text)])) == set()


def test_separators_inside_a_text_do_not_shift_the_others():
    text = "one two three four five six"
    found = search([("a \x1e b", "\x1e"), (text, "x"), ("", "\x1e\x1e"), (text, "y")])
    assert pairs_of(found) == {(3, 1)}


def random_words(rng, count):
    return [f"w{rng.randrange(5000)}" for _ in range(count)]


def test_a_shared_instruction_does_not_make_rows_alike():
    rng = random.Random(1)
    template = " ".join(random_words(rng, 60))
    made = [(f"{template} {' '.join(random_words(rng, 12))}", "x") for _ in range(400)]
    twin = made[300][0].replace(template, "") + " indeed"
    made.append((f"{template} {twin}", "x"))
    found = search(made)
    late = {pair for pair in pairs_of(found) if pair[0] > 30}
    assert late == {(400, 300)}


def edited(rng, words, changes):
    words = list(words)
    for at in rng.sample(range(len(words)), changes):
        words[at] = f"x{rng.randrange(5000)}"
    return words


def recall(changes, made=300):
    """The share of edited copies that are found among as many other rows."""
    rng = random.Random(changes)
    originals = [random_words(rng, 80) for _ in range(made)]
    both = [*originals, *(edited(rng, words, changes) for words in originals)]
    found = pairs_of(search([(" ".join(words), "") for words in both], every=50))
    assert {i - made for i, _ in found} == {j for _, j in found}
    return len(found) / made


@pytest.mark.parametrize("changes", [1, 2, 3, 4])
def test_all_copies_with_up_to_four_of_eighty_words_changed_are_found(changes):
    assert recall(changes) == 1.0


def test_above_the_limit_memory_is_bounded_and_most_copies_are_still_found(monkeypatch):
    monkeypatch.setattr(alike, "LIMIT", 6_000)
    rng = random.Random(3)
    found = Alike()
    originals = [random_words(rng, 80) for _ in range(300)]
    for words in [*originals, *(edited(rng, words, 2) for words in originals)]:
        if found.add(" ".join(words), "") or len(found._pending) >= 40:
            found.settle()
    found.settle()
    assert found.sampled_from > 0
    assert sum(len(numbers) for numbers, _ in found._runs) <= 6_000
    hits = pairs_of(found)
    assert {i - 300 for i, _ in hits} == {j for _, j in hits}
    assert len(hits) > 200


def test_every_process_finds_the_same_numbers():
    code = (
        "from tunectl.data.shingles import shingles;print(shingles(['zażółć gęślą jaźń о а б'])[0])"
    )
    root = Path(__file__).parents[2]
    runs = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            cwd=root,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_the_text_of_a_row_leaves_system_messages_out():
    row = {
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "developer", "content": "d"},
            {"role": "user", "content": [{"type": "text", "text": "u"}]},
            {"role": "assistant", "tool_calls": [{"id": "i", "function": {"name": "f"}}]},
            {"role": "tool", "tool_call_id": "i", "content": "t"},
            {"role": "assistant", "content": "a"},
        ]
    }
    assert asked_and_answered(row) == ("u\nf\nt", "a")


def test_the_text_of_a_preference_is_its_question_and_both_answers():
    row = {
        "input": {"messages": [{"role": "user", "content": "q"}]},
        "preferred_output": [{"role": "assistant", "content": "good"}],
        "non_preferred_output": [{"role": "assistant", "content": "bad"}],
    }
    assert asked_and_answered(row) == ("q", "good\nbad")


def test_a_row_without_an_answer_is_all_question():
    row = {"messages": [{"role": "user", "content": "q"}, None, {"role": "user", "content": 7}]}
    assert asked_and_answered(row) == ("q", "")
