"""Knowledge bases of Bedrock: how one is filled, what goes wrong, and what stays behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.contracts.handler_contract import new_op, request_for, settled
from tests.providers.bedrock.cloud import ROLE
from tests.providers.bedrock.making import (
    TEXTS,
    base_request,
    filled,
    sha_of,
    uploaded_documents,
)
from tunectl.core.errors import ConflictError, UnknownOutcomeError
from tunectl.core.resource import Resource, Status
from tunectl.prompts.errors import PromptError
from tunectl.prompts.searching.bedrock import searcher
from tunectl.server.clouds.bedrock.refused import refusal
from tunectl.server.clouds.wire import Answered
from tunectl.server.clouds.world import Fault

INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/acme/index/manual"
COLLECTION = "arn:aws:aoss:us-east-1:123456789012:collection/abcdefghij0123456789"
VECTORS = {
    "storage": {"type": "s3_vectors", "arn": INDEX, "keep_vectors": False},
    "embedding": {"model": "amazon.titan-embed-text-v2:0"},
}


@pytest.fixture
def bases(provider):
    return provider.handlers["knowledge_base"]


def updated(bases, instance, spec):
    request = base_again(instance, spec)
    return settled(bases, bases.update(request))


def base_again(instance, spec):
    resource = Resource(address=instance.address, provider="aws", spec=spec)
    return request_for(resource, spec, prior=instance, op=new_op())


def documents_of(amazon):
    [base] = amazon.bedrock.shelf.knowledge.values()
    return {
        document.id.partition("/")[2]: document.status
        for source in base.sources.values()
        for document in source.documents.values()
    }


def test_it_is_ready_when_every_document_can_be_found(provider, bases, amazon):
    instance = filled(provider, retrieval={"top_k": 3, "min_score": 0.0, "mode": "hybrid"})
    assert instance.status is Status.READY
    assert instance.outputs["documents"] == len(TEXTS)
    assert documents_of(amazon) == dict.fromkeys(TEXTS, "INDEXED")
    search = instance.outputs["search"]
    assert (search["type"], search["top_k"], search["managed"]) == ("bedrock", 3, True)
    assert search["id"] == instance.outputs["id"]
    assert "none" not in search.values()


@pytest.mark.parametrize(
    ("question", "source"),
    [
        ("Ile dni mam na zwrot towaru?", "docs/zwroty.md"),
        ("сколько стоит доставка", "docs/доставка.txt"),
        ("jak długo trwa gwarancja", "docs/gwarancja.html"),
    ],
)
@pytest.mark.parametrize("more", [{}, VECTORS])
def test_a_question_finds_its_document_by_its_name(provider, question, source, more):
    entry = filled(provider, **more).outputs["search"]
    found = searcher(entry, Path()).search(question, top_k=2)
    assert found[0].source == source
    assert found[0].text in " ".join(TEXTS[source].split())
    assert len(found) <= 2


def test_a_search_leaves_out_what_scores_too_little(provider):
    entry = {**filled(provider).outputs["search"], "min_score": 0.9}
    assert searcher(entry, Path()).search("Ile dni mam na zwrot w maju?", top_k=5) == []


def test_a_search_of_what_is_gone_says_so_without_the_question(provider, bases):
    instance = filled(provider)
    bases.delete(instance)
    with pytest.raises(PromptError) as caught:
        searcher(instance.outputs["search"], Path()).search("moje tajne pytanie", top_k=5)
    assert "ResourceNotFoundException" in str(caught.value)
    assert "tajne" not in str(caught.value)


def test_a_document_that_cannot_be_indexed_is_told_by_name_and_tried_again(provider, bases, amazon):
    texts = {**TEXTS, "docs/pusty.md": "   "}
    instance = filled(provider, texts)
    assert instance.status is Status.FAILED
    assert "`docs/pusty.md`: No text content found" in instance.reason
    assert "zwroty" not in instance.reason

    there = bases.read(instance)
    assert there.status is Status.READY
    assert set(there.spec["documents"]) == set(TEXTS)

    before = len(amazon.calls("PUT", "/documents$"))
    better = {**texts, "docs/pusty.md": "Już nie pusty."}
    ready = updated(bases, there, {**instance.spec, **uploaded_documents(provider, better)})
    assert (ready.status, ready.reason) == (Status.READY, "")
    assert len(amazon.calls("PUT", "/documents$")) == before + 1
    assert set(documents_of(amazon)) == set(better)


def test_what_failed_is_tried_again_by_an_update_though_nothing_changed(provider, bases, amazon):
    instance = filled(provider)
    [base] = amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    document = next(iter(source.documents.values()))
    document.status, document.reason = "FAILED", "an internal error"
    assert len(bases.read(instance).spec["documents"]) == len(TEXTS) - 1
    assert updated(bases, instance, instance.spec).status is Status.READY
    assert set(documents_of(amazon).values()) == {"INDEXED"}


def test_a_document_that_was_removed_elsewhere_is_missed_and_put_back(provider, bases, amazon):
    instance = filled(provider)
    [base] = amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    source.documents.pop(next(one for one in source.documents if one.endswith("zwroty.md")))
    there = bases.read(instance)
    assert "docs/zwroty.md" not in there.spec["documents"]
    assert there.outputs["documents"] == len(TEXTS) - 1
    assert updated(bases, there, instance.spec).outputs["documents"] == len(TEXTS)


def test_a_document_that_somebody_else_put_in_is_seen_and_taken_out(provider, bases, amazon):
    instance = filled(provider)
    [base] = amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    one = next(iter(source.documents.values()))
    source.documents["obcy.md"] = replace(one, id="obcy.md")
    there = bases.read(instance)
    assert "obcy.md" in there.spec["documents"]
    updated(bases, there, instance.spec)
    assert set(documents_of(amazon)) == set(TEXTS)


def test_only_what_differs_is_sent(provider, bases, amazon):
    instance = filled(provider)
    changed = {**TEXTS, "docs/zwroty.md": "Zwrot w ciągu 30 dni."}
    del changed["docs/gwarancja.html"]
    before = len(amazon.calls("PUT", "/documents$"))
    ready = updated(bases, instance, {**instance.spec, **uploaded_documents(provider, changed)})
    assert ready.id == instance.id
    assert len(amazon.calls("PUT", "/documents$")) == before + 1
    assert set(documents_of(amazon)) == set(changed)
    assert ready.spec["documents"]["docs/zwroty.md"] == sha_of("Zwrot w ciągu 30 dni.")


def test_other_chunks_make_another_data_source_and_the_old_one_goes(provider, bases, amazon):
    instance = filled(provider, **VECTORS, chunking={"size": 400, "overlap": 40})
    [base] = amazon.bedrock.shelf.knowledge.values()
    [before] = base.sources.values()
    assert before.ingestion["chunkingConfiguration"]["fixedSizeChunkingConfiguration"] == {
        "maxTokens": 400,
        "overlapPercentage": 10,
    }
    ready = updated(bases, instance, {**instance.spec, "chunking": {"size": 200, "overlap": 40}})
    assert (ready.status, ready.id) == (Status.READY, instance.id)
    assert ready.outputs["documents"] == len(TEXTS)
    left = {one.id: one.status for one in base.sources.values()}
    assert left.pop(before.id, "DELETING") == "DELETING"
    assert list(left.values()) == ["AVAILABLE"]
    assert bases.read(ready).spec == ready.spec


def test_another_role_is_sent_with_the_configuration_as_it_was(provider, bases, amazon):
    instance = filled(provider, **VECTORS)
    role = ROLE.replace("bedrock", "reader")
    ready = updated(bases, instance, {**instance.spec, "role_arn": role, "description": "Pomoc"})
    [base] = amazon.bedrock.shelf.knowledge.values()
    assert (base.role, base.description, base.status) == (role, "Pomoc", "ACTIVE")
    assert ready.status is Status.READY


def test_many_documents_go_in_parts_and_never_too_many_at_once(provider, bases, amazon):
    amazon.world.operation_seconds = 1.0
    texts = {f"docs/{number:03}.md": f"Strona numer {number}." for number in range(72)}
    instance = bases.create(base_request(provider, texts))
    most = 0
    while instance.status is Status.PENDING:
        most = max(most, sum(s == "STARTING" for s in _documents_so_far(amazon)))
        instance = bases.poll(instance)
    assert instance.outputs["documents"] == len(texts)
    assert 10 < most <= 50
    assert len(amazon.calls("PUT", "/documents$")) == 8


def _documents_so_far(amazon):
    [base] = amazon.bedrock.shelf.knowledge.values()
    return [d.status for source in base.sources.values() for d in source.documents.values()]


def test_what_others_have_under_way_is_waited_for(provider, bases, amazon):
    words = (
        "You have exceeded the maximum number of concurrent IngestKnowledgeBaseDocuments and "
        "DeleteKnowledgeBaseDocuments requests."
    )
    busy = Fault(
        "status",
        "PUT",
        "/documents$",
        times=2,
        answer=lambda _: refusal("ValidationException", words),
    )
    amazon.world.faults.append(busy)
    assert filled(provider).status is Status.READY
    assert busy.times == 0


@pytest.mark.parametrize("path", ["/datasources/$", "/documents$"])
@pytest.mark.parametrize("after", [True, False])
def test_an_answer_that_is_lost_on_the_way_is_made_up_for(provider, amazon, path, after):
    amazon.world.faults.append(Fault("lost", "PUT", path, after=after))
    instance = filled(provider)
    assert instance.status is Status.READY
    [base] = amazon.bedrock.shelf.knowledge.values()
    assert len(base.sources) == 1
    assert instance.outputs["documents"] == len(TEXTS)


def test_one_whose_create_was_lost_is_found_and_filled(provider, bases, amazon):
    amazon.world.faults.append(Fault("lost", "PUT", "^/knowledgebases/$", after=True))
    request = base_request(provider)
    with pytest.raises(UnknownOutcomeError):
        bases.create(request)
    [found] = bases.find(request.mark)
    assert found.status is Status.PENDING  # or nobody would ever put the documents in
    assert bases.mark(found) == request.mark
    taken = settled(bases, replace(found, spec=request.spec))
    assert (taken.status, taken.outputs["documents"]) == (Status.READY, len(TEXTS))
    again = bases.create(request)
    assert again.id == found.id  # the same token makes nothing new


def test_while_it_is_made_it_reads_as_pending_with_what_is_declared(provider, bases, amazon):
    amazon.world.operation_seconds = 600
    instance = bases.create(base_request(provider))
    there = bases.read(instance)
    assert (there.status, there.progress) == (Status.PENDING, "creating")
    assert dict(there.spec) == dict(instance.spec)


def test_one_that_failed_says_why(provider, bases, amazon):
    instance = bases.create(base_request(provider))
    [base] = amazon.bedrock.shelf.knowledge.values()
    base.status, base.reasons = "FAILED", ("The role cannot be assumed.",)
    failed = bases.poll(instance)
    assert (failed.status, failed.reason) == (Status.FAILED, "The role cannot be assumed.")


def test_a_delete_takes_the_data_source_first_and_names_the_store_that_stays(
    provider, bases, amazon
):
    instance = filled(provider, **VECTORS)
    stays = bases.delete(replace(instance, spec={}))  # as a sweep of orphans knows it
    assert stays is not None
    assert (stays.id, "stays" in stays.reason) == (INDEX, True)
    gone = [call.path for call in amazon.calls("DELETE")]
    assert "/datasources/" in gone[0]
    assert gone[1] == f"/knowledgebases/{instance.outputs['id']}"
    assert amazon.bedrock.shelf.knowledge == {}


def test_a_managed_one_leaves_nothing(provider, bases, amazon):
    assert bases.delete(filled(provider)) is None
    assert [left for left in amazon.bedrock.left() if "knowledge" in left.kind] == []


def test_a_collection_that_stays_is_said_to_bill_on(provider, bases):
    store = {
        "type": "opensearch",
        "arn": COLLECTION,
        "index": "manual",
        "vector_field": "v",
        "text_field": "t",
        "metadata_field": "m",
        "keep_vectors": True,
    }
    stays = bases.delete(filled(provider, **{**VECTORS, "storage": store}))
    assert stays.id == COLLECTION
    assert "bills by the hour" in stays.reason
    assert "with the vectors in it" in stays.reason


def test_a_data_source_that_cannot_be_deleted_is_told_with_its_reason(provider, bases, amazon):
    instance = filled(provider, **VECTORS)
    [base] = amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    source.status, source.reasons = "DELETE_UNSUCCESSFUL", ("The index is gone.",)
    told = {"knowledgeBaseId": base.id, "dataSourceId": source.id, "status": "DELETING"}
    fault = Fault("status", "DELETE", "/datasources/", answer=lambda _: Answered.of(told, 202))
    amazon.world.faults.append(fault)
    with pytest.raises(ConflictError, match="The index is gone"):
        bases.delete(instance)
    assert fault.times == 0
    assert base.status == "ACTIVE"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"chunking": {"size": 400}}, "cuts documents itself"),
        ({"storage": {"type": "s3_vectors", "arn": INDEX}}, "only for `storage: managed`"),
        ({**VECTORS, "chunking": {"size": 400, "overlap": 0}}, "at least 1 %"),
        ({"description": "ż" * 201}, "200 characters, not 201"),
    ],
)
def test_what_the_service_would_refuse_is_said_before(provider, bases, more, words):
    request = base_request(provider, {"docs/a.md": "a"}, **more)
    [found] = bases.check(request.resource)
    assert words in found.summary
    assert found.hint
