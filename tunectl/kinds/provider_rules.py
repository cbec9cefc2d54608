"""What must hold of the accounts under `providers:`. Needs no pydantic; see `rules`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tunectl.kinds.reading import problem

if TYPE_CHECKING:
    from tunectl.kinds.provider import LocalProvider, OpenAIProvider, RayCluster
    from tunectl.kinds.provider_tunectl import TunectlProvider

# An address of Azure itself (a gateway may have any path) that is not the one of its v1 API.
_AZURE_HOST = re.compile(r"https?://[^/]+\.azure\.(?:com|us|cn)(?::\d+)?(?!.*/openai/v1/?$)")


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


_KEY_LIKE = re.compile(r"(sk|pk|rk|key|ghp|xox.)[-_].*[0-9a-z]{12,}|[0-9a-fA-F]{24,}", re.DOTALL)


def variable_name(value: str) -> str:
    """Take the name of an environment variable, and refuse what looks like a key."""
    if not _VARIABLE.fullmatch(value) or _KEY_LIKE.fullmatch(value):
        raise problem(
            "must be the name of an environment variable",
            "write the name, such as `OPENAI_API_KEY`, and keep the key itself out of the file",
        )
    return value


def url(value: str) -> str:
    """Take a URL."""
    if not re.match(r"https?://[^/\s]+", value):
        raise problem("must be a URL", "such as `https://api.example.com/v1`")
    return value


def has_no_password(said: RayCluster) -> RayCluster:
    """Refuse a user or a password in the address."""
    if "@" in said.address:
        raise problem(
            "has a user or a password in `address:`",
            "set `RAY_AUTH_TOKEN` or `RAY_JOB_HEADERS` in the environment",
        )
    return said


def has_a_cluster_or_needs_none(said: LocalProvider) -> LocalProvider:
    """Refuse a cluster without its executor, and the other way round."""
    if said.executor == "ray" and said.ray is None:
        raise problem(
            "has `executor: ray` and does not say where the cluster is",
            "`ray: {address: http://HEAD:8265}`",
        )
    if said.ray is None:
        return said
    if said.executor != "ray":
        raise problem("has `ray:` without `executor: ray`", "write both, or neither")
    if (said.ray.workers or 1) > 1 and said.trainer == "simulated":
        raise problem(
            "spreads `trainer: simulated`, which nothing can share, over `workers:`",
            "`trainer: lora`",
        )
    return said


def has_an_address(said: OpenAIProvider) -> OpenAIProvider:
    """Refuse services whose address or key is not said."""
    if said.base_url is not None and said.data_residency is not None:
        raise problem("has both `base_url:` and `data_residency:`", "keep one of them")
    if said.profile in {"azure", "bedrock-mantle"} and said.base_url is None:
        raise problem(
            f"needs `base_url:`, because `{said.profile}` has one for each account",
            "it ends in `/v1`",
        )
    if said.profile == "azure" and _AZURE_HOST.match(str(said.base_url)):
        raise problem(
            "has a `base_url:` that does not end in `/openai/v1`, where Azure answers",
            "such as `base_url: https://RESOURCE.openai.azure.com/openai/v1`",
        )
    foreign = said.profile not in {None, "openai"} or (
        said.base_url is not None and "api.openai.com" not in said.base_url
    )
    if foreign and said.key_env is None:
        raise problem("needs `key_env:`", "name the environment variable that holds the key")
    if said.training_type is not None and said.profile != "azure":
        raise problem("sets `training_type`, which only profile `azure` has", "remove it")
    return said


_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def is_safe(said: TunectlProvider) -> TunectlProvider:
    """Refuse an address in the clear, but for this very machine."""
    parts = urlsplit(said.base_url)
    if parts.scheme != "https" and (parts.hostname or "") not in _LOOPBACK:
        raise problem(
            "needs a `base_url:` that begins with `https://`",
            "the token would cross the network in the clear: start the server with "
            "`--tls-cert` and `--tls-key`",
        )
    return said
