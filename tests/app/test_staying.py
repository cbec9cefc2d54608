"""The plan that ends a memory says where users' data stays, and what erases it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.providers.test_builtin_memory import memory
from tunectl.app.staying import with_what_stays
from tunectl.core.plan import Action, Cause, Change
from tunectl.core.project import Project
from tunectl.providers.builtin import connect


def ending(root, store=None, action=Action.DELETE):
    """The change that ends a memory, as a plan shows it."""
    handler = connect(name="builtin", project_root=str(root), env="default").handlers["memory"]
    made = handler.create(memory(store=store))
    project = Project(
        name="x",
        env="default",
        root=str(root),
        state="state/",
        providers={},
        default_provider=None,
        resources=(),
    )
    change = Change(
        address=made.address, provider="builtin", action=action, cause=Cause.NEW, doomed=made
    )
    return with_what_stays(project, change)


@pytest.mark.parametrize("action", [Action.DELETE, Action.REPLACE, Action.FORGET])
def test_the_file_that_stays_is_named_with_the_command_that_erases(tmp_path, action):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.db").touch()
    [note] = ending(tmp_path, action=action).notes
    assert "stays in `data/customers.db`" in note
    assert "`tunectl erase USER --file data/customers.db`" in note


def test_a_database_is_named_by_its_variable(tmp_path):
    [note] = ending(tmp_path, {"url_env": "MEMORY_URL"}).notes
    assert "`tunectl erase USER --url-env MEMORY_URL --memory customers`" in note


def test_where_nothing_was_remembered_nothing_is_said(tmp_path):
    assert ending(tmp_path).notes == ()


def test_what_goes_on_leaves_nothing_behind(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "customers.db").touch()
    change = replace(ending(tmp_path), doomed=None, notes=())
    project = Project(
        name="x",
        env="default",
        root=str(tmp_path),
        state="state/",
        providers={},
        default_provider=None,
        resources=(),
    )
    assert with_what_stays(project, change) == change
