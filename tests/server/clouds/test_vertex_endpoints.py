"""Endpoints, models and operations of the Vertex wire, driven by Google's generated clients."""

from __future__ import annotations

import pytest
from google.api_core import exceptions
from google.protobuf import field_mask_pb2

from tests.server.clouds.vertex_world import PARENT, cloud, done
from tunectl.server.clouds.vertex.ledger import Behaviour
from tunectl.server.clouds.world import Fault

L4 = {"machine_type": "g2-standard-12", "accelerator_type": "NVIDIA_L4", "accelerator_count": 1}
DEDICATED = {"machine_spec": L4, "min_replica_count": 1, "max_replica_count": 2}


@pytest.fixture
def vertex():
    with cloud() as running:
        yield running


@pytest.fixture
def own_model(vertex):
    """A model of one's own, which needs machines."""
    return uploaded(vertex)


def uploaded(vertex, name="własny"):
    container = {"image_uri": "europe-docker.pkg.dev/acme/serve:1"}
    model = {"display_name": name, "container_spec": container, "artifact_uri": "gs://acme/m"}
    return done(vertex.models.upload_model(parent=PARENT, model=model)).model


@pytest.fixture
def endpoint(vertex):
    """An endpoint with nothing on it."""
    body = {"display_name": "pomoc", "labels": {"tunectl": "1"}}
    return done(vertex.endpoints.create_endpoint(parent=PARENT, endpoint=body)).name


def deploy(vertex, endpoint, model, split=None, **more):
    deployed = {"model": model, "dedicated_resources": DEDICATED, **more}
    deployed = {key: value for key, value in deployed.items() if value is not None}
    request = {"endpoint": endpoint, "deployed_model": deployed, "traffic_split": split or {}}
    return done(vertex.endpoints.deploy_model(request=request)).deployed_model


def undeploy(vertex, endpoint, id_, split=None):
    request = {"endpoint": endpoint, "deployed_model_id": id_, "traffic_split": split or {}}
    return done(vertex.endpoints.undeploy_model(request=request))


def split_of(vertex, endpoint):
    return dict(vertex.endpoints.get_endpoint(name=endpoint).traffic_split)


def test_an_endpoint_is_made_shown_found_changed_and_deleted(vertex, endpoint):
    shown = vertex.endpoints.get_endpoint(name=endpoint)
    assert (shown.display_name, dict(shown.labels)) == ("pomoc", {"tunectl": "1"})
    for text in ("labels.tunectl=1", 'display_name="pomoc"', 'displayName="pomoc"'):
        found = vertex.endpoints.list_endpoints(request={"parent": PARENT, "filter": text})
        assert [each.name for each in found] == [endpoint]
    changed = vertex.endpoints.update_endpoint(
        endpoint={"name": endpoint, "display_name": "nowy", "labels": {"a": "b"}},
        update_mask=field_mask_pb2.FieldMask(paths=["display_name"]),
    )
    assert (changed.display_name, dict(changed.labels)) == ("nowy", {"tunectl": "1"})
    assert changed.etag != shown.etag
    done(vertex.endpoints.delete_endpoint(name=endpoint))
    with pytest.raises(exceptions.NotFound, match="does not exist"):
        vertex.endpoints.get_endpoint(name=endpoint)


def test_an_endpoint_can_be_named_once(vertex):
    request = {"parent": PARENT, "endpoint": {"display_name": "a"}, "endpoint_id": "12345"}
    made = done(vertex.endpoints.create_endpoint(request=request))
    assert made.name.endswith("/endpoints/12345")
    with pytest.raises(exceptions.Conflict):
        vertex.endpoints.create_endpoint(request=request)
    with pytest.raises(exceptions.BadRequest, match="Invalid endpoint id"):
        vertex.endpoints.create_endpoint(request={**request, "endpoint_id": "Za długi"})


