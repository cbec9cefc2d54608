"""Hyper-parameters: ranges of the wire, and what `auto` means here.

Ranges: OpenAI's API reference and SDK (2026-08). `auto` for epochs: the rule of OpenAI's cookbook
(data preparation notebook). Batch 4 and multiplier 1.0 (a learning rate of 1e-3) are what was
measured to work for LoRA on small models.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tunectl.catalog.epochs import cookbook
from tunectl.server.wire import ApiError

AUTO = "auto"
_BATCH = 4
_LIMITS: dict[str, tuple[float, float | None]] = {
    "n_epochs": (1, 50),
    "batch_size": (1, 256),
    "learning_rate_multiplier": (0, None),
}


def requested(body: dict[str, Any]) -> dict[str, Any]:
    """Return the three hyper-parameters as the request has them, `auto` where it is silent.

    Raises:
        ApiError: 400, for a method this server cannot train or a value out of range.
    """
    method = body.get("method")
    given, where = body.get("hyperparameters") or {}, "hyperparameters"
    if method is not None:
        if not isinstance(method, dict) or not isinstance(method.get("type"), str):
            raise ApiError(400, "'method' must be an object with a 'type'.", "method")
        if method["type"] != "supervised":
            raise ApiError(
                400,
                f"Method '{method['type']}' is not supported by this server: its trainers know "
                "'supervised' only.",
                "method.type",
                code="unsupported_value",
            )
        settings = method.get("supervised") or {}
        nested = settings.get("hyperparameters") if isinstance(settings, dict) else None
        if nested:
            given, where = nested, "method.supervised.hyperparameters"
    if not isinstance(given, dict):
        raise ApiError(400, f"'{where}' must be an object.", where)
    unknown = sorted(given.keys() - _LIMITS.keys())
    if unknown:
        raise ApiError(400, f"Unknown parameter: '{where}.{unknown[0]}'.", f"{where}.{unknown[0]}")
    return {name: _checked(name, given.get(name), f"{where}.{name}") for name in _LIMITS}


def resolved(wanted: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the numbers that `wanted` means for a file of `rows` examples."""
    epochs, batch, rate = (wanted[name] for name in _LIMITS)
    return {
        "n_epochs": cookbook(rows) if epochs == AUTO else epochs,
        "batch_size": min(_BATCH, max(1, rows)) if batch == AUTO else batch,
        "learning_rate_multiplier": 1.0 if rate == AUTO else float(rate),
    }


def seed_of(value: object, training_sha: str, model: str) -> int:
    """Return the seed: the one asked for, else one that the data and the model determine.

    OpenAI draws a random one. Here the same declaration is to give the same model, so that a
    rehearsal repeats.

    Raises:
        ApiError: 400, when `value` is no integer from 0 to 2147483647.
    """
    if value is None:
        digest = hashlib.sha256(f"{training_sha} {model}".encode()).digest()
        return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 0x7FFFFFFF:
        raise ApiError(400, "'seed' must be an integer from 0 to 2147483647.", "seed")
    return value


def _checked(name: str, value: object, param: str) -> float | str:
    if value is None or value == AUTO:
        return AUTO
    kinds = (int, float) if name == "learning_rate_multiplier" else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ApiError(400, f"Invalid type for '{param}': expected 'auto' or a number.", param)
    least, most = _LIMITS[name]
    if name == "learning_rate_multiplier" and not 0 < value < float("inf"):
        raise ApiError(400, f"Invalid '{param}': must be greater than 0.", param)
    if value < least or (most is not None and value > most):
        raise ApiError(
            400,
            f"Invalid '{param}': expected a value from {least:g} to {most:g}, got {value}.",
            param,
            code="integer_above_max_value" if value > least else "integer_below_min_value",
        )
    return value
