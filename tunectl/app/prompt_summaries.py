"""Who sums a conversation up that has become too long for its section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from tunectl.app.connecting import Connector
from tunectl.app.prompting import Template, provider_of
from tunectl.app.withholding import withholding
from tunectl.core.errors import ConfigError
from tunectl.core.ports import Chat
from tunectl.core.resource import BUILTIN
from tunectl.core.value import Ref
from tunectl.prompts import PromptError
from tunectl.prompts.gathering import Summarise
from tunectl.prompts.memory.summaries import summary_request

if TYPE_CHECKING:
    from tunectl.prompts.turn import Turn

_MOST = 1024  # tokens of a summary


def nobody(before: str, turns: Sequence[Turn]) -> str:
    """Refuse to sum up: what only looks at a prompt asks no model.

    Raises:
        PromptError: there are turns that no summary has yet.
    """
    if turns:
        raise PromptError(
            "the conversation is too long and its latest turns are summed up by a model; "
            "`prompt run` and `prompt chat` ask it"
        )
    return before


def summariser(made: Template) -> Summarise:
    """Return what asks the declared model for a summary when one is needed, and not before."""

    def ask(before: str, turns: Sequence[Turn]) -> str:
        provider, model = _who(made)
        connected = Connector(made.project)(provider)
        if not hasattr(connected, "chat"):
            raise ConfigError.of(f"provider `{provider}` cannot answer")
        messages = summary_request(before, turns)
        pieces = cast("Chat", connected).chat(model, messages, max_tokens=_MOST)
        texts = [str(one.get("content") or "") for one in messages]
        return "".join(piece.text for piece in withholding(pieces, texts))

    return ask


def _who(made: Template) -> tuple[str, str]:
    """Return the provider and the model that `summarize_by` names."""
    at, overflow = next(
        (number, section["overflow"])
        for number, section in enumerate(made.tree["sections"])
        if (section.get("overflow") or {}).get("rule") == "summarize"
    )
    by: Mapping[str, Any] = overflow.get("by") or {}
    declared = made.resource.spec["sections"]
    wanted = declared[at]["overflow"]["by"]["model"] if by else None  # type: ignore[index,call-overload]
    provider = _provider(made, wanted) if isinstance(wanted, Ref) else provider_of(made)
    model = by.get("model") or made.tree.get("model")
    if not isinstance(model, str):
        raise ConfigError.of(
            "the model that sums conversations up is not made yet",
            hint="run `tunectl apply` first",
            address=str(made.address),
        )
    return provider, model


def _provider(made: Template, wanted: Ref) -> str:
    owner = next(r for r in made.project.resources if r.address == wanted.address)
    return owner.provider if owner.provider != BUILTIN else provider_of(made)
