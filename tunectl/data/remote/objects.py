"""What a service of objects must be able to do, and how it says that it cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Exit

CHUNK = 8 << 20  # bytes asked for at a time


class UnreachableError(OSError):
    """An object, a bucket or its service cannot be read.

    Attributes:
        hint: what to do.
        exit: `Exit.CREDENTIALS` where who asks is the trouble.
    """

    def __init__(self, summary: str, *, hint: str = "", exit: Exit = Exit.ERROR) -> None:  # noqa: A002  # the settled word
        super().__init__(summary)
        self.hint = hint
        self.exit = exit


@dataclass(frozen=True, slots=True)
class Found:
    """One object as it was listed.

    Attributes:
        version: its generation or ETag: what is read is this and no other.
        size: bytes as stored.
    """

    key: str
    version: str
    size: int


class Service(Protocol):
    """One bucket of a service. Every method may raise UnreachableError."""

    def listed(self, prefix: str) -> Iterator[Found]:
        """Yield the objects whose key begins so, in the order of their UTF-8 bytes."""
        ...

    def opener(self, found: Found) -> Callable[[], BinaryIO]:
        """Return what opens an object, each time anew; reading raises UnreachableError."""
        ...
