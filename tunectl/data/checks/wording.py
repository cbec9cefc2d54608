"""Phrases to look for, in any case of ASCII letters, and their needles.

Folding lowers ASCII letters only. A phrase of another alphabet is therefore looked for in lower
case, with a capital at its beginning, and in capitals.
"""

from __future__ import annotations

import re

from tunectl.data.pattern import regex

_LONG = 7


def forms(phrase: str) -> tuple[str, ...]:
    """The spellings of a phrase that are looked for; of ASCII alone the case does not count."""
    if phrase.isascii():
        return (phrase,)
    first = 1 if phrase[:1].isalpha() else 2
    capital = phrase[:first].upper() + phrase[first:]
    return tuple(dict.fromkeys((phrase, capital, phrase.upper())))


def any_of(phrases: tuple[str, ...], *, start: str = "", end: str = "") -> re.Pattern[str]:
    """A pattern for any of the phrases."""
    every = "|".join(re.escape(form) for phrase in phrases for form in forms(phrase))
    return regex(f"{start}(?:{every}){end}", re.IGNORECASE | re.ASCII)


def stems(phrases: tuple[str, ...]) -> tuple[bytes, ...]:
    """The needles of phrases: of each form a part of which folding knows every letter."""
    found = []
    for phrase in phrases:
        for form in forms(phrase):
            ascii_parts = [form] if form.isascii() else re.findall(r"[ -~]+", form)
            longest = max(ascii_parts, key=len, default="")
            found.append((longest.lower() if len(longest) >= _LONG else _folded(form)).encode())
    return tuple(dict.fromkeys(found))


def _folded(text: str) -> str:
    return "".join(c.lower() if c.isascii() else c for c in text)
