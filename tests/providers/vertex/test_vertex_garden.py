"""Open models: deployed by Model Garden, found again, marked, moved, told apart, taken away."""

from dataclasses import replace

import pytest
from google.cloud import aiplatform_v1, aiplatform_v1beta1
from google.protobuf.json_format import ParseDict

from tests.contracts.handler_contract import new_op, settled
from tests.providers.vertex.dedicated import GEMMA, QWEN, open_request
from tests.providers.vertex.test_vertex_endpoints import moved, there
from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.core.resource import Status
from tunectl.providers.vertex.deployment import name_of
from tunectl.providers.vertex.garden import asked, deploying
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.world import Fault

WEIGHTS = "gs://acme-tuning/tuned/checkpoints/final"


@pytest.fixture
def endpoints(provider):
    return provider.handlers["endpoint"]


@pytest.fixture(params=[False, True], ids=["shown late", "shown early"])
def either(request, clouds):
    """The service may show what it makes at the beginning of a deployment, or at its end."""
    clouds.vertex.ledger.behaviour = Behaviour(concurrent=10, garden_shows_early=request.param)
    return request.param


def copies(clouds):
    return [name.rpartition("/")[2] for name in clouds.vertex.ledger.models]


def deploys(clouds):
    return sum(call.endswith(":deploy") or ":deployModel" in call for call in clouds.calls())


# what is asked


@pytest.mark.parametrize(
    ("model", "field", "name"),
    [
        (GEMMA, "publisherModelName", "publishers/google/models/gemma3@gemma-3-1b-it"),
        (
            "publishers/qwen/models/qwen3@qwen3-8b",
            "publisherModelName",
            "publishers/qwen/models/qwen3@qwen3-8b",
        ),
        ("Qwen/Qwen3-8B", "huggingFaceModelId", "qwen/qwen3-8b"),
        (WEIGHTS, "customModel", {"gcsUri": WEIGHTS}),
    ],
)
def test_a_request_is_one_that_google_s_own_types_take(provider, model, field, name):
    request = open_request(model, replicas={"min": 1, "max": 2}, autoscaling={"gpu": 60})
    body = asked(provider.cloud, request)
    assert body[field] == name
    types = {"customModel": aiplatform_v1beta1}.get(field, aiplatform_v1).DeployRequest
    taken = types.wrap(ParseDict(body, types.pb(types())))
    assert taken.model_config.model_user_id == f"tunectl-{request.mark.op}"
    assert taken.endpoint_config.endpoint_user_id == f"tunectl-{request.mark.op}"
    assert taken.model_config.accept_eula is True
    resources = taken.deploy_config.dedicated_resources
    assert resources.machine_spec.accelerator_type.name == "NVIDIA_L4"
    assert (resources.min_replica_count, resources.max_replica_count) == (1, 2)
    assert resources.autoscaling_metric_specs[0].target == 60


def test_a_licence_that_nobody_accepted_is_not_accepted(clouds, endpoints):
    request = open_request(GEMMA, accept_eula=False)
    with pytest.raises(InvalidRequestError) as refused:
        endpoints.create(request)
    [told] = refused.value.diagnostics
    assert told.summary == (
        f"the licence of `{GEMMA}` is not accepted, and Model Garden deploys it only then"
    )
    assert told.hint.startswith("read it (https://console.cloud.google.com/vertex-ai/publishers/")
    assert told.hint.endswith("/gemma3), then write `accept_eula: true` at the endpoint")
    assert "EULA" in told.detail, "the service's own words"
    assert clouds.left() == []


def test_a_model_that_hugging_face_gives_to_few_is_refused_with_the_way_to_it(endpoints):
    with pytest.raises(InvalidRequestError) as caught:
        endpoints.create(open_request("meta-llama/Llama-3.1-8B-Instruct"))
    assert "`hugging_face_token_env: HF_TOKEN`" in caught.value.diagnostics[0].hint


