"""Hashes of rows that were read once are stored by a later apply without loading anything."""

from __future__ import annotations

import pytest

from tunectl.app.options import Options
from tunectl.app.workspace import open_workspace, rows_name
from tunectl.core.errors import StaleError
from tunectl.core.value import Address
from tunectl.stores.memory import MemoryStore

ROW = (
    '{"messages": [{"role": "user", "content": "Ile to kosztuje, %d?"}, '
    '{"role": "assistant", "content": "Сто рублей и %d."}]}\n'
)
YAML = """
project: pomoc
dataset:
  rows: {source: rows.jsonl}
"""
DATASET = Address.of("dataset", "rows")


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("TUNECTL_PARSE_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = tmp_path / "project"
    root.mkdir()
    (root / "tunectl.yaml").write_text(YAML, encoding="utf-8")
    rows = "".join(ROW % (n, n) for n in range(12))
    (root / "rows.jsonl").write_text(rows, encoding="utf-8")
    return root


def opened(root):
    """The project with a store of its own, and its dataset."""
    workspace = open_workspace(Options(root=root))
    object.__setattr__(workspace, "store", MemoryStore())
    (dataset,) = (r for r in workspace.project.resources if r.address == DATASET)
    return workspace, dataset


def test_a_later_run_stores_the_hashes_that_the_first_one_read(root):
    first, dataset = opened(root)
    first.keep_rows(dataset)
    name = rows_name(str(dataset.spec["rows"]))
    stored = first.store.read(name).content
    later, again = opened(root)
    assert again == dataset
    (root / "rows.jsonl").unlink()
    later.keep_rows(again)
    assert later.store.read(name).content == stored


def test_without_what_is_remembered_the_rows_are_read_again(root, tmp_path):
    first, dataset = opened(root)
    first.keep_rows(dataset)
    name = rows_name(str(dataset.spec["rows"]))
    for entry in (tmp_path / "cache" / "tunectl" / "rows").iterdir():
        entry.unlink()
    later, again = opened(root)
    later.keep_rows(again)
    assert later.store.read(name).content == first.store.read(name).content


def test_rows_that_changed_since_they_were_planned_are_not_stored(root, tmp_path):
    opened(root)
    later, dataset = opened(root)
    for entry in (tmp_path / "cache" / "tunectl" / "rows").iterdir():
        entry.unlink()
    with (root / "rows.jsonl").open("a", encoding="utf-8") as rows:
        rows.write(ROW % (99, 99))
    with pytest.raises(StaleError, match="changed after it was read"):
        later.keep_rows(dataset)
