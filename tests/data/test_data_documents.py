"""Documents: which files they are, wherever they lie, and their text as one and the same bytes."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stores.objectserver import running
from tunectl.core.errors import Exit
from tunectl.data.datafile import DataFile
from tunectl.data.documents import (
    LARGEST,
    Missing,
    NoDocumentError,
    by_name,
    document,
    document_bytes,
    document_files,
)

TEXT = "# Zażółć\n\nгарантия два года; żółw.\n"


@pytest.fixture(scope="module")
def server():
    with running() as made:
        yield made


@pytest.fixture
def bucket(server, monkeypatch):
    server.buckets.objects.clear()
    server.faults.clear()
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)

    def put(key: str, content: str) -> None:
        server.buckets.put("stan", key, content.encode(), {}, "text/markdown")

    return put


def test_objects_of_a_bucket_are_documents_by_their_url(bucket, tmp_path):
    bucket("help/b.md", "drugi\n")
    bucket("help/żółw.md", TEXT)
    bucket("help/c.html", "<p>x</p>")
    found = document_files("gs://stan/help/*.md", tmp_path)
    assert [one.name for one in found] == ["gs://stan/help/b.md", "gs://stan/help/żółw.md"]
    made = document(found[1])
    assert made.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert document_bytes(by_name(made.name, tmp_path)) == TEXT.encode()


def test_an_object_that_is_not_there_is_told_with_what_is(bucket, tmp_path):
    bucket("help/b.md", "drugi\n")
    [missing] = document_files("gs://stan/help/c.md", tmp_path)
    assert isinstance(missing, Missing)
    assert "`help/b.md`" in missing.said.hint
    with pytest.raises(NoDocumentError, match=r"gs://stan/help/c\.md"):
        by_name("gs://stan/help/c.md", tmp_path)


def test_missing_credentials_keep_their_exit_code(tmp_path, monkeypatch):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nic.json"))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    [missing] = document_files("gs://stan/help/c.md", tmp_path)
    assert missing.said.exit is Exit.CREDENTIALS


def file_of(content: bytes, path) -> DataFile:
    path.write_bytes(content)
    return DataFile.at(path, path.name, None)


@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0\ufeff"), max_size=80))
def test_a_text_is_the_same_document_in_every_encoding_that_says_what_it_is(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "a.md"
    wanted = text.encode()
    for content in (wanted, b"\xef\xbb\xbf" + wanted, ("\ufeff" + text).encode("utf-16-le")):
        if content[:2] not in {b"\xff\xfe", b"\xfe\xff"} or content != wanted:
            assert document_bytes(file_of(content, path)) == wanted


@given(content=st.binary(max_size=60))
def test_any_bytes_are_text_or_refused_with_a_reason(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "b.md"
    refused = None
    try:
        document_bytes(file_of(content, path)).decode()
    except NoDocumentError as error:
        refused = error
    assert refused is None or (refused.hint and refused.code in {"not-utf8", "document-binary"})


def test_a_document_that_is_too_large_is_refused(tmp_path):
    with pytest.raises(NoDocumentError, match="more than 20 MB"):
        document_bytes(file_of(b"a" * (LARGEST + 1), tmp_path / "a.md"))


def test_what_becomes_unreadable_is_told(tmp_path):
    (tmp_path / "a.md").mkdir()
    with pytest.raises(NoDocumentError, match=r"`a\.md` cannot be read"):
        document_bytes(DataFile.at(tmp_path / "a.md", "a.md", None))
