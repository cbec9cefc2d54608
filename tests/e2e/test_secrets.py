"""Keys and sensitive values leave no trace: not in state, plan, journal, output, error or log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.providers import fake_openai
from tests.providers.fake_openai import KEY, Fault

pytestmark = pytest.mark.slow  # whole projects through many processes: minutes

ORGANIZATION = "org-canary-51e0b7"


def remote(site, fake) -> None:
    """Send the same project to a remote service, with secrets wherever they may stand."""
    site.edit("default_provider: local", "default_provider: cloud")
    site.edit(
        "providers:\n  local: {trainer: simulated}\n",
        "env: [KEY_NAME]\n"
        "variables:\n  org: {type: string, sensitive: true}\n"
        "providers:\n"
        f"  cloud: {{type: openai, profile: openai, base_url: '{fake.url}', "
        "key_env: '${env.KEY_NAME}', organization: '${var.org}'}\n",
    )
    site.edit("base_model: simulated-1", "base_model: gpt-4o-mini-2024-07-18")


def traces(folder: Path) -> list[str]:
    """Every file that holds a canary."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file()
        and any(c.encode() in path.read_bytes() for c in (KEY, ORGANIZATION, "canary-7f3a9c51"))
    ]


@pytest.fixture
def cloud(site):
    with fake_openai.running() as fake:
        remote(site, fake)
        site.secrets = {"OPENAI_API_KEY": KEY, "KEY_NAME": "OPENAI_API_KEY"}
        yield fake


def said(site, *arguments: str, code: int | None = 0) -> str:
    done = site.run(*arguments, "--var", f"org={ORGANIZATION}", code=code, **site.secrets)
    for secret in (KEY, ORGANIZATION):
        assert secret not in done.out + done.err, str(done)
    return done.out + done.err


def test_no_command_shows_or_stores_a_secret(site, cloud):
    said(site, "plan", "-o", "saved.plan")
    said(site, "apply", "saved.plan")
    for command in (
        ("plan",),
        ("plan", "--format", "json"),
        ("plan", "--format", "markdown"),
        ("show",),
        ("show", "saved.plan", "--format", "json"),
        ("show", "--format", "json"),
        ("output", "--format", "json"),
        ("state", "show", "tuning_job.support", "--format", "json"),
        ("logs", "tuning_job.support"),
        ("ask", "endpoint.support", "hi"),
        ("model", "list"),
        ("doctor",),
        ("apply", "--auto-approve", "--json"),
    ):
        said(site, *command, code=None)
    assert any(s.headers.get("authorization") == f"Bearer {KEY}" for s in cloud.seen)
    assert any(s.headers.get("openai-organization") == ORGANIZATION for s in cloud.seen)
    assert site.state()["providers"]["cloud"]["settings"].keys() == {"profile", "base_url"}
    assert traces(site.folder) == []
    said(site, "destroy", "--auto-approve", "--json")
    assert traces(site.folder) == []


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET", "/fine_tuning/jobs.*", status=401, message=f"Incorrect API key: {KEY}"),
        Fault("POST", "/files", status=400, message=f"Header Authorization: Bearer {KEY} is bad"),
        Fault("POST", "/fine_tuning/jobs", status=500, message=f"trace: {KEY}"),
        Fault("POST", "/fine_tuning/jobs", how="reset", after=True),
    ],
    ids=["401", "400", "500", "reset"],
)
def test_an_error_that_quotes_the_key_is_shown_and_stored_without_it(site, cloud, fault):
    cloud.faults.append(fault)
    fault.times = 9
    said(site, "apply", "--auto-approve", code=None)
    assert fault.times < 9, "the fault was met"
    assert traces(site.folder) == []


def test_a_key_in_the_declaration_is_refused_and_not_repeated(site):
    site.edit("  local: {trainer: simulated}", f"  cloud: {{type: openai, api_key: {KEY}}}")
    done = site.run("validate", code=1)
    assert KEY not in done.out + done.err
    assert "key_env" in done.err


def test_a_password_in_the_state_address_is_not_repeated(site):
    site.edit(
        "project: pomoc\n", "project: pomoc\nenv: [PW]\nstate: 'postgresql://u:${env.PW}@h/d'\n"
    )
    done = site.run("plan", code=1, PW="pw-canary-1")
    assert "pw-canary-1" not in done.out + done.err
    assert "postgresql" in done.err


def test_the_token_of_the_local_server_stays_in_its_own_file(site):
    site.run("apply", "--auto-approve")
    token = (site.root / "token").read_bytes().strip()
    places = [site.folder, site.root]
    found = [p for f in places for p in f.rglob("*") if p.is_file() and token in p.read_bytes()]
    assert found == [site.root / "token"]
