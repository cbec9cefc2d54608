"""Which rows changed, from marks alone."""

import random
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.plan import RowDelta
from tunectl.data.dataset import DataSpec, read
from tunectl.data.diff import marks_from_bytes, marks_to_bytes, row_diff
from tunectl.data.marks import RowMark
from tunectl.data.wording import word_diff


def marks(letters, split="train"):
    return [RowMark(f"{ord(c):016x}", split, "a.jsonl", n) for n, c in enumerate(letters, 1)]


def delta(split, added, removed, changed, *lines):
    return RowDelta(split=split, added=added, removed=removed, changed=changed, lines=lines)


def only(old, new):
    [found] = row_diff(marks(old), marks(new))
    return found


def test_equal_marks_have_no_difference():
    assert row_diff(marks("abc"), marks("abc")) == ()


def test_one_changed_answer_is_one_changed_row_with_its_place(folder, chat, jsonl):
    rows = [chat(f"q{n}", "a") for n in range(500)]
    path = folder / "rows.jsonl"
    path.write_text(jsonl(rows), encoding="utf-8")
    old, _ = read(DataSpec(source="rows.jsonl"), folder)
    stored = marks_from_bytes(marks_to_bytes(old.marks))
    rows[321] = chat("q321", "b")
    path.write_text(jsonl(rows), encoding="utf-8")
    new, _ = read(DataSpec(source="rows.jsonl"), folder)
    assert row_diff(stored, new.marks) == (delta("train", 0, 0, 1, "rows.jsonl:322"),)


def test_rows_added_at_the_end_are_added():
    assert only("abc", "abcde") == delta("train", 2, 0, 0, "a.jsonl:4", "a.jsonl:5")


def test_rows_added_in_the_middle_change_no_other():
    assert only("abcd", "abxcd") == delta("train", 1, 0, 0, "a.jsonl:3")


def test_a_removed_row_is_removed():
    assert only("abcd", "acd") == delta("train", 0, 1, 0)


def test_a_row_edited_beside_an_added_one():
    assert only("abcd", "abxyd") == delta("train", 1, 0, 1, "a.jsonl:3", "a.jsonl:4")


def test_a_row_moved_to_another_place_is_changed_alone():
    assert only("abcdef", "bcdefa") == delta("train", 0, 0, 1, "a.jsonl:6")


def test_reversed_rows_all_but_one_moved():
    made = only("abcde", "edcba")
    assert (made.added, made.removed, made.changed) == (0, 0, 4)


def test_a_dropped_copy_of_a_repeated_row_is_removed():
    assert only("aaab", "aab") == delta("train", 0, 1, 0)


def test_splits_are_told_apart_and_a_row_that_changes_its_split_is_both():
    old = [*marks("abc"), *marks("x", "validation")]
    new = [*marks("ab"), *marks("xc", "validation"), *marks("t", "test")]
    assert row_diff(old, new) == (
        delta("train", 0, 1, 0),
        delta("validation", 1, 0, 0, "a.jsonl:2"),
        delta("test", 1, 0, 0, "a.jsonl:1"),
    )


def test_a_split_that_is_gone_is_all_removed():
    assert row_diff(marks("abc"), ()) == (delta("train", 0, 3, 0),)


def test_at_most_twenty_places_are_named():
    made = only("", "".join(chr(200 + n) for n in range(30)))
    assert (made.added, len(made.lines)) == (30, 20)


def test_a_hundred_thousand_rows_in_any_order_are_compared_in_n_log_n_steps():
    old = [RowMark(f"{n:016x}", "train", "a", n) for n in range(100_000)]
    new = old[:]
    random.Random(1).shuffle(new)
    [made] = row_diff(old, new)
    assert (made.added, made.removed) == (0, 0)
    assert 98_000 < made.changed < 100_000
    [same] = row_diff([RowMark("0" * 16, "train")] * 100_000, [RowMark("0" * 16, "train")] * 99_999)
    assert same.removed == 1


letters = st.text("abcdef", max_size=12)


@given(letters, letters)
def test_the_counts_always_add_up(old, new):
    deltas = row_diff(marks(old), marks(new))
    if old == new:
        assert deltas == ()
        return
    [made] = deltas
    assert len(old) - made.removed + made.added == len(new)
    assert made.added + made.removed + made.changed > 0
    surely_gone = sum((Counter(old) - Counter(new)).values())
    surely_new = sum((Counter(new) - Counter(old)).values())
    assert made.removed <= surely_gone
    assert made.added <= surely_new
    assert made.changed + made.added >= surely_new
    assert len(made.lines) == made.changed + made.added


