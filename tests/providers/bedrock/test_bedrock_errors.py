"""Every way a call can go wrong becomes one error of ours, and nothing is sent twice."""

from __future__ import annotations

import inspect
import time
from dataclasses import replace

import boto3.exceptions
import botocore.eventstream
import botocore.exceptions
import botocore.parsers
import pytest

from tests.providers.bedrock.cloud import BUCKET, connected
from tests.providers.bedrock.making import (
    endpoint_request,
    job_request,
    served,
    trained,
    upload_request,
    uploaded,
)
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
from tunectl.providers.attempt import Attempt
from tunectl.providers.bedrock.errors import rules, translate
from tunectl.server.clouds.world import Fault

JOBS = "^/model-customization-jobs$"
FINAL = (
    ConflictError, CredentialsError, InvalidRequestError, NotFoundError, RateLimitError,
    UnavailableError, UnknownOutcomeError,
)  # fmt: skip
SDK = [
    kind
    for module in (botocore.exceptions, botocore.eventstream, botocore.parsers, boto3.exceptions)
    for kind in vars(module).values()
    if inspect.isclass(kind)
    and issubclass(kind, Exception)
    and not issubclass(kind, Warning)
    and kind.__module__ == module.__name__
]


@pytest.mark.parametrize("kind", SDK, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_sdk_has_a_rule_of_its_own_or_its_familys(kind):
    assert len(SDK) > 90
    family = (boto3.exceptions.Boto3Error, botocore.eventstream.ParserError)
    assert kind in rules() or issubclass(kind, family)


@pytest.mark.parametrize("kind", SDK, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_sdk_becomes_an_error_with_an_outcome(kind):
    error = kind.__new__(kind)
    Exception.__init__(error, "słowa")
    for changes in (True, False):
        made = translate(error, Attempt("aws", "create a tuning job", changes))
        assert isinstance(made, FINAL)
        assert "`aws`" in str(made)
        assert changes or not isinstance(made, UnknownOutcomeError)


def test_a_class_that_nobody_has_heard_of_is_as_unsettled_as_its_ancestor():
    class Unheard(botocore.exceptions.BotoCoreError):
        fmt = "?"

    made = translate(Unheard(), Attempt("aws", "create a tuning job", changes=True))
    assert isinstance(made, UnknownOutcomeError)


def client_error(code, status, message="no — «нет»", **headers):
    return botocore.exceptions.ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "req-1",
                "HTTPHeaders": headers,
            },
        },
        "CreateModelCustomizationJob",
    )


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ValidationException", 400, InvalidRequestError),
        ("TooManyTagsException", 400, InvalidRequestError),
        ("NoSuchBucket", 404, InvalidRequestError),
        ("ServiceQuotaExceededException", 400, RateLimitError),
        ("ConflictException", 400, ConflictError),
        ("PreconditionFailed", 412, ConflictError),
        ("AccessDeniedException", 403, CredentialsError),
        ("ExpiredTokenException", 403, CredentialsError),
        ("UnrecognizedClientException", 403, CredentialsError),
        ("ResourceNotFoundException", 404, NotFoundError),
        ("ThrottlingException", 429, RateLimitError),
        ("SlowDown", 503, RateLimitError),
        ("NewAndUnknown", 418, InvalidRequestError),
        ("NewAndUnknown", 429, RateLimitError),
        ("InternalServerException", 500, UnknownOutcomeError),
        ("ServiceUnavailableException", 503, UnknownOutcomeError),
        ("ModelTimeoutException", 408, UnknownOutcomeError),
        ("502", 502, UnknownOutcomeError),
    ],
)
def test_an_answer_is_judged_by_its_code_and_its_status(code, status, kind):
    made = translate(client_error(code, status), Attempt("aws", "create a job", changes=True))
    assert type(made) is kind
    assert "no — «нет»" in str(made)
    assert "req-1" in made.diagnostics[0].detail


