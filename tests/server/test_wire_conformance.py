"""The real OpenAI client drives the server; whatever it is answered fits OpenAI's specification."""

import datetime as dt
import hashlib
import io
import itertools
import time

import openai
import pytest

from tests.server import wire_schemas
from tests.server.served import chat_row, jsonl, rows, wait_until


def test_an_uploaded_file_comes_back_byte_for_byte(server):
    content = jsonl(rows()) + b'{"messages": []}\r\n\n'
    file = server.upload(content, "zamówienia-łódź.jsonl")
    assert (file.filename, file.bytes, file.status) == (
        "zamówienia-łódź.jsonl",
        len(content),
        "processed",
    )
    assert file.sha256 == hashlib.sha256(content).hexdigest()
    assert server.client.files.content(file.id).content == content
    assert server.client.files.retrieve(file.id) == file
    assert server.client.files.wait_for_processing(file.id).id == file.id


def test_a_large_upload_arrives_whole(server):
    content = jsonl([chat_row("x" * 1000, "y")] * 8000)
    file = server.client.files.create(file=io.BytesIO(content), purpose="fine-tune")
    assert (file.bytes, file.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    server.client.files.delete(file.id)


def test_files_are_listed_in_pages_by_purpose_and_order(server):
    made = [server.upload(b"text", f"{i}.txt", purpose="vision").id for i in range(5)]
    listed = server.client.files.list(purpose="vision", order="asc", limit=2)
    assert len(listed.data) == 2
    assert listed.has_more
    assert [file.id for file in listed] == made
    newest = server.client.files.list(purpose="vision")
    assert [file.id for file in newest] == made[::-1]
    assert server.client.files.list(purpose="assistants").data == []


def test_a_deleted_file_is_gone_but_its_job_goes_on(server):
    job = server.create(slow=0.02)
    assert server.client.files.delete(job.training_file).deleted
    with pytest.raises(openai.NotFoundError):
        server.client.files.retrieve(job.training_file)
    assert server.wait(job.id).status == "succeeded"


def test_a_file_may_carry_its_end(server):
    after = {"anchor": "created_at", "seconds": 3600}
    file = server.upload(rows(), expires_after=after)
    assert file.expires_at == file.created_at + 3600


def test_a_job_runs_to_a_model_that_answers(server, tuned):
    assert tuned.status == "succeeded"
    assert tuned.error is None
    assert tuned.fine_tuned_model.startswith("ft:smollm2-135m-instruct:local:pomoc-ł:")
    assert len(tuned.fine_tuned_model.rpartition(":")[2]) == 8
    assert tuned.user_provided_suffix == "pomoc-ł"
    assert tuned.metadata == {"team": "support", "n": "1"}
    assert tuned.trained_tokens > 0
    assert tuned.finished_at >= tuned.created_at
    assert tuned.estimated_finish is None
    model = server.client.models.retrieve(tuned.fine_tuned_model)
    assert model.id in [m.id for m in server.client.models.list()]
    answer = server.say(model.id, "Jak zamówić produkt numer 7?")
    assert answer.model == tuned.fine_tuned_model
    assert answer.choices[0].message.content == "Odpowiedź 7. Pozdrawiamy 🐝"


def test_statuses_move_forward_only(server):
    first = server.create(slow=0.02)
    second = server.create()
    order = ["validating_files", "queued", "running", "succeeded"]
    seen = {first.id: [first.status], second.id: [second.status]}
    while any(states[-1] != "succeeded" for states in seen.values()):
        for job_id, states in seen.items():
            status = server.job(job_id).status
            if status != states[-1]:
                states.append(status)
    for states in seen.values():
        assert states == sorted(states, key=order.index)
    assert "running" in seen[first.id]
    assert "queued" in seen[second.id]


def test_auto_is_told_until_training_starts_and_numbers_afterwards(server):
    blocker = server.create(slow=0.2)
    server.wait(blocker.id, "running")
    job = server.wait(server.create(method={"type": "supervised"}).id, "queued")
    assert job.hyperparameters.n_epochs == "auto"
    assert job.method.supervised.hyperparameters.batch_size == "auto"
    assert job.seed >= 0
    server.client.fine_tuning.jobs.cancel(blocker.id)
    done = server.wait(job.id)
    numbers = done.method.supervised.hyperparameters
    assert (numbers.n_epochs, numbers.batch_size, numbers.learning_rate_multiplier) == (8, 4, 1.0)
    assert done.seed == job.seed


def test_asked_for_hyper_parameters_are_kept(server):
    asked = {"n_epochs": 2, "batch_size": 3, "learning_rate_multiplier": 0.5}
    method = {"type": "supervised", "supervised": {"hyperparameters": asked}}
    job = server.trained(method=method, seed=11)
    assert job.seed == 11
    assert job.method.supervised.hyperparameters.to_dict() == asked
    assert job.tunectl["total_steps"] == 8
    legacy = server.trained(hyperparameters=asked)
    assert legacy.hyperparameters.to_dict() == asked


def test_the_same_declaration_trains_the_same_model(server):
    jobs = [server.trained(rows(15)) for _ in range(2)]
    assert jobs[0].seed == jobs[1].seed
    assert server.losses(jobs[0].id) == server.losses(jobs[1].id)
    other = server.trained(rows(15), seed=3)
    assert server.losses(other.id) != server.losses(jobs[0].id)


def test_losses_fall_with_every_step(server, tuned):
    losses = [loss for _, loss in server.losses(tuned.id)]
    assert len(losses) == tuned.tunectl["total_steps"]
    assert all(after < before for before, after in itertools.pairwise(losses))


def test_jobs_are_filtered_by_metadata_and_come_in_pages(server):
    jobs = server.client.fine_tuning.jobs
    made = [server.create(metadata={"op": str(i % 2), "test": "pages"}).id for i in range(5)]
    plain = server.create().id
    newest = itertools.islice(jobs.list(limit=2), 6)
    assert [job.id for job in newest] == [plain, *made[::-1]]
    odd = jobs.list(metadata={"op": "1", "test": "pages"}, limit=1)
    assert odd.has_more
    assert [job.id for job in odd] == [made[3], made[1]]
    assert jobs.list(metadata={"op": "1", "test": "other"}).data == []
    without = [job.id for job in jobs.list(extra_query={"metadata": "null"})]
    assert plain in without
    assert not {*made} & {*without}
    assert jobs.list(after=made[1]).data[0].id == made[0]


def test_events_come_newest_first_in_pages(server, tuned):
    events = list(server.client.fine_tuning.jobs.list_events(tuned.id, limit=7))
    assert events[0].message == "The job has successfully completed"
    assert events[-1].message == f"Created fine-tuning job: {tuned.id}"
    assert len({event.id for event in events}) == len(events)
    assert any(
        e.message == f"New fine-tuned model created: {tuned.fine_tuned_model}" for e in events
    )


def test_checkpoints_answer_while_they_exist(server):
    job = server.trained(every=3, method={"type": "supervised"})
    checkpoints = list(server.client.fine_tuning.jobs.checkpoints.list(job.id, limit=1))
    assert [c.step_number for c in checkpoints] == [24, 21, 18]
    assert checkpoints[0].id.startswith("ftckpt_")
    assert checkpoints[0].metrics.train_loss == server.losses(job.id)[-1][1]
    name = checkpoints[1].fine_tuned_model_checkpoint
    assert name == f"{job.fine_tuned_model}:ckpt-step-21"
    assert server.say(name, "produkt numer 3").choices[0].message.content.startswith("Odpowiedź 3")
    assert server.client.models.delete(name).deleted
    left = server.client.fine_tuning.jobs.checkpoints.list(job.id)
    assert [c.step_number for c in left] == [24, 18]
    with pytest.raises(openai.NotFoundError):
        server.say(name, "?")
    assert server.say(job.fine_tuned_model, "?").choices


def test_results_are_a_plain_table_of_the_steps(server):
    validation = server.upload(rows(3), "valid.jsonl")
    job = server.trained(validation_file=validation.id)
    (result,) = job.result_files
    file = server.client.files.retrieve(result)
    assert file.purpose == "fine-tune-results"
    lines = server.client.files.content(result).text.splitlines()
    assert lines[0] == "step,train_loss,train_accuracy,valid_loss,valid_mean_token_accuracy"
    table = [line.split(",") for line in lines[1:]]
    assert [(int(row[0]), float(row[1])) for row in table] == server.losses(job.id)
    assert float(table[-1][3]) == job.tunectl["valid_loss"]
    assert server.job(job.id).result_files == [result]


def test_a_deleted_model_is_gone_but_its_job_remembers(server):
    job = server.trained()
    assert server.client.models.delete(job.fine_tuned_model).deleted
    for act in (server.client.models.retrieve, server.client.models.delete):
        with pytest.raises(openai.NotFoundError) as caught:
            act(job.fine_tuned_model)
        assert caught.value.code == "model_not_found"
    again = server.job(job.id)
    assert (again.status, again.fine_tuned_model) == ("succeeded", job.fine_tuned_model)
    assert server.client.fine_tuning.jobs.checkpoints.list(job.id).data == []


def test_a_model_tells_its_end_and_does_not_answer_after_it(server):
    job = server.trained(model="simulated-9")
    tomorrow = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).date().isoformat()
    body = {"shutdown_date": tomorrow}
    assert server.http("PUT", "/tunectl/retirements/simulated-9", json=body)[0] == 200
    assert server.client.models.retrieve("simulated-9").shutdown_date == tomorrow
    assert server.client.models.retrieve(job.fine_tuned_model).shutdown_date == tomorrow
    assert server.say(job.fine_tuned_model, "?").choices
    server.http("PUT", "/tunectl/retirements/simulated-9", json={"shutdown_date": "2026-01-01"})
    for act in (
        lambda: server.say(job.fine_tuned_model, "?"),
        lambda: server.create(model="simulated-9"),
    ):
        with pytest.raises(openai.NotFoundError, match="retired on 2026-01-01"):
            act()
    server.http("PUT", "/tunectl/retirements/simulated-9", json={"shutdown_date": None})
    assert server.client.models.retrieve("simulated-9").shutdown_date is None


