"""Taking the middle out of a text that is too long, so that its two ends still read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

_SHORTEST = 8  # characters that stay, beside what says that some are gone
_NEAR = 24  # a cut moves at most so far, to stand between words
_ENTITY = re.compile(r"&(?:amp|lt|gt)?\Z")


def without_middle(text: str, fits: Callable[[str], bool]) -> tuple[str, int] | None:
    """Return the longest text of a beginning and an end that fits, and how many characters went.

    Cuts stand between words where one is near, never within a character made of several code
    points nor within an escaped sign.

    Args:
        text: any text.
        fits: whether a text is short enough.

    Returns:
        None when even a few characters are too many.
    """
    low, high = _SHORTEST, len(text) - 1
    best: tuple[str, int] | None = None
    while low <= high:
        most = (low + high) // 2
        tried, gone = _cut(text, most)
        if fits(tried):
            best, low = (tried, gone), most + 1
        else:
            high = most - 1
    return best


def without_middles(
    texts: Mapping[str, str], fits: Callable[[Mapping[str, str]], bool]
) -> tuple[Mapping[str, str], int] | None:
    """Return named texts of which the longest lost their middles, and how many characters went.

    All that are cut are cut to about one length, so that the short ones stay whole.

    Args:
        texts: any texts by their names.
        fits: whether they are short enough together.

    Returns:
        None when even a few characters of each are too many.
    """
    low, high = _SHORTEST, max(map(len, texts.values()), default=0) - 1
    best: tuple[Mapping[str, str], int] | None = None
    while low <= high:
        most = (low + high) // 2
        cuts = {name: _cut_if_long(text, most) for name, text in texts.items()}
        tried = {name: text for name, (text, _) in cuts.items()}
        if fits(tried):
            best, low = (tried, sum(gone for _, gone in cuts.values())), most + 1
        else:
            high = most - 1
    return best


def _cut_if_long(text: str, most: int) -> tuple[str, int]:
    if len(text) <= most:
        return text, 0
    cut, gone = _cut(text, most)
    return (cut, gone) if len(cut) < len(text) else (text, 0)


def _cut(text: str, most: int) -> tuple[str, int]:
    head = _end_of_head(text, most - most // 2)
    tail = max(head, _start_of_tail(text, len(text) - most // 2))
    gone = tail - head
    return f"{text[:head].rstrip()}\n[… {gone} characters left out …]\n{text[tail:]}", gone


def _end_of_head(text: str, at: int) -> int:
    for end in range(at, max(0, at - _NEAR), -1):
        if text[end].isspace():
            return end
    if found := _ENTITY.search(text[max(0, at - 4) : at]):
        at -= len(found.group())
    while at and _joined(text, at):
        at -= 1
    return at


def _start_of_tail(text: str, at: int) -> int:
    near = range(at, min(len(text), at + _NEAR))
    at = next((start for start in near if text[start].isspace()), at)
    if _ENTITY.search(text[max(0, at - 4) : at]) and (end := text.find(";", at, at + 5)) >= 0:
        at = end + 1
    while at < len(text) and (text[at].isspace() or _joined(text, at)):
        at += 1
    return at


def _joined(text: str, at: int) -> bool:
    """Whether a character belongs to the one before it."""
    character = text[at]
    return (
        unicodedata.category(character).startswith("M")
        or character == "\u200d"
        or text[at - 1] == "\u200d"
        or "\U0001f3fb" <= character <= "\U0001f3ff"
    )
