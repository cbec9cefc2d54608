"""Find the server of a folder, or start one: a process of its own that outlives its starter."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from tunectl.server.folder import Root, is_locked, read_json
from tunectl.server.serve import ServeError

_PATIENCE = 30.0


@dataclass(frozen=True)
class Endpoint:
    """Where a server listens: `url` ends in `/v1`, `token` is its bearer token."""

    url: str
    token: str


def ensure_server(
    root: Path, *, trainer: str = "lora", idle_seconds: float = 900.0, port: int = 0
) -> Endpoint:
    """Return the endpoint of the server on `root`, started now if none answers.

    Args:
        root: the server's folder; made when missing.
        trainer: `lora` or `simulated`.
        idle_seconds: for a server started now; 0 = it never stops by itself.
        port: for a server started now; 0 = a free one.

    Raises:
        ServeError: it cannot start, or the one that runs trains with another trainer.
    """
    folder = root.expanduser().resolve()
    found = find_server(folder)
    if found is None:
        _start(folder, trainer, idle_seconds, port)
        found = find_server(folder)
    running = (read_json(Root(folder).server_file) or {}).get("trainer")
    if found is None or running is None:
        raise ServeError(f"the server on `{folder}` ended at once\nhint: see `server.log` there")
    if running != trainer:
        raise ServeError(
            f"the server on `{folder}` trains with `{running}`, not `{trainer}`\n"
            "hint: give each trainer a folder of its own, or stop that server"
        )
    return found


def find_server(root: Path) -> Endpoint | None:
    """Return the endpoint of the server that answers for `root`, or None."""
    folder = Root(root)
    claim = read_json(folder.server_file)
    if claim is None or not folder.token_file.exists():
        return None
    endpoint = Endpoint(str(claim["url"]), folder.token())
    request = urllib.request.Request(  # noqa: S310 -- the scheme is our own server's
        f"{endpoint.url}/tunectl/status", headers={"Authorization": f"Bearer {endpoint.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            account = json.load(reply).get("account")
    except (OSError, ValueError):
        return None
    return endpoint if account == folder.account() else None


def _start(folder: Path, trainer: str, idle_seconds: float, port: int) -> None:
    """Start a server and wait until it answers; a rival that was faster is as good."""
    command = [sys.executable, "-m", "tunectl.server", "--root", str(folder)]
    command += ["--trainer", trainer, "--idle", str(idle_seconds), "--port", str(port)]
    # A file without a name, not a pipe: the server may write to it long after we are gone.
    with tempfile.TemporaryFile() as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
            start_new_session=True,
        )
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline and find_server(folder) is None:
            if child.poll() is not None and not is_locked(Root(folder).server_lock):
                output.seek(0)
                text = output.read().decode(errors="replace").removeprefix("error: ").strip()
                raise ServeError(text or "the server ended at once")
            time.sleep(0.05)
