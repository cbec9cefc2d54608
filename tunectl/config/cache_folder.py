"""A folder of the user's with what can be made again at any time.

Laws: a damaged or half-written entry is as good as none; a folder that cannot be read or written
costs nothing but time; two writers of one entry both leave a whole one; the oldest entries go.
Only this user can look into it, and only what this user wrote is believed: an entry decides what is
bought.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

SWITCH = "TUNECTL_PARSE_CACHE"  # `off` switches every cache of declarations off
MOST = 64  # entries
_DIGEST = 32  # bytes


def user_folder(environ: Mapping[str, str], name: str) -> Path | None:
    """Return the user's own folder for a sort of entries; None where caches are switched off."""
    if environ.get(SWITCH, "").lower() in {"off", "0", "false", "no"}:
        return None
    if sys.platform != "linux":
        import platformdirs  # takes as long as reading what is kept

        return platformdirs.user_cache_path("tunectl") / name
    home = environ.get("XDG_CACHE_HOME", "").strip() or os.path.expanduser("~/.cache")
    return Path(home) / "tunectl" / name


class CacheFolder:
    """Entries by name, each with its own checksum."""

    def __init__(self, folder: Path, most: int = MOST) -> None:
        """Keep entries in a folder, which need not exist.

        Args:
            folder: where they are.
            most: how many may stay.
        """
        self._folder = folder
        self._most = most

    def read(self, name: str) -> bytes | None:
        """Return an entry as it was written; None where there is none, or none that is whole."""
        try:
            with open(self._folder / name, "rb") as file:
                if os.fstat(file.fileno()).st_uid != os.geteuid():
                    return None
                digest, payload = file.read(_DIGEST), file.read()
        except OSError:
            return None
        return payload if sha256(payload).digest() == digest else None

    def write(self, name: str, payload: bytes) -> None:
        """Keep an entry, where that is possible."""
        path = self._folder / name
        temporary = self._folder / f".{os.urandom(16).hex()}.tmp"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(temporary, "xb", opener=_private) as file:
                file.write(sha256(payload).digest() + payload)
            temporary.replace(path)
            self._make_room()
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _make_room(self) -> None:
        with os.scandir(self._folder) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
        for _, path in sorted(found)[: -self._most]:
            Path(path).unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
