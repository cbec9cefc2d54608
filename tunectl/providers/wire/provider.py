"""A configured account of a service on this wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tunectl.core.ports import Delta, Handler, Model
from tunectl.core.value import Plain
from tunectl.providers.wire.account import Account, RemoteAccount
from tunectl.providers.wire.chat import answer, chat
from tunectl.providers.wire.client import Wire, items
from tunectl.providers.wire.copying import CopiedJobs
from tunectl.providers.wire.endpoint import Aliases, Records
from tunectl.providers.wire.knowledge_base import VectorStores
from tunectl.providers.wire.profile import WIRE
from tunectl.providers.wire.registered import Registered
from tunectl.providers.wire.tuning_job import TuningJobs
from tunectl.providers.wire.upload import Uploads


class BaseModels(Protocol):
    """Base models where a service does not have them all by itself."""

    def ready(self, base: str) -> str:
        """Make one ready for a job; returns the name to start from."""
        ...

    def named(self, base: str) -> str:
        """Make one ready to be served; returns the name that it answers by."""
        ...

    def asked(self, model: str) -> str:
        """Return the name by which any model is asked."""
        ...


@dataclass(frozen=True, slots=True)
class WireProvider:
    """The provider that `connect` of `openai` and `local` returns."""

    wire: Wire
    identity: Account
    handlers: Mapping[str, Handler]
    bases: BaseModels | None = None

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: the key is missing or refused.
        """
        return self.identity.id()

    def credentials(self) -> str:
        """Return where the key comes from, never the key.

        Raises:
            CredentialsError: no key is set.
        """
        return self.wire.channel.credentials()

    def executor(self) -> str:
        """Return what trains, where that is not the service itself; else empty.

        Raises:
            UnavailableError: it does not answer.
        """
        return self.wire.channel.executor()

    @property
    def vague(self) -> bool:
        """Whether a key of somebody else's account would give the same name."""
        return isinstance(self.identity, RemoteAccount) and self.identity.vague

    @property
    def untouched(self) -> bool:
        """Whether it is known, without asking, that there is nothing."""
        return self.wire.channel.untouched

    def models(self) -> Iterable[Model]:
        """Yield the models the account can use, with the dates on which they end."""
        listed = self.wire.ask("list the models", lambda c: items(c.models.list, "id"))
        for model in listed:
            yield Model(
                id=model["id"],
                owned_by=str(model.get("owned_by") or ""),
                created=int(model.get("created") or 0),
                shutdown_date=model.get("shutdown_date") or None,
            )

    def chat(
        self, model: str, messages: Sequence[Mapping[str, Plain]], **params: Plain
    ) -> Iterator[Delta]:
        """Stream one answer."""
        return chat(self.wire, self._asked(model), messages, params)

    @property
    def dialect(self) -> str:
        """Whose words `answer` takes."""
        return WIRE

    @property
    def structured(self) -> bool:
        """Whether the service holds an answer to a JSON Schema."""
        return self.wire.profile.structured

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        """Stream one answer to a whole request."""
        return answer(self.wire, self._asked(model), body, params)

    def _asked(self, model: str) -> str:
        return model if self.bases is None else self.bases.asked(model)


def provide(
    wire: Wire,
    identity: Account,
    bases: BaseModels | None = None,
    search: Mapping[str, Plain] | None = None,
) -> WireProvider:
    """Put the handlers of one account together.

    Args:
        wire: the connection.
        identity: tells whose account it is.
        bases: makes base models ready before a job or an alias; None when the service has them all.
        search: what an application needs in order to search a knowledge base of it.
    """
    kind = CopiedJobs if wire.profile.copies else TuningJobs
    jobs = kind(wire, identity) if bases is None else kind(wire, identity, bases.ready)
    endpoints: Handler = Records(wire, identity)
    if wire.profile.alias_path:
        endpoints = Aliases(wire, identity, None if bases is None else bases.named)
    elif wire.profile.registry:
        endpoints = Registered(wire, identity)
    handlers: dict[str, Handler] = {
        "upload": Uploads(wire, identity),
        "tuning_job": jobs,
        "endpoint": endpoints,
    }
    if wire.profile.vector_stores:
        handlers["knowledge_base"] = VectorStores(wire, identity, search or {})
    return WireProvider(wire, identity, handlers, bases)
