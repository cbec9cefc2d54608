"""A project with a knowledge base on Vertex AI: agreed to, made, edited, destroyed on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.inprocess import Result, command
from tests.providers.vertex.conftest import Clouds
from tunectl.core.errors import Exit
from tunectl.prompts.searching import searcher
from tunectl.server.clouds.world import Fault


@dataclass
class Site:
    folder: Path
    clouds: Clouds
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def declare(self, **base) -> None:
        vertex = {
            "type": "vertex",
            "project": "acme-ml",
            "location": "europe-west4",
            "staging": "gs://acme-tuning/obsługa",
            "endpoint": self.clouds.url,
            "storage_endpoint": self.clouds.storage_url,
        }
        project = {
            "project": "pomoc",
            "default_provider": "google",
            "providers": {"google": vertex},
            "knowledge_base": {"manual": {"sources": ["docs/*"], **base}},
            "outputs": {"base": {"value": "${knowledge_base.manual.id}"}},
        }
        self.write("tunectl.yaml", yaml.safe_dump(project, allow_unicode=True, sort_keys=False))

    def found(self, question: str) -> list[str]:
        [corpus] = self.clouds.vertex.ledger.corpora
        entry = {
            "type": "vertex",
            "corpus": corpus,
            "location": "europe-west4",
            "endpoint": self.clouds.url,
        }
        return [one.source for one in searcher(entry, self.folder).search(question, top_k=1)]


@pytest.fixture
def site(tmp_path, capsys, monkeypatch, clouds):
    for name in ("TUNECTL_ENV", "TUNECTL_IN_AUTOMATION"):
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "projekt żółw"
    folder.mkdir()
    made = Site(folder, clouds, capsys)
    made.write("docs/zwroty.md", "# Zwroty\n\nTowar można zwrócić w ciągu 14 dni.\n")
    made.write("docs/доставка.txt", "Доставка заказа занимает два дня.\n")
    return made


def test_nothing_is_made_before_somebody_agrees_to_the_database(site):
    site.declare()
    refused = site.run("apply", "--auto-approve", code=Exit.ERROR)
    assert "allow_rag_engine: true" in refused.out + refused.err
    assert site.clouds.vertex.ledger.corpora == {}
    assert site.clouds.buckets.objects == {}


def test_a_knowledge_base_is_made_edited_healed_and_destroyed(site):
    site.declare(allow_rag_engine=True)
    plan = site.run("plan")
    assert "Plan: 3 to add" in plan.out
    assert "leaves behind RAG Engine's database of the whole project" in " ".join(plan.out.split())
    assert "no price is known here" in " ".join((plan.out + plan.err).split())
    site.run("apply", "--auto-approve")
    assert "No changes." in site.run("plan").out
    assert site.found("w ciągu ilu dni zwrot towaru") == ["docs/zwroty.md"]
    assert site.found("сколько дней занимает доставка") == ["docs/доставка.txt"]
    first = json.loads(site.run("output", "--format", "json").out)["base"]

    site.write("docs/zwroty.md", "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni.\n")
    site.write("docs/raty.md", "Raty są nieoprocentowane.\n")
    (site.folder / "docs" / "доставка.txt").unlink()
    site.run("apply", "--auto-approve")
    assert "No changes." in site.run("plan").out
    assert json.loads(site.run("output", "--format", "json").out)["base"] == first
    assert site.found("oprocentowane raty") == ["docs/raty.md"]
    [corpus] = site.clouds.vertex.ledger.corpora.values()
    assert len(corpus.files) == len(site.clouds.buckets.objects) == 2

    corpus.files.pop(next(iter(corpus.files)))
    assert "documents" in site.run("drift", code=Exit.CHANGES).out
    site.run("apply", "--auto-approve")
    assert len(corpus.files) == 2

    told = site.run("destroy", "--auto-approve").out
    assert "ragEngineConfig" in told
    assert site.clouds.left() == []


@pytest.mark.slow
@pytest.mark.parametrize("skip", [1, 2, 4, 8])
@pytest.mark.parametrize(("how", "after"), [("lost", True), ("reset", False)])
def test_whatever_goes_unanswered_one_corpus_comes_of_it(site, how, after, skip):
    site.declare(allow_rag_engine=True)
    world = site.clouds.world
    world.faults.append(Fault(how, skip=skip, after=after, times=4, cloud="vertex"))
    site.run("apply", "--auto-approve", code=None)
    world.faults.clear()
    site.run("apply", "--auto-approve")
    assert "No changes." in site.run("plan").out
    [corpus] = site.clouds.vertex.ledger.corpora.values()
    assert len(corpus.files) == 2
    site.run("destroy", "--auto-approve")
    assert site.clouds.left() == []


def test_settings_of_another_cloud_are_refused(site):
    site.declare(storage="managed")
    refused = site.run("validate", code=Exit.ERROR).err
    assert "`storage`" in refused
    assert "Amazon Bedrock" in refused
