"""SDKs ask at the pace of their provider, through the user's proxy and certificates."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

import tunectl
from tests.providers import fake_openai, network
from tests.providers.fake_openai import Fault
from tunectl.core.errors import ConfigError, RateLimitError, UnavailableError
from tunectl.providers.etiquette import HeldBackError, Pace, Rate
from tunectl.providers.openai import connect
from tunectl.providers.paced_clients import pace_botocore, pace_requests

VARIABLES = (
    "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE",
)  # fmt: skip
JOBS = "/fine_tuning/jobs"


@pytest.fixture(autouse=True)
def bare(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def naps(openai, monkeypatch):
    """Seconds for which the provider's pace slept; time passes by itself."""
    slept, clock = [], [1000.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(openai.wire.pace, "_clock", lambda: clock[0])
    monkeypatch.setattr(openai.wire.pace, "_sleep", sleep)
    return slept


def test_our_name_goes_with_every_request(fake, openai):
    openai.account()
    assert fake.seen[0].headers["user-agent"] == f"tunectl/{tunectl.__version__}"


def test_a_question_waits_for_as_long_as_it_is_asked_to_and_goes_on(fake, openai, naps):
    fault = Fault("GET", JOBS, status=429, headers={"Retry-After": "17"}, times=2)
    fake.faults.append(fault)
    assert openai.account().endswith("/acme-corp")
    assert sum(naps) == pytest.approx(34)
    assert len(fake.seen) == 3


def test_a_question_is_not_sent_again_before_a_far_away_time(fake, openai, naps):
    fake.faults.append(Fault("GET", JOBS, status=429, headers={"Retry-After": "3600"}))
    for _ in range(2):
        with pytest.raises(RateLimitError) as caught:
            openai.account()
        assert caught.value.wait == 3600
    assert "3600 seconds" in str(caught.value)
    assert (len(fake.seen), naps) == (1, [])


def test_a_service_that_never_relents_is_asked_a_few_times_only(fake, openai, naps):
    fake.faults.append(Fault("GET", JOBS, status=429, headers={"Retry-After": "1"}, times=99))
    with pytest.raises(RateLimitError):
        openai.account()
    assert len(fake.seen) == 6


def test_a_create_that_is_refused_for_now_is_sent_once(fake, openai, naps):
    fake.faults.append(Fault("POST", JOBS, status=429, headers={"Retry-After": "5"}, times=99))
    with pytest.raises(RateLimitError) as caught:
        openai.wire.tell(
            "create a tuning job",
            lambda c: c.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-1"),
        )
    assert caught.value.wait == 5
    assert len(fake.sent("POST", JOBS)) == 1


def test_a_quota_of_one_model_holds_up_no_other(fake, openai, naps):
    def create():
        openai.wire.tell(
            "create a tuning job",
            lambda c: c.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-1"),
        )

    headers, code = {"Retry-After": "86400"}, "daily_rate_limit_exceeded"
    fake.faults.append(Fault("POST", JOBS, status=429, code=code, headers=headers, times=2))
    for _ in range(2):
        with pytest.raises(RateLimitError):
            create()
    assert len(fake.sent("POST", JOBS)) == 2


def test_a_user_s_limit_is_kept_over_all_that_a_provider_asks(connected):
    provider = connected(requests_per_minute=60)
    slept, clock = [], [1000.0]
    provider.wire.pace._clock = lambda: clock[0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    provider.wire.pace._sleep = sleep
    for _ in range(9):
        list(provider.models())
    assert sum(slept) == pytest.approx(3, abs=0.1)  # six at once, then one a second


def over_tls(url, **settings):
    return connect(name="openai_eu", base_url=url, key_env="FAKE_KEY", **settings)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_user_s_own_authority_is_trusted(fake, key, tmp_path, monkeypatch, variable):
    with network.tls(fake.url, tmp_path) as (url, authority):
        monkeypatch.setenv(variable, str(authority))
        assert "localhost" in over_tls(url).account()


def test_an_authority_that_nobody_named_is_not_trusted(fake, key, tmp_path, monkeypatch):
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.001)
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.001)
    refused = pytest.raises(UnavailableError, match="CERTIFICATE_VERIFY_FAILED")
    with network.tls(fake.url, tmp_path) as (url, _), refused:
        over_tls(url).account()
    assert fake.seen == []


