"""Bytes of the project's own text files, with an honest word about what cannot be read."""

from __future__ import annotations

import codecs
import os
import shlex
import stat
from pathlib import Path

from tunectl.config.looked import MAIN, Looked
from tunectl.config.problems import Problems, did_you_mean
from tunectl.core.errors import Source

_LARGEST = 64 * 1024 * 1024
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What pipes held, by device and inode: it can be read once, and one command may read a file of
# variables several times, for its other environments too.
_PIPED: dict[tuple[int, int], bytes] = {}


def read_text(
    path: Path,
    name: str,
    problems: Problems,
    at: Source | None = None,
    looked: Looked | None = None,
) -> str | None:
    """Return a file's text, None when it cannot be read; the reason goes to `problems`.

    Args:
        path: where it is.
        name: how a user would type it.
        problems: takes the reason.
        at: where it is named; the problem is shown there, else at the file.
        looked: takes what was read.
    """
    try:
        about = path.stat()
        size = about.st_size
        content = _content(path, about) if size <= _LARGEST else b""
    except (FileNotFoundError, ValueError):  # no file's name has a zero byte
        problems.error(
            f"there is no file `{name}`",
            at or Source(name),
            code="file-missing",
            hint=_nearest(path, name, at.file if at is not None else ""),
        )
        return None
    except OSError as error:
        what = (
            "is a folder" if path.is_dir() else f"cannot be read: {(error.strerror or '').lower()}"
        )
        hint = "name a text file"
        if isinstance(error, PermissionError):
            hint = f"`chmod u+r {shlex.quote(name)}`"
        problems.error(f"`{name}` {what}", at or Source(name), code="file-unreadable", hint=hint)
        return None
    if size > _LARGEST:
        problems.error(
            f"`{name}` is larger than 64 MiB",
            at or Source(name),
            code="file-unreadable",
            hint="rows belong into a `dataset`",
        )
        return None
    if looked is not None:
        looked.read(path, content)
    return _decoded(content, name, problems)


def _content(path: Path, about: os.stat_result) -> bytes:
    if not stat.S_ISFIFO(about.st_mode):
        return path.read_bytes()
    known = _PIPED.get((about.st_dev, about.st_ino))
    if known is None:
        known = _PIPED[about.st_dev, about.st_ino] = path.read_bytes()
    return known


def _decoded(content: bytes, name: str, problems: Problems) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        wide = content[:2] in _UTF16
        problems.error(
            f"`{name}` is UTF-16, not UTF-8" if wide else f"`{name}` is not UTF-8",
            Source(name, 0 if wide else line, 0 if wide else column),
            code="not-utf8",
            hint="save it as UTF-8 in your editor",
        )
        return None


def _nearest(path: Path, name: str, namer: str) -> str:
    """Return the file that may be meant; neither the main one nor the one that names it."""
    folder, prefix = path.parent, name.rpartition("/")[0]
    if "\0" in name:
        return ""
    if not folder.is_dir():
        return f"there is no folder `{name.rpartition('/')[0] or folder.name}` either"
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    known = {MAIN, namer.removeprefix(f"{prefix}/") if prefix else namer}
    near = did_you_mean(path.name, (each for each in names if each not in known))
    if near and prefix:
        return near.replace("`", f"`{prefix}/", 1)
    return near or "paths are relative to the project's folder"
