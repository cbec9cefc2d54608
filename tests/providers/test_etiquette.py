"""The pace of a provider: token buckets, `Retry-After`, and what headers tell."""

import itertools
import threading
import time
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import ConfigError, RateLimitError
from tunectl.providers.etiquette import (
    HeldBackError,
    Pace,
    Rate,
    ca_file,
    pace_of,
    retry_after,
    route_of,
)

NOW = 1_795_000_000.0
JOBS = "GET /v1/fine_tuning/jobs"


class Clock:
    """Time that passes only when somebody sleeps or says so."""

    def __init__(self, at=1000.0):
        self.at = at

    def __call__(self):
        return self.at

    def sleep(self, seconds):
        assert seconds > 0
        self.at += seconds


def paced(clock, rates=None, **given):
    return Pace(rates, clock=clock, wall=lambda: NOW, sleep=clock.sleep, **given)


_seconds = st.floats(0, 20, allow_nan=False)
_answers = st.one_of(
    st.just((200, {})),
    st.just((404, {})),
    st.just((429, {})),
    st.integers(0, 30).map(lambda s: (429, {"retry-after": str(s)})),
    st.integers(0, 30).map(lambda s: (503, {"retry-after": str(s)})),
    st.integers(0, 30).map(
        lambda s: (200, {"ratelimit-remaining": "0", "ratelimit-reset": str(s)}),
    ),
)


@given(
    per_second=st.floats(0.2, 20),
    burst=st.integers(1, 20),
    story=st.lists(st.tuples(_seconds, _answers), max_size=40),
)
def test_no_window_of_time_holds_more_starts_than_the_rate_allows(per_second, burst, story):
    clock = Clock()
    pace = paced(clock, {JOBS: Rate(per_second, burst)})
    starts = []
    for pause, (status, headers) in story:
        clock.at += pause
        turn = pace.enter(JOBS)
        starts.append(turn.started)
        turn.heard(status, headers)
    for first, begin in enumerate(starts):
        for last in range(first, len(starts)):
            window = starts[last] - begin
            assert last - first + 1 <= burst + per_second * window + 1e-6


@given(story=st.lists(st.tuples(_seconds, _answers), max_size=40))
def test_nothing_of_a_route_begins_before_its_retry_after_is_over(story):
    clock = Clock()
    pace = paced(clock)
    until = 0.0
    for pause, (status, headers) in story:
        clock.at += pause
        turn = pace.enter(JOBS)
        assert turn.started >= until
        turn.heard(status, headers)
        if "retry-after" in headers:
            until = max(until, turn.started + float(headers["retry-after"]))


@given(count=st.integers(1, 30), seconds=st.floats(0.1, 50))
def test_other_routes_do_not_wait_for_one_that_is_held(count, seconds):
    clock = Clock()
    pace = paced(clock)
    pace.enter(JOBS).heard(429, {"retry-after": str(seconds)})
    before = clock()
    for _ in range(count):
        pace.enter("POST /v1/files").heard(200, {})
    assert clock() == before


@given(count=st.integers(1, 60))
def test_without_a_limit_and_without_complaint_nobody_waits(count):
    clock = Clock()
    pace = paced(clock)
    for _ in range(count):
        pace.enter(JOBS).heard(200, {})
    assert clock() == 1000.0


def test_what_would_wait_longer_than_patience_is_not_sent():
    clock = Clock()
    pace = paced(clock, patience=10)
    pace.enter(JOBS).heard(429, {"retry-after": "3600"})
    clock.at += 600
    with pytest.raises(HeldBackError, match="3000 seconds more") as caught:
        pace.enter(JOBS)
    assert caught.value.wait == 3000
    assert isinstance(caught.value, RateLimitError)
    clock.at += 2995
    assert pace.enter(JOBS).started >= 1000 + 3600


def test_a_complaint_without_a_time_halves_the_pace_once_for_all_that_were_under_way():
    clock = Clock()
    pace = paced(clock)
    turns = []
    for _ in range(10):  # ten a second
        turns.append(pace.enter(JOBS))
        clock.at += 0.1
    for turn in turns:
        turn.heard(429, {})
    starts = [pace.enter(JOBS).started for _ in range(5)]
    gaps = {round(b - a, 3) for a, b in itertools.pairwise(starts)}
    assert gaps == {0.2}


