"""Letters that were read in a wrong encoding, or come from another alphabet than their word.

Text in UTF-8 that was once read as cp1252, cp1250, cp1251 or Latin-1 shows each letter as two or
three odd ones. The forms of the letters of Polish, Russian and the West European languages and of
ordinary punctuation are known exactly; only they are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.checks.texts import texts_of
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex

GARBLED_TEXT = Rule(
    name="garbled-text",
    number="D18",
    hint="read the original as UTF-8, or undo it: `text.encode(ENCODING).decode('utf-8')`",
    reason="text read in a wrong encoding teaches letters that no word has",
    severity=Severity.WARNING,
)
MIXED_ALPHABET = Rule(
    name="mixed-alphabet",
    number="D19",
    hint="write the word with the letters of one alphabet",
    reason="a Latin letter in a Cyrillic word looks right and is another word to the model",
    severity=Severity.WARNING,
    shown=3,
)
_POLISH = "ąćęłńóśźżĄĆĘŁŃÓŚŹŻ"
_WEST = "äöüßéèêëàâçñíúáÄÖÜÉÈÀÇÑÍÚÁåÅøØæÆîïôùûœ"
_MARKS = "–—‘’‚“”„…•€°§№«»\u00a0"
_RUSSIAN = "".join(map(chr, range(0x0410, 0x0450))) + "Ёё"
# Of Russian read as cp1251 every letter becomes `Р` or `С` and a mark. One such pair may stand in
# good text (`СССР»`), two in a row do not.
_READ_AS = (
    ("cp1252", _POLISH + _WEST + _MARKS + _RUSSIAN, 1),
    ("cp1250", _POLISH + _WEST + _MARKS + _RUSSIAN, 1),
    ("latin-1", _POLISH + _WEST + _MARKS + _RUSSIAN, 1),
    ("cp1251", _RUSSIAN, 2),
    ("cp1251", _POLISH + _WEST + _MARKS, 1),
)


def _misread(letter: str, encoding: str) -> str:
    """How a letter in UTF-8 looks when it is read in another encoding.

    Bytes that stand for nothing there become C1 controls, as browsers do it.
    """
    return letter.encode().decode("latin-1").translate(_read_as(encoding))


@cache
def _read_as(encoding: str) -> dict[int, str]:
    """Return the letter of each byte; a thousand are looked up before any row is checked."""
    every = range(256)
    return {byte: bytes([byte]).decode(encoding, "ignore") or chr(byte) for byte in every}


@cache
def _forms() -> list[tuple[str, re.Pattern[str]]]:
    found = []
    for encoding, letters, least in _READ_AS:
        forms = sorted({_misread(one, encoding) for one in letters}, key=len, reverse=True)
        any_of = "|".join(map(re.escape, forms))
        found.append((encoding, regex(f"(?:{any_of}){{{least},}}")))
    return found


def _garbled_text(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        for encoding, forms in _forms():
            found = forms.search(one.text)
            if found is not None:
                yield Finding(
                    f"`{one.path}` was read as {encoding} instead of UTF-8 "
                    f"(first at character {found.start() + 1})"
                )
                break


def _garbled_needles() -> tuple[bytes, ...]:
    forms = {_misread(one, encoding) for encoding, letters, _ in _READ_AS for one in letters}
    return tuple(sorted(form.encode() for form in forms))


_LATIN_TWINS = "aceopxyijsABCEHKMOPTXYIJS"
_CYRILLIC_TWINS = "асеорхуіјѕАВСЕНКМОРТХУІЈЅ"
# Letters of the two alphabets and nothing between them: so one of each stand side by side.
_WORD = regex("[A-Za-z\u0400-\u04ff]+")
_LATIN = regex("[A-Za-z]")
_CYRILLIC = regex("[\u0400-\u04ff]")
_TAIL = regex("[A-Z]{2,}[\u0400-\u04ff]+|[\u0400-\u04ff]+[A-Z]{2,}")


def _mixed_alphabet(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        for word in _WORD.finditer(one.text):
            if _is_mixed(word[0]):
                at = word.start() + 1
                yield Finding(
                    f"`{one.path}` has Latin and Cyrillic letters in one word (character {at})"
                )
                break


def _is_mixed(word: str) -> bool:
    """Whether a word is spelled with twins of another alphabet; `SMSка` is not."""
    latin, cyrillic = _LATIN.findall(word), _CYRILLIC.findall(word)
    if not latin or not cyrillic or len(word) < 3 or _TAIL.fullmatch(word):
        return False
    return set(latin) <= set(_LATIN_TWINS) or set(cyrillic) <= set(_CYRILLIC_TWINS)


def _mixed_needles() -> tuple[bytes, ...]:
    """A Latin letter and the first byte of a Cyrillic one, or a Cyrillic letter and a Latin one."""
    latin = sorted({letter.lower().encode() for letter in _LATIN_TWINS})
    cyrillic = [chr(code).encode() for code in range(0x0400, 0x0460)]
    twins = [letter.encode() for letter in _CYRILLIC_TWINS]
    every = [bytes([code]) for code in range(ord("a"), ord("z") + 1)]
    return (
        *(one + lead for one in latin for lead in (b"\xd0", b"\xd1", b"\xd2", b"\xd3")),
        *(one + letter for one in cyrillic for letter in latin),
        *(one + letter for one in twins for letter in every),
        *(letter + one for one in twins for letter in every),
    )


RULES = (
    RowRule(GARBLED_TEXT, _garbled_text, _garbled_needles()),
    RowRule(MIXED_ALPHABET, _mixed_alphabet, tuple(dict.fromkeys(_mixed_needles()))),
)