def test_nothing_is_made_before_its_operation_is_done(vertex):
    body = {"display_name": "a"}
    operation = vertex.endpoints.create_endpoint(parent=PARENT, endpoint=body).operation
    assert not operation.done
    assert list(vertex.endpoints.list_endpoints(parent=PARENT)) == []
    vertex.world.pass_time(1)
    again = vertex.endpoints.get_operation({"name": operation.name})
    assert again.done
    assert again.response.type_url.endswith("aiplatform.v1.Endpoint")


def test_an_operation_can_be_waited_for_listed_and_cancelled(vertex):
    made = vertex.endpoints.create_endpoint(parent=PARENT, endpoint={"display_name": "a"})
    name = made.operation.name
    assert vertex.rest("POST", f"v1/{name}:wait")[0] == 200
    listed = vertex.rest("GET", f"v1/{name.rpartition('/')[0]}")[1]
    assert [each["name"] for each in listed["operations"]] == [name]
    assert vertex.rest("POST", f"v1/{name}:cancel") == (200, {})
    vertex.world.pass_time(5)
    said = vertex.rest("GET", f"v1/{name}")[1]
    assert (said["done"], said["error"]["code"]) == (True, 1)
    assert vertex.left() == []


def test_an_unknown_operation_is_not_found(vertex):
    with pytest.raises(exceptions.NotFound):
        vertex.endpoints.get_operation({"name": f"{PARENT}/endpoints/1/operations/2"})


def test_an_operation_through_v1beta1_speaks_of_v1beta1(vertex):
    client = vertex.client("EndpointServiceClient", "v1beta1")
    made = client.create_endpoint(parent=PARENT, endpoint={"display_name": "b"})
    assert done(made).display_name == "b"


def test_a_dedicated_deployment_bills_until_it_is_gone(vertex, endpoint, own_model):
    deployed = deploy(vertex, endpoint, own_model, {"0": 100})
    (left,) = [left for left in vertex.vertex.left() if left.kind == "endpoint"]
    assert left.bills == (
        "1 × g2-standard-12 with 1 NVIDIA_L4 by the node-hour, also without traffic"
    )
    assert deployed.dedicated_resources.machine_spec.accelerator_type.name == "NVIDIA_L4"
    undeploy(vertex, endpoint, deployed.id)
    assert {left.bills for left in vertex.vertex.left()} == {""}


def test_an_endpoint_with_a_deployment_cannot_be_deleted(vertex, endpoint, own_model):
    deployed = deploy(vertex, endpoint, own_model, {"0": 100})
    with pytest.raises(exceptions.BadRequest, match="has deployed or being-deployed"):
        vertex.endpoints.delete_endpoint(name=endpoint)
    undeploy(vertex, endpoint, deployed.id)
    done(vertex.endpoints.delete_endpoint(name=endpoint))


def test_an_endpoint_cannot_be_deleted_while_something_is_being_deployed(
    vertex, endpoint, own_model
):
    deployed = {"model": own_model, "dedicated_resources": DEDICATED}
    vertex.endpoints.deploy_model(endpoint=endpoint, deployed_model=deployed)
    status, said = vertex.rest("DELETE", f"v1/{endpoint}")
    assert (status, said["error"]["status"]) == (400, "FAILED_PRECONDITION")


def test_a_model_cannot_be_deleted_while_it_is_deployed_nor_just_after(vertex, endpoint, own_model):
    deployed = deploy(vertex, endpoint, own_model)
    with pytest.raises(exceptions.BadRequest, match=f"Endpoint\\(s\\): {endpoint}"):
        vertex.models.delete_model(name=own_model)
    undeploy(vertex, endpoint, deployed.id)
    with pytest.raises(exceptions.BadRequest, match="deployed or being deployed"):
        vertex.models.delete_model(name=own_model)
    vertex.world.pass_time(vertex.world.operation_seconds)
    done(vertex.models.delete_model(name=own_model))
    assert vertex.left() == [("endpoint", endpoint)]


def test_the_lag_after_an_undeployment_can_be_long_or_none():
    with cloud(Behaviour(lag_seconds=0)) as vertex:
        body = {"display_name": "a"}
        endpoint = done(vertex.endpoints.create_endpoint(parent=PARENT, endpoint=body)).name
        model = uploaded(vertex)
        undeploy(vertex, endpoint, deploy(vertex, endpoint, model).id)
        done(vertex.models.delete_model(name=model))


