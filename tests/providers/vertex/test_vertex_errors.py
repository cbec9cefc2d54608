"""Every exception of Google's libraries becomes one of ours; none is forgotten."""

import inspect
import json

import pytest
import requests
from google.api_core import exceptions as api
from google.auth import exceptions as auth
from google.cloud.storage import exceptions as storage
from google.protobuf import json_format

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.attempt import Attempt, clean
from tunectl.providers.vertex.errors import caught, rules, translate

MODULES = (api, auth, storage, requests.exceptions, json_format)
ASK, TELL = Attempt("v", "read it"), Attempt("v", "make it", changes=True)
# Of the asynchronous client and of warnings, which nothing here uses or raises.
NEVER = (Warning, api.AsyncRestUnsupportedParameterError, storage.InvalidPathError)


def classes():
    for module in MODULES:
        for name, found in vars(module).items():
            if inspect.isclass(found) and issubclass(found, Exception) and name[0].isupper():
                # Cloud Storage raises classes of its own beneath those of its older library.
                older = found.__module__.startswith("google.resumable_media")
                if found.__module__.startswith(("google", "requests")) and not older:
                    yield found


EVERY = sorted({c for c in classes() if not issubclass(c, NEVER)}, key=lambda c: c.__qualname__)


@pytest.mark.parametrize("kind", EVERY)
def test_every_class_is_caught_and_has_a_rule_of_its_own_kind(kind):
    assert issubclass(kind, caught())
    general = {Exception, BaseException, object, OSError, ValueError, RuntimeError, TypeError}
    assert [c for c in kind.__mro__ if c in rules() and c not in general], "no rule is closer"


def told(code, status="", message="słowa"):
    """Return what Google's client raises for an answer."""
    answer = requests.Response()
    answer.status_code = code
    answer.request = requests.Request("GET", "http://127.0.0.1/").prepare()
    answer._content = (
        f'{{"error": {{"code": {code}, "message": "{message}", "status": "{status}"}}}}'.encode()
    )
    return api.from_http_response(answer)


@pytest.mark.parametrize(
    ("code", "status", "asked", "changed"),
    [
        (400, "INVALID_ARGUMENT", InvalidRequestError, InvalidRequestError),
        (400, "FAILED_PRECONDITION", ConflictError, ConflictError),
        (401, "UNAUTHENTICATED", CredentialsError, CredentialsError),
        (403, "PERMISSION_DENIED", CredentialsError, CredentialsError),
        (404, "NOT_FOUND", NotFoundError, NotFoundError),
        (409, "ALREADY_EXISTS", ConflictError, ConflictError),
        (409, "ABORTED", ConflictError, ConflictError),
        (412, "", ConflictError, ConflictError),
        (413, "", InvalidRequestError, InvalidRequestError),
        (429, "RESOURCE_EXHAUSTED", RateLimitError, RateLimitError),
        (408, "", UnavailableError, UnknownOutcomeError),
        (499, "CANCELLED", UnavailableError, UnknownOutcomeError),
        (500, "INTERNAL", UnavailableError, UnknownOutcomeError),
        (503, "UNAVAILABLE", UnavailableError, UnknownOutcomeError),
        (504, "DEADLINE_EXCEEDED", UnavailableError, UnknownOutcomeError),
    ],
)
def test_an_answer_means_the_same_whoever_gives_it(code, status, asked, changed):
    for attempt, kind in ((ASK, asked), (TELL, changed)):
        error = translate(told(code, status), attempt)
        assert type(error) is kind
        assert "słowa" in str(error)
        assert f"HTTP {code}" in error.diagnostics[0].detail


def test_a_404_of_a_web_server_does_not_say_that_an_object_is_gone():
    answer = requests.Response()
    answer.status_code, answer._content = 404, b"<html>Error 404 (Not Found)!!1</html>"
    answer.request = requests.Request("GET", "http://127.0.0.1/").prepare()
    error = translate(api.from_http_response(answer), ASK)
    assert isinstance(error, ProviderError)
    assert not isinstance(error, NotFoundError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (auth.DefaultCredentialsError("brak"), CredentialsError),
        (auth.RefreshError("wygasło"), CredentialsError),
        (auth.TransportError("sieć"), UnavailableError),
        (requests.ReadTimeout("cisza"), UnknownOutcomeError),
        (requests.ConnectTimeout("cisza"), UnavailableError),
        (json_format.ParseError("urwane"), UnknownOutcomeError),
        (api.RetryError("dość", cause=None), UnknownOutcomeError),
        (storage.DataCorruption(None, "crc32c"), UnknownOutcomeError),
    ],
)
def test_without_an_answer_it_counts_whether_anything_was_sent(error, kind):
    assert type(translate(error, TELL)) is kind


def test_foreign_words_are_shown_on_one_line_without_control_characters():
    assert clean("a\x1b[31m\n  b\tż") == "a [31m b ż"
    assert len(clean("x" * 5000)) == 600


def test_the_hint_for_a_wrong_adapter_size_names_our_own_setting():
    wrong = told(400, "INVALID_ARGUMENT", "The adapter size is not supported for this base model.")
    assert "`method.lora_r`" in translate(wrong, TELL).diagnostics[0].hint


@pytest.mark.parametrize(
    ("reason", "advice"),
    [
        ("SERVICE_DISABLED", "`gcloud services enable storage.googleapis.com`"),
        ("BILLING_DISABLED", "link a billing account"),
        ("IAM_PERMISSION_DENIED", "`roles/aiplatform.user`"),
    ],
)
def test_what_a_project_lacks_is_told_apart_from_what_the_account_may_not(reason, advice):
    info = {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "storage.googleapis.com", "consumer": "projects/1"},
    }
    answer = requests.Response()
    answer.status_code = 403
    answer.request = requests.Request("GET", "http://127.0.0.1/").prepare()
    body = {"code": 403, "message": "no", "status": "PERMISSION_DENIED", "details": [info]}
    answer._content = json.dumps({"error": body}).encode()
    error = translate(api.from_http_response(answer), ASK)
    assert isinstance(error, CredentialsError)
    assert advice in error.diagnostics[0].hint


def test_what_stands_in_the_way_for_now_is_no_conflict_with_somebody():
    error = translate(told(400, "FAILED_PRECONDITION"), TELL)
    assert str(error) == "provider `v` refused, as things are, to make it: słowa"
    assert "has a conflict" in str(translate(told(409, "ABORTED"), TELL))
