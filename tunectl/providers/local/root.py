"""The folder of a local server: where it is, and what a client may read in it.

Written by the server; a client reads `account.json`, `server.json` and `token`. It may also be the
first to make `account.json`, under the server's own lock: a plan asks for the identity of a folder
that has never had a server.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT_VARIABLE = "TUNECTL_LOCAL_ROOT"
# Outside the range from which Linux takes ports for outgoing connections (32768 and up).
_FIRST_PORT, _PORTS = 20_000, 12_000


def root_folder(given: str | None, project: Path, trainer: str) -> Path:
    """Return the folder of the server, absolute.

    Args:
        given: as the settings say it, relative to the project.
        project: the project's folder.
        trainer: models that were only simulated lie apart from real ones, unless told otherwise.
    """
    if given:
        return (project / Path(given).expanduser()).resolve()
    ambient = os.environ.get(ROOT_VARIABLE)
    if ambient:
        return Path(ambient).expanduser().resolve()
    from platformdirs import user_data_path

    return user_data_path("tunectl") / ("local" if trainer == "lora" else f"local-{trainer}")


@dataclass(frozen=True, slots=True)
class Announced:
    """What a server says in its folder about how to reach it; it may be long dead."""

    url: str
    token: str = field(repr=False)
    pid: int = 0


def read_announced(root: Path) -> Announced | None:
    """Return what the last server announced, None when there is nothing usable."""
    said = _read(root / "server.json")
    url = said.get("url")
    try:
        token = (root / "token").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None
    if not isinstance(url, str) or not token:
        return None
    pid = said.get("pid")
    return Announced(url, token, pid if isinstance(pid, int) else 0)


def read_account(root: Path) -> str | None:
    """Return the identity of a folder, None when no server has made it yet."""
    found = _read(root / "account.json").get("id")
    return found if isinstance(found, str) and found else None


def make_account(root: Path) -> str:
    """Return the identity of a folder, made now when it has none.

    Raises:
        OSError: the folder cannot be written.
    """
    root.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (root / ".prepare.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known = read_account(root)
        if known is None:
            known = f"local-{secrets.token_hex(6)}"
            temporary = root / f".account.json.{secrets.token_hex(6)}.tmp"
            with temporary.open("x", encoding="utf-8") as stream:
                stream.write(json.dumps({"id": known}) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(root / "account.json")
    return known


def preferred_port(root: Path) -> int:
    """Return the port that belongs to a folder, so that its URL stays the same for ever."""
    digest = hashlib.sha256(str(root).encode()).digest()
    return _FIRST_PORT + int.from_bytes(digest[:4], "big") % _PORTS


def _read(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
