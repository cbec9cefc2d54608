"""What comes of a call to a service is told in the same words for every service."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tunectl.core.errors import (
    ConflictError,
    Exit,
    RateLimitError,
    UnavailableError,
    UnknownOutcomeError,
)
from tunectl.providers.attempt import (
    Attempt,
    Failed,
    clean,
    limited,
    made,
    senseless,
    silent,
    unsettled,
)

ASK = Attempt("chmura", "read the job `żółw`")
TELL = Attempt("chmura", "create a job", changes=True)


def test_a_message_says_who_did_what_and_what_to_do():
    error = made(ConflictError, ASK, "refused to", Failed(words="zajęte", detail="status 409"), "?")
    [said] = error.diagnostics
    assert said.summary == "provider `chmura` refused to read the job `żółw`: zajęte"
    assert (said.hint, said.detail, said.exit) == ("?", "status 409", Exit.ERROR)


def test_foreign_words_are_one_short_line_without_a_secret():
    told = ASK.hiding("sk-tajne").clean("zły\nklucz\x1b[31m sk-tajne\u202e!")
    assert told == "zły klucz [31m [key] !"
    assert "sk-tajne" not in repr(ASK.hiding("sk-tajne"))
    assert ASK.hiding("") == ASK
    assert len(clean("ż" * 5000)) == 600


@pytest.mark.parametrize("how", [unsettled, silent, senseless])
def test_without_an_answer_to_rely_on_a_change_is_unknown_and_a_question_is_asked_later(how):
    failure = Failed(words="urwane")
    assert type(how(TELL, failure)) is UnknownOutcomeError
    assert "looks for the object" in how(TELL, failure).diagnostics[0].hint
    assert type(how(ASK, failure)) is UnavailableError
    assert how(ASK, failure).diagnostics[0].hint == "try again later"


@pytest.mark.parametrize(
    ("wait", "for_good", "hint", "seconds"),
    [
        (None, "", "try again later", None),
        (7.4, "", "try again in 7 seconds", 7.4),
        (7.4, "add credit", "add credit", float("inf")),
    ],
)
def test_a_limit_says_how_long_to_wait_or_that_waiting_does_not_help(wait, for_good, hint, seconds):
    error = limited(ASK, Failed(words="dość", wait=wait), for_good=for_good)
    assert isinstance(error, RateLimitError)
    assert (error.diagnostics[0].hint, error.wait) == (hint, seconds)


def _openai(header):
    import httpx2
    import openai

    from tunectl.providers.wire.errors import translate

    request = httpx2.Request("POST", "https://api.example/v1/fine_tuning/jobs")
    answer = httpx2.Response(429, headers={"Retry-After": header}, request=request)
    return translate(openai.RateLimitError("dość", response=answer, body=None), TELL)


def _bedrock(header):
    from botocore.exceptions import ClientError

    from tunectl.providers.bedrock.errors import translate

    meta = {"HTTPStatusCode": 429, "HTTPHeaders": {"retry-after": header}}
    told = {"Error": {"Code": "ThrottlingException"}, "ResponseMetadata": meta}
    return translate(ClientError(told, "CreateModelCustomizationJob"), TELL)


def _vertex(header):
    import requests
    from google.api_core import exceptions

    from tunectl.providers.vertex.errors import translate

    answer = requests.Response()
    answer.status_code = 429
    answer.headers["Retry-After"] = header
    return translate(exceptions.TooManyRequests("dość", response=answer), TELL)


@pytest.mark.parametrize("service", [_openai, _bedrock, _vertex])
def test_both_forms_of_retry_after_are_read_for_every_service(service):
    assert service("12").wait == 12
    later = datetime.now(UTC) + timedelta(hours=1)
    assert 3000 < service(format_datetime(later, usegmt=True)).wait <= 3600
    assert service("soon").wait is None