def test_missing_certificates_are_named(key, monkeypatch, tmp_path):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "brak.pem"))
    with pytest.raises(ConfigError, match="REQUESTS_CA_BUNDLE"):
        over_tls("https://localhost:1/v1").account()


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_the_user_s_proxy_is_gone_through(fake, key, tmp_path, monkeypatch, variable):
    with network.tls(fake.url, tmp_path) as (url, authority), network.proxy() as (address, asked):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        monkeypatch.setenv(variable, address)
        over_tls(url).account()
    assert [f"https://{host}/v1" for host in asked] == [url]
    assert len(fake.seen) == 1


def test_a_host_of_no_proxy_is_reached_directly(fake, key, tmp_path, monkeypatch):
    with network.tls(fake.url, tmp_path) as (url, authority), network.proxy() as (address, asked):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        monkeypatch.setenv("HTTPS_PROXY", address)
        monkeypatch.setenv("NO_PROXY", "localhost")
        over_tls(url).account()
    assert asked == []
    assert len(fake.seen) == 1


def test_a_session_of_requests_trusts_goes_through_and_waits_likewise(fake, tmp_path, monkeypatch):
    import requests

    slept, clock = [], [1000.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    pace = Pace(clock=lambda: clock[0], sleep=sleep)
    auth = {"Authorization": f"Bearer {fake_openai.KEY}"}
    fake.faults.append(Fault("GET", "/files", status=429, headers={"Retry-After": "5"}))
    with network.tls(fake.url, tmp_path) as (url, authority), network.proxy() as (address, asked):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        monkeypatch.setenv("HTTPS_PROXY", address)
        with requests.Session() as session:
            pace_requests(session, pace)
            codes = [session.get(f"{url}/files", headers=auth).status_code for _ in range(2)]
            fake.faults.append(Fault("GET", "/files", status=429, headers={"Retry-After": "99"}))
            session.get(f"{url}/files", headers=auth)
            unsent = session.get(f"{url}/files", headers=auth)
    assert codes == [429, 200]
    assert sum(slept) == pytest.approx(5, abs=0.1)
    assert asked
    assert (unsent.status_code, unsent.headers["retry-after"], len(fake.seen)) == (429, "99", 3)
    assert unsent.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


class _Aws(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    answers: list[tuple[int, dict[str, str]]]

    def log_message(self, *_):
        pass

    def do_GET(self):
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        body = b'{"customModels": [], "modelSummaries": []}'
        if status != 200:
            headers = {**headers, "x-amzn-errortype": "ThrottlingException"}
            body = b'{"message": "Too many requests"}'
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def bedrock(monkeypatch):
    """A client of boto3 without retries of its own, and what its service will answer."""
    import boto3
    from botocore.config import Config

    answers = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Aws", (_Aws,), {"answers": answers}))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    client = boto3.session.Session().client(
        "bedrock",
        region_name="eu-west-1",
        endpoint_url=f"http://127.0.0.1:{server.server_address[1]}",
        aws_access_key_id="x",
        aws_secret_access_key="y",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield client, answers
    client.close()
    server.shutdown()
    server.server_close()


def test_a_client_of_boto3_waits_by_operation(bedrock):
    client, answers = bedrock
    slept, clock = [], [1000.0]

    def sleep(seconds):
        slept.append(seconds)
        clock[0] += seconds

    rates = {"ListFoundationModels": Rate(1, 2)}
    pace_botocore(client, Pace(rates, clock=lambda: clock[0], sleep=sleep))
    for _ in range(4):
        client.list_foundation_models()
    assert sum(slept) == pytest.approx(2, abs=0.01)
    answers.append((429, {"Retry-After": "600"}))
    with pytest.raises(client.exceptions.ThrottlingException):
        client.list_custom_models()
    with pytest.raises(HeldBackError) as caught:
        client.list_custom_models()
    assert caught.value.wait == 600
    client.list_foundation_models()
