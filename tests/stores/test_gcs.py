"""Cloud Storage through google-cloud-storage, on the loopback server."""

from __future__ import annotations

import pytest
from google.cloud import storage

from tests.stores.bucket_contract import PAUSES, PREFIX, TERMS, BucketContract
from tests.stores.objectserver import Refused, running
from tunectl.core.errors import Exit, StaleError, StateError
from tunectl.stores.gcs import GcsBucket
from tunectl.stores.objects import ObjectStore


class TestGcsStore(BucketContract):
    def point(self, url, monkeypatch):
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)

    def make(self, bucket="stan", terms=TERMS):
        return ObjectStore(GcsBucket(bucket), PREFIX, terms=terms, pauses=PAUSES)

    def test_a_state_too_large_for_one_request_is_still_swapped(self, a, b):
        """Above 8 MiB the SDK opens a resumable upload, where emulators pass over conditions."""
        large = bytes(range(256)) * 36_000
        old = a.write("default.json", large, expected=None)
        new = b.write("default.json", large + b"2", expected=old)
        with pytest.raises(StaleError):
            a.write("default.json", large + b"3", expected=old)
        assert a.read("default.json").generation == new
        assert len(b.read("default.json").content) == len(large) + 1

    def test_a_lost_reply_to_the_last_part_of_a_large_state_is_recognised(self, a, server):
        large = b"x" * 9_000_000
        fault = server.fail("lost reply", where=lambda r: r.method == "PUT")
        generation = a.write("default.json", large, expected=None)
        assert fault.times == 0
        assert a.read("default.json").generation == generation


def test_without_credentials_the_hint_says_how_to_log_in(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(StateError, match="was refused") as caught:
        GcsBucket("stan")
    assert caught.value.exit is Exit.CREDENTIALS
    assert "gcloud auth application-default login" in caught.value.diagnostics[0].hint


@pytest.fixture
def bucket(monkeypatch):
    with running() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        yield storage.Client(project="p").bucket("stan")


def test_the_loopback_server_enforces_conditions_on_every_verb(bucket):
    """The emulators that can be installed let a stale delete, patch or copy through."""
    from google.api_core.exceptions import NotFound, PreconditionFailed

    blob = bucket.blob("a")
    blob.upload_from_string(b"1", if_generation_match=0)
    generation, meta = blob.generation, blob.metageneration
    stale = {"if_generation_match": generation + 1, "retry": None}
    other = bucket.blob("a")
    for act in (
        lambda: other.upload_from_string(b"2", **stale),
        lambda: other.upload_from_string(b"2", if_generation_match=0, retry=None),
        lambda: other.download_as_bytes(**stale),
        lambda: other.reload(**stale),
        lambda: other.delete(**stale),
        lambda: other.patch(if_metageneration_match=meta + 1, retry=None),
        lambda: other.delete(if_metageneration_match=meta + 1, retry=None),
        lambda: bucket.copy_blob(
            blob, bucket, "b", if_source_generation_match=generation + 1, retry=None
        ),
        lambda: bucket.copy_blob(blob, bucket, "a", if_generation_match=0, retry=None),
        lambda: bucket.blob("b").rewrite(
            blob, if_source_generation_match=generation + 1, retry=None
        ),
    ):
        with pytest.raises(PreconditionFailed):
            act()
    assert other.download_as_bytes(if_generation_match=generation) == b"1"
    other.metadata = {"k": "v"}
    other.patch(if_metageneration_match=meta)
    assert bucket.get_blob("a").metageneration == meta + 1
    other.delete(if_generation_match=generation)
    with pytest.raises(NotFound):
        other.delete(if_generation_match=generation)


@pytest.mark.parametrize(
    ("refusal", "tries", "words"),
    [
        (Refused(400, "invalid", "a reason"), 1, "a reason"),
        (Refused(404, "notFound", "no bucket"), 1, "gcloud storage buckets create"),
        (Refused(403, "forbidden", "anna may not"), 1, "roles/storage.objectUser"),
        (Refused(403, "rateLimitExceeded", "slowly"), 3, "cannot be reached"),
        (Refused(408, "requestTimeout", "slowly"), 3, "cannot be reached"),
        (Refused(429, "rateLimitExceeded", "one a second"), 3, "cannot be reached"),
        (Refused(500, "backendError", "oops"), 3, "cannot be reached"),
    ],
    ids=lambda value: f"{value.status} {value.code}" if isinstance(value, Refused) else "",
)
def test_only_what_may_pass_is_tried_again(monkeypatch, refusal, tries, words):
    with running() as server:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", server.url)
        fault = server.fail("status", times=99, answer=refusal)
        store = ObjectStore(GcsBucket("stan"), pauses=PAUSES)
        with pytest.raises(StateError) as caught:
            store.write("default.json", b"1", expected=None)
        assert not isinstance(caught.value, StaleError)
        assert 99 - fault.times == tries
        shown = caught.value.diagnostics[0]
        assert words in shown.summary + shown.detail + shown.hint
