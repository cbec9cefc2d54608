"""Provider type `langfuse`: a project at Langfuse, in its cloud or hosted by oneself.

May: publish the text of prompt templates there, as versions with labels, and take away the versions
that it made. Nothing is trained or answered there. It speaks Langfuse's documented REST wire: its
SDK (5.0.4) brings OpenTelemetry along, writes to a log of its own and repeats what changes
something by itself.
Never: deletes a version that somebody else made, or a whole prompt; sends a key over plain HTTP to
anything but this machine.

Settings: `base_url` (without it `LANGFUSE_BASE_URL`, then the cloud in the EU), `public_key_env`,
`secret_key_env` (the variables that hold the keys; without them `LANGFUSE_PUBLIC_KEY` and
`LANGFUSE_SECRET_KEY`), `timeout` (seconds for one question).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tunectl.core.errors import ConfigError
from tunectl.providers.etiquette import pace_of, timeout_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.keys import checked_url, is_loopback
from tunectl.providers.langfuse.link import Link
from tunectl.providers.langfuse.provider import LangfuseProvider, provide

SETTINGS = frozenset({"base_url", "public_key_env", "secret_key_env", "timeout"})
_URL = "https://cloud.langfuse.com"


def connect(**settings: Any) -> LangfuseProvider:  # noqa: ANN401  # settings are checked here
    """Connect a project; nothing is sent and no key is read yet.

    Raises:
        ConfigError: a setting is unknown or senseless.
    """
    name = str(settings.get("name", "langfuse"))
    check_settings(name, settings, SETTINGS)
    given = text_setting(name, settings, "base_url") or os.environ.get("LANGFUSE_BASE_URL")
    url = checked_url(name, given or _URL)
    if url.startswith("http://") and not is_loopback(url):
        raise ConfigError.of(
            f"`base_url` of provider `{name}` has no TLS: `{url}`",
            hint="begin it with `https://`; without TLS the keys would be readable on the way",
            code="wrong-setting",
        )
    return provide(
        Link(
            provider=name,
            url=url,
            public_env=_variable(name, settings, "public_key_env", "LANGFUSE_PUBLIC_KEY"),
            secret_env=_variable(name, settings, "secret_key_env", "LANGFUSE_SECRET_KEY"),
            own=is_loopback(url),
            seconds=timeout_of(name, settings),
            pace=pace_of(settings),
        )
    )


def _variable(name: str, settings: Mapping[str, Any], key: str, usual: str) -> str:
    variable = text_setting(name, settings, key)
    if variable is None:
        return usual
    if not variable.replace("_", "").isalnum() or not variable.isascii() or variable[0].isdigit():
        raise ConfigError.of(
            f"`{key}` of provider `{name}` is not the name of an environment variable",
            hint="it names the variable that holds the key; the key itself never stands in a file",
            code="wrong-setting",
        )
    return variable
