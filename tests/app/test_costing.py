"""What a plan says a tuning job costs, and how little it does to know that."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.config.making import loaded, project
from tunectl.app.costing import Costing, keep_tokens, with_estimates
from tunectl.config.cache_folder import CacheFolder
from tunectl.core.errors import StaleError
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.planrecord import plan_from_tree, plan_to_tree
from tunectl.core.ports import Blob
from tunectl.core.resource import Instance
from tunectl.core.value import Address
from tunectl.data.dataset import Dataset
from tunectl.views.human_plan import plan_text
from tunectl.views.json_plan import plan_tree
from tunectl.views.money import token_sentence

BASE = """
project: helpdesk
default_provider: openai
providers:
  openai: {}
  azure: {type: openai, profile: azure, base_url: "https://acme.example/openai/v1/", key_env: KEY}
  local: {}
dataset:
  support: {source: data/rows.jsonl}
tuning_job:
  support: {base_model: gpt-4.1-mini, data: dataset.support}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Where counts are remembered: a cache of the test's own."""
    found = tmp_path / "cache"
    monkeypatch.setattr("tunectl.app.costing.user_folder", lambda _, name: found / name)
    return found / "tokens"


def costing(root):
    found = loaded(root)
    return Costing(found.project, found.datasets), {r.address: r for r in found.project.resources}


def cost(root, name="support"):
    priced, resources = costing(root)
    return priced.job(resources[Address.of("tuning_job", name)])


def test_a_job_costs_its_training_tokens_times_epochs_times_the_price(tmp_path):
    root = project(tmp_path, BASE)
    priced, resources = costing(root)
    job = resources[Address.of("tuning_job", "support")]
    found = priced.job(job)
    assert found.currency == "USD"
    assert Decimal(0) < found.low <= found.likely <= found.high < Decimal("0.1")
    twice = cost(
        project(
            tmp_path / "more",
            BASE.replace("data: dataset.support}", "data: dataset.support, method: {epochs: 8}}"),
        )
    )
    # 24 rows: by the cookbook's rule `auto` is 100 // 24 = 4 epochs
    assert twice.likely == found.likely * 2


def test_a_job_that_trains_on_what_another_made_has_that_ones_price(tmp_path):
    more = "  further: {base_model: tuning_job.support, data: dataset.support}\n"
    root = project(tmp_path, BASE + more)
    assert cost(root, "further") == cost(root)


def test_what_has_no_price_is_unknown_until_the_user_names_one(tmp_path):
    azure = BASE.replace("gpt-4.1-mini, data", "gpt-4.1-mini, provider: azure, data")
    found = cost(project(tmp_path, azure))
    assert found.unknown == ("no price is known for training on `azure:gpt-4.1-mini`",)
    said = azure + "prices: {azure: {gpt-4.1-mini: {training: 6 EUR, source: umowa}}}\n"
    assert "`auto`" in cost(project(tmp_path, said)).unknown[0]
    known = said.replace("data: dataset.support}", "data: dataset.support, method: {epochs: 4}}")
    found = cost(project(tmp_path, known))
    assert (found.known, found.currency) == (True, "EUR")
    own = cost(project(tmp_path, BASE))
    assert found.likely * 5 == own.likely * 6


class Guarded(dict):
    """Datasets nobody may look at."""

    def __getitem__(self, address):
        raise AssertionError(f"{address} was read")


def test_training_on_this_machine_is_free_and_reads_no_row(tmp_path):
    local = BASE.replace("gpt-4.1-mini, data", "smollm2-135m-instruct, provider: local, data")
    found = loaded(project(tmp_path, local))
    priced = Costing(found.project, Guarded(found.datasets))
    job = next(r for r in found.project.resources if r.address.kind == "tuning_job")
    assert priced.job(job).free


def test_rows_are_counted_once_and_remembered_for_the_next_run(tmp_path, monkeypatch):
    root = project(tmp_path, BASE)
    first = cost(root)
    passes = []
    monkeypatch.setattr(Dataset, "each", lambda self: passes.append(self) or iter(()))
    assert cost(root) == first
    assert passes == []


def test_a_damaged_memory_is_as_good_as_none(tmp_path, folder):
    root = project(tmp_path, BASE)
    first = cost(root)
    [entry] = folder.iterdir()
    entry.write_bytes(b"something else")
    assert cost(root) == first
    CacheFolder(folder).write(entry.name, b'{"rows": 1}')
    assert cost(root) == first


