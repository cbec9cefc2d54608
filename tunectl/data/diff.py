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
    start, end = common(old, new)
    left = [mark.hash for mark in old[start : len(old) - end]]
    right = [mark.hash for mark in new[start : len(new) - end]]
    if not left and not right:
        return None
    by_key = _delta_by_key(split, old, new)
    if by_key is not None:
        return by_key
    partner = partners(left, right)
    anchors = rising([(i, j) for j, i in enumerate(partner) if i >= 0])
    matched = {i for i in partner if i >= 0}
    changed, added, removed = _moved(partner, anchors), set[int](), 0
    at_old, at_new = 0, 0
    for i, j in (*anchors, (len(left), len(right))):
        gone = sum(1 for k in range(at_old, i) if k not in matched)
        came = [k for k in range(at_new, j) if partner[k] < 0]
        changed.update(came[:gone])
        added.update(came[gone:])
        removed += max(0, gone - len(came))
        at_old, at_new = i + 1, j + 1
    touched = sorted(changed | added)[:_LINES_SHOWN]
    lines = (new[start + k] for k in touched)
    return RowDelta(
        split=split,
        added=len(added),
        removed=removed,
        changed=len(changed),
        lines=tuple(f"{mark.file}:{mark.line}" for mark in lines),
    )


def _delta_by_key(split: str, old: list[RowMark], new: list[RowMark]) -> RowDelta | None:
    """The difference by keys; None where rows have none, or differ in nothing but their order."""
    if not all(mark.key for mark in old) or not all(mark.key for mark in new):
        return None
    places: dict[str, deque[str]] = defaultdict(deque)
    for mark in old:
        places[mark.key].append(mark.hash)
    added, changed = [], []
    for mark in new:
        if not places.get(mark.key):
            added.append(mark)
        elif places[mark.key].popleft() != mark.hash:
            changed.append(mark)
    removed = sum(map(len, places.values()))
    if not added and not changed and not removed:
        return None
    touched = {id(mark) for mark in (*added, *changed)}
    lines = [f"{mark.file}:{mark.line}" for mark in new if id(mark) in touched]
    return RowDelta(
        split=split,
        added=len(added),
        removed=removed,
        changed=len(changed),
        lines=tuple(lines[:_LINES_SHOWN]),
    )


def common(old: list[RowMark], new: list[RowMark]) -> tuple[int, int]:
    """How many rows are equal at the beginning, and of the rest at the end."""
    most = min(len(old), len(new))
    start = next((k for k in range(most) if old[k].hash != new[k].hash), most)
    rest = most - start
    end = next((k for k in range(rest) if old[-1 - k].hash != new[-1 - k].hash), rest)
    return start, end


def partners(old: list[str], new: list[str]) -> list[int]:
    """For each new row the equal old row, -1 for none; copies are matched in order."""
    places: dict[str, deque[int]] = defaultdict(deque)
    for index, hash_ in enumerate(old):
        places[hash_].append(index)
    return [places[h].popleft() if places.get(h) else -1 for h in new]


def rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
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
