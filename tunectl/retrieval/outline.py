"""A document's text and the headings in it, as Markdown, HTML or plain text has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tunectl.retrieval.document import HTML, MARKDOWN, Document

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_NO_TITLE = re.compile(r" {0,3}(?:[-*+>|]|\d+[.)])(?:\s|$)| {4}|\t")
_FRONT = re.compile(r"\A\ufeff?---[ \t]*\r?\n(.*?\r?\n)(?:---|\.\.\.)[ \t]*(?:\r?\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Heading:
    """One heading.

    Attributes:
        level: 1 is the outermost.
        start: where its line begins, in characters of the text.
        end: where its line ends, the line break not counted.
    """

    level: int
    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Section:
    """What stands between two headings.

    Attributes:
        title: the headings above it, outermost first, joined by ` > `.
        start: where it begins, in characters of the text.
        end: where it ends.
    """

    title: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Outline:
    """A text to cut up: the document's own, or what an HTML page shows."""

    text: str
    headings: tuple[Heading, ...] = ()
    title: str = ""
    start: int = 0

    def sections(self) -> Iterator[Section]:
        """Yield what stands under each heading, in order.

        A heading with nothing under it is in the titles of what is below it; where nothing is,
        its own line is the section.
        """
        above: list[Heading] = []
        first = self.headings[0].start if self.headings else len(self.text)
        if self.text[self.start : first].strip():
            yield Section(self.title, self.start, first)
        for at, heading in enumerate(self.headings):
            above = [*(h for h in above if h.level < heading.level), heading]
            following = self.headings[at + 1] if at + 1 < len(self.headings) else None
            end = following.start if following else len(self.text)
            if self.text[heading.end : end].strip():
                yield Section(self._path(above), heading.end, end)
            elif following is None or following.level <= heading.level:
                yield Section(self._path(above[:-1]), heading.start, heading.end)

    def _path(self, headings: list[Heading]) -> str:
        names = [self.title, *(h.title for h in headings)]
        return " > ".join(dict.fromkeys(name for name in names if name))


def outline(document: Document) -> Outline:
    """Find the headings of a document."""
    if document.format_name == HTML:
        from tunectl.retrieval.html_text import html_outline

        return html_outline(document.text, document.title)
    if document.format_name == MARKDOWN:
        return _markdown(document.text, document.title)
    return Outline(document.text, title=document.title)


def _markdown(text: str, title: str) -> Outline:
    start, front = 0, _FRONT.match(text)
    if front is not None:
        start = front.end()
        named = _FRONT_TITLE.search(front.group(1))
        title = title or (named.group(1).strip("\"'") if named else "")
    return Outline(text, tuple(_markdown_headings(text, start)), title, start)


def _markdown_headings(text: str, start: int) -> Iterator[Heading]:
    fence, before = "", (start, "")  # the fence we are in; the line before, and where it begins
    for at, line in _lines(text, start):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark.group(1).startswith(fence)
            if mark is not None and closes and not line[mark.end() :].strip():
                fence = ""
            before = (at, "")
            continue
        if mark is not None:
            fence, before = mark.group(1), (at, "")
            continue
        atx, under = _ATX.match(line), _UNDERLINE.match(line)
        if atx is not None:
            yield Heading(len(atx.group(1)), (atx.group(2) or "").strip(), at, at + len(line))
            before = (at, "")
        elif under is not None and before[1].strip() and not _NO_TITLE.match(before[1]):
            level = 1 if under.group(1)[0] == "=" else 2
            yield Heading(level, before[1].strip(), before[0], at + len(line))
            before = (at, "")
        else:
            before = (at, line)


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    """Yield where a line begins and the line without its break; only line feeds break lines."""
    at = start
    for line in text[start:].split("\n"):
        yield at, line.removesuffix("\r")
        at += len(line) + 1
