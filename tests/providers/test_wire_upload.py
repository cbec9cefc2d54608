"""Uploads over the wire."""

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import new_op, request_for, settled, upload_resource
from tunectl.core.errors import InvalidRequestError
from tunectl.core.resource import Status


def test_the_name_of_a_file_carries_operation_dataset_split_and_content(fake, openai):
    request = request_for(*upload_resource("openai_eu", "Obsługa_клиентов"))
    openai.handlers["upload"].create(request)
    (file,) = fake.files.values()
    name = f"tunectl.{request.mark.op}.obsluga-klientov.train.a1b2c3d4e5f6.jsonl"
    assert file["filename"] == name
    assert file["purpose"] == "fine-tune"


def test_a_file_is_found_among_thousands_of_others(fake, openai):
    handler = openai.handlers["upload"]
    request = request_for(*upload_resource("openai_eu"))
    made = handler.create(request)
    for number in range(30):
        twin = {**fake.files[made.id], "id": f"file-{number}", "filename": f"tunectl.{new_op()}.x"}
        fake.files[twin["id"]] = twin
    assert [i.id for i in handler.find(request.mark)] == [made.id]
    assert next(iter(handler.find(request.mark))).address == request.resource.address


def test_a_file_that_is_being_processed_is_pending_where_that_matters(fake, connected):
    fake.file_path = ("uploaded", "uploaded", "processed")
    handler = connected("azure").handlers["upload"]
    made = handler.create(request_for(*upload_resource("openai_eu")))
    assert made.status is Status.PENDING
    assert made.progress
    ready = settled(handler, made)
    assert ready.status is Status.READY
    assert ready.progress == ""


def test_a_file_that_was_not_accepted_fails_with_the_provider_s_words(fake, connected):
    fake.file_path = ("uploaded", "error")
    handler = connected("azure").handlers["upload"]
    made = handler.create(request_for(*upload_resource("openai_eu")))
    fake.files[made.id]["status_details"] = "za duży"
    now = handler.poll(made)
    assert now.status is Status.FAILED
    assert now.reason == "za duży"


def test_a_file_that_expired_reads_as_gone(fake, openai):
    handler = openai.handlers["upload"]
    made = handler.create(request_for(*upload_resource("openai_eu")))
    fake.files.clear()
    assert handler.read(made) is None


def test_a_file_cannot_be_changed(openai):
    handler = openai.handlers["upload"]
    request = request_for(*upload_resource("openai_eu"))
    with pytest.raises(InvalidRequestError):
        handler.update(replace(request, prior=handler.create(request)))
