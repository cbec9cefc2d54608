"""What is let go is told of where the same plan deletes what it refers to."""

from __future__ import annotations

import pytest

from tests.e2e.inprocess import Cloud, cloud
from tests.views import samples
from tunectl.core.plan import Action, Cause
from tunectl.core.stranding import stranded
from tunectl.views.text import json_text

__all__ = ["cloud"]

KEEP = "lifecycle: {keep_on_destroy: true}"
TOLD = "`endpoint.support` stays, and `tuning_job.support`, which it refers to, is deleted"


@pytest.fixture
def alias_kept(cloud: Cloud) -> Cloud:
    model = "    model: tuning_job.support\n"
    cloud.edit(model, f"{model}    {KEEP}\n")
    cloud.run("apply", "--auto-approve")
    return cloud


def test_a_kept_endpoint_whose_model_is_deleted_is_told_of_before(alias_kept):
    [model] = {m for m in alias_kept.models if "step" not in m}
    planned = alias_kept.run("plan", "--destroy")
    assert f"warning: {TOLD}" in planned.err
    assert f"`{model}` is gone then" in planned.err
    assert f"hint: let `tuning_job.support` stay too (`{KEEP}`), or let both go" in planned.err
    tree = alias_kept.run("plan", "--destroy", "--format", "json").json
    assert TOLD in json_text(tree)
    assert f"warning: {TOLD}" in alias_kept.run("destroy", "--auto-approve").err


def test_a_kept_endpoint_with_its_model_is_nothing_to_tell_of(alias_kept):
    alias_kept.edit("keep_previous: 0", "keep_previous: 0, keep_on_destroy: true")
    assert "stays, and" not in alias_kept.run("plan", "--destroy").err
    alias_kept.run("destroy", "--auto-approve")
    assert alias_kept.models


def test_a_kept_model_needs_the_files_no_more_that_it_was_made_from(cloud):
    cloud.edit("keep_previous: 0", "keep_previous: 0, keep_on_destroy: true")
    cloud.run("apply", "--auto-approve")
    assert "stays, and" not in cloud.run("destroy", "--auto-approve").err


def test_what_a_removed_block_lets_go_is_told_of_too(cloud):
    cloud.run("apply", "--auto-approve")
    text = cloud.yaml.read_text("utf-8")
    removed = "removed: [{address: endpoint.support, destroy: false}]\n"
    cloud.yaml.write_text(text[: text.index("tuning_job:\n")] + removed, "utf-8")
    told = cloud.run("plan").err
    assert TOLD in told
    assert "stay too (`removed:` with `destroy: false`)" in told
    both = removed.replace("}]", "}, {address: tuning_job.support, destroy: false}]")
    cloud.edit(removed, both)
    assert "stays, and" not in cloud.run("plan").err


def test_a_replaced_endpoint_that_is_let_go_is_told_of_only_where_its_model_ends():
    alias = samples.change(
        Action.REPLACE,
        Cause.CANNOT_UPDATE,
        samples.OLD_ENDPOINT,
        samples.endpoint(),
        lets_go=True,
    )
    for kept, said in (({}, [TOLD]), ({"held": True}, []), ({"lets_go": True}, [])):
        job = samples.change(
            Action.REPLACE, Cause.CANNOT_UPDATE, samples.OLD_JOB, samples.job(4), **kept
        )
        found = stranded(samples.plan(changes=(job, alias)))
        assert [diagnostic.summary for diagnostic in found] == said
