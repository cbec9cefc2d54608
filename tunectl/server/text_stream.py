"""From tokens to text as it may be shown: whole characters, nothing of a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence

REPLACEMENT = "\ufffd"
LONGEST_CHARACTER = 4
"""Bytes of the longest UTF-8 character: so many tokens at most can end inside one."""


class TokenText:
    """Turns token ids into text piece by piece; a character split over tokens comes out whole.

    Byte-level vocabularies cut characters of Polish, Russian and emoji into several tokens. Only
    those tokens are held back, never a whole word. Work per token does not grow with the answer.
    """

    def __init__(self, decode: Callable[[list[int]], str]) -> None:
        """`decode` must not clean up spaces, and should skip special tokens."""
        self._decode = decode
        self._ids: list[int] = []
        self._known = 0  # ids whose text has been given out
        self._context = 0  # first id decoded along, so that joining rules see their neighbour

    def add(self, token: int) -> str:
        """The text that is certain now that `token` is known; often empty inside a character."""
        self._ids.append(token)
        before = self._decode(self._ids[self._context : self._known])
        now = self._decode(self._ids[self._context :])
        waiting = len(self._ids) - self._known
        if now.endswith(REPLACEMENT) and waiting < LONGEST_CHARACTER:
            return ""
        self._context, self._known = self._known, len(self._ids)
        return now[len(before) :]

    def end(self) -> str:
        """What was held back, without a character that never came to its end."""
        before = self._decode(self._ids[self._context : self._known])
        now = self._decode(self._ids[self._context :])
        self._known = len(self._ids)
        return now[len(before) :].rstrip(REPLACEMENT)


class StopFilter:
    """Ends a text before the first stop string; holds back only what may become one."""

    def __init__(self, stops: Sequence[str]) -> None:
        """Empty strings never stop anything."""
        self._stops = [stop for stop in stops if stop]
        self._held = ""
        self.stopped = False

    def add(self, text: str) -> str:
        """The part of the text so far that may be shown and was not; sets `stopped`."""
        if not self._stops or self.stopped:
            return "" if self.stopped else text
        self._held += text
        found = [at for stop in self._stops if (at := self._held.find(stop)) >= 0]
        if found:
            self.stopped = True
            shown, self._held = self._held[: min(found)], ""
            return shown
        keep = max(self._possible(stop) for stop in self._stops)
        shown = self._held[: len(self._held) - keep]
        self._held = self._held[len(self._held) - keep :]
        return shown

    def end(self) -> str:
        """What was held back and did not become a stop string after all."""
        shown, self._held = self._held, ""
        return shown

    def _possible(self, stop: str) -> int:
        """Length of the longest end of the held text with which `stop` begins."""
        for size in range(min(len(stop) - 1, len(self._held)), 0, -1):
            if self._held.endswith(stop[:size]):
                return size
        return 0
