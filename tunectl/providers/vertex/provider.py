"""A configured project of Google Cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tunectl.catalog import base_models
from tunectl.catalog.open_models import open_tuning
from tunectl.core.errors import CredentialsError, NotFoundError, UnavailableError
from tunectl.core.ports import Delta, Handler, Model
from tunectl.core.value import Plain
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.chat import answer, chat
from tunectl.providers.vertex.client import MODELS, Cloud
from tunectl.providers.vertex.credentials import source
from tunectl.providers.vertex.endpoint import Endpoints
from tunectl.providers.vertex.knowledge_base import KnowledgeBases
from tunectl.providers.vertex.limits import SERVICE
from tunectl.providers.vertex.staging import Staging
from tunectl.providers.vertex.tuning_job import TuningJobs
from tunectl.providers.vertex.upload import Uploads


@dataclass(frozen=True, slots=True)
class VertexAccount:
    """The provider that `connect` returns."""

    cloud: Cloud
    identity: ProjectAccount
    handlers: Mapping[str, Handler]

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: there are no credentials, or they may not be used there.
        """
        return self.identity.id()

    def credentials(self) -> str:
        """Return where the credentials come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        return source(self.cloud)

    def models(self) -> Iterable[Model]:
        """Yield the base models of the catalogue with the days on which they end, then our own.

        Open models are those that are known to be tuned: Model Garden deploys many more.

        The service tells no retirement dates: they are the catalogue's.
        """
        seen = set()
        for name in base_models.names(SERVICE):
            known = base_models.find(SERVICE, name)
            if known is not None and known.id not in seen:
                seen.add(known.id)
                end = known.shutdown.isoformat() if known.shutdown else None
                yield Model(id=known.id, owned_by="google", shutdown_date=end)
        for name in open_tuning().modes:
            yield Model(id=name, owned_by=name.partition("/")[0])
        for location in self._locations():
            yield from self._registered(location)

    def _locations(self) -> tuple[str, ...]:
        """Return where models may be: a job of some regions leaves its model in `us` or `eu`."""
        here = self.cloud.location
        return (here, "eu" if here.startswith("eu") else "us")

    def _registered(self, location: str) -> Iterator[Model]:
        cloud = self.cloud
        parent = f"projects/{cloud.project}/locations/{location}"

        def listed() -> list[Model]:
            pager = cloud.service(MODELS, location).list_models(parent=parent, **cloud.plain)
            return [
                Model(
                    id=f"{one.name}@{one.version_id}",
                    owned_by=cloud.project,
                    created=int(one.create_time.timestamp()),
                )
                for one in pager
            ]

        try:
            yield from cloud.ask(f"list the models of `{parent}`", listed)
        except (NotFoundError, UnavailableError, CredentialsError):
            if location == cloud.location:
                raise

    def chat(
        self, model: str, messages: Sequence[Mapping[str, Plain]], **params: Plain
    ) -> Iterator[Delta]:
        """Stream one answer."""
        return chat(self.cloud, model, messages, params)

    @property
    def dialect(self) -> str:
        """Whose words `answer` takes."""
        return "gemini"

    @property
    def structured(self) -> bool:
        """Whether the service holds an answer to a JSON Schema."""
        return True

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        """Stream one answer to a whole request."""
        return answer(self.cloud, model, body, params)


def provide(cloud: Cloud, identity: ProjectAccount, at_once: int = 1) -> VertexAccount:
    """Put the handlers of one account together.

    Args:
        cloud: the connection.
        identity: tells whose account it is.
        at_once: tuning jobs that may run at once.
    """
    return VertexAccount(
        cloud,
        identity,
        {
            "upload": Uploads(cloud, identity, Staging(cloud)),
            "tuning_job": TuningJobs(cloud, identity, at_once),
            "endpoint": Endpoints(cloud, identity),
            "knowledge_base": KnowledgeBases(cloud, identity),
        },
    )
