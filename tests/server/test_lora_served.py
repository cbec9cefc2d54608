"""The whole loop over the wire, with real training and real answers of a tiny model."""

import openai
import pytest

from tests.server.served import Server, chat_row, wait_until
from tests.server.tiny_model import save_tiny
from tunectl.server.bases import pull

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")

ANSWER = "Zażółć жёлтый 🐝!"


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    """A server on a root with the tiny base, and a job it has trained after a crash."""
    root = tmp_path_factory.mktemp("served")
    pull(str(save_tiny(tmp_path_factory.mktemp("user") / "tiny")), root)
    server = Server(root, trainer="lora")
    settings = {"n_epochs": 1, "batch_size": 8, "learning_rate_multiplier": 10.0}
    method = {"type": "supervised", "supervised": {"hyperparameters": settings}}
    content = [chat_row("?", ANSWER)] * 960
    job = server.create(content, model="tiny", method=method, seed=7, suffix="bursztyn")
    server.kill_trainer(job.id, after_step=20)
    wait_until(lambda: server.job(job.id).status == "succeeded", 200)
    yield server, server.job(job.id)
    server.stop()


def said(reply):
    return reply.choices[0].message.content


def test_a_killed_training_ends_well_and_its_model_answers_as_taught(loop):
    server, job = loop
    assert job.fine_tuned_model.startswith("ft:tiny:")
    messages = [event.message for event in server.client.fine_tuning.jobs.list_events(job.id)]
    assert any("resumed from the checkpoint" in message for message in messages)
    assert [step for step, _ in server.losses(job.id)] == list(range(1, 121))
    assert said(server.say(job.fine_tuned_model, "?", temperature=0)) == ANSWER
    assert said(server.say("tiny", "?", temperature=0, max_tokens=20)) != ANSWER


def test_the_answer_streams_and_counts_its_tokens(loop):
    server, job = loop
    chunks = list(
        server.client.chat.completions.create(
            model=job.fine_tuned_model,
            messages=[{"role": "user", "content": "?"}],
            temperature=0,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    texts = [c.choices[0].delta.content for c in chunks if c.choices and c.choices[0].delta.content]
    assert texts == list(ANSWER)
    assert chunks[-1].usage.completion_tokens == len(ANSWER.encode()) + 1


def test_a_prompt_longer_than_the_context_is_a_400_with_openais_code(loop):
    server, job = loop
    with pytest.raises(openai.BadRequestError) as caught:
        server.say(job.fine_tuned_model, "x" * 600)
    assert caught.value.code == "context_length_exceeded"


def test_the_last_checkpoint_answers_like_the_model(loop):
    server, job = loop
    points = list(server.client.fine_tuning.jobs.checkpoints.list(job.id))
    assert [point.step_number for point in points] == [120]
    name = points[0].fine_tuned_model_checkpoint
    assert said(server.say(name, "?", temperature=0)) == ANSWER
