"""Plain values are read without pydantic, and mean what pydantic makes of them."""

from __future__ import annotations

import os
import string
import subprocess
import sys
from importlib import import_module
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from tunectl.core.value import Address, Ref
from tunectl.kinds import DATASET, ENDPOINT, KINDS, PROJECT, TUNING_JOB
from tunectl.kinds.by_name import Named
from tunectl.kinds.plain import ROOMS, TABLE, PlainModel
from tunectl.kinds.providers import PROVIDERS

MODELS = orjson.loads(TABLE.read_bytes())
READABLE = [home for home, said in MODELS.items() if "forms" in said]
EXAMPLES = int(os.environ.get("PLAIN_EXAMPLES", "25"))  # of each model
SAYING = (
    "", " ", "a\n", "-", "auto", "json", "10%", "0.5%", "100%", "30d", "1d12h", "2027-01-31",
    "2027-01-31T18:00+01:00", "http://h", "https://h:8443/v1", "https://u:p@h", "OPENAI_API_KEY",
    "sk-abcdefghijklmnop1234", "dataset.rows", "a.jsonl", "NVIDIA_L4", "g2-standard-12",
    "5.50 USD", "5 EUR", "ray", "local", "string", "dpo", "reinforcement", "s3://bucket/a",
    "zażółć", "тест",
)  # fmt: skip
TEXTS = st.sampled_from(SAYING) | st.text(max_size=5)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 200)
    | st.sampled_from([2**70, 10**400])
    | st.floats(width=16)
    | TEXTS
    | st.just(Ref(Address("dataset", ("rows",)), ()))
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXTS, inner, max_size=2),
    max_leaves=4,
)


