"""From what the artefact says of a memory to the memory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tunectl.prompts.errors import PromptError
from tunectl.prompts.memory.database import Database
from tunectl.prompts.memory.kept import KeptMemory
from tunectl.prompts.memory.postgres import PostgresDatabase
from tunectl.prompts.memory.profile import Profile
from tunectl.prompts.memory.sqlite import SqliteDatabase


def open_memory(
    entry: Mapping[str, Any],
    root: str | Path = ".",
    environ: Mapping[str, str] | None = None,
) -> KeptMemory:
    """Return the memory that an artefact names; nothing is opened before it is used.

    Args:
        entry: `{name, store, profile, sessions}`; of `store` either `file`, a path inside the
            project, or `url_env`, the variable that holds the URL, with `space`.
        root: the project's folder.
        environ: the environment; that of the process if not given.

    Raises:
        PromptError: the entry is none, the file lies outside the project, or the variable is not
            set.
    """
    name = str(entry.get("name") or "")
    sessions = entry.get("sessions") or {}
    return KeptMemory(
        _database(name, entry.get("store") or {}, Path(root), environ),
        Profile(name, entry.get("profile") or {}),
        expires_after_s=sessions.get("expires_after_s"),
        max_turns=sessions.get("max_turns"),
    )


def memory_at(path: str | Path, name: str = "memory") -> KeptMemory:
    """Return a memory of which nothing but its SQLite file is known, to export and erase from it.

    Raises:
        PromptError: there is no such file.
    """
    found = Path(path)
    if not found.is_file():
        raise PromptError(f"there is no file `{path}`")
    return KeptMemory(SqliteDatabase(found, str(path)), Profile(name, {}))


def _database(
    name: str, store: Mapping[str, Any], root: Path, environ: Mapping[str, str] | None
) -> Database:
    file, variable = store.get("file"), store.get("url_env")
    if isinstance(file, str) and file:
        return SqliteDatabase(_inside(root, file), file)
    if not isinstance(variable, str) or not variable:
        raise PromptError(f"memory `{name}` says not where it is kept: `file` or `url_env`")
    url = (os.environ if environ is None else environ).get(variable)
    if not url:
        raise PromptError(
            f"the variable `{variable}` is not set: it holds the URL of memory `{name}`, "
            "`postgresql://user:password@host/database`"
        )
    return PostgresDatabase(url, variable, str(store.get("space") or name))


def _inside(root: Path, file: str) -> Path:
    path = root / PurePosixPath(file)
    if Path(file).is_absolute() or not path.resolve().is_relative_to(root.resolve()):
        raise PromptError(f"the memory file `{file}` lies outside the project")
    return path
