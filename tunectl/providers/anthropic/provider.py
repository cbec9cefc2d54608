"""A configured account at Anthropic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tunectl.core.ports import Delta, Handler, Model
from tunectl.core.value import Plain
from tunectl.providers.anthropic.account import Account
from tunectl.providers.anthropic.chat import answer, chat, conversation
from tunectl.providers.anthropic.client import Link
from tunectl.providers.anthropic.endpoint import Records
from tunectl.providers.attempt import SenselessAnswerError

if TYPE_CHECKING:
    import anthropic
    from anthropic.types import ModelInfo

_PAGE = 1000  # the most that one page of models may hold


@dataclass(frozen=True, slots=True)
class AnthropicProvider:
    """The provider that `connect` returns. It trains nothing: there is no handler for that."""

    link: Link
    identity: Account
    handlers: Mapping[str, Handler]

    def account(self) -> str:
        """Return the account's identity, never a key.

        Raises:
            CredentialsError: the key is missing or refused.
        """
        return self.identity.id()

    def credentials(self) -> str:
        """Return where the credentials come from, never what they are.

        Raises:
            CredentialsError: there are none.
        """
        return self.link.credentials()

    def models(self) -> Iterable[Model]:
        """Yield the models that answer today, with the days on which they end."""
        for model in self.link.ask("list the models", _listed):
            ends = model.retires_at
            yield Model(
                id=model.id,
                owned_by="anthropic",
                created=_seconds(model.created_at),
                shutdown_date=ends.date().isoformat() if isinstance(ends, datetime) else None,
            )

    def chat(
        self, model: str, messages: Sequence[Mapping[str, Plain]], **params: Plain
    ) -> Iterator[Delta]:
        """Stream one answer."""
        return chat(self.link, model, messages, params)

    @property
    def dialect(self) -> str:
        """Whose words `answer` takes."""
        return "anthropic"

    @property
    def structured(self) -> bool:
        """Whether the service holds an answer to a JSON Schema."""
        return True

    def answer(self, model: str, body: Mapping[str, Any], **params: Plain) -> Iterator[Delta]:
        """Stream one answer to a whole request."""
        return answer(self.link, model, body, params)

    def count_tokens(self, model: str, messages: Sequence[Mapping[str, Plain]]) -> int:
        """Return the tokens that a prompt has for a model; nothing is billed.

        Raises:
            NotFoundError: there is no such model.
        """
        said = conversation(messages)
        counted = self.link.ask(
            f"count tokens for `{model}`",
            lambda c: c.messages.count_tokens(model=model, **said).input_tokens,
        )
        return int(counted)


def provide(link: Link) -> AnthropicProvider:
    """Put the handlers of one account together."""
    account = Account(link)
    return AnthropicProvider(link, account, {"endpoint": Records(link, account)})


def _listed(client: anthropic.Anthropic) -> list[ModelInfo]:
    found: list[ModelInfo] = []
    # The SDK takes an object without `data` for an empty list, and does not check what is in one.
    for page in client.models.list(limit=_PAGE).iter_pages():
        if not isinstance(page.data, list):
            raise SenselessAnswerError("`data` is missing")
        for model in page.data:
            if not isinstance(getattr(model, "id", None), str):
                raise SenselessAnswerError("a model has no `id`")
            found.append(model)
    return found


def _seconds(moment: object) -> int:
    return int(moment.timestamp()) if isinstance(moment, datetime) else 0
