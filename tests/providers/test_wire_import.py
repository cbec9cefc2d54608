"""What a service tells of an object of which only the id is known: one to import."""

from __future__ import annotations

import pytest

from tests.providers.test_wire_jobs import started
from tunectl.core.resource import Instance, Status
from tunectl.core.value import Address
from tunectl.providers.wire.told import settings_of

JOB = {
    "id": "ftjob-1",
    "model": "gpt-4o-mini-2024-07-18",
    "training_file": "file-1",
    "validation_file": None,
    "fine_tuned_model": "ft:gpt-4o-mini-2024-07-18:acme:wsparcie:abc123",
    "hyperparameters": {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.8},
    "method": {
        "type": "supervised",
        "supervised": {"hyperparameters": {"n_epochs": 3, "batch_size": "auto"}},
    },
    "seed": 7,
    "metadata": {"team": "wsparcie", "tunectl-op": "1" * 32},
}


def stub(id_: str) -> Instance:
    return Instance(
        address=Address.of("tuning_job", "imported"),
        provider="openai_eu",
        account="somebody",
        id=id_,
        spec={},
    )


def test_a_job_is_told_in_the_words_of_a_declaration():
    assert settings_of(JOB) == {
        "base_model": "gpt-4o-mini-2024-07-18",
        "training_file": "file-1",
        "method": {"type": "supervised", "epochs": 3, "learning_rate_multiplier": 1.8},
        "seed": 7,
        "suffix": "wsparcie",
        "metadata": {"team": "wsparcie"},
    }


@pytest.mark.parametrize(
    ("change", "field", "value"),
    [
        ({"method": None}, "method", {"epochs": 3, "batch_size": 4}),
        ({"hyperparameters": {"n_epochs": "auto"}, "method": None}, "method", {}),
        (
            {"method": {"type": "dpo", "dpo": {}}, "hyperparameters": None},
            "method",
            {"type": "dpo"},
        ),
        ({"fine_tuned_model": None}, "suffix", None),
        ({"fine_tuned_model": "ft:base:acme::abc"}, "suffix", None),
        ({"user_provided_suffix": "inny"}, "suffix", "inny"),
        ({"seed": True}, "seed", None),
        ({"metadata": None}, "metadata", None),
        ({"validation_file": "file-2"}, "validation_file", "file-2"),
    ],
)
def test_what_a_service_leaves_out_is_left_out(change, field, value):
    found = settings_of({**JOB, **change}).get(field)
    assert found.items() >= value.items() if isinstance(value, dict) else found == value


def test_reading_by_id_alone_tells_settings_mark_and_age(openai):
    handler, made = started(openai, seed=7)
    now = handler.read(stub(made.id))
    assert now is not None
    assert now.spec["base_model"] == "gpt-4o-mini-2024-07-18"
    assert now.spec["method"] == {"type": "supervised", "epochs": 2}
    assert now.spec["seed"] == 7
    assert now.op == made.op
    assert now.created_at
    assert now.status is Status.PENDING


def test_reading_a_recorded_job_leaves_its_recorded_settings(openai):
    handler, made = started(openai)
    now = handler.read(made)
    assert now is not None
    assert now.spec == made.spec
    assert now.op == made.op


def test_an_id_nobody_knows_is_gone(openai):
    handler, _ = started(openai)
    assert handler.read(stub("ftjob-nope")) is None
