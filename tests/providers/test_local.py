"""Provider `local` against the real server with the simulated trainer."""

import json
import os
import secrets
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.contracts.handler_contract import (
    HandlerContract,
    Subject,
    chat_rows,
    endpoint_resource,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.server.tiny_model import save_tiny
from tunectl.core.errors import (
    ConfigError,
    ConflictError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
)
from tunectl.core.resource import Status
from tunectl.providers.local import connect
from tunectl.providers.local import daemon as daemon_module
from tunectl.providers.local.health import ask_health, ask_shutdown
from tunectl.providers.local.root import preferred_port, read_announced, root_folder
from tunectl.providers.wire.provider import provide

BASE = "smollm2-135m-instruct"


def stop(root):
    said = read_announced(root)
    if said is not None and ask_health(said) is not None:
        ask_shutdown(said)
        deadline = time.monotonic() + 20
        while read_announced(root) is not None and time.monotonic() < deadline:
            time.sleep(0.02)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("local")
    yield folder
    stop(folder)


@pytest.fixture(scope="module")
def local(root):
    return connect(name="local", root=str(root), trainer="simulated", step_seconds=0)


@pytest.fixture
def own(tmp_path):
    """Connect providers on a folder of the test's own."""

    def make(trainer="simulated", **settings):
        return connect(name="local", root=str(tmp_path / "root"), trainer=trainer, **settings)

    yield make
    stop(tmp_path / "root")


def kill(root):
    said = read_announced(root)
    os.kill(said.pid, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while ask_health(said) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    return said


def upload(provider, reader=None):
    handler = provider.handlers["upload"]
    resource, spec = upload_resource("local")
    return handler.create(request_for(resource, spec, reader=reader)).outputs["file_id"]


def trained(provider, name="support"):
    handler = provider.handlers["tuning_job"]
    request = request_for(*job_resource("local", BASE, upload(provider), name))
    made = settled(handler, handler.create(request))
    assert made.status is Status.READY, made.reason
    return made


@pytest.fixture(scope="module")
def tuned(local):
    return trained(local)


class TestUploadsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, local):
        return Subject(local, "upload", lambda: request_for(*upload_resource("local")))


class TestTuningJobsKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, local):
        file = upload(local)
        return Subject(local, "tuning_job", lambda: request_for(*job_resource("local", BASE, file)))


class TestAliasesKeepTheContract(HandlerContract):
    @pytest.fixture
    def subject(self, local, tuned):
        model = tuned.outputs["model_id"]

        def request():
            name = f"pomoc_{secrets.token_hex(4)}"
            return request_for(*endpoint_resource("local", model, name))

        return Subject(local, "endpoint", request, changed=lambda _: {"model": BASE})


def test_an_alias_answers_and_moves_and_keeps_its_name(local, tuned):
    handler = local.handlers["endpoint"]
    request = request_for(
        *endpoint_resource("local", tuned.outputs["model_id"], "czat"), env="prod"
    )
    made = handler.create(request)
    assert made.outputs["model_id"] == "helpdesk-prod-czat"
    assert made.outputs["invoke"] == f"{made.outputs['base_url']}/chat/completions"
    ask = [{"role": "user", "content": "Jak zwrócić zamówienie nr 3?"}]
    pieces = list(local.chat("helpdesk-prod-czat", ask))
    assert "".join(p.text for p in pieces) == "Proszę odesłać paczkę 3. Pozdrawiamy!"
    assert pieces[-1].finish_reason == "stop"
    assert pieces[-1].completion_tokens > 0
    moved = handler.update(replace(request, spec={"model": BASE}, prior=made))
    assert moved.outputs["model_id"] == made.outputs["model_id"]
    assert handler.read(moved).spec["model"] == BASE
    handler.delete(moved)


def test_an_alias_moved_by_somebody_else_reads_as_it_is(local, tuned):
    handler = local.handlers["endpoint"]
    made = handler.create(request_for(*endpoint_resource("local", BASE, "drift")))
    request = request_for(*endpoint_resource("local", tuned.outputs["model_id"], "drift"))
    handler.update(replace(request, prior=made))
    assert handler.read(made).spec["model"] == tuned.outputs["model_id"]


