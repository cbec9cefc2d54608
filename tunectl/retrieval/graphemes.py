"""Where a text may be cut without tearing a written character apart.

A cut is allowed wherever Unicode (Standard Annex 29, revision for version 16.0, "Grapheme Cluster
Boundaries") allows one, but for a few places where this is more careful: runs of flags and of
conjoining Korean letters are never cut.
"""

from __future__ import annotations

import unicodedata

_JOINERS = "\u200c\u200d"
_VIRAMA = 9  # combining class
_SPACING = frozenset("\u0e33\u0eb3\uff9e\uff9f")  # letters to Unicode's tables, marks to the eye


def cuttable(text: str, at: int) -> bool:
    """Whether a text may be cut before the character at `at`."""
    if not 0 < at < len(text):
        return True
    before, after = text[at - 1], text[at]
    if after < "\u0300" and before < "\u0300":
        return (before, after) != ("\r", "\n") and before != "\u00ad"
    if after in _JOINERS or before in _JOINERS or after in _SPACING:
        return False
    if unicodedata.category(after)[0] == "M" or 0x1F3FB <= ord(after) <= 0x1F3FF:
        return False
    if 0xE0020 <= ord(after) <= 0xE007F or unicodedata.combining(before) == _VIRAMA:
        return False
    if unicodedata.category(before) == "Cf":
        return False
    if _flag(before) and _flag(after):
        return False
    return not (_korean(before) and 0x1100 <= ord(after) <= 0x11FF)


def _flag(letter: str) -> bool:
    return 0x1F1E6 <= ord(letter) <= 0x1F1FF


def _korean(letter: str) -> bool:
    return 0x1100 <= ord(letter) <= 0x11FF or 0xAC00 <= ord(letter) <= 0xD7FF
