"""Parsed files, kept between runs under the hash of their content.

Laws: what comes out is what parsing would give, or nothing; another version of anything that
decides what a text means never finds it; a damaged, foreign or half-written entry is passed over;
a folder that cannot be written costs nothing but time. Two writers write the same.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tunectl.config.cache_folder import CacheFolder, user_folder
from tunectl.config.installed import installation
from tunectl.config.written import UnusualError, Written, fits

FORMAT = 2
LEAST = 16_384  # characters: a smaller file is parsed faster than it is looked up


class ParseCache:
    """A folder of parsed files."""

    def __init__(self, folder: Path, least: int = LEAST) -> None:
        """Keep entries in a folder, which need not exist.

        Args:
            folder: where the entries are.
            least: characters of the smallest file that is kept.
        """
        self._folder = CacheFolder(folder)
        self._least = least

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> ParseCache | None:
        """Return the user's own cache; None where it is switched off."""
        folder = user_folder(environ, "parsed")
        return None if folder is None or not fits() else cls(folder)

    def get(self, text: str) -> Written | None:
        """Return the parsed form of a text, None when it is not kept."""
        if len(text) < self._least:
            return None
        payload = self._folder.read(_name(text))
        if payload is None:
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
        self._folder.write(_name(text), payload)


def _name(text: str) -> str:
    key = hashlib.sha256(_version())
    key.update(text.encode("utf-8", "surrogatepass"))
    return f"{key.hexdigest()}.parsed"


@cache
def _version() -> bytes:
    """Return whatever decides what a text means.

    The parsers stand in `installation` with their versions: to ask libyaml's for its own would
    import it, which takes as long as reading ten thousand lines, and plain files do without.
    """
    return f"{FORMAT}\n{installation()}\n{sys.byteorder}\n".encode()
