"""SDKs' HTTP clients at a provider's pace, through the user's proxies and certificates.

Proxies are taken from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case, by
the libraries themselves; certificates as `etiquette.ca_file` says.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from tunectl.providers.etiquette import HeldBackError, Pace, Turn, ca_file, route_of

if TYPE_CHECKING:
    import ssl

    import httpx2

_REPEATS: Final = 5
_TOO_MANY: Final = 429


def httpx_client(
    pace: Pace,
    *,
    plain: bool,
    repeats: bool,
    hopeless: Callable[[bytes], bool] = lambda _: False,
    keep_alive_seconds: float | None = None,
    direct: bool = False,
    authorities: str | None = None,
) -> httpx2.Client:
    """Return a client for an SDK that takes an httpx2 one.

    What the service wants delayed for longer than the pace's patience is answered here with its
    own 429, unsent; the SDK then raises what it raises for that, and does not try again.

    Args:
        pace: of the provider.
        plain: the service answers without TLS.
        repeats: requests are questions: a 429 that says how long to wait is waited out.
        hopeless: tells from the body of a 429 that waiting does not help; it then holds up nobody.
        keep_alive_seconds: how long an idle connection is kept; None gives each request its own.
        direct: never through a proxy.
        authorities: a file in PEM with those to trust, instead of the usual ones.
    """
    import httpx2

    return _paced(pace, repeats=repeats, hopeless=hopeless)(
        limits=httpx2.Limits(
            max_keepalive_connections=0 if keep_alive_seconds is None else None,
            keepalive_expiry=keep_alive_seconds or 0.0,
        ),
        trust_env=not direct,
        # Without TLS there is nothing to verify, and reading the certificates takes 0.1 s; a
        # redirect from there to somewhere else is not followed.
        verify=False if plain else _context(authorities),
        follow_redirects=not plain,
    )


def _paced(pace: Pace, *, repeats: bool, hopeless: Callable[[bytes], bool]) -> type[httpx2.Client]:
    import httpx2

    class Paced(httpx2.Client):
        def send(self, request: httpx2.Request, **given: Any) -> httpx2.Response:  # noqa: ANN401
            route = route_of(request.method, request.url.path)
            left = pace.patience
            for attempt in range(_REPEATS + 1):
                try:
                    turn = pace.enter(route)
                except HeldBackError as held:
                    return _unsent(request, held)
                answer = super().send(request, **given)
                wait = turn.heard(answer.status_code, answer.headers)
                if answer.status_code != _TOO_MANY or not wait:
                    return answer
                if hopeless(answer.read()):
                    pace.forgive(route)
                    answer.headers["x-should-retry"] = "false"
                    return answer
                left -= wait
                if not repeats or left < 0 or attempt == _REPEATS:
                    answer.headers["x-should-retry"] = "false"
                    return answer
                answer.close()
            raise AssertionError("the last attempt returns")

    return Paced


def _context(authorities: str | None) -> ssl.SSLContext | bool:
    """Return the authorities that were named, or the user's own where the environment has some."""
    import ssl

    named = authorities or ca_file()
    if named is None:
        return True
    from pathlib import Path

    folder = Path(named).is_dir()
    return ssl.create_default_context(
        cafile=None if folder else named, capath=named if folder else None
    )


def _unsent(request: httpx2.Request, held: HeldBackError) -> httpx2.Response:
    import httpx2

    message = str(held)
    return httpx2.Response(
        _TOO_MANY,
        headers={"retry-after": _whole(held), "x-should-retry": "false"},
        json={"type": "error", "error": {"type": "rate_limit_error", "message": message}},
        request=request,
    )


def pace_requests(session: Any, pace: Pace) -> None:  # noqa: ANN401  # a `requests.Session`
    """Let a session of requests ask at a pace; it trusts the certificates that the user names.

    Google's clients repeat questions themselves after a 429, by their own backoff; the pace makes
    them wait for as long as `Retry-After` says. What has to wait for longer than the pace's
    patience is answered with a 429, unsent.
    """
    from requests.adapters import HTTPAdapter

    class Paced(HTTPAdapter):
        def send(self, request: Any, *given: Any, **named: Any) -> Any:  # noqa: ANN401
            try:
                turn = pace.enter(route_of(str(request.method), urlsplit(request.url).path))
            except HeldBackError as held:
                return _unsent_requests(request, held)
            answer = super().send(request, *given, **named)
            turn.heard(answer.status_code, answer.headers)
            return answer

    if (named := ca_file()) is not None:
        session.verify = named
        tokens = getattr(session, "_auth_request_session", None)  # of google-auth, for tokens
        if tokens is not None:
            tokens.verify = named
    session.mount("https://", Paced())
    session.mount("http://", Paced())


def _unsent_requests(request: Any, held: HeldBackError) -> Any:  # noqa: ANN401
    import json

    import requests

    error = {"code": _TOO_MANY, "message": str(held), "status": "RESOURCE_EXHAUSTED"}
    answer = requests.Response()
    answer.status_code, answer.reason = _TOO_MANY, "Too Many Requests"
    answer.headers["Retry-After"] = _whole(held)
    answer.headers["Content-Type"] = "application/json"
    answer._content = json.dumps({"error": error}).encode()  # noqa: SLF001  # there is no setter
    answer.url, answer.request = request.url, request
    return answer


def pace_botocore(client: Any, pace: Pace) -> None:  # noqa: ANN401  # any client of boto3
    """Let a client of boto3 ask at a pace, each operation being a route.

    Its certificates: pass `verify=etiquette.ca_file("AWS_CA_BUNDLE")` when it is made. What has to
    wait for longer than the pace's patience raises `HeldBackError`, a `RateLimitError`, unsent.
    """
    here = threading.local()  # botocore sends and judges an answer in one thread

    def before(request: Any, event_name: str, **_: Any) -> None:  # noqa: ANN401, ARG001
        here.turn = pace.enter(event_name.rpartition(".")[2])

    def after(response: Any, **_: Any) -> None:  # noqa: ANN401
        turn: Turn | None = getattr(here, "turn", None)
        if response is not None and turn is not None:
            http = response[0]
            headers = {str(k).lower(): str(v) for k, v in http.headers.items()}
            turn.heard(http.status_code, headers)
        here.turn = None

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"before-send.{service}", before)
    client.meta.events.register(f"needs-retry.{service}", after)


def _whole(held: HeldBackError) -> str:
    return str(math.ceil(held.wait or 0.0))
