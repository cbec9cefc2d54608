"""One server that speaks the protocol of Terraform's `http` backend: where it is, how to ask it.

The protocol: developer.hashicorp.com/terraform/language/backend/http, 2026-11. The variables are
Terraform's own; `TUNECTL_HTTP_…` wins over `TF_HTTP_…`. GitLab and Gitea document the lock at
ADDRESS/lock with POST and DELETE (docs.gitlab.com/user/infrastructure/iac/terraform_state,
docs.gitea.com/usage/packages/terraform), so that is the default for addresses of their shape.

Law: user names, passwords and queries of addresses stand in no message.
"""

from __future__ import annotations

import base64
import hashlib
import ipaddress
import re
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, StateError
from tunectl.stores.bucket import refused

if TYPE_CHECKING:
    import httpx2

PAUSES = (0.2, 0.8, 2.0)  # seconds before a request is repeated
PASSING = {408, 425, 429, 500, 502, 503, 504}  # answers that may be better next time

_TIMEOUT, _CONNECT = 60.0, 10.0  # seconds
_SERVED = re.compile(
    r"/api/v4/projects/[^/]+/terraform/state/[^/]+/?$|/api/packages/[^/]+/terraform/state/[^/]+/?$"
)
_VARIABLES = "TUNECTL_HTTP_USERNAME and TUNECTL_HTTP_PASSWORD (or TF_HTTP_USERNAME, …)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where the server is and how it wants to be asked.

    Attributes:
        locking: False when the user said that this server has no locks.
        ca: certificates to trust instead of the machine's, PEM.
    """

    address: str
    update_method: str
    lock_address: str
    lock_method: str
    unlock_address: str
    unlock_method: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    locking: bool = True
    ca: str = field(default="", repr=False)

    @property
    def encrypted(self) -> bool:
        """Whether any of its addresses is `https://`."""
        asked = (self.address, self.lock_address, self.unlock_address)
        return any(each.startswith("https:") for each in asked)

    @property
    def place(self) -> str:
        """The address as it may be shown."""
        return shown(self.address)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that came in whole.

    Attributes:
        repeated: an earlier, equal request may have taken effect before.
    """

    status: int
    content: bytes
    repeated: bool = False

    @property
    def good(self) -> bool:
        """Whether the server did it."""
        return 200 <= self.status < 300


class NoAnswerError(StateError):
    """No whole reply came; the request may or may not have taken effect."""


def endpoint(address: str, environ: Mapping[str, str]) -> Endpoint:
    """Return the endpoint of a `state:` address.

    Raises:
        ConfigError: the address cannot be used, or it is plain HTTP to another machine.
    """

    def said(name: str, default: str = "") -> str:
        return environ.get(f"TUNECTL_HTTP_{name}") or environ.get(f"TF_HTTP_{name}") or default

    plain = said("ALLOW_PLAIN") in {"1", "true"}
    _check(address, plain)
    served = _SERVED.search(urlsplit(address).path) is not None
    lock = said("LOCK_ADDRESS", _with_path(address, "/lock"))
    unlock = said("UNLOCK_ADDRESS", said("LOCK_ADDRESS", lock))
    for each in (lock, unlock):
        _check(each, plain)
    return Endpoint(
        address=address,
        update_method=said("UPDATE_METHOD", "POST").upper(),
        lock_address=lock,
        lock_method=said("LOCK_METHOD", "POST" if served else "LOCK").upper(),
        unlock_address=unlock,
        unlock_method=said("UNLOCK_METHOD", "DELETE" if served else "UNLOCK").upper(),
        username=said("USERNAME"),
        password=said("PASSWORD"),
        locking=said("LOCKING").lower() not in {"off", "0", "false", "no"},
        ca=said("CLIENT_CA_CERTIFICATE_PEM"),
    )


