"""Endpoints: the one a tuned Gemini has by itself, and those with machines of their own."""

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    endpoint_resource,
    new_op,
    request_for,
    settled,
)
from tests.providers.vertex.conftest import NAME
from tests.providers.vertex.dedicated import dedicated_request, dedicated_spec, registered
from tunectl.core.errors import InvalidRequestError, NotFoundError, UnknownOutcomeError
from tunectl.core.resource import Status
from tunectl.core.value import Address, Ref
from tunectl.providers.vertex.deployment import name_of
from tunectl.server.clouds.world import Fault

JOB = Address.of("tuning_job", "support")


@pytest.fixture
def endpoints(provider):
    return provider.handlers["endpoint"]


def recorded(tuned, **more):
    resource, spec = endpoint_resource(NAME, tuned.outputs["model_id"])
    request = request_for(resource, {**spec, **more})
    resource = replace(resource, spec={**request.spec, "model": Ref(JOB, ("model_id",))})
    return replace(request, resource=resource, dependencies={JOB: tuned})


def moved(request, instance, **more):
    mark = replace(request.mark, op=new_op())
    return replace(request, spec={**request.spec, **more}, prior=instance, mark=mark)


def there(clouds, instance):
    """Return the endpoint as the service has it."""
    [found] = [
        kept
        for name, kept in clouds.vertex.ledger.endpoints.items()
        if name.rpartition("/")[2] == instance.id.rpartition("/")[2]
    ]
    return found


def serving(clouds, instance):
    """Return traffic by the model that gets it."""
    kept = there(clouds, instance)
    by_id = {one["id"]: one["model"].rpartition("/")[2] for one in kept["deployedModels"]}
    return {by_id[one]: share for one, share in kept["trafficSplit"].items()}


def id_of(model):
    return model.rpartition("/")[2].partition("@")[0]


# a tuned Gemini


def test_a_tuned_gemini_answers_where_its_job_put_it_and_nothing_is_made(clouds, endpoints, tuned):
    mark = len(clouds.world.calls)
    made = endpoints.create(recorded(tuned))
    assert made.outputs["model_id"] == tuned.outputs["endpoint"]
    assert made.outputs["invoke"].endswith(":generateContent")
    assert {call.partition(" ")[0] for call in clouds.calls(mark)} == {"GET"}
    endpoints.delete(made)
    assert endpoints.read(made) is not None, "it goes with its job"


def test_a_checkpoint_can_be_chosen_by_its_name(endpoints, tuned):
    first = tuned.outputs["checkpoints"]["1"]["endpoint"]
    assert endpoints.create(recorded(tuned, checkpoint="1")).outputs["model_id"] == first
    assert first != tuned.outputs["endpoint"]


def test_a_checkpoint_that_is_none_is_refused_with_those_there_are(endpoints, tuned):
    with pytest.raises(InvalidRequestError) as refused:
        endpoints.create(recorded(tuned, checkpoint="9"))
    assert "`1`, `2`" in refused.value.diagnostics[0].hint


def test_a_model_s_own_name_finds_the_endpoint_and_the_checkpoints(endpoints, tuned):
    resource, spec = endpoint_resource(NAME, tuned.outputs["model"])
    assert (
        endpoints.create(request_for(resource, spec)).outputs["model_id"]
        == tuned.outputs["endpoint"]
    )
    chosen = endpoints.create(request_for(resource, {**spec, "checkpoint": "1"}))
    assert chosen.outputs["model_id"] == tuned.outputs["checkpoints"]["1"]["endpoint"]


def test_a_model_without_an_endpoint_says_what_it_needs(clouds, endpoints):
    resource, spec = endpoint_resource(NAME, registered(clouds, "mistral"))
    with pytest.raises(InvalidRequestError) as refused:
        endpoints.create(request_for(resource, spec))
    assert "`machine_type:`" in refused.value.diagnostics[0].hint


def test_an_endpoint_that_was_deleted_reads_as_gone(provider, endpoints, tuned):
    made = endpoints.create(recorded(tuned))
    provider.handlers["tuning_job"].delete(tuned)
    assert endpoints.read(made) is None


def test_endpoints_of_jobs_are_not_listed_as_endpoints(endpoints, tuned):
    assert tuned.outputs["endpoint"]
    assert list(endpoints.list()) == []


# machines


@pytest.fixture
def models(clouds):
    return registered(clouds, "mistral-pl"), registered(clouds, "mistral-ru")


def test_an_endpoint_has_the_machines_that_were_declared(clouds, endpoints, models):
    request = dedicated_request(
        models[0], replicas={"min": 1, "max": 3}, autoscaling={"gpu": 70}, spot=True
    )
    made = settled(endpoints, endpoints.create(request))
    [put] = there(clouds, made)["deployedModels"]
    resources = put["dedicatedResources"]
    machine = resources["machineSpec"]
    assert (machine["machineType"], machine["acceleratorType"], machine["acceleratorCount"]) == (
        "g2-standard-12",
        "NVIDIA_L4",
        1,
    )
    assert (resources["minReplicaCount"], resources["maxReplicaCount"]) == (1, 3)
    assert resources["autoscalingMetricSpecs"][0]["target"] == 70
    assert resources["spot"] is True
    assert made.outputs["invoke"].endswith(":predict")
    assert endpoints.mark(made) == request.mark
    [bills] = [one.bills for one in clouds.vertex.left() if one.kind == "endpoint"]
    assert "g2-standard-12" in bills


