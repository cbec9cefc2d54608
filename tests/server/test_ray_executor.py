"""Executor `ray` with Ray's own client, against its Jobs API on the loopback interface."""

import json
import os
import subprocess
import sys
import threading
import time

import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.ray_jobs import JobsApi
from tests.server.served import rows, wait_until
from tests.server.tiny_model import chat, write_job
from tunectl.server.executor import ExecutorError, Life, ProcessExecutor
from tunectl.server.files import FileStore
from tunectl.server.folder import take_lock
from tunectl.server.on_ray import entrypoint as entrypoint_module
from tunectl.server.on_ray import executor as executor_module
from tunectl.server.on_ray.cluster import Cluster
from tunectl.server.on_ray.entrypoint import BLIND, NO_PYTHON, OTHER_VERSION, entrypoint
from tunectl.server.on_ray.executor import RayExecutor
from tunectl.server.on_ray.settings import RaySettings, parse
from tunectl.server.reconcile import GRACE, KILL_AFTER, Reconciler
from tunectl.server.runner import run

ROWS = [chat(f"Pytanie {n}?", f"Odpowiedź {n}. Ответ 🐝") for n in range(12)]
NOBODY = "http://127.0.0.1:1"
names = st.text(st.characters(codec="utf-8", exclude_characters="="), min_size=1, max_size=12)
amounts = st.floats(0, 1000).map(lambda x: float(f"{x:g}"))


