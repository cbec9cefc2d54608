"""Knowledge bases of OpenAI, through the real SDK, against vector stores on loopback."""

import re
from dataclasses import replace

import pytest
from openai import OpenAI as Client

from tests.contracts.handler_contract import HandlerContract, Subject, settled
from tests.providers import openai_documents
from tests.providers.openai_documents import TEXTS, sha
from tunectl.core.errors import NotFoundError
from tunectl.core.resource import Status
from tunectl.prompts.errors import PromptError
from tunectl.prompts.searching.openai import searcher
from tunectl.server.clouds.world import Fault

DAY = 86_400


@pytest.fixture
def konto(tmp_path, monkeypatch):
    with openai_documents.account(tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def client(konto):
    with Client(base_url=f"{konto.url}/v1", api_key="any") as client:
        yield client


class TestKnowledgeBasesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, konto):
        less = {"docs/zwroty.md": TEXTS["docs/zwroty.md"], "docs/nowe.md": "Nowe zasady.\n"}
        return Subject(
            konto.provider,
            "knowledge_base",
            konto.request,
            changed=lambda _: konto.spec(less, expires_when_idle=30 * DAY),
        )


def files_of(client, instance):
    return {f.attributes["document"]: f for f in client.vector_stores.files.list(instance.id)}


def test_a_file_says_which_document_it_is_and_nothing_else(konto, client):
    _, made = konto.made()
    attributes = [f.attributes for f in client.vector_stores.files.list(made.id)]
    wanted = [{"document": name, "sha256": sha(text)} for name, text in TEXTS.items()]
    assert sorted(attributes, key=str) == sorted(wanted, key=str)
    for file in client.files.list():
        assert file.purpose == "assistants"
        assert re.fullmatch(r"tunectl\.[0-9a-f]{32}\.[\w-]+\.[0-9a-f]{12}\.md", file.filename)


def test_the_bytes_of_a_document_arrive_as_they_are(konto, client):
    file = konto.file("docs/wysyłka.md", TEXTS["docs/wysyłka.md"])
    assert client.files.content(file).text == TEXTS["docs/wysyłka.md"]


def test_settings_are_sent_in_the_words_of_the_wire(konto, client):
    _, made = konto.made(
        description="Zasady sklepu",
        chunking={"size": 300, "overlap": 100},
        expires_when_idle=14 * DAY,
    )
    store = client.vector_stores.retrieve(made.id)
    assert store.name == "helpdesk-manual"
    assert store.expires_after.days == 14
    assert store.metadata["tunectl-address"] == "knowledge_base.manual"
    [cut, *_] = [f.chunking_strategy for f in client.vector_stores.files.list(made.id)]
    assert (cut.static.max_chunk_size_tokens, cut.static.chunk_overlap_tokens) == (300, 100)
    assert konto.cloud.vector_stores.shelf.get(made.id).description == "Zasady sklepu"


@pytest.mark.parametrize(
    ("chunking", "sent"),
    [({"size": 200}, (200, 100)), ({"overlap": 10}, (800, 10)), ({"size": 2000}, (2000, 400))],
)
def test_half_a_chunking_is_completed_by_the_services_own_numbers(konto, client, chunking, sent):
    _, made = konto.made(chunking=chunking)
    for file in client.vector_stores.files.list(made.id):
        static = file.chunking_strategy.static
        assert (static.max_chunk_size_tokens, static.chunk_overlap_tokens) == sent


def test_an_update_attaches_and_detaches_the_difference_alone(konto, client):
    request, made = konto.made()
    before = files_of(client, made)
    texts = {**TEXTS, "docs/zwroty.md": "Zwrot w 14 dni.\n", "docs/nowe.md": "Nowe.\n"}
    del texts["docs/гарантия.md"]
    konto.world.calls.clear()
    now = konto.changed(request, made, texts)
    after = files_of(client, made)
    assert after.keys() == texts.keys()
    assert after["docs/wysyłka.md"].id == before["docs/wysyłka.md"].id
    assert after["docs/zwroty.md"].id != before["docs/zwroty.md"].id
    assert now.spec["documents"] == {name: sha(text) for name, text in sorted(texts.items())}
    told = [(c.method, c.path) for c in konto.world.calls if c.method != "GET"]
    stores = [path for _, path in told if "vector_stores" in path]
    assert len(stores) == 3  # one batch, two files that left


def test_a_document_that_somebody_detached_is_missing(konto, client):
    _, made = konto.made()
    file = files_of(client, made)["docs/zwroty.md"]
    client.vector_stores.files.delete(file.id, vector_store_id=made.id)
    seen = konto.handler.read(made)
    assert "docs/zwroty.md" not in seen.spec["documents"]
    assert seen.outputs["documents"] == 2


