"""Provider type `local`: the tuning server on this machine, started when it is needed.

Settings: `root` (a folder, relative to the project), `trainer` (lora, simulated), `idle` (seconds
after which the server stops), `executor` (process), `timeout`, and for the trainer `device`,
`dtype`, `threads`, `max_tokens`, `checkpoint_every`, `step_seconds`.

Everything but starting the server is the wire that `openai` uses, too; a knowledge base is a file
in the project and needs no server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunectl.core.errors import ProviderError
from tunectl.core.ports import Handler
from tunectl.providers.etiquette import ASK_SECONDS, pace_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.local.daemon import LocalServer, check_installed, unusable_folder
from tunectl.providers.local.knowledge_base import KnowledgeBases
from tunectl.providers.local.lacking import Lacking
from tunectl.providers.local.root import make_account, read_account, root_folder
from tunectl.providers.local.weights import Weights
from tunectl.providers.our_server import (
    TRAINER_OPTIONS,
    TRAINERS,
    choice_setting,
    seconds_setting,
    trainer_options,
)
from tunectl.providers.wire.account import KnownAccount
from tunectl.providers.wire.client import Wire
from tunectl.providers.wire.profile import LOCAL
from tunectl.providers.wire.provider import WireProvider, provide

EXECUTORS = ("process",)
IDLE_SECONDS = 900.0
SETTINGS = frozenset({"root", "trainer", "idle", "executor", "timeout", *TRAINER_OPTIONS})


def connect(**settings: Any) -> WireProvider:  # noqa: ANN401  # settings are checked here
    """Connect the server of a folder; it is started by the first request, not now.

    Where the server's packages are missing, every kind but `knowledge_base` says so when it is
    used.

    Raises:
        ConfigError: a setting is unknown or senseless.
    """
    name = str(settings.get("name", "local"))
    check_settings(name, settings, SETTINGS)
    trainer = choice_setting(name, settings, "trainer", TRAINERS)
    choice_setting(name, settings, "executor", EXECUTORS)
    root = root_folder(
        text_setting(name, settings, "root"), Path(settings.get("project_root") or "."), trainer
    )
    server = LocalServer(
        provider=name,
        root=root,
        trainer=trainer,
        idle_seconds=seconds_setting(name, settings, "idle", IDLE_SECONDS),
    )
    options = trainer_options(name, settings)
    wire = Wire(
        provider=name,
        profile=LOCAL,
        channel=server,
        extra_body={"tunectl": options} if options else {},
        ask_seconds=seconds_setting(name, settings, "timeout", ASK_SECONDS) or ASK_SECONDS,
        pace=pace_of(settings),
    )
    project = Path(settings.get("project_root") or ".")
    weights = Weights(wire, root, project)

    def identity() -> str:
        try:
            return read_account(root) or make_account(root)
        except OSError as error:
            raise unusable_folder(root, error) from error

    account = KnownAccount(identity)
    found = provide(wire, account, weights.ready if trainer == "lora" else None)
    knowledge = KnowledgeBases(account, project, str(settings.get("env") or "default"))
    handlers = {**_able(name, trainer, found.handlers), "knowledge_base": knowledge}
    return replace(found, handlers=handlers)


def _able(name: str, trainer: str, handlers: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """Return the handlers that need the server, or what says why they cannot be used here."""
    try:
        check_installed(name, trainer)
    except ProviderError as error:
        return {kind: Lacking(error) for kind in handlers}
    return handlers
