"""What the Vertex wire knows of Google's messages, held against Google's own descriptors."""

from __future__ import annotations

import json

import orjson
import pytest
from google.protobuf import json_format
from hypothesis import given
from hypothesis import strategies as st

from tests.server.clouds.vertex_messages import FILE, content
from tests.server.clouds.vertex_world import described
from tunectl.server.clouds.vertex import messages
from tunectl.server.clouds.vertex.refusals import Refused


@pytest.fixture(scope="module")
def installed():
    return content()


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_every_field_is_googles_with_the_type_that_google_says(installed, version):
    known = orjson.loads(FILE.read_bytes())[version]
    assert {m: f for m, f in known.items() if not f.items() <= installed[version][m].items()} == {}


def test_every_enum_has_googles_numbers(installed):
    known = orjson.loads(FILE.read_bytes())["enums"]
    assert {e: n for e, n in known.items() if not n.items() <= installed["enums"][e].items()} == {}


def test_what_only_rest_knows_is_known_to_googles_other_client():
    from google.genai import types

    missing = []
    for more in (messages._REST_ONLY, messages._BETA_ONLY):
        for message, fields in more.items():
            model = getattr(types, message)
            names = {messages.camel(name) for name in model.model_fields}
            missing += [f"{message}.{name}" for name in fields if name not in names]
    assert missing == []


def test_the_states_within_a_state_are_those_of_googles_other_client():
    from google.genai import types

    assert set(messages.numbers("TuningJobState")) == {s.value for s in types.TuningJobState}


texts = st.text(st.characters(codec="utf-8"), max_size=12)
checkpoints = st.fixed_dictionaries({"epoch": st.integers(0, 99)})
jobs = st.fixed_dictionaries(
    {},
    optional={
        "base_model": texts.filter(bool),
        "description": texts,
        "labels": st.dictionaries(texts, texts, max_size=3),
        "state": st.integers(0, 11),
        "supervised_tuning_spec": st.fixed_dictionaries(
            {"training_dataset_uri": texts},
            optional={
                "export_last_checkpoint_only": st.booleans(),
                "hyper_parameters": st.fixed_dictionaries(
                    {},
                    optional={
                        "epoch_count": st.integers(-(2**63), 2**63 - 1),
                        "learning_rate_multiplier": st.floats(0.5, 8, width=32),
                        "adapter_size": st.integers(0, 6),
                    },
                ),
            },
        ),
        "tuned_model": st.fixed_dictionaries({}, optional={"checkpoints": st.lists(checkpoints)}),
    },
)  # fmt: skip


@given(jobs, st.booleans(), st.booleans())
def test_a_job_that_google_wrote_is_read_and_written_back_the_same(fields, numbers, snake):
    kind = described("v1")["TuningJob"]
    job = json_format.ParseDict(fields, kind())
    sent = json.loads(
        json_format.MessageToJson(
            job, use_integers_for_enums=numbers, preserving_proto_field_name=snake
        )
    )
    kept = messages.read("v1", "TuningJob", sent)
    for as_numbers in (True, False):
        said = messages.written("v1", "TuningJob", kept, as_numbers=as_numbers)
        back = json_format.ParseDict(json.loads(json.dumps(said)), kind())
        assert json_format.MessageToDict(back) == without_empty(json_format.MessageToDict(job))


def without_empty(value):
    """A message that is there with nothing in it is kept as if it were not there."""
    if isinstance(value, dict):
        kept = {k: without_empty(v) for k, v in value.items()}
        return {k: v for k, v in kept.items() if v not in ({}, "JOB_STATE_UNSPECIFIED") or k == ""}
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"nonsense": 1}, 'Unknown name "nonsense": Cannot find field'),
        ({"state": "RUNNING"}, "Invalid value at 'state'"),
        ({"state": []}, "Invalid value at 'state'"),
        ({"labels": ["a"]}, "Invalid value at 'labels'"),
        ({"labels": {"a": 1}}, "Invalid value at 'labels'"),
        ({"supervisedTuningSpec": 1}, "Invalid value at 'supervised_tuning_spec'"),
        (
            {"supervisedTuningSpec": {"hyperParameters": {"epochCount": 1.5}}},
            "'supervised_tuning_spec.hyper_parameters.epoch_count' (TYPE_INT64), 1.5",
        ),
        ({"tunedModel": {"checkpoints": {}}}, "'tuned_model.checkpoints'"),
    ],
)
def test_what_google_would_not_read_is_refused_with_its_place(value, said):
    with pytest.raises(Refused) as refused:
        messages.read("v1", "TuningJob", value)
    assert said in refused.value.message
    with pytest.raises(json_format.ParseError):
        json_format.ParseDict(value, described("v1")["TuningJob"]())


def test_what_a_version_does_not_know_is_not_said_in_it():
    kept = {"name": "n", "tuningJobState": "TUNING_JOB_STATE_TUNING", "outputUri": "gs://b/o"}
    assert messages.written("v1", "TuningJob", kept, as_numbers=False) == {"name": "n"}
    said = messages.written("v1beta1", "TuningJob", kept, as_numbers=False)
    assert said == kept
