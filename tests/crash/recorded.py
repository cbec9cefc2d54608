"""What the recording runs saw: the points and the calls of each world, and how many there are.

`python -m tests.crash.recorded` writes the counts anew.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from tests.crash.cases import Call, Case, calls, cases
from tests.crash.nursery import Nursery
from tests.crash.worlds import WORLDS

COUNTS = Path(__file__).parent / "COUNTS.json"
README = Path(__file__).parents[2] / "README.md"
_FOR_EVER = 1e6  # seconds
Point = tuple[str, str, int]
"""World, name, number among those of that name."""


def command(world: str) -> dict[str, Any]:
    """Return a world's command as it is recorded and killed: one step after the other."""
    words = list(WORLDS[world].command)
    if words[0] == "ask":
        return {"args": words}
    patience = _FOR_EVER if WORLDS[world].keeps_lock else 0.0
    return {"args": [*words, "--parallelism", "1"], "patience": patience}


@dataclass(frozen=True)
class Recorded:
    """Everything the recording runs saw."""

    passed: Mapping[str, Sequence[str]]
    calls: Mapping[str, Sequence[Call]]

    def points(self) -> list[Point]:
        """Return each point once, in the smallest world that reaches it."""
        return [point for point, owner in self._owned() if owner]

    def others(self) -> list[Point]:
        """Return the points again, in the larger worlds that reach them, too."""
        return [point for point, owner in self._owned() if not owner]

    def _owned(self) -> list[tuple[Point, bool]]:
        known: set[tuple[str, int]] = set()
        found = []
        for world, names in self.passed.items():
            numbers: Counter[str] = Counter()
            for name in names:
                numbers[name] += 1
                key = (name, numbers[name])
                found.append(((world, *key), key not in known))
                known.add(key)
        return found

    def cases(self) -> dict[str, list[Case]]:
        """Return the fault cases by why they are there."""
        return cases(self.calls)

    def counts(self) -> dict[str, Any]:
        """Return what is committed and printed."""
        points = Counter(world for world, _, _ in self.points())
        faults = {why: len(found) for why, found in self.cases().items()}
        return {
            "crash points": {"total": points.total(), **points},
            "fault cases": {"total": sum(faults.values()), **faults},
        }


def record(nursery: Nursery) -> Recorded:
    """Run every world's command once, undisturbed."""
    passed, asked = {}, {}
    for world in WORLDS:
        if world == "all":
            continue
        seen = nursery.case(world, {**command(world), "record": True})
        done = seen["steps"][0]
        assert done["code"] == 0, f"{world}: {done}"
        passed[world] = done["points"]
        asked[world] = calls(world, seen["requests"])
    return Recorded(passed, asked)


def written() -> dict[str, Any]:
    """Return the committed counts."""
    return orjson.loads(COUNTS.read_bytes())


def printed(readme: str, counts: Mapping[str, Any]) -> str:
    """Return the README with the counts in it."""
    for what, found in counts.items():
        readme = re.sub(rf"\d+ (?={what})", f"{found['total']} ", readme)
    return readme


def main() -> None:
    """Write the counts anew, and into the README."""
    nursery = Nursery()
    try:
        counts = record(nursery).counts()
    finally:
        nursery.close()
    option = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    COUNTS.write_bytes(orjson.dumps(counts, option=option))
    README.write_text(printed(README.read_text(encoding="utf-8"), counts), encoding="utf-8")


if __name__ == "__main__":
    main()
