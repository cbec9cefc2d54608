"""`drift`: reads only, counts only what differs from the record, and keeps its exit codes."""

from __future__ import annotations

import urllib.request

import orjson
import pytest

from tests.e2e.inprocess import cloud
from tests.providers import fake_openai
from tests.providers.fake_openai import Fault

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

__all__ = ["cloud"]

BROKEN = "tuning_job:\n  other: {base_modell: nope, data: dataset.missing}\nendpoint:\n  x: 7\n"


@pytest.fixture
def applied(cloud):
    cloud.run("apply", "--auto-approve")
    return cloud


def test_where_no_state_is_stored_drift_says_that_it_looked_at_nothing(cloud):
    found = cloud.run("drift")
    assert found.out == "Nothing is recorded for environment `default`. Nothing was looked at.\n"
    assert "no state of environment `default` is stored in `state/`" in found.err
    tree = cloud.run("drift", "--format", "json").json
    assert tree["summary"]["message"] == found.out.strip()
    assert [d["code"] for d in tree["diagnostics"]] == ["nothing-recorded"]
    assert not (cloud.folder / "state").exists()


def test_edits_that_were_not_applied_are_no_drift(applied):
    applied.edit("epochs: 2", "epochs: 3")
    applied.edit("Jesteś pomocny.", "Отвечай кратко.")
    with (applied.folder / "data" / "rows.jsonl").open("a", encoding="utf-8") as rows:
        rows.write('{"messages": "broken"}\n')
    assert applied.run("drift").out == "No drift. 6 objects looked at.\n"


def test_a_declaration_that_cannot_be_used_stops_nothing(applied):
    (applied.folder / "data" / "rows.jsonl").unlink()
    (applied.folder / "broken.tunectl.yaml").write_text(BROKEN, encoding="utf-8")
    assert applied.run("validate", code=None).code != 0
    applied.run("drift")


def test_a_provider_that_was_taken_out_of_the_declaration_is_still_asked(applied):
    text = applied.yaml.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "cloud" not in line and line != "providers:"]
    applied.yaml.write_text("\n".join(lines), encoding="utf-8")
    for model in applied.models:
        del applied.fake.models[model]
    assert "tuning_job.support was deleted remotely" in applied.run("drift", code=2).out


def test_an_account_that_was_declared_and_not_applied_changes_nothing(applied):
    applied.edit("profile: openai,", "profile: openai, project: other,")
    applied.run("drift")


def test_the_variable_of_the_key_may_have_another_name_by_now(applied, monkeypatch):
    applied.edit("key_env: FAKE_KEY", "key_env: NEW_KEY")
    monkeypatch.setenv("NEW_KEY", "sk-canary-7f3a9c51d2e84b60")
    monkeypatch.delenv("FAKE_KEY")
    applied.run("drift")


def test_drift_writes_nothing_and_needs_no_lock(applied):
    for model in applied.models:
        del applied.fake.models[model]
    before = applied.stored()
    from tunectl.stores.file import FileStore

    with FileStore(applied.folder / "state").lock("default", "apply"):
        applied.fake.seen.clear()
        applied.run("drift", code=2)
    after = applied.stored()
    assert {k: v for k, v in after.items() if "lock" not in k} == {
        k: v for k, v in before.items() if "lock" not in k
    }
    assert {seen.method for seen in applied.fake.seen} == {"GET"}


def test_a_model_that_was_deleted_is_drift_and_names_what_to_do(applied):
    for model in applied.models:
        del applied.fake.models[model]
    human = applied.run("drift", code=2).out
    assert "tuning_job.support was deleted remotely" in human
    assert "`tunectl apply --replace tuning_job.support` makes it again, at its cost" in human
    assert "`tunectl state rm tuning_job.support` accepts" in human
    assert "Drift: 0 changed, 1 deleted, 0 with another status." in human
    tree = applied.run("drift", "--json", code=2).json
    assert tree["format_version"] == "1.0"
    assert tree["exit"] == {"code": 2, "reason": "drift"}
    [one] = [d for d in tree["resource_drift"] if d["drift"]]
    assert (one["address"], one["reason"]) == ("tuning_job.support", "deleted_remotely")
    assert applied.run("drift", "--format", "json", code=2).json == tree
    assert "| `tuning_job.support` | deleted |" in (
        applied.run("drift", "--format", "markdown", code=2).out
    )


