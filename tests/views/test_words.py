"""The difference of two texts by words: nothing is lost, and what stays the same is folded."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tunectl.views.paint import PLAIN
from tunectl.views.words import CONTEXT, marked_lines, unfolded, word_diff

WORDS = st.sampled_from(
    ["żółw", "Где", "paczka", "{{ x }}", ",", " ", "  ", "\n", "a-b", "e\u0301"]
)
TEXTS = st.one_of(st.text(max_size=60), st.lists(WORDS, max_size=30).map("".join))


def shown(before, after):
    return "\n".join(marked_lines(word_diff(before, after), PLAIN))


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_the_difference(before, after):
    for pieces in (unfolded(before, after), word_diff(before, after)):
        assert "".join(p.text for p in pieces if p.op != "added") == before
        assert "".join(p.text for p in pieces if p.op != "removed") == after


@given(TEXTS, TEXTS)
def test_neighbours_are_never_alike(before, after):
    pieces = unfolded(before, after)
    assert all(one.op != other.op for one, other in pairwise(pieces))


@given(TEXTS)
def test_equal_texts_have_no_difference(text):
    assert {piece.op for piece in word_diff(text, text)} <= {"same", "folded"}


def test_polish_and_russian_words_are_words():
    said = shown("Jesteś pomocnikiem sklepu «Żółw».", "Jesteś doradcą sklepu «Żółw».")
    assert said == "Jesteś [-pomocnikiem-]{+doradcą+} sklepu «Żółw»."
    said = shown("Отвечай кратко и вежливо.", "Отвечай вежливо.")
    assert said == "Отвечай[- кратко и-] вежливо."


def test_a_word_of_composed_and_one_of_combined_letters_are_whole():
    assert shown("dzien\u0301 dobry", "dzień dobry") == "[-dzien\u0301-]{+dzień+} dobry"


def test_changes_that_only_a_space_parts_are_one():
    assert shown("a b c d", "a X Y d") == "a [-b c-]{+X Y+} d"


def test_long_unchanged_stretches_are_folded_with_some_words_around_a_change():
    text = " ".join(f"słowo{n}" for n in range(100))
    pieces = word_diff(text, text.replace("słowo50", "inne"))
    assert [p.op for p in pieces] == ["folded", "same", "removed", "added", "same", "folded"]
    assert len(pieces[1].text.split()) == len(pieces[4].text.split()) == CONTEXT
    assert shown(text, text.replace("słowo50", "inne")).count("…") == 2


def test_an_added_line_stands_on_a_line_of_its_own():
    said = shown("pierwsza\ntrzecia\n", "pierwsza\nдругая\ntrzecia\n")
    assert said.split("\n") == ["pierwsza", "{+другая+}", "trzecia", ""]


def test_a_line_break_alone_is_seen():
    assert shown("a b", "a\nb").split("\n") == ["a[- -]{+¶+}", "b"]


def test_a_text_that_is_wholly_new_is_not_compared_word_by_word():
    before = " ".join(map(str, range(3000)))
    after = " ".join(map(str, range(5000, 8000)))
    assert [piece.op for piece in word_diff(before, after)] == ["removed", "added"]


def test_a_fold_does_not_cut_through_a_tag_of_a_template():
    rest = '{% include "prompts/part.md.j2" %}\n'
    before = f"Jesteś pomocnikiem. Odpowiadaj krótko i po polsku.\n{rest}"
    after = before.replace("pomocnikiem", "doradcą")
    [line, more] = marked_lines(word_diff(before, after), PLAIN)[:2]
    assert line == "Jesteś [-pomocnikiem-]{+doradcą+}. Odpowiadaj krótko i po polsku."
    assert more == "…"
