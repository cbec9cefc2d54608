"""Users' data of a project's memories: shown, exported, set, erased, purged.

The declaration is read only as far as it says where the memories are: neither the data nor the
providers need be sound to erase somebody.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunectl.app.options import Options
from tunectl.app.workspace import open_record
from tunectl.core.errors import ConfigError, TunectlError
from tunectl.prompts import PromptError
from tunectl.prompts.memory import KeptMemory, memory_at, open_memory

FORMAT = 1

Rows = Sequence[tuple[str, Mapping[str, int]]]
"""Of each memory its name and how much there is: users, fields, sessions, turns, summaries."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """Which memories are meant: all of the project, unless one is named.

    Attributes:
        memory: the name or address of a declared one alone; with `url_env` the name alone.
        file: a SQLite file that need not be declared any more, relative to the project.
        url_env: the variable with the URL of a database that need not be declared any more.
    """

    memory: str = ""
    file: str = ""
    url_env: str = ""


def survey(options: Options, where: Where, user: str | None = None) -> Rows:
    """Return how much there is of one user, or of all.

    Raises:
        ConfigError: there is no such memory.
        TunectlError: what keeps it cannot be used.
    """
    with _told(), _opened(options, where) as memories:
        return [
            (one.name, asdict(one.counted() if user is None else one.held(user)))
            for one in memories
        ]


def export(options: Options, where: Where, user: str) -> dict[str, Any]:
    """Return all there is of a user, as plain JSON.

    Raises:
        ConfigError: there is no such memory.
        TunectlError: what keeps it cannot be used.
    """
    with _told(), _opened(options, where) as memories:
        found = [one.export(user) for one in memories]
    own = ("memory", "profile", "sessions")
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {
        "format": FORMAT,
        "user": found[0]["user"],
        "exported_at": now,
        "memories": [{key: tree[key] for key in own} for tree in found],
    }


def erase(options: Options, where: Where, user: str, approve: Callable[[Rows], None]) -> Rows:
    """Delete all there is of a user, for good; return what was deleted.

    Args:
        options: the project.
        where: which memories.
        user: whose data.
        approve: is shown how much there is, and raises to leave it.

    Raises:
        ConfigError: there is no such memory.
        TunectlError: it is not certain that all is gone; doing it again is safe.
    """
    with _told(), _opened(options, where) as memories:
        held = [(one.name, asdict(one.held(user))) for one in memories]
        if any(row["users"] for _, row in held):
            approve(held)
        return [(one.name, asdict(one.erase(user))) for one in memories]


def purge(options: Options, where: Where, *, undeclared: bool) -> Rows:
    """Delete what has expired, of all users; return what was deleted.

    Raises:
        ConfigError: there is no such memory.
        TunectlError: what keeps it cannot be used.
    """
    if undeclared and (where.file or where.url_env):
        raise ConfigError.of(
            "what is declared is known of declared memories alone",
            hint="leave `--undeclared` out, or name the memory with `--memory`",
        )
    with _told(), _opened(options, where, left=False) as memories:
        return [(one.name, asdict(one.purge(undeclared=undeclared))) for one in memories]


def set_fields(options: Options, where: Where, user: str, given: Mapping[str, str]) -> str:
    """Keep values in a user's profile, and return the memory's name; an empty text forgets one.

    Raises:
        ConfigError: there is no such memory, or there are several.
        TunectlError: a field is not declared or a value does not fit.
    """
    if where.file or where.url_env:
        raise ConfigError.of("a profile is set in a declared memory", hint="name it: `--memory`")
    entries = _chosen(_every_declared(options), where)
    if len(entries) > 1:
        names = ", ".join(f"`{entry['name']}`" for entry in entries)
        raise ConfigError.of("which memory?", hint=f"name it with `--memory`: {names}")
    rules = entries[0].get("profile") or {}
    fields = {name: _value(name, text, rules.get(name)) for name, text in given.items()}
    with _told(), contextlib.closing(open_memory(entries[0], options.root, os.environ)) as memory:
        memory.set_profile(user, fields)
        return memory.name


def _value(name: str, text: str, rule: Mapping[str, Any] | None) -> object:
    """Return what a person typed as the field's type has it; what is none is refused later.

    Raises:
        ConfigError: it begins as a list of JSON does, and is none of texts.
    """
    if text == "":
        return None
    match (rule or {}).get("type"):
        case "boolean" | "integer" | "number":
            with contextlib.suppress(ValueError):
                return json.loads(text)
            return text
        case "list":
            return _listed(name, text)
        case _:
            return text


def _listed(name: str, text: str) -> list[str]:
    """Return the texts between commas; what begins with `[` is a list of JSON."""
    if not text.lstrip().startswith("["):
        return [part.strip() for part in text.split(",") if part.strip()]
    found: object = None
    with contextlib.suppress(ValueError):
        found = json.loads(text)
    if isinstance(found, list) and all(isinstance(one, str) for one in found):
        return found
    raise ConfigError.of(
        f"`{name}` is a list, and what begins with `[` must be a list of texts in JSON",
        hint=f"write `{name}=first,second`; where one has a comma in it, "
        f'`{name}=\'["first, still first", "second"]\'`',
    )


@contextlib.contextmanager
def _opened(
    options: Options, where: Where, *, left: bool = True
) -> Iterator[tuple[KeptMemory, ...]]:
    """Open the memories that are meant; with `left` also files of those declared no more."""
    if where.file:
        found: tuple[KeptMemory, ...] = (_at_file(options, where),)
    elif where.url_env:
        found = (open_memory(_at_url(options, where), options.root, os.environ),)
    else:
        every = _every_declared(options)
        files = _left(options, every) if left and not where.memory else []
        entries = every if files and not every else _chosen(every, where)
        found = tuple(open_memory(entry, options.root, os.environ) for entry in entries)
        found += tuple(memory_at(options.root / file, file) for file in files)
    try:
        yield found
    finally:
        for one in found:
            one.close()


def _left(options: Options, declared: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the files of memories that were removed or renamed: nobody may be forgotten there."""
    from tunectl.config.memory import memory_folder

    folder = options.root / memory_folder(options.env)
    known = {entry["store"].get("file") for entry in declared}
    found = sorted(path.relative_to(options.root).as_posix() for path in folder.glob("*.db"))
    return [file for file in found if file not in known]


