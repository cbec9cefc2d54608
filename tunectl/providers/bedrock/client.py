"""The connection: clients made when first needed, every call through one seam.

`Cloud.ask` is for questions (repeated by the SDK when the service is busy), `Cloud.tell` for what
changes the remote side (sent once, on a connection of its own). Both raise only the core's errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from tunectl.core.errors import ProviderError
from tunectl.providers.attempt import Attempt, SenselessAnswerError
from tunectl.providers.bedrock.errors import caught, translate
from tunectl.providers.etiquette import (
    ASK_SECONDS,
    CONNECT_SECONDS,
    SEND_SECONDS,
    Pace,
    ca_file,
    user_agent,
)
from tunectl.providers.keys import is_loopback
from tunectl.providers.paced_clients import pace_botocore

T = TypeVar("T")

CONTROL, RUNTIME, S3, STS = "bedrock", "bedrock-runtime", "s3", "sts"
AGENT, AGENT_RUNTIME = "bedrock-agent", "bedrock-agent-runtime"  # knowledge bases, and a search
_ATTEMPTS = 3  # of a question, the first one counted


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One account of AWS in one region; thread-safe.

    Attributes:
        provider: the name under `providers:`.
        region: where jobs are made and models answer.
        endpoints: addresses instead of AWS's own, by service.
        aws_profile: of the shared configuration file; the SDK's own default where it is None.
        pace: of all requests together.
        ask_seconds: how long a question may take.
    """

    provider: str
    region: str
    endpoints: Mapping[str, str] = field(default_factory=dict)
    aws_profile: str | None = None
    pace: Pace = field(default_factory=Pace, repr=False)
    ask_seconds: float = ASK_SECONDS
    _made: dict[tuple[str, bool], Any] = field(default_factory=dict, repr=False)
    _sessions: dict[str | None, Any] = field(default_factory=dict, repr=False)
    _mutex: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def rehearsed(self) -> bool:
        """Whether the service is one on this machine."""
        return is_loopback(self.endpoints.get(CONTROL))

    @property
    def pause(self) -> float:
        """Seconds between two looks at what is about to change."""
        return 0.02 if self.rehearsed else 2.0

    def ask(self, service: str, doing: str, call: Callable[[Any], T]) -> T:
        """Ask something; safe to repeat, and repeated when the service is busy.

        Args:
            service: `CONTROL`, `RUNTIME`, `AGENT`, `AGENT_RUNTIME`, `S3` or `STS`.
            doing: what is asked, as in `list the jobs`, for messages.
            call: makes the request with a client of boto3.

        Raises:
            ProviderError: of the class that fits; never `UnknownOutcomeError`.
        """
        return self._call(Attempt(self.provider, doing), service, call)

    def tell(self, service: str, doing: str, call: Callable[[Any], T]) -> T:
        """Change something; sent once.

        Raises:
            UnknownOutcomeError: it may have taken effect.
            ProviderError: it definitely has not.
        """
        return self._call(Attempt(self.provider, doing, changes=True), service, call)

    def stream(self, doing: str, call: Callable[[Any], Iterator[T]]) -> Iterator[T]:
        """Ask the runtime something that is answered piece by piece.

        Raises:
            ProviderError: also in the middle of it.
        """
        attempt = Attempt(self.provider, doing)
        pieces = self._call(attempt, RUNTIME, call)
        try:
            yield from pieces
        except caught() as error:
            raise translate(error, attempt) from None

    def url_of(self, service: str) -> str:
        """Return where a service is asked, without a slash at its end."""
        given = self.endpoints.get(service)
        return given or f"https://{service}.{self.region}.{_domain(self.region)}"

    def _call(self, attempt: Attempt, service: str, call: Callable[[Any], T]) -> T:
        try:
            return call(self._client(service, once=attempt.changes))
        except ModuleNotFoundError as error:
            raise ProviderError.of(
                f"provider `{self.provider}` needs `{error.name}`, which is not installed",
                hint="pip install 'tunectl[bedrock]'",
            ) from None
        except caught() as error:
            raise translate(error, attempt) from None

    def _client(self, service: str, *, once: bool) -> Any:  # noqa: ANN401  # boto3 is untyped
        with self._mutex:
            if (service, once) not in self._made:
                self._made[service, once] = self._connected(service, once=once)
            return self._made[service, once]

    def _connected(self, service: str, *, once: bool) -> Any:  # noqa: ANN401
        """Return a client.

        Args:
            service: as boto3 calls it.
            once: nothing is sent twice, and each request has a connection of its own: on one that
                the service has just closed, a request is lost in a way that looks like a lost
                answer.
        """
        from botocore.config import Config

        url = self.endpoints.get(service)
        here = is_loopback(url)
        config = Config(
            connect_timeout=min(CONNECT_SECONDS, self.ask_seconds),
            read_timeout=SEND_SECONDS if service == RUNTIME else self.ask_seconds,
            retries={"mode": "standard", "total_max_attempts": 1 if once else _ATTEMPTS},
            user_agent_extra=user_agent(),
            s3={"addressing_style": "path"} if here else None,
            proxies={} if here else None,  # never through a proxy on this machine
        )
        keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"} if here else {}
        profile = None if here else self.aws_profile
        if profile not in self._sessions:
            self._sessions[profile] = _session(profile)
        client = self._sessions[profile].client(
            service,
            region_name=self.region,
            endpoint_url=url,
            config=config,
            verify=None if here else ca_file("AWS_CA_BUNDLE"),
            **keys,
        )
        pace_botocore(client, self.pace)
        if once:
            # After signing: a proxy may change the header, and the signature must hold still.
            name = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register(f"before-send.{name}", _alone)
        return client


def _session(profile: str | None) -> Any:  # noqa: ANN401  # boto3 is untyped
    """Return a session; reading the service models again for each client costs 0.1 s of CPU."""
    import boto3

    return boto3.session.Session(profile_name=profile)


def _alone(request: Any, **_: Any) -> None:  # noqa: ANN401  # botocore's request
    request.headers["Connection"] = "close"


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def fields(answer: Mapping[str, Any], *needed: str) -> Mapping[str, Any]:
    """Return an answer that has what it must have.

    Raises:
        SenselessAnswerError: something is missing.
    """
    for name in needed:
        if answer.get(name) in (None, ""):
            raise SenselessAnswerError(f"`{name}` is missing")
    return answer


def pages(
    cloud: Cloud, doing: str, operation: str, key: str, *, service: str = CONTROL, **asked: str
) -> Iterator[Mapping[str, Any]]:
    """Yield what a list of the control plane holds, one request a page.

    Args:
        cloud: the account.
        doing: what is asked, for messages.
        operation: the client's method.
        key: where the page stands in the answer.
        service: whose list it is.
        asked: further arguments.

    Raises:
        ProviderError: a page could not be had; what came before it is no whole list.
    """
    token, seen = "", set[str]()
    while True:
        more = {**asked, "nextToken": token} if token else asked

        def one(client: Any, more: Mapping[str, Any] = more) -> Mapping[str, Any]:  # noqa: ANN401
            answer = getattr(client, operation)(maxResults=_PAGE, **more)
            if not isinstance(answer.get(key), list):
                raise SenselessAnswerError(f"`{key}` is missing")
            if answer.get("nextToken") in seen:
                raise SenselessAnswerError("the same page came twice")
            return fields(answer)

        answer = cloud.ask(service, doing, one)
        yield from answer[key]
        token = str(answer.get("nextToken") or "")
        if not token:
            return
        seen.add(token)


_PAGE = 1000
