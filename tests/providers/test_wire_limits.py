"""Offline checks against each service's published limits."""

import pytest

from tests.contracts.handler_contract import job_resource
from tunectl.core.errors import Exit, Severity
from tunectl.core.value import Address, Ref
from tunectl.providers.wire.limits import check_job
from tunectl.providers.wire.profile import (
    AZURE,
    BEDROCK_MANTLE,
    GENERIC,
    LOCAL,
    NEBIUS,
    OPENAI,
    PROFILES,
)


def found(profile, **more):
    resource, _ = job_resource("p", "base", Ref(Address.of("upload", "x"), ("file_id",)), **more)
    return list(check_job(profile, "p", resource))


def errors(profile, **more):
    return [d.summary for d in found(profile, **more) if d.severity is Severity.ERROR]


@pytest.mark.parametrize("profile", [OPENAI, AZURE, NEBIUS, GENERIC, LOCAL])
def test_a_plain_job_is_fine(profile):
    assert errors(profile) == []


@pytest.mark.parametrize(
    ("profile", "more", "words"),
    [
        (OPENAI, {"suffix": "x" * 65}, "64 characters"),
        (OPENAI, {"suffix": ""}, "empty"),
        (OPENAI, {"suffix": "ok", "method": {"type": "reinforcement"}}, "`reinforcement`"),
        (LOCAL, {"method": {"type": "dpo"}}, "`dpo`"),
        (AZURE, {"suffix": "v1.2"}, "takes no `.`"),
        (AZURE, {"method": {"type": "reinforcement"}}, "`grader`"),
        (BEDROCK_MANTLE, {"suffix": "x"}, "does not support `suffix`"),
        (BEDROCK_MANTLE, {}, "`supervised`"),
        (OPENAI, {"method": {"type": "supervised", "epochs": 51}}, "from 1 to 50"),
        (OPENAI, {"method": {"type": "supervised", "epochs": 0}}, "from 1 to 50"),
        (OPENAI, {"method": {"type": "supervised", "epochs": 1.5}}, "whole number"),
        (OPENAI, {"method": {"type": "supervised", "epochs": "many"}}, "or `auto`"),
        (OPENAI, {"method": {"type": "supervised", "batch_size": 257}}, "from 1 to 256"),
        (OPENAI, {"method": {"type": "dpo", "beta": 0}}, "greater than 0 to 2"),
        (OPENAI, {"method": {"type": "dpo", "beta": 2.5}}, "greater than 0 to 2"),
        (
            OPENAI,
            {"method": {"type": "supervised", "learning_rate_multiplier": 0}},
            "greater than 0",
        ),
        (
            NEBIUS,
            {"method": {"type": "supervised", "learning_rate_multiplier": 2.0}},
            "learning rate itself",
        ),
        (NEBIUS, {"method": {"type": "supervised", "grader": {}}}, "no place for"),
        (NEBIUS, {"method": {"type": "dpo"}}, "method `dpo`"),
        (OPENAI, {"seed": 2**31}, "`seed`"),
        (OPENAI, {"seed": -1}, "`seed`"),
        (OPENAI, {"metadata": {f"k{n}": "v" for n in range(11)}}, "10 pairs"),
        (OPENAI, {"metadata": {"tunectl-op": "x"}}, "told the owner"),
        (OPENAI, {"metadata": {"k" * 65: "x"}}, "keys of `metadata`"),
        (OPENAI, {"metadata": {"k": "x" * 513}}, "values of `metadata`"),
    ],
)
def test_what_a_service_refuses_is_said_before_anything_is_sent(profile, more, words):
    assert any(words in text for text in errors(profile, **more)), errors(profile, **more)


@pytest.mark.parametrize("value", ["auto", 1, 50, None])
def test_epochs_within_the_range_are_fine(value):
    assert errors(OPENAI, method={"type": "supervised", "epochs": value}) == []


def test_too_few_rows_are_refused_like_a_check_of_the_data():
    data = {"training": {"rows": 9, "sha256": "x"}}
    (problem,) = found(OPENAI, data=data)
    assert "at least 10 training examples, there are 9" in problem.summary
    assert problem.exit is Exit.REFUSED
    many = {"training": {"rows": 20_001, "sha256": "x"}}
    method = {"type": "reinforcement", "grader": {"type": "lambda"}}
    assert "at most 20000" in errors(BEDROCK_MANTLE, data=many, method=method)[0]


def test_what_is_not_known_is_a_warning_and_no_error():
    method = {"type": "reinforcement", "grader": {"type": "x"}, "lora_r": 8}
    problems = found(GENERIC, suffix="x", method=method)
    assert {d.severity for d in problems} == {Severity.WARNING}
    assert len(problems) == 3


@pytest.mark.parametrize(
    ("profile", "kind", "known"),
    [(BEDROCK_MANTLE, "string_check", "`lambda`"), (AZURE, "lambda", "`string_check`")],
)
def test_a_grader_that_a_service_does_not_document_is_a_warning(profile, kind, known):
    method = {"type": "reinforcement", "grader": {"type": kind}}
    data = {"training": {"rows": 120, "sha256": "x"}}
    (problem,) = found(profile, method=method, data=data)
    assert problem.severity is Severity.WARNING
    assert f"documents no grader `{kind}`" in problem.summary
    assert known in problem.hint


def test_an_adapter_is_set_only_where_the_service_reads_it():
    method = {"type": "supervised", "lora": True, "lora_r": 16, "packing": False}
    assert errors(NEBIUS, method=method) == []
    refused = errors(OPENAI, method=method)
    assert len(refused) == 3
    assert "`method.lora_r`" in refused[1]


def test_a_reference_as_base_model_is_left_alone():
    ref = Ref(Address.of("tuning_job", "first"), ("model_id",))
    resource, _ = job_resource("p", ref, "file")
    assert list(check_job(OPENAI, "p", resource)) == []


def test_every_profile_is_known_by_its_own_name():
    assert all(name == profile.name for name, profile in PROFILES.items())
