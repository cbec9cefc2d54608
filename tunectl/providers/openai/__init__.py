"""Provider type `openai`: OpenAI, and by `profile:` the services that speak its wire.

Settings: `profile` (openai, azure, nebius, bedrock-mantle; with a foreign `base_url` and no profile
nothing is assumed), `base_url` or `data_residency`,
`key_env` (the variable that holds the key), `organization`, `project`, `training_type` (azure),
`timeout` (seconds for one question).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from tunectl.core.errors import ConfigError
from tunectl.core.value import Plain
from tunectl.providers.etiquette import Rate, pace_of, timeout_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.wire.account import RemoteAccount
from tunectl.providers.wire.channel import FixedChannel, checked_url
from tunectl.providers.wire.client import Wire
from tunectl.providers.wire.profile import GENERIC, OPENAI, PROFILES, Profile
from tunectl.providers.wire.provider import WireProvider, provide

SETTINGS = frozenset(
    {
        "profile", "base_url", "data_residency", "key_env", "organization", "project",
        "training_type", "timeout",
    }
)  # fmt: skip
# OpenAI Python SDK 3.54, `data_residency`: `global` is the plain host.
REGIONS = ("global", "us", "eu", "ae", "au", "in", "jp")
# OpenAI Python SDK 3.54, `files.create`: 1,000 requests a minute and user.
_RATES = {"POST /v1/files": Rate.a_minute(1000)}
TRAINING_TYPES = ("Standard", "GlobalStandard", "Developer")


def connect(**settings: Any) -> WireProvider:  # noqa: ANN401  # settings are checked here
    """Connect an account; nothing is sent and no key is read yet.

    Raises:
        ConfigError: a setting is unknown, missing or senseless.
    """
    name = str(settings.get("name", "openai"))
    check_settings(name, settings, SETTINGS)
    profile, url = _service(name, settings)
    organization = text_setting(name, settings, "organization")
    project = text_setting(name, settings, "project")
    wire = Wire(
        provider=name,
        profile=profile,
        channel=FixedChannel(
            provider=name,
            url=url,
            key_env=_key_env(name, profile, settings),
            organization=organization,
            project=project,
        ),
        extra_body=_extra_body(name, profile, settings),
        ask_seconds=timeout_of(name, settings),
        pace=pace_of(settings, _RATES if profile is OPENAI else None),
    )
    search: dict[str, Plain] = {
        "base_url": None if url == OPENAI.base_url else url,
        "key_env": _key_env(name, profile, settings),
    }
    if organization is not None:
        search["organization"] = organization
    if project is not None:
        search["project"] = project
    return provide(wire, RemoteAccount(wire, organization, project), search=search)


def _service(name: str, settings: Mapping[str, Any]) -> tuple[Profile, str]:
    """Return the profile and the base URL; of an address alone nothing is assumed."""
    given = _region(name, settings) or text_setting(name, settings, "base_url")
    wanted = text_setting(name, settings, "profile")
    if wanted is not None and wanted not in PROFILES:
        known = ", ".join(f"`{key}`" for key in PROFILES)
        raise ConfigError.of(
            f"unknown profile `{wanted}` of provider `{name}`",
            hint=f"known profiles: {known}",
            code="wrong-setting",
        )
    if wanted in {None, OPENAI.name}:
        given = given or os.environ.get("OPENAI_BASE_URL")  # the SDK's own variable
    if given is not None:
        given = checked_url(name, given)
    if wanted is not None:
        profile = PROFILES[wanted]
    else:
        profile = OPENAI if given is None or _is_openai(given) else GENERIC
    url = given or profile.base_url
    if not url:
        raise ConfigError.of(
            f"provider `{name}` needs a `base_url`: each account of {profile.title} has its own",
            hint="it ends in `/v1`",
            code="missing-setting",
        )
    return profile, url


def _is_openai(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host == "api.openai.com" or host.endswith(".api.openai.com")


def _region(name: str, settings: Mapping[str, Any]) -> str | None:
    region = text_setting(name, settings, "data_residency")
    if region is None:
        return None
    if text_setting(name, settings, "base_url"):
        raise ConfigError.of(
            f"provider `{name}` has both `base_url` and `data_residency`",
            hint="keep one of them",
            code="wrong-setting",
        )
    if settings.get("profile") not in {None, OPENAI.name} or region not in REGIONS:
        raise ConfigError.of(
            f"unknown `data_residency` of provider `{name}`: `{region}`",
            hint=f"known to OpenAI: {', '.join(REGIONS)}",
            code="wrong-setting",
        )
    host = "api.openai.com" if region == "global" else f"{region}.api.openai.com"
    return f"https://{host}/v1"


def _key_env(name: str, profile: Profile, settings: Mapping[str, Any]) -> str:
    variable = text_setting(name, settings, "key_env") or profile.key_env
    if not variable:
        raise ConfigError.of(
            f"provider `{name}` needs `key_env`",
            hint="name the environment variable that holds the key, never the key itself",
            code="missing-setting",
        )
    if not variable.replace("_", "").isalnum() or not variable.isascii() or variable[0].isdigit():
        raise ConfigError.of(
            f"`key_env` of provider `{name}` is not the name of an environment variable",
            hint="it names the variable that holds the key; the key itself never stands in a file",
            code="wrong-setting",
        )
    return variable


def _extra_body(name: str, profile: Profile, settings: Mapping[str, Any]) -> dict[str, str]:
    kind = text_setting(name, settings, "training_type")
    if kind is None:
        return {}
    if "trainingType" not in profile.extra_body or kind not in TRAINING_TYPES:
        raise ConfigError.of(
            f"`training_type` of provider `{name}` is not known: `{kind}`",
            hint=f"profile `azure` knows {', '.join(TRAINING_TYPES)}",
            code="wrong-setting",
        )
    return {"trainingType": kind}
