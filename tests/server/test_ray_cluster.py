"""Executor `ray` on a real Ray cluster of two nodes, with the real trainer on a tiny model."""

import importlib.util
import os
import signal
import sys

import pytest

from tests.server.served import Server, chat_row, wait_until
from tests.server.tiny_model import save_tiny
from tunectl.server.bases import pull
from tunectl.server.jobs import JobFolder
from tunectl.server.on_ray.cluster import Cluster
from tunectl.server.on_ray.settings import RaySettings
from tunectl.server.trainers import lora

needed = ("torch", "transformers", "peft", "ray", "aiohttp")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in needed),
        reason="the extras `local` and `ray` are not installed",
    ),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning"),
]

ROWS = [chat_row(f"Pytanie {n}: {'x' * (n % 7)}?", f"Odpowiedź {n}. Ответ 🐝") for n in range(18)]
PATIENCE = 240.0  # seconds; a bound for what takes some tens on a machine with nothing else to do
LONG = {"n_epochs": 50, "batch_size": 1}


@pytest.fixture(scope="module")
def cluster():
    from tests.server.ray_cluster import RayCluster

    running = RayCluster()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return str(save_tiny(tmp_path_factory.mktemp("base") / "tiny"))


@pytest.fixture
def serving(cluster, base, tmp_path):
    """Start the server of the test's folder, with so many workers for each job.

    The base is imported before: that takes longer on a busy machine than a request waits.
    """
    pull(base, tmp_path / "root", lambda _: None)
    started = []

    def start(workers=1):
        settings = RaySettings(cluster.address, workers, python=sys.executable)
        words = (text for word in settings.words() for text in ("--ray", word))
        options = ("--executor", "ray", *words)
        started.append(Server(tmp_path / "root", *options, trainer="lora"))
        return started[-1]

    yield start
    for server in started:
        for job in server.client.fine_tuning.jobs.list():
            if job.status not in ("succeeded", "failed", "cancelled"):
                server.client.fine_tuning.jobs.cancel(job.id)
                ended(server, job.id)
        server.stop()


def ended(server, job_id):
    wait_until(
        lambda: server.state(job_id) in ("succeeded", "failed", "cancelled"), seconds=PATIENCE
    )
    return server.job(job_id)


def at_step(server, job_id, step):
    wait_until(lambda: server.status_file(job_id).get("step", 0) >= step, seconds=PATIENCE)


def create(server, base, **numbers):
    return server.create(ROWS, model=base, seed=7, hyperparameters=numbers, every=5)


def submissions(cluster, job_id):
    """What Ray knows of a job: its submissions, by number."""
    known = Cluster(cluster.address)
    found = (known.look(f"{job_id}-{number}") for number in range(1, 9))
    return [seen for seen in found if seen is not None]


def outcomes(cluster, job_id):
    """How the submissions of a job ended; Ray knows it a moment after the job's folder does."""
    wait_until(lambda: submissions(cluster, job_id)[-1].over, seconds=PATIENCE)
    return [seen.status for seen in submissions(cluster, job_id)]


def told(server, job_id, words):
    return [e.message for e in server.client.fine_tuning.jobs.list_events(job_id, limit=100)
            if words in e.message]  # fmt: skip


def test_two_jobs_run_on_two_nodes_and_one_survives_the_server_and_its_trainers_death(
    cluster, serving, base
):
    server = serving()
    first, second = create(server, base, **LONG), create(server, base, **LONG)
    third = create(server, base, **LONG)  # no node is left
    at_step(server, first.id, 7)
    at_step(server, second.id, 1)
    nodes = {submissions(cluster, job.id)[0].node for job in (first, second)}
    assert len(nodes) == 2
    assert server.job(third.id).status in ("validating_files", "queued")
    assert "queued by the Ray cluster" in server.http("GET", f"/fine_tuning/jobs/{third.id}")[1][
        "tunectl"]["note"]  # fmt: skip
    # A request to end one is heard between two steps, one that waits is over at once.
    server.client.fine_tuning.jobs.cancel(third.id)
    assert server.job(third.id).status == "cancelled"
    server.client.fine_tuning.jobs.cancel(second.id)
    assert ended(server, second.id).status == "cancelled"
    assert JobFolder(server.folder(second.id)).checkpoints()
    # The server dies, another one takes the running job over.
    server.kill()
    server.start()
    assert server.job(first.id).status == "running"
    assert len(submissions(cluster, first.id)) == 1
    # The trainer dies, another one goes on.
    os.kill(server.status_file(first.id)["pid"], signal.SIGKILL)
    assert ended(server, first.id).status == "succeeded"
    assert outcomes(cluster, first.id) == ["FAILED", "SUCCEEDED"]
    assert told(server, first.id, "resumed from the checkpoint of step")
    assert [step for step, _ in server.losses(first.id)][-1] == 900
    assert outcomes(cluster, third.id) == ["SUCCEEDED"]
    assert server.job(third.id).status == "cancelled"
    assert server.status_file(third.id).get("step", 0) == 0


def losses(job):
    found = [e["data"] for e in job.events() if "train_loss" in e["data"]]
    return {data["step"]: data["train_loss"] for data in found}


def test_one_job_over_two_nodes_trains_what_one_process_trains(cluster, serving, base, tmp_path):
    server = serving(workers=2)
    made = create(server, base, n_epochs=2, batch_size=4)
    done = ended(server, made.id)
    assert done.status == "succeeded", done.error
    spread = JobFolder(server.folder(made.id))
    alone = JobFolder(tmp_path / "alone" / "jobs" / made.id)
    alone.path.mkdir(parents=True)
    for name in ("job.json", "train.jsonl"):
        (alone.path / name).write_bytes((spread.path / name).read_bytes())
    assert lora.main([str(alone.path)]) == 0
    expected, found = losses(alone), losses(spread)
    assert expected.keys() == found.keys()
    assert len(found) == 10
    difference = max(abs(found[step] - loss) for step, loss in expected.items())
    print(f"largest difference of a loss over two nodes: {difference:.1e}")
    assert difference < 1e-5
    assert spread.status()["workers"] == 2
    assert outcomes(cluster, made.id) == ["SUCCEEDED"]


def test_a_job_over_two_nodes_resumes_after_a_death_and_is_cancelled_on_both(
    cluster, serving, base
):
    server = serving(workers=2)
    job = create(server, base, **LONG)
    at_step(server, job.id, 12)
    os.kill(server.status_file(job.id)["pid"], signal.SIGKILL)  # rank 0
    wait_until(lambda: told(server, job.id, "resumed from the checkpoint"), seconds=PATIENCE)
    server.client.fine_tuning.jobs.cancel(job.id)
    assert ended(server, job.id).status == "cancelled"
    assert outcomes(cluster, job.id) == ["FAILED", "SUCCEEDED"]
    kept = JobFolder(server.folder(job.id)).checkpoints()
    assert server.status_file(job.id)["step"] == kept[-1][0]


def test_a_job_over_more_nodes_than_there_are_waits_says_so_and_can_be_cancelled(
    cluster, serving, base
):
    server = serving(workers=3)
    job = create(server, base, n_epochs=1)
    wait_until(lambda: told(server, job.id, "Waiting for 3 nodes"), seconds=PATIENCE)
    assert told(server, job.id, "the cluster has 2 nodes, of which 2 are large enough")
    assert server.job(job.id).status == "queued"
    server.client.fine_tuning.jobs.cancel(job.id)
    assert ended(server, job.id).status == "cancelled"
    assert outcomes(cluster, job.id) == ["SUCCEEDED"]
    assert server.status_file(job.id).get("step", 0) == 0
