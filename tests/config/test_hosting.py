"""Endpoints with machines of their own: what goes together, and what the loader makes of it."""

from __future__ import annotations

import pytest

from tests.config.making import loaded, project, resources
from tunectl.core.errors import ConfigError, Severity
from tunectl.core.resource import Recreate

BASE = """
project: helpdesk
default_provider: vertex
providers:
  local: {trainer: simulated}
  vertex: {project: acme, location: europe-west4, staging: gs://acme-tuning}
dataset:
  support: {source: data/rows.jsonl}
tuning_job:
  first: {base_model: gemini-3.5-flash, data: dataset.support}
  second: {base_model: tuning_job.first, data: dataset.support}
  here: {base_model: smollm2-135m-instruct, data: dataset.support, provider: local}
endpoint:
  it: {model: MODEL, FIELDS}
"""
REGISTERED = "projects/acme/locations/europe-west4/models/77@2"


def declared(tmp_path, fields, model=REGISTERED):
    text = BASE.replace("MODEL", model).replace("FIELDS", fields)
    return resources(project(tmp_path, text))["endpoint.it"]


def refused(tmp_path, fields, model=REGISTERED):
    text = BASE.replace("MODEL", model).replace("FIELDS", fields)
    with pytest.raises(ConfigError) as error:
        loaded(project(tmp_path, text))
    told = error.value.diagnostics
    return [(d.summary, d.hint) for d in told if d.severity is Severity.ERROR]


def test_machines_are_told_with_their_numbers(tmp_path):
    found = declared(
        tmp_path,
        "machine_type: g2-standard-12, accelerator: NVIDIA_L4, replicas: {min: 1, max: 4},"
        "autoscaling: {gpu: 60}, spot: true, canary: 20, hold: 15m",
    )
    assert dict(found.spec) == {
        "model": REGISTERED,
        "hosting": "dedicated",
        "machine_type": "g2-standard-12",
        "accelerator": {"type": "NVIDIA_L4", "count": 1},
        "replicas": {"min": 1, "max": 4},
        "autoscaling": {"gpu": 60},
        "spot": True,
        "canary": 20,
        "hold": 900,
    }
    assert found.immutable == {"hosting"}
    assert found.recreate is Recreate.ON_REQUEST, "it costs money by the hour"
    assert found.stable == set(found.outputs), "callers notice no move"


@pytest.mark.parametrize(
    ("said", "counts"),
    [
        ("machine_type: n1-standard-4", {"min": 1, "max": 1}),
        ("machine_type: n1-standard-4, replicas: 3", {"min": 3, "max": 3}),
        ("machine_type: n1-standard-4, replicas: {min: 2}", {"min": 2, "max": 2}),
    ],
)
def test_replicas_are_counted_from_what_is_said(tmp_path, said, counts):
    assert declared(tmp_path, said).spec["replicas"] == counts


def test_a_tuned_gemini_has_no_machines_and_may_choose_a_checkpoint(tmp_path):
    found = declared(tmp_path, "checkpoint: 2", "tuning_job.first")
    assert found.spec["checkpoint"] == "2"
    assert "hosting" not in found.spec
    assert found.stable == frozenset()
    assert found.recreate is Recreate.FREELY


@pytest.mark.parametrize("model", ["tuning_job.first", "tuning_job.second", "gemini-3.5-flash"])
def test_machines_for_a_tuned_gemini_are_refused_with_the_reason(tmp_path, model):
    [(summary, hint)] = refused(tmp_path, "machine_type: n1-standard-4", model)
    assert "a tuned Gemini (`gemini-3.5-flash`) has none" in summary
    assert "remove `machine_type:`" in hint


def test_an_open_model_of_the_garden_has_to_be_registered_first(tmp_path):
    said = "machine_type: g2-standard-12"
    [(summary, hint)] = refused(tmp_path, said, "google/gemma3@gemma-3-27b-it")
    assert "is a model of Model Garden" in summary
    assert "projects/acme/locations" in hint


def test_machines_mean_nothing_at_another_provider(tmp_path):
    [(summary, _)] = refused(tmp_path, "machine_type: n1-standard-4", "tuning_job.here")
    assert summary == "`machine_type` means nothing at provider `local`"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("replicas: 2", "only an endpoint with `machine_type:`"),
        ("canary: 20", "only an endpoint with `machine_type:`"),
        ("machine_type: n1-standard-4, canary: 100", "at most 99"),
        ("machine_type: n1-standard-4, replicas: {min: 3, max: 2}", "`max: 2` below `min: 3`"),
        ("machine_type: big", "of the form"),
        ("machine_type: n1-standard-4, accelerator: {type: l4}", "of the form"),
        ("machine_type: n1-standard-4, autoscaling: {cpu: 0}", "at least 1"),
    ],
)
def test_what_cannot_be_is_told(tmp_path, fields, words):
    [(summary, _)] = refused(tmp_path, fields)
    assert words in summary
