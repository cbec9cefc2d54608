"""The connection to one project: every request goes through one seam.

Laws: a question is repeated when it was not answered, what changes something never is. Keys go in
Basic authentication, are read when they are needed and stand in no message.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from tunectl.core.errors import UnavailableError
from tunectl.providers.attempt import Attempt
from tunectl.providers.etiquette import ASK_SECONDS, CONNECT_SECONDS, Pace, user_agent
from tunectl.providers.keys import read_key
from tunectl.providers.langfuse.errors import failure, refusal, senseless
from tunectl.providers.paced_clients import httpx_client

if TYPE_CHECKING:
    import httpx2

PAGE = 100  # the most that a page may hold (GetPromptsMetaSchema)
_PROMPTS = "/api/public/v2/prompts"
_KEEP_ALIVE_SECONDS = 30.0
_TRIES = 3
_PAUSE = 0.3  # seconds before the second attempt, twice as long before the third


@dataclass(frozen=True, kw_only=True)
class Link:
    """One configured project; thread-safe.

    Attributes:
        provider: the name under `providers:`.
        url: where it is, without `/api`.
        public_env: the variable that holds the public key.
        secret_env: the variable that holds the secret key.
        own: it runs on this machine, without TLS: no proxy is asked.
        seconds: how long an answer may take.
        pace: how fast it may be asked.
        sleep: waits so many seconds.
    """

    provider: str
    url: str
    public_env: str
    secret_env: str
    own: bool = False
    seconds: float = ASK_SECONDS
    pace: Pace = field(default_factory=Pace)
    sleep: Callable[[float], None] = time.sleep
    _open: dict[bool, httpx2.Client] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, doing: str, path: str, params: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Ask something.

        Args:
            doing: what is asked, as in `read the prompt`, for messages.
            path: of the API, percent-encoded.
            params: of the query.

        Raises:
            CredentialsError: no keys, or they are refused.
            NotFoundError: there is no such object.
            ProviderError: of the class that fits; never `UnknownOutcomeError`.
        """
        for attempt in range(_TRIES):
            try:
                return self._call(doing, "GET", path, params=params)
            except UnavailableError:
                if attempt == _TRIES - 1:
                    raise
                self.sleep(_PAUSE * 2**attempt)
        raise AssertionError("the last attempt returns")

    def tell(
        self,
        doing: str,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401  # JSON is of any type
        **params: str,
    ) -> dict[str, Any]:
        """Change something; never repeated.

        Raises:
            UnknownOutcomeError: it was sent, and no answer says whether it took effect.
            ProviderError: of the class that fits.
        """
        return self._call(doing, method, path, params=params, body=body, changes=True)

    def pages(self, doing: str, params: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        """Yield what a list of prompts holds, page by page."""
        page = 1
        while True:
            said = {**params, "page": str(page), "limit": str(PAGE)}
            found = self.ask(doing, _PROMPTS, said)
            data, meta = found.get("data"), found.get("meta")
            if not isinstance(data, list) or not isinstance(meta, dict):
                raise senseless(self._attempt(doing, changes=False), "`data` or `meta` is missing")
            yield from data
            if not data or page >= int(meta.get("totalPages") or 0):
                return
            page += 1

    def credentials(self) -> str:
        """Return where the keys come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        self._keys()
        return f"the variables `{self.public_env}` and `{self.secret_env}`"

    def _keys(self) -> tuple[str, str]:
        return (
            read_key(self.provider, self.public_env, setting="public_key_env"),
            read_key(self.provider, self.secret_env, setting="secret_key_env"),
        )

    def _attempt(self, doing: str, *, changes: bool) -> Attempt:
        return Attempt(self.provider, doing, changes=changes)

    def _call(
        self,
        doing: str,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Any = None,  # noqa: ANN401  # JSON is of any type
        changes: bool = False,
    ) -> dict[str, Any]:
        import httpx2

        keys = self._keys()
        attempt = self._attempt(doing, changes=changes).hiding(keys[1]).hiding(keys[0])
        try:
            answer = self._client(changes=changes).request(
                method, self.url + path, params=dict(params or {}), json=body, auth=keys
            )
            answer.read()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise failure(error, attempt) from None
        if not answer.is_success:
            raise refusal(answer, attempt) from None
        return _json(answer, attempt)

    def _client(self, *, changes: bool) -> httpx2.Client:
        import httpx2

        with self._mutex:
            if changes not in self._open:
                client = httpx_client(
                    self.pace,
                    plain=self.url.startswith("http://"),
                    repeats=not changes,
                    # What changes something has a connection of its own: an idle one may be gone.
                    keep_alive_seconds=None if changes else _KEEP_ALIVE_SECONDS,
                    direct=self.own,
                )
                client.headers["User-Agent"] = user_agent()
                client.timeout = httpx2.Timeout(
                    self.seconds, connect=min(self.seconds, CONNECT_SECONDS)
                )
                self._open[changes] = client
            return self._open[changes]


def prompts_path(name: str = "", version: int | None = None) -> str:
    """Return the path of the prompts, of one, or of a version whose labels are set."""
    if not name:
        return _PROMPTS
    path = f"{_PROMPTS}/{quote(name, safe='')}"
    return path if version is None else f"{path}/versions/{version}"


def _json(answer: httpx2.Response, attempt: Attempt) -> dict[str, Any]:
    if answer.status_code == 204:
        return {}
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise senseless(attempt, "it is no JSON object")
    return found