def test_a_create_returns_at_once_and_names_the_operation_it_waits_for(endpoints, models):
    pending = endpoints.create(dedicated_request(models[0]))
    assert pending.status is Status.PENDING
    assert "/operations/" in pending.outputs["operation"]


@pytest.mark.parametrize("after", [True, False])
def test_an_endpoint_whose_answer_was_lost_is_found_by_its_own_id(clouds, endpoints, models, after):
    request = dedicated_request(models[0])
    clouds.world.faults.append(Fault("lost", method="POST", path="/endpoints$", after=after))
    with pytest.raises(UnknownOutcomeError):
        endpoints.create(request)
    clouds.world.pass_time(5)
    found = list(endpoints.find(request.mark))
    assert len(found) == after
    for one in found:
        ready = settled(endpoints, replace(one, spec=dict(request.spec)))
        assert ready.status is Status.READY
        assert serving(clouds, ready) == {id_of(models[0]): 100}


@pytest.mark.parametrize("looks", [1, 2, 3, 4])
def test_a_killed_apply_goes_on_from_what_the_state_knew(clouds, endpoints, models, looks):
    """What a watcher saw is lost with it: the record still holds what `create` returned."""
    recorded_ = endpoints.create(dedicated_request(models[0]))
    seen = recorded_
    for _ in range(looks):
        seen = endpoints.poll(seen)
    ready = settled(endpoints, recorded_)
    assert ready.status is Status.READY
    assert serving(clouds, ready) == {id_of(models[0]): 100}
    assert sum(":deployModel" in call for call in clouds.calls()) == 1


def test_two_who_look_at_once_deploy_once(clouds, endpoints, models):
    pending = endpoints.create(dedicated_request(models[0]))
    clouds.world.pass_time(5)
    clouds.world.operation_seconds = 10.0
    one, two = endpoints.poll(pending), endpoints.poll(pending)
    assert {one.status, two.status} == {Status.PENDING}
    assert settled(endpoints, one).outputs == settled(endpoints, two).outputs
    assert len(there(clouds, one)["deployedModels"]) == 1


