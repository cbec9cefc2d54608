"""A job is copied from one server to another: whole, marked, in one step, or not at all."""

import io
import json
import tarfile

import pytest

from tests.server.served import Server, wait_until


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    running = Server(tmp_path_factory.mktemp("other"))
    yield running
    running.stop()


def exported(server, job_id):
    path = f"{server.endpoint.url}/tunectl/jobs/{job_id}/export"
    headers = {"Authorization": f"Bearer {server.endpoint.token}"}
    return server.client._client.get(path, headers=headers)


def take_in(server, tar, metadata=None, **more):
    request = json.dumps({"metadata": metadata, **more}, ensure_ascii=False)
    file = {"file": ("copy.tar", tar, "application/x-tar")}
    return server.http("POST", "/tunectl/jobs", data={"request": request}, files=file)


def packed(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for member, data in members:
            info = member if isinstance(member, tarfile.TarInfo) else tarfile.TarInfo(member)
            info.size = len(data) if info.isreg() else 0
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


@pytest.fixture(scope="module")
def head(server, tuned):
    with tarfile.open(fileobj=io.BytesIO(exported(server, tuned.id).content)) as archive:
        return archive.extractfile("job.json").read()


def test_a_copy_is_a_job_of_its_own_that_answers_as_the_original(server, tuned, other):
    mark = {"tunectl-op": "a" * 32, "tunectl-address": 'tuning_job.obsługa["pl"]'}
    status, job = take_in(other, exported(server, tuned.id).content, mark)
    assert (status, job["status"], job["metadata"]) == (200, "succeeded", mark)
    assert job["id"] != tuned.id
    assert job["fine_tuned_model"] != tuned.fine_tuned_model
    assert job["trained_tokens"] == tuned.trained_tokens
    found = list(other.client.fine_tuning.jobs.list(metadata={"tunectl-op": "a" * 32}))
    assert [one.id for one in found] == [job["id"]]
    question = "Jak zamówić produkt numer 3? Сколько ждать?"
    answers = [
        s.say(m, question).choices[0].message.content
        for s, m in ((server, tuned.fine_tuned_model), (other, job["fine_tuned_model"]))
    ]
    assert answers[0] == answers[1]
    assert not (other.folder(job["id"]) / "train.jsonl").exists(), "no rows go with it"
    other.client.models.delete(job["fine_tuned_model"])
    assert server.say(tuned.fine_tuned_model, "?").choices


def test_a_copy_of_a_copy_is_one_too(server, tuned, other):
    _, first = take_in(other, exported(server, tuned.id).content)
    status, second = take_in(server, exported(other, first["id"]).content)
    assert (status, second["status"]) == (200, "succeeded")


def test_what_has_no_model_cannot_be_given_out(server):
    running = server.create(slow=5)
    assert exported(server, running.id).status_code == 404
    server.client.fine_tuning.jobs.cancel(running.id)
    gone = server.trained()
    server.client.models.delete(gone.fine_tuned_model)
    assert exported(server, gone.id).status_code == 404
    assert exported(server, "ftjob-none").status_code == 404


def test_nothing_is_left_where_a_job_was_given_out(server, tuned):
    assert exported(server, tuned.id).status_code == 200
    wait_until(lambda: not list(server.root.files.glob(".incoming-*")))


def link(name):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


@pytest.mark.parametrize(
    "members",
    [
        [],
        [("adapter/rows.jsonl", b"{}")],
        [("job.json", b"no json")],
        [("job.json", b"[]")],
        [("job.json", b'{"format": 2}')],
        ["head"],
        ["head", ("../escaped", b"x")],
        ["head", ("adapter/../../escaped", b"x")],
        ["head", ("/adapter/escaped", b"x")],
        ["head", (link("adapter/link"), b"")],
    ],
    ids=[
        "empty",
        "no job",
        "no JSON",
        "no object",
        "another format",
        "no adapter",
        "upwards",
        "upwards from within",
        "absolute",
        "a link",
    ],
)
def test_what_is_no_copy_is_refused_and_leaves_nothing(other, head, members):
    before = sorted(other.root.path.rglob("*"))
    tar = packed(*(("job.json", head) if m == "head" else m for m in members))
    status, body = take_in(other, tar)
    assert status == 400, body
    assert sorted(other.root.path.rglob("*")) == before


def test_a_file_that_was_changed_on_its_way_is_refused(server, tuned, other):
    whole = exported(server, tuned.id).content
    at = whole.index("Odpowiedź".encode())
    status, body = take_in(other, whole[:at] + b"X" + whole[at + 1 :])
    assert (status, "damaged" in body["error"]["message"]) == (400, True)


def test_a_copy_that_is_cut_off_is_refused(server, tuned, other):
    whole = exported(server, tuned.id).content
    jobs = len(list(other.root.jobs.iterdir()))
    ends = whole.rstrip(b"\0")  # after it there is only padding
    for size in (len(ends) - 1, len(ends) // 2, 1536, 1000, 100):
        assert take_in(other, whole[:size])[0] == 400
    assert take_in(other, b"\x00 not a tar")[0] == 400
    assert len(list(other.root.jobs.iterdir())) == jobs


def test_the_base_must_be_the_very_same(other, head):
    real = json.loads(head)
    real["recipe"]["trainer"], real["base"]["sha256"] = "lora", "0" * 64
    tar = packed(("job.json", json.dumps(real).encode()), ("adapter/x.safetensors", b"x"))
    status, body = take_in(other, tar, model="smollm2-135m-instruct")
    assert (status, body["error"]["code"]) == (400, "base_model_mismatch")
