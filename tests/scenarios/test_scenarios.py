"""Runs the scenario files: a state, a wish and what was seen, and the plan that must come of it.

A case differs from `standard.yaml` by what it says. The words of a case:

    case        its name
    from        `nothing`: begin empty instead
    wanted      address -> {provider, spec, fingerprint, depends_on, lifecycle, stable,
                destroy_first, retired, expires}
    state       address -> {id, provider, spec, outputs, needs, fingerprint, status, reason,
                lifecycle}
    superseded  the same, as a list with `address`
    observed    address -> `gone`, or what differs from the state
    replace, moved, removed, destroy, outputs, recorded_outputs, intents, refresh_only, now
    target, exclude   addresses or patterns
    imports     address -> the object found, as under `state`
    offers      a list of objects as under `state`, with `address`, `fingerprint` and `env`
    elders      address -> ids of what another history made there, the newest first
    lapsed      address -> when it expired; declared as it is wanted, or as `lapsed_as` says
    shared      ids that other environments use too
    irreplaceable, allowed, force   what the guards are told
    plan        the lines expected, in order, or `nothing`
    steps       the step ids, in one order in which they may run (optional)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from tunectl.core.diff import Absent
from tunectl.core.expiry import declaration_of
from tunectl.core.guard import Limits, guards
from tunectl.core.plan import Change, Plan
from tunectl.core.planner import make_plan
from tunectl.core.project import Moved, Output, Removed
from tunectl.core.resource import (
    BUILTIN,
    Expiry,
    Instance,
    Lifecycle,
    Need,
    Recreate,
    Resource,
    Status,
)
from tunectl.core.selection import chosen, ending, matching
from tunectl.core.state import Intent, Lapse, State, renamed
from tunectl.core.steps import steps
from tunectl.core.underway import busy
from tunectl.core.value import Address, Ref, Value, shown
from tunectl.core.valuetree import plain_from_tree
from tunectl.core.wish import Elder, Offer, Wish

FOLDER = Path(__file__).parent
STANDARD = yaml.safe_load((FOLDER / "standard.yaml").read_text(encoding="utf-8"))
REFERENCE = re.compile(r"\$\{(.+)\.(\w+)\}")

KINDS: dict[str, dict[str, Any]] = {
    "dataset": {"provider": BUILTIN},
    "upload": {"recreate": Recreate.ON_DEMAND, "immutable": frozenset({"sha256"})},
    "tuning_job": {
        "recreate": Recreate.ON_REQUEST,
        "immutable": frozenset({"base_model", "method", "data"}),
        "deferred": frozenset({"suffix"}),
        "inputs": frozenset({"training_file"}),
    },
    "endpoint": {"stable": frozenset({"model_id", "base_url"})},
    "prompt_template": {"provider": BUILTIN},
    "document": {"provider": "openai", "immutable": frozenset({"sha256"})},
    "knowledge_base": {
        "provider": "openai",
        "immutable": frozenset({"name", "chunking"}),
        "inputs": frozenset({"files"}),
        "stable": frozenset({"id"}),
    },
}


def cases() -> Iterator[Any]:
    for file in sorted(FOLDER.glob("*.yaml")):
        if file.name != "standard.yaml":
            for case in yaml.safe_load(file.read_text(encoding="utf-8")):
                yield pytest.param(case, id=f"{file.stem}: {case['case']}")


@pytest.mark.parametrize("case", list(cases()))
def test_scenario(case: dict[str, Any]) -> None:
    state, wish, observed = read(case)
    plan = make_plan(wish, state, observed, case.get("accounts"))
    expected = [] if case["plan"] == "nothing" else case["plan"].splitlines()
    assert list(lines(plan, state, limits(case, state))) == expected
    for before, after in plan.moved:
        state = renamed(state, before, after)
    if "steps" in case:
        found = {s.id: s.after for s in steps(plan, state)}
        assert sorted(found) == sorted(case["steps"])
        place = {name: n for n, name in enumerate(case["steps"])}
        late = [(a, b) for b in found for a in found[b] if place[a] > place[b]]
        assert not late, "each of these must come after the other"
    accepts = plan.refresh_only and bool(plan.drift)
    assert plan.empty == (not accepts and not any(map(is_work, expected)))


def is_work(line: str) -> bool:
    return line.split()[0] not in {"note", "drift", "released", "blocked", "refused", "busy"}


# -- reading a case ------------------------------------------------------------------------------


def read(case: dict[str, Any]) -> tuple[State, Wish, dict[Address, Instance | None]]:
    known = {
        "case", "from", "wanted", "state", "superseded", "observed", "replace", "moved", "removed",
        "destroy", "outputs", "recorded_outputs", "intents", "plan", "steps", "refresh_only",
        "now", "target", "exclude", "imports", "offers", "shared", "irreplaceable", "allowed",
        "force", "lapsed", "lapsed_as", "named", "uncopied", "accounts",
        "elders",
    }  # fmt: skip
    assert case.keys() <= known, f"unknown words: {case.keys() - known}"
    start = {"wanted": {}, "state": {}} if case.get("from") == "nothing" else STANDARD
    wanted = case.get("wanted", {})
    wanted = STANDARD["wanted"] if wanted == "standard" else merged(start["wanted"], wanted)
    recorded = merged(start["state"], case.get("state", {}))
    ids = {a: tree.get("id", f"{Address.parse(a).name}-1") for a, tree in recorded.items()}
    live = [instance(a, tree, ids) for a, tree in recorded.items()]
    superseded = [instance(t["address"], t, ids) for t in case.get("superseded", [])]
    state = State(
        lineage="l",
        project="p",
        env="default",
        instances={i.address: i for i in live},
        superseded=tuple(superseded),
        lapsed=tuple(lapses(case, wanted)),
        outputs=case.get("recorded_outputs", {}),
        intents=tuple(
            Intent(**(t | {"address": Address.parse(t["address"]), "provider": "local"}))
            for t in case.get("intents", [])
        ),
    )
    wish = Wish(
        resources=tuple(resource(a, tree) for a, tree in wanted.items()),
        outputs=tuple(Output(name=n, value=value(v)) for n, v in case.get("outputs", {}).items()),
        moved=tuple(
            Moved(before=Address.parse(m["from"]), after=Address.parse(m["to"]))
            for m in case.get("moved", [])
        ),
        removed=tuple(
            Removed(address=Address.parse(r["address"]), destroy=r["destroy"])
            for r in case.get("removed", [])
        ),
        replace=frozenset(map(Address.parse, case.get("replace", []))),
        destroy=case.get("destroy", False),
        chosen=part(case, state, wanted),
        imports={Address.parse(a): instance(a, t, ids) for a, t in case.get("imports", {}).items()},
        offers=offers(case, ids),
        named={Address.parse(a): named(t, ids) for a, t in case.get("named", {}).items()},
        uncopied={Address.parse(a): why for a, why in case.get("uncopied", {}).items()},
        elders={
            Address.parse(a): tuple(Elder(id=id_, lineage="elder") for id_ in ids_)
            for a, ids_ in case.get("elders", {}).items()
        },
        shared=frozenset(("acc", id_) for id_ in case.get("shared", [])),
        refresh_only=case.get("refresh_only", False),
        now=case.get("now", ""),
    )
    return state, wish, dict(seen(state, case.get("observed", {})))


def lapses(case: dict[str, Any], wanted: dict[str, Any]) -> Iterator[Lapse]:
    for text, ended in case.get("lapsed", {}).items():
        then = merged(STANDARD["wanted"][text], case.get("lapsed_as", {}).get(text, wanted[text]))
        yield Lapse(Address.parse(text), declaration_of(resource(text, then)), ended)


def part(case: dict[str, Any], state: State, wanted: dict[str, Any]) -> frozenset[Address] | None:
    if "target" not in case and "exclude" not in case:
        return None
    known = {Address.parse(a) for a in wanted} | {i.address for i in state.everything}
    targets, excluded = (
        frozenset[Address]().union(*(matching(p, known) for p in case.get(word, [])))
        for word in ("target", "exclude")
    )
    declared = [resource(a, t) for a, t in wanted.items()]
    if case.get("destroy"):
        return ending(declared, state, targets, excluded)
    return chosen(declared, state, targets, excluded)


def offers(case: dict[str, Any], ids: dict[str, str]) -> dict[str, tuple[Offer, ...]]:
    found: dict[str, tuple[Offer, ...]] = {}
    for tree in case.get("offers", []):
        offer = Offer(instance=instance(tree["address"], tree, ids), env=tree.get("env", ""))
        found[tree["fingerprint"]] = (*found.get(tree["fingerprint"], ()), offer)
    return found


def named(tree: dict[str, Any], ids: dict[str, str]) -> Offer:
    afar = "account" in tree
    found = instance(tree["address"], tree, ids)
    return Offer(instance=found, env=tree["env"], afar=afar)


def limits(case: dict[str, Any], state: State) -> Limits:
    why = case.get("irreplaceable", {})
    return Limits(
        force=case.get("force", False),
        irreplaceable={i.key: why[i.id] for i in state.everything if i.id in why},
        allowed=frozenset(map(Address.parse, case.get("allowed", []))),
    )


def merged(below: Any, above: Any) -> Any:
    """Maps merge by key, null takes away, `standard ADDRESS` is what stands there."""
    if isinstance(above, str) and above.startswith("standard "):
        return STANDARD["wanted"][above.removeprefix("standard ")]
    if not isinstance(below, Mapping) or not isinstance(above, Mapping):
        return above
    done = dict(below)
    for key, item in above.items():
        done[key] = merged(below.get(key), item)
        if item is None:
            del done[key]
    return done


def resource(text: str, tree: dict[str, Any]) -> Resource:
    address = Address.parse(text)
    told = {"provider": "local"} | kind_of(address)
    told |= {
        k: tree[k] for k in ("provider", "fingerprint", "destroy_first", "retired") if k in tree
    }
    if "expires" in tree:
        told["expires"] = Expiry(**tree["expires"])
    if "stable" in tree:
        told["stable"] = frozenset(tree["stable"])
    return Resource(
        address=address,
        spec={key: value(item) for key, item in tree["spec"].items()},
        depends_on=tuple(map(Address.parse, tree.get("depends_on", []))),
        lifecycle=lifecycle(tree),
        **told,
    )


def kind_of(address: Address) -> dict[str, Any]:
    """What holds for all of a kind; the upload of a document is of a kind of its own."""
    return KINDS["document" if (address.key or "").endswith("/document") else address.kind]


def instance(text: str, tree: dict[str, Any], ids: dict[str, str]) -> Instance:
    address = Address.parse(text)
    kind = kind_of(address)
    return Instance(
        address=address,
        provider=tree.get("provider", kind.get("provider", "local")),
        account=tree.get("account", "acc"),
        id=tree.get("id") or ids[text],
        spec=plain(tree.get("spec", {})),
        outputs=plain(tree.get("outputs", {})),
        status=Status(tree.get("status", "ready")),
        reason=tree.get("reason", ""),
        fingerprint=tree.get("fingerprint"),
        needs=tuple(need(n, ids) for n in tree.get("needs", [])),
        recreate=kind.get("recreate", Recreate.FREELY),
        created_at=tree.get("created_at", ""),
        lifecycle=lifecycle(tree),
    )


def need(text: str, ids: dict[str, str]) -> Need:
    address, _, id_ = text.partition("@")
    found = Address.parse(address)
    return Need(found, id_ or ids.get(address, "unknown"), "acc")


def lifecycle(tree: dict[str, Any]) -> Lifecycle:
    told = dict(tree.get("lifecycle", {}))
    if "ignore_changes" in told:
        told["ignore_changes"] = frozenset(told["ignore_changes"])
    return Lifecycle(**told)


def seen(state: State, trees: dict[str, Any]) -> Iterator[tuple[Address, Instance | None]]:
    for text, tree in trees.items():
        address = Address.parse(text)
        was = state.instances[address]
        if tree == "gone":
            yield address, None
            continue
        told = dict(tree)
        if "status" in told:
            told["status"] = Status(told["status"])
        if "spec" in told:
            told["spec"] = {**was.spec, **plain(told["spec"])}
        yield address, replace(was, **told)


def value(tree: Any) -> Value:
    match tree:
        case str() if found := REFERENCE.fullmatch(tree):
            return Ref(Address.parse(found[1]), (found[2],))
        case dict():
            return {key: value(item) for key, item in tree.items()}
        case _:
            return tree


def plain(tree: Any) -> Any:
    return plain_from_tree(tree)


# -- telling a plan ------------------------------------------------------------------------------


def lines(plan: Plan, state: State, limits: Limits) -> Iterator[str]:
    yield from (f"moved {before} -> {after}" for before, after in plan.moved)
    for intent in plan.recover:
        yield f"recover {intent.action} {intent.address}"
    for drift in plan.drift:
        if drift.released:
            yield f"released {drift.address}"
        else:
            yield f"drift {drift.address} " + ("gone" if drift.gone else told(drift.deltas))
    yield from (line(change, state) for change in plan.changes)
    for blocked in sorted(plan.blocked, key=lambda b: b.address):
        yield f"blocked {blocked.address} {blocked.reason}"
    yield from (f"note {address} {note}" for address, note in plan.notes)
    for output in plan.outputs:
        yield f"output {output.name} " + ("gone" if output.gone else str(shown(output.after)))
    yield from (f"refused {refusal.summary}" for refusal in guards(plan, state, limits))
    yield from (f"busy {problem.summary}" for problem in busy(plan, state))


def line(change: Change, state: State) -> str:
    text = f"{change.action.value} {change.address} ({change.cause.value})"
    if change.found:
        text += f" {change.found.id}" + (f" of {change.origin}" if change.origin else "")
    if change.original:
        text += f" copy of {change.original.id} of {change.origin}"
    if change.held:
        text += " held"
    if change.lets_go:
        text += " lets go"
    doomed = change.doomed
    if doomed and doomed.key in {i.key for i in state.superseded}:
        text += f" {doomed.id}"
    if change.before and change.deltas:
        text += ": " + told(change.deltas)
    return "; ".join([text, *change.notes])


def told(deltas: Any) -> str:
    return ", ".join(f"{'.'.join(d.path)} {side(d.before)} -> {side(d.after)}" for d in deltas)


def side(found: Any) -> str:
    return "(none)" if isinstance(found, Absent) else str(shown(found))
