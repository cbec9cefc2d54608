"""Provider type `anthropic`: Claude over Anthropic's own API.

There is no tuning there: this provider answers, counts tokens, tells when models end, and keeps
endpoints as records. Settings: `key_env` (the variable that holds the key; without it
`ANTHROPIC_API_KEY`, then the SDK's own chain: `ANTHROPIC_AUTH_TOKEN`, a profile, workload
identity), `base_url`, `workspace` (its id, for credentials that reach several), `timeout` (seconds
for one question).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tunectl.core.errors import ConfigError
from tunectl.providers.anthropic.client import Link
from tunectl.providers.anthropic.provider import AnthropicProvider, provide
from tunectl.providers.etiquette import pace_of, timeout_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.keys import checked_url

SETTINGS = frozenset({"key_env", "base_url", "workspace", "timeout"})
_URL = "https://api.anthropic.com"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def connect(**settings: Any) -> AnthropicProvider:  # noqa: ANN401  # settings are checked here
    """Connect an account; nothing is sent and no key is read yet.

    Raises:
        ConfigError: a setting is unknown or senseless.
    """
    name = str(settings.get("name", "anthropic"))
    check_settings(name, settings, SETTINGS)
    given = text_setting(name, settings, "base_url") or os.environ.get("ANTHROPIC_BASE_URL")
    url = checked_url(name, given or _URL).removesuffix("/v1")  # the SDK adds it itself
    parts = urlsplit(url)
    link = Link(
        provider=name,
        url=url,
        key_env=_variable(name, settings),
        workspace=text_setting(name, settings, "workspace"),
        rehearsed=parts.scheme == "http" and parts.hostname in _LOOPBACK,
        ask_seconds=timeout_of(name, settings),
        pace=pace_of(settings),
    )
    return provide(link)


def _variable(name: str, settings: Mapping[str, Any]) -> str | None:
    variable = text_setting(name, settings, "key_env")
    if variable is None:
        return None
    if not variable.replace("_", "").isalnum() or not variable.isascii() or variable[0].isdigit():
        raise ConfigError.of(
            f"`key_env` of provider `{name}` is not the name of an environment variable",
            hint="it names the variable that holds the key; the key itself never stands in a file",
            code="wrong-setting",
        )
    return variable
