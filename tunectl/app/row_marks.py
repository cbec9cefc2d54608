"""Hashes of rows, remembered between the run that read them and the apply that stores them.

Law: they are named by their own hash, so what is remembered is what would be read. Where the
declaration is kept, an apply that only records a dataset need not load all of it, and its checks,
once more (0.3 s of CPU). Large datasets are left out: reading them is little beside using them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from tunectl.config.cache_folder import CacheFolder, user_folder

if TYPE_CHECKING:
    from tunectl.data.dataset import Dataset

_ENTRIES = 64
_LARGE = 20_000  # rows


def _folder() -> CacheFolder | None:
    folder = user_folder(os.environ, "rows")
    return None if folder is None else CacheFolder(folder, _ENTRIES)


def remember(datasets: Iterable[Dataset]) -> None:
    """Remember the hashes of what was read, where that is possible."""
    folder = _folder()
    for dataset in datasets if folder is not None else ():
        name = dataset.marks_sha256
        if folder is None or len(dataset.marks) > _LARGE or folder.read(name) is not None:
            continue
        from tunectl.data.marks import marks_to_bytes

        folder.write(name, marks_to_bytes(dataset.marks))


def remembered(sha256: str) -> bytes | None:
    """Return the stored form of hashes by its own hash; None where it is not remembered."""
    folder = _folder()
    return None if folder is None else folder.read(sha256)
