"""What is refused, with which status, code and words."""

import openai
import pytest

from tests.server.served import chat_row, jsonl, rows

GOOD = rows()


def refused(kind, act):
    with pytest.raises(kind) as caught:
        act()
    return caught.value


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{'a': 1}\n", "Line 1 is not a dictionary (HINT: line starts with: \"{'a':...\")."),
        (jsonl(GOOD) + b"[1, 2]\n", "Line 13 is not a dictionary"),
        (b'"text"\n', "Line 1 is not a dictionary"),
        (b'{"a": NaN}\n', "Line 1 is not a dictionary"),
        (b"\xff\xfe{}\n", "Line 1 is not a dictionary"),
        (b"", "empty"),
        (b"\n \n", "empty"),
    ],
)
def test_what_is_not_json_lines_is_refused_at_upload(server, content, words):
    error = refused(openai.BadRequestError, lambda: server.upload(content))
    assert words in error.message
    assert (error.type, error.param) == ("invalid_request_error", "file")
    listed = server.client.files.list(purpose="fine-tune")
    assert all(file.bytes != len(content) for file in listed)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"purpose": "evals"}, "purpose"),
        ({"purpose": "fine-tune-results"}, "purpose"),
        ({"name": "train.csv"}, "file"),
        ({"expires_after": {"anchor": "created_at", "seconds": 60}}, "expires_after.seconds"),
        ({"extra_body": {"colour": "red"}}, "colour"),
    ],
)
def test_a_wrong_upload_names_its_parameter(server, options, param):
    error = refused(openai.BadRequestError, lambda: server.upload(GOOD, **options))
    assert error.param == param


def test_an_upload_without_a_file_or_form_is_refused(server):
    status, body = server.http("POST", "/files", json={"purpose": "fine-tune"})
    assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    status, body = server.http("POST", "/files", files={"purpose": (None, "fine-tune")})
    assert (status, body["error"]["param"]) == (400, "file")


METHOD = "method.supervised.hyperparameters"


def supervised(**numbers):
    return {"method": {"type": "supervised", "supervised": {"hyperparameters": numbers}}}


@pytest.mark.parametrize(
    ("options", "param"),
    [
        (supervised(n_epochs=0), f"{METHOD}.n_epochs"),
        (supervised(n_epochs=51), f"{METHOD}.n_epochs"),
        (supervised(n_epochs="three"), f"{METHOD}.n_epochs"),
        (supervised(n_epochs=1.5), f"{METHOD}.n_epochs"),
        (supervised(n_epochs=True), f"{METHOD}.n_epochs"),
        (supervised(batch_size=257), f"{METHOD}.batch_size"),
        (supervised(learning_rate_multiplier=0), f"{METHOD}.learning_rate_multiplier"),
        (supervised(learning_rate_multiplier=-1), f"{METHOD}.learning_rate_multiplier"),
        (supervised(lora_r=8), f"{METHOD}.lora_r"),
        ({"hyperparameters": {"n_epochs": 99}}, "hyperparameters.n_epochs"),
        ({"method": {"type": "dpo"}}, "method.type"),
        ({"method": {"type": "reinforcement"}}, "method.type"),
        ({"suffix": ""}, "suffix"),
        ({"suffix": "x" * 65}, "suffix"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**31}, "seed"),
        ({"metadata": {f"k{i}": "v" for i in range(17)}}, "metadata"),
        ({"metadata": {"k" * 65: "v"}}, f"metadata.{'k' * 64}"),
        ({"metadata": {"k": "v" * 513}}, "metadata.k"),
        ({"metadata": {"k": 1}}, "metadata.k"),
        ({"integrations": [{"type": "wandb", "wandb": {"project": "p"}}]}, "integrations"),
        ({"slow": -1}, "tunectl.step_seconds"),
        ({"validation_file": "file-nothere"}, "validation_file"),
        ({"model": ""}, "model"),
    ],
)
def test_a_wrong_job_is_refused_with_400_and_its_parameter(server, options, param):
    error = refused(openai.BadRequestError, lambda: server.create(**options))
    assert (error.param, error.type) == (param, "invalid_request_error")


def test_the_limits_themselves_are_allowed(server):
    metadata = {f"{i:02}{'k' * 62}": "ł" * 512 for i in range(16)}
    job = server.create(
        suffix="x" * 64, metadata=metadata, seed=2**31 - 1, **supervised(n_epochs=50)
    )
    assert server.wait(job.id).metadata == metadata


def test_an_unknown_parameter_is_refused(server):
    file = server.upload(GOOD)
    body = {"model": "simulated-1", "training_file": file.id, "epochs": 3}
    status, answer = server.http("POST", "/fine_tuning/jobs", json=body)
    assert (status, answer["error"]["code"]) == (400, "unknown_parameter")
    assert answer["error"]["param"] == "epochs"


def test_a_job_needs_a_file_that_exists_and_is_for_tuning(server):
    create = server.client.fine_tuning.jobs.create
    error = refused(
        openai.BadRequestError,
        lambda: create(model="simulated-1", training_file="file-abc"),
    )
    assert "invalid training_file: file-abc" in error.message
    assert error.param == "training_file"
    other = server.upload(GOOD, purpose="user_data")
    error = refused(
        openai.BadRequestError,
        lambda: create(model="simulated-1", training_file=other.id),
    )
    assert error.code == "invalid_file_purpose"


