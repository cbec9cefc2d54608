"""Order and circles."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.graph import Cycle, check, closure, order, reverse

nodes = st.integers(0, 12)
any_graph = st.dictionaries(nodes, st.frozensets(nodes))
acyclic = st.dictionaries(nodes, st.frozensets(nodes)).map(
    lambda graph: {node: {n for n in needs if n < node} for node, needs in graph.items()}
)


@given(acyclic)
def test_every_node_comes_once_and_after_what_it_needs(graph):
    place = {node: n for n, node in enumerate(order(graph))}
    assert sorted(place) == sorted(graph)
    assert len(order(graph)) == len(graph)
    assert all(place[need] < place[node] for node in graph for need in graph[node] & place.keys())


@given(acyclic, st.randoms())
def test_the_order_does_not_depend_on_how_the_graph_is_written(graph, chance):
    items = list(graph.items())
    chance.shuffle(items)
    assert order(dict(items)) == order(graph)


@given(any_graph)
def test_a_graph_without_an_order_names_a_true_circle(graph):
    try:
        order(graph)
    except Cycle as cycle:
        circle = cycle.nodes
        assert circle[0] == circle[-1]
        assert len(circle) > 1
        assert all(b in graph[a] for a, b in pairwise(circle))
    else:
        assert all(node not in closure(graph[node], graph) for node in graph)


@given(any_graph)
def test_a_check_finds_the_circle_that_ordering_finds(graph):
    found = []
    for look in (order, check):
        try:
            look(graph)
        except Cycle as cycle:
            found.append(cycle.nodes)
        else:
            found.append(None)
    assert found[0] == found[1]


def test_a_circle_is_named_in_the_direction_of_need():
    with pytest.raises(Cycle, match=r"a -> b -> c -> a|b -> c -> a -> b|c -> a -> b -> c"):
        order({"a": ["b"], "b": ["c"], "c": ["a"]})


@given(any_graph, st.sets(nodes))
def test_the_closure_is_the_smallest_set_that_needs_nothing_more(graph, start):
    found = closure(start, graph)
    assert start <= found
    assert all(graph.get(node, frozenset()) <= found for node in found)
    assert all(node in start or any(node in graph.get(n, ()) for n in found) for node in found)


@given(any_graph)
def test_turning_every_edge_twice_gives_the_edges_back(graph):
    with_edges = {node: set(needs) for node, needs in graph.items() if needs}
    assert reverse(reverse(graph)) == with_edges
