"""Documents cut into passages.

Laws: a passage is a piece of the text, from `start` to `end`, as it stands there; it never reaches
over a heading; it ends where a paragraph ends if that is past its half, else where a sentence
does, else between words, and in a word too long for a passage between characters, never within
one; the same text and settings give the same passages; every character that is not white space,
and not in a heading or front matter, is in one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunectl.retrieval import tokens
from tunectl.retrieval.document import Document, Settings
from tunectl.retrieval.graphemes import cuttable
from tunectl.retrieval.outline import Outline, Section, outline

_PARAGRAPH = re.compile(r"\n[^\S\n]*\n\s*")
_SENTENCE = re.compile(r"\n\s*|(?<=[.!?…])[\"'”»’)\]]*\s+|(?<=[。！？])")
_WORD = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One passage to be.

    Attributes:
        text: what stands in the document from `start` to `end`; of an HTML page, in its text.
        title: the headings above it.
        start: in characters.
        end: in characters.
    """

    text: str
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Atom:
    start: int
    end: int
    tokens: int
    closes: bool  # a paragraph


def chunks(document: Document, settings: Settings) -> Iterator[Chunk]:
    """Yield the passages of a document in order."""
    found = outline(document)
    if settings.size is None:
        start, end = _trimmed(found.text, found.start, len(found.text))
        if start < end:
            yield Chunk(found.text[start:end], found.title, start, end)
        return
    for section in found.sections():
        yield from _packed(found, section, settings.size, settings.overlap)


def _packed(found: Outline, section: Section, size: int, overlap: int) -> Iterator[Chunk]:
    atoms = list(_atoms(found.text, section.start, section.end, size))
    first = 0
    while first < len(atoms):
        last = _fitting(atoms, first, size)
        start, end = atoms[first].start, atoms[last - 1].end
        yield Chunk(found.text[start:end], section.title, start, end)
        if last == len(atoms):
            return
        first = _repeated(atoms, first, last, size, overlap)


def _fitting(atoms: Sequence[_Atom], first: int, size: int) -> int:
    """Return the end of the longest run that fits, or of its last paragraph past the half."""
    total, last, paragraph = 0, first, first
    while last < len(atoms) and (last == first or total + atoms[last].tokens <= size):
        total += atoms[last].tokens
        last += 1
        if atoms[last - 1].closes and total * 2 >= size:
            paragraph = last
    return paragraph if last < len(atoms) and paragraph > first else last


def _repeated(atoms: Sequence[_Atom], first: int, last: int, size: int, overlap: int) -> int:
    """Return where the next passage begins: at most `overlap` tokens before `last`."""
    room = min(overlap, size - atoms[last].tokens)
    again = last
    while again - 1 > first and atoms[again - 1].tokens <= room:
        room -= atoms[again - 1].tokens
        again -= 1
    return again


def _atoms(text: str, start: int, end: int, size: int) -> Iterator[_Atom]:
    """Yield sentences; words where a sentence is longer than a passage; pieces of longer words."""
    for paragraph in _split(text, start, end, _PARAGRAPH):
        for sentence in _split(text, *paragraph, _SENTENCE):
            closes = sentence[1] == paragraph[1]
            if (total := tokens.count(text[slice(*sentence)])) <= size:
                yield _Atom(*sentence, total, closes)
                continue
            for word in _split(text, *sentence, _WORD):
                for piece in _pieces(text, *word, size):
                    total = tokens.count(text[slice(*piece)])
                    yield _Atom(*piece, total, closes and piece[1] == paragraph[1])


def _pieces(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield a word, or where it is too long for a passage pieces that are not."""
    while (fits := tokens.fitting(text, start, end, size)) < end:
        cut = next((at for at in range(fits, start, -1) if cuttable(text, at)), None)
        if cut is None:  # one character that is longer than a passage stays whole
            cut = next((at for at in range(fits + 1, end) if cuttable(text, at)), end)
        yield start, cut
        start = cut
    if start < end:
        yield start, end


def _split(text: str, start: int, end: int, border: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Yield what stands between borders, without white space around it."""
    at = start
    for found in border.finditer(text, start, end):
        if not cuttable(text, found.end()) or _wrapped(text, found):
            continue
        kept = _trimmed(text, at, found.end())
        if kept[0] < kept[1]:
            yield kept
        at = found.end()
    kept = _trimmed(text, at, end)
    if kept[0] < kept[1]:
        yield kept


def _wrapped(text: str, border: re.Match[str]) -> bool:
    """Whether a line break is only where an editor broke a line: a small letter comes next."""
    return border.group().startswith("\n") and text[border.end() : border.end() + 1].islower()


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip())
    last = end - (len(piece) - len(piece.rstrip()))
    while first > start and not cuttable(text, first):
        first -= 1
    while last < end and not cuttable(text, last):
        last += 1
    return first, last
