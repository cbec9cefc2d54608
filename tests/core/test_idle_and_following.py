"""What its provider ends when nobody uses it, and outputs that change only with one field."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tunectl.core.plan import Action
from tunectl.core.planner import make_plan
from tunectl.core.resource import Expiry, Instance, Resource
from tunectl.core.state import State, fold
from tunectl.core.value import Address, Ref
from tunectl.core.wish import Wish

BASE, PROMPT = Address.of("knowledge_base", "manual"), Address.of("prompt_template", "support")
NOW = "2026-11-22T12:00:00+00:00"
SPEC = {"documents": {"a.md": "1"}, "retrieval": {"top_k": 5}}


def base(**spec: object) -> Resource:
    return Resource(
        address=BASE,
        provider="p",
        spec={**SPEC, **spec},  # type: ignore[dict-item]
        outputs=("id", "search", "documents"),
        follows=(("search", "retrieval"),),
    )


def prompt(output: str = "search") -> Resource:
    return Resource(address=PROMPT, provider="p", spec={"knowledge": Ref(BASE, (output,))})


def there(output: str = "search") -> State:
    outputs = {"id": "vs_1", "search": {"id": "vs_1"}, "documents": 1}
    one = Instance(address=BASE, provider="p", account="a", id="vs_1", spec=SPEC, outputs=outputs)
    two = Instance(
        address=PROMPT,
        provider="p",
        account="a",
        id="p",
        spec={"knowledge": outputs[output]},
        needs=(one.key,),
    )
    return State(lineage="l", project="x", env="default", instances={BASE: one, PROMPT: two})


def actions(wish: Wish, state: State) -> dict[Address, Action]:
    observed = {**state.instances}
    return {c.address: c.action for c in make_plan(wish, state, observed).changes}


@pytest.mark.parametrize(
    ("edit", "output", "changed"),
    [
        ({"documents": {"a.md": "2"}}, "search", {BASE}),
        ({"documents": {"a.md": "2"}}, "documents", {BASE, PROMPT}),
        ({"retrieval": {"top_k": 9}}, "search", {BASE, PROMPT}),
        ({}, "search", set()),
    ],
)
def test_an_output_that_follows_another_field_is_known_before_the_update(edit, output, changed):
    wish = Wish(resources=(base(**edit), prompt(output)), now=NOW)
    assert set(actions(wish, there(output))) == changed


def idle(**more: object) -> Resource:
    return replace(base(), expires=Expiry(idle=86_400), **more)  # type: ignore[arg-type]


def test_one_that_ended_because_nobody_used_it_is_not_made_again():
    state = there()
    state = replace(state, instances={BASE: state.instances[BASE]})
    wish = Wish(resources=(idle(),), now=NOW)
    plan = make_plan(wish, state, {BASE: None})
    assert Action.CREATE not in {c.action for c in plan.changes}
    [ended] = plan.changes
    assert ended.lapse is not None
    from tunectl.core.state import Lapsed

    after = fold(state, [Lapsed("", ended.lapse, "vs_1", "a")])
    assert make_plan(wish, after, {}).changes == ()
    renewed = replace(wish, renew=frozenset({BASE}))
    assert [c.action for c in make_plan(renewed, after, {}).changes] == [Action.CREATE]
    edited = replace(wish, resources=(replace(idle(), spec={**SPEC, "description": "x"}),))
    assert [c.action for c in make_plan(edited, after, {}).changes] == [Action.CREATE]


def test_one_that_vanished_without_such_an_end_is_made_again():
    state = there()
    state = replace(state, instances={BASE: state.instances[BASE]})
    [made] = make_plan(Wish(resources=(base(),), now=NOW), state, {BASE: None}).changes
    assert made.action is Action.CREATE


def test_one_that_ended_and_is_needed_is_told_of_and_blocked():
    plan = make_plan(Wish(resources=(idle(), prompt()), now=NOW), there(), {BASE: None})
    assert plan.blocked[0].address == BASE
    assert "needs it" in plan.blocked[0].reason


def test_one_that_is_there_has_not_ended():
    assert actions(Wish(resources=(idle(), prompt()), now=NOW), there()) == {}
