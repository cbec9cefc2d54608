"""Whose account it is, what it may use, and what a 404 does not say."""

import subprocess
import sys

import pytest

from tests.providers.vertex.conftest import BASE, NAME
from tunectl.core.errors import ConfigError, CredentialsError, NotFoundError, ProviderError
from tunectl.core.resource import Instance
from tunectl.core.value import Address
from tunectl.server.clouds.world import Fault


def test_the_account_is_project_and_location_and_is_asked_once(clouds, provider):
    assert provider.account().endswith("/projects/acme-ml/locations/europe-west4")
    provider.account()
    assert [c.split("?")[0] for c in clouds.calls()] == [
        "GET /v1/projects/acme-ml/locations/europe-west4/tuningJobs"
    ]


def test_another_project_is_refused_as_an_account_and_never_reads_as_gone(clouds, tuned):
    other = clouds.connect(project="acme-other")
    with pytest.raises(CredentialsError, match="does not permit"):
        other.account()
    elsewhere = Instance(
        address=tuned.address,
        provider=NAME,
        account=tuned.account,
        id="projects/acme-other/locations/europe-west4/tuningJobs/1",
        spec={},
    )
    with pytest.raises(CredentialsError):
        other.handlers["tuning_job"].read(elsewhere)


def test_a_location_that_is_none_is_not_an_empty_one(clouds):
    nowhere = clouds.connect(location="mars-west1")
    with pytest.raises(ProviderError) as wrong:
        nowhere.account()
    assert not isinstance(wrong.value, NotFoundError)
    assert "check `location:`" in wrong.value.diagnostics[0].hint
    job = Instance(
        address=Address.of("tuning_job", "x"),
        provider=NAME,
        account="a",
        id="projects/acme-ml/locations/mars-west1/tuningJobs/1",
        spec={},
    )
    with pytest.raises(ProviderError) as wrong:
        nowhere.handlers["tuning_job"].read(job)
    assert not isinstance(wrong.value, NotFoundError), "a web server's 404 is no news of a job"


def test_a_question_is_asked_again_and_a_busy_service_is_waited_for(clouds, provider):
    clouds.world.faults.append(Fault("status", method="GET", status=503))
    clouds.world.faults.append(Fault("lost", method="GET"))
    assert provider.account()
    assert len(clouds.world.calls) == 3


def test_models_tell_when_they_end_and_which_are_ours(provider, tuned):
    models = {model.id: model for model in provider.models()}
    assert models[BASE].shutdown_date is None
    assert models["gemini-2.5-flash"].shutdown_date == "2026-10-20"
    assert models[tuned.outputs["model"]].owned_by == "acme-ml"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"project": None}, "needs `project:`"),
        ({"location": None}, "needs `location:`"),
        ({"project": "projects/acme"}, "must be a bare name, not `projects/acme`"),
        ({"staging": "s3://acme"}, "must be a bucket"),
        ({"timeout": 0}, "`timeout`"),
        ({"concurrent_jobs": True}, "`concurrent_jobs`"),
        ({"api_key": "x"}, "unknown setting `api_key`"),
    ],
)
def test_senseless_settings_are_told(clouds, settings, words):
    with pytest.raises(ConfigError, match=words):
        clouds.connect(**settings)


def test_connecting_imports_nothing_of_google():
    code = (
        "import sys; from tunectl.providers.vertex import connect; "
        "connect(name='v', project='p', location='us-central1', staging='gs://b1x'); "
        "heavy = ('google.auth', 'google.api_core', 'google.cloud.storage', 'requests', 'grpc'); "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