def values(form: list[Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Values that have a form, mostly."""
    match form:
        case ["flag"]:
            right: st.SearchStrategy[Any] = st.booleans()
        case ["text", _, _, pattern]:
            right = TEXTS if pattern is None else TEXTS | st.from_regex(pattern)
        case ["one", choices]:
            right = st.sampled_from(choices)
        case ["whole", *_]:
            right = st.integers(-2, 200)
        case ["number", *_]:
            right = st.integers(-2, 20) | st.floats(width=16)
        case ["list", inner, _, _]:
            right = st.lists(values(inner, depth), max_size=3)
        case ["map", key, inner, _]:
            right = st.dictionaries(
                values(key).filter(lambda k: isinstance(k, str)), values(inner, depth), max_size=2
            )
        case ["null", inner]:
            right = values(inner, depth)
        case ["call" | "after", _, inner]:
            right = TEXTS | values(inner, depth)
        case ["either", *inner]:
            right = st.one_of([values(one, depth) for one in inner])
        case ["of", home]:
            right = maps(home, depth + 1) if depth < 3 else st.just({})
        case _:
            right = ANYTHING
    return st.integers(0, 19).flatmap(lambda odd: ANYTHING if odd == 0 else right)


def maps(home: str, depth: int = 0) -> st.SearchStrategy[dict[str, Any]]:
    """Maps that a model takes, mostly."""
    said = MODELS[home]
    if "forms" not in said:
        return st.just({})
    forms = {key: values(form, depth) for key, (_, form) in said["forms"].items()}
    optional = [key for key in forms if key not in said["needed"]]
    chosen = st.sets(st.sampled_from(optional), max_size=4) if optional else st.just(set())
    return chosen.flatmap(
        lambda some: st.fixed_dictionaries(
            {key: forms[key] for key in [*said["needed"], *sorted(some)]}
        )
    )


def model_of(home: str) -> type[BaseModel]:
    module, _, name = home.partition(".")
    return getattr(import_module(f"tunectl.kinds.{module}"), name)


def alike(plain: object, full: object) -> bool:
    """Whether both say the same, types and order included."""
    if isinstance(plain, PlainModel):
        return (
            isinstance(full, BaseModel)
            and type(plain).__name__ == type(full).__name__
            and list(vars(plain)) == list(vars(full))
            and plain.model_fields_set == full.model_fields_set
            and all(map(alike, vars(plain).values(), vars(full).values()))
        )
    if type(plain) is not type(full):
        return False
    if isinstance(plain, dict):
        return list(plain) == list(full) and all(map(alike, plain.values(), full.values()))
    if isinstance(plain, list):
        return len(plain) == len(full) and all(map(alike, plain, full))
    return repr(plain) == repr(full)


@pytest.mark.parametrize("home", READABLE)
@settings(max_examples=EXAMPLES, deadline=None)
@given(st.data())
def test_what_is_read_plainly_is_what_pydantic_makes_of_it(home, data):
    value = data.draw(maps(home) | st.dictionaries(TEXTS, ANYTHING, max_size=2))
    made = Named(home).plainly(value)
    if made is None:
        return  # pydantic's to read, or to refuse
    full = model_of(home).model_validate(value)
    assert alike(made, full)
    if "Ref(" in repr(value):
        return  # what refers to another resource is never made a map
    for how in ({}, {"exclude_unset": True}, {"exclude_none": True}, {"exclude_defaults": True}):
        assert repr(made.model_dump(**how)) == repr(full.model_dump(**how))


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (PROJECT, {"project": "helpdesk", "state": "state/", "labels": {"team": "wsparcie"}}),
        (DATASET, {"source": "a.jsonl", "split": {"validation": "10%", "seed": 7}, "strip": "id"}),
        (DATASET, {"rows": [{"messages": []}], "checks": {"allow": {"near-duplicate": "так"}}}),
        (TUNING_JOB, {"base_model": "m", "data": "dataset.a", "method": "supervised", "seed": 0}),
        (TUNING_JOB, {"base_model": "m", "data": "dataset.a", "method": {"epochs": "auto"}}),
        (TUNING_JOB, {"base_model": "m", "training": "dataset.a.b", "from": "staging"}),
        (ENDPOINT, {"model": "m", "labels": {"a": "b"}, "lifecycle": {"protect": True}}),
        (ENDPOINT, {"model": "m", "machine_type": "g2-standard-12", "replicas": 2, "hold": "15m"}),
        (PROVIDERS.named["openai"], {"base_url": "https://h/v1", "key_env": "KEY"}),
        (PROVIDERS.named["local"], {"trainer": "simulated", "step_seconds": 0}),
        (PROVIDERS.named["vertex"], {"project": "p", "location": "europe-west4"}),
    ],
)
def test_what_people_write_is_read_without_pydantic(model, value):
    made = model.plainly(value)
    assert made is not None
    assert model.fits(made)
    assert model.fits(model.model.model_validate(value))


@pytest.mark.parametrize("kind", KINDS)
def test_the_facts_of_a_kind_are_those_of_its_model(kind):
    facts, model = KINDS.named[kind].facts, KINDS[kind]
    assert list(facts.model_fields) == list(model.model_fields)
    for name in model.__class_vars__:
        assert getattr(facts, name) == getattr(model, name)


def test_a_rule_that_pydantic_would_tell_of_is_left_to_it():
    assert ENDPOINT.plainly({"model": "m", "model_units": 2}) is None
    assert TUNING_JOB.plainly({"base_model": "m"}) is None
    assert DATASET.plainly({"source": "-"}) is None


def test_no_plain_project_imports_pydantic(tmp_path):
    (tmp_path / "a.jsonl").write_text(
        "".join(f'{{"prompt": "{c}", "completion": "{c}"}}\n' for c in string.ascii_lowercase),
        encoding="utf-8",
    )
    (tmp_path / "tunectl.yaml").write_text(
        "project: p\n"
        "providers: {local: {trainer: simulated}}\n"
        "variables: {epochs: {type: integer, default: 3}}\n"
        "dataset: {a: {source: a.jsonl, split: {validation: 10%}}}\n"
        "tuning_job:\n"
        "  a: {base_model: m, data: dataset.a, method: {epochs: '${var.epochs}'}}\n"
        "endpoint: {a: {model: tuning_job.a, expires_after: 30d}}\n"
        "outputs: {id: '${endpoint.a.model_id}'}\n",
        encoding="utf-8",
    )
    rooms = ", ".join(f"tunectl.kinds.{room}" for room in sorted(ROOMS))
    script = (
        f"import sys, pathlib, {rooms}\n"
        "from tunectl.config.load import load\n"
        "found = load(pathlib.Path(sys.argv[1]), environ={})\n"
        "assert len(found.project.resources) == 5, found.project.resources\n"
        "assert 'pydantic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=True)
