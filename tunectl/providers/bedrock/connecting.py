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
        "sts_endpoint_url", "agent_endpoint_url", "agent_runtime_endpoint_url", "subnet_ids",
        "security_group_ids",
    }
)  # fmt: skip
# botocore 1.44.5, service model `bedrock`, RoleArn
_ROLE = re.compile(r"arn:aws(-[^:]+)?:iam::([0-9]{12})?:role/.+")
# The same, KmsKeyId
_KMS = re.compile(
    r"(arn:aws(-[^:]+)?:kms:[a-zA-Z0-9-]*:[0-9]{12}:((key/[a-zA-Z0-9-]{36})|(alias/[a-zA-Z0-9-_/]+)))"
    r"|([a-zA-Z0-9-]{36})|(alias/[a-zA-Z0-9-_/]+)"
)
# The same, VpcConfig: how many of each there may be
_NETWORK = {"subnet_ids": 16, "security_group_ids": 5}
_OF_NETWORK = re.compile(r"[-0-9a-zA-Z]{1,32}")
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
        kms_key=_kms_key(name, settings),
        **_network(name, settings),
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


def _kms_key(name: str, settings: Mapping[str, Any]) -> str | None:
    if text_setting(name, settings, "kms_key") is None:
        return None
    return _matching(name, settings, "kms_key", _KMS, "alias/tuning")


def _network(name: str, settings: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return the network in which jobs run: both lists, or none."""
    found = {key: _ids(name, settings.get(key), key) for key in _NETWORK}
    missing = [key for key, ids in found.items() if not ids]
    if len(missing) == 1:
        [given] = found.keys() - set(missing)
        raise ConfigError.of(
            f"provider `{name}` has `{given}:` and no `{missing[0]}:`",
            hint="a network is told by both: `subnet_ids` and `security_group_ids`",
            code="missing-setting",
        )
    return found


def _ids(name: str, value: object, key: str) -> tuple[str, ...]:
    if value is None:
        return ()
    listed = tuple(value) if isinstance(value, list | tuple) else ()
    whole = bool(listed) and all(isinstance(o, str) and _OF_NETWORK.fullmatch(o) for o in listed)
    if not whole or len(listed) > _NETWORK[key]:
        example = "subnet-0a1b2c3d" if key == "subnet_ids" else "sg-0a1b2c3d"
        raise ConfigError.of(
            f"`{key}` of provider `{name}` must be a list of at most {_NETWORK[key]} ids",
            hint=f"such as `{key}: [{example}]`",
            code="wrong-setting",
        )
    return listed


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