def test_without_a_split_a_new_deployment_gets_no_traffic(vertex, endpoint, own_model):
    deploy(vertex, endpoint, own_model)
    assert split_of(vertex, endpoint) == {}


def test_traffic_moves_from_blue_to_green(vertex, endpoint, own_model):
    blue = deploy(vertex, endpoint, own_model, {"0": 100}).id
    green = deploy(vertex, endpoint, own_model, {blue: 90, "0": 10}).id
    assert split_of(vertex, endpoint) == {blue: 90, green: 10}
    with pytest.raises(exceptions.BadRequest, match="still has traffic"):
        undeploy(vertex, endpoint, blue)
    vertex.endpoints.update_endpoint(
        endpoint={"name": endpoint, "traffic_split": {green: 100}},
        update_mask=field_mask_pb2.FieldMask(paths=["traffic_split"]),
    )
    undeploy(vertex, endpoint, blue)
    assert split_of(vertex, endpoint) == {green: 100}
    undeploy(vertex, endpoint, green)
    assert split_of(vertex, endpoint) == {}


def test_an_undeployment_can_take_the_traffic_away_itself(vertex, endpoint, own_model):
    blue = deploy(vertex, endpoint, own_model, {"0": 100}).id
    green = deploy(vertex, endpoint, own_model, {blue: 100, "0": 0}).id
    undeploy(vertex, endpoint, blue, {green: 100})
    assert split_of(vertex, endpoint) == {green: 100}


@pytest.mark.parametrize("split", [{"0": 50}, {"0": 60, "7": 40}])
def test_a_split_must_add_up_and_name_what_is_there(vertex, endpoint, own_model, split):
    with pytest.raises(exceptions.BadRequest, match=r"100|do not exist"):
        deploy(vertex, endpoint, own_model, split)


@pytest.mark.parametrize(
    ("resources", "said"),
    [
        (None, "'automatic_resources' is not supported"),
        ({"machine_spec": L4}, "min_replica_count"),
        ({"machine_spec": L4, "min_replica_count": 3, "max_replica_count": 2}, "max_replica"),
        (
            {"machine_spec": {"machine_type": "g2-standard-12"}, "min_replica_count": 1},
            "needs an accelerator",
        ),
        (
            {"machine_spec": {**L4, "accelerator_count": 0}, "min_replica_count": 1},
            "set together",
        ),
    ],
)
def test_machines_that_cannot_be_are_refused(vertex, endpoint, own_model, resources, said):
    with pytest.raises(exceptions.BadRequest, match=said):
        deploy(vertex, endpoint, own_model, dedicated_resources=resources)


def test_a_tuned_gemini_takes_no_machines_but_is_deployed_again_without(vertex):
    job = vertex.tuned()
    endpoint = vertex.endpoints.get_endpoint(name=job.tuned_model.endpoint)
    model = job.tuned_model.model
    with pytest.raises(exceptions.BadRequest, match="'dedicated_resources' is not supported"):
        deploy(vertex, endpoint.name, model)
    undeploy(vertex, endpoint.name, endpoint.deployed_models[0].id)
    again = deploy(vertex, endpoint.name, model, {"0": 100}, dedicated_resources=None)
    assert again.checkpoint_id == "3"
    older = deploy(vertex, endpoint.name, model, dedicated_resources=None, checkpoint_id="1")
    assert older.checkpoint_id == "1"
    with pytest.raises(exceptions.NotFound, match="Checkpoint 9"):
        deploy(vertex, endpoint.name, model, dedicated_resources=None, checkpoint_id="9")