def test_a_bad_row_fails_the_job_and_is_numbered(server):
    job = server.wait(server.create([*GOOD, chat_row("a", "b <|fim_suffix|> c")]).id)
    assert job.status == "failed"
    assert job.error.to_dict() == {
        "code": "invalid_training_file",
        "message": "The job failed due to a file format error in the training file. Invalid file "
        "format. Example 13 message contains an invalid token: <|fim_suffix|>.",
        "param": "training_file",
    }
    assert job.fine_tuned_model is None
    assert job.result_files == []
    events = server.client.fine_tuning.jobs.list_events(job.id)
    assert events.data[0].level == "error"


def test_too_few_examples_fail_the_job_in_openais_words(server):
    job = server.wait(server.create(GOOD[:3]).id)
    assert job.error.to_dict() == {
        "code": "invalid_n_examples",
        "message": "Training file has 3 example(s), but must have at least 10 examples",
        "param": "training_file",
    }
    assert job.hyperparameters.n_epochs == "auto"
    assert job.trained_tokens is None


def test_a_bad_validation_file_is_named(server):
    validation = server.upload([{"messages": []}], "v.jsonl")
    job = server.wait(server.create(validation_file=validation.id).id)
    assert (job.error.code, job.error.param) == ("invalid_validation_file", "validation_file")


@pytest.mark.parametrize(
    "name", ["ft:simulated-1:local::AbCd1234", "nope", "../../etc/passwd", "ł"]
)
def test_an_unknown_model_is_not_found(server, name):
    error = refused(openai.NotFoundError, lambda: server.say(name, "?"))
    assert (error.code, error.param) == ("model_not_found", "model")
    assert name in error.message
    assert refused(openai.NotFoundError, lambda: server.client.models.retrieve(name)).code


def test_a_server_that_trains_for_real_knows_only_what_was_pulled(own):
    server = own(trainer="lora")
    error = refused(openai.NotFoundError, lambda: server.create(model="gpt-4o-mini"))
    assert (error.code, error.param) == ("model_not_found", "model")
    assert [model.id for model in server.client.models.list()] == ["simulated-1"]
    assert server.trained(model="simulated-1").model == "simulated-1"


def test_a_tuned_model_is_no_base(server, tuned):
    error = refused(openai.BadRequestError, lambda: server.create(model=tuned.fine_tuned_model))
    assert error.code == "model_not_available"


def test_a_base_model_cannot_be_deleted(server):
    error = refused(
        openai.PermissionDeniedError, lambda: server.client.models.delete("simulated-1")
    )
    assert "simulated-1" in error.message


@pytest.mark.parametrize("token", ["sk-wrong", "", "zażółć"])
def test_nobody_gets_in_without_the_token(server, token):
    headers = {"Authorization": f"Bearer {token}".encode() if token else b""}
    status, body = server.http("GET", "/models", headers=headers)
    assert (status, body["error"]["code"]) == (401, "invalid_api_key")


def test_the_sdk_is_told_that_its_key_is_wrong(server):
    with server.connect("wrong") as client:
        assert refused(openai.AuthenticationError, client.models.list).code == "invalid_api_key"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/fine_tuning/jobs/ftjob-none", 404),
        ("GET", "/fine_tuning/jobs/..%2F..", 404),
        ("POST", "/fine_tuning/jobs/ftjob-none/cancel", 404),
        ("GET", "/fine_tuning/jobs/ftjob-none/events", 404),
        ("GET", "/files/file-none", 404),
        ("GET", "/files/..", 404),
        ("GET", "/files/file-none/content", 404),
        ("DELETE", "/files/file-none", 404),
        ("PATCH", "/files", 405),
        ("GET", "/fine_tuning/jobs?limit=0", 400),
        ("GET", "/fine_tuning/jobs?limit=many", 400),
        ("GET", "/fine_tuning/jobs?after=ftjob-none", 400),
        ("GET", "/files?order=random", 400),
        ("GET", "/tunectl/aliases/none", 404),
        ("DELETE", "/tunectl/aliases/none", 404),
    ],
)
def test_every_refusal_has_the_envelope(server, method, path, status):
    got, body = server.http(method, path)
    assert got == status
    assert body["error"].keys() == {"message", "type", "param", "code"}
    assert body["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"a": \xff}', b'"x"'])
def test_a_body_that_is_no_json_object_is_refused(server, body):
    status, answer = server.http("POST", "/chat/completions", content=body)
    assert (status, answer["error"]["type"]) == (400, "invalid_request_error")


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"logprobs": True}, "logprobs"),
        ({"temperature": 3}, "temperature"),
        ({"top_p": -1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"stop": ["a", "b", "c", "d", "e"]}, "stop"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "robot", "content": "?"}]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": None}]}, "messages[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "messages[0]",
        ),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"temprature": 1}, "temprature"),
        ({"model": None}, "model"),
    ],
)
def test_a_chat_that_cannot_be_honoured_is_refused(server, change, param):
    body = {"model": "simulated-1", "messages": [{"role": "user", "content": "?"}]} | change
    status, answer = server.http("POST", "/chat/completions", json=body)
    assert (status, answer["error"]["param"]) == (400, param)


def test_an_error_comes_with_its_status_even_when_a_stream_was_asked_for(server):
    refused(openai.NotFoundError, lambda: server.say("nope", "?", stream=True))