@given(letters, st.integers(0, 12), st.sampled_from("xyz"))
def test_one_inserted_row_is_one_added_row(old, at, letter):
    at = min(at, len(old))
    made = only(old, old[:at] + letter + old[at:])
    assert (made.added, made.removed, made.changed) == (1, 0, 0)
    assert made.lines == (f"a.jsonl:{at + 1}",)


@given(letters.filter(bool), st.integers(0, 11), st.sampled_from("xyz"))
def test_one_replaced_row_is_one_changed_row(old, at, letter):
    at = min(at, len(old) - 1)
    made = only(old, old[:at] + letter + old[at + 1 :])
    assert (made.added, made.removed, made.changed) == (0, 0, 1)


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.sampled_from(["train", "walidacja", "test"])))
)
def test_marks_are_stored_and_read_back_without_places(pairs):
    made = [RowMark(f"{hash_:016x}", split, "plik.jsonl", 7) for hash_, split in pairs]
    stored = marks_from_bytes(marks_to_bytes(made))
    assert [(m.hash, m.split) for m in stored] == [(m.hash, m.split) for m in made]
    assert marks_to_bytes(stored) == marks_to_bytes(made)


def keyed(pairs, split="train"):
    return [
        RowMark(f"{ord(content):016x}", split, "a.jsonl", n, f"{ord(key):016x}")
        for n, (key, content) in enumerate(pairs, 1)
    ]


def only_keyed(old, new):
    [found] = row_diff(keyed(old), keyed(new))
    return found


def test_with_keys_an_edited_row_that_moved_is_changed_and_not_added_and_removed():
    old = [("1", "a"), ("2", "b"), ("3", "c")]
    assert only_keyed(old, [("3", "c"), ("1", "x"), ("4", "d")]) == delta(
        "train", 1, 1, 1, "a.jsonl:2", "a.jsonl:3"
    )


def test_with_keys_rows_that_only_moved_are_told_as_changed():
    made = only_keyed([("1", "a"), ("2", "b")], [("2", "b"), ("1", "a")])
    assert (made.added, made.removed, made.changed) == (0, 0, 1)


@given(st.lists(st.tuples(st.sampled_from("1234"), st.sampled_from("ab")), max_size=8), st.data())
def test_with_keys_the_counts_add_up(old, data):
    new = data.draw(st.permutations(old))
    new = [(key, data.draw(st.sampled_from("abc"))) for key, _ in new]
    for made in row_diff(keyed(old), keyed(new)):
        assert (made.added, made.removed) == (0, 0)
        assert 0 < made.changed <= len(new)


def test_keys_are_read_from_the_rows_stored_and_compared(folder, chat, jsonl):
    rows = [chat(f"q{n}", "a", nr=n, klient="x") for n in range(50)]
    spec = DataSpec(source="rows.jsonl", keys=("klient", "nr"), strip=("nr", "klient"))

    def current():
        (folder / "rows.jsonl").write_text(jsonl(rows), encoding="utf-8")
        dataset, problems = read(spec, folder)
        assert dataset is not None, problems
        return dataset.marks

    old = current()
    stored = marks_from_bytes(marks_to_bytes(old))
    assert [mark.key for mark in stored] == [mark.key for mark in old]
    assert len({mark.key for mark in stored}) == 50
    assert marks_to_bytes(stored) == marks_to_bytes(old)
    rows[7] = chat("inne pytanie", "b", nr=7, klient="x")
    rows.insert(0, rows.pop(7))
    assert row_diff(stored, current()) == (delta("train", 0, 0, 1, "rows.jsonl:1"),)


def test_without_keys_the_stored_form_is_that_of_the_first_release():
    assert marks_to_bytes(marks("ab")) == (
        b'tunectl-marks 1 ["train"]\n0000000000000061 0\n0000000000000062 0\n'
    )


@given(st.text(max_size=30), st.text(max_size=30))
def test_a_word_diff_holds_both_texts(old, new):
    pieces = word_diff(old, new)
    assert "".join(text for sign, text in pieces if sign != "+") == old
    assert "".join(text for sign, text in pieces if sign != "-") == new
    assert all(text for _, text in pieces)


def test_a_word_diff_shows_the_words_that_changed():
    assert word_diff("Paczka dotrze jutro.", "Paczka dotrze w środę.") == (
        (" ", "Paczka dotrze "),
        ("-", "jutro"),
        ("+", "w środę"),
        (" ", "."),
    )


def test_very_long_texts_are_compared_by_lines():
    lines = [f"wiersz numer {n} ma kilka słów\n" for n in range(900)]
    other = [*lines[:500], "nowy wiersz\n", *lines[501:]]
    assert word_diff("".join(lines), "".join(other))[1:3] == (
        ("-", lines[500]),
        ("+", "nowy wiersz\n"),
    )