class Folders:
    """Base models that have other names at the service than in the declaration."""

    ready = staticmethod(str)

    def named(self, base):
        return BASE if base.startswith("./") else base

    asked = named


def test_an_endpoint_of_a_path_reads_as_declared_until_it_is_moved(local):
    provider = provide(local.wire, local.identity, Folders())
    handler = provider.handlers["endpoint"]
    request = request_for(*endpoint_resource("local", "./modele/mały", "ścieżka"))
    made = handler.create(request)
    assert handler.read(made) == made
    assert [one.spec for one in handler.find(request.mark)] == [{"model": "./modele/mały"}]
    ask = [{"role": "user", "content": "?"}]
    assert list(provider.chat("./modele/mały", ask))[-1].finish_reason == "stop"
    other = request_for(*endpoint_resource("local", BASE, "ścieżka"))
    moved = handler.update(replace(other, prior=made))
    assert handler.read(moved).spec["model"] == BASE


def test_the_alias_of_another_operation_is_not_taken_over(local):
    handler = local.handlers["endpoint"]
    handler.create(request_for(*endpoint_resource("local", BASE, "taken")))
    with pytest.raises(ConflictError, match="`helpdesk-taken` exists already"):
        handler.create(request_for(*endpoint_resource("local", BASE, "taken")))
    foreign = request_for(*endpoint_resource("local", BASE, "taken"))
    foreign = replace(foreign, mark=replace(foreign.mark, lineage="other"))
    with pytest.raises(ConflictError):
        handler.update(foreign)


@pytest.mark.parametrize("key", ["pl", "ру/сский", 'a b["c"]'])
def test_an_alias_may_have_any_key(local, key):
    handler = local.handlers["endpoint"]
    resource, spec = endpoint_resource("local", BASE, "klucz")
    resource = replace(resource, address=resource.address._replace(key=key))
    made = handler.create(request_for(resource, spec))
    assert made.outputs["model_id"] == f"helpdesk-klucz-{key}"
    assert handler.read(made).outputs == made.outputs
    handler.delete(made)
    assert handler.read(made) is None


def test_too_few_rows_fail_the_job_with_the_server_s_words(local):
    handler = local.handlers["tuning_job"]
    file = upload(local, chat_rows(3))
    now = settled(handler, handler.create(request_for(*job_resource("local", BASE, file, "small"))))
    assert now.status is Status.FAILED
    assert "at least 10 examples" in now.reason
    assert "training_file" in now.reason


def test_a_running_job_tells_its_progress_and_can_be_cancelled(root):
    slow = connect(name="local", root=str(root), trainer="simulated", step_seconds=0.2)
    handler = slow.handlers["tuning_job"]
    now = handler.create(request_for(*job_resource("local", BASE, upload(slow), "slow")))
    deadline = time.monotonic() + 30
    while "%" not in now.progress:
        assert time.monotonic() < deadline, now
        now = handler.poll(now)
        time.sleep(0.02)
    assert "step 1/" in now.progress or "step " in now.progress
    assert "loss" in now.progress
    left = handler.delete(now)
    assert left.status is Status.CANCELLED
    assert "bills nothing" in left.reason


def test_events_have_metrics_in_order(local, tuned):
    handler = local.handlers["tuning_job"]
    steps = [e.data["step"] for e in handler.events(tuned) if e.data.get("step")]
    assert steps == sorted(set(steps))
    assert steps
    every = list(handler.events(tuned))
    assert [e.id for e in handler.events(tuned, every[-2].id)] == [every[-1].id]


def test_models_are_listed(local, tuned):
    assert {BASE, tuned.outputs["model_id"]} <= {m.id for m in local.models()}


def test_the_account_is_of_the_folder_and_needs_no_server(tmp_path):
    provider = connect(root=str(tmp_path / "new"), trainer="simulated")
    account = provider.account()
    assert account == json.loads((tmp_path / "new/account.json").read_text())["id"]
    assert account.startswith("local-")
    assert read_announced(tmp_path / "new") is None
    assert connect(root=str(tmp_path / "new")).account() == account


def test_a_folder_in_which_no_server_has_worked_is_known_to_hold_nothing(own):
    provider = own()
    provider.account()
    assert provider.untouched
    list(provider.models())
    assert not own().untouched