def test_what_is_no_open_model_is_told_with_the_forms_that_are(endpoints):
    with pytest.raises(InvalidRequestError, match="is no open model") as refused:
        endpoints.create(open_request("gemini-3.5-flash"))
    assert "google/gemma3@gemma-3-1b-it" in refused.value.diagnostics[0].hint


def test_a_token_of_hugging_face_comes_from_its_variable(clouds, monkeypatch):
    provider = clouds.connect(hugging_face_token_env="HUB")
    endpoints = provider.handlers["endpoint"]
    with pytest.raises(CredentialsError, match="`HUB` of provider"):
        endpoints.create(open_request("meta-llama/Llama-3.2-1B-Instruct"))
    monkeypatch.setenv("HUB", "hf_geheim")
    made = settled(endpoints, endpoints.create(open_request("meta-llama/Llama-3.2-1B-Instruct")))
    assert made.status is Status.READY
    assert "hf_geheim" not in repr(made)
    assert "hf_geheim" not in repr(provider)


# a life


def test_an_open_model_serves_on_the_declared_machines_and_carries_our_mark(clouds, endpoints):
    request = open_request(replicas={"min": 1, "max": 3}, spot=True)
    made = settled(endpoints, endpoints.create(request))
    assert made.status is Status.READY
    assert endpoints.mark(made) == request.mark
    [put] = there(clouds, made)["deployedModels"]
    assert put["dedicatedResources"]["machineSpec"]["machineType"] == "g2-standard-12"
    assert put["dedicatedResources"]["spot"] is True
    [copy] = clouds.vertex.ledger.models.values()
    assert copy.versions[0]["labels"]["tunectl-op"] == request.mark.op
    assert copy.versions[0]["description"].endswith(f" serves {GEMMA}")
    assert made.outputs.keys() == {"model_id", "base_url", "invoke"}
    assert deploys(clouds) == 1


def test_weights_of_one_s_own_are_deployed_by_the_newer_route(clouds, endpoints):
    made = settled(endpoints, endpoints.create(open_request(WEIGHTS)))
    assert made.status is Status.READY
    assert any("/v1beta1/" in call and call.endswith(":deploy") for call in clouds.calls())


def test_it_answers_a_chat(clouds, provider, endpoints):
    made = settled(endpoints, endpoints.create(open_request()))
    pieces = list(provider.chat(made.id, [{"role": "user", "content": "Cześć"}], max_tokens=50))
    assert "".join(one.text for one in pieces).endswith("Cześć")
    assert pieces[-1].finish_reason == "stop"


@pytest.mark.parametrize("looks", [0, 1, 2, 3])
def test_a_killed_apply_goes_on_from_what_the_state_knew(clouds, endpoints, either, looks):
    request = open_request()
    recorded = endpoints.create(request)
    seen = recorded
    for _ in range(looks):
        seen = endpoints.poll(seen)
    ready = settled(endpoints, recorded)
    assert ready.status is Status.READY
    assert endpoints.mark(ready) == request.mark
    assert deploys(clouds) == 1


@pytest.mark.parametrize("after", [True, False])
def test_a_lost_answer_deploys_once(clouds, endpoints, either, after):
    request = open_request()
    clouds.world.operation_seconds = 20.0
    clouds.world.faults.append(Fault("lost", method="POST", path=":deploy$", after=after))
    with pytest.raises(UnknownOutcomeError):
        endpoints.create(request)
    if after and not either:
        # The operation runs, and does not say whose it is.
        with pytest.raises(UnknownOutcomeError, match="does not say for whom"):
            list(endpoints.find(request.mark))
        clouds.world.pass_time(30)
    found = list(endpoints.find(request.mark))
    assert len(found) == after
    for one in found:
        ready = settled(endpoints, replace(one, spec=dict(request.spec)))
        assert ready.status is Status.READY
        assert endpoints.mark(ready) == request.mark
        assert [i.id for i in endpoints.find(request.mark)] == [ready.id]
    assert deploys(clouds) == 1


