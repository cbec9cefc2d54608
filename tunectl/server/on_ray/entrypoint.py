"""The command that a node runs: it looks whether the node can train, then becomes the runner."""

from __future__ import annotations

import shlex
from pathlib import Path

import tunectl
from tunectl.server.jobs import EXIT_CANCELLED, EXIT_PAUSED
from tunectl.server.on_ray.settings import RaySettings

BLIND, NO_PYTHON, NO_PACKAGE, OTHER_VERSION = 72, 73, 74, 75

_ASK = (
    "import importlib.util as u, sys; "
    f"sys.exit({NO_PACKAGE} if u.find_spec('tunectl') is None else "
    "__import__('tunectl').__version__ != {version!r} and {other})"
)


def entrypoint(folder: Path, settings: RaySettings) -> str:
    """Return the shell command for a job's folder.

    Its exit code is 0 also for a job that was cancelled or paused: what became of it stands in the
    folder, and to Ray nothing has failed.
    """
    python, where = shlex.quote(settings.python), shlex.quote(str(folder))
    threads = max(1, int(settings.cpus))
    ask = shlex.quote(_ASK.format(version=tunectl.__version__, other=OTHER_VERSION))
    run = [python, "-P", "-m"]
    if settings.workers == 1:
        run += ["tunectl.server.runner", where, "--no-queue"]
    else:
        run += ["tunectl.server.on_ray.spread", where]
        run += [shlex.quote(word) for word in settings.words()]
    lines = [
        f"[ -f {where}/job.json ] || exit {BLIND}",
        f"command -v {python} >/dev/null || exit {NO_PYTHON}",
        f"{python} -P -c {ask} || exit $?",
        f"cd {where}",
        f"export OMP_NUM_THREADS={threads} OMP_WAIT_POLICY=passive PYTHONUNBUFFERED=1",
        f"{' '.join(run)} >>log 2>&1",
        f"code=$?; case $code in {EXIT_CANCELLED}|{EXIT_PAUSED}) exit 0;; esac; exit $code",
    ]
    return "; ".join(lines)


def reserved(settings: RaySettings) -> dict[str, object]:
    """Return what Ray keeps for the entrypoint: of a spread training its ranks reserve that."""
    if settings.workers > 1:
        return {}
    return {
        "entrypoint_num_cpus": settings.cpus,
        "entrypoint_num_gpus": settings.gpus,
        "entrypoint_resources": dict(settings.resources) or None,
    }


def hopeless(exit_code: int | None, folder: Path, settings: RaySettings) -> str:
    """Return why a node cannot train at all, as its exit code says; empty where it can."""
    match exit_code:
        case int(code) if code == BLIND:
            return (
                f"a node of the Ray cluster does not see the job's folder `{folder}`; the "
                "server's folder (`root:`) must lie on a filesystem that all nodes share, at the "
                "same path"
            )
        case int(code) if code == NO_PYTHON:
            return (
                f"a node of the Ray cluster has no `{settings.python}`; name its interpreter "
                "with `python:` under `ray:`"
            )
        case int(code) if code == NO_PACKAGE:
            return (
                f"`{settings.python}` on a node of the Ray cluster has no tunectl; install "
                f"`tunectl[local,ray]=={tunectl.__version__}` there, or name another interpreter "
                "with `python:` under `ray:`"
            )
        case int(code) if code == OTHER_VERSION:
            return (
                "a node of the Ray cluster has another version of tunectl than this server, "
                f"which is {tunectl.__version__}"
            )
    return ""
