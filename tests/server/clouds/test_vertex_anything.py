"""Whatever is sent, the Vertex wire answers as a service does: it never breaks."""

from __future__ import annotations

import json
from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.server.clouds.test_vertex_jobs import DPO_ROW
from tests.server.clouds.vertex_world import MORNING, PARENT, ROWS
from tunectl.server.clouds.objects import Buckets
from tunectl.server.clouds.vertex import filters, rows
from tunectl.server.clouds.vertex.cloud import Vertex
from tunectl.server.clouds.vertex.refusals import Refused
from tunectl.server.clouds.wire import Asked
from tunectl.server.clouds.world import World

names = st.sampled_from([
    "baseModel", "supervisedTuningSpec", "trainingDatasetUri", "hyperParameters", "epochCount",
    "adapterSize", "labels", "preTunedModel", "tunedModelName", "displayName", "deployedModel",
    "model", "dedicatedResources", "machineSpec", "minReplicaCount", "trafficSplit", "contents",
    "parts", "text", "role", "instances", "messages", "id", "completions", "score", "completion",
    "systemInstruction", "prompt", "modelConfig", "containerSpec", "imageUri", "customModel",
    "versionAliases", "deployedModelId", "generationConfig", "stopSequences", "endpoint",
])  # fmt: skip
plain = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False)
anything = st.recursive(
    plain | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)
ENDPOINT, MACHINE = "endpoints/{endpoint}", "endpoints/{machine}"
METHODS = [
    ("POST", "tuningJobs"), ("POST", "tuningJobs/{job}:cancel"), ("POST", "models:upload"),
    ("PATCH", "models/{model}"), ("POST", "models/{model}@1:mergeVersionAliases"),
    ("POST", "endpoints"), ("PATCH", ENDPOINT), ("POST", ":deploy"),
    ("POST", "publishers/google/models/gemini-3.5-flash:generateContent"),
    ("POST", f"{MACHINE}:predict"), ("POST", f"{MACHINE}:rawPredict"),
    ("POST", f"{MACHINE}:mutateDeployedModel"), ("POST", f"{MACHINE}/chat/completions"),
    *(("POST", f"{ENDPOINT}:{verb}") for verb in (
        "update", "deployModel", "undeployModel", "mutateDeployedModel", "generateContent",
        "streamGenerateContent", "countTokens", "predict", "rawPredict",
    )),
]  # fmt: skip


@pytest.fixture(scope="module")
def furnished():
    """A project with a tuned model; what is sent may change it."""
    world = World(clock=lambda: MORNING, job_seconds=0, operation_seconds=0)
    buckets = Buckets(world, names=("acme",))
    buckets.put("acme", "t.jsonl", "\n".join(map(json.dumps, ROWS)).encode())
    vertex = Vertex(world, buckets)
    body = {
        "baseModel": "gemini-3.5-flash",
        "supervisedTuningSpec": {"trainingDatasetUri": "gs://acme/t.jsonl"},
    }
    vertex.answer(Asked("POST", f"/v1/{PARENT}/tuningJobs", body=orjson.dumps(body)))
    vertex.settle()
    place = f"/v1beta1/{PARENT}:deploy"
    garden = {"publisherModelName": "publishers/qwen/models/qwen3@qwen3-32b"}
    vertex.answer(Asked("POST", place, body=orjson.dumps(garden)))
    vertex.settle()
    return vertex


@given(method=st.sampled_from(METHODS), body=anything, version=st.sampled_from(["v1", "v1beta1"]))
def test_any_body_is_answered_in_googles_shape(furnished, method, body, version):
    ledger, (http, path) = furnished.ledger, method
    named = {"job": ledger.jobs, "model": ledger.models, "endpoint": ledger.endpoints}
    ids = {key: next(iter(of)).rpartition("/")[2] for key, of in named.items()}
    machine = next(name for name in ledger.endpoints if "/us-central1/" in name)
    location = "us" if path.startswith(ENDPOINT) else "us-central1"
    path = path.format(**ids, machine=machine.rpartition("/")[2])
    place = f"/{version}/projects/acme-ml/locations/{location}"
    whole = f"{place}{path}" if path.startswith(":") else f"{place}/{path}"
    query = (("updateMask", "displayName,labels,trafficSplit"),)
    answered = furnished.answer(Asked(http, whole, query, body=orjson.dumps(body)))
    if answered.status != 200:
        error = orjson.loads(answered.body)["error"]
        assert (error["code"], bool(error["message"])) == (answered.status, True)


@given(
    st.binary(max_size=40)
    | st.lists(anything, min_size=1, max_size=3).map(
        lambda found: b"\n".join(orjson.dumps(each) for each in found)
    ),
    st.sampled_from(["supervised", "preference", "open"]),
)
def test_any_file_is_read_or_refused(content, shape):
    buckets = Buckets(names=("acme",))
    buckets.put("acme", "t.jsonl", content)
    with suppress(Refused):
        assert rows.open_dataset(buckets, "gs://acme/t.jsonl", shape).examples


@given(st.text(max_size=30))
def test_any_filter_is_read_or_refused(text):
    items = [{"labels": {"a": "b"}, "displayName": "x"}]
    with suppress(Refused):
        assert filters.chosen(items, text) in ([], items)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "ab"), ("labels.k=1", "a"), ("labels.k:*", "ab"), ("labels.k:2", "b"),
        ("labels:k", "ab"),
        ("NOT labels.k=1", "b"), ("-labels.k=1", "b"), ("labels.k!=1", "b"),
        ('displayName="a" OR displayName="b"', "ab"), ('display_name="a" labels.k=2', ""),
        ('display_name="a" AND labels.k=1', "a"), ("labels.other:*", ""), ('state="x"', ""),
    ],
)  # fmt: skip
def test_a_filter_means_what_google_says(text, found):
    items = [
        {"displayName": "a", "labels": {"k": "1"}},
        {"displayName": "b", "labels": {"k": "2"}},
    ]
    assert "".join(each["displayName"] for each in filters.chosen(items, text)) == found


@pytest.mark.parametrize("token", ["?", "AAAA", "LTE="])
def test_a_page_token_of_ones_own_making_is_refused(token):
    with pytest.raises(Refused, match="page token"):
        filters.page(Asked("GET", "/", (("pageToken", token),)), [])


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "a", "completion": "b"},
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
        {"contents": [
            {"role": "user", "parts": [{"text": "a"}]},
            {"role": "assistant", "parts": [{"text": "b"}]},
        ]},
    ],
)  # fmt: skip
def test_open_models_take_three_shapes_and_gemini_none_of_them(row):
    buckets = Buckets(names=("acme",))
    buckets.put("acme", "t.jsonl", orjson.dumps(row))
    assert rows.open_dataset(buckets, "gs://acme/t.jsonl", "open").pairs == (("a", "b"),)
    with pytest.raises(Refused, match="example 1"):
        rows.open_dataset(buckets, "gs://acme/t.jsonl", "supervised")


def test_the_preferred_answer_is_learned():
    buckets = Buckets(names=("acme",))
    buckets.put("acme", "t.jsonl", orjson.dumps(DPO_ROW))
    dataset = rows.open_dataset(buckets, "gs://acme/t.jsonl", "preference")
    assert dataset.pairs == (("Dzień dobry?", "Dzień dobry!"),)