def shown(address: str) -> str:
    """Return an address without user name, password and query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _with_path(address: str, more: str) -> str:
    parts = urlsplit(address)
    return urlunsplit(parts._replace(path=parts.path.rstrip("/") + more))


def _check(address: str, plain: bool) -> None:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise _config("an address of the HTTP store is not a URL", "check `state:`") from error
    if parts.scheme not in {"http", "https"} or not host:
        raise _config(f"`{shown(address)}` is not an HTTP address", "write `https://host/path`")
    if "@" in parts.netloc:
        raise _config(
            f"the address `{shown(address)}` carries a user name or a password",
            f"take it out and set {_VARIABLES}",
        )
    if parts.scheme == "http" and not plain and not _loopback(host):
        raise _config(
            f"`{shown(address)}` is plain HTTP to another machine: state and password would be "
            "readable on the way",
            "use https://, or set TUNECTL_HTTP_ALLOW_PLAIN=1",
        )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _config(summary: str, hint: str) -> ConfigError:
    return ConfigError.of(summary, hint=hint, code="state-address")


class Wire:
    """Asks the server; thread-safe."""

    def __init__(self, to: Endpoint, pauses: Sequence[float] = PAUSES) -> None:
        self.to = to
        self.pauses = pauses
        self._guard = threading.Lock()
        self._client: httpx2.Client | None = None

    def ask(
        self, method: str, address: str, doing: str, content: bytes | None = None, *, lock: str = ""
    ) -> Answer:
        """Send a request, and again while no answer comes or the answer may get better.

        Only for requests that may be sent twice.

        Raises:
            StateError: the server cannot be reached, or refuses who we are (exit code 6).
        """
        repeated = False
        for pause in (*self.pauses, None):
            try:
                answer = self.once(method, address, doing, content, lock=lock)
            except NoAnswerError:
                if pause is None:
                    raise
            else:
                if pause is None or answer.status not in PASSING:
                    return Answer(answer.status, answer.content, repeated)
            repeated = True
            time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def once(
        self, method: str, address: str, doing: str, content: bytes | None = None, *, lock: str = ""
    ) -> Answer:
        """Send a request one time.

        Raises:
            NoAnswerError: no whole reply came.
            StateError: the server refuses who we are (exit code 6), or leads elsewhere.
        """
        import httpx2

        headers = {"Accept": "application/json"}
        if content is not None:
            digest = hashlib.md5(content, usedforsecurity=False).digest()
            headers["Content-Type"] = "application/json"
            headers["Content-MD5"] = base64.b64encode(digest).decode("ascii")
        try:
            reply = self._connected().request(
                method, _with_id(address, lock), content=content, headers=headers
            )
        except (httpx2.HTTPError, httpx2.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise self._no_answer(doing, error) from None
        answer = Answer(reply.status_code, reply.content)
        self._judge(answer, address, doing)
        return answer

    def refusal(self, answer: Answer, doing: str, hint: str = "") -> StateError:
        """Return the error of an answer that is no success."""
        return StateError.of(
            f"the state server answered {answer.status} when asked to {doing}: `{self.to.place}`",
            detail=self.words(answer),
            hint=hint
            or _HINTS.get(answer.status, "see the server's log; nothing is taken as done"),
            code="state-refused",
        )

    def words(self, answer: Answer) -> str:
        """Return the server's own words on one line, without control characters and secrets."""
        text = answer.content[:2000].decode("utf-8", "replace")
        if text.lstrip().startswith("<"):
            return ""
        text = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
        return text.replace(self.to.password, "…") if self.to.password else text

    def _connected(self) -> httpx2.Client:
        import httpx2

        with self._guard:
            if self._client is None:
                given: dict[str, Any] = {}
                if self.to.username or self.to.password:
                    given["auth"] = (self.to.username, self.to.password)
                if self.to.ca:
                    given["verify"] = ssl.create_default_context(cadata=self.to.ca)
                elif not self.to.encrypted:  # trusts nobody; loading whom to trust takes 0.1 s
                    given["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                timeout = httpx2.Timeout(_TIMEOUT, connect=_CONNECT)
                self._client = httpx2.Client(timeout=timeout, follow_redirects=False, **given)
            return self._client

    def _judge(self, answer: Answer, address: str, doing: str) -> None:
        if answer.status in {401, 403, 407}:
            said = f"{answer.status} when asked to {doing}; {self.words(answer)}".rstrip("; ")
            raise refused(shown(address), said, self._permission(answer.status))
        if 300 <= answer.status < 400:
            raise StateError.of(
                f"the state server leads elsewhere ({answer.status}) when asked to {doing}: "
                f"`{shown(address)}`",
                hint="set `state:` to the final address; credentials are not sent on",
                code="state-redirected",
            )

    def _permission(self, status: int) -> str:
        if not self.to.password:
            return f"set {_VARIABLES}"
        if status == 403:
            return "see what the user may do (GitLab: locking and writing need Maintainer)"
        return f"user name or password is not accepted: see {_VARIABLES}"

    def _no_answer(self, doing: str, error: Exception) -> NoAnswerError:
        reason = str(error) or type(error).__name__
        for secret in filter(None, (self.to.password, urlsplit(self.to.address).query)):
            reason = reason.replace(secret, "…")
        return NoAnswerError.of(
            f"cannot {doing}: `{self.to.place}` does not answer",
            detail=" ".join(reason.split()),
            hint="check the network and the `state:` address; nothing is taken as missing",
            code="state-unreachable",
        )


_HINTS = {
    404: "check the `state:` address, and that the user may see it",
    405: "the server does not know the method; see TF_HTTP_UPDATE_METHOD and TF_HTTP_LOCK_METHOD",
    413: "the state is larger than the server allows; raise its limit (GitLab: admin area, "
    "Terraform limits)",
    429: "the server asks to slow down; try again later",
}


def _with_id(address: str, lock: str) -> str:
    """Name the lock as the protocol has it: `?ID=`."""
    if not lock:
        return address
    parts = urlsplit(address)
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), ("ID", lock)])
    return urlunsplit(parts._replace(query=query))
