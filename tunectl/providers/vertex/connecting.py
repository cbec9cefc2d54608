"""Settings to an account."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tunectl.core.errors import ConfigError
from tunectl.providers.etiquette import ASK_SECONDS, Rate, pace_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.vertex.account import ProjectAccount
from tunectl.providers.vertex.client import Cloud
from tunectl.providers.vertex.provider import VertexAccount, provide

SETTINGS = frozenset(
    {
        "project", "location", "staging", "concurrent_jobs", "endpoint", "storage_endpoint",
        "timeout", "hugging_face_token_env",
    }
)  # fmt: skip
# Vertex AI quotas and limits (2026-09): 600 requests a minute for resource management.
RATES: Mapping[str, Rate] = {"*": Rate.a_minute(600)}


def connect_account(settings: Mapping[str, Any]) -> VertexAccount:
    """Connect the account that settings name.

    Raises:
        ConfigError: a setting is unknown, missing or senseless.
    """
    name = str(settings.get("name", "vertex"))
    check_settings(name, settings, SETTINGS)
    cloud = Cloud(
        provider=name,
        project=_needed(name, settings, "project"),
        location=_needed(name, settings, "location"),
        staging=_staging(name, settings),
        endpoint=text_setting(name, settings, "endpoint"),
        storage_endpoint=text_setting(name, settings, "storage_endpoint")
        or os.environ.get("STORAGE_EMULATOR_HOST"),  # the library's own variable
        pace=pace_of(settings, RATES),
        storage_pace=pace_of(settings),
        ask_seconds=_number(name, settings, "timeout", ASK_SECONDS),
        hub_token_env=text_setting(name, settings, "hugging_face_token_env") or "",
    )
    at_once = int(_number(name, settings, "concurrent_jobs", 1))
    return provide(cloud, ProjectAccount(cloud), at_once)


def _needed(name: str, settings: Mapping[str, Any], key: str) -> str:
    value = text_setting(name, settings, key)
    example = f"such as `{key}: {'acme-ml' if key == 'project' else 'europe-west4'}`"
    if value is None:
        raise ConfigError.of(
            f"provider `{name}` needs `{key}:`", hint=example, code="missing-setting"
        )
    if "/" in value:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` must be a bare name, not `{value}`",
            hint=example,
            code="wrong-setting",
        )
    return value


def _staging(name: str, settings: Mapping[str, Any]) -> str:
    value = text_setting(name, settings, "staging") or ""
    if value and not value.startswith("gs://"):
        raise ConfigError.of(
            f"`staging` of provider `{name}` must be a bucket, not `{value}`",
            hint="such as `gs://acme-tuning`",
            code="wrong-setting",
        )
    return value


def _number(name: str, settings: Mapping[str, Any], key: str, otherwise: float) -> float:
    value = settings.get(key, otherwise)
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` must be a number above zero, not `{value}`",
            code="wrong-setting",
        )
    return float(value)
