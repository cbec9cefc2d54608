"""The connection: made when first needed, every call through one seam.

Nothing at this service is made or changed, so every call is a question and may be repeated.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from tunectl.core.errors import CredentialsError, ProviderError
from tunectl.providers.anthropic.errors import caught, hopeless, translate
from tunectl.providers.attempt import Attempt
from tunectl.providers.etiquette import (
    ASK_SECONDS,
    CONNECT_SECONDS,
    SEND_SECONDS,
    Pace,
    user_agent,
)
from tunectl.providers.keys import read_key
from tunectl.providers.paced_clients import httpx_client

if TYPE_CHECKING:
    import anthropic

T = TypeVar("T")

KEY_ENV = "ANTHROPIC_API_KEY"
_NO_KEY = "rehearsal"  # what a server of this machine is shown
_KEEP_ALIVE_SECONDS = 30.0
_RETRIES = 2


@dataclass(frozen=True, kw_only=True)
class Link:
    """One configured account; thread-safe.

    Attributes:
        provider: the name under `providers:`.
        url: where the service answers, without `/v1`.
        key_env: the variable that holds the key; None for the SDK's own chain.
        workspace: the id of the workspace to act in, where the credentials reach several.
        rehearsed: a server of this machine without TLS, which is shown no real key.
        ask_seconds: how long a question may take.
        send_seconds: how long an answer may take to be written.
        pace: how fast it may be asked.
    """

    provider: str
    url: str
    key_env: str | None = None
    workspace: str | None = None
    rehearsed: bool = False
    ask_seconds: float = ASK_SECONDS
    send_seconds: float = SEND_SECONDS
    pace: Pace = field(default_factory=Pace)
    _open: dict[str, anthropic.Anthropic] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def ask(self, doing: str, call: Callable[[anthropic.Anthropic], T]) -> T:
        """Ask something.

        Args:
            doing: what is asked, as in `list the models`, for messages.
            call: makes the request.

        Raises:
            CredentialsError: no credentials, or they are refused.
            ProviderError: of the class that fits; never `UnknownOutcomeError`.
        """
        return self._call(doing, call, self.ask_seconds)

    def stream(self, doing: str, call: Callable[[anthropic.Anthropic], Iterator[T]]) -> Iterator[T]:
        """Ask something that is answered piece by piece.

        Raises:
            ProviderError: also in the middle of it.
        """
        pieces = self._call(doing, call, self.send_seconds)
        try:
            yield from pieces
        except caught() as error:
            raise translate(error, self._attempt(doing, self._key())) from None

    def _call(self, doing: str, call: Callable[[anthropic.Anthropic], T], seconds: float) -> T:
        key = self._key()
        try:
            return call(self._client(key, seconds))
        except ModuleNotFoundError as error:
            raise ProviderError.of(
                f"provider `{self.provider}` needs `{error.name}`, which is not installed",
                hint="pip install 'tunectl[anthropic]'",
            ) from None
        except caught() as error:
            raise translate(error, self._attempt(doing, key)) from None

    def credentials(self) -> str:
        """Return where the credentials come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        if self.rehearsed:
            return "none needed: it runs on this machine"
        key = self._key()
        if key is not None:
            return f"the variable `{self.key_env or KEY_ENV}`"
        found = self.ask("sign requests", lambda c: c)
        if found.auth_token:
            return "the variable `ANTHROPIC_AUTH_TOKEN`"
        return f"the SDK's own chain ({type(found.credentials).__name__})"

    def _attempt(self, doing: str, key: str | None) -> Attempt:
        return Attempt(self.provider, doing, changes=False).hiding(key or "")

    def _key(self) -> str | None:
        """Return the key that is shown; None where the SDK's own chain finds credentials."""
        if self.rehearsed:
            return _NO_KEY
        if self.key_env is not None:
            return read_key(self.provider, self.key_env)
        return read_key(self.provider, KEY_ENV) if os.environ.get(KEY_ENV) else None

    def _client(self, key: str | None, seconds: float) -> anthropic.Anthropic:
        import httpx2

        with self._mutex:
            if (key or "") not in self._open:
                self._open.clear()
                self._open[key or ""] = self._made(key)
            client = self._open[key or ""]
        timeout = httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        return client.with_options(timeout=timeout)

    def _made(self, key: str | None) -> anthropic.Anthropic:
        import anthropic

        # Of a model's end the check and the plan speak, in words for this project.
        warnings.filterwarnings("ignore", message="The model '", category=DeprecationWarning)
        headers = {"User-Agent": user_agent()}
        if key is not None:  # the declared key wins over ANTHROPIC_CUSTOM_HEADERS
            headers["Authorization"] = f"Bearer {key}"
        if self.workspace is not None:
            headers["anthropic-workspace-id"] = self.workspace
        client = anthropic.Anthropic(
            api_key=key,
            base_url=self.url,
            default_headers=headers,
            max_retries=_RETRIES,
            # The SDK's own default client takes no proxy from the environment (2.12.0).
            http_client=httpx_client(
                self.pace,
                plain=self.url.startswith("http://"),
                repeats=True,
                hopeless=hopeless,
                keep_alive_seconds=_KEEP_ALIVE_SECONDS,
                direct=self.rehearsed,
            ),
        )
        if not (client.api_key or client.auth_token or client.credentials):
            raise CredentialsError.of(
                f"provider `{self.provider}` has no credentials: the variable `{KEY_ENV}` is not "
                "set, and the SDK's own chain finds none",
                hint=f"set `{KEY_ENV}`, name another variable with `key_env:`, or choose a profile "
                "with `ANTHROPIC_PROFILE`",
                code="no-key",
            )
        return client
