"""Several moves in one walk are the same as one walk for each."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.core.values import instances
from tunectl.core.moving import Moves
from tunectl.core.planner import _renamed
from tunectl.core.project import Moved
from tunectl.core.resource import Instance, Need
from tunectl.core.state import Renamed, State, fold
from tunectl.core.value import Address

FEW = [Address.of("endpoint", name) for name in "abcdef"]
moves = st.lists(st.tuples(st.sampled_from(FEW), st.sampled_from(FEW)), max_size=8)


def one_by_one(address: Address, steps: list[tuple[Address, Address]]) -> Address:
    for before, after in steps:
        address = after if address == before else address
    return address


@given(instances, moves, st.sampled_from(FEW), st.lists(st.sampled_from(FEW), max_size=3))
def test_moves_together_are_the_moves_one_after_another(instance, steps, parent, needed):
    needs = tuple(Need(address, "id") for address in needed)
    instance = replace(instance, address=parent, parent=parent, needs=needs)
    together = Moves()
    for before, after in steps:
        together.add(before, after)
    moved = together.instance(instance)
    assert moved.address == moved.parent == one_by_one(parent, steps)
    assert [n.address for n in moved.needs] == [one_by_one(a, steps) for a in needed]
    assert replace(moved, address=parent, parent=parent, needs=needs) == instance


def test_many_renames_are_one_walk_and_the_same_state() -> None:
    live = {a: Instance(address=a, provider="p", account="x", id=a.name, spec={}) for a in FEW[:3]}
    state = State(lineage="l", project="p", env="default", instances=live)
    chain = [Renamed(FEW[2], FEW[3]), Renamed(FEW[1], FEW[2]), Renamed(FEW[0], FEW[1])]
    together = fold(state, chain)
    apart = state
    for entry in chain:
        apart = fold(apart, [entry])
    assert together == apart
    assert {a: i.id for a, i in together.instances.items()} == {
        FEW[1]: "a",
        FEW[2]: "b",
        FEW[3]: "c",
    }


@given(st.permutations(range(6)))
def test_a_chain_of_moves_goes_to_its_end_in_whatever_order_it_is_told(order) -> None:
    chain = [Moved(before=FEW[n], after=FEW[n + 1]) for n in range(5)]
    live = Instance(address=FEW[0], provider="p", account="x", id="a", spec={})
    state = State(lineage="l", project="p", env="default", instances={FEW[0]: live})
    told = [chain[n] for n in order if n < len(chain)]
    moved, done = _renamed(state, told)
    assert list(moved.instances) == [FEW[5]]
    assert done == tuple((m.before, m.after) for m in chain)
