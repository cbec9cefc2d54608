"""Whole folders that survive a power cut."""

from __future__ import annotations

import os
from pathlib import Path

from tunectl.server.folder import sync_folder


def sync_files(folder: Path) -> None:
    """Put every file of a flat folder, and the folder itself, on the disk.

    Raises:
        OSError: the disk is full or broken.
    """
    for path in folder.iterdir():
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    sync_folder(folder)
