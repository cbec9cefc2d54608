"""The connection: made when first needed, every call through one seam.

`Wire.ask` is for questions (the SDK may repeat them), `Wire.tell` for what changes the remote
side (sent once). Both raise only the core's errors.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from tunectl.core.value import Plain
from tunectl.providers.attempt import Attempt, SenselessAnswerError
from tunectl.providers.etiquette import (
    ASK_SECONDS,
    CONNECT_SECONDS,
    SEND_SECONDS,
    Pace,
    user_agent,
)
from tunectl.providers.paced_clients import httpx_client
from tunectl.providers.wire.errors import caught, hopeless, never_sent, translate
from tunectl.providers.wire.profile import Profile

if TYPE_CHECKING:
    from openai import OpenAI
    from openai.pagination import SyncCursorPage, SyncPage

T = TypeVar("T")

_KEEP_ALIVE_SECONDS = 2.0  # below the 5 s after which common servers close an idle connection
_RETRIES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Where a service answers, and with which key.

    Attributes:
        direct: never through a proxy: the service runs on this machine.
        ca_file: authorities to trust, instead of those of this machine.
    """

    base_url: str
    key: str = field(repr=False)
    organization: str | None = None
    project: str | None = None
    direct: bool = False
    ca_file: str | None = None


class Channel(Protocol):
    """Knows where a service answers."""

    def base_url(self) -> str:
        """Return the base URL, without a key and without a request."""
        ...

    def reach(self) -> Reached:
        """Return how to call the service.

        Raises:
            CredentialsError: no key is set.
            ProviderError: the service cannot be started.
        """
        ...

    def credentials(self) -> str:
        """Return where the key comes from, never the key.

        Raises:
            CredentialsError: no key is set.
        """
        ...

    def executor(self) -> str:
        """Return what trains, where that is not the service itself; else empty.

        Raises:
            UnavailableError: it does not answer.
        """
        ...

    @property
    def untouched(self) -> bool:
        """Whether it is known, without asking, that nobody ever asked this service for anything."""
        ...

    def revive(self) -> bool:
        """Bring back a service that refuses connections, where possible; whether to ask again."""
        ...


