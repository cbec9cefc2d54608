"""A project whose prompt is published at Langfuse: planned, made, edited, moved, destroyed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.inprocess import Result, command
from tunectl.core.errors import Exit
from tunectl.server.clouds.langfuse import Langfuse
from tunectl.server.clouds.world import Fault, World

CONFIG = """
project: pomoc
providers:
  local: {trainer: simulated}
  lf: {type: langfuse, base_url: URL}
dataset:
  support: {splits: {train: data/rows.jsonl}}
prompt_template:
  support:
    model: gpt-4o
    inputs: {question: {type: string, max_chars: 800}}
    sections:
      - {id: system, role: system, template_file: prompts/system.md.j2, wrap: zasady}
      - {id: shots, role: examples, examples: dataset.support.train, max: 1}
      - {id: history, role: history}
      - {id: ask, role: user, template: "{{ question }}"}
    publish:
      - {to: lf, name: pomoc/support, labels: [staging]}
"""
ROW = {
    "messages": [
        {"role": "user", "content": "Где мой заказ?"},
        {"role": "assistant", "content": "Заказ в пути. Pozdrawiamy!"},
    ]
}


@dataclass
class Site:
    folder: Path
    cloud: Langfuse
    world: World
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def apply(self, code: int | None = 0) -> Result:
        return self.run("apply", "--auto-approve", code=code)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        text = (self.folder / "tunectl.yaml").read_text(encoding="utf-8")
        assert before in text
        self.write("tunectl.yaml", text.replace(before, after))

    def labels(self, name: str = "pomoc/support") -> dict[int, set[str]]:
        return {one.version: {*one.labels} for one in self.cloud.shelf.versions(name)}


@pytest.fixture
def site(tmp_path, capsys, cloud, world, url):
    made = Site(tmp_path / "projekt żółw", cloud, world, capsys)
    made.write("tunectl.yaml", CONFIG.replace("URL", url))
    made.write("prompts/system.md.j2", 'Pomagasz.\n{% include "prompts/ton.md.j2" %}\n')
    made.write("prompts/ton.md.j2", "Pisz krótko.\n")
    made.write("data/rows.jsonl", json.dumps(ROW, ensure_ascii=False) + "\n")
    return made


def test_a_prompt_is_published_edited_healed_and_taken_away(site):
    plan = site.run("plan").out
    assert 'publication.support["lf/pomoc/support"]' in plan
    assert "Plan: 3 to add" in plan
    site.apply()
    [version] = site.cloud.shelf.all()
    assert version.prompt == [
        {"role": "system", "content": "<zasady>\nPomagasz.\nPisz krótko.\n</zasady>"},
        {"role": "user", "content": "Где мой заказ?"},
        {"role": "assistant", "content": "Заказ в пути. Pozdrawiamy!"},
        {"type": "placeholder", "name": "history"},
        {"role": "user", "content": "{{question}}"},
    ]
    assert version.config["model"] == "gpt-4o"
    assert "No changes." in site.run("plan").out

    site.write("prompts/ton.md.j2", "Pisz krótko i miło.\n")
    assert "Plan: 0 to add, 2 to change, 0 to destroy" in site.run("plan").out
    site.apply()
    assert site.labels() == {1: set(), 2: {"staging", "latest"}}
    assert "No changes." in site.run("plan").out

    site.cloud.shelf.label(site.cloud.shelf.versions("pomoc/support")[0], ["staging"])
    assert "staging" in site.run("drift", code=Exit.CHANGES).out
    site.apply()
    assert site.labels() == {1: set(), 2: {"staging", "latest"}}

    site.run("destroy", "--auto-approve")
    assert site.cloud.shelf.all() == []


def test_a_version_that_vanished_is_published_again(site):
    site.apply()
    site.cloud.shelf.remove("pomoc/support", site.cloud.shelf.versions("pomoc/support"))
    site.run("drift", code=Exit.CHANGES)
    site.apply()
    assert site.labels() == {1: {"staging", "latest"}}


def test_an_entry_that_is_removed_takes_only_its_prompt_away(site):
    site.apply()
    site.edit("    publish:\n      - {to: lf, name: pomoc/support, labels: [staging]}\n", "")
    assert "1 to destroy" in site.run("plan").out
    site.apply()
    assert site.cloud.shelf.all() == []


def test_another_name_is_another_prompt_and_the_old_one_goes_after(site):
    site.apply()
    site.edit("name: pomoc/support", "name: pomoc/obsluga")
    site.apply()
    assert site.labels() == {}
    assert site.labels("pomoc/obsluga") == {1: {"staging", "latest"}}
    assert "No changes." in site.run("plan").out


def test_a_template_that_is_renamed_keeps_what_it_published(site):
    site.apply()
    site.edit("\n  support:\n    model", "\n  obsługa:\n    model")
    moved = "moved: [{from: prompt_template.support, to: prompt_template.obsługa}]\n"
    site.edit("dataset:\n", f"{moved}dataset:\n")
    changes = site.run("plan", "--format", "json").json["resource_changes"]
    published = [one["change"]["actions"] for one in changes if "publication" in one["address"]]
    assert published == [["no-op"]]
    site.apply()
    assert site.labels() == {1: {"staging", "latest"}}
    assert "No changes." in site.run("plan").out
    site.run("destroy", "--auto-approve")
    assert site.cloud.shelf.all() == []


@pytest.mark.parametrize(("how", "after"), [("lost", True), ("reset", False)])
def test_whatever_goes_unanswered_one_version_comes_of_it(site, how, after):
    site.world.faults.append(Fault(how, method="POST", after=after))
    site.apply(code=None)
    site.apply()
    assert site.labels() == {1: {"staging", "latest"}}
    site.write("prompts/ton.md.j2", "Pisz miło.\n")
    site.world.faults.append(Fault(how, method="POST", after=after))
    site.apply(code=None)
    site.apply()
    assert site.labels() == {1: set(), 2: {"staging", "latest"}}
    assert "No changes." in site.run("plan").out


def test_gc_tells_a_prompt_that_no_state_holds_and_takes_it_away(site):
    site.apply()
    site.edit("    publish:\n      - {to: lf, name: pomoc/support, labels: [staging]}\n", "")
    site.run("state", "rm", 'publication.support["lf/pomoc/support"]')
    told = site.run("gc", code=None)
    assert "pomoc/support" in told.out + told.err


def test_neither_a_key_nor_a_text_stands_in_what_is_printed(site):
    site.apply()
    site.write("prompts/ton.md.j2", "Pisz miło.\n")
    shown = site.run("plan", "--format", "json").out
    assert "sk-lf-2" not in shown
    state = (site.folder / "state" / "default.json").read_text(encoding="utf-8")
    assert "sk-lf-2" not in state
    assert "Где мой заказ" not in state
