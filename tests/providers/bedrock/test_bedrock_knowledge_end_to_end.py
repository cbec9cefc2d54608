"""A project with a knowledge base on Bedrock: plan, apply, edit, drift and destroy, on loopback."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.e2e.inprocess import Result, command
from tests.providers.bedrock.cloud import Amazon, running
from tunectl.core.errors import Exit
from tunectl.prompts.searching.bedrock import searcher
from tunectl.server.clouds.world import Fault, World

INDEX = "arn:aws:s3vectors:us-east-1:123456789012:bucket/acme/index/manual"


@dataclass
class Site:
    folder: Path
    amazon: Amazon
    capsys: pytest.CaptureFixture[str]

    def run(self, *args: str, code: int | None = 0) -> Result:
        return command(self.folder, self.capsys, *args, code=code)

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def declare(self, **base) -> None:
        project = {
            "project": "pomoc",
            "default_provider": "aws",
            "providers": {"aws": {"type": "bedrock", **self.amazon.settings}},
            "knowledge_base": {"manual": {"sources": ["docs/*"], **base}},
            "outputs": {"base": {"value": "${knowledge_base.manual.id}"}},
        }
        self.write("tunectl.yaml", yaml.safe_dump(project, allow_unicode=True, sort_keys=False))

    def found(self, question: str) -> list[str]:
        [base] = self.amazon.bedrock.shelf.knowledge.values()
        entry = {
            "type": "bedrock",
            "id": base.id,
            "region": "us-east-1",
            "endpoint_url": self.amazon.url,
            "managed": base.managed,
        }
        return [one.source for one in searcher(entry, self.folder).search(question, top_k=1)]

    def left(self) -> list[str]:
        things = [one.kind for one in self.amazon.bedrock.left()]
        return things + [key for _, key in self.amazon.buckets.objects]


@pytest.fixture
def site(tmp_path, capsys, monkeypatch):
    for name in ("TUNECTL_ENV", "TUNECTL_IN_AUTOMATION", "AWS_PROFILE", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    with running(World(operation_seconds=0.3, step=0.5)) as amazon:
        folder = tmp_path / "projekt żółw"
        folder.mkdir()
        made = Site(folder, amazon, capsys)
        made.write("docs/zwroty.md", "# Zwroty\n\nTowar można zwrócić w ciągu 14 dni.\n")
        made.write("docs/доставка.txt", "Доставка заказа занимает два дня.\n")
        made.write("docs/gwarancja.rst", "Gwarancja\n=========\n\nTrwa 24 miesiące.\n")
        made.declare()
        yield made


def _joined(text: str) -> str:
    return " ".join(text.replace("#", " ").split())


def test_a_knowledge_base_is_made_edited_healed_and_destroyed(site):
    plan = site.run("plan").out
    assert "Plan: 4 to add" in plan
    assert "0.1644 USD for each GB and day" in _joined(plan)
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert site.found("w ciągu ilu dni zwrot towaru") == ["docs/zwroty.md"]
    assert site.found("сколько дней занимает доставка") == ["docs/доставка.txt"]
    assert site.found("ile trwa gwarancja") == ["docs/gwarancja.rst"]
    first = json.loads(site.run("output", "--format", "json").out)["base"]

    site.write("docs/zwroty.md", "# Zwroty\n\nTowar można zwrócić w ciągu 30 dni.\n")
    site.write("docs/raty.md", "Raty są nieoprocentowane.\n")
    (site.folder / "docs" / "gwarancja.rst").unlink()
    plan = site.run("plan").out
    for name in ("docs/zwroty.md", "docs/raty.md", "docs/gwarancja.rst"):
        assert name in plan
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    assert json.loads(site.run("output", "--format", "json").out)["base"] == first
    assert site.found("oprocentowane raty") == ["docs/raty.md"]
    [base] = site.amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    assert len(source.documents) == 3
    assert len(site.left()) == 1 + 3  # the superseded uploads are gone, and their documents before

    source.documents.pop(next(iter(source.documents)))
    assert "documents" in site.run("drift", code=Exit.CHANGES).out
    site.run("apply", "--auto-approve")
    assert len(source.documents) == 3

    site.run("destroy", "--auto-approve")
    assert site.left() == []


def test_a_vector_index_that_was_brought_is_named_when_it_stays(site):
    store = {"type": "s3_vectors", "arn": INDEX}
    site.declare(storage=store, embedding="amazon.titan-embed-text-v2:0")
    assert f"leaves behind its vector index, which bills what it holds: `{INDEX}`" in _joined(
        site.run("plan").out
    )
    site.run("apply", "--auto-approve")
    assert f"`{INDEX}`" in _joined(site.run("plan", "--destroy").out)
    told = site.run("destroy", "--auto-approve")
    assert f"the vector index `{INDEX}` was there before and stays" in _joined(told.out)
    assert site.left() == []


@pytest.mark.slow
@pytest.mark.parametrize("skip", [1, 4, 7, 12])
@pytest.mark.parametrize(("how", "after"), [("lost", True), ("reset", False)])
def test_whatever_goes_unanswered_one_knowledge_base_comes_of_it(site, how, after, skip):
    world = site.amazon.world
    world.faults.append(Fault(how, skip=skip, after=after, times=4, cloud="bedrock"))
    site.run("apply", "--auto-approve", code=None)
    world.faults.clear()
    site.run("apply", "--auto-approve")
    assert site.run("plan").out.startswith("No changes.")
    [base] = site.amazon.bedrock.shelf.knowledge.values()
    [source] = base.sources.values()
    assert [one.status for one in source.documents.values()] == ["INDEXED"] * 3
    site.run("destroy", "--auto-approve")
    assert site.left() == []


def test_settings_of_another_cloud_are_refused(site):
    site.declare(allow_rag_engine=True)
    assert "allow_rag_engine" in site.run("validate", code=Exit.ERROR).err