def test_the_server_keeps_the_identity_that_a_plan_made(own, tmp_path):
    provider = own()
    account = provider.account()
    assert {m.id for m in provider.models()}
    assert json.loads((tmp_path / "root/account.json").read_text())["id"] == account


def test_many_racing_clients_get_one_server(own, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: list(own().models()), range(4)))
    log = (tmp_path / "root/server.log").read_text(encoding="utf-8")
    assert len({line for line in log.splitlines() if "Started server process" in line}) == 1


def test_a_killed_server_is_started_again_at_the_same_address(own, tmp_path):
    provider = own(step_seconds=0)
    made = trained(provider)
    before = kill(tmp_path / "root")
    assert provider.handlers["tuning_job"].read(made) == made
    after = read_announced(tmp_path / "root")
    assert after.pid != before.pid
    assert (after.url, after.token) == (before.url, before.token)


def test_a_server_killed_before_a_create_costs_nothing_twice(own, tmp_path):
    provider = own(step_seconds=0)
    file = upload(provider)
    kill(tmp_path / "root")
    handler = provider.handlers["tuning_job"]
    request = request_for(*job_resource("local", BASE, file))
    made = handler.create(request)
    assert [i.id for i in handler.find(request.mark)] == [made.id]


def test_a_port_that_is_taken_does_no_harm(own, tmp_path):
    port = preferred_port((tmp_path / "root").resolve())
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", port))
        holder.listen()
        assert list(own().models())
        assert f":{port}/" not in read_announced(tmp_path / "root").url


def test_a_proxy_in_the_environment_is_not_used(own, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert list(own().models())


def test_an_idle_server_of_another_trainer_is_replaced(own, tmp_path, monkeypatch):
    assert list(own().models())
    before = read_announced(tmp_path / "root")
    monkeypatch.setattr(daemon_module, "_NEEDED_TO_TRAIN", ())
    assert list(own("lora").models())
    after = read_announced(tmp_path / "root")
    assert after.pid != before.pid
    assert ask_health(after).trainer == "lora"


def test_a_busy_server_of_another_trainer_is_left_alone(own):
    slow = own(step_seconds=0.3)
    handler = slow.handlers["tuning_job"]
    made = handler.create(request_for(*job_resource("local", BASE, upload(slow))))
    with pytest.raises(ConflictError) as caught:
        list(own("lora").models())
    assert "is at work" in str(caught.value)
    handler.delete(made)


def test_missing_packages_are_named_before_anything_is_started(own, tmp_path, monkeypatch):
    monkeypatch.setattr(daemon_module, "_NEEDED", ("starlette", "no_such_package"))
    with pytest.raises(ProviderError) as caught:
        list(own().models())
    assert "`no_such_package`" in str(caught.value)
    assert caught.value.diagnostics[0].hint == "pip install 'tunectl[local]'"
    assert not (tmp_path / "root").exists()


def test_a_folder_that_is_a_file_is_an_error_with_its_name(own, tmp_path):
    (tmp_path / "root").write_text("x")
    with pytest.raises(ProviderError, match="cannot use the folder of the local server"):
        list(own().models())
    with pytest.raises(ProviderError, match="cannot use the folder of the local server"):
        own().account()


def test_a_server_that_cannot_start_says_why(own, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/files").write_text("in the way")
    with pytest.raises(ProviderError) as caught:
        list(own().models())
    assert "could not be started" in str(caught.value)
    assert "File exists" in str(caught.value)  # the server's own last words
    assert caught.value.diagnostics[0].hint == "make it writable, or choose another `--root`"


def test_a_stale_announcement_is_not_believed(own, tmp_path):
    (tmp_path / "root").mkdir()
    stale = {"pid": 1, "port": 9, "url": "http://127.0.0.1:9/v1"}
    (tmp_path / "root/server.json").write_text(json.dumps(stale))
    (tmp_path / "root/token").write_text("0" * 64)
    assert list(own().models())


def test_a_token_appears_in_no_record_or_error(local, root, tuned):
    token = (root / "token").read_text().strip()
    with pytest.raises(NotFoundError) as caught:
        local.handlers["tuning_job"].poll(replace(tuned, id="ftjob-nobody"))
    seen = repr(caught.value) + repr(caught.value.diagnostics) + repr(tuned) + repr(local)
    assert token not in seen


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ("no-such-model", "unknown base model `no-such-model`"),
        ("./nie-ma.gguf", "nie-ma.gguf`"),
        ("modele/żaden.gguf", "żaden.gguf`"),
    ],
)
def test_a_base_model_that_cannot_be_had_is_refused_before_a_job_is_made(
    own, tmp_path, base, words
):
    provider = own("lora", project_root=str(tmp_path))
    request = request_for(*job_resource("local", base, upload(provider)))
    handler = provider.handlers["tuning_job"]
    with pytest.raises(InvalidRequestError) as caught:
        handler.create(request)
    assert words in str(caught.value)
    assert caught.value.diagnostics[0].hint
    assert list(handler.find(request.mark)) == []


