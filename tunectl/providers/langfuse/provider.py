"""A configured project at Langfuse."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tunectl.core.errors import CredentialsError
from tunectl.core.ports import Handler, Model
from tunectl.providers.langfuse.link import Link
from tunectl.providers.langfuse.publication import Publications


@dataclass(frozen=True, slots=True)
class Account:
    """The project that the keys belong to; asked once."""

    link: Link
    _known: list[str] = field(default_factory=list, repr=False)
    _mutex: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def id(self) -> str:
        """Return `host/project`.

        Raises:
            CredentialsError: the keys are missing or refused, or belong to no project.
        """
        with self._mutex:
            if not self._known:
                self._known.append(self._ask())
            return self._known[0]

    def _ask(self) -> str:
        found = self.link.ask("name the account", "/api/public/projects").get("data")
        first = found[0] if isinstance(found, list) and found else None
        if not isinstance(first, dict) or not isinstance(first.get("id"), str):
            raise CredentialsError.of(
                f"the keys of provider `{self.link.provider}` belong to no project at Langfuse",
                hint="use the keys of a project: Settings, API keys",
            )
        # The port of a rehearsal changes from run to run; the project behind it does not.
        host = "localhost" if self.link.own else urlsplit(self.link.url).netloc
        return f"{host}/{first['id']}"


@dataclass(frozen=True, slots=True)
class LangfuseProvider:
    """The provider that `connect` returns: it keeps prompts, and answers nothing."""

    link: Link
    identity: Account
    handlers: Mapping[str, Handler]

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: a key is missing or refused.
        """
        return self.identity.id()

    def credentials(self) -> str:
        """Return where the credentials come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        return self.link.credentials()

    def models(self) -> Iterable[Model]:
        """Yield nothing: it has no models."""
        return ()


def provide(link: Link) -> LangfuseProvider:
    """Put the handlers of one project together."""
    account = Account(link)
    return LangfuseProvider(link, account, {"publication": Publications(link, account.id)})
