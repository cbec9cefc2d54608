"""Stable names for models: moved in one step, never taken from somebody else."""

import openai
import pytest


def put(server, name, model, lineage=None):
    metadata = {} if lineage is None else {"tunectl-lineage": lineage}
    return server.http(
        "PUT", f"/tunectl/aliases/{name}", json={"model": model, "metadata": metadata}
    )


def test_an_alias_answers_with_the_model_behind_it_and_moves(server, tuned):
    other = server.trained()
    status, alias = put(server, "support", tuned.fine_tuned_model, "l1")
    assert (status, alias["model"]) == (200, tuned.fine_tuned_model)
    assert server.say("support", "?").model == tuned.fine_tuned_model
    listed = {model.id: model.owned_by for model in server.client.models.list()}
    assert listed["support"] == "tunectl-alias"
    assert server.client.models.retrieve("support").owned_by == "tunectl-alias"
    created = alias["created_at"]
    status, alias = put(server, "support", other.fine_tuned_model, "l1")
    assert (status, alias["created_at"]) == (200, created)
    assert server.say("support", "?").model == other.fine_tuned_model
    assert server.http("GET", "/tunectl/aliases/support")[1]["model"] == other.fine_tuned_model
    with pytest.raises(openai.PermissionDeniedError):
        server.client.models.delete("support")
    assert server.http("DELETE", "/tunectl/aliases/support")[1]["deleted"]
    with pytest.raises(openai.NotFoundError):
        server.say("support", "?")


@pytest.mark.parametrize(("before", "after"), [("l1", "l2"), ("l1", None), (None, "l2")])
def test_an_alias_of_another_lineage_is_left_alone(server, tuned, before, after):
    name = f"owned-{before}-{after}"
    assert put(server, name, tuned.fine_tuned_model, before)[0] == 200
    status, body = put(server, name, "simulated-1", after)
    assert (status, body["error"]["code"]) == (409, "alias_conflict")
    assert server.say(name, "?").model == tuned.fine_tuned_model


def test_only_one_of_many_lineages_gets_a_new_name(server, together):
    results = together(lambda index: put(server, "contested", "simulated-1", f"l{index}")[0])
    assert sorted(results) == [200] + [409] * 7


@pytest.mark.parametrize("name", ['support["pl"]', "обслуживание", "a b.c-d", "kind.name"])
def test_names_may_be_as_users_write_them(server, name):
    assert put(server, name, "simulated-1")[0] == 200
    assert server.say(name, "?").model == "simulated-1"
    assert name in [alias["name"] for alias in server.http("GET", "/tunectl/aliases")[1]["data"]]


@pytest.mark.parametrize(
    ("name", "model", "status"),
    [
        ("ft:x", "simulated-1", 400),
        ("a" * 201, "simulated-1", 400),
        ("simulated-1", "smollm2-135m-instruct", 400),
        ("fine", "nope", 404),
        ("fine", "", 400),
    ],
)
def test_a_bad_alias_is_refused(server, name, model, status):
    assert put(server, name, model)[0] == status


def test_an_alias_of_an_alias_is_refused(server):
    put(server, "first", "simulated-1")
    assert put(server, "second", "first")[0] == 400


def test_a_job_for_an_alias_names_the_snapshot_behind_it(server):
    put(server, "gpt-4o-mini", "gpt-4o-mini-2024-07-18")
    job = server.trained(model="gpt-4o-mini")
    assert job.model == "gpt-4o-mini-2024-07-18"
    assert job.fine_tuned_model.startswith("ft:gpt-4o-mini-2024-07-18:")
