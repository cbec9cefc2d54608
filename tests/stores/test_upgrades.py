"""Every format a state was ever written in can still be read, and comes out whole."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from tunectl.core.errors import StateError
from tunectl.core.resource import Lifecycle, Recreate, Status
from tunectl.core.value import Address
from tunectl.core.valuetree import Tree
from tunectl.stores import statefile
from tunectl.stores.stateschema import schema

GOLDEN = Path(__file__).parent / "golden"
JOB = Address.of("tuning_job", "wsparcie", key="pl")


def golden(number: int) -> bytes:
    return (GOLDEN / f"state-{number}.json").read_bytes()


def test_there_is_a_golden_file_of_every_format():
    files = {path.name for path in GOLDEN.glob("state-*.json")}
    assert files == {f"state-{number}.json" for number in range(1, statefile.FORMAT + 1)}


def test_every_format_can_be_brought_up_to_the_present_one():
    assert set(statefile.UPGRADES) == set(range(1, statefile.FORMAT))


@pytest.mark.parametrize("number", range(1, statefile.FORMAT + 1))
def test_a_golden_state_is_read_whole(number):
    found = statefile.read_document(golden(number), "default.json")
    assert (found.format, found.tool_version) == (number, "0.1.0")
    state = found.state
    assert (state.project, state.env, state.serial) == ("pomoc", "default", 7)
    job = state.instances[JOB]
    assert (job.id, job.fingerprint, job.recreate) == (
        "ftjob-1",
        "fp1:" + "ab" * 32,
        Recreate.ON_REQUEST,
    )
    assert job.spec["labels"] == ("ż", "д", 1, 2.5, True)
    assert (job.lifecycle.protect, job.lifecycle.keep_previous) == (True, 2)
    assert job.labels == {"zespół": "wsparcie"}
    assert job.needs[0].address == Address.of("upload", "wsparcie", key="train/local/chat")
    end = state.instances[Address.of("endpoint", "wsparcie")]
    assert (end.status, end.progress) == (Status.PENDING, "62%, 1 min left")
    [old] = state.superseded
    assert (old.status, old.reason) == (Status.FAILED, "zabrakło pamięci")
    assert [i.address for i in state.intents] == [Address.of("endpoint", "drugi")]
    assert state.providers["local"].settings == {"trainer": "simulated"}
    assert state.outputs == {"model": "pomoc-wsparcie"}


def test_a_golden_state_of_the_present_format_fits_the_schema():
    Draft202012Validator(schema()).validate(orjson.loads(golden(statefile.FORMAT)))


def test_what_is_written_again_says_the_same():
    state = statefile.decode(golden(1), "default.json")
    assert statefile.decode(statefile.encode(state, "9.9.9"), "default.json") == state


def _as_format_0(document: Tree) -> Tree:
    """An older form that never was: instances by address, the environment called a workspace."""
    old = {k: v for k, v in document.items() if k not in {"instances", "env", "checksum"}}
    old["format"] = 0
    old["workspace"] = document["env"]
    old["instances"] = {i["address"]: i for i in document["instances"]}
    old["checksum"] = statefile._checksum(old)
    return old


def _from_0(document: Tree) -> Tree:
    new = {k: v for k, v in document.items() if k != "workspace"}
    return new | {
        "format": 1,
        "env": document["workspace"],
        "instances": list(document["instances"].values()),
    }


def test_an_older_format_is_brought_up_step_by_step(monkeypatch):
    old = orjson.dumps(_as_format_0(orjson.loads(golden(1))))
    with pytest.raises(StateError, match="has format 0, which this version cannot read any more"):
        statefile.decode(old, "default.json")
    monkeypatch.setitem(statefile.UPGRADES, 0, _from_0)
    found = statefile.read_document(old, "default.json")
    assert found.format == 0
    assert found.state == statefile.decode(golden(1), "default.json")


def test_an_older_format_that_was_altered_is_refused_before_it_is_touched(monkeypatch):
    monkeypatch.setitem(statefile.UPGRADES, 0, _from_0)
    old = _as_format_0(orjson.loads(golden(1))) | {"serial": 99}
    with pytest.raises(StateError, match="altered outside tunectl"):
        statefile.decode(orjson.dumps(old), "default.json")


def test_unknown_keys_of_a_later_minor_version_are_passed_over():
    document = orjson.loads(golden(1))
    document["instances"][0]["colour"] = "green"
    document["weather"] = {"wind": 3}
    del document["checksum"]
    document["checksum"] = statefile._checksum(document)
    found = statefile.decode(orjson.dumps(document), "default.json")
    assert found == statefile.decode(golden(1), "default.json")


def test_one_altered_byte_is_noticed_in_either_layout():
    state = statefile.decode(golden(1), "default.json")
    for content in (statefile.encode(state, "0.1.0"), statefile.encode_readable(state, "0.1.0")):
        assert statefile.decode(content, "default.json") == state
        with pytest.raises(StateError, match="altered outside"):
            statefile.decode(content.replace(b"ftjob-1", b"ftjob-2"), "default.json")


def test_a_readable_document_may_be_laid_out_anew_and_a_stored_one_may_not():
    state = statefile.decode(golden(1), "default.json")
    readable = orjson.dumps(orjson.loads(statefile.encode_readable(state, "0.1.0")))
    assert statefile.decode(readable, "default.json") == state
    stored = orjson.dumps(
        orjson.loads(statefile.encode(state, "0.1.0")), option=orjson.OPT_INDENT_2
    )
    with pytest.raises(StateError, match="altered outside"):
        statefile.decode(stored, "default.json")


def test_what_says_nothing_is_not_stored_and_comes_back():
    state = statefile.decode(golden(1), "default.json")
    plain = next(iter(state.instances.values()))
    plain = replace(plain, needs=(), recreate=Recreate.FREELY, lifecycle=Lifecycle())
    state = replace(state, instances={plain.address: plain}, superseded=())
    content = statefile.encode(state, "0.1.0")
    [stored] = orjson.loads(content)["instances"]
    assert not {"needs", "recreate", "lifecycle"} & stored.keys()
    assert statefile.decode(content, "default.json") == state
