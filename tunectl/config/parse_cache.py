"""Parsed files, kept between runs under the hash of their content.

Laws: what comes out is what parsing would give, or nothing; another version of anything that
decides what a text means never finds it; a damaged, foreign or half-written entry is passed over;
a folder that cannot be written costs nothing but time. Two writers write the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import unicodedata
import uuid
from collections.abc import Mapping
from pathlib import Path

import orjson
import yaml

import tunectl
from tunectl.config.written import UnusualError, Written, fits

SWITCH = "TUNECTL_PARSE_CACHE"  # `off` switches it off
FORMAT = 1
LEAST = 16_384  # characters: a smaller file is parsed faster than it is looked up
MOST = 64  # entries; the oldest goes
_DIGEST = 32  # bytes


class ParseCache:
    """A folder of parsed files."""

    def __init__(self, folder: Path, least: int = LEAST) -> None:
        """Keep entries in a folder, which need not exist.

        Args:
            folder: where the entries are.
            least: characters of the smallest file that is kept.
        """
        self._folder = folder
        self._least = least

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> ParseCache | None:
        """Return the user's own cache; None where it is switched off."""
        if environ.get(SWITCH, "").lower() in {"off", "0", "false", "no"} or not fits():
            return None
        import platformdirs

        return cls(platformdirs.user_cache_path("tunectl") / "parsed")

    def get(self, text: str) -> Written | None:
        """Return the parsed form of a text, None when it is not kept."""
        if len(text) < self._least:
            return None
        try:
            content = self._path(text).read_bytes()
        except OSError:
            return None
        digest, payload = content[:_DIGEST], content[_DIGEST:]
        if hashlib.sha256(payload).digest() != digest:
            return None
        try:
            return Written.from_bytes(payload)
        except (ValueError, IndexError, OverflowError):
            return None

    def put(self, text: str, parsed: Written) -> None:
        """Keep the parsed form of a text, where that is possible."""
        if len(text) < self._least:
            return
        try:
            payload = parsed.to_bytes()
        except UnusualError:
            return
        path = self._path(text)
        temporary = path.with_name(f".{uuid.uuid4().hex}.tmp")
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            digest = hashlib.sha256(payload).digest()
            temporary.write_bytes(digest + payload)
            temporary.replace(path)
            self._make_room()
        except OSError:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)

    def _path(self, text: str) -> Path:
        key = hashlib.sha256(_VERSION)
        key.update(text.encode("utf-8", "surrogatepass"))
        return self._folder / f"{key.hexdigest()}.parsed"

    def _make_room(self) -> None:
        with os.scandir(self._folder) as entries:
            found = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
        for _, path in sorted(found)[:-MOST]:
            Path(path).unlink(missing_ok=True)


# Whatever decides what a text means.
_VERSION = "\n".join(
    (
        str(FORMAT),
        tunectl.__version__,
        yaml.__version__,
        unicodedata.unidata_version,
        orjson.__version__,
        sys.byteorder,
        "",
    )
).encode()
