"""Provider `local` with `executor: ray`: its settings, its server, what `doctor` learns."""

import sys
import time

import pytest

from tests.server.ray_jobs import JobsApi
from tests.server.served import rows
from tunectl.core.errors import ConfigError, ConflictError, UnavailableError
from tunectl.kinds.provider import LocalProvider
from tunectl.providers.local import connect
from tunectl.providers.local.daemon import LocalServer, check_installed
from tunectl.providers.local.health import Health, ask_health, ask_shutdown
from tunectl.providers.local.ray import executor_of, ray_words, reached_cluster
from tunectl.providers.local.root import read_announced
from tunectl.server.on_ray.settings import parse

NOBODY = "http://127.0.0.1:1"
NEEDED = pytest.importorskip("ray", reason="the extra `ray` is not installed")


@pytest.fixture
def api():
    serving = JobsApi(runs=True)
    yield serving
    serving.close()


@pytest.mark.parametrize(
    "settings",
    [
        {"address": "http://head:8265/"},
        {"address": "http://head:8265", "workers": 4, "cpus": 0.5, "gpus": 1},
        {"address": "https://głowa", "python": "/opt/py/bin/python", "resources": {"b": 2, "a": 1}},
    ],
)
def test_the_server_reads_and_tells_the_words_that_the_provider_writes(settings):
    words = ray_words("local", {"executor": "ray", "ray": settings}, "lora")
    assert tuple(parse(words).words()) == words
    assert LocalProvider(executor="ray", ray=settings).ray.address == settings["address"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"executor": "ray"}, "no cluster"),
        ({"ray": {"address": NOBODY}}, "needs `executor: ray`"),
        ({"executor": "ray", "ray": {}}, "needs `address:`"),
        ({"executor": "ray", "ray": {"adress": NOBODY}}, "`adress`"),
        ({"executor": "ray", "ray": {"address": NOBODY, "cpus": "all"}}, "`cpus`"),
        ({"executor": "ray", "ray": {"address": NOBODY, "workers": 2}}, "cannot be spread"),
    ],
)
def test_a_senseless_cluster_is_refused_by_name(settings, words):
    with pytest.raises(ConfigError) as caught:
        connect(name="local", trainer="simulated", **settings)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"executor": "ray"}, "where the cluster is"),
        ({"ray": {"address": NOBODY}}, "without `executor: ray`"),
        ({"executor": "ray", "ray": {"address": "head:8265"}}, "must be a URL"),
        ({"executor": "ray", "ray": {"address": "http://me:secret@head"}}, "a user or a password"),
        ({"executor": "ray", "ray": {"address": NOBODY, "workers": 0}}, "greater than or equal"),
        (
            {"executor": "ray", "trainer": "simulated", "ray": {"address": NOBODY, "workers": 2}},
            "nothing can share",
        ),
    ],
)
def test_a_declaration_of_a_cluster_that_cannot_work_is_refused(settings, words):
    with pytest.raises(ValueError, match=words) as caught:
        LocalProvider(**settings)
    assert "secret" not in str(caught.value).split("input_value")[0]


def test_doctor_learns_which_cluster_answers_and_what_is_missing(api):
    words = ray_words("local", {"executor": "ray", "ray": {"address": api.address}}, "lora")
    assert reached_cluster("local", words) == f"Ray 2.60.0 at {api.address}"
    provider = connect(
        name="local", trainer="simulated", executor="ray", ray={"address": NOBODY}, root="x"
    )
    with pytest.raises(UnavailableError, match="cannot reach the Ray cluster") as caught:
        provider.executor()
    assert "ray status" in caught.value.diagnostics[0].hint
    assert provider.credentials() == "none needed: it runs on this machine"
    check_installed("local", "simulated", ray=True)


@pytest.fixture
def server(tmp_path, api):
    """A server of a folder, as a provider with these settings of Ray would have it."""

    def make(**settings):
        settings = {"address": api.address, "python": sys.executable, **settings}
        words = ray_words("local", {"executor": "ray", "ray": settings}, "simulated")
        return LocalServer(
            provider="local", root=tmp_path / "root", trainer="simulated", idle_seconds=0, ray=words
        )

    yield make
    said = read_announced(tmp_path / "root")
    if said is not None and ask_health(said) is not None:
        ask_shutdown(said)


def health(server) -> Health:
    found = ask_health(read_announced(server.root))
    assert found is not None
    return found


def client_of(server):
    import openai

    reached = server.reach()
    return openai.OpenAI(base_url=reached.base_url, api_key=reached.key, max_retries=0)


def jsonl():
    from tests.server.served import jsonl as lines

    return ("train.jsonl", lines(rows()))


def test_a_server_with_other_settings_gives_way_unless_its_jobs_are_at_work(server, api):
    first, second = server(), server(cpus=2)
    with client_of(first) as client:
        assert health(first).executor == executor_of(first.ray)
        file = client.files.create(file=jsonl(), purpose="fine-tune")
        made = client.fine_tuning.jobs.create(
            model="m", training_file=file.id, extra_body={"tunectl": {"step_seconds": 0.5}}
        )
        with pytest.raises(ConflictError, match=r"executor `ray` \(address=.*is at work"):
            second.reach()
        client.fine_tuning.jobs.cancel(made.id)
        deadline = time.monotonic() + 60
        while client.fine_tuning.jobs.retrieve(made.id).status != "cancelled":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    second.reach()
    assert health(second).executor == executor_of(second.ray)
    assert list(api.jobs) == [f"{made.id}-1"]


def test_an_apply_against_a_cluster_that_is_gone_ends_with_its_address_and_makes_nothing(tmp_path):
    from tests.contracts.handler_contract import job_resource, request_for, upload_resource

    provider = connect(
        name="local",
        trainer="simulated",
        executor="ray",
        ray={"address": NOBODY},
        root=str(tmp_path / "root"),
    )
    upload, spec = upload_resource("local")
    file = provider.handlers["upload"].create(request_for(upload, spec)).outputs["file_id"]
    handler = provider.handlers["tuning_job"]
    request = request_for(*job_resource("local", "smollm2-135m-instruct", file, "support"))
    try:
        with pytest.raises(UnavailableError) as caught:
            handler.create(request)
        [told] = caught.value.diagnostics
        assert told.summary.startswith("provider `local`: cannot reach the Ray cluster at http://")
        assert "ray status" in told.hint
        assert "hint" not in told.summary
        assert list(handler.find(request.mark)) == []
    finally:
        ask_shutdown(read_announced(tmp_path / "root"))