def test_what_is_ignored_is_counted_and_no_drift(applied):
    for model in applied.models:
        del applied.fake.models[model]
    result = applied.run("drift", "--ignore", "tuning_job.*", "--ignore", "dataset.nope")
    assert result.out == "No drift. 6 objects looked at, 1 ignored.\n"
    assert "`--ignore dataset.nope`: nothing recorded has such an address" in result.err


def test_files_that_no_running_job_needs_may_go(applied):
    applied.fake.files.clear()
    result = applied.run("drift")
    assert "2 uploaded files are gone that no running job needs" in result.out
    reasons = {d["reason"] for d in applied.run("drift", "--json").json["resource_drift"]}
    assert reasons == {"released"}


def test_a_job_that_ended_since_is_no_drift(cloud):
    cloud.fake.path = ("queued",) * 3 + ("running",) * 3 + ("succeeded",)
    cloud.run("apply", "--auto-approve", "--no-wait", code=8)
    for _ in range(6):
        result = cloud.run("drift")
    assert "tuning_job.support is ready, recorded pending" in result.out
    assert result.out.endswith("objects looked at.\n")
    assert "No drift." in result.out


def test_an_artefact_that_was_edited_is_drift(applied):
    path = applied.folder / ".tunectl" / "prompts" / "default" / "support.json"
    path.write_text("{}", encoding="utf-8")
    result = applied.run("drift", code=2)
    assert "prompt_template.support is missing here, or its file was edited" in result.out
    applied.run("drift", "--ignore", "prompt_template.*")


def test_steps_that_an_interrupted_apply_left_open_are_told_of(cloud):
    cloud.fake.faults.append(Fault("POST", "/files", how="reset", after=True, times=9))
    cloud.fake.faults.append(Fault("GET", "/files", status=500, times=99))
    cloud.run("apply", "--auto-approve", code=None)
    cloud.fake.faults.clear()
    assert "An interrupted apply left" in cloud.run("drift").out


def test_a_missing_or_refused_key_is_exit_6(applied, monkeypatch):
    monkeypatch.delenv("FAKE_KEY")
    assert applied.run("drift", "--json", code=6).json["exit"]["reason"] == "credentials"
    monkeypatch.setenv("FAKE_KEY", "sk-another-key-altogether")
    applied.run("drift", code=6)


def test_another_account_is_exit_1_and_no_drift(applied, monkeypatch):
    from tests.providers import fake_openai_state

    monkeypatch.setattr("tests.providers.fake_openai.ORGANIZATION", "somebody-else")
    assert fake_openai_state.ORGANIZATION != "somebody-else"
    result = applied.run("drift", code=1)
    assert "lives in account" in result.err


def test_a_service_that_gives_no_answer_is_exit_1(applied):
    applied.fake.faults.append(Fault("GET", "/models/.*", status=500, times=99))
    applied.run("drift", code=1)


@pytest.fixture
def two(cloud, monkeypatch):
    """A job at each of two services."""
    monkeypatch.setenv("OTHER_KEY", fake_openai.KEY)
    with fake_openai.running() as other:
        other.path = ("running", "succeeded")
        second = f"{{type: openai, profile: openai, key_env: OTHER_KEY, base_url: '{other.url}'}}"
        cloud.edit("providers:\n", f"providers:\n  second: {second}\n")
        cloud.edit(
            "tuning_job:\n",
            "tuning_job:\n  zdalny: {provider: second, base_model: gpt-4o-mini-2024-07-18, "
            "data: dataset.support}\n",
        )
        cloud.run("apply", "--auto-approve")
        yield cloud, other


