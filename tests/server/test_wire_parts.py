"""Large files in parts, with the SDK's own helper and with ours."""

import hashlib
import io
from dataclasses import replace

import openai
import pytest

from tests.contracts.handler_contract import chat_rows, request_for, upload_resource
from tests.server.served import jsonl, rows
from tunectl.providers.openai import connect

DATA = jsonl(rows(40))


def begun(server, data=DATA, **more):
    asked = {"filename": "zażółć.jsonl", "mime_type": "text/jsonl", "purpose": "fine-tune", **more}
    return server.client.uploads.create(bytes=len(data), **asked)


def part(server, upload, data):
    return server.client.uploads.parts.create(upload.id, data=data).id


def test_the_helper_of_the_sdk_uploads_a_file_that_can_be_trained_on(server):
    done = server.client.uploads.upload_file_chunked(
        file=DATA,
        filename="zażółć.jsonl",
        bytes=len(DATA),
        mime_type="text/jsonl",
        purpose="fine-tune",
        part_size=700,
        md5=hashlib.md5(DATA).hexdigest(),
    )
    assert done.status == "completed"
    assert done.file.filename == "zażółć.jsonl"
    assert server.client.files.content(done.file.id).read() == DATA
    assert server.client.files.retrieve(done.file.id).bytes == len(DATA)


def test_our_own_way_gives_the_same_file(own, monkeypatch):
    server = own("--profile", "openai")
    monkeypatch.setenv("PARTS_KEY", server.endpoint.token)
    provider = connect(
        name="p", profile="openai", base_url=server.endpoint.url, key_env="PARTS_KEY"
    )
    profile = replace(provider.wire.profile, whole_file=100)
    wire = replace(provider.wire, profile=profile)
    handler = replace(provider.handlers["upload"], wire=wire, part_bytes=500)
    request = request_for(*upload_resource("p"), reader=chat_rows(20))
    made = handler.create(request)
    with request.reader.open(request.spec) as stream:
        assert server.client.files.content(made.id).read() == stream.read()
    assert [found.id for found in handler.find(request.mark)] == [made.id]


def test_the_order_is_that_of_the_ids_and_a_part_may_be_left_out(server):
    upload = begun(server)
    last = part(server, upload, DATA[900:])
    part(server, upload, b"sent twice, and lost")
    first = part(server, upload, DATA[:900])
    done = server.client.uploads.complete(upload.id, part_ids=[first, last])
    assert server.client.files.content(done.file.id).read() == DATA


@pytest.mark.parametrize(
    ("more", "sent", "param"),
    [
        ({"md5": "0" * 32}, DATA, "md5"),
        ({}, DATA[:-1], "bytes"),
        ({"part_ids": ["part_nobody"]}, DATA, "part_ids"),
        ({"part_ids": ["../../token"]}, DATA, "part_ids"),
    ],
)
def test_what_does_not_fit_is_refused_and_no_file(server, more, sent, param):
    upload = begun(server)
    before = [file.id for file in server.client.files.list()]
    ids = [part(server, upload, sent)]
    with pytest.raises(openai.BadRequestError) as caught:
        server.client.uploads.complete(upload.id, **{"part_ids": ids, **more})
    assert caught.value.param == param
    assert [file.id for file in server.client.files.list()] == before


def test_rows_that_are_no_json_are_refused_at_the_end(server):
    upload = begun(server, b"not json\n")
    with pytest.raises(openai.BadRequestError, match="is not a dictionary"):
        server.client.uploads.complete(upload.id, part_ids=[part(server, upload, b"not json\n")])


def test_an_upload_that_is_over_takes_no_more(server):
    upload = begun(server)
    assert server.client.uploads.cancel(upload.id).status == "cancelled"
    for late in (
        lambda: part(server, upload, DATA),
        lambda: server.client.uploads.complete(upload.id, part_ids=["part_x"]),
        lambda: server.client.uploads.cancel(upload.id),
    ):
        with pytest.raises(openai.BadRequestError, match="is cancelled"):
            late()
    with pytest.raises(openai.NotFoundError):
        server.client.uploads.cancel("upload_nobody")


@pytest.mark.parametrize(
    ("more", "param"), [({"purpose": "x"}, "purpose"), ({"filename": ""}, "filename")]
)
def test_what_cannot_become_a_file_is_not_begun(server, more, param):
    with pytest.raises(openai.BadRequestError) as caught:
        begun(server, **more)
    assert caught.value.param == param


def test_a_part_of_another_name_is_refused(server):
    upload = begun(server)
    with pytest.raises(openai.BadRequestError, match="Unknown parameter"):
        server.client.post(
            f"/uploads/{upload.id}/parts",
            cast_to=object,
            files=[("file", ("x", io.BytesIO(b"1")))],
            options={"headers": {"Content-Type": "multipart/form-data"}},
        )
