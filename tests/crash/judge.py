"""What must be true after a command that was killed or hindered, and one more of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tests.crash.worlds import DESTROY, WORLDS, World

T = TypeVar("T")

KILLED = -9
_TOO_MANY = 429
REFUSALS = {400, 401, 403, 404, 409, 413, 422, 429}  # a definite no; 408 and 5xx are none
_SPLIT = re.compile(r"tunectl\.[0-9a-f]{32}\.support\.(\w+)\.[0-9a-f]{12}\.jsonl")
_COMPLETE = re.compile(r"^(\S+): Creation complete after .* \[id=(.+)\]$", re.MULTILINE)


def steps_after(world: World) -> tuple[dict[str, Any], ...]:
    """Return the commands that follow the one that went wrong."""
    again = {"args": list(world.command), "unsure": world.unsure}
    look = ["state", "list"] if world.command == DESTROY else ["plan"]
    if world.command[0] == "ask":
        return {"args": ["apply", "--auto-approve"]}, again, {"args": look}
    return again, {"args": look}


def problems(name: str, seen: Mapping[str, Any]) -> list[str]:
    """Return what is not as it must be; empty when all is well."""
    return [*_said(name, seen), *there_problems(WORLDS[name], seen["there"]), *_sent(seen)]


def _said(name: str, seen: Mapping[str, Any]) -> Iterator[str]:
    world = WORLDS[name]
    first, *rest = seen["steps"]
    if "bug of its own" in first["err"]:
        yield f"a bug: {first['err']}"
    for step in rest:
        if step["code"] != 0:
            yield f"{step['args']} ended with {step['code']}: {step['out'][-600:]}{step['err']}"
    looked = rest[-1]["out"]
    if world.command == DESTROY:
        if looked.strip() and "nothing" not in looked.lower():
            yield f"the state is not empty: {looked}"
    elif not looked.startswith("No changes."):
        yield f"the plan is not empty: {looked}"
    for path, text in seen["artefacts"].items():
        if not text.endswith("\n"):
            yield f"`{path}` is not whole: {text!r}"


def there_problems(world: World, there: Mapping[str, Any]) -> Iterator[str]:
    """Compare the remote inventory with the declaration."""
    splits = sorted(found.group(1) if (found := _SPLIT.fullmatch(f)) else f for f in there["files"])
    if tuple(splits) != world.splits:
        yield f"files: {there['files']}"
    if there["running"]:
        yield f"jobs that still run: {there['running']}"
    if dict(there["jobs_ever"]) != dict(world.jobs_ever):
        yield f"jobs ever created: {there['jobs_ever']}, not {dict(world.jobs_ever)}"
    epochs = sorted(model[2] for model in there["models"])
    kept = [world.epochs - 1] if world.epochs and "keep_previous: 1" in world.now else []
    wanted = [*kept, world.epochs] if world.epochs is not None else []
    if epochs != wanted:
        yield f"models: {there['models']}, not of {wanted} epochs"
    behind = {m[0] for m in there["models"] if m[2] == world.epochs}
    if (set(there["aliases"].values()) != behind) if world.alias else there["aliases"]:
        yield f"aliases: {there['aliases']}, models {there['models']}"


def _sent(seen: Mapping[str, Any]) -> Iterator[str]:
    """Nothing that makes something may be sent twice, but for what was refused as one too many."""
    sent = [r for r in seen["requests"] if r["method"] == "POST" and r["status"] != _TOO_MANY]
    posted = Counter(mark for request in sent for mark in request["marks"])
    for mark, times in posted.items():
        if times > 1:
            yield f"operation {mark} was sent {times} times"


def looked_before_another(seen: Mapping[str, Any], path: str) -> list[str]:
    """After a POST of unknown outcome nothing is posted before the list was read."""
    unsure, found = False, []
    for request in seen["requests"]:
        if request["path"] != path:
            continue
        if request["method"] == "GET":
            unsure = False
        elif request["method"] == "POST":
            if unsure:
                found.append(f"a second POST to {path} without a look")
            fault, refused = request["fault"], request["status"] in REFUSALS
            unsure = fault not in {None, "slow"} and not refused
    return found


def acknowledged(out: str) -> list[tuple[str, str]]:
    """Return address and id of each object of which a command said that it is complete."""
    return [(a, i) for a, i in _COMPLETE.findall(out)]


def fail_with_all(each: Sequence[T], wrongs: Callable[[T], Iterable[str]]) -> None:
    """Judge each, and fail once with all that went wrong."""
    wrong = [text for one in each for text in wrongs(one)]
    assert not wrong, f"{len(wrong)} of {len(each)}\n" + "\n".join(wrong)
