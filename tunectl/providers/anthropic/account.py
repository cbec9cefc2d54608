"""Whose account it is, without ever using the key as a name."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tunectl.providers.anthropic.client import Link

# platform.claude.com/docs, API overview, "Response headers": in every response (2026-11).
ORGANIZATION = "anthropic-organization-id"


@dataclass(frozen=True, slots=True)
class Account:
    """The organization behind a key; asked once, with the one question that costs nothing."""

    link: Link
    _known: list[str] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def id(self) -> str:
        """Return `host/organization`, and the workspace where one is chosen.

        Raises:
            CredentialsError: the key is missing or refused.
        """
        with self._mutex:
            if not self._known:
                self._known.append(self._ask())
            return self._known[0]

    def _ask(self) -> str:
        answer = self.link.ask(
            "name the account", lambda c: c.models.with_raw_response.list(limit=1)
        )
        # The port of a rehearsal changes from run to run; the account behind it does not.
        host = "rehearsal" if self.link.rehearsed else urlsplit(self.link.url).netloc
        organization = answer.headers.get(ORGANIZATION)
        return "/".join(part for part in (host, organization, self.link.workspace) if part)
