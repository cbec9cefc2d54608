"""Settings of our own server, on this machine or on another one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tunectl.core.errors import ConfigError
from tunectl.providers.instances import text_setting

TRAINERS = ("lora", "simulated")
# Sent with each job; the server checks them.
TRAINER_OPTIONS: Mapping[str, tuple[type, ...]] = {
    "device": (str,),
    "dtype": (str,),
    "threads": (int,),
    "max_tokens": (int,),
    "checkpoint_every": (int,),
    "step_seconds": (int, float),
}


def trainer_options(name: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that each job takes along.

    Raises:
        ConfigError: one is of another type.
    """
    found = {key: settings[key] for key in TRAINER_OPTIONS if settings.get(key) is not None}
    for key, value in found.items():
        if isinstance(value, bool) or not isinstance(value, TRAINER_OPTIONS[key]):
            raise ConfigError.of(
                f"`{key}` of provider `{name}` is not a {TRAINER_OPTIONS[key][0].__name__}: "
                f"`{value}`",
                code="wrong-setting",
            )
    return found


def choice_setting(name: str, settings: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    """Return a setting that is one of some words; the first where it is not set.

    Raises:
        ConfigError: it is another one.
    """
    value = text_setting(name, settings, key) or known[0]
    if value not in known:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` is not known: `{value}`",
            hint=f"known here: {', '.join(f'`{item}`' for item in known)}",
            code="wrong-setting",
        )
    return value


def seconds_setting(name: str, settings: Mapping[str, Any], key: str, default: float) -> float:
    """Return a setting that is a number of seconds.

    Raises:
        ConfigError: it is none.
    """
    value = settings.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` must be a number of seconds, not `{value}`",
            code="wrong-setting",
        )
    return float(value)
