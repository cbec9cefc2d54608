"""Knowledge bases from the declaration to the provider and back, by the commands people type."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.inprocess import Result, command
from tunectl.prompts import load
from tunectl.providers.wire.profile import OPENAI, PROFILES
from tunectl.server.clouds.openai import OpenAI
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import Fault, World

KEY = "KB_E2E_KEY"
DAY = 86_400
YAML = """\
project: pomoc
providers:
  openai: {type: openai, profile: openai, base_url: "URL/v1", key_env: KB_E2E_KEY}
knowledge_base:
  manual: {provider: openai, sources: [docs/*.md], chunking: {size: 200}}
"""
APPLY = ("apply", "--auto-approve")
# The command line without the wait for a list that may lag: on loopback none does.
CHILD = """
import sys
from dataclasses import replace
from tunectl.providers.wire.profile import OPENAI, PROFILES
PROFILES["openai"] = replace(OPENAI, list_lag=0.0)
from tunectl.cli.main import run
sys.exit(run(sys.argv[1:]))
"""


@dataclass
class Konto:
    """A project's folder and the account it uses."""

    folder: Path
    cloud: OpenAI
    world: World
    capsys: Any
    env: dict[str, str] = field(default_factory=dict)

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def write(self, name: str, text: str) -> None:
        path = self.folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def edit(self, before: str, after: str) -> None:
        path = self.folder / "tunectl.yaml"
        text = path.read_text(encoding="utf-8")
        assert before in text
        path.write_text(text.replace(before, after), encoding="utf-8")

    @property
    def stores(self) -> list[Any]:
        return self.cloud.vector_stores.shelf.all()

    def there(self) -> dict[str, int]:
        """How many objects of each kind there are."""
        found: dict[str, int] = {}
        for left in self.cloud.left():
            found[left.kind] = found.get(left.kind, 0) + 1
        return found

    def documents(self) -> list[str]:
        [store] = self.stores
        return sorted(held.attributes["document"] for held in store.held.values())


@pytest.fixture
def konto(tmp_path, capsys, monkeypatch):
    for name in ("OPENAI_BASE_URL", "OPENAI_API_KEY", "TUNECTL_ENV", "TUNECTL_IN_AUTOMATION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(KEY, "any")
    monkeypatch.setitem(PROFILES, "openai", replace(OPENAI, list_lag=0.0))
    world = World(operation_seconds=0.01)
    cloud = OpenAI(world, tmp_path / "konto", "openai")
    folder = tmp_path / "projekt żółw"
    folder.mkdir()
    with serving(cloud, world) as url:
        (folder / "tunectl.yaml").write_text(YAML.replace("URL", url), encoding="utf-8")
        found = Konto(folder, cloud, world, capsys)
        found.write("zwroty.md", "# Zwroty\n\nZwrot w ciągu 30 dni.\n")
        found.write("гарантия.md", "# Гарантия\n\nДва года.\n")
        yield found
    cloud.close()


def test_documents_come_change_and_go_with_the_files_they_are(konto):
    plan = konto.run("plan").out
    assert "documents: 2 added" in plan
    assert "+ docs/zwroty.md" in plan
    assert "files at the provider: 2 sent" in plan
    assert "0.10 USD for each GB and day beyond the account's first 1 GB" in plan
    konto.run(*APPLY)
    assert konto.documents() == ["docs/zwroty.md", "docs/гарантия.md"]
    assert "No changes" in konto.run("plan").out

    konto.write("zwroty.md", "# Zwroty\n\nZwrot w ciągu 14 dni.\n")
    konto.write("nowy.md", "Nowy.\n")
    (konto.folder / "docs" / "гарантия.md").unlink()
    plan = konto.run("plan").out
    assert "documents: 1 added, 1 changed, 1 removed" in plan
    assert [line.strip() for line in plan.splitlines() if " docs/" in line] == [
        "- docs/гарантия.md",
        "~ docs/zwroty.md",
        "+ docs/nowy.md",
    ]
    [store] = konto.stores
    konto.run(*APPLY)
    assert [one.id for one in konto.stores] == [store.id]
    assert konto.documents() == ["docs/nowy.md", "docs/zwroty.md"]
    assert konto.there() == {"file": 2, "vector store": 1}
    assert "No changes" in konto.run("plan").out

    konto.run("destroy", "--auto-approve")
    assert konto.there() == {}


def test_no_text_of_a_document_is_in_the_state_or_a_plan(konto):
    konto.write("tajne.md", "KANAREK-7f3a zamieszkał w Gdańsku.\n")
    shown = konto.run("plan").out + konto.run("plan", "--format", "json").out
    shown += konto.run("plan", "--format", "markdown").out + konto.run(*APPLY).out
    kept = b"".join(p.read_bytes() for p in (konto.folder / "state").rglob("*") if p.is_file())
    assert "KANAREK" not in shown
    assert b"KANAREK" not in kept


def test_a_document_that_left_elsewhere_is_drift_and_comes_back(konto):
    konto.run(*APPLY)
    [store] = konto.stores
    file = next(f for f, h in store.held.items() if h.attributes["document"] == "docs/zwroty.md")
    del store.held[file]
    assert "docs/zwroty.md" in konto.run("drift", code=2).out
    konto.run(*APPLY)
    assert konto.documents() == ["docs/zwroty.md", "docs/гарантия.md"]


def test_a_file_that_was_deleted_elsewhere_is_sent_again(konto):
    konto.run(*APPLY)
    [store] = konto.stores
    file = next(f for f, h in store.held.items() if h.attributes["document"] == "docs/zwroty.md")
    konto.cloud.vector_stores.shelf.files.delete(file)
    konto.run(*APPLY)
    assert konto.documents() == ["docs/zwroty.md", "docs/гарантия.md"]
    assert konto.there() == {"file": 2, "vector store": 1}
    assert "No changes" in konto.run("plan").out


def test_another_chunking_makes_another_one_before_the_old_one_goes(konto):
    konto.run(*APPLY)
    [before] = konto.stores
    konto.edit("size: 200", "size: 300")
    assert "forces replacement" in konto.run("plan").out
    konto.run(*APPLY)
    [after] = konto.stores
    assert after.id != before.id
    assert konto.there() == {"file": 2, "vector store": 1}


def test_a_description_waits_for_the_next_one(konto):
    konto.run(*APPLY)
    konto.edit("sources:", "description: Zasady, sources:")
    plan = konto.run("plan").out
    assert "`description` takes effect in the next new one" in plan
    [before] = konto.stores
    konto.run(*APPLY)
    assert [one.id for one in konto.stores] == [before.id]


def test_a_document_that_cannot_be_read_in_is_named_and_mended_by_an_edit(konto):
    konto.write("pusty.md", "\n\n")
    failed = konto.run(*APPLY, code=None)
    assert failed.code != 0
    assert "`docs/pusty.md`: invalid_file" in failed.out + failed.err
    konto.write("pusty.md", "Już nie.\n")
    konto.run(*APPLY)
    assert len(konto.documents()) == 3
    assert konto.there() == {"file": 3, "vector store": 1}


def test_one_that_nobody_searched_is_not_made_again_unasked(konto):
    konto.edit("sources:", "expires_when_idle: 2d, sources:")
    konto.run(*APPLY)
    konto.world.pass_time(3 * DAY)
    konto.run(*APPLY)
    plan = konto.run("plan").out
    assert "expired" in plan
    assert "`--renew knowledge_base.manual`" in plan
    assert [s for s in konto.stores if not s.expired(konto.world.now().timestamp())] == []
    konto.run(*APPLY, "--renew", "knowledge_base.manual")
    assert len(konto.documents()) == 2


def test_a_name_that_moves_keeps_the_store_and_its_files(konto):
    konto.run(*APPLY)
    before = konto.there(), [one.id for one in konto.stores]
    konto.edit("  manual:", "  handbook:")
    path = konto.folder / "tunectl.yaml"
    moved = "moved: [{from: knowledge_base.manual, to: knowledge_base.handbook}]\n"
    path.write_text(path.read_text(encoding="utf-8") + moved, encoding="utf-8")
    konto.run(*APPLY)
    assert (konto.there(), [one.id for one in konto.stores]) == before
    assert "No changes" in konto.run("plan").out


def test_what_no_state_knows_any_more_is_found_and_deleted_by_gc(konto):
    konto.run(*APPLY)
    [kept] = konto.stores
    shutil.copytree(konto.folder / "state", konto.folder / "before")
    konto.edit("  manual:", "  second: {provider: openai, sources: [docs/zwroty.md]}\n  manual:")
    konto.run(*APPLY)
    assert len(konto.stores) == 2
    shutil.rmtree(konto.folder / "state")
    (konto.folder / "before").rename(konto.folder / "state")
    konto.edit("  second: {provider: openai, sources: [docs/zwroty.md]}\n", "")

    listed = konto.run("gc", "--older-than", "0s", code=None).out
    assert "knowledge_base.second" in listed
    konto.run("gc", "--delete", "--older-than", "0s", "--auto-approve", "--confirm", "pomoc")
    assert [one.id for one in konto.stores] == [kept.id]
    assert konto.there() == {"file": 2, "vector store": 1}
    assert "No changes" in konto.run("plan").out


def test_a_lost_record_is_made_again_from_what_is_there(konto):
    konto.run(*APPLY)
    before = konto.there(), [one.id for one in konto.stores]
    for path in (konto.folder / "state").glob("default.j*"):
        path.unlink()
    konto.run("state", "repair", "--write")
    assert "No changes" in konto.run("plan").out
    assert (konto.there(), [one.id for one in konto.stores]) == before


def test_without_its_state_what_would_be_made_again_is_told_of_and_can_be_had_back(konto):
    konto.run(*APPLY)
    before = konto.there()
    [store] = konto.stores
    shutil.rmtree(konto.folder / "state")
    told = konto.run("plan")
    assert "Plan: 3 to add" in told.out
    assert (
        "this plan makes what another history of this environment has made already: "
        f"`knowledge_base.manual` (`{store.id}`)"
    ) in told.err
    tree = konto.run("plan", "--format", "json").json
    assert [d["code"] for d in tree["diagnostics"]] == ["made-before"]
    [command] = re.findall(r"`tunectl ([^`]*)`", told.err)
    konto.run(*command.split())
    plan = konto.run("plan")
    assert "No changes" in plan.out
    assert "made already" not in plan.err
    assert (konto.there(), [one.id for one in konto.stores]) == (before, [store.id])


PROMPT = """\
prompt_template:
  support:
    model: gpt-4.1-mini-2025-04-14
    inputs: {question: string}
    sections:
      - {id: docs, role: documents, knowledge_base: knowledge_base.manual, top_k: 1}
      - {id: ask, role: user, template: "{{ question }}"}
"""


def test_a_prompt_is_given_the_documents_and_stays_as_it_is_when_they_change(konto):
    path = konto.folder / "tunectl.yaml"
    path.write_text(path.read_text(encoding="utf-8") + PROMPT, encoding="utf-8")
    konto.run(*APPLY)

    def asked() -> str:
        made = load("support", path=konto.folder).messages(question="Ile dni jest na zwrot?")
        return "\n".join(str(message["content"]) for message in made)

    assert "<source>docs/zwroty.md</source>" in asked()
    assert "30 dni" in asked()
    konto.write("zwroty.md", "# Zwroty\n\nZwrot w ciągu 14 dni.\n")
    plan = konto.run("plan").out
    assert "Plan: 1 to add, 1 to change, 1 to destroy." in plan
    assert "prompt_template.support" not in plan
    konto.run(*APPLY)
    assert "14 dni" in asked()
    assert "30 dni" not in asked()

    konto.edit("size: 200", "size: 300")
    assert "prompt_template.support" in konto.run("plan").out
    konto.run(*APPLY)
    assert "14 dni" in asked()


MOMENTS = [
    ("POST", "/v1/files$"),
    ("POST", "/v1/vector_stores$"),
    ("POST", "/file_batches$"),
]
LATER = [
    ("POST", "/v1/files$"),
    ("POST", "/file_batches$"),
    ("DELETE", "/vector_stores/[^/]+/files/"),
    ("DELETE", "/v1/files/"),
]


def converged(konto: Konto, documents: list[str]) -> None:
    assert konto.documents() == documents
    assert konto.there() == {"file": len(documents), "vector store": 1}
    assert "No changes" in konto.run("plan").out


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "path"), MOMENTS)
def test_a_request_that_breaks_off_leaves_one_of_everything(konto, method, path, after):
    konto.world.faults.append(Fault("reset", method, path, after=after))
    konto.run(*APPLY, code=None)
    konto.run(*APPLY)
    converged(konto, ["docs/zwroty.md", "docs/гарантия.md"])


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "path"), LATER)
def test_a_change_that_breaks_off_is_finished_by_the_next(konto, method, path, after):
    konto.run(*APPLY)
    konto.write("zwroty.md", "Zwrot w 14 dni.\n")
    konto.write("nowy.md", "Nowy.\n")
    konto.world.faults.append(Fault("reset", method, path, after=after))
    konto.run(*APPLY, code=None)
    konto.run(*APPLY)
    converged(konto, ["docs/nowy.md", "docs/zwroty.md", "docs/гарантия.md"])


def killed(konto: Konto, method: str, path: str, *, after: bool) -> None:
    """Run `apply` in a process that is killed at a request: before it takes effect, or after."""
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, "-C", str(konto.folder), *APPLY],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ,
    )

    def kill(_: object) -> bool:
        os.kill(child.pid, signal.SIGKILL)
        return True

    konto.world.faults.append(Fault("lost", method, path, after=after, where=kill))
    assert child.wait(60) == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "path"), MOMENTS)
def test_killed_while_it_is_made_there_is_one_of_everything(konto, method, path, after):
    killed(konto, method, path, after=after)
    konto.run(*APPLY)
    converged(konto, ["docs/zwroty.md", "docs/гарантия.md"])


@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("method", "path"), LATER)
def test_killed_while_it_is_changed_the_next_apply_finishes(konto, method, path, after):
    konto.run(*APPLY)
    konto.write("zwroty.md", "Zwrot w 14 dni.\n")
    konto.write("nowy.md", "Nowy.\n")
    killed(konto, method, path, after=after)
    konto.run(*APPLY)
    converged(konto, ["docs/nowy.md", "docs/zwroty.md", "docs/гарантия.md"])


def test_a_rehearsal_needs_no_account_and_leaves_nothing(konto):
    told = konto.run("rehearse").out
    assert re.search(r"Rehearsal passed: \d of \d promises kept", told)
    assert konto.there() == {}
