"""What stands in for each type of provider: a service on loopback, and the settings to find it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tunectl.config.world import service_of
from tunectl.core.errors import ConfigError
from tunectl.core.project import Provided
from tunectl.core.value import Plain
from tunectl.server.clouds.serving import serving
from tunectl.server.clouds.wire import Answered, Asked, Cloud, Left
from tunectl.server.clouds.world import World
from tunectl.server.manners import MANNERS

if TYPE_CHECKING:
    from tunectl.server.clouds.objects import Buckets

STORAGE = "storage"
_ACCOUNT = 4  # the fifth part of an ARN
_NOBODY = "123456789012"  # AWS's own example of an account
_GENERIC = "generic"  # as the catalogue calls a service of which nothing is known
_KEY = "rehearsal"  # no service on loopback looks at it


@dataclass(frozen=True)
class _Named:
    """A cloud under the name that a declaration gives it, so that its calls can be told apart."""

    name: str
    cloud: Cloud

    def answer(self, asked: Asked) -> Answered:
        return self.cloud.answer(asked)

    def refusal(self, status: int, message: str) -> Answered:
        return self.cloud.refusal(status, message)

    def left(self) -> Iterable[Left]:
        return self.cloud.left()


@dataclass
class Scene:
    """What the stand-ins of one rehearsal share.

    Attributes:
        folder: where they may keep something.
        stack: what ends with the rehearsal.
        clouds: those that are served, by the provider's name.
        keys: variables of the environment that the settings name.
    """

    world: World
    folder: Path
    stack: ExitStack
    clouds: dict[str, Cloud] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    _stores: dict[str, tuple[Buckets, str]] = field(default_factory=dict)

    def serve(self, name: str, cloud: Cloud) -> str:
        """Put a cloud on loopback; return its URL."""
        self.clouds[name] = cloud
        return self.stack.enter_context(serving(_Named(name, cloud), self.world))

    def storage(self, dialect: str, address: object, place: str) -> tuple[Buckets, str]:
        """Return the buckets of a dialect, with one of them made, and their URL.

        Args:
            dialect: `gs` or `s3`.
            address: `gs://bucket/prefix`; no bucket is made where there is none.
            place: where the bucket is.
        """
        from tunectl.server.clouds.objects import S3, Buckets, CloudStorage

        if dialect not in self._stores:
            buckets = Buckets(self.world, names=())
            cloud = (S3 if dialect == "s3" else CloudStorage)(self.world, buckets)
            name = STORAGE if STORAGE not in self.clouds else f"{STORAGE} ({dialect})"
            self._stores[dialect] = buckets, self.serve(name, cloud)
        buckets, url = self._stores[dialect]
        bucket = str(address or "").partition("://")[2].partition("/")[0]
        if bucket and bucket not in buckets.names:
            buckets.names = (*buckets.names, bucket)
            buckets.places[bucket] = place
        return buckets, url


Settings = dict[str, Plain]
_StandIn = Callable[[Provided, Scene], Settings]


def stand_ins(provided: Iterable[Provided], scene: Scene) -> dict[str, Settings]:
    """Start what stands in for each provider; return the settings that lead there.

    Raises:
        ConfigError: nothing can stand in for one of them, or packages are missing.
    """
    return {one.name: _stand_in(one, scene) for one in provided}


def title_of(provided: Provided) -> str:
    """Return what people call the service that is stood in for."""
    found = service_of(provided)
    return found.title if found is not None else provided.type


def _stand_in(provided: Provided, scene: Scene) -> Settings:
    found = TYPES.get(provided.type)
    if found is None:
        known = ", ".join(f"`{name}`" for name in TYPES)
        raise ConfigError.of(
            f"provider `{provided.name}`: nothing can stand in for type `{provided.type}`",
            hint=f"rehearsed can be {known}; use an environment without the others: `--env NAME`",
            code="not-rehearsable",
            source=provided.source,
        )
    needed, make = found
    try:
        return make(provided, scene)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package == "tunectl":
            raise
        raise ConfigError.of(
            f"rehearsing provider `{provided.name}` needs `{package}`, which is not installed",
            hint=f"pip install 'tunectl[{needed}]'",
            code="missing-extra",
            source=provided.source,
        ) from error


def _own_server(provided: Provided, scene: Scene, profile: str = "") -> tuple[str, Path]:
    """Serve the package's own server, with the manners of a profile; return base URL and folder."""
    from tunectl.server.clouds.openai import OpenAI

    cloud = OpenAI(scene.world, scene.folder / "servers" / provided.name, profile)
    url = scene.serve(provided.name, cloud) + "/v1"
    scene.stack.callback(cloud.close)
    cloud.announce(url)
    return url, cloud.folder


