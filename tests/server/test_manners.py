"""A server that stands in for a service: its profile's project lives a whole life on it."""

import json

import pytest

from tests.contracts.handler_contract import (
    Rows,
    chat_rows,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.server.served import Server
from tunectl.core.errors import InvalidRequestError
from tunectl.core.resource import Status
from tunectl.providers.openai import connect
from tunectl.server.__main__ import main

CHAT = chat_rows(120)
PAIRS = Rows(
    [
        {
            "input": {"messages": row["messages"][:1]},
            "preferred_output": row["messages"][1:],
            "non_preferred_output": [{"role": "assistant", "content": f"Nie wiem {n}."}],
        }
        for n, row in enumerate(CHAT.data)
    ]
)
TASKS = Rows(
    [
        {"messages": row["messages"][:1], "reference_answer": str(n)}
        for n, row in enumerate(CHAT.data)
    ]
)
CHECK = {
    "type": "string_check",
    "name": "zgodność",
    "input": "{{ sample.output_text }}",
    "reference": "{{ item.reference_answer }}",
    "operation": "eq",
}
LAMBDA = {"type": "lambda", "lambda": {"function": "arn:aws:lambda:eu-west-1:1:function:oceń"}}


@pytest.fixture
def standing_in(tmp_path, monkeypatch):
    """A provider of a profile, on a server that stands in for its service."""
    servers = []

    def make(profile, **settings):
        server = Server(tmp_path / profile, "--profile", profile)
        servers.append(server)
        monkeypatch.setenv("STAND_IN_KEY", server.endpoint.token)
        url = server.endpoint.url
        return connect(
            name="p", profile=profile, base_url=url, key_env="STAND_IN_KEY", **settings
        ), server

    yield make
    for server in servers:
        server.stop()


def uploaded(provider, rows):
    handler = provider.handlers["upload"]
    resource, spec = upload_resource("p")
    return settled(handler, handler.create(request_for(resource, spec, reader=rows)))


def trained(provider, rows, **more):
    handler, file = provider.handlers["tuning_job"], uploaded(provider, rows)
    asked = request_for(*job_resource("p", "gpt-4.1-mini-2025-04-14", file.id, **more))
    return file, settled(handler, handler.create(asked))


LIVES = [
    ("openai", CHAT, {"method": {"type": "supervised", "epochs": 1}, "suffix": "wsparcie"}),
    ("openai", PAIRS, {"method": {"type": "dpo", "epochs": 1, "beta": 0.1}}),
    (
        "openai",
        CHAT,
        {"integrations": ({"type": "wandb", "wandb": {"project": "p", "tags": ("a",)}},)},
    ),
    ("azure", CHAT, {"method": {"type": "supervised", "epochs": 1}, "suffix": "obsługa"}),
    ("azure", PAIRS, {"method": {"type": "dpo", "epochs": 1}}),
    (
        "azure",
        TASKS,
        {"method": {"type": "reinforcement", "epochs": 1, "eval_samples": 2, "grader": CHECK}},
    ),
    (
        "nebius",
        CHAT,
        {"method": {"type": "supervised", "epochs": 1, "lora": True, "lora_r": 8}},
    ),
    ("bedrock-mantle", TASKS, {"method": {"type": "reinforcement", "epochs": 1, "grader": LAMBDA}}),
]


@pytest.mark.parametrize(
    ("profile", "rows", "more"),
    LIVES,
    ids=[f"{p}-{m.get('method', {}).get('type', 'more')}" for p, _, m in LIVES],
)
def test_a_project_of_a_profile_lives_a_whole_life(standing_in, profile, rows, more):
    settings = {"training_type": "Developer"} if profile == "azure" else {}
    provider, server = standing_in(profile, **settings)
    file, job = trained(provider, rows, **more)
    assert job.status is Status.READY, job.reason
    handler = provider.handlers["endpoint"]
    resource, spec = endpoint_resource("p", str(job.outputs["model_id"]))
    served = settled(handler, handler.create(request_for(resource, spec)))
    assert served.status is Status.READY
    told = list(provider.chat(str(served.outputs["model_id"]), CHAT.data[7]["messages"][:1]))
    assert told[-1].finish_reason == "stop"
    if rows is not TASKS:
        assert "".join(piece.text for piece in told) == CHAT.data[7]["messages"][1]["content"]
    assert provider.handlers["tuning_job"].read(job) == job
    assert any(
        event.data.get("train_loss") for event in provider.handlers["tuning_job"].events(job)
    )
    handler.delete(served)
    provider.handlers["tuning_job"].delete(job)
    provider.handlers["upload"].delete(file)
    assert [f for f in server.client.files.list() if f.purpose == "fine-tune"] == []
    assert handler.read(served) is None or profile != "nebius"


def test_an_azure_model_is_named_after_its_job(standing_in):
    provider, _ = standing_in("azure")
    _, job = trained(provider, CHAT, method={"type": "supervised", "epochs": 1})
    number = job.id.removeprefix("ftjob-")
    assert job.outputs["model_id"] == f"gpt-4.1-mini-2025-04-14.ft-{number}"


def refused(server, **body):
    file = server.client.files.create(
        file=("a.jsonl", "".join(json.dumps(row) + "\n" for row in CHAT.data).encode()),
        purpose="fine-tune",
    )
    import openai

    with pytest.raises(openai.BadRequestError) as caught:
        server.client.fine_tuning.jobs.create(
            model="gpt-4.1-mini-2025-04-14", training_file=file.id, **body
        )
    return caught.value


@pytest.mark.parametrize(
    ("profile", "body", "param"),
    [
        ("azure", {"suffix": "v1.2"}, "suffix"),
        ("azure", {"extra_body": {"trainingType": "Cheap"}}, "trainingType"),
        ("bedrock-mantle", {}, "method.type"),
        ("nebius", {"method": {"type": "dpo", "dpo": {}}}, "method.type"),
        ("openai", {"extra_body": {"trainingType": "Standard"}}, "trainingType"),
        (
            "openai",
            {"method": {"type": "reinforcement", "reinforcement": {}}},
            "method.reinforcement.grader",
        ),
        (
            "openai",
            {"method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 3}}}},
            "method.dpo.hyperparameters.beta",
        ),
        ("openai", {"hyperparameters": {"lora": True}}, "hyperparameters.lora"),
    ],
)
def test_what_the_service_refuses_is_refused(standing_in, profile, body, param):
    _, server = standing_in(profile)
    assert refused(server, **body).param == param


def test_a_file_without_its_byte_order_mark_fails_the_job(standing_in):
    provider, _ = standing_in("azure")
    provider = type(provider)(
        provider.wire, provider.identity, {**provider.handlers, **plain_handlers(provider)}
    )
    _, job = trained(provider, CHAT)
    assert job.status is Status.FAILED
    assert "byte order mark" in job.reason


def plain_handlers(provider):
    from dataclasses import replace

    profile = replace(provider.wire.profile, byte_order_mark=False)
    wire = replace(provider.wire, profile=profile)
    return {"upload": replace(provider.handlers["upload"], wire=wire)}


@pytest.mark.parametrize(
    ("rows", "method", "words"),
    [
        (CHAT, {"type": "dpo"}, "must have the keys input"),
        (PAIRS, {"type": "supervised"}, "unexpected key"),
        (CHAT, {"type": "reinforcement", "grader": CHECK}, "nothing to answer"),
    ],
)
def test_rows_of_another_method_fail_the_job_with_their_number(standing_in, rows, method, words):
    provider, _ = standing_in("openai")
    _, job = trained(provider, rows, method=method)
    assert job.status is Status.FAILED
    assert "Example 1 " in job.reason
    assert words in job.reason


def test_our_own_server_trains_supervised_only(server):
    error = refused(server, method={"type": "dpo", "dpo": {}})
    assert "know 'supervised' only" in error.message


def test_real_training_has_no_other_manners(tmp_path, capsys):
    assert main(["--root", str(tmp_path), "--profile", "azure", "--trainer", "lora"]) == 1
    assert "--trainer simulated" in capsys.readouterr().err


def test_a_registered_model_needs_a_checkpoint_that_is_there(standing_in):
    provider, _ = standing_in("nebius")
    _, job = trained(provider, CHAT, method={"type": "supervised", "epochs": 1})
    handler = provider.handlers["endpoint"]
    with pytest.raises(InvalidRequestError, match="invalid source"):
        handler.create(request_for(*endpoint_resource("p", f"{job.id}:ftckpt_0")))
