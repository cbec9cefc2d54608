"""Executor `ray`: its settings as words for the server, and whether the cluster answers.

Ray itself is asked only by the server's own room, in a process: its client takes seconds to import.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from typing import Any

from tunectl.core.errors import ConfigError, UnavailableError
from tunectl.providers.instances import text_setting
from tunectl.providers.our_server import choice_setting

EXECUTORS = ("process", "ray")
NEEDED_BY_RAY = ("ray", "aiohttp", "requests")
_TEXTS = ("address", "python")
_NUMBERS = ("workers", "cpus", "gpus")
_PATIENCE = 60.0


def executor_of(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the executor and its settings, as a server tells them."""
    return ("ray", *words) if words else ("process",)


def ray_words(name: str, settings: Mapping[str, Any], trainer: str) -> tuple[str, ...]:
    """Return the settings of the cluster for the server; empty to train on this machine.

    Raises:
        ConfigError: they are incomplete, senseless, or of no use with this executor or trainer.
    """
    executor = choice_setting(name, settings, "executor", EXECUTORS)
    said = settings.get("ray")
    if executor != "ray":
        if said is not None:
            raise _wrong(f"`ray` of provider `{name}` needs `executor: ray`")
        return ()
    if not isinstance(said, Mapping):
        raise _wrong(
            f"provider `{name}` has `executor: ray` and no cluster",
            "`ray: {address: http://HEAD:8265}`",
        )
    unknown = sorted(said.keys() - {*_TEXTS, *_NUMBERS, "resources"})
    if unknown:
        raise _wrong(f"unknown setting `{unknown[0]}` under `ray` of provider `{name}`")
    address = text_setting(name, said, "address")
    if address is None:
        raise _wrong(f"`ray` of provider `{name}` needs `address:`", "`http://HEAD:8265`")
    numbers = {"workers": 1.0, "cpus": 1.0, "gpus": 0.0}
    numbers |= {key: _number(name, key, said[key]) for key in _NUMBERS if key in said}
    if numbers["workers"] > 1 and trainer != "lora":
        raise _wrong(f"trainer `{trainer}` of provider `{name}` cannot be spread over `workers`")
    resources = said.get("resources") or {}
    return (
        f"address={address.rstrip('/')}",
        *(f"{key}={value:g}" for key, value in numbers.items()),
        f"python={text_setting(name, said, 'python') or 'python'}",
        *(f"resource.{k}={_number(name, k, v):g}" for k, v in sorted(resources.items())),
    )


def reached_cluster(provider: str, words: tuple[str, ...]) -> str:
    """Return what cluster answers.

    Raises:
        UnavailableError: none does; the message says why.
    """
    command = [sys.executable, "-P", "-m", "tunectl.server.on_ray.reach", *words]
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise UnavailableError.of(
            f"the Ray cluster of provider `{provider}` does not answer in {_PATIENCE:.0f} seconds"
        ) from error
    if done.returncode == 0:
        return done.stdout.strip()
    told = {key: text for key, _, text in (x.partition(": ") for x in done.stderr.splitlines())}
    raise UnavailableError.of(
        f"provider `{provider}`: {told.get('error', 'Ray cannot be asked')}",
        hint=told.get("hint", ""),
        detail="" if "error" in told else done.stderr[-2000:],
    )


def _number(name: str, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _wrong(f"`{key}` under `ray` of provider `{name}` is no number of that: `{value}`")
    return float(value)


def _wrong(words: str, hint: str = "") -> ConfigError:
    return ConfigError.of(words, hint=hint, code="wrong-setting")
