"""Memories: where users' data lies and what may be kept of them. No data of a user is looked at."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.world import World
from tunectl.core.errors import Source
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Plain
from tunectl.kinds import MEMORY
from tunectl.kinds.memory import MAX_CHARS, MAX_ITEMS, ProfileField

if TYPE_CHECKING:
    from tunectl.kinds.memory import Memory

_LONGEST = 180  # bytes of a file's name, which may be 255 with what SQLite appends
_FOLDER = PurePosixPath(".tunectl") / "memory"


def lower_memories(world: World) -> None:
    """Declare every memory."""
    files: dict[str, Address] = {}
    for draft in in_file_order(world.drafts, "memory"):
        world.check_builtin(draft)
        model = draft.model
        depends_on, lifecycle = world.depends_on(draft), world.lifecycle(draft)
        compiled = compiled_memory(world, draft)
        if not MEMORY.fits(model) or compiled is None:
            continue
        _check_alone(world, draft, compiled, files)
        _check_said(world, draft, model)
        world.resources[draft.address] = Resource(
            address=draft.address,
            provider=BUILTIN,
            spec=dict(compiled),
            # Data does not move with a name or a store: what is there stays, and that is told.
            immutable=frozenset({"name", "store"}),
            outputs=model.outputs,
            stable=frozenset(model.outputs),
            depends_on=depends_on,
            lifecycle=lifecycle,
            labels=world.labels_of(draft),
            source=draft.source,
        )


def compiled_memory(world: World, memory: Draft | Address) -> Mapping[str, Plain] | None:
    """Return what the artefact of a prompt says of a memory: `{name, store, profile, sessions}`.

    The path in `store` is relative to the project. None where the memory cannot be used; the
    reason is told, once however often this is asked.
    """
    draft = world.drafts.get(memory) if isinstance(memory, Address) else memory
    model = draft.model if draft is not None else None
    if draft is None or not MEMORY.fits(model):
        return None
    store = _store(world, draft, model)
    if store is None:
        return None
    sessions: dict[str, Plain] = {}
    if model.sessions.expires_after is not None:
        sessions["expires_after_s"] = model.sessions.expires_after
    if model.sessions.max_turns is not None:
        sessions["max_turns"] = model.sessions.max_turns
    return {
        "name": _name(draft.address),
        "store": store,
        "profile": {name: _field(field) for name, field in model.profile.items()},
        "sessions": sessions,
    }


def compiled_memories(world: World) -> tuple[Mapping[str, Plain], ...]:
    """Return every memory as an artefact would say it, in the order of the files."""
    found = (compiled_memory(world, draft) for draft in in_file_order(world.drafts, "memory"))
    return tuple(one for one in found if one is not None)


def _name(address: Address) -> str:
    name = ".".join(address.path)
    return name if address.key is None else f"{name}[{address.key}]"


def _store(world: World, draft: Draft, model: Memory) -> dict[str, Plain] | None:
    said = model.store
    if said is not None and said.url_env is not None:
        # One database may hold the memories of several projects and environments.
        space = "/".join((draft.scope.project, world.env or "default", _name(draft.address)))
        return {"url_env": said.url_env, "space": space}
    if said is None or said.file is None:
        return {"file": _default_file(world.env or "default", draft.address)}
    path = world.root / said.file
    if Path(said.file).is_absolute() or not path.resolve().is_relative_to(world.root.resolve()):
        world.problems.error(
            "the file of a memory lies outside the project",
            _at_file(draft),
            code="outside-project",
            hint="name a file inside it, or leave `store:` out",
            address=str(draft.address),
        )
        return None
    return {"file": PurePosixPath(said.file).as_posix()}


def _at_file(draft: Draft) -> Source:
    return draft.at("store", "file") if draft.node.find(("store", "file"))[1] else draft.at("store")


def memory_folder(env: str) -> PurePosixPath:
    """Return where memories lie that name no store, relative to the project."""
    return _FOLDER / _file_part(env)


def _default_file(env: str, address: Address) -> str:
    name = ".".join(address.path)
    if address.key is not None:
        name = f"{name}[{_file_part(address.key)}]"
    if len(name.encode()) > _LONGEST:
        name = f"{name[:60]}-{hashlib.sha256(str(address).encode()).hexdigest()[:16]}"
    return (memory_folder(env) / f"{name}.db").as_posix()


def _file_part(text: str) -> str:
    """Return text that stays within its folder, and as it is wherever that is possible."""
    safe = "".join(c if c.isprintable() and c not in "/\\:%" else quote(c, safe="") for c in text)
    return safe.replace(".", "%2E") if safe in {"", ".", ".."} else safe


def _field(field: ProfileField) -> dict[str, Plain]:
    rule: dict[str, Plain] = {"type": field.type}
    if field.type in {"string", "list"} and (field.max_chars or field.one_of is None):
        rule["max_chars"] = field.max_chars or MAX_CHARS
    if field.type == "list":
        rule["max_items"] = field.max_items or MAX_ITEMS
    if field.one_of is not None:
        rule["one_of"] = tuple(field.one_of)
    if field.default is not None:
        default = field.default
        rule["default"] = tuple(default) if isinstance(default, list) else default
    rule["personal"], rule["inject"] = field.personal, field.inject
    if field.description:
        rule["description"] = field.description
    return rule


def _check_alone(
    world: World, draft: Draft, compiled: Mapping[str, Plain], files: dict[str, Address]
) -> None:
    """Refuse two memories in one file: each would answer for the other's users."""
    store = compiled["store"]
    file = store.get("file") if isinstance(store, Mapping) else None
    if not isinstance(file, str):
        return
    other = files.setdefault(str((world.root / file).resolve()), draft.address)
    if other != draft.address:
        world.problems.error(
            f"`{draft.address}` and `{other}` name the same file",
            _at_file(draft),
            code="same-file",
            hint="give each a file of its own, or let both prompts name one memory",
            address=str(draft.address),
        )


def _check_said(world: World, draft: Draft, model: Memory) -> None:
    """Tell where fields are declared and no prompt may say any of them."""
    if model.profile and not any(field.inject for field in model.profile.values()):
        world.problems.warn(
            f"no field of the profile of `{draft.address}` is ever said to a model",
            draft.node.find(("profile",))[0].key_source,
            code="nothing-injected",
            hint="write `inject: true` at the fields that prompts may use",
            address=str(draft.address),
        )
