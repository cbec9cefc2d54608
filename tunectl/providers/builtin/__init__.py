"""Provider `builtin`: what belongs to no service: datasets, memories, prompts, local indexes.

A dataset is a record: what it was when something was made from it. A memory is a record too: what
applications keep of their users is theirs, and no plan touches it. A prompt template is a file,
`.tunectl/prompts/<env>/<name>.json`, that an application reads without YAML, state or engine; a
knowledge base of a provider of type `local` is an index file beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.core.ports import Handler, Model
from tunectl.core.resource import BUILTIN
from tunectl.providers.builtin.dataset import Datasets
from tunectl.providers.builtin.knowledge_base import KnowledgeBases
from tunectl.providers.builtin.memory import Memories
from tunectl.providers.builtin.prompt_template import PromptTemplates
from tunectl.providers.instances import check_settings


@dataclass(frozen=True, slots=True)
class BuiltinProvider:
    """The provider that is always there."""

    handlers: Mapping[str, Handler]

    def account(self) -> str:
        """Return the same name everywhere: it is nobody's account."""
        return BUILTIN

    def models(self) -> Iterable[Model]:
        """Yield nothing: it has no models."""
        return ()


def connect(**settings: Any) -> BuiltinProvider:  # noqa: ANN401  # settings are checked here
    """Return the provider; the reserved settings `project_root` and `env` say where files go.

    Raises:
        ConfigError: any other setting.
    """
    check_settings(BUILTIN, settings, ())
    folder = Path(settings.get("project_root") or ".")
    env = str(settings.get("env") or "default")
    return BuiltinProvider(
        {
            "dataset": Datasets(),
            "knowledge_base": KnowledgeBases(folder, env),
            "memory": Memories(folder),
            "prompt_template": PromptTemplates(folder, env),
        }
    )
