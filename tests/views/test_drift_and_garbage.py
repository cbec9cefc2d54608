"""Drift and gc on the screen, in JSON and in markdown."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.divergence import Examined, diverged
from tunectl.core.errors import Diagnostic, Exit
from tunectl.core.ports import Found, Mark
from tunectl.core.resource import BUILTIN, Instance, Recreate, Status
from tunectl.core.state import Intent
from tunectl.core.sweep import Fate, Judged, Orphan, Outcome, Standing, Swept
from tunectl.core.value import Address
from tunectl.views import drift, garbage
from tunectl.views.text import json_text


def instance(address: Address, **changes) -> Instance:
    made = Instance(
        address=address,
        provider="local",
        account=samples.ACCOUNT,
        id=f"{address.kind}-1",
        spec={"model": "ft:old"},
        op="0" * 32,
    )
    return replace(made, **changes)


def examined() -> Examined:
    job = instance(samples.JOB, recreate=Recreate.ON_REQUEST)
    old = replace(job, id="tuning_job-0")
    alias = instance(samples.ENDPOINT)
    prompt = instance(samples.PROMPT, provider=BUILTIN)
    file = instance(samples.UPLOAD, recreate=Recreate.ON_DEMAND)
    running = instance(Address.of("tuning_job", "żółw"), status=Status.PENDING)
    broken = instance(Address.of("tuning_job", "faq"))
    bad = replace(broken, status=Status.FAILED, reason="moderation: \x1b[31mblocked\nby policy")
    pairs = [
        (alias, replace(alias, spec={"model": "ft:|new|"})),
        (prompt, None),
        (broken, bad),
        (job, None),
        (old, None),
        (running, replace(running, status=Status.READY)),
        (file, None),
    ]
    intent = Intent(op="1" * 32, action="create", address=samples.JOB, provider="local")
    return Examined(
        project="helpdesk",
        env="prod",
        lineage=samples.LINEAGE,
        serial=7,
        checked=9,
        ignored=1,
        found=diverged(pairs, {old.key}),
        open=(intent,),
        vanished=("azure",),
    )


def test_drift_on_the_screen(snapshot: SnapshotAssertion) -> None:
    assert drift.drift_text(examined()) == snapshot


def test_drift_in_markdown_holds_no_word_of_a_provider(snapshot: SnapshotAssertion) -> None:
    text = drift.drift_markdown(examined())
    assert text == snapshot
    assert "moderation" not in text


def test_drift_as_json(snapshot: SnapshotAssertion) -> None:
    tree = json.loads(json_text(drift.drift_tree(examined(), "0.1")))
    assert tree == snapshot
    assert tree["exit"] == {"code": 2, "reason": "drift"}


def test_no_drift_is_one_line() -> None:
    none = Examined(project="p", env="e", lineage="l", serial=1, checked=6)
    assert drift.drift_text(none) == "No drift. 6 objects looked at."
    assert drift.drift_tree(none)["exit"] == {"code": 0, "reason": "done"}
    assert drift.drift_markdown(none).count("\n") == 0


def test_an_address_with_a_key_can_be_typed_as_it_is_shown() -> None:
    job = instance(Address.of("tuning_job", "a", key="pl"), recreate=Recreate.ON_REQUEST)
    [one] = diverged([(job, None)])
    assert "--replace 'tuning_job.a[\"pl\"]'" in drift.advice(one)


def found(kind: str, id_: str, name: str = "support", lineage: str = samples.LINEAGE) -> Found:
    address = Address.of(kind, name)
    mark = Mark(lineage=lineage, project="helpdesk", env="prod", address=address, op="2" * 32)
    there = instance(address, id=id_, outputs={"model_id": f"ft:{id_}"})
    return Found(instance=there, mark=mark, created_at="2026-11-20T08:00:00+00:00")


def file(id_: str) -> Found:
    name = f"tunectl.{'3' * 32}.support.train.3f9a1c0b2d4e.jsonl"
    return Found(instance=instance(Address.of("upload", name), id=id_), created_at="")


def swept() -> Swept:
    orphans = (
        Orphan(found=found("endpoint", "helpdesk-old"), fate=Fate.DELETE),
        Orphan(found=found("tuning_job", "ftjob-1"), fate=Fate.CANCEL),
        Orphan(found=file("file-1"), fate=Fate.YOUNG),
        Orphan(found=found("tuning_job", "ftjob-2"), fate=Fate.USED, why="endpoint.faq (prod)"),
        Orphan(found=found("tuning_job", "ftjob-5"), fate=Fate.KEPT, why="`protect`"),
        Orphan(found=found("tuning_job", "ftjob-3"), fate=Fate.RECORD),
        Orphan(found=found("tuning_job", "ftjob-4"), fate=Fate.RECORD),
    )
    theirs = found("tuning_job", "ftjob-9", lineage="another")
    strays = (
        Judged(found=theirs, standing=Standing.UNCLAIMED, lineage="another"),
        Judged(found=file("file-8"), standing=Standing.UNCLAIMED, lineage="another"),
        Judged(found=file("file-9"), standing=Standing.UNCLAIMED),
    )
    return Swept(
        project="helpdesk",
        envs=("default", "prod"),
        accounts=(samples.ACCOUNT,),
        managed=6,
        orphans=orphans,
        unclaimed=strays,
        others={"upload": 17, "tuning_job": 1, "endpoint": 2},
    )


def test_garbage_on_the_screen(snapshot: SnapshotAssertion) -> None:
    assert garbage.swept_text(swept()) == snapshot


def test_an_endpoint_is_an_alias_at_servers_of_ours_alone() -> None:
    there = found("endpoint", "pomoc").instance
    cloud = replace(found("endpoint", "pomoc"), instance=replace(there, account="api.openai.com"))
    told = replace(
        swept(),
        accounts=("api.openai.com", samples.ACCOUNT),
        orphans=(Orphan(found=cloud, fate=Fate.DELETE),),
    )
    text = garbage.swept_text(told)
    assert "endpoint pomoc at" in text
    assert "2 other endpoints, 1 other job" in text
    assert "alias" not in text


def test_garbage_as_json(snapshot: SnapshotAssertion) -> None:
    tree = json.loads(json_text(garbage.swept_tree(swept(), "0.1")))
    assert tree == snapshot
    assert tree["dry_run"] is True


def test_the_whole_condition_under_which_an_orphan_goes_is_said_at_once() -> None:
    why = "forgotten on purpose (`--forgotten` includes it), `keep_on_destroy`"
    one = Orphan(found=found("tuning_job", "ftjob-1"), fate=Fate.KEPT, why=why, young=True)
    made = one.found.created_at
    assert garbage.orphan_line(one).endswith(f": kept: {why}; too young, made {made}")


def test_where_nothing_was_to_go_no_deletion_is_summed_up() -> None:
    empty = replace(swept(), orphans=(), deleting=True)
    assert garbage.summary(empty).startswith("Nothing to delete.")


def test_what_became_of_an_orphan(snapshot: SnapshotAssertion) -> None:
    one = Orphan(found=found("tuning_job", "ftjob-1"), fate=Fate.DELETE)
    record = "job record ftjob-1 stays at the provider and bills nothing"
    tried = (
        replace(one, outcome=Outcome.DELETED, why=record),
        replace(one, outcome=Outcome.KEPT, why="it is gone already"),
        replace(one, outcome=Outcome.KEPT, fate=Fate.USED, why="chat"),
        replace(one, outcome=Outcome.FAILED, why="not permitted", exit=Exit.CREDENTIALS),
    )
    lines = [garbage.orphan_line(each) for each in tried]
    done = replace(swept(), orphans=tried, deleting=True)
    assert [*lines, garbage.summary(done)] == snapshot
    assert garbage.swept_tree(done)["exit"] == {"code": 6, "reason": "credentials"}


def test_a_long_list_of_the_unclaimed_is_cut_on_the_screen_and_whole_in_json() -> None:
    many = replace(swept(), unclaimed=swept().unclaimed * 40)
    assert "and 70 more; `--format json` lists all" in garbage.swept_text(many)
    assert len(garbage.swept_tree(many)["unclaimed"]) == 120


def test_what_could_not_be_asked_makes_the_json_incomplete() -> None:
    part = replace(swept(), problems=(Diagnostic(summary="no answer"),))
    tree = garbage.swept_tree(part)
    assert tree["complete"] is False
    assert tree["exit"] == {"code": 1, "reason": "error"}


@pytest.mark.parametrize(
    ("time", "text"),
    [
        (timedelta(hours=1), "1h"),
        (timedelta(days=7), "7d"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=0), "0s"),
        (timedelta(seconds=61), "61s"),
    ],
)
def test_a_grace_period_is_shown_as_it_is_typed(time: timedelta, text: str) -> None:
    assert garbage.span(time) == text
