"""The real trainer and the real answers behind the wire, on a model of a few thousand weights."""

import importlib.util

import openai
import pytest

from tests.server.served import rows
from tests.server.tiny_model import save_tiny

needed = ("torch", "transformers", "peft")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(importlib.util.find_spec(name) is None for name in needed),
        reason="the extra `local` is not installed",
    ),
]


def test_a_base_from_a_folder_is_trained_killed_resumed_and_answers(own, tmp_path):
    base = save_tiny(tmp_path / "tiny-base")
    server = own(trainer="lora")
    job = server.create(rows(), model=str(base), every=2, suffix="real", seed=1)
    assert job.model == "tiny-base"
    server.kill_trainer(job.id, after_step=4)
    done = server.wait(job.id)
    assert done.status == "succeeded", done.error
    assert done.fine_tuned_model.startswith("ft:tiny-base:local:real:")
    assert [step for step, _ in server.losses(job.id)] == list(range(1, 25))
    assert done.trained_tokens > 0
    assert len(done.result_files) == 1
    tuned = server.say(done.fine_tuned_model, "Jak?", max_tokens=5, temperature=0)
    assert tuned.model == done.fine_tuned_model
    assert 1 <= tuned.usage.completion_tokens <= 5
    chunks = list(server.say("tiny-base", "Jak?", max_tokens=3, temperature=0, stream=True))
    assert chunks[-1].choices[0].finish_reason in {"length", "stop"}
    (checkpoint, *_) = server.client.fine_tuning.jobs.checkpoints.list(job.id).data
    said = server.say(checkpoint.fine_tuned_model_checkpoint, "Jak?", max_tokens=3)
    assert said.usage.completion_tokens >= 1
    with pytest.raises(openai.BadRequestError) as caught:
        server.say(done.fine_tuned_model, "długie " * 5000)
    assert caught.value.code == "context_length_exceeded"