def test_a_stream_gives_the_same_answer_and_the_usage(server, tuned):
    question = "produkt numer 5"
    whole = server.say(tuned.fine_tuned_model, question)
    chunks = list(
        server.say(
            tuned.fine_tuned_model, question, stream=True, stream_options={"include_usage": True}
        )
    )
    assert len(chunks) > 3
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == whole.choices[0].message.content
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage.to_dict() == whole.usage.to_dict()
    assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
    assert {c.model for c in chunks} == {tuned.fine_tuned_model}
    plain = server.say(tuned.fine_tuned_model, question, stream=True)
    assert all(chunk.choices for chunk in plain)


def test_an_answer_is_cut_where_it_was_asked_to_end(server, tuned):
    question = "produkt numer 5"
    cut = server.say(tuned.fine_tuned_model, question, max_completion_tokens=2)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage.completion_tokens <= 2
    stopped = server.say(tuned.fine_tuned_model, question, stop=[" Pozdrawiamy"])
    assert stopped.choices[0].message.content == "Odpowiedź 5."
    assert stopped.choices[0].finish_reason == "stop"
    several = server.say(tuned.fine_tuned_model, question, n=2, temperature=0, seed=1)
    assert [choice.index for choice in several.choices] == [0, 1]


def test_a_base_model_says_that_it_is_simulated(server):
    answer = server.say("simulated-1", "Привет").choices[0].message.content
    assert answer == "[simulated-1, simulated, no weights] Привет"


