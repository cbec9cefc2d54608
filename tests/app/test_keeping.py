"""What keeping documents costs is said beside what it is, and never guessed."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tunectl.app.keeping import with_keeping
from tunectl.core.plan import Action, Cause, Change
from tunectl.core.project import Project, Provided
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address, Ref

GB = 2**30
ADDRESS = Address.of("knowledge_base", "manual")
FILE = Address.of("upload", "manual", key="docs/a.md/p/document")


def planned(type_: str, size: int, action: Action = Action.CREATE, **settings: str) -> Change:
    """A change of a knowledge base with one document, as it is priced."""
    document = Resource(address=FILE, provider="p", spec={"bytes": size}, parent=ADDRESS)
    files = {"docs/a.md": Ref(FILE, ("file_id",))}
    base = Resource(
        address=ADDRESS, provider="p", spec={"documents": {"docs/a.md": "0"}, "files": files}
    )
    project = Project(
        name="x",
        env="default",
        root=".",
        state="state/",
        providers={"p": Provided(name="p", type=type_, settings=settings)},
        default_provider=None,
        resources=(document, base),
    )
    change = Change(address=ADDRESS, provider="p", action=action, cause=Cause.NEW, after=base)
    return with_keeping(project, change)


def test_within_what_is_free_it_costs_nothing_and_the_price_is_said():
    change = planned("openai", GB)
    assert change.estimate is None
    [note] = change.notes
    assert "0.10 USD for each GB and day beyond the account's first 1 GB" in note
    assert "the documents have 1.0 GB" in note
    assert "2026-03-12" in note


def test_beyond_that_it_is_told_by_the_month():
    estimate = planned("openai", 11 * GB).estimate
    assert estimate is not None
    assert estimate.currency == "USD"
    assert estimate.idle == Decimal("30.42")  # 10 GB, 0.10 USD, 365 / 12 days
    assert estimate.high == 0


def test_an_update_says_the_price_and_adds_nothing_to_the_bill_of_the_plan():
    change = planned("openai", 11 * GB, Action.UPDATE)
    assert change.estimate is None
    assert len(change.notes) == 1


def test_a_file_on_this_machine_costs_nothing_and_nothing_is_said():
    change = planned("local", 11 * GB)
    assert (change.estimate, change.notes) == (None, ())


def test_of_a_plugin_nothing_is_said():
    assert planned("somebodys", GB).estimate is None


@pytest.mark.parametrize(
    ("size", "said"), [(12, "12 bytes"), (2048, "2.0 kB"), (3 * 2**20, "3.0 MB")]
)
def test_sizes_are_in_words(size, said):
    assert f"the documents have {said}" in planned("openai", size).notes[0]


ARN = "arn:aws:s3vectors:us-east-1:123456789012:bucket/acme/index/manual"


def of(type_: str, spec: dict, action: Action) -> Change:
    """A change of a knowledge base with further settings."""
    after = Resource(address=ADDRESS, provider="p", spec={"documents": {}, **spec})
    before = Instance(
        address=ADDRESS, provider="p", account="a", id="i", spec={"documents": {}, **spec}
    )
    project = Project(
        name="x",
        env="default",
        root=".",
        state="state/",
        providers={"p": Provided(name="p", type=type_, settings={})},
        default_provider=None,
        resources=(after,),
    )
    gone = action in {Action.DELETE, Action.FORGET}
    change = Change(
        address=ADDRESS,
        provider="p",
        action=action,
        cause=Cause.NEW,
        before=before if gone else None,
        after=None if gone else after,
        doomed=before if gone else None,
    )
    return with_keeping(project, change)


@pytest.mark.parametrize("action", [Action.CREATE, Action.DELETE])
def test_a_vector_store_that_was_brought_is_named_as_what_stays(action):
    change = of("bedrock", {"storage": {"type": "s3_vectors", "arn": ARN}}, action)
    assert f"a destroy leaves behind its vector index, which bills what it holds: `{ARN}`" in (
        change.notes
    )


def test_what_somebodys_own_vector_store_charges_is_not_taken_from_the_managed_one():
    brought = of("bedrock", {"storage": {"type": "s3_vectors", "arn": ARN}}, Action.CREATE)
    assert brought.estimate is not None
    assert brought.estimate.unknown
    managed = of("bedrock", {"storage": {"type": "managed"}}, Action.CREATE)
    assert managed.estimate is None
    assert "0.1644 USD for each GB and day" in managed.notes[0]


@pytest.mark.parametrize("action", [Action.CREATE, Action.DELETE])
def test_the_database_of_rag_engine_is_named_as_what_stays(action):
    [note] = of("vertex", {"allow_rag_engine": True}, action).notes
    assert "Cloud Spanner, 100 processing units" in note


def test_what_is_only_forgotten_leaves_all_of_it():
    assert of("vertex", {}, Action.FORGET).notes == ()
