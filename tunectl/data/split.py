"""Which row goes into which split.

Law: the split is a function of the seed and of the row's group, or else of its input part. So
appending rows, reordering them or editing an answer never moves a row; rows of one group stay
together; every process and machine gives the same result. `test` is taken from the top of the
hash range and the others from the bottom, so enlarging a fraction only takes rows out of `train`.

Second law: a row, or a group, that is nearly the same as an earlier one goes where the earliest of
those went. So near-duplicates stay together, and rows that were there never move: what is appended
joins them. One thing cannot be had: a row that is like two rows which already lie apart goes with
the earlier, and the other is told as an overlap.
"""

from __future__ import annotations

import hashlib
import math
from array import array
from bisect import bisect_right
from collections.abc import Sequence

import orjson

from tunectl.data.alike import Alike
from tunectl.data.fingerprint import Json, short
from tunectl.data.spec import TRAIN, SplitSpec, in_order

_RANGE = 1 << 64
_LAST = "test"


class Splitter:
    """Assigns rows to splits.

    Attributes:
        names: the splits in reading order; `assign` returns an index into them.
    """

    __slots__ = ("_bounds", "_of_bound", "_prefix", "names")

    def __init__(self, spec: SplitSpec) -> None:
        self.names = in_order({TRAIN, *spec.fractions})
        self._prefix = f"tunectl-split/1\n{spec.seed}\n".encode()
        bottom = [n for n in self.names if n not in (TRAIN, _LAST)]
        self._bounds: list[int] = []
        at = 0.0
        for name in bottom:
            at += spec.fractions[name]
            self._bounds.append(int(at * _RANGE))
        order = [*bottom, TRAIN]
        if _LAST in spec.fractions:
            self._bounds.append(int((1.0 - spec.fractions[_LAST]) * _RANGE))
            order.append(_LAST)
        self._of_bound = [self.names.index(name) for name in order]

    def assign(self, digest: bytes) -> int:
        """The split of what has this sha256: an index into `names`."""
        at = short(hashlib.sha256(self._prefix + digest).digest())
        return self._of_bound[bisect_right(self._bounds, at)]


class Placement:
    """Puts rows into splits in file order, those that are nearly the same together."""

    __slots__ = ("_alike", "_counted", "_keys", "_met", "_moved", "_splits", "_splitter")

    def __init__(self, splitter: Splitter, alike: Alike) -> None:
        self._splitter = splitter
        self._alike = alike
        self._splits = array("H")
        self._keys = array("Q")
        # Where rows of a key went that did not go where their own hash says.
        self._moved: dict[int, int] = {}
        # The keys so far; filled only once there is a row to be moved.
        self._met: set[int] = set()
        self._counted = 0

    def settle(self, digests: Sequence[bytes], *, last: bool = False) -> list[int]:
        """The splits of the rows that `alike` took since the last time.

        Args:
            digests: for each of them the sha256 of its group, or of its input part.
            last: whether no row will follow.
        """
        begin = self._alike.settle(last=last)
        later, earlier = self._alike.later, self._alike.earlier
        earliest: dict[int, int] = {}
        for at in range(begin, len(later)):
            earliest.setdefault(later[at], earlier[at])
        base = len(self._splits)
        for digest in digests:
            self._splits.append(self._place(digest, earliest.get(len(self._splits), -1)))
            self._keys.append(short(digest))
        return self._splits[base:].tolist()

    def _place(self, digest: bytes, twin: int) -> int:
        key = short(digest)
        if key in self._moved:
            return self._moved[key]
        own = self._splitter.assign(digest)
        if twin < 0 or self._splits[twin] == own or self._was_met(key):
            return own
        return self._moved.setdefault(key, self._splits[twin])

    def _was_met(self, key: int) -> bool:
        """Whether an earlier row has the key: it and its copies stay where it went."""
        self._met.update(self._keys[self._counted :])
        self._counted = len(self._keys)
        return key in self._met


def group_bytes(value: Json) -> bytes:
    """The bytes of a group's value; the number 7 and the text `7` are one group."""
    return (
        value.encode()
        if isinstance(value, str)
        else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    )


def rows_needed(fraction: float) -> int:
    """How many rows make a split of this fraction non-empty in 99 of 100 cases."""
    return math.ceil(math.log(0.01) / math.log1p(-fraction))


def complaints(spec: SplitSpec) -> list[str]:
    """What is wrong with the fractions, one line each."""
    found = [
        f"split `{name}` has the fraction {fraction:g}: it must be above 0 and below 1"
        for name, fraction in spec.fractions.items()
        if name != TRAIN and not 0 < fraction < 1
    ]
    rest = 1.0 - sum(f for n, f in spec.fractions.items() if n != TRAIN)
    if not found and rest <= 0:
        found.append(f"the splits take {1 - rest:.0%} of the rows and leave none for `train`")
    stated = spec.fractions.get(TRAIN)
    if not found and stated is not None and abs(stated - rest) > 1e-6:
        found.append(f"`train` says {stated:.0%}, and the other splits leave {rest:.0%}")
    return found