def test_only_the_scaling_of_a_deployment_can_be_changed(vertex, endpoint, own_model):
    deployed = deploy(vertex, endpoint, own_model)
    metric = "aiplatform.googleapis.com/prediction/online/accelerator/duty_cycle"
    scaling = {
        "min_replica_count": 2,
        "max_replica_count": 4,
        "autoscaling_metric_specs": [{"metric_name": metric, "target": 70}],
    }
    changed = vertex.endpoints.mutate_deployed_model(
        endpoint=endpoint,
        deployed_model={"id": deployed.id, "dedicated_resources": scaling},
        update_mask=field_mask_pb2.FieldMask(paths=["dedicated_resources.min_replica_count"]),
    )
    resources = done(changed).deployed_model.dedicated_resources
    assert (resources.min_replica_count, resources.max_replica_count) == (2, 4)
    assert resources.autoscaling_metric_specs[0].target == 70
    other = {"machine_spec": {"machine_type": "n1-standard-4"}, "min_replica_count": 1}
    with pytest.raises(exceptions.BadRequest, match="can be changed"):
        vertex.endpoints.mutate_deployed_model(
            endpoint=endpoint,
            deployed_model={"id": deployed.id, "dedicated_resources": other},
            update_mask=field_mask_pb2.FieldMask(paths=["dedicated_resources.machine_spec"]),
        )


def test_a_models_default_checkpoint_can_be_moved(vertex):
    model = vertex.tuned().tuned_model.model
    mask = field_mask_pb2.FieldMask(paths=["default_checkpoint_id"])
    body = {"name": model, "default_checkpoint_id": "1"}
    assert vertex.models.update_model(model=body, update_mask=mask).default_checkpoint_id == "1"
    found = list(vertex.models.list_model_version_checkpoints(name=model))
    assert [each.checkpoint_id for each in found] == ["1", "2", "3"]
    with pytest.raises(exceptions.BadRequest, match="Checkpoint 9"):
        vertex.models.update_model(
            model={"name": model, "default_checkpoint_id": "9"}, update_mask=mask
        )


def test_versions_and_aliases_of_a_model(vertex, own_model):
    container = {"image_uri": "europe-docker.pkg.dev/acme/serve:2"}
    body = {"display_name": "własny", "container_spec": container}
    request = {"parent": PARENT, "parent_model": own_model, "model": body}
    assert done(vertex.models.upload_model(request=request)).model_version_id == "2"
    vertex.models.merge_version_aliases(name=f"{own_model}@1", version_aliases=["stary"])
    assert vertex.models.get_model(name=f"{own_model}@stary").version_id == "1"
    assert vertex.models.get_model(name=own_model).version_id == "2"
    with pytest.raises(exceptions.BadRequest, match="default version"):
        vertex.models.delete_model_version(name=f"{own_model}@2")
    done(vertex.models.delete_model_version(name=f"{own_model}@1"))
    assert [v.version_id for v in vertex.models.list_model_versions(name=own_model)] == ["2"]
    with pytest.raises(exceptions.NotFound):
        vertex.models.get_model(name=f"{own_model}@1")


def test_an_etag_of_yesterday_is_refused(vertex, endpoint):
    path = f"v1/{endpoint}"
    body = {"displayName": "b", "etag": "old"}
    status, said = vertex.rest("PATCH", path, body, updateMask="displayName")
    assert (status, said["error"]["status"]) == (409, "ABORTED")


