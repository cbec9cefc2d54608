"""Memories at the builtin provider: a record that never touches users' data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.contracts.handler_contract import HandlerContract, Subject, request_for
from tunectl.core.resource import Resource
from tunectl.core.value import Address
from tunectl.prompts.memory import open_memory
from tunectl.providers.builtin import connect


def memory(name="customers", store=None):
    spec = {
        "name": name,
        "store": store or {"file": f"data/{name}.db"},
        "profile": {"name": {"type": "string", "personal": True, "inject": True}},
        "sessions": {"max_turns": 5},
    }
    address = Address.parse(f"memory.{name}")
    return request_for(
        Resource(address=address, provider="builtin", spec=spec, outputs=("name", "store")), spec
    )


@pytest.fixture
def builtin(tmp_path):
    return connect(name="builtin", project_root=str(tmp_path), env="default")


@pytest.fixture
def handler(builtin):
    return builtin.handlers["memory"]


class TestMemoriesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, builtin):
        numbers = iter(range(100))
        return Subject(
            builtin,
            "memory",
            lambda: memory(f"m{next(numbers)}"),
            changed=lambda r: {**r.spec, "sessions": {"max_turns": 6}},
            marked=False,
            vanishes=False,
        )


def test_making_a_memory_makes_no_file(handler, tmp_path):
    made = handler.create(memory())
    assert made.outputs == {"name": "customers", "store": "sqlite"}
    assert list(tmp_path.iterdir()) == []
    assert handler.read(made) == made
    assert handler.delete(made) is None


def test_destroying_a_memory_leaves_users_data_and_says_what_erases_it(handler, tmp_path):
    request = memory()
    made = handler.create(request)
    kept = open_memory(request.spec, tmp_path)
    kept.set_profile("KANAREK", {"name": "Anna"})
    left = handler.delete(made)
    assert "users' data of `memory.customers` stays in `data/customers.db`" in left.reason
    assert "`tunectl erase USER --file data/customers.db`" in left.reason
    assert "KANAREK" not in str(left)
    assert kept.profile("KANAREK")["name"] == "Anna"
    kept.close()


def test_of_a_database_the_variable_is_named(handler):
    made = handler.create(memory(store={"url_env": "MEMORY_URL", "space": "a/b/c"}))
    assert made.outputs["store"] == "postgresql"
    left = handler.delete(made).reason
    assert "`tunectl erase USER --url-env MEMORY_URL --memory customers`" in left


def test_another_schema_is_the_same_record(handler):
    made = handler.create(memory())
    changed = handler.update(replace(memory(), prior=made))
    assert (changed.id, changed.op, changed.created_at) == (made.id, made.op, made.created_at)
