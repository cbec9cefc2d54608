"""A configured account of a service on this wire."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tunectl.core.ports import Delta, Handler, Model
from tunectl.core.value import Plain
from tunectl.providers.wire.account import Account, RemoteAccount
from tunectl.providers.wire.chat import chat
from tunectl.providers.wire.client import Wire, items
from tunectl.providers.wire.copying import CopiedJobs
from tunectl.providers.wire.endpoint import Aliases, Records
from tunectl.providers.wire.registered import Registered
from tunectl.providers.wire.tuning_job import TuningJobs
from tunectl.providers.wire.upload import Uploads


@dataclass(frozen=True, slots=True)
class WireProvider:
    """The provider that `connect` of `openai` and `local` returns."""

    wire: Wire
    identity: Account
    handlers: Mapping[str, Handler]

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

    @property
    def vague(self) -> bool:
        """Whether a key of somebody else's account would give the same name."""
        return isinstance(self.identity, RemoteAccount) and self.identity.vague

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
        return chat(self.wire, model, messages, params)


def provide(
    wire: Wire, identity: Account, prepare: Callable[[str], str] | None = None
) -> WireProvider:
    """Put the handlers of one account together.

    Args:
        wire: the connection.
        identity: tells whose account it is.
        prepare: makes a base model ready before a job; None when the service has them all.
    """
    kind = CopiedJobs if wire.profile.copies else TuningJobs
    jobs = kind(wire, identity) if prepare is None else kind(wire, identity, prepare)
    endpoints: Handler = Records(wire, identity)
    if wire.profile.alias_path:
        endpoints = Aliases(wire, identity)
    elif wire.profile.registry:
        endpoints = Registered(wire, identity)
    return WireProvider(
        wire,
        identity,
        {"upload": Uploads(wire, identity), "tuning_job": jobs, "endpoint": endpoints},
    )