def test_a_base_model_that_cannot_be_had_gets_no_alias(own, tmp_path):
    handler = own("lora", project_root=str(tmp_path)).handlers["endpoint"]
    with pytest.raises(InvalidRequestError, match="base model `nie-ma` is not available") as caught:
        handler.create(request_for(*endpoint_resource("local", "nie-ma", "czat")))
    assert "known here" in caught.value.diagnostics[0].hint


def test_where_the_folder_is(tmp_path, monkeypatch):
    monkeypatch.delenv("TUNECTL_LOCAL_ROOT", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert root_folder(None, tmp_path, "lora") == tmp_path / "data/tunectl/local"
    assert root_folder(None, tmp_path, "simulated") == tmp_path / "data/tunectl/local-simulated"
    assert root_folder("models", tmp_path, "lora") == tmp_path / "models"
    monkeypatch.setenv("TUNECTL_LOCAL_ROOT", str(tmp_path / "env"))
    assert root_folder(None, tmp_path, "lora") == tmp_path / "env"
    assert root_folder("models", tmp_path, "lora") == tmp_path / "models"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"trainer": "magic"}, "`trainer`"),
        ({"executor": "slurm"}, "`executor`"),
        ({"idle": -1}, "`idle`"),
        ({"idle": "long"}, "`idle`"),
        ({"threads": "four"}, "`threads`"),
        ({"rot": "x"}, "unknown setting `rot`"),
        ({"root": 3}, "must be a text"),
    ],
)
def test_a_senseless_setting_is_refused_by_name(settings, words):
    with pytest.raises(ConfigError) as caught:
        connect(name="local", **settings)
    assert words in str(caught.value)


@pytest.mark.slow
def test_a_base_model_in_the_project_is_imported_trained_and_answers(own, tmp_path):
    save_tiny(tmp_path / "modele/mały")
    provider = own("lora", project_root=str(tmp_path), device="cpu", threads=1)
    resource, spec = job_resource("local", "./modele/mały", upload(provider))
    handler = provider.handlers["tuning_job"]
    made = settled(handler, handler.create(request_for(resource, spec)))
    assert made.status is Status.READY, made.reason
    assert dict(made.spec) == spec  # as declared, not as a path of this machine
    pieces = list(provider.chat(made.outputs["model_id"], [{"role": "user", "content": "?"}]))
    assert pieces[-1].finish_reason
    handler.delete(made)
    assert handler.read(made) is None


@pytest.mark.slow
def test_a_base_model_in_the_project_answers_by_its_path_and_behind_an_endpoint(own, tmp_path):
    save_tiny(tmp_path / "modele/mały")
    provider = own("lora", project_root=str(tmp_path), device="cpu", threads=1)
    ask = [{"role": "user", "content": "?"}]
    assert list(provider.chat("./modele/mały", ask, max_tokens=3))[-1].finish_reason
    endpoints = provider.handlers["endpoint"]
    made = endpoints.create(request_for(*endpoint_resource("local", "./modele/mały", "goły")))
    assert list(provider.chat(made.outputs["model_id"], ask, max_tokens=3))[-1].finish_reason
    assert endpoints.read(made) == made, "as declared"
    with pytest.raises(InvalidRequestError, match="there is no file"):
        list(provider.chat("./modele/inny", ask))
