"""A project's whole life on loopback, called as a function."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CONFIG, row
from tunectl.app import rehearsing_faults
from tunectl.app.options import Options
from tunectl.app.rehearsing import PROMISES, rehearse
from tunectl.app.rehearsing_stage import staged
from tunectl.core.errors import ConfigError, Exit
from tunectl.core.rehearsal import FAULTS, Verdict
from tunectl.server.clouds.world import World

CANARY = "canary-7f3a9c51"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project's folder; the user's own folders are beside it."""
    folder = tmp_path / "projekt żółw проект"
    (folder / "data").mkdir(parents=True)
    (folder / "tunectl.yaml").write_text(CONFIG, encoding="utf-8")
    write_rows(folder, [row(n) for n in range(40)])
    for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    return folder


def write_rows(folder: Path, rows: list[str]) -> None:
    (folder / "data" / "rows.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "tunectl.yaml"
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")


def files(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_every_promise_is_kept_and_nothing_of_the_users_is_touched(project, tmp_path):
    before, environ = files(tmp_path), dict(os.environ)
    done = rehearse(Options(root=project))
    assert {c.name: c.verdict for c in done.checks} == {
        name: Verdict.PASSED for name in PROMISES if name != "fault-struck"
    }
    assert (done.exit, done.failures, done.refusals) == (Exit.DONE, (), ())
    assert files(tmp_path) == before
    assert dict(os.environ) == environ


def test_it_tells_the_order_the_calls_and_what_stood_there(project):
    done = rehearse(Options(root=project))
    assert [o.name for o in done.operations] == ["plan", "apply", "plan again", "drift", "destroy"]
    applied, destroyed = done.operations[1], done.operations[-1]
    assert applied.steps == (
        "create dataset.support",
        'create upload.support["train/local/chat"]',
        'create upload.support["validation/local/chat"]',
        "create tuning_job.support",
        "create endpoint.support",
        "create prompt_template.support",
    )
    assert len(destroyed.steps) == len(applied.steps)
    assert all(o.calls["local"] > 0 for o in done.operations[1:])
    assert {one.kind for one in done.standing} == {"file", "tuning job", "model", "alias"}
    assert [one.kind for one in done.left if not one.record] == []
    assert done.durations == {"tuning_job.support": None}


def test_a_variable_that_may_hold_a_secret_is_not_passed_on(project, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:{CANARY}@proxy.example:3128")
    monkeypatch.setenv("TUNECTL_STATE_KEY", CANARY)
    with staged(Options(root=project), World()):
        assert not [name for name, value in os.environ.items() if CANARY in value]
    assert os.environ["OPENAI_API_KEY"] == CANARY


def test_what_the_declaration_names_of_the_environment_is_made_up_where_it_is_missing(
    project, monkeypatch
):
    edit(project, "default_provider: local", "default_provider: cloud\nenv: [KEY_NAME, ORG]")
    edit(
        project,
        "  local: {trainer: simulated}",
        "  cloud: {type: openai, key_env: '${env.KEY_NAME}', organization: '${env.ORG}'}",
    )
    edit(project, "base_model: simulated-1", "base_model: gpt-4o-mini-2024-07-18")
    for name in ("KEY_NAME", "ORG", "OPENAI_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    done = rehearse(Options(root=project))
    assert done.passed, done.failures
    assert done.stages == {"cloud": "OpenAI"}


def test_a_defect_that_only_the_service_sees_breaks_promises(project):
    edit(project, "    split:", "    checks: {allow: {special-token: on purpose}}\n    split:")
    write_rows(project, [row(n, f"Koniec <|endoftext|> {n}") for n in range(40)])
    done = rehearse(Options(root=project))
    assert done.exit is Exit.ERROR
    verdicts = {c.name: c.verdict for c in done.checks}
    assert verdicts["applied"] is Verdict.FAILED
    assert verdicts["plan-again-is-empty"] is Verdict.SKIPPED
    assert verdicts["nothing-left"] is Verdict.PASSED
    assert "invalid token" in done.failures[0].summary


def test_a_base_that_is_gone_is_named_as_what_stopped_it(project, monkeypatch):
    edit(project, "default_provider: local", "default_provider: cloud")
    edit(project, "  local: {trainer: simulated}", "  cloud: {type: openai}")
    edit(project, "base_model: simulated-1", "base_model: gpt-3.5-turbo")
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    done = rehearse(Options(root=project))
    applied = next(c for c in done.checks if c.name == "applied")
    assert applied.verdict is Verdict.FAILED
    assert "tuning_job.support: " in applied.detail
    assert "`gpt-3.5-turbo` was shut down on 2026-10-23" in applied.detail


def test_rows_that_are_refused_are_refused_as_by_plan(project):
    write_rows(project, [row(n, f"Koniec <|endoftext|> {n}") for n in range(40)])
    with pytest.raises(ConfigError) as caught:
        rehearse(Options(root=project))
    assert caught.value.exit is Exit.REFUSED


def test_what_is_protected_is_destroyed_all_the_same_and_said(project):
    edit(project, "lifecycle: {keep_previous: 0}", "lifecycle: {protect: true}")
    done = rehearse(Options(root=project))
    assert done.passed, done.failures
    assert done.notes == (
        "`tuning_job.support` is kept from being destroyed; here it is destroyed",
    )


def test_what_is_imported_is_made_anew_and_said(project):
    with (project / "tunectl.yaml").open("a", encoding="utf-8") as file:
        file.write("import: [{address: tuning_job.support, id: ftjob-zdalny}]\n")
    done = rehearse(Options(root=project))
    assert done.passed, done.failures
    assert "tuning_job.support" in done.notes[0]


def test_a_provider_that_no_resource_uses_is_not_started(project):
    edit(project, "  local: {trainer: simulated}\n",
         "  local: {trainer: simulated}\n  other: {type: openai}\n")  # fmt: skip
    assert rehearse(Options(root=project)).stages == {"local": "the local server"}


def test_a_type_that_nothing_stands_in_for_is_refused_with_those_that_can_be(
    project, tmp_path, monkeypatch
):
    info = tmp_path / "site" / "moja-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: moja\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tunectl.providers]\nmoja = moja:connect\n")
    monkeypatch.syspath_prepend(str(info.parent))
    edit(project, "  local: {trainer: simulated}", "  local: {type: moja}")
    with pytest.raises(ConfigError, match="nothing can stand in for type `moja`") as caught:
        rehearse(Options(root=project))
    assert "`openai`" in caught.value.diagnostics[0].hint


def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(project, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    edit(project, "  local: {trainer: simulated}", "  local: {type: openai}")
    edit(project, "base_model: simulated-1", "base_model: gpt-4.1-mini-2025-04-14")
    with pytest.raises(ConfigError, match="needs `starlette`, which is not installed") as caught:
        rehearse(Options(root=project))
    assert caught.value.diagnostics[0].hint == "pip install 'tunectl[rehearse]'"


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_that_can_be_named_can_be_ordered(fault):
    assert {(f.times, f.cloud) for f in rehearsing_faults.ordered(fault, ["aws"])} == {(1, "aws")}


@pytest.mark.parametrize(
    "fault",
    [pytest.param(f, marks=pytest.mark.slow) if f in {"reset", "503"} else f for f in FAULTS],
)
def test_in_spite_of_a_fault_each_job_is_started_once(project, fault):
    """`reset` and `503` take the half minute that a listing is given to show what was made."""
    edit(project, "default_provider: local", "default_provider: cloud")
    edit(project, "  local: {trainer: simulated}", "  cloud: {type: openai}")
    edit(project, "base_model: simulated-1", "base_model: gpt-4o-mini-2024-07-18")
    done = rehearse(Options(root=project), fault)
    assert done.passed, (done.checks, done.failures)
    [once] = [c for c in done.checks if c.name == "made-once"]
    assert once.detail == "1 declared, 1 started"


def test_a_fault_strikes_each_provider_though_they_speak_one_wire(project):
    edit(
        project,
        "  local: {trainer: simulated}",
        "  local: {trainer: simulated}\n  cloud: {type: openai}",
    )
    edit(
        project,
        "endpoint:\n",
        "  second:\n    provider: cloud\n    base_model: gpt-4o-mini-2024-07-18\n"
        "    data: dataset.support\n\nendpoint:\n",
    )
    world = World(step=5.0)
    done = rehearse(Options(root=project), "lost-reply", world=world)
    assert done.passed, (done.checks, done.failures)
    lost = {(call.cloud, call.path.rpartition("/")[2]) for call in world.calls if call.status == 0}
    assert lost == {(cloud, made) for cloud in ("local", "cloud") for made in ("files", "jobs")}