def test_a_provider_that_cannot_be_reached_hides_no_drift_at_another(two):
    cloud, other = two
    for model in cloud.models:
        del cloud.fake.models[model]
    for path in ("/models/.*", "/fine_tuning/jobs.*", "/files.*"):
        other.faults.append(Fault("GET", path, status=500, times=999))
    found = cloud.run("drift", code=1)
    assert "tuning_job.support was deleted remotely" in found.out
    assert "3 not" in found.out, "a job and its two files at the other"
    assert "provider `second`" in found.err
    tree = cloud.run("drift", "--json", code=1).json
    assert (tree["drifted"], tree["complete"]) == (True, False)
    assert tree["exit"] == {"code": 1, "reason": "error"}
    assert tree["summary"]["unseen"] == 3
    assert [d["severity"] for d in tree["diagnostics"]] == ["error"]
    other.faults.clear()
    assert cloud.run("drift", "--json", code=2).json["complete"] is True


def test_a_missing_key_of_one_provider_is_exit_6_and_the_others_are_shown(two, monkeypatch):
    cloud, _ = two
    monkeypatch.delenv("OTHER_KEY")
    found = cloud.run("drift", code=6)
    assert "No drift in what could be looked at." in found.out
    assert "No drift. " not in found.out


def test_a_state_that_cannot_be_read_is_exit_1(applied):
    path = applied.folder / "state" / "default.json"
    path.write_bytes(path.read_bytes()[:100])
    applied.run("drift", code=1)


def test_a_kept_model_that_was_deleted_is_drift_too(cloud):
    cloud.edit("keep_previous: 0", "keep_previous: 1")
    cloud.run("apply", "--auto-approve")
    [first] = cloud.models[:1]
    cloud.edit("epochs: 2", "epochs: 3")
    cloud.run("apply", "--auto-approve")
    state = orjson.loads((cloud.folder / "state" / "default.json").read_bytes())
    assert state["superseded"]
    del cloud.fake.models[first]
    result = cloud.run("drift", code=2)
    assert "tuning_job.support (superseded) was deleted remotely" in result.out


def served(site, method: str, path: str, body: object = None) -> dict:
    said = orjson.loads((site.root / "server.json").read_bytes())
    token = (site.root / "token").read_text().strip()
    request = urllib.request.Request(
        said["url"].rstrip("/").removesuffix("/v1") + f"/v1{path}",
        method=method,
        data=orjson.dumps(body) if body is not None else None,
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return orjson.loads(answer.read())


def test_an_alias_that_somebody_moved_is_drift_until_apply_puts_it_back(site):
    site.run("apply", "--auto-approve")
    [alias] = served(site, "GET", "/tunectl/aliases")["data"]
    moved = {"model": "simulated-1", "metadata": alias["metadata"]}
    served(site, "PUT", f"/tunectl/aliases/{alias['name']}", moved)
    found = site.run("drift", code=2)
    assert "# endpoint.support was changed remotely" in found.out
    assert f'~ model = "{alias["model"]}" -> "simulated-1"' in found.out
    site.run("apply", "--auto-approve")
    site.run("drift")


def test_gc_empties_a_local_server_of_what_was_taken_out_of_the_state(site):
    site.run("apply", "--auto-approve")
    addresses = [a for a in site.run("state", "list").out.split("\n") if a]
    site.run("state", "rm", *[a for a in addresses if "dataset" not in a])
    asked = ("--forgotten", "--delete", "--auto-approve", "--confirm", "pomoc")
    done = site.run("gc", *asked, "--older-than", "0s")
    assert "Orphans: 4 deleted, 0 kept, 0 failed." in done.out
    assert served(site, "GET", "/tunectl/aliases")["data"] == []
    assert served(site, "GET", "/files?purpose=fine-tune")["data"] == []
    models = [m["id"] for m in served(site, "GET", "/models")["data"]]
    assert not [name for name in models if name.startswith("ft:")]
