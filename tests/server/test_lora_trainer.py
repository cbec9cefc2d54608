import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tests.server.tiny_model import chat, tiny_root, write_job
from tunectl.server.jobs import EXIT_CANCELLED, EXIT_FAILED, EXIT_PAUSED, JobFolder
from tunectl.server.trainers import lora
from tunectl.server.trainers.failure import describe

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

ROWS = [chat(f"Pytanie {n}: {'x' * (n % 7)}?", f"Cześć! Odpowiedź {n}. 🐝") for n in range(18)]


@pytest.fixture(autouse=True)
def _same_signals_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tiny_root(tmp_path_factory.mktemp("root"))


class AskedAt(lora.StopRequests):
    """Somebody asks for `what` as soon as the trainer has reported `step`."""

    def __init__(self, job, step, what):
        super().__init__(job)
        self.step, self.what = step, what

    def __call__(self):
        if self.job.status().get("step", 0) >= self.step:
            self.job.ask(self.what)
        return super().__call__()


def losses(job: JobFolder) -> dict[int, float]:
    found = {}
    for event in job.events():
        if event["type"] == "metrics" and "train_loss" in event["data"]:
            found[event["data"]["step"]] = event["data"]["train_loss"]
    return found


def test_a_training_lowers_the_loss_and_leaves_a_peft_folder(place):
    job = write_job(*place, ROWS, name="plain", valid=ROWS[:3], hyperparameters={"n_epochs": 8})
    assert lora.main([str(job.path)]) == 0
    status = job.status()
    assert status["state"] == "succeeded"
    assert status["step"] == status["total_steps"] == 5 * 8
    assert status["error"] is None
    assert (status["device"], status["dtype"], status["threads"]) == ("cpu", "float32", 1)
    valid = [e["data"]["valid_loss"] for e in job.events() if "valid_loss" in e["data"]]
    assert len(valid) == 9
    assert valid[-1] < valid[0]
    config = json.loads((job.adapter / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == f"sha256:{place[1]}"
    assert sorted(path.name for path in job.adapter.iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]


def test_of_a_finished_training_the_last_three_epochs_stay_as_checkpoints(place):
    job = write_job(*place, ROWS, name="kept", hyperparameters={"n_epochs": 5})
    assert lora.main([str(job.path)]) == 0
    assert [step for step, _ in job.checkpoints()] == [15, 20, 25]
    for _, folder in job.checkpoints():
        assert sorted(path.name for path in folder.iterdir()) == [
            "adapter_config.json",
            "adapter_model.safetensors",
            "ok",
        ]
    assert not list(job.path.glob(".*.tmp"))


def test_the_same_recipe_trains_the_same_model(place):
    first = write_job(*place, ROWS, name="same-1")
    second = write_job(*place, ROWS, name="same-2")
    other = write_job(*place, ROWS, name="same-3", seed=8)
    for job in (first, second, other):
        assert lora.main([str(job.path)]) == 0
    weights = "adapter_model.safetensors"
    assert (first.adapter / weights).read_bytes() == (second.adapter / weights).read_bytes()
    assert (first.adapter / weights).read_bytes() != (other.adapter / weights).read_bytes()


@pytest.mark.slow
def test_killed_without_warning_it_resumes_with_the_losses_of_an_uninterrupted_run(place):
    epochs = {"n_epochs": 20}
    calm = write_job(*place, ROWS, name="calm", hyperparameters=epochs)
    assert lora.main([str(calm.path)]) == 0
    killed = write_job(*place, ROWS, name="killed", hyperparameters=epochs)
    command = [sys.executable, "-m", "tunectl.server.trainers.lora", str(killed.path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        while killed.status().get("step", 0) < 13:
            assert process.poll() is None, "it ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert killed.status()["state"] == "running"
    assert killed.checkpoints()
    assert not killed.adapter.exists()
    assert lora.main([str(killed.path)]) == 0
    resumed = [e for e in killed.events() if "resumed from the checkpoint" in e["message"]]
    assert len(resumed) == 1
    assert resumed[0]["data"]["step"] >= 10
    expected = losses(calm)
    assert len(expected) == 100
    assert losses(killed) == pytest.approx(expected, abs=1e-5)
    assert killed.status()["trained_tokens"] == calm.status()["trained_tokens"]


def test_a_torn_checkpoint_does_not_exist_for_a_resume(place):
    job = write_job(*place, ROWS, name="torn", checkpoint_steps=2)
    assert lora.train(job, AskedAt(job, 5, "pause")) == EXIT_PAUSED
    (step, newest) = job.checkpoints()[-1]
    (newest / "ok").unlink()
    (newest / "state.pt").write_bytes(b"half")
    job.withdraw("pause")
    assert lora.main([str(job.path)]) == 0
    resumed = [e["data"]["step"] for e in job.events() if "resumed" in e["message"]]
    assert resumed[0] < step


@pytest.mark.parametrize(
    ("what", "code", "state"),
    [("pause", EXIT_PAUSED, "paused"), ("cancel", EXIT_CANCELLED, "cancelled")],
)
def test_a_control_file_is_honoured_between_steps_and_leaves_a_checkpoint(place, what, code, state):
    job = write_job(*place, ROWS, name=f"control-{what}")
    assert lora.train(job, AskedAt(job, 7, what)) == code
    status = job.status()
    assert status["state"] == state
    assert status["step"] == 7
    assert job.checkpoints()[-1][0] == status["step"]
    assert not job.adapter.exists()


def test_a_job_cancelled_before_it_starts_trains_nothing(place):
    job = write_job(*place, ROWS, name="cancelled-early")
    job.ask("cancel")
    assert lora.main([str(job.path)]) == EXIT_CANCELLED
    assert job.status()["state"] == "cancelled"
    assert losses(job) == {}


def test_a_paused_job_goes_on_where_it_stood(place):
    job = write_job(*place, ROWS, name="resumed", hyperparameters={"n_epochs": 3})
    calm = write_job(*place, ROWS, name="resumed-calm", hyperparameters={"n_epochs": 3})
    assert lora.train(job, AskedAt(job, 8, "pause")) == EXIT_PAUSED
    job.withdraw("pause")
    assert lora.main([str(job.path)]) == 0
    resumed = [e["data"]["step"] for e in job.events() if "resumed" in e["message"]]
    assert resumed == [8]
    assert lora.main([str(calm.path)]) == 0
    assert losses(job) == pytest.approx(losses(calm), abs=1e-5)


def test_sigterm_leaves_a_checkpoint_and_the_state_running(place):
    class Terminated(lora.StopRequests):
        def __call__(self):
            if self.job.status().get("step", 0) == 6:
                os.kill(os.getpid(), signal.SIGTERM)
            return super().__call__()

    job = write_job(*place, ROWS, name="terminated")
    assert lora.train(job, Terminated(job)) == 128 + signal.SIGTERM
    assert job.status()["state"] == "running"
    assert job.checkpoints()[-1][0] == job.status()["step"] == 6


@pytest.mark.parametrize(
    ("rows", "code", "words"),
    [
        ([*ROWS, chat("x" * 400, "lost")], "invalid_training_file", "Line 19: .*cut at 256"),
        ([ROWS[0], "{broken"], "invalid_training_file", "Line 2: not JSON"),
        ([], "invalid_training_file", "no examples"),
    ],
)
def test_a_bad_row_fails_the_job_with_the_wires_error_and_the_line(place, rows, code, words):
    job = write_job(*place, rows, name=f"bad-{len(rows)}")
    assert lora.main([str(job.path)]) == EXIT_FAILED
    error = job.status()["error"]
    assert error["code"] == code
    assert error["param"] == "training_file"
    with pytest.raises(ValueError, match=words):
        raise ValueError(error["message"])
    assert job.events()[-1]["level"] == "error"


def test_a_missing_base_fails_the_job_and_says_how_to_get_it(place):
    job = write_job(
        *place, ROWS, name="no-base", base={"name": "gone", "sha256": "0" * 64, "path": None}
    )
    assert lora.main([str(job.path)]) == EXIT_FAILED
    assert "tunectl model pull gone" in job.status()["error"]["message"]


def test_a_device_that_is_not_there_fails_the_job(place):
    job = write_job(*place, ROWS, name="no-device", device="tpu")
    assert lora.main([str(job.path)]) == EXIT_FAILED
    assert job.status()["error"]["param"] == "device"


def test_a_loss_that_is_no_number_fails_the_job(place):
    job = write_job(
        *place, ROWS, name="nan", hyperparameters={"learning_rate_multiplier": 1e30, "n_epochs": 9}
    )
    assert lora.main([str(job.path)]) == EXIT_FAILED
    assert "learning_rate_multiplier" in job.status()["error"]["message"]


def test_lack_of_memory_and_of_disk_are_named_as_such():
    memory = RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes.")
    assert describe(memory)["message"].startswith("out of memory")
    assert describe(MemoryError())["code"] == "server_error"
    assert "no space left" in describe(OSError(28, os.strerror(28)))["message"]
    assert describe(KeyError("x"))["message"] == "the trainer stopped on KeyError: 'x'"


def test_long_examples_are_cut_and_the_job_says_how_many(place):
    job = write_job(*place, [*ROWS, chat("q", "y" * 400)], name="cut")
    assert lora.main([str(job.path)]) == 0
    assert any("1 of 19 examples" in e["message"] and e["level"] == "warn" for e in job.events())


def test_the_catalogue_names_the_trainer_whose_results_these_are():
    """The number is part of a job's identity: a trainer with other results is another trainer."""
    from tunectl.catalog.provider_types import provider_types
    from tunectl.server.trainers.recipe import TRAINER_VERSION

    number = provider_types()["local"].trainers["lora"]
    assert f"lora-{number}" == TRAINER_VERSION
