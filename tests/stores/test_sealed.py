"""With a key nobody else can read the state; without it nothing is ever read as "nothing there"."""

from __future__ import annotations

import base64
import sys

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.store_contract import HistoryContract, StoreContract
from tunectl.core.errors import ConfigError, StateError
from tunectl.core.resource import Instance
from tunectl.core.state import Made, State
from tunectl.core.value import Address
from tunectl.stores.file import FileStore
from tunectl.stores.ledger import Ledger
from tunectl.stores.memory import MemoryStore
from tunectl.stores.sealed import PREVIOUS, VARIABLE, SealedStore, is_sealed, keys_from

SECRET = "klient Żółw"


def text(byte: int) -> str:
    return base64.b64encode(bytes([byte]) * 32).decode()


KEY, OTHER, THIRD = text(1), text(2), text(3)


def keys(current: str = "", *previous: str):
    return keys_from({VARIABLE: current, PREVIOUS: ",".join(previous)})


def ledger(store, *given: str) -> Ledger:
    return Ledger(SealedStore(store, keys(*given)), "p", "default", "0.1.0")


def instance(id_: str = "file-1") -> Instance:
    return Instance(
        address=Address.of("upload", "a"), provider="x", account="y", id=id_, spec={"who": SECRET}
    )


def applied(store, *given: str) -> Ledger:
    """Leave a snapshot and a journal."""
    made = ledger(store, *given)
    made.journal(made.save(made.load())).append(Made("1", instance()))
    return made


class TestSealedFolder(StoreContract, HistoryContract):
    @pytest.fixture
    def clients(self, tmp_path):
        opened = keys(KEY)
        return tuple(SealedStore(FileStore(tmp_path / "stan"), opened) for _ in range(2))


@given(st.binary(max_size=300), st.text(min_size=1, max_size=30))
def test_what_is_sealed_comes_back_and_never_looks_the_same_twice(content, name):
    opened = keys(KEY)
    sealed = opened.seal(name, content)
    assert is_sealed(sealed)
    assert opened.open(name, sealed) == content
    assert opened.seal(name, content) != sealed


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_no_changed_byte_goes_unnoticed(where, change):
    opened = keys(KEY)
    sealed = bytearray(opened.seal("default.json", b"content"))
    sealed[where % len(sealed)] ^= change
    try:
        found = opened.open("default.json", bytes(sealed))
    except StateError:
        return
    # No envelope any more, or its data in other words: never other content.
    assert found == bytes(sealed) or found == b"content"


def test_nothing_of_the_state_can_be_read_in_the_folder(tmp_path):
    made = applied(FileStore(tmp_path), KEY)
    made.store.write("rows/ab", SECRET.encode(), expected=None)
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    assert {"default.json", "default.journal", "ab"} <= {p.name for p in files}
    assert not [p for p in files if "Żółw" in p.read_text("utf-8") or b"upload" in p.read_bytes()]
    assert ledger(FileStore(tmp_path), KEY).load().instances[instance().address] == instance()


@pytest.mark.parametrize(
    ("given_keys", "words"),
    [
        ((), f"is sealed with the key `{keys(KEY).current.id}`, and no key is given"),
        ((OTHER,), f"which is not the one given: `{keys(OTHER).current.id}`"),
        ((OTHER, THIRD), f"`{keys(OTHER).current.id}`, `{keys(THIRD).current.id}`"),
    ],
)
def test_a_sealed_state_without_its_key_is_refused_by_name(given_keys, words):
    store = MemoryStore()
    applied(store, KEY)
    with pytest.raises(StateError) as refused:
        ledger(store, *given_keys).load()
    assert words in str(refused.value)
    assert "default.json" in str(refused.value)
    assert KEY not in repr(refused.value.diagnostics)


def test_a_sealed_journal_alone_is_refused_too():
    store = MemoryStore()
    ledger(store).save(State(lineage="l", project="p", env="default"))
    ledger(store, KEY).journal(ledger(store).load()).append(Made("1", instance()))
    with pytest.raises(StateError, match=r"default\.journal` is sealed"):
        ledger(store).load()


def test_an_open_state_is_read_and_sealed_at_the_next_write():
    store = MemoryStore()
    applied(store)
    assert not is_sealed(store.read("default.json").content)
    later = ledger(store, KEY)
    state = later.load()
    assert state.instances[instance().address] == instance()
    later.save(state)
    assert is_sealed(store.read("default.json").content)


