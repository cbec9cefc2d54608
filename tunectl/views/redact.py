"""Secrets never reach a screen: the one seam that takes known secret values out of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

HIDDEN = "(secret)"
_SHORTEST = 6  # a shorter value would blot out ordinary words


class Redactor:
    """Replaces secret values in text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        found = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=len, reverse=True)
        self._secrets = tuple(found)
        self._pattern = re.compile("|".join(map(re.escape, found))) if found else None

    def __call__(self, text: str) -> str:
        """Return the text with every secret value replaced by `(secret)`."""
        return self._pattern.sub(HIDDEN, text) if self._pattern else text

    def stream(self, pieces: Iterable[str]) -> Iterator[str]:
        """Yield the pieces of one text redacted, also where a secret is split between them."""
        held = ""
        for piece in pieces:
            text = held + piece
            cut = self._safe_cut(text)
            held = text[cut:]
            if cut:
                yield self(text[:cut])
        if held:
            yield self(held)

    def _safe_cut(self, text: str) -> int:
        """Up to where nothing could be part of a secret that goes on in the next piece."""
        cut = len(text) - self._open_end(text)
        for found in self._pattern.finditer(text) if self._pattern else ():
            if found.start() < cut < found.end():
                cut = found.end()
        return cut

    def _open_end(self, text: str) -> int:
        """How many characters at the end could be the beginning of a secret."""
        return max((_overlap(text, secret) for secret in self._secrets), default=0)


def _overlap(text: str, secret: str) -> int:
    longest = min(len(text), len(secret) - 1)
    return next((n for n in range(longest, 0, -1) if secret.startswith(text[-n:])), 0)