def test_every_answer_was_validated(server, tuned):
    server.client.fine_tuning.jobs.retrieve(tuned.id)
    assert server.validated[-1] == "FineTuningJob"
    with pytest.raises(openai.NotFoundError):
        server.client.models.retrieve("nope")
    assert server.validated[-1] == "ErrorResponse"
    broken = b'{"id": "x"}'
    with pytest.raises(wire_schemas.jsonschema.ValidationError):
        wire_schemas.check_response("GET", "/v1/models/x", 200, "application/json", broken)


def test_cancelling_a_running_job_stops_it_soon(server):
    job = server.create(slow=0.1)
    server.wait(job.id, "running")
    cancelled = server.client.fine_tuning.jobs.cancel(job.id)
    assert cancelled.status == "cancelled"
    assert cancelled.finished_at is not None
    assert cancelled.fine_tuned_model is None
    with pytest.raises(openai.BadRequestError, match="already been cancelled"):
        server.client.fine_tuning.jobs.cancel(job.id)


def test_cancelling_a_queued_job_leaves_the_running_one_alone(server):
    first = server.create(slow=0.05)
    server.wait(first.id, "running")
    queued = server.create()
    assert server.wait(queued.id, "queued").status == "queued"
    assert server.client.fine_tuning.jobs.cancel(queued.id).status == "cancelled"
    assert server.wait(first.id).status == "succeeded"


