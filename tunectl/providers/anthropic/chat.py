"""Answers, streamed, with the token counts at the end."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from tunectl.core.ports import Citation, Delta
from tunectl.core.value import Plain
from tunectl.providers.answers import as_json, broken_off, finish_reason
from tunectl.providers.anthropic.client import Link

if TYPE_CHECKING:
    import anthropic

_SYSTEM = frozenset({"system", "developer"})
MAX_TOKENS: Final = 4096  # the API has no default of its own; every model allows as much


def chat(
    link: Link, model: str, messages: Sequence[Mapping[str, Plain]], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer to messages in OpenAI's form.

    Args:
        link: the account.
        model: a model's id or an alias.
        messages: `{"role", "content"}`; those of roles `system` and `developer` become the
            system prompt.
        params: such as `max_tokens` and `stop`.

    Raises:
        ProviderError: as `answer` says.
    """
    return answer(link, model, conversation(messages), params)


def answer(
    link: Link, model: str, body: Mapping[str, Any], params: Mapping[str, Plain]
) -> Iterator[Delta]:
    """Stream one answer; the last piece has the reason it ended and the token counts.

    Args:
        link: the account.
        model: a model's id or an alias.
        body: the request of the Messages API, all but the model.
        params: such as `max_tokens` and `stop`, which go before what the body says; what the SDK
            does not name is sent as is.

    Raises:
        NotFoundError: there is no such model, or no more.
        UnavailableError: the answer broke off.
        ProviderError: what else the service refuses.
    """
    usage: dict[str, int] = {}
    ended: str | None = None
    for event in link.stream(
        f"answer with `{model}`", lambda client: _begun(client, model, body, params)
    ):
        if event.type == "message_start":
            _counted(usage, event.message.usage)
        elif event.type == "content_block_delta" and event.delta.type == "text_delta":
            yield Delta(text=event.delta.text)
        elif event.type == "content_block_delta" and event.delta.type == "citations_delta":
            yield Delta(citations=(_citation(event.delta.citation),))
        elif event.type == "message_delta":
            _counted(usage, event.usage)
            ended = event.delta.stop_reason or ended
    if ended is None:
        raise broken_off(link.provider, model)
    read, written = usage.get("cache_read", 0), usage.get("cache_creation", 0)
    yield Delta(
        finish_reason=finish_reason(ended),
        prompt_tokens=usage.get("input", 0) + read + written,
        completion_tokens=usage.get("output", 0),
        cache_read_tokens=read,
        cache_written_tokens=written,
    )


def _begun(
    client: anthropic.Anthropic,
    model: str,
    body: Mapping[str, Any],
    params: Mapping[str, Plain],
) -> Iterator[Any]:
    create: Any = client.messages.create
    named = {"max_tokens": MAX_TOKENS, **as_json(body), **_renamed(params)}
    known = inspect.signature(create).parameters.keys()
    # `temperature` and its kind left the SDK with 1.0; the service still takes them of models
    # before 4.7 and refuses them of others, in its own words.
    extra = {key: value for key, value in named.items() if key not in known}
    pieces: Iterator[Any] = create(
        **{key: value for key, value in named.items() if key in known},
        model=model,
        stream=True,
        extra_body=extra or None,
    )
    return pieces


def _citation(said: Any) -> Citation:  # noqa: ANN401  # one of five types of the SDK
    """Return what is cited: of a document, a search result or a web page (anthropic 2.12.0)."""
    document = getattr(said, "document_index", None)
    index = getattr(said, "search_result_index", None) if document is None else document
    title = getattr(said, "document_title", None) or getattr(said, "title", None)
    return Citation(
        text=said.cited_text or "",
        source=str(getattr(said, "source", None) or getattr(said, "url", None) or ""),
        title=str(title or ""),
        index=index if isinstance(index, int) else None,
    )


def conversation(messages: Sequence[Mapping[str, Plain]]) -> dict[str, Any]:
    """Return `system` and `messages` as this API wants them: the system prompt stands apart."""
    system = [m.get("content") for m in messages if m.get("role") in _SYSTEM]
    rest = [as_json(m) for m in messages if m.get("role") not in _SYSTEM]
    if not system:
        return {"messages": rest}
    if all(isinstance(content, str) for content in system):
        return {"system": "\n\n".join(str(content) for content in system), "messages": rest}
    blocks: list[Any] = []
    for content in system:
        plain = as_json(content)
        blocks += [{"type": "text", "text": plain}] if isinstance(plain, str) else plain
    return {"system": blocks, "messages": rest}


def _renamed(params: Mapping[str, Plain]) -> dict[str, Any]:
    """Return the parameters under this API's names."""
    found = {key: as_json(value) for key, value in params.items()}
    for theirs, ours in (("stop", "stop_sequences"), ("max_completion_tokens", "max_tokens")):
        if theirs in found:
            value = found.pop(theirs)
            found[ours] = [value] if ours == "stop_sequences" and isinstance(value, str) else value
    return found


def _counted(usage: dict[str, int], said: Any) -> None:  # noqa: ANN401  # a usage of the SDK
    """Take over what is counted: later counts are cumulative."""
    for key in ("input", "output", "cache_read", "cache_creation"):
        name = f"{key}_input_tokens" if key.startswith("cache") else f"{key}_tokens"
        value = getattr(said, name, None)
        if isinstance(value, int):
            usage[key] = value
