"""Rows in Cloud Storage: made once, whole, never over something else."""

import base64
from dataclasses import replace

import google_crc32c
import pytest

from tests.contracts.handler_contract import Rows, request_for, upload_resource
from tests.providers.vertex.conftest import BUCKET, NAME, body_of, gemini_rows
from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    UnknownOutcomeError,
)
from tunectl.core.resource import Instance, Status
from tunectl.server.clouds.world import Fault


@pytest.fixture
def uploads(provider):
    return provider.handlers["upload"]


def request(reader=None, **more):
    return request_for(*upload_resource(NAME, "obsługa"), reader=reader or gemini_rows(), **more)


def stored(clouds, url):
    bucket, _, key = url.removeprefix("gs://").partition("/")
    return clouds.buckets.objects[bucket, key]


def crc(content):
    checksum = google_crc32c.Checksum()
    checksum.update(content)
    return base64.b64encode(checksum.digest()).decode()


def test_rows_arrive_as_they_were_read_under_a_name_that_tells_them(clouds, uploads):
    asked = request()
    made = uploads.create(asked)
    name = f"gs://{BUCKET}/tunectl/{asked.mark.op}/obsluga-train-a1b2c3d4e5f60000.jsonl"
    assert made.outputs["file_id"] == made.id == name
    assert body_of(clouds, made.id) == gemini_rows().data
    assert stored(clouds, made.id).metadata["tunectl-crc32c"] == crc(
        stored(clouds, made.id).content
    )
    assert uploads.mark(made) == asked.mark


def test_a_folder_of_the_bucket_can_be_named_in_any_script(clouds):
    handler = clouds.connect(staging=f"gs://{BUCKET}/обучение/dane").handlers["upload"]
    asked = request()
    made = handler.create(asked)
    assert made.id.startswith(f"gs://{BUCKET}/обучение/dane/tunectl/")
    assert [i.id for i in handler.find(asked.mark)] == [made.id]
    assert handler.read(made).status is Status.READY


def test_many_rows_are_sent_in_pieces_and_arrive_whole(clouds, uploads):
    text = "Żółw " * 60_000
    made = uploads.create(request(Rows([{"contents": [{"text": text}]} for _ in range(25)])))
    assert len(stored(clouds, made.id).content) > 8 * 1024 * 1024
    assert any("/upload/storage" in c and c.startswith("PUT") for c in clouds.calls())
    assert uploads.read(made) is not None


def test_a_piece_whose_answer_was_lost_is_sent_again_and_there_is_one_object(clouds, uploads):
    clouds.world.faults.append(Fault("lost", method="PUT", path="/upload/", after=True))
    rows = Rows([{"contents": [{"text": "Żółw " * 60_000}]} for _ in range(25)])
    asked = request(rows)
    made = uploads.create(asked)
    assert [i.id for i in uploads.find(asked.mark)] == [made.id]


@pytest.mark.parametrize(
    ("fault", "there"),
    [
        (Fault("lost", method="POST", path="/upload/"), 0),
        (Fault("lost", method="POST", path="/upload/", after=True), 1),
        (Fault("status", status=503, method="POST", path="/upload/"), 0),
        (Fault("half", method="POST", path="/upload/"), 1),
    ],
)
def test_what_is_not_told_of_an_upload_is_looked_for(clouds, uploads, fault, there):
    asked = request()
    clouds.world.faults.append(fault)
    with pytest.raises(UnknownOutcomeError):
        uploads.create(asked)
    assert sum("/upload/" in c for c in clouds.calls()) == 1
    found = list(uploads.find(asked.mark))
    assert len(found) == there == len(clouds.buckets.objects)
    assert all(one.status is Status.READY for one in found)


def test_an_object_that_stands_there_is_never_overwritten(clouds, uploads):
    asked = request()
    made = uploads.create(asked)
    bucket, _, key = made.id.removeprefix("gs://").partition("/")
    theirs = replace(stored(clouds, made.id), content=b"{}", metadata={"who": "anna"})
    clouds.buckets.objects[bucket, key] = theirs
    with pytest.raises(ConflictError):
        uploads.create(asked)
    assert clouds.buckets.objects[bucket, key] is theirs
    assert uploads.read(made) is None, "ours is gone"


