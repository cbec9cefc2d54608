"""What differs between services is data: a table, and no code that asks for a name."""

import ast
from pathlib import Path

import pytest

from tests.contracts.handler_contract import new_op, request_for, upload_resource
from tunectl.catalog.provider_types import provider_types
from tunectl.providers import wire
from tunectl.providers.wire.job import body
from tunectl.providers.wire.profile import (
    AZURE,
    BEDROCK_MANTLE,
    GENERIC,
    LOCAL,
    NEBIUS,
    OPENAI,
    PROFILES,
)

ROOM = Path(wire.__file__).parent
SFT, DPO, RFT = "supervised", "dpo", "reinforcement"

# suffix, methods, numbers beside `method`, sent with every job, waits for files, BOM, examples,
# metadata comes back, the job names its model, served as it is, registered
TABLE = [
    (OPENAI, True, {SFT, DPO}, False, {}, False, False, 10, True, True, True, False),
    (
        AZURE, True, {SFT, DPO, RFT}, False, {"trainingType": "Standard"}, True, True, None, None,
        True, False, False,
    ),
    (NEBIUS, True, {SFT}, True, {}, False, False, None, None, False, False, True),
    (BEDROCK_MANTLE, False, {RFT}, False, {}, False, False, 100, None, True, True, False),
    (GENERIC, None, None, False, {}, False, False, None, None, True, True, False),
    (LOCAL, True, {SFT}, False, {}, False, False, 10, True, True, True, False),
]  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0].name)
def test_each_service_is_a_row_of_the_table(row):
    profile, *wanted = row
    assert wanted == [
        profile.suffix.supported,
        None if profile.methods is None else set(profile.methods),
        profile.top_level_hyperparameters,
        dict(profile.extra_body),
        profile.file_ready_wait,
        profile.byte_order_mark,
        profile.examples[0] if profile.examples else None,
        profile.metadata_kept,
        profile.model_from_job,
        profile.serves_tuned_models,
        profile.registry is not None,
    ]


def strings(module: Path) -> set[str]:
    tree = ast.parse(module.read_text(encoding="utf-8"))
    return {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is str}


def test_no_other_module_of_the_room_knows_a_service_by_its_name():
    names = {*PROFILES, GENERIC.name, LOCAL.name}
    modules = [path for path in ROOM.glob("*.py") if path.name != "profile.py"]
    assert len(modules) > 15
    assert {path.name: found for path in modules if (found := strings(path) & names)} == {}


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_the_catalogue_and_the_profile_say_the_same(profile):
    service = provider_types()["openai"].services[profile.name]
    assert service.title == profile.title
    assert set(service.formats) == set(profile.methods)
    assert service.suffix_supported == profile.suffix.supported
    assert service.suffix_longest == profile.suffix.longest
    assert set(service.suffix_forbidden) == set(profile.suffix.forbidden)
    assert service.deployments == profile.deployments
    assert service.registers == (profile.registry is not None)
    least = profile.examples[0] if profile.examples else None
    assert service.least_rows == least


@pytest.mark.parametrize("profile", [*PROFILES.values(), GENERIC, LOCAL], ids=lambda p: p.name)
def test_auto_is_never_sent(profile):
    mark = request_for(*upload_resource("p"), op=new_op()).mark
    spec = {"base_model": "m", "training_file": "file-1", "method": {"type": SFT}}
    sent = body(profile, spec, mark)
    assert "hyperparameters" not in sent
    assert "method" not in sent
    assert "seed" not in sent