def _local(provided: Provided, scene: Scene) -> Settings:
    """The folder says where a server is that is well and has the right trainer: none is started."""
    _, folder = _own_server(provided, scene)
    kept = _without(provided, "device", "dtype", "threads", "executor", "ray", "step_seconds")
    return {**kept, "root": str(folder), "trainer": "simulated"}


def _openai(provided: Provided, scene: Scene) -> Settings:
    """The profile is written down: of an address on loopback nothing would be assumed."""
    known = service_of(provided)
    profile = known.name if known is not None and known.name in MANNERS else "openai"
    url, _ = _own_server(provided, scene, profile)
    settings = {**_without(provided, "data_residency"), "base_url": url}
    if known is not None and known.name != "generic":
        settings["profile"] = known.name
    settings["key_env"] = str(settings.get("key_env") or "OPENAI_API_KEY")
    scene.keys[str(settings["key_env"])] = _KEY
    return settings


def _tunectl(provided: Provided, scene: Scene) -> Settings:
    url, _ = _own_server(provided, scene)
    kept = _without(provided, "ca_file", "device", "dtype", "threads", "step_seconds")
    scene.keys[str(kept["key_env"])] = _KEY
    return {**kept, "base_url": url, "trainer": "simulated"}


def _vertex(provided: Provided, scene: Scene) -> Settings:
    from tunectl.server.clouds.vertex.cloud import Vertex

    project, location = (str(provided.settings[name]) for name in ("project", "location"))
    buckets, storage = scene.storage("gs", provided.settings.get("staging"), location.upper())
    if token := provided.settings.get("hugging_face_token_env"):
        scene.keys[str(token)] = _KEY
    url = scene.serve(
        provided.name, Vertex(scene.world, buckets, project=project, location=location)
    )
    return {**provided.settings, "endpoint": url, "storage_endpoint": storage}


def _bedrock(provided: Provided, scene: Scene) -> Settings:
    from tunectl.server.clouds.bedrock import Bedrock

    settings = _without(provided, "aws_profile")
    region = str(settings.get("region") or os.environ.get("AWS_REGION") or "us-east-1")
    told = [value for value in settings.values() if isinstance(value, str)]
    buckets, storage = scene.storage("s3", None, region)
    for address in (value for value in told if value.startswith("s3://")):
        scene.storage("s3", address, region)
    # The role's account first: only a role of the account itself can be passed to the service.
    named = sorted((value for value in told if value.startswith("arn:")), key=_is_no_role)
    arns = [value.split(":") for value in named]
    owners = [parts[_ACCOUNT] for parts in arns if len(parts) > _ACCOUNT and parts[_ACCOUNT]]
    cloud = Bedrock(scene.world, buckets, region=region, account=[*owners, _NOBODY][0])
    url = scene.serve(provided.name, cloud)
    services = ("", "runtime_", "agent_", "agent_runtime_", "sts_")
    ends = {f"{service}endpoint_url": url for service in services}
    return {**settings, **ends, "s3_endpoint_url": storage, "region": region}


def _is_no_role(arn: str) -> bool:
    return ":role/" not in arn


def _anthropic(provided: Provided, scene: Scene) -> Settings:
    from tunectl.server.clouds.anthropic import Anthropic

    url = scene.serve(provided.name, Anthropic(scene.world))
    key = str(provided.settings.get("key_env") or "ANTHROPIC_API_KEY")
    scene.keys[key] = _KEY
    return {**provided.settings, "base_url": url, "key_env": key}


def _langfuse(provided: Provided, scene: Scene) -> Settings:
    from tunectl.server.clouds.langfuse import Langfuse

    url = scene.serve(provided.name, Langfuse(scene.world))
    kept = {**provided.settings, "base_url": url}
    for setting, usual in (
        ("public_key_env", "LANGFUSE_PUBLIC_KEY"),
        ("secret_key_env", "LANGFUSE_SECRET_KEY"),
    ):
        kept[setting] = str(kept.get(setting) or usual)
        scene.keys[str(kept[setting])] = _KEY
    return kept


def _without(provided: Provided, *names: str) -> Settings:
    return {key: value for key, value in provided.settings.items() if key not in names}


# What it needs installed (an extra of the package), and how it is started.
TYPES: Mapping[str, tuple[str, _StandIn]] = MappingProxyType(
    {
        "local": ("rehearse", _local),
        "openai": ("rehearse", _openai),
        "tunectl": ("rehearse", _tunectl),
        "vertex": ("vertex", _vertex),
        "bedrock": ("bedrock", _bedrock),
        "anthropic": ("anthropic", _anthropic),
        "langfuse": ("rehearse", _langfuse),
    }
)
