"""A plan asks every provider in use for its account, and the doctor says what stands in the way."""

import pytest

from tests.e2e.inprocess import made
from tests.providers import fake_openai
from tests.providers.fake_openai import KEY, Fault
from tunectl.server.clouds.anthropic import Anthropic
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.world import World

VARIABLES = (
    "OPENAI_BASE_URL", "OPENAI_API_KEY", "TUNECTL_ENV", "TUNECTL_IN_AUTOMATION",
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_PROFILE", "ANTHROPIC_CONFIG_DIR",
    "ANTHROPIC_BASE_URL",
)  # fmt: skip
REMOTE = "  claude: {type: anthropic, key_env: CLAUDE_KEY}\n"
BOT = "endpoint:\n  bot:\n    provider: claude\n    model: claude-haiku-5-5\n"


@pytest.fixture
def cloud(tmp_path, capsys, monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("FAKE_KEY", KEY)
    with fake_openai.running() as fake:
        fake.path = ("running", "succeeded")
        yield made(tmp_path, capsys, fake)


@pytest.fixture
def claude():
    world = World()
    answering = Anthropic(world)
    with serving(answering, world) as url:
        yield answering, world, url


def with_claude(cloud, line):
    cloud.edit("providers:\n", f"providers:\n{line}")
    cloud.edit("endpoint:\n", BOT)


def test_every_key_that_is_missing_is_named_in_one_go_and_the_exit_is_6(cloud, monkeypatch):
    with_claude(cloud, REMOTE)
    monkeypatch.delenv("FAKE_KEY")
    said = cloud.run("plan", code=6).err
    assert "the variable `FAKE_KEY` is not set" in said
    assert "the variable `CLAUDE_KEY` is not set" in said
    assert cloud.fake.seen == []


def test_a_key_that_is_refused_is_exit_6_and_is_not_shown(cloud, monkeypatch):
    monkeypatch.setenv("FAKE_KEY", "sk-not-the-right-one")
    said = cloud.run("plan", code=6)
    assert "refused the key" in said.err
    assert "sk-not-the-right-one" not in said.err + said.out


def test_a_provider_that_nothing_uses_needs_no_key(cloud):
    cloud.edit("providers:\n", f"providers:\n{REMOTE}")
    cloud.run("plan")


def test_a_missing_key_is_told_where_its_provider_is_declared(cloud, monkeypatch):
    monkeypatch.delenv("FAKE_KEY")
    said = cloud.run("plan", code=6).err
    assert "the variable `FAKE_KEY` is not set" in said
    line = cloud.yaml.read_text(encoding="utf-8").partition("  cloud:")[0].count("\n") + 1
    assert f"--> tunectl.yaml:{line}:3" in said


def test_what_a_provider_refuses_is_told_at_its_field_although_the_key_is_missing(
    cloud, monkeypatch
):
    monkeypatch.delenv("FAKE_KEY")
    cloud.edit(
        "    data: dataset.support\n", f"    data: dataset.support\n    suffix: {'x' * 80}\n"
    )
    said = cloud.run("plan", code=1).err
    assert "`suffix` must be at most 64 characters" in said
    text = cloud.yaml.read_text(encoding="utf-8").partition("    suffix: ")[0]
    assert f"--> tunectl.yaml:{text.count(chr(10)) + 1}:13" in said


def test_one_cheap_question_names_an_account_for_a_whole_plan(cloud):
    cloud.run("plan")
    asked = [one.query.get("limit") for one in cloud.fake.sent("GET", "/fine_tuning/jobs")]
    assert asked == ["1", "100"]  # the second looks for what another history bought already


def test_the_account_is_part_of_what_was_approved(cloud, monkeypatch):
    reviewed = cloud.run("plan", "--format", "json").json
    digest = reviewed.get("digest") or reviewed["tunectl"]["digest"]
    monkeypatch.setattr("tests.providers.fake_openai.ORGANIZATION", "somebody-else")
    refused = cloud.run("apply", "--auto-approve", "--expect-digest", digest, code=5)
    assert cloud.fake.sent("POST", "/fine_tuning/jobs") == []
    assert "digest" in refused.err or "approved" in refused.err


def test_an_endpoint_at_anthropic_is_planned_applied_moved_and_destroyed(cloud, claude):
    _, world, url = claude
    with_claude(cloud, f"  claude: {{type: anthropic, base_url: '{url}'}}\n")
    cloud.run("apply", "--auto-approve")
    assert "No changes" in cloud.run("plan").out
    shown = cloud.run("state", "show", "endpoint.bot").out
    assert "claude-haiku-5-5" in shown
    cloud.edit("model: claude-haiku-5-5", "model: claude-sonnet-5-5")
    cloud.run("apply", "--auto-approve")
    assert "claude-sonnet-5-5" in cloud.run("state", "show", "endpoint.bot").out
    answer = cloud.run("ask", "endpoint.bot", "Gdzie jest żółw?").out
    assert "Gdzie jest żółw?" in answer
    world.calls.clear()
    cloud.run("destroy", "--auto-approve")
    assert {call.method for call in world.calls} <= {"GET"}


def test_a_retired_claude_is_refused_by_the_plan_with_its_successor(cloud, claude):
    with_claude(cloud, f"  claude: {{type: anthropic, base_url: '{claude[2]}'}}\n")
    cloud.edit("model: claude-haiku-5-5", "model: claude-3-opus-20240229")
    said = cloud.run("plan", code=1).err
    assert "was retired on 2026-01-05" in said
    assert "`claude-opus-4-8`" in said


def test_models_of_claude_are_listed_with_their_ends(cloud, claude):
    with_claude(cloud, f"  claude: {{type: anthropic, base_url: '{claude[2]}'}}\n")
    said = cloud.run("model", "list", "--provider", "claude").out
    assert "claude-sonnet-5-5" in said


def test_the_doctor_tells_sdk_credentials_account_and_reachability(cloud, claude):
    answering, _, url = claude
    with_claude(cloud, f"  claude: {{type: anthropic, base_url: '{url}'}}\n")
    said = cloud.run("doctor", code=None).out
    assert "ok  SDK of claude: anthropic " in said
    assert "ok  credentials of claude: none needed" in said
    assert f"ok  provider claude: reached, account rehearsal/{answering.organization}" in said
    assert "ok  SDK of cloud: openai " in said
    assert "ok  credentials of cloud: the variable `FAKE_KEY`" in said
    assert "/acme-corp" in said
    assert KEY not in said


def test_the_doctor_asks_nobody_without_credentials_and_says_what_to_set(cloud, monkeypatch):
    with_claude(cloud, "  claude: {type: anthropic}\n")
    monkeypatch.delenv("FAKE_KEY")
    said = cloud.run("doctor", code=1).out
    assert "FAIL  credentials of claude: provider `claude` has no credentials" in said
    assert "`ANTHROPIC_API_KEY`" in said
    assert "FAIL  credentials of cloud: provider `cloud` has no key" in said
    assert "provider cloud: reached" not in said
    assert cloud.fake.seen == []


def test_the_doctor_says_that_a_service_cannot_be_reached(cloud, monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.001)
    cloud.fake.faults.append(Fault("GET", "/fine_tuning/jobs", status=503, times=99))
    said = cloud.run("doctor", code=1).out
    assert "FAIL  provider cloud: provider `cloud` failed to" in said


def test_the_doctor_names_a_missing_sdk(cloud, monkeypatch):
    from importlib.metadata import PackageNotFoundError, version

    def without(name):
        if name == "anthropic":
            raise PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr("tunectl.app.doctor_providers.version", without)
    with_claude(cloud, "  claude: {type: anthropic}\n")
    said = cloud.run("doctor", code=1).out
    assert "FAIL  SDK of claude: `anthropic` is not installed" in said
    assert "pip install 'anthropic'" in said
    assert "credentials of claude" not in said