def test_only_what_is_made_or_reused_has_an_estimate_and_the_digest_knows_no_price(tmp_path):
    found = loaded(project(tmp_path, BASE))

    class Opened:
        project, datasets, store = found.project, found.datasets, Memory()

    def plan(action, cause):
        changes = tuple(
            Change(address=r.address, provider=r.provider, action=action, cause=cause, after=r)
            for r in found.project.resources
        )
        priced = with_estimates(Opened, changes)
        made = Plan(lineage="l", serial=1, project="p", env="e", changes=priced)
        assert (
            made.digest == Plan(lineage="l", serial=1, project="p", env="e", changes=changes).digest
        )
        return made

    made = plan(Action.CREATE, Cause.NEW)
    assert [c.address.kind for c in made.changes if c.estimate] == ["tuning_job"]
    stored = plan_from_tree(plan_to_tree(made))
    assert [c.estimate for c in stored.changes] == [c.estimate for c in made.changes]
    assert any(c.estimate for c in plan(Action.ADOPT, Cause.REUSED).changes)
    assert not any(c.estimate for c in plan(Action.UPDATE, Cause.CHANGED).changes)
    assert not any(c.estimate for c in plan(Action.ADOPT, Cause.IMPORTED).changes)


class Memory:
    """A store of side objects."""

    def __init__(self):
        self.kept = {}

    def read(self, name):
        return self.kept.get(name)

    def write(self, name, content, expected):
        assert expected is None
        if name in self.kept:
            raise StaleError.of("there already")
        self.kept[name] = Blob(content, "1")


def replaced(root, old, store, folder):
    """The change of a job whose rows are others now, on a machine that knows no older counts."""
    found = loaded(root)
    [job] = [r for r in found.project.resources if r.address.kind == "tuning_job"]
    before = Instance(
        address=job.address,
        provider=job.provider,
        account="a",
        id="ftjob-1",
        spec={key: value for key, value in old.spec.items() if key != "training_file"},
    )
    for entry in folder.glob("*"):
        entry.unlink()

    class Opened:
        project, datasets = found.project, found.datasets

    Opened.store = store
    change = Change(
        address=job.address,
        provider=job.provider,
        action=Action.REPLACE,
        cause=Cause.CANNOT_UPDATE,
        before=before,
        after=job,
    )
    [made] = with_estimates(Opened, [change])
    return made


def kept(root, store):
    """What an apply of the project stores; its job."""
    found = loaded(root)

    class Opened:
        project, datasets = found.project, found.datasets

    Opened.store = store
    changes = with_estimates(
        Opened,
        [
            Change(
                address=r.address,
                provider=r.provider,
                action=Action.CREATE,
                cause=Cause.NEW,
                after=r,
            )
            for r in found.project.resources
        ],
    )
    keep_tokens(Opened, changes)
    return next(r for r in found.project.resources if r.address.kind == "tuning_job")


def grown(root):
    rows = root / "data" / "rows.jsonl"
    lines = rows.read_text(encoding="utf-8").splitlines(keepends=True)
    rows.write_text("".join([*lines, lines[0].replace("?", " dzisiaj?")]), encoding="utf-8")
    return root


def test_changed_rows_show_tokens_and_costs_of_before_and_after(tmp_path, folder):
    root, store = project(tmp_path, BASE), Memory()
    old = kept(root, store)
    price = cost(root)
    made = replaced(grown(root), old, store, folder)
    assert made.tokens is not None
    assert made.tokens.cost == price
    assert made.tokens.before[1] < made.tokens.after[1] < made.tokens.before[1] * 1.2
    assert made.estimate.likely > price.likely
    assert kept(root, store)  # a second apply finds its own count there
    text = token_sentence(made)
    before, after = made.tokens.before[1], made.tokens.after[1]
    assert text.startswith(f"~ {before:,} -> ~ {after:,} (+{after - before:,}), training ~ ")
    assert text.count("USD") == 2
    plan = Plan(lineage="l", serial=1, project="p", env="e", changes=(made,))
    stored = plan_from_tree(plan_to_tree(plan))
    assert [c.tokens for c in stored.changes] == [made.tokens]
    assert f"tokens: {text}" in plan_text(plan)
    [told] = [c["tokens"] for c in plan_tree(plan)["resource_changes"] if "tokens" in c]
    assert told["before"]["likely"] == before
    assert told["cost_before"]["currency"] == "USD"


def test_rows_that_did_not_change_or_that_nobody_counted_show_no_delta(tmp_path, folder):
    root, store = project(tmp_path, BASE), Memory()
    old = kept(root, store)
    assert replaced(root, old, store, folder).tokens is None
    assert replaced(grown(root), old, Memory(), folder).tokens is None


def test_a_damaged_count_is_as_good_as_none(tmp_path, folder):
    root, store = project(tmp_path, BASE), Memory()
    old = kept(root, store)
    store.kept = {name: Blob(b"[1]", "1") for name in store.kept}
    assert replaced(grown(root), old, store, folder).tokens is None


def test_free_training_keeps_no_counts(tmp_path):
    local = BASE.replace("gpt-4.1-mini, data", "smollm2-135m-instruct, provider: local, data")
    store = Memory()
    kept(project(tmp_path, local), store)
    assert store.kept == {}