def test_somebody_else_s_deployment_is_waited_for_and_not_taken(clouds, endpoints):
    clouds.world.operation_seconds = 20.0
    endpoints.create(open_request(QWEN))
    request = open_request()
    with pytest.raises(UnknownOutcomeError):
        list(endpoints.find(request.mark))
    clouds.world.pass_time(30)
    assert list(endpoints.find(request.mark)) == []


@pytest.mark.parametrize("path", ["/models/tunectl-", "/endpoints/tunectl-"])
@pytest.mark.parametrize("after", [True, False])
def test_marks_that_did_not_arrive_are_put_on_by_the_next_look(clouds, endpoints, path, after):
    request = open_request()
    pending = endpoints.create(request)
    clouds.world.pass_time(30)
    clouds.world.faults.append(Fault("lost", method="PATCH", path=path, after=after))
    with pytest.raises(UnknownOutcomeError):
        settled(endpoints, pending)
    ready = settled(endpoints, pending)
    assert endpoints.mark(ready) == request.mark
    assert endpoints.read(ready).op == request.mark.op


def test_looking_at_one_that_is_being_made_begins_nothing(clouds, endpoints, either):
    clouds.world.operation_seconds = 60.0
    pending = endpoints.create(open_request())
    mark = len(clouds.world.calls)
    for one in (pending, replace(pending, outputs={})):
        now = endpoints.read(one)
        assert now.status is Status.PENDING
        assert "15 to 30 minutes" in now.progress
    assert {call.partition(" ")[0] for call in clouds.calls(mark)} == {"GET"}


def test_a_deployment_that_fails_says_why_and_leaves_nothing_when_deleted(
    clouds, endpoints, either
):
    clouds.vertex.fail("DeployOperationMetadata", "RESOURCE_EXHAUSTED", "no L4 in europe-west4")
    made = settled(endpoints, endpoints.create(open_request()))
    assert made.status is Status.FAILED
    assert "no L4" in made.reason
    assert endpoints.read(made) == made, "it stays as it is until somebody acts"
    endpoints.delete(made)
    assert clouds.left() == []


def test_a_licence_that_is_asked_for_late_is_told_with_the_way_out(clouds, endpoints):
    words = "The EULA of the model was not accepted"
    clouds.vertex.fail("DeployOperationMetadata", "FAILED_PRECONDITION", words)
    made = settled(endpoints, endpoints.create(open_request()))
    assert made.reason.startswith(f"the licence of `{GEMMA}` is not accepted")
    assert "then write `accept_eula: true` at the endpoint" in made.reason
    assert words in made.reason


# changes


def test_replicas_change_in_place(clouds, endpoints):
    request = open_request()
    made = settled(endpoints, endpoints.create(request))
    more = {"min": 2, "max": 4}
    done = settled(endpoints, endpoints.update(moved(request, made, replicas=more)))
    [put] = there(clouds, done)["deployedModels"]
    resources = put["dedicatedResources"]
    assert (resources["minReplicaCount"], resources["maxReplicaCount"]) == (2, 4)
    assert endpoints.read(done).spec == done.spec
    assert deploys(clouds) == 1


def test_other_machines_serve_beside_and_then_instead_of_the_first(clouds, endpoints):
    request = open_request()
    made = settled(endpoints, endpoints.create(request))
    bigger = {"machine_type": "g2-standard-24", "accelerator": {"type": "NVIDIA_L4", "count": 2}}
    now = endpoints.update(moved(request, made, **bigger))
    seen = []
    while now.status is Status.PENDING:
        seen.append(sum(there(clouds, now)["trafficSplit"].values()))
        now = endpoints.poll(now)
    assert set(seen) == {100}, "somebody always answers"
    [put] = there(clouds, now)["deployedModels"]
    assert put["dedicatedResources"]["machineSpec"]["machineType"] == "g2-standard-24"
    assert (now.id, now.outputs) == (made.id, made.outputs)
    assert dict(endpoints.read(now).spec) == dict(now.spec)
    endpoints.delete(now)
    assert clouds.left() == []