def test_a_learnt_pace_widens_again_until_it_limits_nothing():
    clock = Clock()
    pace = paced(clock)
    for _ in range(4):
        pace.enter(JOBS).heard(429, {})
        clock.at += 1
    for _ in range(100):
        pace.enter(JOBS).heard(200, {})
    before = clock()
    for _ in range(50):
        pace.enter(JOBS)
    assert clock() == before


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        # OpenAI, and Azure in seconds: full again in a minute, so one of sixty comes in a second
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-limit-requests": "60",
          "x-ratelimit-reset-requests": "1m0s"}, 1.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "12"}, 12.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-limit-tokens": "1000",
          "x-ratelimit-reset-tokens": "350ms"}, 0.35),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "0h0m7.5s"}, 7.5),
        # Anthropic
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-limit": "4",
          "anthropic-ratelimit-requests-reset":
          datetime.fromtimestamp(NOW + 20, UTC).isoformat()}, 5.0),
        ({"anthropic-ratelimit-input-tokens-remaining": "0",
          "anthropic-ratelimit-input-tokens-reset":
          datetime.fromtimestamp(NOW + 9, UTC).isoformat().replace("+00:00", "Z")}, 9.0),
        # some left, a day's limit (longer than we are ready to wait), or nothing readable
        ({"x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "1m0s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "7h12m0s"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "soon"}, 0.0),
        ({"x-ratelimit-remaining-requests": "0"}, 0.0),
    ],
)  # fmt: skip
def test_a_limit_that_the_headers_call_used_up_is_waited_for(headers, seconds):
    clock = Clock()
    pace = paced(clock)
    pace.enter(JOBS).heard(200, headers)
    assert pace.enter(JOBS).started - 1000 == pytest.approx(seconds, abs=0.002)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "17"}, 17.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "20", "retry-after": "17"}, 0.02),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW + 30, UTC), True)}, 30.0),
        ({"retry-after": format_datetime(datetime.fromtimestamp(NOW - 30, UTC), True)}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read_in_all_its_forms(headers, seconds):
    assert retry_after(headers, NOW) == seconds


@given(text=st.text(max_size=40))
def test_no_header_breaks_the_reading_of_it(text):
    clock = Clock()
    pace = paced(clock)
    headers = {
        "retry-after": text,
        "retry-after-ms": text,
        "ratelimit-remaining": "0",
        "ratelimit-reset": text,
    }
    wait = pace.enter(JOBS).heard(429, headers)
    assert 0 <= wait < float("inf")


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("get", "/v1/fine_tuning/jobs", "GET /v1/fine_tuning/jobs"),
        ("GET", "/v1/fine_tuning/jobs/ftjob-abc123/events", "GET /v1/fine_tuning/jobs/*/events"),
        ("GET", "/v1/models/ft:gpt-4o-mini:acme::x1", "GET /v1/models/*"),
        ("POST", "/v1/projects/acme/locations/europe-west4/tuningJobs",
         "POST /v1/projects/*/locations/*/tuningJobs"),
        ("POST", "/v1beta1/projects/acme/locations/us/endpoints/77:generateContent",
         "POST /v1beta1/projects/*/locations/*/endpoints/*:generateContent"),
        ("GET", "/storage/v1/b/acme/o/train", "GET /storage/v1/b/*/o/*"),
        ("POST", "/v1/messages", "POST /v1/messages"),
    ],
)  # fmt: skip
def test_a_route_is_the_path_without_its_ids(method, path, route):
    assert route_of(method, path) == route


def test_threads_together_keep_one_limit():
    pace = Pace({JOBS: Rate(200, 5)})
    starts, guard = [], threading.Lock()

    def ask():
        for _ in range(8):
            turn = pace.enter(JOBS)
            with guard:
                starts.append(turn.started)
            turn.heard(200, {})

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    starts.sort()
    assert len(starts) == 64
    for first, begin in enumerate(starts):
        for last in range(first, len(starts)):
            assert last - first + 1 <= 5 + 200 * (starts[last] - begin) + 1e-6


def test_a_user_s_own_limit_counts_all_routes_together():
    clock = Clock()
    pace = pace_of({"requests_per_minute": 60})
    pace._clock, pace._sleep = clock, clock.sleep
    for route in ("GET /v1/files", "GET /v1/models") * 8:
        pace.enter(route)
    assert clock() - 1000 == pytest.approx(10, abs=0.1)  # six at once, the other ten one a second


@pytest.mark.parametrize(("per_second", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nothing_pass_is_no_rate(per_second, burst):
    with pytest.raises(ValueError, match="no rate"):
        Rate(per_second, burst)


def test_the_user_s_certificates_are_taken_from_the_first_variable_that_names_some(
    monkeypatch, tmp_path
):
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    assert ca_file("AWS_CA_BUNDLE") is None
    one, two = tmp_path / "one.pem", tmp_path / "two.pem"
    one.touch()
    two.touch()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(one))
    monkeypatch.setenv("AWS_CA_BUNDLE", str(two))
    assert (ca_file(), ca_file("AWS_CA_BUNDLE")) == (str(one), str(two))


def test_certificates_that_do_not_exist_are_named_with_their_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(ConfigError, match="`SSL_CERT_FILE` names certificates"):
        ca_file()


def test_the_clock_of_a_pace_is_the_machine_s_where_none_is_given():
    before = time.monotonic()
    assert Pace().enter(JOBS).started >= before
