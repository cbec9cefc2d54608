"""A state that is read some lines at a time says what it says as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import orjson
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.core.values import states
from tunectl.core.errors import StateError
from tunectl.core.record import lean_tree, state_from_tree, state_to_tree
from tunectl.core.resource import Instance, Need
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.stores import statelines
from tunectl.stores.statefile import decode, encode

PIECES = st.sampled_from([0, 1, 150, 20_000])
LISTED = {"rows": ("ż", 1), "more": {"deep": (("д",),)}}


def sealed(body: bytes) -> bytes:
    """A document with its checksum, as `encode` ends one."""
    checksum = "sha256:" + hashlib.sha256(body).hexdigest()
    return body[:-1] + f',"checksum":"{checksum}"}}\n'.encode()


def many(count: int, **of_each: object) -> State:
    """A state of endpoints, one line for each."""
    one = Instance(
        address=Address.of("endpoint", "r"), provider="p", account="a", id="e", spec={"model": "m"}
    )
    live = [
        replace(one, address=Address.of("endpoint", f"r{at}"), id=f"e{at}", **of_each)
        for at in range(count)
    ]
    return State(
        lineage="l", project="p", env="e", serial=1, instances={i.address: i for i in live}
    )


def by_lines(monkeypatch: pytest.MonkeyPatch, piece: int, content: bytes) -> State:
    """Read it by lines, or fail."""
    monkeypatch.setattr(statelines, "_PIECE", piece)
    found = statelines.read(content)
    assert found is not None, "its instances have no lines"
    document, instances = found
    assert "instances" not in document
    return state_from_tree(document, instances)


@given(states, PIECES)
@settings(max_examples=150)
def test_it_says_the_same_by_lines_and_as_a_whole(state, piece):
    try:
        content = encode(state, "0.1.0")
    except TypeError:  # a number beyond 64 bits, which no declaration can hold
        assume(False)
    whole = state_from_tree(orjson.loads(content))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(statelines, "_PIECE", piece)
        assert decode(content, "e.json") == whole
        if state.instances:
            assert by_lines(patched, piece, content) == whole


def test_each_instance_has_a_line_of_its_own():
    state = many(3)
    lines = encode(state, "0.1.0").split(b"\n")
    assert [orjson.loads(line.rstrip(b",")) for line in lines[1:4]] == [
        lean_tree(i) for i in state.instances.values()
    ]
    assert len(lines) == 6  # what is before them, what is after them, and nothing


def test_a_state_without_instances_is_one_line():
    content = encode(State(lineage="l", project="p", env="e"), "0.1.0")
    assert content.count(b"\n") == 1
    assert statelines.read(content) is None
    assert decode(content, "e.json").instances == {}


@pytest.mark.parametrize("piece", [0, 300, 20_000])
@pytest.mark.parametrize(
    "odd",
    [
        {"spec": LISTED},
        {"outputs": LISTED},
        {"spec": {"needs": ("a", "b")}},
        {"spec": {"text": "[a, b]"}, "outputs": LISTED},
        {"spec": LISTED, "needs": (Need(Address.of("upload", "u", key="pl"), "f", "a"),)},
        {"needs": (Need(Address.of("upload", "u", key='a"[b'), "f", "a"),)},
        {"spec": {"text": '\\["', "list": ()}},
        {"spec": {"text": ',"instances":[\n'}, "outputs": {"text": "\n],", "l": ("\n", ",\n")}},
    ],
)
def test_lists_become_tuples_wherever_one_is(monkeypatch, piece, odd):
    state = many(40)
    for name in ("r0", "r17", "r39"):
        address = Address.of("endpoint", name)
        state.instances[address] = replace(state.instances[address], **odd)
    assert by_lines(monkeypatch, piece, encode(state, "0.1.0")) == state


def test_a_document_that_is_laid_out_otherwise_is_read_as_a_whole():
    state = many(5, spec={"model": {"list": ("a", {"b": ("c",)})}, "x": {"instances": ()}})
    tree = {"format": 2, "tool_version": "0.1.0", **state_to_tree(state, lean_tree)}
    for spaced in (
        orjson.dumps(tree),
        orjson.dumps(tree).replace(b'{"address"', b'{\n"address"').replace(b",", b",\n"),
        orjson.dumps(tree).replace(b"[", b"[\n").replace(b"]", b"\n]").replace(b",", b",\n"),
        encode(state, "0.1.0").rpartition(b',"checksum"')[0].replace(b"},\n", b"},\n\n") + b"}",
    ):
        body = spaced.replace(b'{"format":2,\n', b'{"format":2,')
        assert decode(sealed(body), "e.json") == state


def test_a_line_that_is_no_instance_is_told_of():
    content = encode(many(3), "0.1.0").rpartition(b',"checksum"')[0] + b"}"
    for broken in (
        content.replace(b'"id":"e1",', b""),
        content.replace(b'"status":"ready"', b'"status":"asleep"', 1),
        content.replace(b'"spec":{"model":"m"}', b'"spec":7', 1),
    ):
        with pytest.raises(StateError, match="cannot be understood"):
            decode(sealed(broken), "e.json")
    with pytest.raises(StateError, match="truncated or damaged"):
        decode(sealed(content.replace(b"},\n", b",\n", 1)), "e.json")
    with pytest.raises(StateError, match="altered outside"):
        decode(encode(many(3), "0.1.0").replace(b"},\n", b"}, ", 1), "e.json")
