"""Lists of an account: page by page, whole or an error, with the marks that the objects carry."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.fake_openai import Fault
from tunectl.core.errors import ProviderError, UnavailableError
from tunectl.core.resource import Status
from tunectl.core.value import Address
from tunectl.engine.listing import look
from tunectl.providers.wire.listing import moment
from tunectl.providers.wire.naming import mark_metadata, mark_of, op_in_name


def uploads(provider, count=1):
    handler = provider.handlers["upload"]
    resource, spec = upload_resource("openai_eu")
    return [handler.create(request_for(resource, spec)) for _ in range(count)]


def jobs(provider, count=1):
    handler = provider.handlers["tuning_job"]
    file = uploads(provider)[0].id
    resource, spec = job_resource("openai_eu", "gpt-4o-mini", file)
    return [settled(handler, handler.create(request_for(resource, spec))) for _ in range(count)]


def listed(provider, kind):
    return list(provider.handlers[kind].list())


def test_a_mark_survives_the_journey_through_metadata():
    address = Address.of("tuning_job", "pomoc", key='pl "ру"')
    mark = request_for(replace(job_resource("openai_eu", "x", "f")[0], address=address), {}).mark
    assert mark_of(mark_metadata(mark)) == mark


@pytest.mark.parametrize(
    "metadata",
    [None, {}, "text", {"tunectl-op": "1"}, {"tunectl": "1", "tunectl-lineage": 7}],
)
def test_what_is_no_whole_mark_is_none(metadata):
    assert mark_of(metadata) is None


def test_a_mark_that_was_cut_to_fit_is_none():
    whole = mark_metadata(request_for(job_resource("openai_eu", "x", "f")[0], {}).mark)
    assert mark_of({**whole, "tunectl-address": 'tuning_job.a["' + "x" * 480}) is None


@pytest.mark.parametrize(
    ("name", "op"),
    [
        (f"tunectl.{'0123456789abcdef' * 2}.support.train.a1.jsonl", "0123456789abcdef" * 2),
        ("tunectl.yaml", ""),
        ("tunectl.support.train.jsonl", ""),
        ("my-tunectl.0123456789abcdef0123456789abcdef.x.jsonl", ""),
        ("", ""),
    ],
)
def test_a_file_name_tells_the_operation_or_nothing(name, op):
    assert op_in_name(name) == op


@pytest.mark.parametrize("seconds", [None, "", 0, -1, True, "1700000000", 1e30, float("nan")])
def test_what_is_no_time_is_no_moment(seconds):
    assert moment(seconds) == ""


def test_a_moment_is_utc():
    assert moment(1_700_000_000) == "2023-11-14T22:13:20+00:00"


def test_jobs_of_others_are_listed_without_a_mark(openai, fake):
    [mine] = jobs(openai)
    file = next(iter(fake.files))
    fake.post_jobs({"model": "gpt-4o-mini", "training_file": file, "metadata": {"team": "x"}})
    found = {f.instance.id: f for f in listed(openai, "tuning_job")}
    assert len(found) == 2
    assert found[mine.id].mark.address == mine.address
    other = next(f for i, f in found.items() if i != mine.id)
    assert (other.mark, other.instance.op) == (None, "")
    assert other.instance.status is Status.PENDING
    assert file in {need.id for need in other.instance.needs}


def test_files_of_others_are_listed_without_an_operation(openai, fake):
    [mine] = uploads(openai)
    fake.post_files({"file": ("rows.jsonl", b"{}\n"), "purpose": "fine-tune"})
    fake.post_files({"file": ("notes.jsonl", b"{}\n"), "purpose": "batch"})
    found = {f.instance.address.name: f.instance.op for f in listed(openai, "upload")}
    assert len(found) == 2
    assert found["rows.jsonl"] == ""
    assert mine.op in found.values()


def test_every_page_is_asked_for_once(openai, fake):
    [first] = jobs(openai)
    for number in range(230):
        clone = {**fake.jobs[first.id], "id": f"ftjob-{number:04}"}
        fake.jobs[clone["id"]] = clone
    fake.seen.clear()
    assert len(listed(openai, "tuning_job")) == 231
    assert len(fake.sent("GET", "/fine_tuning/jobs")) == 3
    assert len(fake.sent("GET", "/models")) == 1
    assert not fake.sent("GET", "/fine_tuning/jobs/.+")


def test_who_has_seen_enough_asks_for_no_more_pages(openai, fake):
    [first] = jobs(openai)
    for number in range(230):
        fake.jobs[f"ftjob-{number:04}"] = {**fake.jobs[first.id], "id": f"ftjob-{number:04}"}
    openai.account()
    fake.seen.clear()
    next(iter(openai.handlers["tuning_job"].list()))
    assert len(fake.sent("GET", "/fine_tuning/jobs")) == 1


def test_a_list_that_breaks_off_is_an_error_and_no_short_list(openai, fake):
    [first] = jobs(openai)
    for number in range(150):
        fake.jobs[f"ftjob-{number:04}"] = {**fake.jobs[first.id], "id": f"ftjob-{number:04}"}
    pages = iter(openai.handlers["tuning_job"].list())
    for _ in range(100):
        next(pages)
    fake.faults.append(Fault("GET", "/fine_tuning/jobs", how="html", times=9))
    with pytest.raises(UnavailableError):
        list(pages)


def test_a_service_that_gives_the_same_page_for_ever_is_no_list(openai, fake):
    jobs(openai, 2)
    endless = [dict(job) for job in fake.jobs.values()]
    calls = []

    def page(client, after):
        calls.append(after)
        return type("Page", (), {"data": endless, "has_more": True})()

    from tunectl.providers.wire.listing import pages

    with pytest.raises(ProviderError, match="the same page came twice"):
        list(pages(openai.wire, "list the tuning jobs", page))
    assert len(calls) == 2


def test_a_succeeded_job_without_its_model_is_listed_as_a_record(openai, fake):
    [made] = jobs(openai)
    fake.delete_model(made.outputs["model_id"])
    [found] = listed(openai, "tuning_job")
    assert found.instance.status is Status.FAILED
    assert "model_id" not in found.instance.outputs
    assert "does not exist" in found.instance.reason
    assert openai.handlers["tuning_job"].read(made) is None


def test_many_are_looked_at_by_one_list_and_few_by_themselves(openai, fake):
    made = jobs(openai, 8)
    fake.delete_model(made[3].outputs["model_id"])
    single = [openai.handlers["tuning_job"].read(one) for one in made]
    fake.seen.clear()
    assert look(made, lambda _: openai) == single
    assert single[3] is None
    # Only the one that the list does not vouch for is asked for by itself.
    assert {s.path for s in fake.sent("GET", "/fine_tuning/jobs/.+")} == {
        f"/fine_tuning/jobs/{made[3].id}"
    }
    fake.seen.clear()
    assert look(made[:3], lambda _: openai) == single[:3]
    assert not fake.sent("GET", "/fine_tuning/jobs")


def test_a_service_without_a_list_is_read_one_by_one(openai, fake):
    made = uploads(openai, 7)
    fake.faults.append(Fault("GET", "/files", status=404, times=99))
    assert [one.id for one in look(made, lambda _: openai)] == [one.id for one in made]
