"""`moved: [{from: module.shop, to: module.store}]`: all of a module under another name.

The words are Terraform's: `module.NAME`, of a module within another `module.OUTER.NAME`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import TYPE_CHECKING

from tunectl.config.node import Node
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.core.errors import Source
from tunectl.core.project import Moved
from tunectl.core.value import NAME, Address

if TYPE_CHECKING:
    from tunectl.kinds.project import MovedFields

MODULE = "module"

_Path = tuple[str, ...]


def of_modules(said: MovedFields) -> bool:
    """Whether an entry under `moved:` speaks of a whole module."""
    return MODULE in {said.from_.partition(".")[0], said.to.partition(".")[0]}


def module_moves(
    entries: Iterable[tuple[Node, MovedFields]], known: Collection[Address], problems: Problems
) -> Iterator[Moved]:
    """Yield a move for each resource of each module that has another name now.

    Args:
        entries: the entries under `moved:`; those that speak of one resource are passed over.
        known: every declared address.
        problems: told of an entry that means nothing.
    """
    for node, said in entries:
        if of_modules(said):
            yield from _moves(node, said, known, problems)


def _moves(
    node: Node, said: MovedFields, known: Collection[Address], problems: Problems
) -> Iterator[Moved]:
    at, to = node.find(("from",))[0].source, node.find(("to",))[0].source
    before, after = _path(said.from_, at, problems), _path(said.to, to, problems)
    if before is None or after is None:
        return
    inside = sorted(a for a in known if a.path[: len(after)] == after and len(a.path) > len(after))
    if before == after:
        _no(problems, f"`{said.from_}` moves to itself", at, "remove this entry")
    elif not inside:
        there = sorted({_named(a.path[:n]) for a in known for n in range(1, len(a.path))})
        hint = did_you_mean(said.to, there) or (
            f"modules are {listed(there)}" if there else "`include:` with a `name:` makes a module"
        )
        _no(problems, f"there is no `{said.to}` to move to", to, hint)
    elif any(a.path[: len(before)] == before and len(a.path) > len(before) for a in known):
        _no(
            problems,
            f"`{said.from_}` is still included, so it cannot have moved",
            at,
            "move its resources one by one, or remove this entry",
        )
    else:
        for address in inside:
            old = Address(address.kind, (*before, *address.path[len(after) :]), address.key)
            yield Moved(before=old, after=address, source=node.source)


def _path(text: str, at: Source, problems: Problems) -> _Path | None:
    head, *parts = unicodedata.normalize("NFC", text).split(".")
    if head == MODULE and parts and all(NAME.fullmatch(part) for part in parts):
        return tuple(parts)
    _no(
        problems,
        f"`{text}` is not a module",
        at,
        "a whole module moves to a module: `{from: module.shop, to: module.store}`",
    )
    return None


def _named(path: _Path) -> str:
    return ".".join((MODULE, *path))


def _no(problems: Problems, summary: str, at: Source, hint: str) -> None:
    problems.error(summary, at, code="bad-address", hint=hint)