def test_what_somebody_undeployed_by_hand_is_drift_and_is_put_on_again(clouds, endpoints):
    request = open_request()
    made = settled(endpoints, endpoints.create(request))
    kept = there(clouds, made)
    kept["deployedModels"], kept["trafficSplit"] = [], {}
    seen = endpoints.read(made)
    assert (seen.spec["machine_type"], seen.spec["model"]) == ("", GEMMA)
    [listed] = endpoints.list()
    assert {**made.spec, **listed.instance.spec} == dict(seen.spec)
    healed = settled(endpoints, endpoints.update(moved(request, seen)))
    assert dict(endpoints.read(healed).spec) == dict(request.spec)


def test_replicas_that_somebody_changed_are_drift(clouds, endpoints):
    made = settled(endpoints, endpoints.create(open_request()))
    there(clouds, made)["deployedModels"][0]["dedicatedResources"]["maxReplicaCount"] = 9
    assert endpoints.read(made).spec["replicas"] == {"min": 1, "max": 9}


def test_a_description_that_somebody_wrote_over_is_no_other_model(clouds, endpoints):
    made = settled(endpoints, endpoints.create(open_request()))
    there(clouds, made)["description"] = "nie ruszać"
    [listed] = endpoints.list()
    assert {**made.spec, **listed.instance.spec} == dict(made.spec)


def test_a_canary_of_other_machines_shares_the_traffic(clouds, endpoints):
    request = open_request()
    made = settled(endpoints, endpoints.create(request))
    bigger = {"machine_type": "g2-standard-24", "accelerator": {"type": "NVIDIA_L4", "count": 2}}
    half = moved(request, made, **bigger, canary=10)
    trying = settled(endpoints, endpoints.update(half))
    assert sorted(there(clouds, trying)["trafficSplit"].values()) == [10, 90]
    assert dict(endpoints.read(trying).spec) == dict(half.spec)
    back = settled(endpoints, endpoints.update(moved(request, trying)))
    [put] = there(clouds, back)["deployedModels"]
    assert put["dedicatedResources"]["machineSpec"]["machineType"] == "g2-standard-12"


def test_what_model_garden_made_for_others_is_imported_as_a_registered_model(
    clouds, provider, endpoints
):
    body = asked(provider.cloud, open_request())
    theirs = {**body, "modelConfig": {"acceptEula": True}, "endpointConfig": {}}
    provider.cloud.post_json("europe-west4", f"v1/{provider.cloud.parent}:deploy", theirs)
    clouds.world.pass_time(10)
    [listed] = endpoints.list()
    known = replace(listed.instance, spec={}, outputs={})
    seen = endpoints.read(known)
    assert listed.mark is None
    assert seen.spec["hosting"] == "dedicated"
    [model] = clouds.vertex.ledger.models
    assert seen.spec["model"] == f"{model}@1"
    endpoints.delete(seen)
    assert clouds.left() == [f"model {model}"], "it is theirs"


def test_an_endpoint_with_a_host_of_its_own_is_asked_there(provider):
    own = "7.europe-west4-42.prediction.vertexai.goog"
    cloud = replace(provider.cloud, endpoint=None)
    assert cloud.answering_url("europe-west4", own) == f"https://{own}"
    assert cloud.answering_url("europe-west4", "").startswith("https://europe-west4-aiplatform.")
    assert provider.cloud.answering_url("europe-west4", own) == provider.cloud.endpoint


def test_open_models_are_listed_with_their_publishers(provider):
    found = {one.id: one.owned_by for one in provider.models()}
    assert found["meta/llama3_1@llama-3.1-8b-instruct"] == "meta"


# the end


