"""What an index is built from, and how."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

from tunectl.retrieval.errors import RetrievalError

NONE = "none"
HYBRID, KEYWORDS, EMBEDDINGS = "hybrid", "keywords", "embeddings"
MODES = (HYBRID, KEYWORDS, EMBEDDINGS)

MARKDOWN, HTML, PLAIN = "markdown", "html", "plain"
_FORMATS = {".md": MARKDOWN, ".markdown": MARKDOWN, ".html": HTML, ".htm": HTML, ".xhtml": HTML}


def format_of(source: str) -> str:
    """The format of a document by the ending of its name; plain text unless it is known."""
    return _FORMATS.get(PurePosixPath(source).suffix.lower(), PLAIN)


@dataclass(frozen=True, slots=True)
class Document:
    """One text to search in.

    Attributes:
        source: its name, unique within an index: a path or an address.
        text: all of it.
        sha256: of the bytes it was read from, hexadecimal; of the text when not given.
        title: put before the headings of every passage.
        format: `markdown`, `html` or `plain`; by the ending of `source` when not given.
    """

    source: str
    text: str
    sha256: str = ""
    title: str = ""
    format: str = ""

    @property
    def format_name(self) -> str:
        """`markdown`, `html` or `plain`."""
        return self.format or format_of(self.source)

    def digest(self) -> str:
        """The content hash, hexadecimal."""
        if self.sha256:
            return self.sha256
        return hashlib.sha256(self.text.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Settings:
    """How an index is built; a change of any of them rebuilds it.

    Attributes:
        size: the longest passage, in tokens as `tokens.count` estimates them; None keeps every
            document in one piece.
        overlap: how many tokens at the end of a passage are repeated at the start of the next.
        embedding: `multilingual-e5-small`, `use-multilingual` or `none`.
    """

    size: int | None = 400
    overlap: int = 50
    embedding: str = "multilingual-e5-small"

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise RetrievalError(f"passages of {self.size} tokens cannot be made")
        if self.overlap < 0 or (self.size is not None and self.overlap > self.size // 2):
            raise RetrievalError(
                f"an overlap of {self.overlap} tokens is more than half of {self.size}"
            )
