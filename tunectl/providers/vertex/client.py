"""The connection: clients made when first needed, every call through one seam.

`Cloud.ask` is for questions (repeated when the service is busy), `Cloud.tell` for what changes the
remote side (sent once). Both raise only the core's errors.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

from tunectl.core.errors import ProviderError, RateLimitError, UnavailableError
from tunectl.providers.attempt import Attempt, SenselessAnswerError
from tunectl.providers.etiquette import ASK_SECONDS, CONNECT_SECONDS, SEND_SECONDS, Pace, user_agent
from tunectl.providers.keys import is_loopback
from tunectl.providers.paced_clients import pace_requests
from tunectl.providers.vertex.errors import AstrayError, caught, translate
from tunectl.providers.vertex.places import host_of

T = TypeVar("T")

_PAUSES = (0.3, 1.5)  # seconds before each further attempt at a question
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"

TUNING, ENDPOINTS, MODELS, GARDEN = "tuning", "endpoints", "models", "garden"
RAG = "rag"


@dataclass(frozen=True, kw_only=True)
class Cloud:
    """One project of Google Cloud; thread-safe.

    Attributes:
        provider: the name under `providers:`.
        project: id or number, as the settings say.
        location: where jobs are made.
        staging: bucket and prefix of converted rows; empty where none is set.
        endpoint: where Vertex AI is instead of Google's own hosts; for every location.
        storage_endpoint: the same for Cloud Storage.
        pace: of all requests to Vertex AI together.
        storage_pace: the same for Cloud Storage, which has no such quota.
        ask_seconds: how long a question may take.
        hub_token_env: the variable that holds a token of Hugging Face; empty for none.
    """

    provider: str
    project: str
    location: str
    staging: str = ""
    endpoint: str | None = None
    storage_endpoint: str | None = None
    pace: Pace = field(default_factory=Pace, repr=False)
    storage_pace: Pace = field(default_factory=Pace, repr=False)
    ask_seconds: float = ASK_SECONDS
    hub_token_env: str = ""
    _made: dict[tuple[str, ...], Any] = field(default_factory=dict, repr=False)
    _mutex: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @property
    def parent(self) -> str:
        """Where jobs are made, as a resource name."""
        return f"projects/{self.project}/locations/{self.location}"

    @property
    def plain(self) -> dict[str, Any]:
        """What every call of a service client is told: no retry of the library's own."""
        return {"retry": None, "timeout": self.ask_seconds}

    def url_of(self, location: str) -> str:
        """Return where a location is asked, without a slash at its end."""
        return (self.endpoint or f"https://{host_of(location)}").rstrip("/")

    def answering_url(self, location: str, own: str) -> str:
        """Return where an endpoint answers: at the host of its own, where it has one.

        Args:
            location: of the endpoint.
            own: its `dedicatedEndpointDns`; empty where it has none. What has one does not answer
                at the host of its location (Vertex AI API reference, 2026-11).
        """
        return f"https://{own}" if own and not is_loopback(self.endpoint) else self.url_of(location)

    def ask(self, doing: str, call: Callable[[], T]) -> T:
        """Ask something; safe to repeat, and repeated when the service is busy.

        Args:
            doing: what is asked, as in `list the jobs`, for messages.
            call: makes the request with the clients of this object.

        Raises:
            ProviderError: of the class that fits; never `UnknownOutcomeError`.
        """
        attempt = Attempt(self.provider, doing)
        for pause in _PAUSES:
            try:
                return self._call(attempt, call)
            except AstrayError:
                raise  # asking again reaches no other server
            except (UnavailableError, RateLimitError) as error:
                if isinstance(error, RateLimitError) and (error.wait or 0) > pause:
                    raise
                time.sleep(pause)
        return self._call(attempt, call)

    def tell(self, doing: str, call: Callable[[], T]) -> T:
        """Change something; sent once.

        Raises:
            UnknownOutcomeError: it may have taken effect.
            ProviderError: it definitely has not.
        """
        return self._call(Attempt(self.provider, doing, changes=True), call)

    def stream(self, doing: str, call: Callable[[], Iterator[T]]) -> Iterator[T]:
        """Ask something that is answered piece by piece.

        Raises:
            ProviderError: also in the middle of it.
        """
        attempt = Attempt(self.provider, doing)
        try:
            yield from self._call(attempt, call)
        except caught() as error:
            raise translate(error, attempt) from None

    def _call(self, attempt: Attempt, call: Callable[[], T]) -> T:
        try:
            return call()
        except ModuleNotFoundError as error:
            raise ProviderError.of(
                f"provider `{self.provider}` needs `{error.name}`, which is not installed",
                hint="pip install 'tunectl[vertex]'",
            ) from None
        except caught() as error:
            raise translate(error, attempt) from None

    def service(self, kind: str, location: str, *, once: bool = False) -> Any:  # noqa: ANN401
        """Return a service client of `google.cloud.aiplatform_v1` over REST.

        Args:
            kind: `TUNING`, `ENDPOINTS`, `MODELS`, `GARDEN` or `RAG`.
            location: of the thing that is asked about.
            once: each request has a connection of its own: on one that the service has just
                closed, a request is lost in a way that looks like a lost answer.
        """
        url = self.url_of(location)
        with self._mutex:
            key = (kind, url, str(once))
            if key not in self._made:
                self._made[key] = self._service(kind, url, once=once)
            return self._made[key]

    def _service(self, kind: str, url: str, *, once: bool) -> Any:  # noqa: ANN401
        from google.api_core.gapic_v1.client_info import ClientInfo
        from google.cloud import aiplatform_v1

        client = {
            TUNING: aiplatform_v1.GenAiTuningServiceClient,
            ENDPOINTS: aiplatform_v1.EndpointServiceClient,
            MODELS: aiplatform_v1.ModelServiceClient,
            GARDEN: aiplatform_v1.ModelGardenServiceClient,
            RAG: aiplatform_v1.VertexRagDataServiceClient,
        }[kind](
            credentials=self.credentials(url),
            transport="rest",
            client_options={"api_endpoint": url if is_loopback(url) else urlsplit(url).netloc},
            client_info=ClientInfo(user_agent=user_agent()),
        )
        self._prepare(client.transport._session, url, self.pace, once=once)  # noqa: SLF001  # there is no other way to it
        return client

    def session(self, location: str, *, once: bool = False) -> Any:  # noqa: ANN401  # untyped
        """Return an authorised session of requests for routes that no service client knows."""
        from google.auth.transport.requests import AuthorizedSession

        url = self.url_of(location)
        with self._mutex:
            key = ("session", url, str(once))
            if key not in self._made:
                made = AuthorizedSession(self.credentials(url))
                made.headers["User-Agent"] = user_agent()
                self._made[key] = self._prepare(made, url, self.pace, once=once)
            return self._made[key]

    def storage(self, *, once: bool = False) -> Any:  # noqa: ANN401  # the library is untyped
        """Return the client of Cloud Storage."""
        with self._mutex:
            key = ("storage", str(once))
            if key not in self._made:
                self._made[key] = self._storage(once=once)
            return self._made[key]

    def _storage(self, *, once: bool) -> Any:  # noqa: ANN401
        from google.api_core.client_info import ClientInfo
        from google.cloud import storage

        url = self.storage_endpoint
        client = storage.Client(
            project=self.project,
            credentials=self.credentials(url),
            client_info=ClientInfo(user_agent=user_agent()),
            client_options={"api_endpoint": url} if url else None,
        )
        self._prepare(client._http, url, self.storage_pace, once=once)  # noqa: SLF001  # there is no other way to it
        # It would ask for the bucket once more, in a thread, for traces that nobody collects.
        client._bucket_metadata_cache = None  # noqa: SLF001
        return client

    @staticmethod
    def _prepare(session: Any, url: str | None, pace: Pace, *, once: bool) -> Any:  # noqa: ANN401
        session.trust_env = not is_loopback(url)  # never through a proxy on this machine
        pace_requests(session, pace)
        if once:
            session.headers["Connection"] = "close"
        return session

    def credentials(self, url: str | None) -> Any:  # noqa: ANN401  # google-auth is untyped
        """Return Google's default credentials; a token that means nothing for loopback.

        Raises:
            google.auth.exceptions.DefaultCredentialsError: there are none.
        """
        if is_loopback(url):
            from google.oauth2.credentials import Credentials

            return Credentials("loopback")
        import google.auth

        with self._mutex:
            if ("credentials",) not in self._made:
                found, _ = google.auth.default(scopes=[_SCOPE], quota_project_id=self.project)
                self._made["credentials",] = found
            return self._made["credentials",]

    def get_json(self, location: str, path: str, **query: str) -> dict[str, Any]:
        """Ask a REST route; use it inside `ask`.

        Args:
            location: whose host is asked.
            path: from the version on, as in `v1beta1/projects/…`.
            query: parameters.
        """
        answer = self.session(location).get(
            f"{self.url_of(location)}/{path}",
            params=query,
            timeout=(CONNECT_SECONDS, self.ask_seconds),
        )
        return _object(answer)

    def moment(self, location: str, path: str) -> datetime:
        """Ask a REST route for the time there, UTC; use it inside `ask`.

        Raises:
            SenselessAnswerError: the answer says none.
        """
        answer = self.session(location).get(
            f"{self.url_of(location)}/{path}", timeout=(CONNECT_SECONDS, self.ask_seconds)
        )
        try:
            return parsedate_to_datetime(checked(answer).headers["Date"]).astimezone(UTC)
        except (KeyError, TypeError, ValueError):
            raise SenselessAnswerError("the header `Date` is missing") from None

    def post_json(
        self, location: str, path: str, body: Mapping[str, Any], url: str = ""
    ) -> dict[str, Any]:
        """Send to a REST route, once; use it inside `tell`. `url` names another host."""
        answer = self.session(location, once=True).post(
            f"{url or self.url_of(location)}/{path}",
            json=dict(body),
            timeout=(CONNECT_SECONDS, self.ask_seconds),
        )
        return _object(answer)

    def post_lines(self, location: str, path: str, body: Mapping[str, Any]) -> Iterator[str]:
        """Send to a REST route that answers in server-sent events; yield the data of each."""
        answer = self.session(location, once=True).post(
            f"{self.url_of(location)}/{path}",
            params={"alt": "sse"},
            json=dict(body),
            stream=True,
            timeout=(CONNECT_SECONDS, SEND_SECONDS),
        )
        checked(answer)
        for line in answer.iter_lines():
            if line.startswith(b"data:"):
                yield line[5:].decode("utf-8").strip()


def checked(answer: Any) -> Any:  # noqa: ANN401  # a response of requests
    """Return an answer that is no error.

    Raises:
        google.api_core.exceptions.GoogleAPICallError: of the class of its status.
    """
    if answer.status_code >= 400:
        from google.api_core.exceptions import from_http_response

        raise from_http_response(answer)
    return answer


def _object(answer: Any) -> dict[str, Any]:  # noqa: ANN401
    found = checked(answer).json()
    if not isinstance(found, dict):
        raise SenselessAnswerError("not a JSON object")
    return found


def as_json(message: Any) -> dict[str, Any]:  # noqa: ANN401  # a proto-plus message
    """Return a message as its REST route tells it: enums by name, 64-bit numbers as text."""
    from google.protobuf.json_format import MessageToDict

    found: dict[str, Any] = MessageToDict(type(message).pb(message))
    return found