def test_jobs_train_one_at_a_time_in_the_order_of_creation(server):
    jobs = [server.create(slow=0.01).id for _ in range(3)]
    ends = []
    while len(ends) < 3:
        states = {job_id: server.status_file(job_id)["state"] for job_id in jobs}
        assert sum(state == "running" for state in states.values()) <= 1
        ends += [j for j, state in states.items() if state == "succeeded" and j not in ends]
        time.sleep(0.01)
    assert ends == jobs


def test_a_paused_job_stands_still_and_gives_the_same_result_when_resumed(server):
    jobs = server.client.fine_tuning.jobs
    whole = server.trained(seed=5)
    job = server.create(seed=5, slow=0.05)
    wait_until(lambda: server.status_file(job.id)["step"] >= 3)
    paused = jobs.pause(job.id)
    assert paused.status == "paused"
    step = paused.tunectl["step"]
    assert server.status_file(job.id)["state"] == "paused"
    assert 0 < step < whole.tunectl["total_steps"]
    assert jobs.resume(job.id).status in {"queued", "running"}
    with pytest.raises(openai.BadRequestError, match="not paused"):
        jobs.resume(job.id)
    assert server.wait(job.id).status == "succeeded"
    assert server.losses(job.id) == server.losses(whole.id)


def test_a_paused_job_can_be_cancelled_and_a_queued_one_paused(server):
    jobs = server.client.fine_tuning.jobs
    first = server.create(slow=0.2)
    server.wait(first.id, "running")
    queued = server.wait(server.create().id, "queued")
    assert jobs.pause(queued.id).status == "paused"
    assert jobs.cancel(queued.id).status == "cancelled"
    assert jobs.cancel(first.id).status == "cancelled"


def test_concurrent_cancels_and_reads_agree(server, together):
    job = server.create(slow=0.1)
    server.wait(job.id, "running")

    def act(index):
        jobs = server.client.fine_tuning.jobs
        return jobs.cancel(job.id) if index % 2 else jobs.retrieve(job.id)

    results = together(act)
    assert all(
        getattr(r, "status", None) in {"running", "cancelled"} or r.status_code == 400
        for r in results
    )
    assert server.job(job.id).status == "cancelled"
    ends = [
        e for e in server.client.fine_tuning.jobs.list_events(job.id) if "cancelled" in e.message
    ]
    assert len(ends) == 1
