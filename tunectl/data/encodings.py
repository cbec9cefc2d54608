"""Guessing in which encoding a file that is not UTF-8 was written: for hints only."""

from __future__ import annotations

_POLISH = "ąćęłńóśźż"
_RUSSIAN = "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё"
_FRENCH_GERMAN = "äöüßéèàçêñ"
_CANDIDATES = (
    ("cp1250", _POLISH),
    ("cp1251", _RUSSIAN),
    ("iso8859_2", _POLISH),
    ("koi8_r", _RUSSIAN),
    ("cp866", _RUSSIAN),
    ("cp1252", _FRENCH_GERMAN),
)


def guess_encoding(sample: bytes) -> str:
    """The legacy encoding in which most non-ASCII bytes are letters one expects; "" if none.

    Frequent lower-case letters of Polish, Russian and West European text are counted; the first
    of equals wins.
    """
    high = bytes(b for b in sample if b >= 0x80)
    best, most = "", 0
    for name, letters in _CANDIDATES:
        hits = sum(c in letters for c in high.decode(name, "replace"))
        if hits > most:
            best, most = name, hits
    return best if 2 * most >= len(high) else ""


def wide_encoding(head: bytes) -> str:
    """`UTF-16` or `UTF-32` when a file's first bytes say so, else ""."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "UTF-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "UTF-16"
    sample = head[:256]
    if len(sample) >= 4 and not sample.isspace():
        even, odd = sample[::2], sample[1::2]
        if even.count(0) > 0.6 * len(even) and not odd.count(0):
            return "UTF-16"
        if odd.count(0) > 0.6 * len(odd) and not even.count(0):
            return "UTF-16"
    return ""
