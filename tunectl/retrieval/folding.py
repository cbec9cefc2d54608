"""Words as they are compared: small letters, without the marks that people leave out.

`żółw` and `zolw`, `ёлка` and `елка`, `größe` and `grosse` are the same word. Russian `й` stays: it
is a letter of its own. Both sides, the index and the question, are folded here.

A word that holds a digit is a code: numbers, dates, product and error codes. It counts whole, and
however it is divided: `ZX-4410/B` and `ZX4410B`, `10 000`, `10.000` and `10000`; Cyrillic letters
in one are the Latin ones that look alike, for `К-204` is typed on either keyboard.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_LETTERS = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h",
     "ё": "е"}
)  # fmt: skip
_ALIKE = str.maketrans("авекмнорстух", "abekmhopctyx")
_STRESS = re.compile("[\u0300-\u036f]")
_WORD = re.compile(r"[^\W_]+")
_GROUPED = re.compile(r"(?<![^\W_])\d{1,3}(?:[ .,'\u00a0\u202f]\d{3})+(?![^\W_])")
_CODE = re.compile(r"\S*\d\S*")
_DIVIDER = re.compile(r"[\W_]+")
_LONGEST_CODE = 64  # characters; longer ones are blobs, nobody asks for them


def folded(text: str) -> str:
    """A text with every word in the form it is compared in."""
    plain = unicodedata.normalize("NFKC", text.casefold())
    return _STRESS.sub("", "".join(map(_letter, plain))).translate(_LETTERS)


def _letter(letter: str) -> str:
    if letter < "\u00c0" or "\u0400" <= letter <= "\u052f" or letter > "\u2000":
        return letter
    return unicodedata.normalize("NFD", letter)


def words(text: str) -> list[str]:
    """The folded words of a text in order."""
    return _WORD.findall(folded(text))


def codes(text: str) -> list[str]:
    """The codes in a text, each in one piece, in order and once each."""
    return list(dict.fromkeys(_codes(folded(text))))


def _codes(text: str) -> Iterator[str]:
    for found in _GROUPED.finditer(text):
        yield _DIVIDER.sub("", found.group())
    for found in _CODE.finditer(text):
        compact = _DIVIDER.sub("", found.group()).translate(_ALIKE)
        if 1 < len(compact) <= _LONGEST_CODE:
            yield compact