def test_content_that_somebody_changed_is_drift(clouds, uploads):
    made = uploads.create(request())
    bucket, _, key = made.id.removeprefix("gs://").partition("/")
    before = stored(clouds, made.id)
    clouds.buckets.objects[bucket, key] = replace(before, content=b'{"contents": []}\n')
    assert uploads.read(made).spec["sha256"].startswith("overwritten")
    [listed] = [found.instance for found in uploads.list()]
    assert listed.status is Status.FAILED


def test_only_what_was_made_is_deleted(clouds, uploads):
    made = uploads.create(request())
    other = replace(made, outputs={**made.outputs, "generation": "7"})
    uploads.delete(other)
    assert uploads.read(made) is not None
    uploads.delete(made)
    assert clouds.buckets.objects == {}


def test_a_bucket_that_is_gone_says_nothing_of_what_was_in_it(clouds, uploads):
    made = uploads.create(request())
    clouds.buckets.names = ()
    with pytest.raises(NotFoundError, match="bucket"):
        uploads.read(made)


def test_what_is_not_ours_is_listed_without_a_mark(clouds, uploads):
    client = clouds.connect().cloud.storage()
    client.bucket(BUCKET).blob("tunectl/dane Anny.jsonl").upload_from_string(b"{}")
    [found] = uploads.list()
    assert (found.mark, found.instance.op) == (None, "")


def test_an_upload_is_not_changed(uploads):
    with pytest.raises(InvalidRequestError, match="cannot be changed"):
        uploads.update(request())


def test_an_object_can_be_imported_by_its_address(uploads):
    asked = request()
    made = uploads.create(asked)
    bare = Instance(address=made.address, provider=NAME, account=made.account, id=made.id, spec={})
    assert uploads.read(bare).op == asked.mark.op


def checked(provider):
    resource, _ = upload_resource(NAME)
    return [
        (d.severity.value, d.summary, d.hint) for d in provider.handlers["upload"].check(resource)
    ]


def test_a_good_bucket_passes_and_is_looked_at_once(clouds, provider):
    assert checked(provider) == []
    mark = len(clouds.world.calls)
    assert checked(provider) == []
    assert clouds.calls(mark) == []


def test_a_bucket_that_does_not_exist_is_told_with_the_command_that_makes_it(clouds):
    [(severity, summary, hint)] = checked(clouds.connect(staging="gs://acme-nowhere"))
    assert (severity, "does not exist" in summary) == ("error", True)
    assert "gcloud storage buckets create gs://acme-nowhere --location=europe-west4" in hint


def test_missing_rights_are_told_by_name(clouds, provider):
    clouds.buckets.denied = {"storage.objects.create"}
    [(severity, summary, hint)] = checked(provider)
    assert severity == "error"
    assert "`storage.objects.create` is missing" in summary
    assert "roles/storage.objectUser" in hint


def test_a_bucket_in_another_jurisdiction_is_a_warning(clouds, provider):
    clouds.buckets.places[BUCKET] = "US-CENTRAL1"
    [(severity, summary, _)] = checked(provider)
    assert (severity, "US-CENTRAL1" in summary) == ("warning", True)


def test_no_bucket_at_all_is_told(clouds):
    [(severity, summary, _)] = checked(clouds.connect(staging=None))
    assert (severity, "needs `staging:`" in summary) == ("error", True)


def test_no_credentials_are_looked_for_in_a_file_of_ours(monkeypatch, tmp_path, clouds):
    """Google's default chain alone: here it finds nothing, and says how to log in."""
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nie ma.json"))
    monkeypatch.setenv("HOME", str(tmp_path))
    provider = clouds.connect(endpoint=None, storage_endpoint=None)
    with pytest.raises(CredentialsError) as missing:
        provider.account()
    assert "gcloud auth application-default login" in missing.value.diagnostics[0].hint
