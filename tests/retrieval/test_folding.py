"""Words and codes as they are compared, and questions that break no syntax."""

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.retrieval.folding import codes, folded, words
from tunectl.retrieval.keywords import terms
from tunectl.retrieval.schema import SCHEMA


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("zolw", "Żółw"),
        ("ZAZOLC GESLA JAZN", "zażółć gęślą jaźń"),
        ("елка", "Ёлка"),
        ("замок", "за́мок"),
        ("grosse", "Größe"),
        ("cafe\u0301", "café"),
        ("ﬁnal", "final"),
    ],
)
def test_marks_that_people_leave_out_make_no_difference(typed, meant):
    assert folded(typed) == folded(meant)


def test_russian_short_i_is_a_letter_of_its_own():
    assert folded("йод") != folded("иод")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ZX-4410/B", "zx4410b"),
        ("10 000", "10000"),
        ("12.500", "12\u00a0500"),
        ("+48-22-555-01-37", "48225550137"),
        ("ошибка К-204", "K204"),  # Cyrillic and Latin
        ("E-17,", "(е17)"),
    ],
)
def test_a_code_is_the_same_however_it_is_divided(one, other):
    assert set(codes(one)) & set(codes(other))


def test_a_text_without_digits_has_no_codes():
    assert codes("Zwrot towaru, prosto i szybko.") == []


def test_long_words_are_asked_for_by_their_beginning_and_numbers_whole():
    assert terms("pieniądze 400 zł") == [
        '{title text} : "pieni"*',
        '{title text} : "400"',
        'codes : "400"',
    ]


def test_a_long_question_keeps_its_first_and_its_last_words():
    asked = " ".join(f"slowo{chr(97 + n % 26)}{chr(97 + n // 26)}x" for n in range(300))
    assert len(terms(asked)) <= 64
    many = " ".join(chr(97 + n % 26) * 3 + chr(97 + n // 26) * 2 for n in range(300))
    found = terms(many)
    assert len(found) == 64
    assert (found[0], found[-1]) == ('{title text} : "aaaaa"*', '{title text} : "nnnll"*')


@pytest.fixture(scope="module")
def table():
    database = sqlite3.connect(":memory:")
    database.executescript(SCHEMA)
    database.execute("INSERT INTO words VALUES ('tytuł', 'jakiś tekst NEAR AND OR', 'e17')")
    yield database
    database.close()


@given(st.text(max_size=60))
def test_no_question_breaks_the_query(table, question):
    parts = terms(question)
    if parts:
        table.execute("SELECT count(*) FROM words WHERE words MATCH ?", (" OR ".join(parts),))


SYNTAX = [
    '"', "'", "*", "(", ")", ":", "^", "-", "+", "NEAR(", "AND", "OR", "NOT", "{title}", "codes:",
    "\0", "\ud800", "kot", "17", "ё",
]  # fmt: skip


@given(st.lists(st.sampled_from(SYNTAX)))
def test_no_syntax_breaks_the_query(table, pieces):
    parts = terms(" ".join(pieces))
    if parts:
        table.execute("SELECT count(*) FROM words WHERE words MATCH ?", (" OR ".join(parts),))


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once(text):
    assert words(" ".join(words(text))) == words(text)
