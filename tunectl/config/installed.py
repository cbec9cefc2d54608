"""What is installed beside the declaration: the packages, their plug points, and our own code.

`importlib.metadata` says the same and costs more than a whole plan without changes; it is asked
only where nothing is found here (packages inside archives, finders of other tools).
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256

import tunectl

PROVIDERS = "tunectl.providers"  # the group of entry points
_INFO = (".dist-info", ".egg-info")
# The rooms whose code decides what a declaration means.
_ROOMS = ("config", "kinds", "catalog", "core", "data")
_NAME = re.compile(r"[-_.]+")
# Packaging guide, "Entry points specification", 2026-11: `name = module:attribute [extras]`.
_POINT = re.compile(r"\s*(?P<name>[^=#;\s][^=]*?)\s*=\s*(?P<object>[\w.]+\s*(?::\s*[\w.]+)?)")
_SECTION = re.compile(r"\s*\[(?P<name>.+)\]\s*")


@cache
def provider_types() -> Mapping[str, str]:
    """Return the installed provider types: name to `module:attribute`.

    Looked for once in the life of the process.
    """
    found: dict[str, str] = {}
    for text in _metadata().values():
        if PROVIDERS in text:
            found.update(_points(text, PROVIDERS))
    return found or _by_the_library()


def every_provider_type() -> Mapping[str, str]:
    """Return the installed provider types as `importlib.metadata` knows them: slow and complete."""
    return {**_by_the_library(), **provider_types()}


@cache
def installation() -> str:
    """Return a hash of this Python, of the packages it finds, and of our own code.

    Two runs with the same one mean the same by the same declaration.
    """
    digest = sha256(f"{sys.version}\n{tunectl.__version__}\n".encode())
    for place, text in _metadata().items():
        digest.update(f"{place}\n{text}\n".encode("utf-8", "surrogateescape"))
    for line in sorted(_own_files()):
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


@cache
def _metadata() -> Mapping[str, str]:
    """Return the entry points of each package on the path, by where its metadata is; first wins."""
    found: dict[str, str] = {}
    seen: set[str] = set()
    for place in dict.fromkeys(sys.path):
        for folder in sorted(_infos(place or ".")):
            name = _NAME.sub("-", os.path.basename(folder).partition("-")[0]).lower()
            if name not in seen:
                seen.add(name)
                found[folder] = _text(os.path.join(folder, "entry_points.txt"))
    return found


def _infos(place: str) -> list[str]:
    try:
        with os.scandir(place) as entries:
            return [entry.path for entry in entries if entry.name.endswith(_INFO)]
    except OSError:  # archives, and places that are not there
        return []


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return ""


def _points(text: str, group: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in text.splitlines():
        if section := _SECTION.fullmatch(line):
            inside = section["name"] == group
        elif inside and (point := _POINT.match(line)):
            yield point["name"], "".join(point["object"].split())


def _by_the_library() -> dict[str, str]:
    from importlib.metadata import entry_points  # reads the metadata of every package

    return {point.name: f"{point.module}:{point.attr}" for point in entry_points(group=PROVIDERS)}


def _own_files() -> Iterator[str]:
    root = os.path.dirname(tunectl.__file__)
    folders = [os.path.join(root, room) for room in _ROOMS]
    for folder in folders:
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir():
                        folders += [] if entry.name == "__pycache__" else [entry.path]
                        continue
                    told = entry.stat()
                    yield f"{entry.path} {told.st_size} {told.st_mtime_ns}\n"
        except OSError:  # inside an archive: its version speaks for it
            continue
