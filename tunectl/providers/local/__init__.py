"""Provider type `local`: the tuning server on this machine, started when it is needed.

Settings: `root` (a folder, relative to the project), `trainer` (lora, simulated), `idle` (seconds
after which the server stops), `executor` (process), `timeout`, and for the trainer `device`,
`dtype`, `threads`, `max_tokens`, `checkpoint_every`, `step_seconds`.

Everything but starting the server is the wire that `openai` uses, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunectl.core.errors import ConfigError
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.local.daemon import LocalServer, check_installed, unusable_folder
from tunectl.providers.local.root import make_account, read_account, root_folder
from tunectl.providers.local.weights import Weights
from tunectl.providers.wire.account import KnownAccount
from tunectl.providers.wire.client import ASK_SECONDS, Wire
from tunectl.providers.wire.profile import LOCAL
from tunectl.providers.wire.provider import WireProvider, provide

TRAINERS = ("lora", "simulated")
EXECUTORS = ("process",)
IDLE_SECONDS = 900.0
# Sent with each job; the server checks them.
TRAINER_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "device": (str,),
    "dtype": (str,),
    "threads": (int,),
    "max_tokens": (int,),
    "checkpoint_every": (int,),
    "step_seconds": (int, float),
}
SETTINGS = frozenset({"root", "trainer", "idle", "executor", "timeout", *TRAINER_OPTIONS})


def connect(**settings: Any) -> WireProvider:  # noqa: ANN401  # settings are checked here
    """Connect the server of a folder; it is started by the first request, not now.

    Raises:
        ConfigError: a setting is unknown or senseless.
        ProviderError: packages are missing.
    """
    name = str(settings.get("name", "local"))
    check_settings(name, settings, SETTINGS)
    trainer = _one_of(name, settings, "trainer", TRAINERS)
    _one_of(name, settings, "executor", EXECUTORS)
    check_installed(name, trainer)
    root = root_folder(
        text_setting(name, settings, "root"), Path(settings.get("project_root") or "."), trainer
    )
    server = LocalServer(
        provider=name,
        root=root,
        trainer=trainer,
        idle_seconds=_seconds(name, settings, "idle", IDLE_SECONDS),
    )
    options = _options(name, settings)
    wire = Wire(
        provider=name,
        profile=LOCAL,
        channel=server,
        extra_body={"tunectl": options} if options else {},
        ask_seconds=_seconds(name, settings, "timeout", ASK_SECONDS) or ASK_SECONDS,
    )
    weights = Weights(wire, root, Path(settings.get("project_root") or "."))

    def identity() -> str:
        try:
            return read_account(root) or make_account(root)
        except OSError as error:
            raise unusable_folder(root, error) from error

    return provide(wire, KnownAccount(identity), weights.ready if trainer == "lora" else None)


def _one_of(name: str, settings: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = text_setting(name, settings, key) or known[0]
    if value not in known:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` is not known: `{value}`",
            hint=f"known here: {', '.join(f'`{item}`' for item in known)}",
            code="wrong-setting",
        )
    return value


def _seconds(name: str, settings: Mapping[str, Any], key: str, default: float) -> float:
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` must be a number of seconds, not `{value}`",
            code="wrong-setting",
        )
    return float(value)


def _options(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: settings[key] for key in TRAINER_OPTIONS if settings.get(key) is not None}
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, TRAINER_OPTIONS[key]):
            raise ConfigError.of(
                f"`{key}` of provider `{name}` is not a {TRAINER_OPTIONS[key][0].__name__}: "
                f"`{value}`",
                code="wrong-setting",
            )
    return found
