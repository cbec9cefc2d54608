"""Which rows changed between two versions of a dataset, from their marks alone.

Equal rows are matched in order, rows between two matches are paired: a pair is a changed row, what
is left over was added or removed. A row that only stands elsewhere counts as changed, because
the order is part of the fingerprint. The cost is O(n log n) in the number of rows.

Where a dataset has `keys:`, rows are matched by them instead: the same key with other content is a
changed row, wherever it stands; if nothing else differs, rows that moved are told as above.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from itertools import zip_longest
from typing import TypeAlias

from tunectl.core.plan import RowDelta
from tunectl.data.marks import RowMark, marks_from_bytes, marks_to_bytes

__all__ = ["marks_from_bytes", "marks_to_bytes", "row_diff"]

_LINES_SHOWN = 20


def row_diff(old: Sequence[RowMark], new: Sequence[RowMark]) -> tuple[RowDelta, ...]:
    """What changed per split: splits of `new` in their order, then those that are gone.

    Args:
        old: the marks as recorded; their files and lines are not needed.
        new: the marks as they are now.

    Returns:
        One delta for each split that differs; empty when nothing does.
    """
    before, after = _by_split(old), _by_split(new)
    deltas = []
    for split in dict.fromkeys((*after, *before)):
        delta = _delta(split, before.get(split, []), after.get(split, []))
        if delta is not None:
            deltas.append(delta)
    return tuple(deltas)


def _by_split(marks: Sequence[RowMark]) -> dict[str, list[RowMark]]:
    found: dict[str, list[RowMark]] = defaultdict(list)
    for mark in marks:
        found[mark.split].append(mark)
    return found


def _delta(split: str, old: list[RowMark], new: list[RowMark]) -> RowDelta | None:
    pairs, moved = paired(old, new)
    if not pairs and not moved:
        return None
    touched = sorted({j for _, j in pairs if j is not None} | moved)[:_LINES_SHOWN]
    added = sum(i is None for i, _ in pairs)
    removed = sum(j is None for _, j in pairs)
    return RowDelta(
        split=split,
        added=added,
        removed=removed,
        changed=len(pairs) - added - removed + len(moved),
        lines=tuple(f"{new[k].file}:{new[k].line}" for k in touched),
    )


Pair: TypeAlias = tuple[int | None, int | None]


def paired(old: Sequence[RowMark], new: Sequence[RowMark]) -> tuple[list[Pair], set[int]]:
    """Return which row of one split became which.

    Returns:
        the places of rows that differ, before and after, None for one that was not there; and the
        places of new rows that are the same and only moved.
    """
    if [mark.hash for mark in old] == [mark.hash for mark in new]:
        return [], set()
    pairs = _by_key(old, new)
    return (pairs, set()) if pairs else _in_order(old, new)


def _by_key(old: Sequence[RowMark], new: Sequence[RowMark]) -> list[Pair]:
    """The pairs by keys; none where rows have none, or differ in nothing but their order."""
    if not all(mark.key for mark in old) or not all(mark.key for mark in new):
        return []
    places: dict[str, deque[int]] = defaultdict(deque)
    for index, mark in enumerate(old):
        places[mark.key].append(index)
    found: list[Pair] = []
    for index, mark in enumerate(new):
        queue = places.get(mark.key)
        was = queue.popleft() if queue else None
        if was is None or old[was].hash != mark.hash:
            found.append((was, index))
    found.extend((was, None) for queue in places.values() for was in queue)
    return found


def _in_order(old: Sequence[RowMark], new: Sequence[RowMark]) -> tuple[list[Pair], set[int]]:
    start, end = _common(old, new)
    left = [mark.hash for mark in old[start : len(old) - end]]
    right = [mark.hash for mark in new[start : len(new) - end]]
    partner = _partners(left, right)
    anchors = _rising([(i, j) for j, i in enumerate(partner) if i >= 0])
    matched = {i for i in partner if i >= 0}
    found: list[Pair] = []
    at_old, at_new = 0, 0
    for i, j in (*anchors, (len(left), len(right))):
        gone = [start + k for k in range(at_old, i) if k not in matched]
        came = [start + k for k in range(at_new, j) if partner[k] < 0]
        found.extend(zip_longest(gone, came))
        at_old, at_new = i + 1, j + 1
    return found, {start + k for k in _moved(partner, anchors)}


def _common(old: Sequence[RowMark], new: Sequence[RowMark]) -> tuple[int, int]:
    """How many rows are equal at the beginning, and of the rest at the end."""
    most = min(len(old), len(new))
    start = next((k for k in range(most) if old[k].hash != new[k].hash), most)
    rest = most - start
    end = next((k for k in range(rest) if old[-1 - k].hash != new[-1 - k].hash), rest)
    return start, end


def _partners(old: list[str], new: list[str]) -> list[int]:
    """For each new row the equal old row, -1 for none; copies are matched in order."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for index, hash_ in enumerate(old):
        places[hash_].append(index)
    return [places[h].popleft() if places.get(h) else -1 for h in new]


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run of pairs that rise on both sides: the rows that stayed in place."""
    tails: list[int] = []
    tops: list[int] = []
    previous: list[int] = []
    for index, (value, _) in enumerate(pairs):
        at = bisect_left(tails, value)
        previous.append(tops[at - 1] if at else -1)
        if at == len(tails):
            tails.append(value)
            tops.append(index)
        else:
            tails[at] = value
            tops[at] = index
    run = []
    index = tops[-1] if tops else -1
    while index >= 0:
        run.append(pairs[index])
        index = previous[index]
    return run[::-1]


def _moved(partner: list[int], anchors: list[tuple[int, int]]) -> set[int]:
    stayed = {j for _, j in anchors}
    return {j for j, i in enumerate(partner) if i >= 0 and j not in stayed}