def test_waiting_is_told_and_for_a_quota_it_does_not_help():
    attempt = Attempt("aws", "create a job", changes=True)
    busy = translate(client_error("ThrottlingException", 429, **{"retry-after": "17"}), attempt)
    assert busy.wait == 17
    assert "17 seconds" in busy.diagnostics[0].hint
    assert translate(client_error("ServiceQuotaExceededException", 400), attempt).wait == float(
        "inf"
    )


def test_foreign_words_are_one_printable_line():
    words = "\x1b[31mred\x07\n" + "długie " * 1000
    made = translate(client_error("ValidationException", 400, words), Attempt("aws", "x"))
    assert str(made).isprintable()
    assert len(str(made)) < 1000


UNSETTLED = [
    Fault("lost"),
    Fault("lost", after=True),
    Fault("reset", after=True),
    Fault("half"),
    Fault("slow", seconds=0.8),
    Fault("status", status=500),
    Fault("status", status=503, after=True),
]


def create_without_an_answer(amazon, handler, request, fault, path):
    """Create while the service does something to that request, and to no other.

    Whoever cannot wait is the one request that is answered late; every other one is patient, so
    that a busy machine makes nothing unknown that is not meant to be.
    """
    amazon.world.faults.append(replace(fault, method="POST", path=path))
    if fault.how == "slow":
        hasty = connected(amazon, timeout=0.4).cloud
        handler = replace(handler, cloud=hasty)
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    # A late answer may be given up before the service has begun with it.
    wait_until(lambda: amazon.calls("POST", path))
    assert len(amazon.calls("POST", path)) == 1


def wait_until(true, seconds=30.0):
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize("fault", UNSETTLED, ids=lambda f: f"{f.how}-{f.after}")
def test_a_create_without_an_answer_is_unknown_and_is_sent_once(amazon, provider, fault):
    request = job_request(provider)
    handler = provider.handlers["tuning_job"]
    create_without_an_answer(amazon, handler, request, fault, JOBS)
    made = list(amazon.bedrock.shelf.jobs)
    assert [one.id for one in handler.find(request.mark)] == made
    assert len(made) == (1 if fault.after or fault.how in {"half", "slow"} else 0)


@pytest.mark.parametrize("fault", UNSETTLED, ids=lambda f: f"{f.how}-{f.after}")
@pytest.mark.parametrize("serving", ["on_demand", "provisioned"])
def test_an_endpoint_of_unknown_outcome_is_found(amazon, provider, fault, serving):
    model = trained(provider).outputs["model_id"]
    request = endpoint_request(model, serving=serving)
    path = "^/provisioned-model-throughput$|custom-model-deployments$"
    handler, shelf = provider.handlers["endpoint"], amazon.bedrock.shelf
    create_without_an_answer(amazon, handler, request, fault, path)
    assert [one.id for one in handler.find(request.mark)] == [
        *shelf.deployments,
        *shelf.throughputs,
    ]


@pytest.mark.parametrize("fault", [f for f in UNSETTLED if f.after], ids=lambda f: f.how)
def test_an_upload_of_unknown_outcome_is_found_by_its_key(amazon, provider, fault):
    request = upload_request()
    # S3's 503 is SlowDown, a refusal.
    status = 500 if fault.how == "status" else fault.status
    amazon.world.faults.append(replace(fault, method="PUT", status=status))
    handler = provider.handlers["upload"]
    with pytest.raises(UnknownOutcomeError):
        handler.create(request)
    assert len(amazon.calls("PUT")) == 1
    [found] = handler.find(request.mark)
    assert found.id == f"s3://{BUCKET}/{next(iter(amazon.buckets.objects))[1]}"
    again = handler.create(request)  # the key holds the operation: what is there is this one
    assert again.id == found.id


def test_a_refused_connection_is_unavailable_because_nothing_was_sent(amazon, provider):
    request = job_request(provider)
    dead = connected(amazon, endpoint_url="http://127.0.0.1:9")
    handler = replace(
        dead.handlers["tuning_job"], identity=provider.handlers["tuning_job"].identity
    )
    with pytest.raises(UnavailableError) as caught:
        handler.create(request)
    assert "nothing was sent" in caught.value.diagnostics[0].hint