def test_a_document_whose_file_was_deleted_is_missing(konto, client):
    _, made = konto.made()
    client.files.delete(files_of(client, made)["docs/zwroty.md"].id)
    assert konto.handler.read(made).spec["documents"].keys() == TEXTS.keys() - {"docs/zwroty.md"}


def test_a_file_that_somebody_attached_is_a_document_nobody_declared(konto, client):
    request, made = konto.made()
    file = client.files.create(file=("obcy.txt", b"obcy"), purpose="assistants")
    client.vector_stores.files.create(made.id, file_id=file.id)
    assert konto.handler.read(made).spec["documents"][file.id] == "unknown"
    konto.changed(request, made, TEXTS)
    assert files_of(client, made).keys() == TEXTS.keys()
    assert client.files.retrieve(file.id).id == file.id  # it is theirs


def test_a_change_that_broke_off_between_attaching_and_detaching_is_seen(konto, client):
    request, made = konto.made()
    texts = {**TEXTS, "docs/zwroty.md": "Zwrot w 14 dni.\n"}
    konto.world.faults.append(Fault("status", "DELETE", "/vector_stores/", status=400))
    with pytest.raises(Exception, match="detach"):
        konto.changed(request, made, texts)
    documents = konto.handler.read(made).spec["documents"]
    assert len(documents) == len(TEXTS) + 1
    assert documents != {name: sha(text) for name, text in texts.items()}
    now = konto.changed(request, made, texts)
    assert konto.handler.read(now).spec["documents"] == now.spec["documents"]


def test_what_cannot_be_read_in_is_told_by_the_name_of_its_document(konto):
    request, made = konto.made({**TEXTS, "docs/pusty.md": "  \n"})
    assert made.status is Status.FAILED
    assert "`docs/pusty.md`: invalid_file: The file has no text." in made.reason
    seen = konto.handler.read(made)
    assert seen.status is Status.READY
    assert seen.spec["documents"].keys() == TEXTS.keys()
    mended = konto.changed(request, made, {**TEXTS, "docs/pusty.md": "Już nie.\n"})
    assert mended.status is Status.READY
    assert mended.outputs["documents"] == len(TEXTS) + 1


def test_a_document_that_failed_is_tried_again_by_the_next_update(konto, client):
    texts = {**TEXTS, "docs/pusty.md": "\n"}
    request, made = konto.made(texts)
    konto.world.calls.clear()
    again = konto.changed(request, made, texts)
    assert again.status is Status.FAILED
    calls = [c.path for c in konto.world.calls if c.method == "POST" and "file_batches" in c.path]
    assert len(calls) == 1


def test_where_documents_cannot_be_attached_it_is_there_and_failed_and_the_next_update_heals(konto):
    konto.world.faults.append(Fault("status", "POST", "file_batches", status=400))
    request, made = konto.made()
    assert made.status is Status.FAILED
    assert "could not be attached" in made.reason
    assert [i.id for i in konto.handler.find(request.mark)] == [made.id]
    assert konto.handler.read(made).spec["documents"] == {}
    healed = konto.changed(request, made, TEXTS)
    assert healed.status is Status.READY


def test_a_create_whose_answer_was_lost_is_found_by_its_operation(konto):
    konto.world.faults.append(Fault("lost", "POST", "/vector_stores$", after=True))
    request = konto.request()
    with pytest.raises(Exception, match="vector store"):
        konto.handler.create(request)
    [found] = konto.handler.find(request.mark)
    found = replace(found, spec=request.spec)
    assert konto.handler.read(found).spec["documents"] == {}


def test_an_attachment_whose_answer_was_lost_is_seen_and_not_sent_again(konto):
    konto.world.faults.append(Fault("lost", "POST", "file_batches", after=True))
    _, made = konto.made()
    assert made.status is Status.READY
    assert made.outputs["documents"] == len(TEXTS)
    batches = [c for c in konto.world.calls if c.path.endswith("file_batches")]
    assert len(batches) == 1


def test_documents_that_never_arrived_end_the_waiting(konto):
    konto.world.faults.append(Fault("lost", "POST", "file_batches"))
    request = konto.request()
    waiting = konto.handler.create(request)
    assert konto.handler.poll(waiting).status is Status.PENDING
    late = replace(konto.handler, clock=lambda: konto.world.clock() + 3600)
    failed = late.poll(waiting)
    assert failed.status is Status.FAILED
    assert failed.reason.startswith("not attached: `docs/wysyłka.md`, `docs/zwroty.md`")


def test_one_that_nobody_searched_for_so_long_is_gone(konto):
    _, made = konto.made(expires_when_idle=2 * DAY)
    konto.world.pass_time(DAY)
    searcher(made.outputs["search"], None).search("zwrot", top_k=1)
    konto.world.pass_time(1.5 * DAY)
    assert konto.handler.read(made) is not None
    konto.world.pass_time(DAY)
    assert konto.handler.read(made) is None
    [found] = [f for f in konto.handler.list() if f.instance.id == made.id]
    assert found.instance.status is Status.CANCELLED
    assert konto.handler.delete(made) is None


