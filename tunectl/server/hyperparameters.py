"""Methods and hyper-parameters: ranges of the wire, and what `auto` means here.

Ranges: OpenAI's API reference and SDK (2026-08); those of an adapter are Nebius's (cookbook,
2026-08). `auto` for epochs: the rule of OpenAI's cookbook (data preparation notebook). Batch 4 and
multiplier 1.0 (a learning rate of 1e-3) are what was measured to work for LoRA on small models.
"""

from __future__ import annotations

import hashlib
from typing import Any

from tunectl.catalog.epochs import cookbook
from tunectl.server.manners import OWN, Manner
from tunectl.server.wire import ApiError

AUTO = "auto"
_BATCH = 4
_Limits = dict[str, tuple[float, float | None]]
_LIMITS: _Limits = {
    "n_epochs": (1, 50),
    "batch_size": (1, 256),
    "learning_rate_multiplier": (0, None),
}
_OF_METHOD: dict[str, _Limits] = {
    "dpo": {"beta": (0, 2)},
    "reinforcement": {
        "compute_multiplier": (0.00001, 10),
        "eval_interval": (1, None),
        "eval_samples": (1, None),
    },
}
_ADAPTER: _Limits = {
    "lora_r": (1, None),
    "lora_alpha": (1, None),
    "warmup_ratio": (0, 1),
    "weight_decay": (0, None),
}
_SWITCHES = frozenset({"lora", "packing"})
_FRACTIONS = frozenset(
    {"learning_rate_multiplier", "beta", "compute_multiplier", "warmup_ratio", "weight_decay"}
)
_ABOVE = frozenset({"learning_rate_multiplier", "beta", "compute_multiplier"})
_EFFORTS = frozenset({"default", "low", "medium", "high"})


def method_of(body: dict[str, Any], manner: Manner = OWN) -> dict[str, Any]:
    """Return the method of a request: its type, and the grader of a reinforcement.

    Raises:
        ApiError: 400, for a method that the service does not take, or one without its grader.
    """
    method = body.get("method")
    if method is None:
        method = {"type": "supervised"}
    if not isinstance(method, dict) or not isinstance(method.get("type"), str):
        raise ApiError(400, "'method' must be an object with a 'type'.", "method")
    kind = method["type"]
    if kind not in manner.methods:
        known = ", ".join(f"'{name}'" for name in sorted(manner.methods))
        raise ApiError(
            400,
            f"Method '{kind}' is not supported by this server: its trainers know {known} only.",
            "method.type",
            code="unsupported_value",
        )
    if kind != "reinforcement":
        return {"type": kind}
    settings = method.get(kind)
    grader = settings.get("grader") if isinstance(settings, dict) else None
    where = "method.reinforcement.grader"
    if not isinstance(grader, dict) or not isinstance(grader.get("type"), str):
        raise ApiError(
            400, f"Missing required parameter: '{where}'.", where, code="missing_required_parameter"
        )
    return {"type": kind, "grader": grader}


def requested(body: dict[str, Any], manner: Manner = OWN) -> dict[str, Any]:
    """Return the hyper-parameters as the request has them, `auto` where it is silent.

    Of those that one method or service alone has, only what the request says.

    Raises:
        ApiError: 400, for a method this server cannot train or a value out of range.
    """
    kind = str(method_of(body, manner)["type"])
    given, where = body.get("hyperparameters") or {}, "hyperparameters"
    method = body.get("method")
    settings = method.get(kind) if isinstance(method, dict) else None
    nested = settings.get("hyperparameters") if isinstance(settings, dict) else None
    if nested and not manner.flat:
        given, where = nested, f"method.{kind}.hyperparameters"
    if not isinstance(given, dict):
        raise ApiError(400, f"'{where}' must be an object.", where)
    limits = {**_LIMITS, **_OF_METHOD.get(kind, {}), **(_ADAPTER if manner.flat else {})}
    words = {"reasoning_effort"} if kind == "reinforcement" else set()
    switches = _SWITCHES if manner.flat else frozenset()
    unknown = sorted(given.keys() - limits.keys() - words - switches)
    if unknown:
        raise ApiError(400, f"Unknown parameter: '{where}.{unknown[0]}'.", f"{where}.{unknown[0]}")
    found = {
        name: _checked(name, given.get(name), f"{where}.{name}", limits[name])
        for name in limits
        if name in _LIMITS or name in given
    }
    for name in sorted((switches | words) & given.keys()):
        allowed = given[name] in _EFFORTS if name in words else isinstance(given[name], bool)
        if not allowed:
            raise ApiError(400, f"Invalid value for '{where}.{name}'.", f"{where}.{name}")
        found[name] = given[name]
    return found


def resolved(wanted: dict[str, Any], rows: int) -> dict[str, Any]:
    """Return the numbers that `wanted` means for a file of `rows` examples."""
    epochs, batch, rate = (wanted[name] for name in _LIMITS)
    return {
        **wanted,
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


def _checked(
    name: str, value: object, param: str, limits: tuple[float, float | None]
) -> float | str:
    if value is None or value == AUTO:
        return AUTO
    kinds = (int, float) if name in _FRACTIONS else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds):
        raise ApiError(400, f"Invalid type for '{param}': expected 'auto' or a number.", param)
    least, most = limits
    if name in _ABOVE and not least < value < float("inf"):
        raise ApiError(400, f"Invalid '{param}': must be greater than {least:g}.", param)
    if value < least or (most is not None and value > most):
        raise ApiError(
            400,
            f"Invalid '{param}': expected a value from {least:g}"
            f"{'' if most is None else f' to {most:g}'}, got {value}.",
            param,
            code="integer_above_max_value" if value > least else "integer_below_min_value",
        )
    return value
