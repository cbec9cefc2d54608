"""Every way a call can go wrong becomes one error of ours, and nothing is sent twice."""

import importlib
import json
import logging
import pkgutil
import time
import traceback
from dataclasses import replace

import httpx2
import pytest

from tests.contracts.handler_contract import (
    chat_rows,
    job_resource,
    request_for,
    settled,
    upload_resource,
)
from tests.providers.fake_openai import KEY, Fault
from tests.providers.test_wire_contract import uploaded
from tunectl.core.errors import (
    ClosedError,
    ConflictError,
    CredentialsError,
    Exit,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.attempt import Attempt
from tunectl.providers.wire.errors import rules, translate

sdk = importlib.import_module("openai")
JOBS = "/fine_tuning/jobs"
FINAL = (
    ClosedError, CredentialsError, InvalidRequestError, NotFoundError, ConflictError,
    RateLimitError, UnavailableError, UnknownOutcomeError,
)  # fmt: skip

REFUSALS = [
    (400, None, InvalidRequestError),
    (401, "invalid_api_key", CredentialsError),
    (403, "training_not_available", ClosedError),
    (403, None, CredentialsError),
    (404, "model_not_found", NotFoundError),
    (405, None, InvalidRequestError),
    (409, None, ConflictError),
    (413, None, InvalidRequestError),
    (422, None, InvalidRequestError),
    (429, "daily_rate_limit_exceeded", RateLimitError),
]
UNSETTLED = [
    Fault("POST", "", "status", 500),
    Fault("POST", "", "status", 500, after=True),
    Fault("POST", "", "status", 502, after=True),
    Fault("POST", "", "status", 408, after=True),
    Fault("POST", "", "reset"),
    Fault("POST", "", "reset", after=True),
    Fault("POST", "", "truncate", after=True),
    Fault("POST", "", "half", after=True),
    Fault("POST", "", "html", after=True),
    Fault("POST", "", "empty", after=True),
    Fault("POST", "", "hang", after=True, seconds=0.6),
]


def names(fault):
    if isinstance(fault, Fault):
        return f"{fault.how}-{fault.status}-{'after' if fault.after else 'before'}"
    return None


def job_request(provider):
    return request_for(*job_resource("openai_eu", "gpt-4o-mini", uploaded(provider)))


def exceptions_of_the_sdk():
    for module in ("_exceptions", "_response", "lib.azure", "lib._old_api", "_extras._common"):
        importlib.import_module(f"openai.{module}")
    stack, found = [sdk.OpenAIError], set()
    while stack:
        kind = stack.pop()
        found.add(kind)
        stack += kind.__subclasses__()
    exported = {
        value
        for value in list(vars(sdk).values())
        if isinstance(value, type) and issubclass(value, Exception)
    }
    return sorted(found | exported, key=lambda kind: kind.__qualname__)


def test_every_public_exception_of_the_sdk_has_a_rule_of_its_own():
    missing = [
        kind.__qualname__
        for kind in exceptions_of_the_sdk()
        if kind not in rules()
        and not kind.__module__.startswith(("openai.lib.beta", "tests", "openai.auth"))
        and not kind.__qualname__.startswith("_")
    ]
    assert missing == []


def test_every_exception_of_the_sdk_becomes_an_error_with_an_outcome():
    response = httpx2.Response(418, request=httpx2.Request("POST", "http://x/"), json={})
    for kind in exceptions_of_the_sdk():
        error = kind.__new__(kind)
        Exception.__init__(error, "words")
        error.__dict__ |= {
            "message": "words", "body": None, "type": None, "response": response,
            "status_code": 418,
            "request": response.request, "request_id": "req_1",
        }  # fmt: skip
        for changes in (True, False):
            made = translate(error, Attempt("openai", "create a tuning job", changes))
            assert isinstance(made, FINAL), kind
            assert "openai" in str(made)


def test_a_new_subclass_is_as_unsettled_as_its_ancestor():
    class Unheard(sdk.OpenAIError):
        pass

    made = translate(Unheard("?"), Attempt("openai", "create a tuning job", changes=True))
    assert isinstance(made, UnknownOutcomeError)


@pytest.mark.parametrize(("status", "code", "kind"), REFUSALS)
def test_a_refused_create_says_so_and_is_sent_once(fake, openai, status, code, kind):
    request = job_request(openai)
    fake.faults.append(Fault("POST", JOBS, status=status, code=code, message="no — «нет»"))
    with pytest.raises(ProviderError) as caught:
        openai.handlers["tuning_job"].create(request)
    assert type(caught.value) is kind
    assert "no — «нет»" in str(caught.value)
    assert "`openai_eu`" in str(caught.value)
    assert "req_123" in caught.value.diagnostics[0].detail
    assert len(fake.sent("POST", JOBS)) == 1


def hasty(connected, handler, fault):
    """The handler, and for what is answered late one that does not wait for it.

    Every other request has time: a busy machine must make nothing unknown that is not meant to be.
    """
    if fault.how != "hang":
        return handler
    return replace(handler, wire=connected(timeout=0.3).wire)


def wait_until(true, seconds=30.0):
    """A late answer may be given up before the service has begun with it."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize("fault", UNSETTLED, ids=names)
def test_a_create_without_an_answer_is_unknown_and_is_sent_once(fake, connected, fault):
    provider = connected()
    request = job_request(provider)
    fake.faults.append(replace(fault, path=JOBS))
    handler = hasty(connected, provider.handlers["tuning_job"], fault)
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    wait_until(lambda: fake.sent("POST", JOBS))
    assert len(fake.sent("POST", JOBS)) == 1


@pytest.mark.parametrize("fault", [f for f in UNSETTLED if f.after], ids=names)
def test_a_job_of_unknown_outcome_is_found_exactly_once(fake, connected, fault):
    provider = connected()
    handler = provider.handlers["tuning_job"]
    request = job_request(provider)
    for _ in range(25):  # more than a page of others
        handler.create(job_request_like(request))
    fake.faults.append(replace(fault, path=JOBS))
    with pytest.raises(UnknownOutcomeError):
        hasty(connected, handler, fault).create(request)
    wait_until(lambda: len(fake.jobs) > 25)
    assert [i.id for i in handler.find(request.mark)] == [list(fake.jobs)[-1]]


def job_request_like(request):
    return replace(request, mark=replace(request.mark, op=request.mark.op[::-1]))


@pytest.mark.parametrize("fault", [f for f in UNSETTLED if f.after], ids=names)
def test_an_upload_of_unknown_outcome_is_found_by_its_name(fake, connected, monkeypatch, fault):
    provider = connected()
    handler = provider.handlers["upload"]
    object.__setattr__(handler.wire, "send_seconds", 0.3)
    request = request_for(*upload_resource("openai_eu"))
    fake.faults.append(replace(fault, path="/files"))
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    assert len(fake.sent("POST", "/files")) == 1
    assert [i.outputs["file_id"] for i in handler.find(request.mark)] == list(fake.files)


def test_a_refused_connection_is_unavailable_because_nothing_was_sent(connected, fake):
    provider = connected()
    request = job_request(provider)
    provider.account()
    dead = connected(base_url="http://127.0.0.1:9/v1")
    handler = replace(dead.handlers["tuning_job"], account=provider.handlers["tuning_job"].account)
    with pytest.raises(UnavailableError) as caught:
        handler.create(request)
    assert "nothing was sent" in caught.value.diagnostics[0].hint


def test_training_that_is_closed_says_why_and_where_to_go(fake, openai):
    request = job_request(openai)
    words = (
        "OpenAI is winding down the fine-tuning platform and your organization is no longer able"
    )
    fake.faults.append(
        Fault("POST", JOBS, status=403, code="training_not_available", message=words)
    )
    with pytest.raises(InvalidRequestError) as caught:
        openai.handlers["tuning_job"].create(request)
    assert words in str(caught.value)
    assert "2027-01-06" in caught.value.diagnostics[0].hint
    assert "provider: local" in caught.value.diagnostics[0].hint
    assert list(openai.handlers["tuning_job"].find(request.mark)) == []


def test_too_many_requests_tell_when_to_come_back(fake, openai):
    request = job_request(openai)
    fake.faults.append(Fault("POST", JOBS, status=429, headers={"Retry-After": "17"}))
    with pytest.raises(RateLimitError) as caught:
        openai.handlers["tuning_job"].create(request)
    assert "17 seconds" in caught.value.diagnostics[0].hint


READS = [
    (Fault("GET", "", status=401), CredentialsError),
    (Fault("GET", "", status=403), CredentialsError),
    (Fault("GET", "", status=400), InvalidRequestError),
    (Fault("GET", "", status=429, times=9, headers={"Retry-After-Ms": "1"}), RateLimitError),
    (Fault("GET", "", status=500, times=9, headers={"Retry-After-Ms": "1"}), UnavailableError),
    (Fault("GET", "", "reset", times=9), UnavailableError),
    (Fault("GET", "", "truncate", times=9), UnavailableError),
    (Fault("GET", "", "half"), UnavailableError),
    (Fault("GET", "", "html"), UnavailableError),
    (Fault("GET", "", "empty"), UnavailableError),
]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.001)


@pytest.mark.parametrize("kind", ["upload", "tuning_job"])
@pytest.mark.parametrize(("fault", "error"), READS, ids=names)
def test_a_read_that_fails_never_says_gone(fake, connected, impatient, kind, fault, error):
    provider = connected()
    upload = request_for(*upload_resource("openai_eu"))
    request = upload if kind == "upload" else job_request(provider)
    handler = provider.handlers[kind]
    made = settled(handler, handler.create(request))
    path = {"upload": f"/files/{made.id}", "tuning_job": f"{JOBS}/{made.id}"}[kind]
    fake.faults.append(replace(fault, path=path))
    with pytest.raises(ProviderError) as caught:
        handler.read(made)
    assert type(caught.value) is error


# An empty object is an answer here: the model exists.
MODEL_READS = [case for case in READS if case[0].how != "empty"]


@pytest.mark.parametrize(("fault", "error"), MODEL_READS, ids=names)
def test_a_model_that_cannot_be_looked_up_is_not_gone(fake, openai, impatient, fault, error):
    handler = openai.handlers["tuning_job"]
    made = settled(handler, handler.create(job_request(openai)))
    fake.faults.append(replace(fault, path="/models/ft:.*"))
    with pytest.raises(error):
        handler.read(made)


def test_a_busy_service_is_asked_again_for_reads_only(fake, openai, impatient):
    handler = openai.handlers["tuning_job"]
    made = handler.create(job_request(openai))
    fake.faults.append(Fault("GET", f"{JOBS}/{made.id}", status=503, times=2))
    assert handler.poll(made).id == made.id


@pytest.mark.parametrize("path", ["/files", JOBS])
@pytest.mark.parametrize("how", ["html", "half", "reset", "truncate", "empty"])
def test_a_list_that_is_no_list_finds_nothing_and_says_so(fake, openai, impatient, path, how):
    kind = "upload" if path == "/files" else "tuning_job"
    mark = job_request(openai).mark
    fake.faults.append(Fault("GET", path, how, times=9))
    with pytest.raises(UnavailableError):
        list(openai.handlers[kind].find(mark))


@pytest.mark.parametrize("how", ["status", "reset", "hang"])
def test_a_delete_without_an_answer_can_be_repeated(fake, connected, how):
    handler = connected().handlers["upload"]
    made = handler.create(request_for(*upload_resource("openai_eu")))
    fault = Fault("DELETE", f"/files/{made.id}", how, after=True, seconds=0.6)
    fake.faults.append(fault)
    with pytest.raises(UnknownOutcomeError):
        hasty(connected, handler, fault).delete(made)
    wait_until(lambda: made.id not in fake.files)
    assert handler.delete(made) is None
    assert handler.read(made) is None


def test_deleting_a_model_without_the_role_says_which_role(fake, openai):
    handler = openai.handlers["tuning_job"]
    made = settled(handler, handler.create(job_request(openai)))
    fake.faults.append(
        Fault("DELETE", "/models/.*", status=403, message="Insufficient permissions")
    )
    with pytest.raises(CredentialsError) as caught:
        handler.delete(made)
    assert "Owner" in caught.value.diagnostics[0].hint


def test_control_characters_and_long_words_of_a_provider_are_tamed(fake, openai):
    request = job_request(openai)
    words = "\x1b[31mred\x07\n" + "long " * 1000
    fake.faults.append(Fault("POST", JOBS, status=400, message=words))
    with pytest.raises(InvalidRequestError) as caught:
        openai.handlers["tuning_job"].create(request)
    text = str(caught.value)
    assert text.isprintable()
    assert len(text) < 1000


def everything_of(error):
    shown = [str(error), repr(error), repr(error.diagnostics), repr(error.args)]
    shown += traceback.format_exception(error)
    while error is not None:
        shown += [str(error), repr(error), repr(error.__cause__)]
        error = error.__cause__
    return "\n".join(shown)


@pytest.mark.parametrize("how", ["echo-key", "status", "reset", "html"])
def test_the_key_appears_in_no_error_record_or_log(fake, openai, caplog, how):
    caplog.set_level(logging.DEBUG)
    request = job_request(openai)
    fake.faults.append(Fault("POST", JOBS, how, status=401, message=f"Incorrect API key: {KEY}"))
    with pytest.raises(ProviderError) as caught:
        openai.handlers["tuning_job"].create(request)
    made = openai.handlers["tuning_job"].create(request)
    assert KEY not in everything_of(caught.value)
    assert KEY not in repr(made)
    assert KEY not in repr(openai) + repr(openai.handlers)
    assert KEY not in caplog.text
    assert KEY not in openai.account()
    assert fake.sent("POST", JOBS)[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("value", ["sk-żółć", "sk-one\nsk-two", 'sk "x"', "sk-\x7f-del"])
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(connected, monkeypatch, value):
    provider = connected()
    monkeypatch.setenv("FAKE_KEY", value)
    with pytest.raises(CredentialsError) as caught:
        provider.account()
    assert value not in everything_of(caught.value)
    assert "FAKE_KEY" in str(caught.value)
    assert caught.value.exit is Exit.CREDENTIALS


def test_a_missing_key_names_the_variable(connected, monkeypatch):
    provider = connected()
    monkeypatch.setenv("FAKE_KEY", "  ")
    with pytest.raises(CredentialsError, match="`FAKE_KEY` is not set"):
        provider.account()


def test_a_refused_key_exits_with_the_code_for_credentials(connected, monkeypatch):
    provider = connected()
    monkeypatch.setenv("FAKE_KEY", "sk-of-somebody-else")
    with pytest.raises(CredentialsError) as caught:
        provider.account()
    assert caught.value.exit is Exit.CREDENTIALS
    assert "sk-of-somebody-else" not in everything_of(caught.value)


def test_the_rows_of_an_upload_are_read_once_and_sent_as_they_are(fake, openai):
    rows = chat_rows()
    made = openai.handlers["upload"].create(request_for(*upload_resource("openai_eu"), reader=rows))
    lines = fake.contents[made.id].decode().splitlines()
    assert [json.loads(line) for line in lines] == rows.data


def test_all_modules_of_the_room_import_without_the_sdk():
    import tunectl.providers as room

    found = [m.name for m in pkgutil.walk_packages(room.__path__, "tunectl.providers.")]
    assert len(found) > 15
    code = f"import sys; [__import__(n) for n in {found}]; assert 'openai' not in sys.modules"
    code += "; assert 'httpx2' not in sys.modules"
    import subprocess
    import sys

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
