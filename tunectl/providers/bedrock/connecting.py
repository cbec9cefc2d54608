"""Settings to an account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tunectl.core.errors import ConfigError
from tunectl.providers.bedrock.client import (
    AGENT,
    AGENT_RUNTIME,
    CONTROL,
    RUNTIME,
    S3,
    STS,
    Cloud,
)
from tunectl.providers.bedrock.job import Setting
from tunectl.providers.bedrock.places import Place
from tunectl.providers.bedrock.provider import BedrockAccount, provide
from tunectl.providers.etiquette import pace_of, timeout_of
from tunectl.providers.instances import check_settings, text_setting
from tunectl.providers.keys import is_loopback

SETTINGS = frozenset(
    {
        "region", "staging", "output", "role_arn", "kms_key", "aws_profile", "timeout",
        "requests_per_minute", "endpoint_url", "runtime_endpoint_url", "s3_endpoint_url",
        "sts_endpoint_url", "agent_endpoint_url", "agent_runtime_endpoint_url",
    }
)  # fmt: skip
# botocore 1.44.5, service model `bedrock`, RoleArn
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]")
_ADDRESSES = (
    (CONTROL, "endpoint_url"),
    (RUNTIME, "runtime_endpoint_url"),
    (STS, "sts_endpoint_url"),
    (S3, "s3_endpoint_url"),
    (AGENT, "agent_endpoint_url"),
    (AGENT_RUNTIME, "agent_runtime_endpoint_url"),
)


def connect(**settings: Any) -> BedrockAccount:  # noqa: ANN401  # settings are checked here
    """Connect an account; nothing is sent, and no credentials are read yet.

    Raises:
        ConfigError: a setting is unknown, missing or senseless.
    """
    name = str(settings.get("name", "bedrock"))
    check_settings(name, settings, SETTINGS)
    region = _matching(name, settings, "region", _REGION, "us-east-1")
    staging = _place(name, settings, "staging")
    if staging is None:
        raise _missing(name, "staging", "s3://acme-tuning/rows")
    setting = Setting(
        role_arn=_matching(
            name, settings, "role_arn", _ROLE, "arn:aws:iam::123456789012:role/tuning"
        ),
        output=_place(name, settings, "output") or staging.below("output"),
        kms_key=text_setting(name, settings, "kms_key"),
    )
    cloud = Cloud(
        provider=name,
        region=region,
        endpoints=_endpoints(name, settings),
        aws_profile=text_setting(name, settings, "aws_profile"),
        pace=pace_of(settings),
        ask_seconds=timeout_of(name, settings),
    )
    return provide(cloud, staging, setting)


def _missing(name: str, key: str, example: str) -> ConfigError:
    return ConfigError.of(
        f"provider `{name}` needs `{key}:`",
        hint=f"such as `{key}: {example}`",
        code="missing-setting",
    )


def _matching(
    name: str, settings: Mapping[str, Any], key: str, pattern: re.Pattern[str], example: str
) -> str:
    value = text_setting(name, settings, key)
    if value is None:
        raise _missing(name, key, example)
    if not pattern.fullmatch(value):
        raise ConfigError.of(
            f"`{key}` of provider `{name}` is not what AWS takes: `{value}`",
            hint=f"such as `{example}`",
            code="wrong-setting",
        )
    return value


def _place(name: str, settings: Mapping[str, Any], key: str) -> Place | None:
    value = text_setting(name, settings, key)
    found = Place.parse(value) if value is not None else None
    if value is not None and found is None:
        raise ConfigError.of(
            f"`{key}` of provider `{name}` is no place in S3 that Bedrock takes: `{value}`",
            hint="such as `s3://acme-tuning/rows`: English letters, digits and `-_.!*'()`",
            code="wrong-setting",
        )
    return found


def _endpoints(name: str, settings: Mapping[str, Any]) -> dict[str, str]:
    """Return addresses instead of AWS's own.

    A service on this machine is all of Bedrock and STS: nothing of a rehearsal goes elsewhere.
    """
    found = {}
    for service, key in _ADDRESSES:
        value = text_setting(name, settings, key)
        if value is not None:
            if not value.startswith(("https://", "http://")):
                raise ConfigError.of(
                    f"`{key}` of provider `{name}` is not a URL: `{value}`", code="wrong-setting"
                )
            found[service] = value.rstrip("/")
    control = found.get(CONTROL)
    if control is not None and is_loopback(control):
        found = {**dict.fromkeys((RUNTIME, STS, AGENT, AGENT_RUNTIME), control), **found}
        if S3 not in found:
            raise _missing(name, "s3_endpoint_url", "http://127.0.0.1:9000")
    return found
