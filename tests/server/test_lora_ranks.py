"""One training in several processes, over gloo on the loopback interface, without any cluster."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from tests.server.tiny_model import chat, tiny_root, write_job
from tunectl.server.jobs import EXIT_FAILED, JobFolder
from tunectl.server.trainers import lora
from tunectl.server.trainers.ranks import (
    EXIT_ORPHANED,
    WATCHED,
    Alone,
    Place,
    Witness,
    failure_of,
    place,
)

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

# 18 rows in batches of 4: the last batch of an epoch has 2, and with three ranks one gets nothing.
ROWS = [chat(f"Pytanie {n}: {'x' * (n % 7)}?", f"Cześć! Odpowiedź {n}. 🐝") for n in range(18)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return tiny_root(tmp_path_factory.mktemp("root"))


@pytest.fixture
def together():
    """Start the ranks of a job; what still runs at the end of the test is killed."""
    started = []

    def start(job, size, **more):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        for rank in range(size):
            environment = {
                **os.environ,
                "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size),
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "GLOO_SOCKET_IFNAME": "lo",
                WATCHED: "1",
            }  # fmt: skip
            with (job.path / f"log-{rank}").open("ab") as log:
                started.append(
                    subprocess.Popen(
                        [sys.executable, "-m", "tunectl.server.trainers.lora", str(job.path)],
                        env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
                    )
                )  # fmt: skip
        return started[-size:]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()


def losses(job: JobFolder):
    found = [e["data"] for e in job.events() if "train_loss" in e["data"]]
    return {data["step"]: data["train_loss"] for data in found}


def ended(processes, seconds=240):
    return [process.wait(seconds) for process in processes]


def reached(job, step, processes):
    deadline = time.monotonic() + 240
    while job.status().get("step", 0) < step:
        assert time.monotonic() < deadline, "it did not get there"
        assert all(process.poll() is None for process in processes), job.events()
        time.sleep(0.005)


@pytest.mark.slow
def test_several_ranks_train_what_one_process_trains(base, together):
    size = 3
    alone = write_job(*base, ROWS, name=f"alone-{size}", valid=ROWS[:3])
    assert lora.main([str(alone.path)]) == 0
    spread = write_job(*base, ROWS, name=f"spread-{size}", valid=ROWS[:3])
    assert ended(together(spread, size)) == [0] * size
    expected, found = losses(alone), losses(spread)
    assert expected.keys() == found.keys()
    assert len(found) == 10
    difference = max(abs(found[step] - loss) for step, loss in expected.items())
    print(f"largest difference of a loss, {size} ranks: {difference:.1e}")
    assert difference < 1e-5
    assert spread.status()["state"] == "succeeded"
    assert spread.status()["valid_loss"] == pytest.approx(alone.status()["valid_loss"], abs=1e-5)
    for key in ("step", "trained_tokens"):
        assert spread.status()[key] == alone.status()[key]
    assert spread.adapter.is_dir()
    assert [step for step, _ in spread.checkpoints()] == [step for step, _ in alone.checkpoints()]
    one = [e["message"] for e in spread.events() if "started" in e["message"]]
    assert one == [f"Fine-tuning job started (cpu, float32, 1 threads, {size} workers)"]


@pytest.mark.slow
def test_a_signal_to_one_rank_stops_all_and_the_job_goes_on_alone_with_the_same_losses(
    base, together
):
    epochs = {"n_epochs": 12}
    calm = write_job(*base, ROWS, name="calm", hyperparameters=epochs)
    assert lora.main([str(calm.path)]) == 0
    job = write_job(*base, ROWS, name="told", hyperparameters=epochs)
    ranks = together(job, 2)
    reached(job, 7, ranks)
    ranks[1].send_signal(signal.SIGTERM)
    assert ended(ranks) == [128 + signal.SIGTERM] * 2
    assert job.status()["state"] == "running"
    assert job.checkpoints()[-1][0] == job.status()["step"]
    assert lora.main([str(job.path)]) == 0
    assert losses(job) == pytest.approx(losses(calm), abs=1e-4)


@pytest.mark.slow
def test_when_a_rank_is_killed_the_others_end_and_the_next_attempt_resumes(base, together):
    victim = 0
    job = write_job(*base, ROWS, name="killed", hyperparameters={"n_epochs": 8})
    ranks = together(job, 2)
    reached(job, 11, ranks)
    ranks[victim].send_signal(signal.SIGKILL)
    codes = ended(ranks)
    assert codes[victim] == -signal.SIGKILL
    assert codes[1 - victim] != 0
    assert job.status()["state"] == "running"
    assert ended(together(job, 2)) == [0, 0]
    resumed = [e["data"]["step"] for e in job.events() if "resumed" in e["message"]]
    assert len(resumed) == 1
    assert resumed[0] >= 10
    assert sorted(losses(job)) == list(range(1, 41))


@pytest.mark.slow
def test_a_rank_ends_when_the_one_that_started_it_is_gone(base, together):
    job = write_job(*base, ROWS, name="orphan", hyperparameters={"n_epochs": 50})
    ranks = together(job, 2)
    reached(job, 2, ranks)
    for rank in ranks:
        rank.stdin.close()
    assert EXIT_ORPHANED in ended(ranks)
    assert job.status()["state"] == "running"


@pytest.mark.slow
def test_bad_rows_fail_the_job_once_and_every_rank_ends(base, together):
    job = write_job(*base, [*ROWS, chat("x" * 400, "lost")], name="bad")
    assert ended(together(job, 2)) == [EXIT_FAILED] * 2
    assert job.status()["error"]["code"] == "invalid_training_file"
    assert failure_of(job, 2)["code"] == "invalid_training_file"
    assert [e["level"] for e in job.events()] == ["error"]


def test_a_witness_reads_the_job_and_changes_nothing_of_it(base):
    job = write_job(*base, ROWS, name="seen")
    job.write_status(state="running", step=3)
    before = job.status()
    witness = Witness(job.path, 2)
    assert witness.write_status(state="failed", step=9) == before
    witness.event("a step", type="metrics", data={"step": 9})
    witness.finish("failed", error={"code": "server_error", "message": "zażółć", "param": None})
    assert job.status() == before
    assert job.events() == []
    assert failure_of(job, 2) is None
    assert failure_of(job, 3)["message"] == "zażółć"


def test_a_process_that_nobody_numbered_is_alone():
    assert place({}) == Place(0, 1, 0)
    assert place({"RANK": "1", "WORLD_SIZE": "2", "LOCAL_RANK": "0"}) == Place(1, 2, 0)
    group = Alone(lambda: "pause")
    assert group.stop() == "pause"
    assert group.share(ROWS) is ROWS
    assert group.exchange([], 1.5, 2) == (1.5, 2)


@pytest.mark.parametrize("variables", [{"RANK": "2", "WORLD_SIZE": "2"}, {"RANK": "first"}])
def test_numbers_that_contradict_each_other_are_refused(variables):
    with pytest.raises(ValueError, match=r"RANK|invalid literal"):
        place(variables)