@dataclass(frozen=True, kw_only=True)
class Wire:
    """One configured account of one service; thread-safe.

    Attributes:
        provider: the name under `providers:`.
        extra_body: sent with every job, over the profile's own.
        ask_seconds: how long a question may take.
        send_seconds: how long an upload or an answer may take.
        pace: how fast it may be asked.
    """

    provider: str
    profile: Profile
    channel: Channel
    extra_body: Mapping[str, Plain] = field(default_factory=dict)
    ask_seconds: float = ASK_SECONDS
    send_seconds: float = SEND_SECONDS
    pace: Pace = field(default_factory=Pace)
    _open: dict[tuple[Reached, bool], OpenAI] = field(default_factory=dict, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def base_url(self) -> str:
        """The base URL, without a slash at its end."""
        return self.channel.base_url().rstrip("/")

    def ask(self, doing: str, call: Callable[[OpenAI], T], *, large: bool = False) -> T:
        """Ask something; safe to repeat, and repeated when the service is busy.

        Args:
            doing: what is asked, as in `list the jobs`, for messages.
            call: makes the request.
            large: whether much is sent or fetched.

        Raises:
            ProviderError: of the class that fits; never `UnknownOutcomeError`.
        """
        seconds = self.send_seconds if large else self.ask_seconds
        return self._call(self.attempt(doing), call, seconds)

    def tell(self, doing: str, call: Callable[[OpenAI], T], *, large: bool = False) -> T:
        """Change something; sent once.

        Args:
            doing: what is done, as in `create a tuning job`, for messages.
            call: makes the request.
            large: whether much is sent.

        Raises:
            UnknownOutcomeError: it may have taken effect.
            ProviderError: it definitely has not.
        """
        seconds = self.send_seconds if large else self.ask_seconds
        return self._call(self.attempt(doing, changes=True), call, seconds)

    def stream(self, doing: str, call: Callable[[OpenAI], Iterator[T]]) -> Iterator[T]:
        """Ask something that is answered piece by piece.

        Raises:
            ProviderError: also in the middle of it.
        """
        attempt = self.attempt(doing)
        pieces = self._call(attempt, call, self.send_seconds)
        try:
            yield from pieces
        except caught() as error:
            with self._mutex:
                for reached, _ in self._open:
                    attempt = attempt.hiding(reached.key)
            raise translate(error, attempt) from None

    def attempt(self, doing: str, *, changes: bool = False) -> Attempt:
        """Describe a call, for its error messages."""
        return Attempt(self.provider, doing, changes)

    def _call(self, attempt: Attempt, call: Callable[[OpenAI], T], seconds: float) -> T:
        revived = False
        while True:
            reached = self.channel.reach()
            known = attempt.hiding(reached.key)
            try:
                return call(self._client(reached, attempt, seconds))
            except caught() as error:
                # A refused connection has sent nothing, so that even a create may be tried again.
                if revived or not never_sent(error) or not self.channel.revive():
                    raise translate(error, known) from None
            revived = True

    def _client(self, reached: Reached, attempt: Attempt, seconds: float) -> OpenAI:
        import httpx2

        key = (reached, attempt.changes)
        with self._mutex:
            if key not in self._open:
                for old in [known for known in self._open if known[0] != reached]:
                    del self._open[old]
                self._open[key] = _connect(reached, self.pace, once=attempt.changes)
            client = self._open[key]
        return client.with_options(
            timeout=httpx2.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
        )


def _connect(reached: Reached, pace: Pace, *, once: bool) -> OpenAI:
    """Return a client.

    Args:
        reached: where and with which key.
        pace: of the provider.
        once: nothing is sent twice, and each request has a connection of its own: on one that the
            service has just closed, a request is lost in a way that looks like a lost answer.
    """
    from openai import OpenAI

    http = httpx_client(
        pace,
        plain=reached.base_url.startswith("http://"),
        repeats=not once,
        hopeless=hopeless,
        keep_alive_seconds=None if once else _KEEP_ALIVE_SECONDS,
        direct=reached.direct,
        authorities=reached.ca_file,
    )
    return OpenAI(
        api_key=reached.key,
        base_url=reached.base_url,
        organization=reached.organization,
        project=reached.project,
        # The key that the declaration names wins over one in the SDK's own environment variables.
        default_headers={
            "Authorization": f"Bearer {reached.key}",
            "User-Agent": user_agent(),
        },
        http_client=http,
        max_retries=0 if once else _RETRIES,
    )


def items(begin: Callable[[], SyncPage[Any] | SyncCursorPage[Any]], *needed: str) -> list[Any]:
    """Return everything in a list, page by page, as plain objects.

    Args:
        begin: makes the first request.
        needed: keys that must hold a text in each object.

    Raises:
        SenselessAnswerError: what came is no list; then nothing is known, least of all that
            something is not in it.
    """
    found: dict[str, dict[str, Any]] = {}
    for data in _pages(begin):
        page = {str(one.get("id")): one for one in (fields(item, *needed) for item in data)}
        if page and page.keys() <= found.keys():
            raise SenselessAnswerError("the same page came twice")
        found |= page
    return list(found.values())


def each(begin: Callable[[], SyncPage[Any] | SyncCursorPage[Any]]) -> Iterator[Any]:
    """Yield what is in a list, one page asked for after the other as it is needed.

    Args:
        begin: makes the first request.

    Raises:
        SenselessAnswerError: what came is no list.
    """
    for data in _pages(begin):
        yield from data


def _pages(begin: Callable[[], SyncPage[Any] | SyncCursorPage[Any]]) -> Iterator[list[Any]]:
    # The SDK trips over an answer that is text (openai 3.54: `AttributeError`), and takes an
    # object without `data` for an empty list.
    try:
        for page in begin().iter_pages():
            if not isinstance(page.data, list):
                raise SenselessAnswerError("`data` is missing")
            yield page.data
    except AttributeError:
        raise SenselessAnswerError("not a JSON list") from None


def fields(answer: object, *needed: str) -> dict[str, Any]:
    """Return an answer of the SDK as the plain object that was sent.

    Args:
        answer: a model of the SDK, which does not check what it was made from, or a mapping.
        needed: keys that must hold a text.

    Raises:
        SenselessAnswerError: it is no object, or lacks one of these; mapped by the seam.
    """
    from openai import BaseModel

    if isinstance(answer, BaseModel):
        found = answer.to_dict(warnings=False)
    elif isinstance(answer, Mapping):
        found = dict(answer)
    else:
        raise SenselessAnswerError(f"not a JSON object: {str(answer)[:80]}")
    for key in needed:
        if not isinstance(found.get(key), str) or not found[key]:
            raise SenselessAnswerError(f"`{key}` is missing")
    return found
