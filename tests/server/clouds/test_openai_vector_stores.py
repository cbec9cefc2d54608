"""The vector stores on loopback are what the SDK's own types say, and refuse what they forbid."""

from __future__ import annotations

import inspect

import httpx
import pytest
from openai import BadRequestError, NotFoundError
from openai import OpenAI as Client
from openai.types import (
    VectorStore,
    VectorStoreDeleted,
    VectorStoreSearchResponse,
    vector_store_create_params,
    vector_store_search_params,
    vector_store_update_params,
)
from openai.types.vector_stores import (
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
    file_batch_create_params,
    file_create_params,
    file_update_params,
)

from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.openai import vector_checks as checks
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

DAY = 86_400
TEXT = "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni. " + "Szczegóły niżej. " * 80


@pytest.fixture
def world():
    return World(operation_seconds=60)


@pytest.fixture
def url(world, tmp_path):
    cloud = OpenAI(world, tmp_path / "konto")
    with serving(cloud, world) as url:
        yield f"{url}/v1"
    cloud.close()


@pytest.fixture
def client(url):
    with Client(base_url=url, api_key="any", max_retries=0) as client:
        yield client


@pytest.fixture
def file(client):
    return client.files.create(file=("zwroty.md", TEXT.encode()), purpose="assistants")


@pytest.fixture
def store(client, file, world):
    made = client.vector_stores.create(name="sklep", metadata={"zespół": "pomoc"})
    client.vector_stores.file_batches.create(
        made.id, files=[{"file_id": file.id, "attributes": {"document": "docs/zwroty.md"}}]
    )
    world.pass_time(60)
    return made


SHAPES = [
    ("GET", "", VectorStore),
    ("GET", "/files/FILE", VectorStoreFile),
    ("POST", "/file_batches", VectorStoreFileBatch),
    ("DELETE", "/files/FILE", VectorStoreFileDeleted),
    ("DELETE", "", VectorStoreDeleted),
]


@pytest.mark.parametrize(("method", "path", "shape"), SHAPES)
def test_every_answer_fits_the_sdks_type_and_says_no_more(url, store, file, method, path, shape):
    body = {"file_ids": [file.id]} if method == "POST" else None
    where = f"{url}/vector_stores/{store.id}{path.replace('FILE', file.id)}"
    said = httpx.request(method, where, json=body).raise_for_status().json()
    if shape is VectorStoreFileBatch:  # its own docstring and its type name two words for it
        assert said["object"] == "vector_store.files_batch"
    made = shape.model_validate(said, strict=True)
    assert said.keys() <= shape.model_fields.keys()
    assert made.id


def test_a_result_of_a_search_fits_the_sdks_type(url, store):
    where = f"{url}/vector_stores/{store.id}/search"
    said = httpx.post(where, json={"query": "zwrócić towar"}).raise_for_status().json()
    assert said["object"] == "vector_store.search_results.page"
    [found, *_] = said["data"]
    made = VectorStoreSearchResponse.model_validate(found, strict=True)
    assert found.keys() <= VectorStoreSearchResponse.model_fields.keys()
    assert made.filename == "zwroty.md"
    assert made.attributes == {"document": "docs/zwroty.md"}


BODIES = [
    (checks.CREATE, vector_store_create_params.VectorStoreCreateParams),
    (checks.UPDATE, vector_store_update_params.VectorStoreUpdateParams),
    (checks.SEARCH, vector_store_search_params.VectorStoreSearchParams),
    (checks.ATTACH, file_create_params.FileCreateParams),
    (checks.BATCH, file_batch_create_params.FileBatchCreateParams),
]


@pytest.mark.parametrize(("known", "params"), BODIES, ids=lambda one: getattr(one, "__name__", ""))
def test_a_request_may_say_what_the_sdk_can_say(known, params):
    assert known == frozenset(params.__annotations__)


def test_attributes_are_all_that_can_be_changed_of_a_file():
    said = frozenset(file_update_params.FileUpdateParams.__annotations__) - {"vector_store_id"}
    assert said == checks.ATTRIBUTES


def test_limits_are_those_that_the_sdk_writes_down():
    from openai.types import static_file_chunking_strategy_param as cut

    said = inspect.getsource(cut)
    assert f"minimum value is `{checks.LEAST_TOKENS}`" in said
    assert f"`{checks.MOST_TOKENS}`" in said
    assert f"is `{checks.USUAL['max_chunk_size_tokens']}`" in said
    assert f"is `{checks.USUAL['chunk_overlap_tokens']}`" in said
    assert f"between 1 and {checks.MOST_RESULTS}" in inspect.getsource(vector_store_search_params)
    batch = inspect.getsource(file_batch_create_params)
    assert f"maximum batch size is {checks.MOST_IN_BATCH} files" in batch