READS = [
    (Fault("status", status=400, times=9), InvalidRequestError),
    (Fault("status", status=403), CredentialsError),
    (Fault("status", status=429, times=9), RateLimitError),
    (Fault("status", status=500, times=9), UnavailableError),
    (Fault("lost", times=9), UnavailableError),
    (Fault("half", times=9), UnavailableError),
]


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.0)


READ_OF = [
    (what, fault, kind)
    for what in ("upload", "tuning_job", "endpoint", "model")
    for fault, kind in READS
    if (what, fault.how) != ("upload", "half")  # a HEAD has no body that could break off
]


@pytest.mark.parametrize(("what", "fault", "kind"), READ_OF, ids=lambda v: getattr(v, "how", None))
def test_a_read_that_fails_never_says_gone(amazon, provider, impatient, what, fault, kind):
    if what == "upload":
        uploaded(provider)
        [made] = [one.instance for one in provider.handlers["upload"].list()]
        path = "/tunectl/"
    elif what == "endpoint":
        made = served(provider, trained(provider).outputs["model_id"])
        path = "custom-model-deployments/"
    else:
        made = trained(provider)
        path = "^/custom-models/" if what == "model" else "^/model-customization-jobs/"
    handler = provider.handlers["tuning_job" if what == "model" else what]
    amazon.world.faults.append(
        replace(fault, method="HEAD" if what == "upload" else "GET", path=path)
    )
    with pytest.raises(ProviderError) as caught:
        handler.read(made)
    assert type(caught.value) is kind


def test_a_busy_service_is_asked_again_for_reads_only(amazon, provider, impatient):
    handler = provider.handlers["tuning_job"]
    made = handler.create(job_request(provider))
    amazon.world.faults.append(
        Fault("status", "GET", "^/model-customization-jobs/", status=503, times=2)
    )
    assert handler.poll(made).id == made.id


@pytest.mark.parametrize("how", ["lost", "half", "status"])
@pytest.mark.parametrize("kind", ["upload", "tuning_job", "endpoint"])
def test_a_list_that_is_no_list_finds_nothing_and_says_so(amazon, provider, impatient, kind, how):
    mark = upload_request().mark
    provider.account()
    amazon.world.faults.append(Fault(how, "GET", times=9, status=500))
    with pytest.raises(UnavailableError):
        list(provider.handlers[kind].find(mark))


@pytest.mark.parametrize("how", ["lost", "reset", "status"])
def test_a_delete_without_an_answer_can_be_repeated(amazon, provider, how):
    handler = provider.handlers["tuning_job"]
    made = trained(provider)
    amazon.world.faults.append(Fault(how, "DELETE", "^/custom-models/", after=True))
    with pytest.raises(UnknownOutcomeError):
        handler.delete(made)
    record = handler.delete(made)
    assert record.outputs == {"job_id": made.id}
    assert handler.read(made) is None
    assert amazon.bedrock.shelf.models == {}


def test_a_missing_bucket_is_no_missing_object(amazon, provider):
    uploaded(provider)
    [found] = provider.handlers["upload"].list()
    amazon.buckets.names = ()
    with pytest.raises(InvalidRequestError) as caught:
        provider.handlers["upload"].read(found.instance)
    assert f"no bucket `{BUCKET}`" in str(caught.value)
    with pytest.raises(InvalidRequestError):
        provider.handlers["upload"].create(upload_request())


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("You don't have access to the model with the specified model ID.", "the model's page"),
        ("User: arn:aws:iam::1:user/x is not authorized to perform: y", "the permission"),
    ],
)
def test_a_model_that_the_account_lacks_is_no_permission_of_the_identity(words, advice):
    error = client_error("AccessDeniedException", 403, words)
    made = translate(error, Attempt("aws", "answer with `m`"))
    assert isinstance(made, CredentialsError)
    assert advice in made.diagnostics[0].hint
