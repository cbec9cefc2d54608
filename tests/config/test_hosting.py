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


GEMMA = "google/gemma3@gemma-3-27b-it"
L4 = "machine_type: g2-standard-12, accelerator: NVIDIA_L4"


@pytest.mark.parametrize(
    "model",
    [
        GEMMA,
        "publishers/google/models/gemma3@gemma-3-27b-it",
        "meta-llama/Llama-3.2-1B-Instruct",
        "gs://acme/tuned/final",
    ],
)
def test_an_open_model_is_deployed_by_model_garden_and_moves_as_a_new_endpoint(tmp_path, model):
    found = declared(tmp_path, f"{L4}, accept_eula: true", model)
    assert found.spec["hosting"] == "garden"
    assert found.spec["model"] == model
    assert found.spec["accept_eula"] is True
    assert found.immutable == {"hosting", "model"}
    assert found.inputs == {"accept_eula"}, "accepting a licence changes nothing that is there"
    assert found.recreate is Recreate.ON_REQUEST


@pytest.mark.parametrize("said", ["", ", accept_eula: false"])
def test_a_licence_is_never_accepted_by_itself(tmp_path, said):
    found = declared(tmp_path, f"{L4}{said}", GEMMA)
    assert "accept_eula" not in found.spec
    assert found.inputs == frozenset()


@pytest.mark.parametrize(
    ("model", "fields", "words"),
    [
        (GEMMA, "provider: vertex", "chooses no machines for it"),
        (GEMMA, "accept_eula: true", "only an endpoint with `machine_type:`"),
        (GEMMA, f"{L4}, checkpoint: 2", "only a tuned Gemini has"),
        (GEMMA, f"{L4}, accept_eula: sure", "accept_eula"),
        (GEMMA, f"{L4}, replicas: {{min: 3, max: 2}}", "`max: 2` below `min: 3`"),
        (GEMMA, f"{L4}, accelerator_count: 2", "accelerator_count"),
        (GEMMA, f"{L4}, eula: true", "eula"),
        (GEMMA, "machine_type: g2-standard-12, accelerator: {count: 2}", "type"),
        ("Qwen/Qwen3-8B", "provider: vertex", "chooses no machines for it"),
        ("gs://acme/tuned/final", "provider: vertex", "chooses no machines for it"),
        ("gemma3@gemma-3-1b-it", L4, "neither a registered nor an open model"),
        ("gs://acme", L4, "neither a registered nor an open model"),
        ("mistral", L4, "neither a registered nor an open model"),
        (REGISTERED, f"{L4}, accept_eula: true", "only Model Garden asks for one"),
        ("tuning_job.first", "machine_type: n1-standard-4, accept_eula: true", "a tuned Gemini"),
        ("tuning_job.here", f"{L4}, accept_eula: true", "means nothing at provider `local`"),
    ],
)
def test_what_an_open_model_cannot_have_is_told_before_anything_is_sent(
    tmp_path, model, fields, words
):
    [(summary, hint)] = refused(tmp_path, fields, f"'{model}'")
    assert words in f"{summary} {hint}"


def test_a_licence_for_one_s_own_weights_is_told_to_be_needless(tmp_path):
    text = BASE.replace("MODEL", "gs://acme/tuned/final")
    text = text.replace("FIELDS", f"{L4}, accept_eula: true")
    told = loaded(project(tmp_path, text)).project.warnings
    assert [d.code for d in told if d.address == "endpoint.it"] == ["unused-eula"]


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


@pytest.mark.parametrize("model", [REGISTERED, GEMMA])
@pytest.mark.parametrize(
    ("fields", "words", "advice"),
    [
        (
            "machine_type: g2-standard-12",
            "`g2-standard-12` is built with 1 accelerator `NVIDIA_L4`, and none is asked for",
            "write `accelerator: NVIDIA_L4`",
        ),
        (
            "machine_type: g2-standard-24",
            "`g2-standard-24` is built with 2 accelerators `NVIDIA_L4`, and none is asked for",
            "write `accelerator: {type: NVIDIA_L4, count: 2}`",
        ),
        (
            "machine_type: g2-standard-999",
            "`g2-standard-999` is built with accelerators `NVIDIA_L4`, and none is asked for",
            "write `accelerator: NVIDIA_L4`",
        ),
        (
            "machine_type: a2-ultragpu-1g, accelerator: NVIDIA_TESLA_A100",
            (
                "`a2-ultragpu-1g` is built with 1 accelerator `NVIDIA_A100_80GB`, not "
                "`NVIDIA_TESLA_A100`"
            ),
            "write `accelerator: NVIDIA_A100_80GB`",
        ),
        (
            "machine_type: g2-standard-8, accelerator: {type: NVIDIA_L4, count: 8}",
            "`g2-standard-8` has 1 accelerator `NVIDIA_L4`, not 8",
            "write `accelerator: NVIDIA_L4`, or choose a larger machine",
        ),
    ],
)
def test_a_machine_that_is_built_with_accelerators_needs_them_named(
    tmp_path, fields, words, advice, model
):
    assert refused(tmp_path, fields, f"'{model}'") == [(words, advice)]


@pytest.mark.parametrize(
    "fields",
    [
        "machine_type: g2-standard-96, accelerator: {type: NVIDIA_L4, count: 2}",
        "machine_type: g2-standard-999, accelerator: {type: NVIDIA_L4, count: 16}",
        "machine_type: n1-standard-8, accelerator: NVIDIA_TESLA_T4",
        "machine_type: n1-standard-8",
    ],
)
def test_fewer_accelerators_than_a_machine_has_and_other_machines_are_fine(tmp_path, fields):
    assert declared(tmp_path, fields).spec["hosting"] == "dedicated"
