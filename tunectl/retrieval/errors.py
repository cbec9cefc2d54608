"""What can go wrong with an index, said to people."""

from __future__ import annotations

INSTALL = "pip install 'tunectl[retrieval]'"


class RetrievalError(ValueError):
    """An index cannot be built, read or searched; the message says which and why.

    Attributes:
        hint: what to do about it; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint


class MissingIndexError(RetrievalError):
    """There is no index at that place."""


class MissingEmbedderError(RetrievalError):
    """The embedding model that an index needs is not installed."""
