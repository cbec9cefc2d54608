"""Whose account it is, without ever using the key as a name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from tunectl.core.errors import ConfigError
from tunectl.providers.wire.client import Wire, fields


class Account(Protocol):
    """Tells the identity of an account."""

    def id(self) -> str:
        """Return it.

        Raises:
            CredentialsError: the key is missing or refused.
        """
        ...


@dataclass(frozen=True, slots=True)
class RemoteAccount:
    """The account behind a key: the host, and the organization where the service names it.

    Asked once: the list of jobs is the one question that every key fit for tuning may ask.
    """

    wire: Wire
    organization: str | None = None
    project: str | None = None
    _known: list[str] = field(default_factory=list, repr=False)
    _named: list[bool] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def vague(self) -> bool:
        """Whether the service names no organization, so that another key's account looks alike."""
        self.id()
        return not self._named[0] and not self.wire.profile.account_by_host

    def id(self) -> str:
        """Return `host`, `host/organization` or `host/organization/project`."""
        with self._mutex:
            if not self._known:
                self._known.append(self._ask())
            return self._known[0]

    def _ask(self) -> str:
        header = self.wire.profile.account_header
        answer = self.wire.ask(
            "name the account", lambda c: c.fine_tuning.jobs.with_raw_response.list(limit=1)
        )
        named = answer.headers.get(header) if header else None
        self._named.append(bool(named))
        host = urlsplit(self.wire.base_url).netloc
        return "/".join(part for part in (host, named or self.organization, self.project) if part)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """An account whose identity can be told without asking anybody."""

    tell: Callable[[], str]

    def id(self) -> str:
        """Return it."""
        return self.tell()


@dataclass(frozen=True, slots=True)
class NamedByItself:
    """The account of one of our own servers, which names itself: the same at any address.

    Attributes:
        trainer: what it is said to train with.
    """

    wire: Wire
    trainer: str
    _known: list[str] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def id(self) -> str:
        """Return what the server calls itself.

        Raises:
            CredentialsError: the token is missing or refused.
            ConfigError: it trains with something else.
        """
        with self._mutex:
            if not self._known:
                self._known.append(self._ask())
            return self._known[0]

    def _ask(self) -> str:
        told = self.wire.ask(
            "name the server",
            lambda c: fields(c.get("/tunectl/status", cast_to=dict[str, object]), "account"),
        )
        trainer = told.get("trainer")
        if trainer != self.trainer:
            raise ConfigError.of(
                f"provider `{self.wire.provider}` trains with `{trainer}`, and `{self.trainer}` "
                "is declared",
                hint=f"set `trainer: {trainer}`, or start the server with another `--trainer`",
                code="wrong-trainer",
            )
        return str(told["account"])