REFUSED = [
    {"metadata": {f"k{n}": "v" for n in range(17)}},
    {"metadata": {"k": "v" * 513}},
    {"expires_after": {"anchor": "last_active_at", "days": 0}},
    {"expires_after": {"anchor": "last_active_at", "days": 366}},
    {"expires_after": {"anchor": "created_at", "days": 3}},
]


@pytest.mark.parametrize("said", REFUSED, ids=str)
def test_what_a_store_cannot_have_is_refused(client, said):
    with pytest.raises(BadRequestError):
        client.vector_stores.create(name="x", **said)


@pytest.mark.parametrize(("size", "overlap"), [(99, 0), (4097, 0), (200, 101)])
def test_passages_of_another_size_are_refused(client, store, file, size, overlap):
    static = {"max_chunk_size_tokens": size, "chunk_overlap_tokens": overlap}
    with pytest.raises(BadRequestError):
        client.vector_stores.files.create(
            store.id, file_id=file.id, chunking_strategy={"type": "static", "static": static}
        )


def test_a_field_that_can_only_be_told_at_creation_cannot_be_changed(client, url, store):
    answer = httpx.post(f"{url}/vector_stores/{store.id}", json={"description": "x"})
    assert answer.status_code == 400
    assert answer.json()["error"]["param"] == "description"
    assert "description" not in httpx.get(f"{url}/vector_stores/{store.id}").json()


def test_a_batch_with_one_unknown_file_attaches_none(client, store, file, world):
    fresh = client.files.create(file=("b.md", b"drugi"), purpose="assistants")
    with pytest.raises(NotFoundError):
        client.vector_stores.file_batches.create(store.id, file_ids=[fresh.id, "file-nic"])
    assert [f.id for f in client.vector_stores.files.list(store.id)] == [file.id]


def test_files_are_read_in_for_a_while_and_found_after_that(client, file, world):
    store = client.vector_stores.create(name="x", file_ids=[file.id])
    assert client.vector_stores.retrieve(store.id).status == "in_progress"
    assert not list(client.vector_stores.search(store.id, query="zwrócić"))
    world.pass_time(61)
    now = client.vector_stores.retrieve(store.id)
    assert (now.status, now.file_counts.completed) == ("completed", 1)
    assert now.usage_bytes > len(TEXT)
    assert list(client.vector_stores.search(store.id, query="zwrócić"))


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [("a.exe", b"MZ", "unsupported_file"), ("a.md", b" \n", "invalid_file")],
)
def test_what_cannot_be_read_in_says_why(client, store, world, name, content, code):
    file = client.files.create(file=(name, content), purpose="assistants")
    client.vector_stores.files.create(store.id, file_id=file.id)
    world.pass_time(61)
    now = client.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert (now.status, now.last_error.code) == ("failed", code)
    [failed] = client.vector_stores.files.list(store.id, filter="failed")
    assert failed.id == file.id


def test_a_deleted_file_leaves_every_store_and_a_deleted_store_leaves_its_files(
    client, store, file
):
    client.vector_stores.delete(store.id)
    assert client.files.retrieve(file.id).id == file.id
    other = client.vector_stores.create(name="y", file_ids=[file.id])
    client.files.delete(file.id)
    assert not list(client.vector_stores.files.list(other.id))
    with pytest.raises(NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_a_store_ends_when_it_was_idle_for_so_long_and_a_search_keeps_it(client, file, world):
    ends = {"anchor": "last_active_at", "days": 2}
    store = client.vector_stores.create(name="z", file_ids=[file.id], expires_after=ends)
    world.pass_time(1.5 * DAY)
    client.vector_stores.search(store.id, query="zwrot")
    world.pass_time(1.5 * DAY)
    assert client.vector_stores.retrieve(store.id).status == "completed"
    world.pass_time(DAY)
    assert client.vector_stores.retrieve(store.id).status == "expired"
    with pytest.raises(BadRequestError):
        client.vector_stores.search(store.id, query="zwrot")


def test_lists_come_page_by_page_the_newest_first(client):
    made = [client.vector_stores.create(name=str(n)).id for n in range(7)]
    assert [s.id for s in client.vector_stores.list(limit=3)] == made[::-1]


def test_a_cancelled_batch_leaves_what_was_not_read_in(client, file):
    store = client.vector_stores.create(name="x")
    batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
    ended = client.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id)
    assert ended.status == "cancelled"
    listed = client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
    assert [f.status for f in listed] == ["cancelled"]


def test_the_text_of_a_file_and_its_attributes_can_be_read_and_changed(client, store, file):
    pieces = client.vector_stores.files.content(file.id, vector_store_id=store.id)
    assert next(iter(pieces)).text.startswith("# Zwroty")
    now = client.vector_stores.files.update(
        file.id, vector_store_id=store.id, attributes={"document": "inny.md"}
    )
    assert now.attributes == {"document": "inny.md"}
