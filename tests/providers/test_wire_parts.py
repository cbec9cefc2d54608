"""Files that are too large for one request go in parts, and are a file once or not at all."""

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    chat_rows,
    request_for,
    upload_resource,
)
from tests.providers.fake_openai import Fault
from tunectl.core.errors import InvalidRequestError, UnavailableError, UnknownOutcomeError
from tunectl.providers.wire.profile import AZURE, NEBIUS, OPENAI, PROFILES
from tunectl.providers.wire.provider import provide

PARTS = "/uploads/[^/]+/parts"
COMPLETE = "/uploads/[^/]+/complete"


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)


def lowered(provider, whole=1000, **more):
    """The same account, where a file of 1,000 bytes is already too large for one request."""
    profile = replace(provider.wire.profile, whole_file=whole, **more)
    wire = replace(provider.wire, profile=profile)
    made = provide(wire, provider.identity)
    handlers = {**made.handlers}
    handlers["upload"] = replace(made.handlers["upload"], wire=wire, part_bytes=400)
    return replace(made, handlers=handlers)


@pytest.fixture
def small(openai):
    return lowered(openai)


def asked(count=12):
    return request_for(*upload_resource("openai_eu", "Obsługa"), reader=chat_rows(count))


def rows_of(request):
    with request.reader.open(request.spec) as stream:
        return stream.read()


class TestUploadsInPartsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, small):
        return Subject(small, "upload", lambda: request_for(*upload_resource("openai_eu")))


def test_the_parts_are_put_together_in_order_under_a_name_that_carries_the_mark(fake, small):
    request = asked()
    made = small.handlers["upload"].create(request)
    assert fake.contents[made.outputs["file_id"]] == rows_of(request)
    assert fake.files[made.id]["filename"].startswith(f"tunectl.{request.mark.op}.")
    (begun,) = fake.sent("POST", "/uploads")
    size = len(rows_of(request))
    assert begun.body == {
        "bytes": size,
        "filename": fake.files[made.id]["filename"],
        "mime_type": "text/jsonl",
        "purpose": "fine-tune",
    }
    assert len(fake.sent("POST", PARTS)) == -(-size // 400)
    (done,) = fake.sent("POST", COMPLETE)
    assert len(done.body["md5"]) == 32
    assert fake.sent("POST", "/files") == []


def test_a_small_file_goes_in_one_request(fake, openai):
    openai.handlers["upload"].create(asked())
    assert fake.sent("POST", "/uploads") == []
    assert len(fake.sent("POST", "/files")) == 1


@pytest.mark.parametrize("how", ["reset", "truncate", "status"])
@pytest.mark.parametrize("path", ["/uploads", PARTS])
def test_what_is_lost_before_the_end_is_sent_again(fake, small, impatient, path, how):
    fake.faults.append(Fault("POST", path, how, 503, after=how != "status"))
    request = asked()
    made = small.handlers["upload"].create(request)
    assert list(fake.files) == [made.id]
    assert fake.contents[made.id] == rows_of(request)


def test_an_upload_that_cannot_go_on_is_dropped_and_no_file(fake, small, impatient):
    fake.faults.append(Fault("POST", PARTS, status=503, times=9))
    with pytest.raises(UnavailableError, match="part 1 of"):
        small.handlers["upload"].create(asked())
    assert fake.files == {}
    assert [one["status"] for one in fake.uploads.all.values()] == ["cancelled"]


def test_a_part_that_is_refused_is_a_refusal_with_the_service_s_words(fake, small):
    fake.faults.append(Fault("POST", PARTS, status=400, message="za duża część"))
    with pytest.raises(InvalidRequestError, match="za duża część"):
        small.handlers["upload"].create(asked())
    assert [one["status"] for one in fake.uploads.all.values()] == ["cancelled"]


@pytest.mark.parametrize(
    "fault",
    [Fault("POST", COMPLETE, "reset", after=True), Fault("POST", COMPLETE, "half", after=True)],
)
def test_a_lost_end_is_unknown_is_sent_once_and_the_file_is_found_by_its_name(fake, small, fault):
    fake.faults.append(replace(fault))
    request = asked()
    with pytest.raises(UnknownOutcomeError):
        small.handlers["upload"].create(request)
    assert len(fake.sent("POST", COMPLETE)) == 1
    (found,) = small.handlers["upload"].find(request.mark)
    assert list(fake.files) == [found.id]


def test_an_end_that_never_came_leaves_no_file(fake, small):
    fake.faults.append(Fault("POST", COMPLETE, "reset"))
    request = asked()
    with pytest.raises(UnknownOutcomeError):
        small.handlers["upload"].create(request)
    assert list(small.handlers["upload"].find(request.mark)) == []


def test_an_end_without_a_file_is_unknown(fake, small):
    fake.uploads.complete = lambda upload_id, body: {"id": upload_id, "status": "completed"}
    with pytest.raises(UnknownOutcomeError, match="`file` is missing"):
        small.handlers["upload"].create(asked())


def test_a_byte_that_changed_on_the_way_is_refused(fake, small):
    add = fake.uploads.add

    def spoilt(upload_id, form):
        name, data = form["data"]
        return add(upload_id, {"data": (name, data.replace(b"Pozdrawiamy", b"Pozdrawiany"))})

    fake.uploads.add = spoilt
    with pytest.raises(InvalidRequestError, match="checksum"):
        small.handlers["upload"].create(asked())
    assert fake.files == {}


def test_a_file_that_no_request_can_carry_is_refused_before_anything_is_sent(fake, connected):
    provider = lowered(connected("azure"), largest_file=1000)
    with pytest.raises(InvalidRequestError, match="Azure Foundry takes files up to"):
        provider.handlers["upload"].create(asked())
    assert fake.sent("POST", ".*") == []


def test_openai_takes_512_mb_in_one_request_and_8_gb_in_parts():
    assert (OPENAI.whole_file, OPENAI.largest_file, OPENAI.parts) == (512 * 2**20, 2**33, True)
    assert AZURE.largest_file == 512 * 2**20
    assert NEBIUS.largest_file == 5 * 2**30
    assert [p.name for p in PROFILES.values() if p.parts] == ["openai"]
