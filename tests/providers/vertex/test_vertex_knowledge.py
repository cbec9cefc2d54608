"""Corpora of RAG Engine: how one is filled, what goes wrong, and what stays behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.handler_contract import new_op, request_for, settled
from tests.providers.vertex.conftest import BUCKET, NAME
from tests.providers.vertex.corpora import (
    TEXTS,
    base_request,
    filled,
    sha_of,
    uploaded_documents,
)
from tunectl.core.errors import (
    ConflictError,
    InvalidRequestError,
    Severity,
    UnknownOutcomeError,
)
from tunectl.core.resource import Resource, Status
from tunectl.prompts.errors import PromptError
from tunectl.prompts.searching import searcher
from tunectl.providers.documents import Document
from tunectl.providers.vertex.document_names import document_id, object_of
from tunectl.server.clouds.world import Fault


@pytest.fixture
def bases(provider):
    return provider.handlers["knowledge_base"]


def updated(bases, instance, spec):
    resource = Resource(address=instance.address, provider=NAME, spec=spec)
    request = request_for(resource, spec, prior=instance, op=new_op())
    return settled(bases, bases.update(request))


def only_corpus(clouds):
    [corpus] = clouds.vertex.ledger.corpora.values()
    return corpus


def imports(clouds):
    return [call for call in clouds.calls() if call.endswith("ragFiles:import")]


def test_it_is_ready_when_every_document_is_imported(provider, clouds):
    instance = filled(provider, retrieval={"top_k": 3, "min_score": 0.2, "mode": "hybrid"})
    assert instance.status is Status.READY
    assert instance.outputs["documents"] == len(TEXTS)
    assert set(instance.outputs) == {"id", "search", "documents"}
    search = instance.outputs["search"]
    assert (search["type"], search["top_k"], search["min_score"]) == ("vertex", 3, 0.2)
    assert (search["corpus"], search["location"]) == (instance.id, "europe-west4")
    assert len(imports(clouds)) == 1


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("Ile dni mam na zwrot towaru?", "docs/zwroty.md"),
        ("сколько стоит доставка", "docs/доставка.rst"),
        ("jak długo trwa gwarancja", "docs/gwarancja.html"),
    ],
)
def test_a_question_finds_its_document_by_its_name(provider, question, source):
    entry = filled(provider).outputs["search"]
    found = searcher(entry, Path()).search(question, top_k=2)
    assert found[0].source == source
    assert 0 < found[0].score <= 1  # the service tells a distance: less is nearer
    assert [one.score for one in found] == sorted((o.score for o in found), reverse=True)


def test_a_search_of_what_is_gone_says_so_without_the_question(provider, bases):
    instance = filled(provider)
    bases.delete(instance)
    with pytest.raises(PromptError) as caught:
        searcher(instance.outputs["search"], Path()).search("moje tajne pytanie", top_k=5)
    assert "NotFound" in str(caught.value)
    assert "tajne" not in str(caught.value)


def test_the_settings_reach_the_service(provider, clouds):
    filled(
        provider,
        chunking={"size": 400, "overlap": 40},
        embedding={"model": "text-multilingual-embedding-002"},
        description="Podręcznik",
    )
    kept = only_corpus(clouds).kept
    config = kept["vectorDbConfig"]["ragEmbeddingModelConfig"]["vertexPredictionEndpoint"]
    assert config["endpoint"].endswith("/publishers/google/models/text-multilingual-embedding-002")
    assert kept["description"].startswith("Podręcznik (tunectl {")
    [operation] = [
        o
        for o in clouds.vertex.ledger.operations.values()
        if o.kind == "ImportRagFilesOperationMetadata"
    ]
    cut = operation.about["importRagFilesConfig"]["ragFileTransformationConfig"]
    assert cut["ragFileChunkingConfig"]["fixedLengthChunking"] == {
        "chunkSize": 400,
        "chunkOverlap": 40,
    }


def test_only_what_differs_is_imported_and_what_is_superseded_goes(provider, bases, clouds):
    instance = filled(provider)
    changed = {**TEXTS, "docs/zwroty.md": "Zwrot w ciągu 30 dni."}
    del changed["docs/gwarancja.html"]
    ready = updated(bases, instance, {**instance.spec, **uploaded_documents(provider, changed)})
    assert (ready.status, ready.id) == (Status.READY, instance.id)
    assert ready.spec["documents"]["docs/zwroty.md"] == sha_of("Zwrot w ciągu 30 dni.")
    assert len(only_corpus(clouds).files) == len(changed)
    operations = clouds.vertex.ledger.operations.values()
    sent = [
        len(o.about["importRagFilesConfig"]["gcsSource"]["uris"])
        for o in operations
        if "importRagFilesConfig" in o.about
    ]
    assert sent == [3, 1]


def test_a_document_that_cannot_be_imported_is_told_by_name_and_tried_again(provider, bases):
    texts = {**TEXTS, "docs/pusty.md": "   "}
    instance = filled(provider, texts)
    assert instance.status is Status.FAILED
    assert "`docs/pusty.md`: The file" in instance.reason
    assert "zwroty" not in instance.reason.replace("docs/pusty.md", "")

    there = bases.read(instance)
    assert there.status is Status.READY
    assert set(there.spec["documents"]) == set(TEXTS)
    better = {**texts, "docs/pusty.md": "Już nie pusty."}
    ready = updated(bases, there, {**instance.spec, **uploaded_documents(provider, better)})
    assert (ready.status, ready.outputs["documents"]) == (Status.READY, len(better))


def test_an_object_that_is_gone_before_the_import_is_told_and_not_tried_for_ever(
    provider, bases, clouds
):
    request = base_request(provider)
    lost = request.spec["files"]["docs/zwroty.md"].partition(f"gs://{BUCKET}/")[2]
    clouds.buckets.remove(BUCKET, lost)
    instance = settled(bases, bases.create(request))
    assert instance.status is Status.FAILED
    assert "`docs/zwroty.md`" in instance.reason
    assert len(imports(clouds)) == 1


def test_many_documents_are_imported_in_parts_one_after_the_other(provider, bases, clouds):
    texts = {f"docs/{number:03}.md": f"Strona numer {number}." for number in range(60)}
    instance = filled(provider, texts)
    assert instance.outputs["documents"] == len(texts)
    assert len(imports(clouds)) == 3
    few = {name: text for name, text in texts.items() if name < "docs/030"}
    ready = updated(bases, instance, {**instance.spec, **uploaded_documents(provider, few)})
    assert ready.outputs["documents"] == 30
    assert len(only_corpus(clouds).files) == 30


@pytest.mark.parametrize("after", [True, False])
def test_an_answer_to_an_import_that_is_lost_is_made_up_for(provider, clouds, after):
    clouds.world.faults.append(Fault("lost", "POST", "ragFiles:import", after=after))
    instance = filled(provider)
    assert (instance.status, instance.outputs["documents"]) == (Status.READY, len(TEXTS))
    assert len(only_corpus(clouds).files) == len(TEXTS)


def test_one_whose_create_was_lost_is_found_by_its_description_and_filled(provider, bases, clouds):
    clouds.world.faults.append(Fault("lost", "POST", "/ragCorpora$", after=True))
    request = base_request(provider)
    with pytest.raises(UnknownOutcomeError):
        bases.create(request)
    clouds.world.pass_time(5)
    [found] = bases.find(request.mark)
    assert found.status is Status.PENDING
    assert bases.mark(found) == request.mark
    taken = settled(bases, replace(found, spec=request.spec))
    assert (taken.status, taken.outputs["documents"]) == (Status.READY, len(TEXTS))


def test_one_of_which_nobody_says_how_its_making_goes_may_exist_and_is_found(
    provider, bases, clouds
):
    clouds.world.faults.append(Fault("reset", "GET", "/operations/", times=5))
    request = base_request(provider)
    with pytest.raises(UnknownOutcomeError):
        bases.create(request)
    clouds.world.faults.clear()
    clouds.world.pass_time(5)
    [found] = bases.find(request.mark)
    taken = settled(bases, replace(found, spec=request.spec))
    assert taken.outputs["documents"] == len(TEXTS)


def test_a_create_that_the_service_gives_up_made_nothing(provider, bases, clouds):
    clouds.vertex.fail("CreateRagCorpusOperationMetadata", "INTERNAL", "Spanner is full.")
    with pytest.raises(InvalidRequestError, match=r"Spanner is full\."):
        bases.create(base_request(provider))
    assert clouds.vertex.ledger.corpora == {}


def test_a_description_is_changed_in_place_and_the_mark_stays(provider, bases, clouds):
    request = base_request(provider)
    instance = settled(bases, bases.create(request))
    ready = updated(bases, instance, {**instance.spec, "description": "Для людей"})
    assert ready.status is Status.READY
    assert only_corpus(clouds).kept["description"].startswith("Для людей (tunectl")
    assert bases.mark(ready) == request.mark


def test_files_that_somebody_else_put_there_are_a_reason_not_to_delete(provider, bases, clouds):
    instance = filled(provider)
    corpus = only_corpus(clouds)
    name, file = next(iter(corpus.files.items()))
    corpus.files["theirs"] = {**file, "name": "theirs", "gcsSource": {"uris": ["gs://x/y.pdf"]}}
    assert "gs://x/y.pdf" in bases.read(instance).spec["documents"]
    with pytest.raises(ConflictError, match=r"gs://x/y\.pdf"):
        bases.delete(instance)
    assert name in corpus.files


def test_a_delete_says_that_the_database_of_the_project_stays_and_bills(provider, bases, clouds):
    stays = bases.delete(filled(provider))
    assert stays.id.endswith("/ragEngineConfig")
    assert "by the hour, used or not" in stays.reason
    [engine] = [one for one in clouds.vertex.left() if one.kind == "RAG Engine"]
    assert engine.bills
    changed = [call for call in clouds.calls() if "ragEngineConfig" in call]
    assert changed == []  # its tier is nobody's side effect


def test_without_agreement_to_the_database_nothing_is_made(bases, provider):
    request = base_request(provider)
    spec = {k: v for k, v in request.spec.items() if k != "allow_rag_engine"}
    [found] = bases.check(replace(request.resource, spec=spec))
    assert found.severity is Severity.ERROR
    assert "allow_rag_engine: true" in found.hint
    assert "100 processing units" in found.hint
    [told] = bases.check(request.resource)
    assert told.severity is Severity.WARNING
    assert "no price is known" in told.summary


def test_there_is_no_rag_engine_in_global(clouds):
    handler = clouds.connect(location="global").handlers["knowledge_base"]
    request = base_request(clouds.connect(concurrent_jobs=100))
    found = [d for d in handler.check(request.resource) if d.severity is Severity.ERROR]
    assert ["`global`" in d.summary for d in found] == [True]


names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=60)


@given(names.filter(lambda name: not name.startswith("/")))
def test_a_document_is_known_again_by_the_name_of_its_object(name):
    document = Document(name, "ab" * 32)
    uri = f"gs://acme/obsługa/tunectl/{'c' * 32}/{object_of(document)}"
    assert object_of(document).isascii()
    assert "//" not in object_of(document)
    assert document_id(uri) == document.id


@pytest.mark.parametrize("uri", ["gs://x/y.pdf", "", f"gs://b/tunectl/{'c' * 32}/rows.jsonl"])
def test_what_is_no_document_of_ours_is_not_taken_for_one(uri):
    assert document_id(uri) == ""
