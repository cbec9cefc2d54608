"""Rows that are nearly the same are found by samples of their texts, in bounded memory."""

import random
from array import array
from itertools import chain, pairwise

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import chat_row
from tunectl.data import sketch
from tunectl.data.alike import asked_and_answered
from tunectl.data.block import plain_block
from tunectl.data.checks.plain import answer_starts
from tunectl.data.sketch import Sketch

STEMS = {
    "pl": "zamów pacz dostaw klient faktur zwrot reklam płat sklep kurier",
    "ru": "заказ посыл достав клиент счёт возврат жалоб оплат магазин курьер",
}
ENDS = {"pl": "ąęićyouanłż", "ru": "аеиоуыюяйьё"}
WORDS = {
    language: [
        f"{stem}{x}{y}" for stem in stems.split() for x in ENDS[language] for y in ENDS[language]
    ]
    for language, stems in STEMS.items()
}


def words(rng, count, language="pl"):
    return " ".join(rng.choices(WORDS[language], k=count))


def rows_of(count, seed=1, language="pl"):
    rng = random.Random(seed)
    return [(words(rng, 30, language), words(rng, 50, language)) for _ in range(count)]


def found_in(rows, by_block=False):
    made = Sketch()
    if by_block:
        lines = [orjson.dumps(chat_row(*row)) for row in rows]
        block = plain_block(b"\n".join(lines) + b"\n")
        assert block is not None
        lengths = list(map(len, block.packed))
        starts = answer_starts(block.packed)
        made.add_rows(block.joined, lengths, block.system_ends(), starts)
    else:
        for row in rows:
            made.add(*asked_and_answered(chat_row(*row)))
    made.settle()
    return made


def whole(made):
    return list(zip(made.later_whole, made.earlier_whole, strict=True))


def asked(made):
    return list(zip(made.later, made.earlier, strict=True))


def changed(text, *places):
    parts = text.split()
    for place in places:
        parts[place] = "inaczej"
    return " ".join(parts)


@pytest.mark.parametrize("language", WORDS)
def test_a_row_with_another_word_is_found_and_unrelated_ones_are_not(language):
    rows = rows_of(200, language=language)
    rows.append((rows[7][0], changed(rows[7][1], 25)))
    assert whole(found_in(rows)) == [(200, 7)]


def test_what_was_inserted_at_the_beginning_moves_nothing_else():
    rows = rows_of(100)
    rows.append((rows[3][0], "Dzień dobry! Już odpowiadam. " + rows[3][1]))
    assert whole(found_in(rows)) == [(100, 3)]


def test_the_same_question_with_another_answer_is_alike_in_what_it_asks_alone():
    rows = [(f"{one} {other}", one) for one, other in rows_of(100)]
    rows.append((rows[5][0], rows_of(1, seed=9)[0][1] + " " + rows_of(1, seed=8)[0][1]))
    made = found_in(rows)
    assert asked(made) == [(100, 5)]
    assert found_in(rows[:100]).later == array("q")


def test_many_rows_at_once_are_taken_as_one_by_one():
    rows = rows_of(60)
    rows += [(changed(q, 3), a) for q, a in rows[10:20]]
    one, other = found_in(rows), found_in(rows, by_block=True)
    assert (whole(one), asked(one)) == (whole(other), asked(other))
    assert len(whole(one)) == 10
    assert one.unsampled == other.unsampled


def test_a_quote_inside_a_text_ends_no_piece():
    rows = [(question, answer.replace(" ", '" ')) for question, answer in rows_of(60)]
    rows.append((rows[2][0], changed(rows[2][1], 25)))
    made = found_in(rows)
    assert whole(made) == [(60, 2)]
    assert made.unsampled == 0


def test_a_text_that_all_rows_share_makes_no_two_of_them_alike():
    shared = words(random.Random(5), 200)
    rows = [(f"{shared} {q}", a) for q, a in rows_of(120)]
    assert whole(found_in(rows)) == []


def test_above_the_limit_fewer_pieces_are_kept_and_rows_still_compared(monkeypatch):
    monkeypatch.setattr(sketch, "LIMIT", 1_000)
    monkeypatch.setattr(sketch, "BATCH", 20_000)
    rng = random.Random(3)
    rows = [(words(rng, 60), words(rng, 400)) for _ in range(100)]
    rows.append((rows[9][0], changed(rows[9][1], 200)))
    made = found_in(rows)
    assert whole(made) == [(100, 9)]
    assert made.every > 64


def test_keys_beyond_the_limit_are_never_held(monkeypatch):
    monkeypatch.setattr(sketch, "LIMIT", 500)
    monkeypatch.setattr(sketch, "BATCH", 5_000)
    made = Sketch()
    for row in rows_of(300):
        made.add(*row)
        assert made.kept <= 500


def test_rows_with_few_pieces_are_counted_as_not_compared():
    rng = random.Random(4)
    rows = [(words(rng, 90), words(rng, 150)) for _ in range(8)]
    made = found_in([*rows, ("Kiedy?", "Jutro."), ("", "")])
    assert made.unsampled == 2
    assert made.rows == 10


def test_without_rows_nothing_is_found():
    made = found_in([])
    assert (whole(made), made.rows, made.unsampled) == ([], 0, 0)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=120), st.text(max_size=200)), max_size=8))
def test_any_texts_can_be_taken_and_only_shared_ones_are_alike(rows):
    rows = [
        (a.encode("utf-8", "ignore").decode(), b.encode("utf-8", "ignore").decode())
        for a, b in rows
    ]
    made = found_in(rows)
    for later, earlier in whole(made):
        assert later > earlier
        assert set("".join(rows[later])) & set("".join(rows[earlier]))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_slices_cut_no_piece_in_two(pieces):
    keys = np.sort(np.array([p << 28 | n for n, p in enumerate(pieces)], np.uint64))
    before = sketch._SLICE
    sketch._SLICE = 7
    try:
        parts = [part.tolist() for part in sketch._slices(keys)]
    finally:
        sketch._SLICE = before
    assert list(chain.from_iterable(parts)) == keys.tolist()
    ends = [{key >> 28 for key in part} for part in parts]
    assert all(not one & other for one, other in pairwise(ends))


def test_a_text_that_repeats_itself_takes_no_more_room_than_one_that_does_not():
    made = Sketch()
    for n in range(20):
        made.add(f"Pytanie {n}?", "długa odpowiedź klienta sklepu o zwrocie paczki " * 400)
    made.settle()
    assert made.kept < 20 * 60
