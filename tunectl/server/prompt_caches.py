"""What a service that caches prompts by itself remembers of them: how they began."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import takewhile

_TOKEN = re.compile(r"\w+|[^\w\s]")
_KEPT = 32  # prompts of each model that are remembered


class PromptCache:
    """Implicit prompt caching: the longest beginning that a prompt shares with one before it.

    OpenAI caches from 1,024 tokens on, in steps of 128; Gemini from 2,048 on (their prompt caching
    guides, 2026). Below that nothing is cached, and nothing says so. Thread-safe.
    """

    def __init__(self, floor: int = 1024, step: int = 128) -> None:
        """Remember nothing yet.

        Args:
            floor: the fewest tokens that are cached.
            step: they are cached in multiples of so many.
        """
        self._floor, self._step = floor, step
        self._kept: dict[str, deque[Sequence[str]]] = {}
        self._guard = threading.Lock()

    def read(self, model: str, texts: Iterable[str]) -> int:
        """Return how many tokens of a prompt come from the cache, and remember the prompt."""
        tokens = [token for text in texts for token in (*_TOKEN.findall(text), "\x00")]
        with self._guard:
            kept = self._kept.setdefault(model, deque(maxlen=_KEPT))
            # The last token is always read: an answer begins with it.
            common = max((_common(tokens[:-2], one) for one in kept), default=0)
            kept.append(tokens)
        return common // self._step * self._step if common >= self._floor else 0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the tokens of the common beginning; what parts two messages is none."""
    same = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    return sum(left != "\x00" for left, _ in same)