def _at_file(options: Options, where: Where) -> KeptMemory:
    if where.memory or where.url_env:
        raise ConfigError.of("`--file` names a memory of its own", hint="give one of the options")
    return memory_at(options.root / Path(where.file), where.file)


def _at_url(options: Options, where: Where) -> dict[str, Any]:
    if not where.memory:
        raise ConfigError.of(
            "one database may hold several memories", hint="name one with `--memory NAME`"
        )
    name = where.memory.removeprefix("memory.")
    project = open_record(options)[0].name
    return {
        "name": name,
        "store": {"url_env": where.url_env, "space": f"{project}/{options.env}/{name}"},
    }


def _every_declared(options: Options) -> tuple[Mapping[str, Any], ...]:
    from tunectl.config.load import declared_memories

    return declared_memories(
        options.root,
        env=options.env,
        variables=options.named,
        var_files=options.var_files,
        environ=os.environ,
    )


def _chosen(every: Sequence[Mapping[str, Any]], where: Where) -> list[Mapping[str, Any]]:
    wanted = where.memory.removeprefix("memory.")
    found = [one for one in every if wanted in {"", one["name"]}]
    if not found:
        names = ", ".join(f"`{one['name']}`" for one in every)
        raise ConfigError.of(
            f"there is no memory `{wanted}`" if wanted else "the project declares no memory",
            hint=f"declared are {names}"
            if names
            else "one that is declared no more is named with `--file FILE`, or with "
            "`--url-env NAME --memory NAME`",
            code="unknown-memory",
        )
    return found


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """Law: what a memory says names no user and no value, so it can be shown as it is."""
    try:
        yield
    except PromptError as error:
        raise TunectlError.of(str(error), code="memory") from None