def test_everything_goes_in_an_order_that_the_service_takes(clouds, endpoints):
    made = settled(endpoints, endpoints.create(open_request()))
    mark = len(clouds.world.calls)
    endpoints.delete(made)
    assert clouds.left() == []
    told = [call for call in clouds.calls(mark) if not call.startswith("GET")]
    tried = list(dict.fromkeys(call.partition("/locations/")[2].split("/")[1] for call in told))
    assert told[0].endswith(":undeployModel")
    assert tried == ["endpoints", "models"]
    assert endpoints.read(made) is None


def test_deleting_one_that_is_being_made_waits_for_it(clouds, endpoints, either):
    pending = endpoints.create(open_request())
    endpoints.delete(pending)
    assert clouds.left() == []


def test_deleting_while_nobody_knows_whose_deployment_runs_is_for_later(clouds, endpoints):
    clouds.world.operation_seconds = 60.0
    pending = endpoints.create(open_request())
    forgotten = replace(pending, outputs={})
    with pytest.raises(ConflictError, match=r"perhaps `endpoint\.support`"):
        endpoints.delete(forgotten)
    clouds.world.pass_time(60)
    clouds.world.operation_seconds = 0.4
    endpoints.delete(forgotten)
    assert clouds.left() == []


def test_one_that_never_was_cannot_be_polled(provider, endpoints):
    made = settled(endpoints, endpoints.create(open_request()))
    nobody = replace(made, id=name_of(provider.cloud, new_op()), status=Status.PENDING)
    assert endpoints.read(nobody) is None
    with pytest.raises(NotFoundError):
        endpoints.poll(nobody)


def test_operations_are_read_page_by_page(clouds, provider, endpoints):
    clouds.world.operation_seconds = 600.0
    pending = endpoints.create(open_request())
    kept = clouds.vertex.ledger.operations
    [(name, ours)] = kept.items()
    for n in range(250):
        other = f"{name}{n:03}"
        kept[other] = replace(ours, name=other, kind="CreateEndpointOperationMetadata", about={})
    assert [one.rpartition("/")[2] for one in deploying(provider.cloud)] == [
        str(pending.outputs["operation"]).rpartition("/")[2]
    ]
    assert sum(call.endswith("/operations") for call in clouds.calls()) == 3


# the sweep

WRITES = ("deploy", "label copy", "label endpoint", "scale", "undeploy", "delete", "delete copy")


def insisting(call, tries=6):
    """Make a call as one apply after the other does."""
    for _ in range(tries - 1):
        try:
            return call()
        except (UnknownOutcomeError, UnavailableError, ConflictError):
            continue
    return call()


def created(clouds, endpoints, request):
    """Create as the engine does: what may have taken effect is looked for first."""
    try:
        return endpoints.create(request)
    except UnknownOutcomeError:
        clouds.world.pass_time(10)
        found = [replace(one, spec=dict(request.spec)) for one in endpoints.find(request.mark)]
        return found[0] if found else endpoints.create(open_request())


@pytest.mark.parametrize("after", [True, False], ids=["took effect", "did not"])
@pytest.mark.parametrize("lost", range(len(WRITES)), ids=WRITES)
def test_whatever_answer_is_lost_one_thing_is_made_and_all_of_it_goes(
    clouds, endpoints, lost, after
):
    fault = Fault("lost", after=after, skip=lost, where=lambda asked: asked.method != "GET")
    clouds.world.faults.append(fault)
    request = open_request()
    pending = created(clouds, endpoints, request)
    ready = insisting(lambda: settled(endpoints, pending))
    assert len(clouds.vertex.ledger.endpoints) == len(clouds.vertex.ledger.models) == 1
    assert endpoints.mark(ready).op == ready.op
    more = moved(request, ready, replicas={"min": 2, "max": 2})
    done = insisting(lambda: settled(endpoints, endpoints.update(more)))
    assert endpoints.read(done).spec["replicas"] == {"min": 2, "max": 2}
    insisting(lambda: endpoints.delete(done))
    assert clouds.left() == []
    assert fault.times == 0, "it struck"
