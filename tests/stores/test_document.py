"""The one document of an HTTP store: whatever is in it comes back, and damage is always noticed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import StaleError, StateError
from tunectl.core.ports import Blob
from tunectl.stores.document import Document, decode, encode
from tunectl.stores.generations import KEPT as GENERATIONS

names = st.sampled_from(["default.json", "środa.journal", "rows/aa", "history/default.json.1.a"])
contents = st.one_of(st.binary(max_size=300), st.text(max_size=200).map(str.encode))
generations = st.text("0123456789abcdef", min_size=1, max_size=32)
documents = st.builds(
    Document,
    serial=st.integers(1, 10**6),
    lineage=st.uuids().map(str),
    token=generations,
    files=st.dictionaries(names, st.builds(Blob, contents, generations), max_size=4),
)


@given(documents)
def test_what_is_written_is_read(document):
    assert decode(encode(document), "https://host/state") == document


@given(documents, st.data())
def test_a_truncated_document_is_refused(document, data):
    content = encode(document)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(StateError, match="https://host/state"):
        decode(content[:cut], "https://host/state")


@given(documents, st.data())
def test_a_changed_byte_is_refused_or_means_the_same(document, data):
    content = bytearray(encode(document))
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    read = None
    with contextlib.suppress(StateError):
        read = decode(bytes(content), "https://host/state")
    assert read is None or read == document


@given(st.binary(max_size=200))
def test_anything_else_is_refused(content):
    with pytest.raises(StateError):
        decode(content, "https://host/state")


@given(st.lists(contents, min_size=1, max_size=15))
def test_every_write_follows_the_one_before_and_ten_are_kept(written):
    document = Document()
    for number, content in enumerate(written):
        token = f"{number:032x}"
        before = document.files.get("default.json")
        with pytest.raises(StaleError):
            document.written("default.json", content, expected="another", generation=token)
        expected = before.generation if before else None
        files = document.written("default.json", content, expected=expected, generation=token)
        document = document.next(files, token)
    assert document.serial == len(written)
    assert document.files["default.json"].content == written[-1]
    kept = sorted(name for name in document.files if name.startswith("history/"))
    assert [document.files[n].content for n in kept] == written[:-1][-GENERATIONS:]