def test_a_changed_key_opens_with_the_previous_and_seals_with_the_new():
    store = MemoryStore()
    applied(store, KEY)
    changed = ledger(store, OTHER, KEY)
    changed.save(changed.load())
    assert instance().address in ledger(store, OTHER).load().instances
    with pytest.raises(StateError, match="sealed with the key"):
        ledger(store, KEY).load()


def test_content_put_in_anothers_place_does_not_open():
    store = MemoryStore()
    applied(store, KEY)
    staging = store.read("default.json").content
    sealed = SealedStore(store, keys(KEY))
    sealed.inner.write("prod.json", staging, expected=None)
    with pytest.raises(StateError, match="put in the place of another"):
        sealed.read("prod.json")


def test_a_kept_generation_opens_under_its_own_name(tmp_path):
    made = ledger(FileStore(tmp_path), KEY)
    made.save(made.save(made.load()))
    [generation] = made.history()
    assert generation.read(made.store).state.serial == 1


@pytest.mark.parametrize("cut", [0, 1, 30, 60, -2])
def test_a_truncated_sealed_state_is_refused(cut):
    store = MemoryStore()
    applied(store, KEY)
    blob = store.read("default.json")
    store.write("default.json", blob.content[:cut], expected=blob.generation)
    with pytest.raises(StateError, match=r"empty|truncated|altered"):
        ledger(store, KEY).load()


def test_one_sealed_by_a_newer_version_is_refused():
    envelope = orjson.dumps({"tunectl_sealed": 2, "key": "x", "data": "y"})
    with pytest.raises(StateError, match="sealed in form 2"):
        keys(KEY).open("default.json", envelope)


@pytest.mark.parametrize("bad", ["abc", "żółw", KEY[:-4], KEY + "AAAA", "=" * 44])
def test_a_key_of_another_form_is_refused_and_not_shown(bad):
    with pytest.raises(ConfigError, match="must be 32 bytes in base64") as refused:
        keys(bad)
    assert "openssl rand -base64 32" in refused.value.diagnostics[0].hint
    assert bad not in repr(refused.value.diagnostics)


def test_a_key_may_be_written_for_urls_too():
    assert keys("-_" + KEY[2:]).current == keys("+/" + KEY[2:]).current


def test_a_previous_key_alone_is_refused():
    with pytest.raises(ConfigError, match="set without"):
        keys("", KEY)


def test_a_key_is_never_shown_by_accident():
    assert KEY not in repr(keys(KEY))
    assert str(bytes([1]) * 32) not in repr(keys(KEY))


def test_without_the_library_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.ciphers.aead", None)
    with pytest.raises(ConfigError, match="needs the package `cryptography`") as refused:
        keys(KEY).seal("default.json", b"")
    assert refused.value.diagnostics[0].hint == "pip install 'tunectl[encryption]'"


@pytest.mark.parametrize(
    "name",
    [
        "history/default.json.20261122T085646212217.e3b0c442",
        "history/default.journal.20261122T085646212217.e3b0c442",
        "shared/history/objects.json.20261122T085646212217.1763801",
        "history/shared/objects.json.20261122T085646212217.0a1b",
    ],
)
def test_whatever_a_store_calls_a_kept_copy_it_opens(name):
    original = name.replace("history/", "").partition(".2026")[0]
    assert keys(KEY).open(name, keys(KEY).seal(original, b"x")) == b"x"
    with pytest.raises(StateError, match="does not fit"):
        keys(KEY).open(name, keys(KEY).seal("default2.json", b"x"))


def test_what_runs_need_is_sealed_again_in_one_step(tmp_path):
    inner = FileStore(tmp_path)
    inner.write("shared/objects.json", b"{}", expected=None)
    sealed = SealedStore(inner, keys(KEY))
    assert sealed.reseal("shared/objects.json")
    assert sealed.read("shared/objects.json").content == b"{}"
    assert not sealed.reseal("shared/objects.json")
    assert not sealed.reseal("shared/missing.json")


def test_sealing_again_reaches_what_is_never_written_otherwise(tmp_path):
    inner = FileStore(tmp_path)
    applied(inner)
    ledger(inner).overwrite(State(lineage="l", project="p", env="default", serial=5))
    inner.write("rows/ab", b"rows", expected=None)
    sealed = SealedStore(inner, keys(KEY))
    names = [*inner.list("history/"), "rows/ab"]
    assert len(names) == 3
    assert any("journal" in name for name in names)
    before = {name: sealed.read(name).content for name in names if "journal" not in name}
    assert all(sealed.reseal(name, spare=True) for name in names)
    assert not any(sealed.reseal(name, spare=True) for name in names)
    assert {name: sealed.read(name).content for name in before} == before
    assert not [n for n in names if SECRET.encode() in inner.read(n).content]