def test_a_garden_model_gets_a_model_and_an_endpoint_of_its_own(vertex):
    client = vertex.client("ModelGardenServiceClient", "v1beta1")
    request = {
        "publisher_model_name": "publishers/google/models/gemma3@gemma-3-27b-it",
        "destination": PARENT,
        "endpoint_config": {"endpoint_display_name": "gemma", "endpoint_user_id": "moja-gemma"},
        "model_config": {"accept_eula": True, "model_user_id": "moja-gemma"},
        "deploy_config": {"dedicated_resources": DEDICATED},
    }
    made = done(client.deploy(request=request))
    endpoint = vertex.endpoints.get_endpoint(name=made.endpoint)
    assert endpoint.display_name == "gemma"
    assert (made.endpoint[-10:], made.model[-10:]) == ("moja-gemma", "moja-gemma")
    assert endpoint.dedicated_endpoint_dns.endswith(".prediction.vertexai.goog")
    with pytest.raises(exceptions.Conflict):
        client.deploy(request=request)
    assert [each.model for each in endpoint.deployed_models] == [made.model]
    with pytest.raises(exceptions.NotFound):
        client.deploy(request={**request, "publisher_model_name": "publishers/x/models/y@z"})


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"publisher_model_name": "publishers/meta/models/llama3_1@llama-3.1-8b"}, "The EULA"),
        ({"hugging_face_model_id": "meta-llama/llama-3.2-1b"}, "a token is needed"),
        (
            {"hugging_face_model_id": "a/b", "model_config": {"model_user_id": "Ł"}},
            "Invalid modelUserId",
        ),
        (
            {"hugging_face_model_id": "a/b", "endpoint_config": {"endpoint_user_id": "0123"}},
            "Invalid endpointUserId",
        ),
    ],
)
def test_a_garden_model_is_refused_with_the_reason(vertex, more, words):
    client = vertex.client("ModelGardenServiceClient")
    with pytest.raises(exceptions.BadRequest, match=words):
        client.deploy(request={"destination": PARENT, **more})
    assert vertex.left() == []


def test_published_models_are_listed_without_the_retired(vertex):
    client = vertex.client("ModelGardenServiceClient", "v1beta1")
    found = {each.name for each in client.list_publisher_models(parent="publishers/google")}
    assert "publishers/google/models/gemini-3.5-flash" in found
    assert "publishers/google/models/gemini-2.5-flash" not in found
    name = "publishers/google/models/gemini-3.5-flash"
    assert client.get_publisher_model(name=name).launch_stage.name == "GA"
    with pytest.raises(exceptions.NotFound):
        client.get_publisher_model(name="publishers/google/models/gemini-2.5-pro")


def test_a_project_is_told_by_id_and_by_number_and_nobody_elses(vertex):
    number = vertex.vertex.ledger.number
    assert vertex.rest("GET", "v1/projects/acme-ml")[1]["projectNumber"] == str(number)
    assert vertex.rest("GET", f"v3/projects/{number}")[1]["projectId"] == "acme-ml"
    status, said = vertex.rest("GET", "v1/projects/other")
    assert (status, said["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert said["error"]["details"][0]["reason"] == "IAM_PERMISSION_DENIED"


def test_locations_are_listed(vertex):
    found = vertex.rest("GET", "v1/projects/acme-ml/locations")[1]["locations"]
    assert {"us-central1", "europe-west4", "global", "eu"} <= {each["locationId"] for each in found}
    assert vertex.rest("GET", f"v1/{PARENT}")[1]["locationId"] == "us-central1"


def test_a_fault_that_was_ordered_has_googles_shape(vertex):
    vertex.world.faults.append(Fault("status", status=503, method="GET"))
    status, said = vertex.rest("GET", f"v1/{PARENT}/endpoints")
    assert (status, said["error"]["code"], said["error"]["status"]) == (503, 503, "UNAVAILABLE")


def test_a_method_that_is_not_there_is_no_page_of_googles(vertex):
    status, said = vertex.rest("DELETE", f"v1/{PARENT}/tuningJobs/1")
    assert status == 404
    assert "Error 404 (Not Found)" in said


def test_an_operation_can_be_ordered_to_fail_and_leaves_what_was_there(vertex, endpoint, own_model):
    vertex.vertex.fail("DeployModelOperationMetadata", "RESOURCE_EXHAUSTED", "no L4 is free")
    with pytest.raises(exceptions.ResourceExhausted, match="no L4 is free"):
        deploy(vertex, endpoint, own_model)
    assert vertex.left() == [("endpoint", endpoint), ("model", own_model)]
    deploy(vertex, endpoint, own_model)


def test_a_permission_can_be_withheld(vertex):
    vertex.vertex.denied.add("aiplatform.tuningJobs.create")
    with pytest.raises(exceptions.Forbidden, match=r"aiplatform\.tuningJobs\.create"):
        vertex.job()
    assert list(vertex.tuning.list_tuning_jobs(parent=PARENT)) == []
