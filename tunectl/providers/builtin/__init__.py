"""Provider `builtin`: what belongs to no service: datasets, memories, prompts, local indexes.

A dataset is a record: what it was when something was made from it. A memory is a record too: what
applications keep of their users is theirs, and no plan touches it. A prompt template is a file,
`.tunectl/prompts/<env>/<name>.json`, that an application reads without YAML, state or engine; a
knowledge base of a provider of type `local` is an index file beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.core.ports import Handler, Model
from tunectl.core.resource import BUILTIN
from tunectl.providers.instances import check_settings


class _Handlers(Mapping[str, Handler]):
    """The handlers, each imported and made when it is first asked for.

    Law: which kinds there are is known without an import. A plan of datasets alone needs a tenth of
    what prompts, indexes and memories import (some 10 ms of CPU in every command).
    """

    def __init__(self, makers: Mapping[str, Callable[[], Handler]]) -> None:
        self._makers = makers
        self._made: dict[str, Handler] = {}

    def __getitem__(self, kind: str) -> Handler:
        found = self._made.get(kind)
        if found is None:
            found = self._made.setdefault(kind, self._makers[kind]())
        return found

    def __contains__(self, kind: object) -> bool:
        return kind in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


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
        _Handlers(
            {
                "dataset": _datasets,
                "knowledge_base": lambda: _knowledge_bases(folder, env),
                "memory": lambda: _memories(folder),
                "prompt_template": lambda: _prompt_templates(folder, env),
            }
        )
    )


def _datasets() -> Handler:
    from tunectl.providers.builtin.dataset import Datasets

    return Datasets()


def _knowledge_bases(folder: Path, env: str) -> Handler:
    from tunectl.providers.builtin.knowledge_base import KnowledgeBases

    return KnowledgeBases(folder, env)


def _memories(folder: Path) -> Handler:
    from tunectl.providers.builtin.memory import Memories

    return Memories(folder)


def _prompt_templates(folder: Path, env: str) -> Handler:
    from tunectl.providers.builtin.prompt_template import PromptTemplates

    return PromptTemplates(folder, env)
