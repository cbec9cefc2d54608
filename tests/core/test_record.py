"""Core values as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from tests.core.values import entries, instances, intents, mappings, plains, states, values
from tunectl.core.approval import Approval
from tunectl.core.entryrecord import entry_from_tree, entry_to_tree
from tunectl.core.record import (
    instance_from_tree,
    instance_to_tree,
    intent_from_tree,
    intent_to_tree,
    lean_tree,
    state_from_tree,
    state_to_tree,
)
from tunectl.core.resource import Instance, Lifecycle, Need
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.core.valuetree import (
    map_from_tree,
    plain_from_tree,
    value_from_tree,
    value_to_tree,
)


def stored(tree):
    """What a file gives back."""
    return json.loads(json.dumps(tree, ensure_ascii=False))


@given(values)
def test_a_value_comes_back_from_json(value):
    assert value_from_tree(stored(value_to_tree(value))) == value


@given(plains)
def test_a_plain_value_comes_back_from_json(value):
    assert plain_from_tree(stored(value_to_tree(value))) == value


@given(mappings)
def test_a_map_of_a_tree_is_the_very_tree_where_no_list_in_it_is_to_be_turned(values):
    tree = stored(value_to_tree(values))
    before = stored(tree)
    found = map_from_tree(tree)
    assert found == {key: plain_from_tree(item) for key, item in before.items()}
    assert (found is tree) == ("[" not in json.dumps(lists_shown(tree)))
    assert tree == before, "what was read is left as it is"


def lists_shown(tree):
    """The form of a tree: `[` stands where a list is, and nowhere else."""
    if isinstance(tree, dict):
        return {str(n): lists_shown(item) for n, item in enumerate(tree.values())}
    return "[" if isinstance(tree, list) else ""


def test_what_seldom_is_said_of_an_instance_is_read_each_for_itself():
    plain = Instance(
        address=Address.of("endpoint", "e"), provider="p", account="a", id="1", spec={}
    )
    for change in (
        {"progress": "62%"},
        {"reason": "no"},
        {"renewed_at": "2026-11-01T00:00:00+00:00"},
        {"deadline": "2026-12-01T00:00:00+00:00"},
        {"lifecycle": Lifecycle(protect=True)},
        {"parent": Address.of("dataset", "d")},
    ):
        said = replace(plain, **change)
        assert instance_from_tree(stored(lean_tree(said))) == said != plain


@given(instances)
def test_an_instance_comes_back_from_json(instance):
    assert instance_from_tree(stored(instance_to_tree(instance))) == instance


@given(intents)
def test_an_intent_comes_back_from_json(intent):
    assert intent_from_tree(stored(intent_to_tree(intent))) == intent


@given(entries)
def test_a_journal_entry_comes_back_from_json(entry):
    assert entry_from_tree(stored(entry_to_tree(entry))) == entry


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(states)
def test_a_state_comes_back_from_json_whatever_the_order_of_its_maps(state):
    tree = state_to_tree(state)
    assert state_from_tree(stored(tree)) == state
    turned = replace(
        state,
        instances=dict(reversed(state.instances.items())),
        providers=dict(reversed(state.providers.items())),
    )
    assert json.dumps(state_to_tree(turned)) == json.dumps(tree)


@given(entries)
def test_what_a_later_version_adds_is_passed_over(entry):
    assert entry_from_tree(stored(entry_to_tree(entry)) | {"later": 1}) == entry


def test_an_entry_of_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="unknown journal entry `burned`"):
        entry_from_tree({"type": "burned"})


def test_an_approval_that_names_an_account_keeps_it():
    address = Address.of("tuning_job", "a")
    live = Instance(address=address, provider="p", account="here", id="same-id", spec={})
    there = Need(address, "same-id", "elsewhere")
    untold = Need(address, "same-id", "")
    approval = Approval(
        id="1",
        digest="",
        who="anna",
        time="",
        wanted={},
        doomed=(there,),
        outputs={},
        anew=(untold,),
        left={},
    )
    state = State(
        lineage="x", project="p", env="e", instances={address: live}, approvals=(approval,)
    )
    (read,) = state_from_tree(state_to_tree(state)).approvals
    assert read.doomed == (there,)
    assert read.anew == (Need(address, "same-id", "here"),)