def test_an_expiry_is_changed_and_taken_away_in_place(konto, client):
    request, made = konto.made(expires_when_idle=2 * DAY)
    now = konto.changed(request, made, TEXTS, expires_when_idle=9 * DAY)
    assert client.vector_stores.retrieve(made.id).expires_after.days == 9
    now = konto.changed(request, now, TEXTS)
    assert client.vector_stores.retrieve(made.id).expires_after is None
    assert "expires_when_idle" not in konto.handler.read(now).spec


def test_many_documents_are_attached_in_batches_and_listed_page_by_page(konto, monkeypatch):
    monkeypatch.setattr("tunectl.providers.wire.knowledge_base.BATCH", 50)
    texts = {f"docs/{n:03}.md": f"Rozdział {n}: żółw numer {n}.\n" for n in range(120)}
    _, made = konto.made(texts)
    assert made.outputs["documents"] == 120
    assert len(konto.handler.read(made).spec["documents"]) == 120
    assert len([c for c in konto.world.calls if c.path.endswith("file_batches")]) == 3


def test_a_list_names_the_files_that_ours_are_made_of_and_asks_nothing_about_others(konto, client):
    _, made = konto.made()
    other = client.vector_stores.create(name="obcy")
    konto.world.calls.clear()
    listed = {f.instance.id: f for f in konto.handler.list()}
    assert {n.id for n in listed[made.id].instance.needs} == {*made.spec["files"].values()}
    assert listed[other.id].mark is None
    assert not any(other.id in c.path for c in konto.world.calls)


def test_a_deleted_one_leaves_its_files_to_the_uploads(konto, client):
    _, made = konto.made()
    konto.handler.delete(made)
    assert len(list(client.files.list())) == len(TEXTS)
    with pytest.raises(NotFoundError):
        konto.handler.poll(made)


def test_a_poll_and_a_read_change_nothing(konto):
    request = konto.request()
    instance = konto.handler.create(request)
    konto.world.calls.clear()
    done = settled(konto.handler, instance)
    konto.handler.read(done)
    list(konto.handler.find(request.mark))
    assert {c.method for c in konto.world.calls} == {"GET"}


def test_uploads_of_documents_are_found_and_listed_beside_training_files(konto, client):
    file = konto.file("docs/zwroty.md", TEXTS["docs/zwroty.md"])
    client.files.create(file=("obcy.md", b"obcy"), purpose="assistants")
    listed = list(konto.provider.handlers["upload"].list())
    assert [f.instance.id for f in listed] == [file]


class TestSearching:
    def test_passages_name_their_document(self, konto):
        _, made = konto.made()
        found = searcher(made.outputs["search"], None).search("Ile dni na zwrot towaru?", top_k=2)
        assert found[0].source == "docs/zwroty.md"
        assert "30 dni" in found[0].text
        assert found[0].score > 0
        assert (
            found[0].id
            == searcher(made.outputs["search"], None).search("zwrot towaru", top_k=1)[0].id
        )

    def test_at_most_so_many_are_given_and_an_empty_question_finds_nothing(self, konto):
        _, made = konto.made()
        ask = searcher(made.outputs["search"], None)
        assert len(ask.search("гарантия zwrócić żółwiem", top_k=2)) == 2
        assert ask.search("  ", top_k=2) == []

    def test_the_entry_holds_the_name_of_the_variable_and_no_key(self, konto):
        _, made = konto.made()
        assert made.outputs["search"] == {
            "type": "openai",
            "id": made.id,
            "base_url": f"{konto.url}/v1",
            "key_env": openai_documents.KEY,
        }

    def test_one_that_is_gone_is_told_without_the_question(self, konto):
        _, made = konto.made()
        konto.handler.delete(made)
        with pytest.raises(PromptError, match="there is no knowledge base") as told:
            searcher(made.outputs["search"], None).search("tajne pytanie", top_k=1)
        assert "tajne" not in str(told.value)

    def test_a_missing_key_names_its_variable(self, konto, monkeypatch):
        _, made = konto.made()
        monkeypatch.delenv(openai_documents.KEY)
        with pytest.raises(PromptError, match=openai_documents.KEY):
            searcher(made.outputs["search"], None).search("zwrot", top_k=1)

    def test_a_refusal_does_not_repeat_the_services_words(self, konto):
        _, made = konto.made()
        fault = Fault("status", "POST", "/search", status=400, message="tajne pytanie")
        konto.world.faults.append(fault)
        with pytest.raises(PromptError) as told:
            searcher(made.outputs["search"], None).search("tajne pytanie", top_k=1)
        assert "tajne" not in str(told.value)
