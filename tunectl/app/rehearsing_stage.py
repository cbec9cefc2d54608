"""Where a rehearsal plays: a folder, an environment and services that vanish when it is over.

Laws: no variable that may hold a secret is passed on; nothing is written into the project, the
user's caches or the state; every provider that is used is on this machine's loopback.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from tunectl.app.options import Options
from tunectl.app.rehearsing_clouds import Scene, stand_ins, title_of
from tunectl.app.rehearsing_data import StoodIn, stand_in_data
from tunectl.app.workspace import declared
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN, Resource
from tunectl.server.clouds.wire import Cloud
from tunectl.server.clouds.world import World

# What no rehearsal needs to know is not told. Names of regions are no secrets.
_TOLD = frozenset(
    {
        "PATH", "LANG", "LANGUAGE", "TZ", "TERM", "NO_COLOR", "COLUMNS", "TMPDIR", "TEMP", "TMP",
        "USER", "LOGNAME", "SYSTEMROOT", "LD_LIBRARY_PATH", "VIRTUAL_ENV",
        "AWS_REGION", "AWS_DEFAULT_REGION", "CI", "GITHUB_ACTIONS", "GITHUB_ACTOR",
        "TUNECTL_IN_AUTOMATION", "TUNECTL_DEBUG",
    }
)  # fmt: skip
_BEGINNINGS = ("LC_", "PYTHON", "COV", "TUNECTL_VAR_")
_NOWHERE = "/nonexistent"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A project with everything it talks to replaced.

    Attributes:
        options: to be given to the very functions that the commands call.
        stages: provider by provider, what stands in for it.
        notes: what is rehearsed otherwise than declared.
        data: what of it is data.
    """

    options: Options
    world: World
    clouds: Mapping[str, Cloud]
    stages: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    data: StoodIn = field(default_factory=StoodIn)


@contextlib.contextmanager
def staged(
    options: Options, world: World, samples: Mapping[str, Path] = MappingProxyType({})
) -> Iterator[Stage]:
    """Set the stage of a project for the life of the context. Not for two threads at once.

    Args:
        options: which project.
        world: the clock of the services.
        samples: local files that stand in for data in buckets, by the source as it is declared.

    Raises:
        ConfigError: every problem of the declaration, or a provider nothing can stand in for.
    """
    with (
        tempfile.TemporaryDirectory(prefix="tunectl-rehearsal-") as name,
        contextlib.ExitStack() as stack,
    ):
        folder = Path(name).resolve()
        stack.enter_context(_environment(options, folder))
        data = stand_in_data(options, samples, stack)
        project = declared(options).project
        scene = Scene(world, folder, stack)
        stages = {name: title_of(project.providers[name]) for name in _used(project)}
        settings = stand_ins([project.providers[name] for name in stages], scene)
        os.environ.update(scene.keys)

        def stand_in(real: Project) -> Project:
            providers = {
                name: replace(real.providers[name], settings=settings[name], secret=frozenset())
                for name in real.providers
                if name in settings
            }
            return replace(
                real,
                root=str(folder / "project"),
                state="state/",
                providers=providers,
                resources=tuple(map(_free, real.resources)),
                imports=(),
            )

        (folder / "project").mkdir()
        yield Stage(
            options=replace(options, stand_in=stand_in, parallelism=1),
            world=world,
            clouds=scene.clouds,
            stages=stages,
            notes=(*data.notes, *_notes(project)),
            data=data,
        )


def _used(project: Project) -> list[str]:
    return sorted({r.provider for r in project.resources} - {BUILTIN})


def _free(resource: Resource) -> Resource:
    """A rehearsal destroys what is protected, and has no other environment to take a model from."""
    lifecycle = replace(resource.lifecycle, protect=False, keep_on_destroy=False)
    return replace(resource, lifecycle=lifecycle, origin=None)


def _notes(project: Project) -> Iterator[str]:
    for block in project.imports:
        yield f"`{block.address}` is imported from an existing object; here it is made anew"
    for resource in project.resources:
        if resource.origin is not None:
            env = resource.origin.env
            yield f"`{resource.address}` comes from environment `{env}`; here it is trained anew"
        if resource.lifecycle.protect or resource.lifecycle.keep_on_destroy:
            yield f"`{resource.address}` is kept from being destroyed; here it is destroyed"


@contextlib.contextmanager
def _environment(options: Options, folder: Path) -> Iterator[None]:
    """Leave in the process's environment nothing but what is harmless."""
    before = dict(os.environ)
    after = {k: v for k, v in before.items() if k in _TOLD or k.startswith(_BEGINNINGS)}
    after |= {name: before.get(name, f"rehearsal_{name}") for name in _declared(options)}
    after |= {
        "HOME": str(folder / "home"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "CLOUDSDK_CONFIG": str(folder / "config"),
        "AWS_CONFIG_FILE": _NOWHERE,
        "AWS_SHARED_CREDENTIALS_FILE": _NOWHERE,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": "rehearsal",
        "AWS_SECRET_ACCESS_KEY": "rehearsal",
        "NO_GCE_CHECK": "true",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
    try:
        _set(after)
        yield
    finally:
        _set(before)


def _set(wanted: Mapping[str, str]) -> None:
    for name in os.environ.keys() - wanted.keys():
        del os.environ[name]
    os.environ.update(wanted)


def _declared(options: Options) -> list[str]:
    """The variables under `env:`: what they hold stays on this machine, what is missing is made up.

    A declaration that cannot be read is told of when it is loaded.
    """
    from tunectl.config.files import read_tree
    from tunectl.config.node import Node
    from tunectl.config.problems import Problems

    node = read_tree(options.root, options.env, Problems()).top.get("env")
    listed = node.value if node is not None else []
    found = listed if isinstance(listed, list) else [node]
    return [str(one.value) for one in found if isinstance(one, Node)]
