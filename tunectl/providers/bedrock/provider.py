"""A configured account of Amazon Bedrock in one region."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tunectl.core.ports import Delta, Handler, Model
from tunectl.core.value import Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.bedrock.account import Identity
from tunectl.providers.bedrock.chat import answer, chat
from tunectl.providers.bedrock.client import CONTROL, Cloud
from tunectl.providers.bedrock.credentials import source
from tunectl.providers.bedrock.endpoint import Endpoints
from tunectl.providers.bedrock.job import Setting
from tunectl.providers.bedrock.knowledge_base import KnowledgeBases
from tunectl.providers.bedrock.places import Place
from tunectl.providers.bedrock.publication import Publications
from tunectl.providers.bedrock.staging import Staging
from tunectl.providers.bedrock.tuning_job import TuningJobs
from tunectl.providers.bedrock.upload import Uploads


@dataclass(frozen=True, slots=True)
class BedrockAccount:
    """The provider that `connect` returns."""

    cloud: Cloud
    identity: Identity
    handlers: Mapping[str, Handler]

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: there are no credentials, or they are refused.
        """
        return self.identity.id()

    def credentials(self) -> str:
        """Return where the credentials come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        return source(self.cloud)

    def models(self) -> Iterable[Model]:
        """Yield the region's text models with the days on which it ends them, then our own.

        The list tells each model's life cycle: one question for all of them.
        """
        for one in self.cloud.ask(CONTROL, "list the foundation models", _foundation):
            end = (one.get("modelLifecycle") or {}).get("endOfLifeTime")
            yield Model(
                id=str(one["modelId"]),
                owned_by=str(one.get("providerName") or ""),
                shutdown_date=end.date().isoformat() if isinstance(end, datetime) else None,
            )
        jobs = self.handlers["tuning_job"]
        assert isinstance(jobs, TuningJobs)
        yield from jobs.models()

    def chat(
        self, model: str, messages: Sequence[Mapping[str, Plain]], **params: Plain
    ) -> Iterator[Delta]:
        """Stream one answer."""
        return chat(self.cloud, model, messages, params)

    @property
    def dialect(self) -> str:
        """Whose words `answer` takes."""
        return "bedrock"

    @property
    def structured(self) -> bool:
        """Whether the service holds an answer to a JSON Schema."""
        return True

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        """Stream one answer to a whole request."""
        return answer(self.cloud, model, body, params)


def _foundation(client: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401  # boto3 is untyped
    answer = client.list_foundation_models(byOutputModality="TEXT")
    found = answer.get("modelSummaries")
    if not isinstance(found, list):
        raise SenselessAnswerError("`modelSummaries` is missing")
    return found


def provide(cloud: Cloud, staging: Place, setting: Setting) -> BedrockAccount:
    """Put the handlers of one account together.

    Args:
        cloud: the connection.
        staging: where training rows are kept.
        setting: what every job is made with.
    """
    identity = Identity(cloud)
    return BedrockAccount(
        cloud,
        identity,
        {
            "upload": Uploads(cloud, identity, staging, Staging(cloud, identity, staging, setting)),
            "tuning_job": TuningJobs(cloud, identity, setting),
            "endpoint": Endpoints(cloud, identity),
            "knowledge_base": KnowledgeBases(cloud, identity, setting.role_arn),
            "publication": Publications(cloud, identity),
        },
    )