def test_a_move_serves_without_a_gap_and_takes_the_old_model_off(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    now = endpoints.update(moved(request, made, model=models[1]))
    seen = []
    while now.status is Status.PENDING:
        seen.append(serving(clouds, now))
        now = endpoints.poll(now)
    assert all(sum(split.values()) == 100 for split in seen), "somebody always answers"
    assert serving(clouds, now) == {id_of(models[1]): 100}
    assert len(there(clouds, now)["deployedModels"]) == 1
    assert (now.id, now.outputs) == (made.id, made.outputs), "callers notice nothing"


def test_the_model_before_stays_for_as_long_as_it_is_held(clouds, endpoints, models):
    request = dedicated_request(models[0], hold=900)
    made = settled(endpoints, endpoints.create(request))
    clouds.world.step = 0.5
    now = endpoints.update(moved(request, made, model=models[1]))
    for _ in range(10):
        now = endpoints.poll(now)
    assert now.progress == "the new model serves; the previous one stays 15 min"
    assert serving(clouds, now)[id_of(models[1])] == 100
    assert len(there(clouds, now)["deployedModels"]) == 2
    clouds.world.pass_time(900)
    done = settled(endpoints, now)
    assert len(there(clouds, done)["deployedModels"]) == 1


def test_a_canary_shares_the_traffic_until_it_is_removed(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    half = moved(request, made, model=models[1], canary=10)
    trying = settled(endpoints, endpoints.update(half))
    assert serving(clouds, trying) == {id_of(models[1]): 10, id_of(models[0]): 90}
    assert dict(endpoints.read(trying).spec) == dict(half.spec)
    whole = moved(request, trying, model=models[1])
    done = settled(endpoints, endpoints.update(whole))
    assert serving(clouds, done) == {id_of(models[1]): 100}
    assert len(there(clouds, done)["deployedModels"]) == 1


def test_a_list_tells_of_many_what_a_look_at_each_would(clouds, endpoints, models):
    """Whatever form of a model's name was declared, and while two models share the traffic."""
    bare = models[0].partition("@")[0]
    by_id = models[0].replace(models[0].split("/")[1], "acme-ml")
    for model in (models[0], bare, by_id):
        request = dedicated_request(model)
        now = settled(endpoints, endpoints.create(request))
        for more in ({}, {"model": models[1], "canary": 10}):
            now = settled(endpoints, endpoints.update(moved(request, now, **more)))
            [listed] = [f.instance for f in endpoints.list() if f.instance.id == now.id]
            assert dict(endpoints.read(now).spec) == dict(now.spec)
            assert {**now.spec, **listed.spec} == dict(now.spec)
        endpoints.delete(now)


def test_what_callers_know_stays_true_while_an_endpoint_moves(endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    moving = endpoints.update(moved(request, made, model=models[1]))
    assert moving.status is Status.PENDING
    assert made.outputs.items() <= moving.outputs.items()


def test_replicas_change_without_another_deployment(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    done = settled(endpoints, endpoints.update(moved(request, made, replicas={"min": 2, "max": 4})))
    [put] = there(clouds, done)["deployedModels"]
    resources = put["dedicatedResources"]
    assert (resources["minReplicaCount"], resources["maxReplicaCount"]) == (2, 4)
    assert sum(":deployModel" in call for call in clouds.calls()) == 1


def test_other_machines_are_another_deployment_on_the_same_endpoint(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    done = settled(
        endpoints,
        endpoints.update(
            moved(
                request,
                made,
                machine_type="g2-standard-24",
                accelerator={"type": "NVIDIA_L4", "count": 2},
            )
        ),
    )
    [put] = there(clouds, done)["deployedModels"]
    assert put["dedicatedResources"]["machineSpec"]["machineType"] == "g2-standard-24"
    assert done.id == made.id


def test_a_deployment_that_fails_says_why(clouds, endpoints, models):
    made = settled(endpoints, endpoints.create(dedicated_request(models[0], accelerator=None)))
    assert made.status is Status.FAILED
    assert "needs an accelerator" in made.reason
    assert endpoints.read(made) == made, "it stays as it is until somebody acts"
    endpoints.delete(made)
    assert [one for one in clouds.left() if one.startswith("endpoint")] == []


def test_a_model_that_is_not_there_is_no_endpoint_that_is_gone(endpoints, models):
    made = settled(
        endpoints, endpoints.create(dedicated_request(f"{models[0].partition('@')[0]}9"))
    )
    assert made.status is Status.FAILED
    assert "The Model does not exist" in made.reason


def test_a_move_that_fails_leaves_the_model_before_serving(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    wrong = moved(request, made, model=models[1], accelerator=None)
    with pytest.raises(InvalidRequestError, match="needs an accelerator"):
        endpoints.update(wrong)
    # As the record says when the operation itself failed, for want of machines.
    failed = replace(made, spec=dict(wrong.spec), status=Status.FAILED, reason="no quota")
    now = endpoints.read(failed)
    assert now.status is Status.READY
    assert now.spec["model"].rpartition("/")[2] == models[0].rpartition("/")[2]


def test_looking_at_one_that_is_being_made_begins_nothing(clouds, endpoints, models):
    pending = endpoints.create(dedicated_request(models[0]))
    clouds.world.pass_time(5)
    mark = len(clouds.world.calls)
    for _ in range(3):
        assert endpoints.read(pending).status is Status.PENDING
    assert {call.partition(" ")[0] for call in clouds.calls(mark)} == {"GET"}
    assert endpoints.read(settled(endpoints, pending)).status is Status.READY


def test_what_somebody_undeployed_by_hand_is_drift(clouds, endpoints, models):
    made = settled(endpoints, endpoints.create(dedicated_request(models[0])))
    kept = there(clouds, made)
    kept["deployedModels"], kept["trafficSplit"] = [], {}
    assert endpoints.read(made).spec["model"] == ""


def test_replicas_that_somebody_changed_are_drift(clouds, endpoints, models):
    made = settled(endpoints, endpoints.create(dedicated_request(models[0])))
    there(clouds, made)["deployedModels"][0]["dedicatedResources"]["maxReplicaCount"] = 9
    assert endpoints.read(made).spec["replicas"] == {"min": 1, "max": 9}


def test_deleting_takes_off_what_shares_the_traffic_too(clouds, endpoints, models):
    request = dedicated_request(models[0])
    made = settled(endpoints, endpoints.create(request))
    trying = settled(endpoints, endpoints.update(moved(request, made, model=models[1], canary=30)))
    endpoints.delete(trying)
    assert [one for one in clouds.left() if one.startswith("endpoint")] == []
    assert endpoints.read(trying) is None


def test_deleting_one_that_is_being_made_waits_for_it(clouds, endpoints, models):
    pending = endpoints.create(dedicated_request(models[0]))
    clouds.world.pass_time(5)
    clouds.world.operation_seconds = 3.0
    pending = endpoints.poll(pending)
    endpoints.delete(pending)
    assert [one for one in clouds.left() if one.startswith("endpoint")] == []


def test_an_endpoint_that_never_was_cannot_be_polled(provider, endpoints, models):
    made = endpoints.create(dedicated_request(models[0]))
    nobody = replace(made, id=name_of(provider.cloud, new_op()), outputs={})
    with pytest.raises(NotFoundError):
        endpoints.poll(nobody)


@pytest.mark.parametrize(
    ("more", "words"),
    [({"checkpoint": "2"}, "checkpoints of a tuned Gemini"), ({"deployment": "x"}, "deployment")],
)
def test_what_does_not_go_together_is_told_before_anything_is_sent(endpoints, more, words):
    resource, _ = endpoint_resource(NAME, "projects/p/locations/l/models/1")
    resource = replace(resource, spec=dedicated_spec("m", **more))
    [found] = endpoints.check(resource)
    assert words in found.summary
