"""What a reader of an HTML page sees: its text and its headings; scripts and styles are no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from tunectl.retrieval.outline import Heading, Outline

_HIDDEN = frozenset({"script", "style", "template", "noscript", "svg", "head", "iframe", "object"})
_PARAGRAPHS = frozenset(
    {"p", "div", "section", "article", "main", "aside", "header", "footer", "nav", "ul", "ol", "dl",
     "table", "blockquote", "pre", "figure", "form", "fieldset", "address", "details", "hr"}
)  # fmt: skip
_LINES = frozenset({"br", "li", "tr", "dt", "dd", "caption", "figcaption", "summary", "option"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\r\n\f\v]+")


def html_outline(text: str, title: str = "") -> Outline:
    """Return the text of a page with its headings; offsets are those of that text.

    Args:
        text: the page.
        title: used instead of the page's own `<title>`.
    """
    page = _Page()
    page.feed(text)
    page.close()
    return page.outline(title)


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._length = 0
        self._headings: list[Heading] = []
        self._open: tuple[int, int] | None = None  # level and start of the heading we are in
        self._hidden: list[str] = []
        self._title = ""
        self._in_title = False
        self._preformatted = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin an element."""
        del attrs
        if tag == "title":
            self._in_title = not self._title
        elif tag == "body":
            self._hidden.clear()  # whatever was left open in the head
        elif tag in _HIDDEN:
            self._hidden.append(tag)
        elif self._hidden:
            return
        elif tag in _HEADINGS:
            self._end_heading()
            self._break(2)
            self._open = (_HEADINGS[tag], self._length)
        elif tag in _PARAGRAPHS:
            self._preformatted += tag == "pre"
            self._break(2)
        elif tag in _LINES:
            self._break(1)
            if tag == "li":
                self._write("- ")
        elif tag in {"td", "th"}:
            self._write(" ")

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if tag == "title":
            self._in_title = False
        elif tag in self._hidden:
            while self._hidden.pop() != tag:
                pass
        elif self._hidden:
            return
        elif tag in _HEADINGS:
            self._end_heading()
            self._break(2)
        elif tag in _PARAGRAPHS:
            self._preformatted -= tag == "pre" and self._preformatted > 0
            self._break(2)
        elif tag in _LINES:
            self._break(1)

    def handle_data(self, data: str) -> None:
        """Take in text."""
        if self._in_title:
            self._title = _SPACE.sub(" ", self._title + data).strip()
        elif not self._hidden:
            self._write(data if self._preformatted else _SPACE.sub(" ", data))

    def outline(self, title: str) -> Outline:
        """Return what was read."""
        self._end_heading()
        return Outline("".join(self._parts), tuple(self._headings), title or self._title)

    def _end_heading(self) -> None:
        if self._open is not None:
            level, start = self._open
            self._open = None
            said = "".join(self._parts)[start:]
            if said.strip():
                title = _SPACE.sub(" ", said).strip()
                self._headings.append(Heading(level, title, start, self._length))

    def _write(self, text: str) -> None:
        last = self._parts[-1][-1:] if self._parts else "\n"
        if not self._preformatted and last in {"\n", " "}:
            text = text.removeprefix(" ")
        if text:
            self._parts.append(text)
            self._length += len(text)

    def _break(self, breaks: int) -> None:
        """End the line, and with 2 the paragraph; never within a heading, which is one line."""
        if self._open is not None:
            self._write(" ")
            return
        ending = "".join(self._parts[-3:])
        have = len(ending) - len(ending.rstrip("\n"))
        if ending and have < breaks:
            added = "\n" * (breaks - have)
            self._parts.append(added)
            self._length += len(added)
