"""Killed at any moment, a job goes on and gives the same result."""

import hashlib
import os
import signal

import pytest

from tests.server.served import wait_until


def adapter_hash(server, job_id):
    digest = hashlib.sha256()
    for path in sorted((server.folder(job_id) / "adapter").iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@pytest.mark.parametrize("every", [1, 5, 100])
def test_a_killed_trainer_resumes_and_gives_the_same_model(server, every):
    whole = server.trained(seed=7)
    job = server.create(seed=7, slow=0.02, every=every)
    server.kill_trainer(job.id, after_step=7)
    done = server.wait(job.id)
    assert done.status == "succeeded", done.error
    assert adapter_hash(server, job.id) == adapter_hash(server, whole.id)
    assert server.losses(job.id) == server.losses(whole.id)
    assert (done.trained_tokens, done.seed) == (whole.trained_tokens, whole.seed)
    events = list(server.client.fine_tuning.jobs.list_events(job.id, limit=100))
    assert any("ended unexpectedly" in e.message and e.level == "warn" for e in events)


def test_a_job_outlives_its_server_and_a_new_server_reports_it(own):
    server = own()
    job = server.create(slow=0.05)
    server.wait(job.id, "running")
    server.kill()
    step = server.status_file(job.id)["step"]
    wait_until(lambda: server.status_file(job.id)["step"] > step)
    old = server.endpoint
    server.client.close()
    server.start()
    assert server.endpoint.token == old.token
    done = server.wait(job.id)
    assert (done.status, len(done.result_files)) == ("succeeded", 1)
    assert server.say(done.fine_tuned_model, "produkt 1").choices


def test_server_and_trainer_killed_together_are_made_good_by_the_next_server(own):
    server = own()
    whole = server.trained(seed=3)
    job = server.create(seed=3, slow=0.05, every=4)
    wait_until(lambda: server.status_file(job.id).get("step", 0) >= 5)
    server.kill()
    os.kill(server.status_file(job.id)["pid"], signal.SIGKILL)
    server.client.close()
    server.start()
    assert server.wait(job.id).status == "succeeded"
    assert adapter_hash(server, job.id) == adapter_hash(server, whole.id)


def test_a_trainer_that_always_dies_fails_the_job_after_three_attempts(server):
    job = server.create(slow=30)
    pids = set()
    while len(pids) < 3:
        status = wait_until(
            lambda: (
                (s := server.status_file(job.id))["state"] == "running"
                and s["pid"] not in pids
                and s
            )
        )
        pids.add(status["pid"])
        os.kill(status["pid"], signal.SIGKILL)
    failed = server.wait(job.id)
    assert (failed.status, failed.error.code) == ("failed", "server_error")
    assert "3 times" in failed.error.message


def test_a_queued_job_whose_runner_dies_is_queued_again(server):
    first = server.create(slow=0.05)
    server.wait(first.id, "running")
    queued = server.wait(server.create().id, "queued")
    os.kill(server.status_file(queued.id)["pid"], signal.SIGKILL)
    assert server.wait(queued.id).status == "succeeded"
    assert server.wait(first.id).status == "succeeded"


def test_many_readers_of_a_dead_job_start_it_once(server, together):
    job = server.create(slow=0.1, every=1)
    server.kill_trainer(job.id, after_step=2)
    results = together(lambda _: server.job(job.id).status)
    assert set(results) <= {"queued", "running"}
    events = server.client.fine_tuning.jobs.list_events(job.id, limit=100)
    assert sum("ended unexpectedly" in event.message for event in events) == 1
    server.client.fine_tuning.jobs.cancel(job.id)


def test_a_torn_checkpoint_and_status_do_not_matter(own):
    server = own()
    whole = server.trained(seed=9)
    job = server.create(seed=9, slow=0.05, every=3)
    wait_until(lambda: server.status_file(job.id).get("step", 0) >= 5)
    server.kill()
    folder = server.folder(job.id)
    os.kill(server.status_file(job.id)["pid"], signal.SIGKILL)
    (folder / "checkpoint-999").mkdir()
    (folder / "checkpoint-999" / "state.json").write_text('{"step": 99')
    with (folder / "events.jsonl").open("a") as events:
        events.write('{"id": "ftevent-torn", "mess')
    (folder / "status.json").write_text("")
    server.client.close()
    server.start()
    assert server.wait(job.id).status == "succeeded"
    assert adapter_hash(server, job.id) == adapter_hash(server, whole.id)
    assert server.losses(job.id) == server.losses(whole.id)
