"""In which legacy encoding a text was written, where that is certain.

Law: an encoding is certain when nearly all of the bytes above ASCII are letters of one language
in it, hardly any is something else, and every other encoding that would give another text fits
clearly worse. Cyrillic letters stand in runs and Latin letters with marks stand alone: an encoding
of the wrong script is out. Languages: Polish, Russian, German, French. Little text is not enough.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import field
from functools import cache

from tunectl.core.dataclass import dataclass

_POLISH = "ąćęłńóśźż"
_RUSSIAN = "абвгдеёжзийклмнопрстуфхцчшщъыьэюя"
_WESTERN = "äöüßéèàçêâîôûëïùœñ"
_CANDIDATES = (
    ("cp1250", _POLISH),
    ("iso8859_2", _POLISH),
    ("cp852", _POLISH),
    ("cp1251", _RUSSIAN),
    ("koi8_r", _RUSSIAN),
    ("cp866", _RUSSIAN),
    ("iso8859_5", _RUSSIAN),
    ("cp1252", _WESTERN),
)
# Punctuation of any language says nothing about the encoding.
_NEUTRAL = frozenset("„”“‘’‚«»–—…•§°№\u00a0\u00ad€")
_LEAST_BYTES = 6
_LEAST_FIT = 0.9
_MOST_OTHERS = 0.01
_LEAST_MARGIN = 0.12
# What a capital counts of a letter: they are rarer, and Cyrillic encodings differ just in them.
_CAPITAL = {_POLISH: 0.8, _WESTERN: 0.8, _RUSSIAN: 0.5}
_CYRILLIC_RUN = 2.5  # letters in a row, on average
_RUN = re.compile(rb"[\x80-\xff]+")


@dataclass(slots=True)
class Evidence:
    """What the lines that are not UTF-8 hold: how often each byte, and in how many runs."""

    counts: Counter[int] = field(default_factory=Counter)
    runs: int = 0

    def take(self, line: bytes) -> None:
        """Count one more line."""
        found = _RUN.findall(line)
        self.runs += len(found)
        self.counts.update(b"".join(found))


@dataclass(frozen=True, slots=True)
class Verdict:
    """An encoding, or why there is none that is certain.

    Attributes:
        encoding: Python's name; empty when it is not certain.
        reason: for people.
    """

    encoding: str
    reason: str


def legacy_encoding(evidence: Evidence) -> Verdict:
    """The encoding of a text by the bytes above ASCII in it."""
    counts = evidence.counts
    total = counts.total()
    if total < _LEAST_BYTES:
        return Verdict("", f"too few bytes above ASCII tell it ({total})")
    cyrillic = total / evidence.runs >= _CYRILLIC_RUN
    fits = [
        (_fit(name, letters, counts), name)
        for name, letters in _CANDIDATES
        if (letters is _RUSSIAN) == cyrillic
    ]
    best, name = max(fits, key=lambda one: one[0])
    if best < _LEAST_FIT:
        return Verdict("", "its letters fit no encoding of Polish, Russian or Western text")
    text = _read(name, counts)
    others = [(fit, other) for fit, other in fits if _read(other, counts) != text]
    second, rival = max(others, default=(0.0, ""))
    if best - second < _LEAST_MARGIN:
        return Verdict("", f"it may be {name} or {rival}")
    return Verdict(name, f"{best:.0%} of the bytes above ASCII are its letters")


def _fit(name: str, letters: str, counts: Counter[int]) -> float:
    """The share of expected letters; 0 when there is too much of something else."""
    table = _table(name)
    hits = all_ = others = 0.0
    for byte, times in counts.items():
        char = table[byte]
        if char in _NEUTRAL:
            continue
        all_ += times
        if char in letters:
            hits += times
        elif char.lower() in letters:
            hits += times * _CAPITAL[letters]
        elif letters is _RUSSIAN or not char.isalpha():
            others += times
    return hits / all_ if all_ and others <= _MOST_OTHERS * all_ else 0.0


def _read(name: str, counts: Counter[int]) -> str:
    """What the bytes that occur are in an encoding."""
    return "".join(_table(name)[byte] for byte in sorted(counts))


@cache
def _table(name: str) -> str:
    return "".join(bytes([byte]).decode(name, "replace") for byte in range(256))
