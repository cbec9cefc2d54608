"""Where what is made for an address lies in the project, and why a file there cannot be used."""

from __future__ import annotations

import errno
import hashlib
from pathlib import Path

from tunectl.core.errors import ProviderError, TunectlError
from tunectl.core.value import Address

_LONGEST = 160  # bytes of a name before its ending; file systems take 255 of all


def place_of(folder: str, env: str, address: Address, ending: str) -> Path:
    """Return where the file of an address lies, relative to the project.

    Args:
        folder: within `.tunectl`.
        env: the environment, a folder of its own.
        address: whose file it is.
        ending: of the file's name, with its dot.
    """
    name = ".".join(address.path)
    if address.key is not None:
        name = f"{name}[{_file_part(address.key)}]"
    if len(name.encode()) > _LONGEST:
        name = f"{name[:60]}-{hashlib.sha256(str(address).encode()).hexdigest()[:16]}"
    return Path(".tunectl") / folder / _file_part(env) / f"{name}{ending}"


def _file_part(text: str) -> str:
    """Return text that stays within its folder, and as it is wherever that is possible."""
    from urllib.parse import quote

    safe = "".join(c if c.isprintable() and c not in "/\\:%" else quote(c, safe="") for c in text)
    return safe.replace(".", "%2E") if safe in {"", ".", ".."} else safe


def unusable(path: Path, verb: str, error: Exception) -> TunectlError:
    """Return the error of a file that cannot be read, written or removed."""
    number = getattr(error, "errno", None)
    full = number in {errno.ENOSPC, errno.EDQUOT}
    return ProviderError.of(
        f"cannot {verb} `{path}`: {getattr(error, 'strerror', None) or error}",
        hint="free some space" if full else "check the permissions of the folder",
    )
