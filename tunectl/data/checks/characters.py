"""Characters that do not belong into a text: special tokens, lost, hidden and doubled ones.

Sources: OpenAI's refusal of a file for `<|fim_suffix|>` (2025); Unicode 15, Bidi_Control and
Default_Ignorable; the project's law that text counts by its composed form (NFC).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.checks.texts import texts_of
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex

SPECIAL_TOKEN = Rule(
    name="special-token",
    number="",
    hint="remove the token or break it up",
    reason="providers refuse the whole file for it",
)
LOST_CHARACTER = Rule(
    name="lost-character",
    number="D01",
    hint="fetch the text again from where it was right",
    reason="U+FFFD stands where a letter was lost in a conversion, and would be learned",
)
HIDDEN_CHARACTER = Rule(
    name="hidden-character",
    number="D19",
    hint="remove it: `tunectl dataset fix` lists what it can repair",
    reason="what nobody sees splits words for the model and can hide instructions",
    severity=Severity.WARNING,
    shown=3,
)
NO_BREAK_SPACE = Rule(
    name="no-break-space",
    number="D19",
    hint="write ordinary spaces, or allow it where typography wants it",
    reason="the model learns two different spaces, and answers with both",
    severity=Severity.WARNING,
    shown=1,
)
NOT_COMPOSED = Rule(
    name="not-composed",
    number="D19",
    hint="normalise the text to NFC",
    reason="a letter and its accent as two characters are other tokens than the one letter",
    severity=Severity.WARNING,
    shown=3,
)
# OpenAI answers `Invalid file format. Example N message contains an invalid token`.
_TOKEN = regex(r"<\|[A-Za-z_]+\|>")
_LOST = "\ufffd"
_INVISIBLE = (
    0x00AD,
    *range(0x200B, 0x2010),
    *range(0x202A, 0x202F),
    *range(0x2060, 0x206A),
    0xFEFF,
)
_C1 = (0x7F, *range(0x80, 0xA0))
# Controls but for those that text has or JSON writes short: \b \t \n \f \r.
_C0 = tuple(code for code in range(0x20) if code not in (8, 9, 10, 12, 13))
_HIDDEN = regex(f"[{''.join(map(chr, (*_C0, *_C1, *_INVISIBLE)))}\U000e0000-\U000e007f]")
_JOINERS = "\u200c\u200d"
_DIRECTION = "\u200e\u200f"
_RTL = regex("[\u0590-\u08ff]")
_FLAG = "\U0001f3f4"  # its regions are written in tags, which are hidden characters
_MARK = regex("[\u0300-\u036f]")
_SPACES = regex("[\u00a0\u202f\u2007]")


def _special_token(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        for token in sorted(set(_TOKEN.findall(one.text))):
            yield Finding(f"`{one.path}` holds the special token `{token}`")


def _lost_character(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        if _LOST in one.text:
            yield Finding(f"`{one.path}` holds U+FFFD ({one.text.count(_LOST)} times)")


def _hidden_character(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        found = [m for m in _HIDDEN.finditer(one.text) if not _belongs(one.text, m.start())]
        if found:
            codes = sorted({ord(m[0]) for m in found})
            more = " and others" if len(codes) > 1 else ""
            yield Finding(
                f"`{one.path}` holds the hidden character U+{codes[0]:04X}{more}, "
                f"first at character {found[0].start() + 1}"
            )


def _belongs(text: str, at: int) -> bool:
    """Whether a hidden character does its own work: in emoji, in scripts that join or run left."""
    char = text[at]
    if char in _JOINERS:
        around = (text[at - 1 : at], text[at + 1 : at + 2])
        return all(c and not (c.isspace() or c < "\u0590") for c in around)
    if char in _DIRECTION:
        return _RTL.search(text) is not None
    return ord(char) >= 0xE0000 and _FLAG in text[:at]


def _no_break_space(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        count = len(_SPACES.findall(one.text))
        if count:
            times = "once" if count == 1 else f"{count} times"
            yield Finding(f"`{one.path}` holds a no-break space ({times})")


def _not_composed(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        if _MARK.search(one.text) and not unicodedata.is_normalized("NFC", one.text):
            yield Finding(f"`{one.path}` is not in composed form (NFC)")


def _needles(codes: tuple[int, ...]) -> tuple[bytes, ...]:
    return tuple(chr(code).encode() for code in codes)


RULES = (
    RowRule(SPECIAL_TOKEN, _special_token, (b"<|",)),
    RowRule(LOST_CHARACTER, _lost_character, (_LOST.encode(),)),
    RowRule(
        HIDDEN_CHARACTER,
        _hidden_character,
        # JSON writes controls as \u00XX; tags share their first three bytes.
        (b"\\u00", *_needles((*_C1, *_INVISIBLE)), b"\xf3\xa0\x80", b"\xf3\xa0\x81"),
    ),
    RowRule(NO_BREAK_SPACE, _no_break_space, _needles((0xA0, 0x202F, 0x2007))),
    # Lead bytes of the combining marks U+0300 to U+036F: those of Latin and Cyrillic.
    RowRule(NOT_COMPOSED, _not_composed, (b"\xcc", b"\xcd")),
)