@given(st.integers(1, 999), amounts, amounts, st.dictionaries(names, amounts, max_size=3), names)
def test_settings_survive_the_command_line(workers, cpus, gpus, resources, python):
    settings = RaySettings("http://głowa:8265", workers, cpus, gpus, resources, python)
    assert parse(settings.words()) == settings


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("adress=http://x", "no setting of Ray"),
        ("workers", "no setting of Ray"),
        ("workers=0", "no number of nodes"),
        ("workers=1.5", "no number of nodes"),
        ("cpus=-1", "`-1` is no number"),
        ("gpus=nan", "`nan` is no number"),
        ("resource.a100=many", "`many` is no number"),
        ("address=head:8265", "needs the address"),
        ("address=http://me:secret@head:8265", "needs the address"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(word, said):
    with pytest.raises(ExecutorError, match=said):
        parse(["address=http://head:8265", word])


# --- the command that a node runs, in a real shell


@pytest.fixture
def job(tmp_path):
    """A job for the simulated trainer, as the server has just made it."""
    made = write_job(
        tmp_path / "wspólny root", "0" * 64, ROWS, name="A1", trainer="simulated", created_ns=1
    )
    (made.path / "meta.json").write_text(
        json.dumps({"training_file": "file-x", "suffix": None, "metadata": {}, "requested": {}}),
        encoding="utf-8",
    )
    made.root.prepare()
    return made


def on_a_node(job, **more):
    settings = RaySettings(NOBODY, **{"python": sys.executable, **more})
    done = subprocess.run(["sh", "-c", entrypoint(job.path, settings)], timeout=60)
    return done.returncode


def test_a_node_trains_the_job_and_needs_no_slot_of_this_machine(job):
    slot = take_lock(job.root.slot_lock)
    assert on_a_node(job) == 0
    os.close(slot)
    assert job.status()["state"] == "succeeded"


def test_to_ray_a_cancelled_job_is_no_failure(job):
    job.ask("cancel")
    assert on_a_node(job) == 0
    assert job.status()["state"] == "cancelled"


def test_a_node_that_does_not_see_the_folder_says_so_by_its_exit_code(job):
    (job.path / "job.json").unlink()
    assert on_a_node(job) == BLIND
    assert sorted(path.name for path in job.path.iterdir()) == ["meta.json", "train.jsonl"]


def test_a_node_without_the_interpreter_or_the_version_says_so(job, monkeypatch):
    assert on_a_node(job, python="/nie/ma/pythona") == NO_PYTHON
    monkeypatch.setattr(entrypoint_module.tunectl, "__version__", "0.0.1", raising=False)
    assert on_a_node(job) == OTHER_VERSION
    assert not job.log.exists()


# --- submissions


pytest.importorskip("ray", reason="the extra `ray` is not installed")
pytest.importorskip("aiohttp", reason="`ray` is installed without its extra `default`")


@pytest.fixture
def api():
    serving = JobsApi()
    yield serving
    serving.close()


@pytest.fixture(autouse=True)
def _no_old_answers(monkeypatch):
    """Ask the cluster anew each time."""
    monkeypatch.setattr(executor_module, "_FRESH", 0.0)
    monkeypatch.setattr(executor_module, "_AFTER_FAILURE", 0.0)


@pytest.fixture
def settle(job, api):
    """Settle the job by an executor of its own, as a server that has just been started would."""

    def once(address=None, **more):
        executor = RayExecutor(RaySettings(address or api.address, **more))
        return Reconciler(executor, FileStore(job.root)).settle(job)["state"]

    return once


def messages(job):
    return [event["message"] for event in job.events()]


def test_a_job_is_submitted_once_however_often_it_is_settled_and_by_whom(job, api, settle):
    for _ in range(4):
        assert settle() == "validating_files"
    assert list(api.jobs) == [f"{job.id}-1"]
    assert len(api.submissions()) == 1
    assert api.jobs[f"{job.id}-1"]["entrypoint_num_cpus"] == 1
    assert api.jobs[f"{job.id}-1"]["metadata"]["tunectl_job"] == job.id
    assert "working_dir" not in api.jobs[f"{job.id}-1"]["runtime_env"]


def test_what_each_job_takes_of_a_node_is_told_to_ray(job, api, settle):
    settle(cpus=8, gpus=2, resources={"a100": 1})
    sent = api.jobs[f"{job.id}-1"]
    assert sent["entrypoint_num_cpus"] == 8
    assert sent["entrypoint_num_gpus"] == 2
    assert sent["entrypoint_resources"] == {"a100": 1}
    assert "OMP_NUM_THREADS=8" in sent["entrypoint"]


def test_a_spread_job_reserves_its_nodes_itself(job, api, settle):
    settle(workers=3, cpus=4)
    sent = api.jobs[f"{job.id}-1"]
    assert not sent.get("entrypoint_num_cpus")
    assert "on_ray.spread" in sent["entrypoint"]
    assert "workers=3" in sent["entrypoint"]


def test_a_lost_reply_starts_nothing_twice(job, api, settle):
    api.fault = "lose"
    settle()
    assert list(api.jobs) == [f"{job.id}-1"]
    api.fault = None
    settle()
    settle()
    assert list(api.jobs) == [f"{job.id}-1"]
    assert len(api.submissions()) == 1


def test_a_submission_that_arrives_a_second_time_is_the_first(api):
    cluster = Cluster(api.address)
    for _ in range(2):
        cluster.submit("ftjob-x-1", "true")
    assert list(api.jobs) == ["ftjob-x-1"]


def test_a_request_that_never_arrived_is_sent_again_under_the_same_id_and_is_no_attempt(
    job, api, settle
):
    api.fault = "drop"
    for _ in range(5):
        settle()
    assert api.jobs == {}
    api.fault = None
    settle()
    assert list(api.jobs) == [f"{job.id}-1"]
    assert job.meta()["attempts"] == 1


def test_a_cluster_that_does_not_answer_starts_nothing_and_ends_nothing(job, api, settle):
    settle()
    api.end(f"{job.id}-1", "RUNNING")
    before = job.status()
    api.fault = "drop"
    for _ in range(4):
        settle()
    assert job.status() == before
    executor = RayExecutor(RaySettings(api.address))
    assert executor.life(job) is Life.UNKNOWN
    assert "cannot reach the Ray cluster" in executor.note(job)
    api.fault = None
    assert executor.life(job) is Life.ALIVE
    assert executor.note(job) is None


def test_a_job_of_a_cluster_that_is_gone_can_be_cancelled_when_it_had_its_time(job, api, settle):
    settle()
    api.fault = "drop"
    job.ask("cancel")
    assert settle() == "validating_files"
    long_ago = time.time() - GRACE - KILL_AFTER - 1
    os.utime(job.path / "cancel", (long_ago, long_ago))
    lock = take_lock(job.lock)
    assert settle() == "validating_files"
    os.close(lock)
    assert settle() == "cancelled"


def test_a_cluster_that_will_not_take_the_job_fails_it_in_its_own_words(job, api):
    api.fault = "refuse"
    reconciler = Reconciler(RayExecutor(RaySettings(api.address)), FileStore(job.root))
    while reconciler.settle(job)["state"] != "failed":
        assert len(api.submissions()) < 6
    assert len(api.submissions()) == 3
    assert "no agent is alive" in job.status()["error"]["message"]


def test_who_asks_waits_a_moment_for_a_slow_cluster_and_meanwhile_nothing_is_sent_twice(
    job, api, monkeypatch
):
    monkeypatch.setattr(executor_module, "_SUBMIT_WAIT", 0.0)
    go = threading.Event()
    answer = api.answer

    def slow(method, path, body):
        if method == "POST":
            go.wait(30)
        return answer(method, path, body)

    api.answer = slow
    executor = RayExecutor(RaySettings(api.address))
    reconciler = Reconciler(executor, FileStore(job.root))
    for _ in range(5):
        assert reconciler.settle(job)["state"] == "validating_files"
        assert executor.life(job) is Life.ALIVE
    assert api.jobs == {}
    go.set()
    wait_until(lambda: list(api.jobs) == [f"{job.id}-1"])
    assert executor.life(job) is Life.ALIVE
    assert len(api.submissions()) == 1


def test_a_trainer_that_ended_is_started_again_under_the_next_number_three_times(job, api, settle):
    message = "Job entrypoint command failed with exit code -9, last available logs (truncated):\nx"
    for number in (1, 2, 3):
        assert settle() == "validating_files"
        assert list(api.jobs)[-1] == f"{job.id}-{number}"
        api.end(f"{job.id}-{number}", message=message, driver_exit_code=-9)
    assert settle() == "failed"
    assert len(api.jobs) == 3
    assert "ended 3 times" in job.status()["error"]["message"]
    assert "exit code -9" in messages(job)[0]


def test_a_job_that_waited_too_long_in_rays_queue_is_queued_again_and_loses_no_attempt(
    job, api, settle
):
    settle()
    for number in range(1, 6):
        api.end(
            f"{job.id}-{number}",
            message="Job supervisor actor failed to start within 900.0 seconds.",
            error_type="JOB_SUPERVISOR_ACTOR_START_TIMEOUT",
        )
        assert settle() == "validating_files"
    assert list(api.jobs)[-1] == f"{job.id}-6"
    assert job.meta()["attempts"] == 1
    assert "given to the cluster again" in messages(job)[-1]


def test_a_node_that_does_not_see_the_folder_fails_the_job_at_once_and_says_why(job, api, settle):
    settle()
    api.end(f"{job.id}-1", driver_exit_code=BLIND, message="exit code 72")
    assert settle() == "failed"
    assert "does not see the job's folder" in job.status()["error"]["message"]
    assert len(api.jobs) == 1


def test_who_stops_a_job_in_ray_has_cancelled_it(job, api, settle):
    settle()
    api.end(f"{job.id}-1", "STOPPED")
    assert settle() == "cancelled"
    assert "stopped in the Ray cluster" in messages(job)[-1]


def test_a_job_in_rays_queue_is_cancelled_at_once_and_trains_nothing_when_its_turn_comes(
    job, api, settle
):
    settle()
    job.ask("cancel")
    assert settle() == "cancelled"
    assert run(job, queue=False) == 0
    assert not job.adapter.exists()
    assert job.status()["state"] == "cancelled"


def test_a_job_in_rays_queue_stands_still_and_goes_on_without_losing_its_place(job, api, settle):
    settle()
    job.ask("pause")
    assert settle() == "paused"
    job.withdraw("pause")
    assert settle() == "validating_files"
    assert list(api.jobs) == [f"{job.id}-1"]
    assert len(api.submissions()) == 1


def test_what_runs_and_does_not_answer_to_cancel_is_stopped_by_ray_after_the_grace(
    job, api, settle
):
    settle()
    api.end(f"{job.id}-1", "RUNNING")
    executor = RayExecutor(RaySettings(api.address))
    reconciler = Reconciler(executor, FileStore(job.root))
    job.ask("cancel")
    reconciler.insist(job, time.time())
    assert api.jobs[f"{job.id}-1"]["status"] == "RUNNING"
    reconciler.insist(job, time.time() + GRACE + 1)
    assert api.jobs[f"{job.id}-1"]["status"] == "STOPPED"
    assert reconciler.settle(job)["state"] == "cancelled"


def test_a_job_that_was_given_to_one_cluster_is_not_given_to_another_while_it_may_live(
    job, api, settle
):
    settle()
    other = JobsApi()
    try:
        assert settle(other.address) == "validating_files"
        assert other.jobs == {}
        api.end(f"{job.id}-1", "FAILED")
        settle(other.address)
        assert list(other.jobs) == [f"{job.id}-2"]
    finally:
        other.close()


def test_without_a_cluster_a_server_leaves_alone_what_was_given_to_one(job, api, settle):
    settle()
    executor = ProcessExecutor()
    assert executor.life(job) is Life.UNKNOWN
    assert api.address in executor.note(job)
    assert Reconciler(executor, FileStore(job.root)).settle(job)["state"] == "validating_files"
    assert not job.log.exists()


# --- the cluster's address, credentials, errors


def test_the_address_that_was_declared_wins_over_the_environment(api, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", NOBODY)
    monkeypatch.setenv("RAY_API_SERVER_ADDRESS", NOBODY)
    assert Cluster(api.address).version() == "2.60.0"


def test_credentials_are_headers_from_the_environment(api, monkeypatch):
    monkeypatch.setenv("RAY_JOB_HEADERS", '{"Authorization": "Bearer kanarek"}')
    assert Cluster(api.address).version() == "2.60.0"
    assert api.headers[-1]["Authorization"] == "Bearer kanarek"
    monkeypatch.setenv("RAY_JOB_HEADERS", "kanarek")
    with pytest.raises(ExecutorError, match="not a JSON object") as caught:
        Cluster(api.address).version()
    assert "kanarek" not in str(caught.value)


def test_rays_own_token_is_sent_and_never_shown(api):
    environment = {**os.environ, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "kanarek" * 6}
    command = [sys.executable, "-m", "tunectl.server.on_ray.reach", f"address={api.address}"]
    done = subprocess.run(
        command, env=environment, capture_output=True, encoding="utf-8", timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "kanarek" in str(api.headers[-1])
    assert "kanarek" not in done.stdout + done.stderr


def test_who_is_no_cluster_is_named_with_a_hint(api):
    with pytest.raises(ExecutorError, match=f"cannot reach the Ray cluster at {NOBODY}"):
        Cluster(NOBODY).version()
    api.answer = lambda *_: (503, "upstream is down")
    with pytest.raises(ExecutorError, match="hint: the address is that of the dashboard"):
        Cluster(api.address).version()
    for shop in ("<html>a shop</html>", {"version": 3}, {"ray_version": "spring sale"}):
        api.answer = lambda *_, shop=shop: (200, shop)
        with pytest.raises(ExecutorError, match="Ray cluster"):
            Cluster(api.address).version()


def test_a_cluster_that_refuses_our_credentials_is_told_from_one_that_is_gone(api):
    api.answer = lambda *_: (401, "Unauthorized: Missing authentication token")
    with pytest.raises(ExecutorError, match="RAY_AUTH_TOKEN"):
        Cluster(api.address).version()


# --- the whole server


def ray_options(address, **more):
    words = RaySettings(address, python=sys.executable, **more).words()
    return ["--executor", "ray", *(text for word in words for text in ("--ray", word))]


def test_no_job_is_made_when_the_cluster_does_not_answer(own):
    server = own(*ray_options(NOBODY))
    with pytest.raises(openai.BadRequestError, match="cannot reach the Ray cluster") as caught:
        server.create(rows())
    assert caught.value.code == "executor_not_available"
    assert list(server.client.fine_tuning.jobs.list()) == []


def test_a_job_runs_where_the_cluster_runs_it_and_survives_the_server(own):
    api = JobsApi(runs=True)
    try:
        server = own(*ray_options(api.address))
        job = server.create(rows(), slow=0.1, every=2)
        server.kill()
        server.start()
        done = server.wait(job.id)
        assert done.status == "succeeded", done.error
        assert list(api.jobs) == [f"{job.id}-1"]
        assert server.http("GET", "/tunectl/status")[1]["executor"] == "ray"
        second = server.create(rows(), slow=0.2, every=2)
        server.kill_trainer(second.id, after_step=2)
        assert server.wait(second.id).status == "succeeded"
        assert list(api.jobs)[1:] == [f"{second.id}-1", f"{second.id}-2"]
        third = server.create(rows(), slow=0.2)
        server.client.fine_tuning.jobs.cancel(third.id)
        assert server.wait(third.id).status == "cancelled"
    finally:
        api.close()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--ray", "address=http://x"], "`--ray` is for `--executor ray`"),
        (["--executor", "ray"], "needs the address"),
        (ray_options(NOBODY, workers=2), "cannot be spread over 2 workers"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path, options, said):
    command = [sys.executable, "-m", "tunectl.server", "--root", str(tmp_path)]
    command += ["--trainer", "simulated", *options]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 1
    assert said in done.stderr
