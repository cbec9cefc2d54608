"""Provider type `local`: the tuning server on this machine, started when it is needed.

Settings: `root` (a folder, relative to the project), `trainer` (lora, simulated), `idle` (seconds
after which the server stops), `executor` (process, ray), `ray` (the cluster: `address`, `workers`,
`cpus`, `gpus`, `resources`, `python`), `timeout`, and for the trainer `device`,
`dtype`, `threads`, `max_tokens`, `checkpoint_every`, `step_seconds`.

Everything but starting the server is the wire that `openai` uses, too. A knowledge base of this
provider is a file in the project, made by the built-in one: it needs no server and no account.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tunectl.providers.etiquette import ASK_SECONDS, pace_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.local.daemon import LocalServer, check_installed, unusable_folder
from tunectl.providers.local.ray import ray_words
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

IDLE_SECONDS = 900.0
SETTINGS = frozenset({"root", "trainer", "idle", "executor", "ray", "timeout", *TRAINER_OPTIONS})


def connect(**settings: Any) -> WireProvider:  # noqa: ANN401  # settings are checked here
    """Connect the server of a folder; it is started by the first request, not now.

    Raises:
        ConfigError: a setting is unknown or senseless.
        ProviderError: packages are missing.
    """
    name = str(settings.get("name", "local"))
    check_settings(name, settings, SETTINGS)
    trainer = choice_setting(name, settings, "trainer", TRAINERS)
    ray = ray_words(name, settings, trainer)
    check_installed(name, trainer, ray=bool(ray))
    root = root_folder(
        text_setting(name, settings, "root"), Path(settings.get("project_root") or "."), trainer
    )
    server = LocalServer(
        provider=name,
        root=root,
        trainer=trainer,
        idle_seconds=seconds_setting(name, settings, "idle", IDLE_SECONDS),
        ray=ray,
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
    weights = Weights(wire, root, Path(settings.get("project_root") or "."))

    def identity() -> str:
        try:
            return read_account(root) or make_account(root)
        except OSError as error:
            raise unusable_folder(root, error) from error

    return provide(wire, KnownAccount(identity), weights if trainer == "lora" else None)
