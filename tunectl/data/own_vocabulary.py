"""Exact counts for a model that lies on this machine: by its own vocabulary and chat template.

What is counted is what the local trainer makes of a row: the template's text, tokenized without
further special tokens. A row that the template cannot show is bounded by its texts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from tunectl.catalog.tokenizers import Tokenizer
from tunectl.data.targets import Target
from tunectl.data.tokens import Count, Counter, counter_for

VOCABULARY, TEMPLATE, SETTINGS = "tokenizer.json", "chat_template.jinja", "tokenizer_config.json"
_FRAME = Tokenizer(name=VOCABULARY, exact=True, message=(0, 4, 12), example=(0, 0, 64))


class TemplateCounter(Counter):
    """Counts with a vocabulary and, where there is one, a chat template."""

    def __init__(
        self, count: Callable[[str], int], render: Callable[[list[dict[str, str]]], str] | None
    ) -> None:
        """Count with what was loaded.

        Args:
            count: the tokens of a text.
            render: the text a model sees for messages; raises `ValueError` where it has none.
        """
        super().__init__(_FRAME, count)
        self._count = count
        self._render = render

    def _conversation(self, row: Mapping[str, object]) -> Count:
        messages = _texts(row.get("messages")) if not row.get("tools") else None
        if messages and self._render is not None:
            try:
                number = self._count(self._render(messages))
            except ValueError:
                return super()._conversation(row)
            return Count(number, number, number)
        return super()._conversation(row)


def counter_of(target: Target) -> Counter:
    """Return the counter for a target: by the model's own vocabulary where that lies here."""
    if target.vocabulary:
        found = _loaded(Path(target.vocabulary))
        if found is not None:
            return found
    return counter_for(target.model)


@cache
def _loaded(folder: Path) -> Counter | None:
    """The counter of a model's folder; None where its vocabulary cannot be used."""
    try:
        from tokenizers import Tokenizer as Vocabulary  # comes with the extra `local`
    except ImportError:
        return None
    try:
        content = (folder / VOCABULARY).read_bytes()
        model = orjson.loads(content).get("model")
    except (OSError, orjson.JSONDecodeError, AttributeError):
        return None
    if not isinstance(model, Mapping) or "vocab" not in model:
        return None
    vocabulary = Vocabulary.from_str(content.decode("utf-8"))

    def count(text: str) -> int:
        return len(vocabulary.encode(text, add_special_tokens=False).ids)

    return TemplateCounter(count, _renderer(folder))


def _renderer(folder: Path) -> Callable[[list[dict[str, str]]], str] | None:
    """What makes the text of messages, as `transformers` does it; None without a template."""
    source, settings = _template(folder)
    if source is None:
        return None
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> str:
        raise ValueError(message)

    made = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
    )
    made.globals["raise_exception"] = refuse
    try:
        template = made.from_string(source)
    except TemplateError:
        return None

    def render(messages: list[dict[str, str]]) -> str:
        try:
            return template.render(messages=messages, add_generation_prompt=False, **settings)
        except (TemplateError, TypeError) as error:
            raise ValueError(str(error)) from error

    return render


def _template(folder: Path) -> tuple[str | None, dict[str, str]]:
    """The chat template and the special tokens it may name."""
    settings: dict[str, Any] = {}
    try:
        settings = orjson.loads((folder / SETTINGS).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        settings = {}
    special = {key: value for key, value in settings.items() if key.endswith("_token")}
    names = {key: value for key, value in special.items() if isinstance(value, str)}
    try:
        return (folder / TEMPLATE).read_text(encoding="utf-8"), names
    except OSError:
        said = settings.get("chat_template")
        return said if isinstance(said, str) else None, names


def _texts(messages: object) -> list[dict[str, str]] | None:
    """Messages of nothing but text; None where there are others."""
    if not isinstance(messages, Sequence) or isinstance(messages, str):
        return None
    found = []
    for one in messages:
        if not isinstance(one, Mapping):
            return None
        role, content = one.get("role"), one.get("content")
        if not isinstance(content, str) or not isinstance(role, str):
            return None
        found.append({"role": "system" if role == "developer" else role, "content": content})
    return found
