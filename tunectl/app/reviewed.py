"""What a digest stands for, remembered where it was made: so that a refusal can say what moved.

`.tunectl/plans/DIGEST.json` holds one line for each change, with a hash of its details and none of
its values. It is a help for people; nothing depends on it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import orjson

from tunectl.core.plan import Plan

FOLDER = Path(".tunectl", "plans")
_KEPT = 50


def remember(root: Path, plan: Plan) -> None:
    """Write down what a plan's digest stands for, where that can be."""
    if plan.empty:
        return
    path = _path(root, plan.digest)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        temporary.write_bytes(orjson.dumps(dict(plan.lines)))
        temporary.replace(path)
        for old in sorted(path.parent.glob("*.json"), key=_age)[:-_KEPT]:
            old.unlink(missing_ok=True)


def recalled(root: Path, digest: str) -> Mapping[str, str] | None:
    """Return the lines of a digest, None where nobody remembers."""
    try:
        found = orjson.loads(_path(root, digest).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return None
    sound = isinstance(found, dict) and all(isinstance(text, str) for text in found.values())
    return found if sound else None


def differences(reviewed: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield what is in only one of two plans, and what is in both with other details."""
    for line in sorted(reviewed.keys() - now.keys()):
        yield f"only in the reviewed plan: {line}"
    for line in sorted(now.keys() - reviewed.keys()):
        yield f"only in the plan as of now: {line}"
    for line in sorted(reviewed.keys() & now.keys()):
        if reviewed[line] != now[line]:
            yield f"in both, with other details: {line}"


def _path(root: Path, digest: str) -> Path:
    return root / FOLDER / f"{digest.partition(':')[2]}.json"


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
