"""`moved`, `removed` and `import`: what the record takes over, gives up, or knows by a new name."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from tunectl.config.module_moves import module_moves, of_modules
from tunectl.config.node import Node, plain
from tunectl.config.problems import Problems, did_you_mean, listed
from tunectl.config.validating import validated
from tunectl.config.world import World
from tunectl.core.errors import Source
from tunectl.core.project import Import, Moved, Removed
from tunectl.core.resource import Resource
from tunectl.core.value import Address
from tunectl.kinds import DERIVED, IMPORT, KINDS, MOVED, REMOVED
from tunectl.kinds.by_name import Named

if TYPE_CHECKING:
    from tunectl.kinds.project import ImportFields, MovedFields, RemovedFields

    M = TypeVar("M", MovedFields, RemovedFields, ImportFields)

# Why there is nothing to import for the others.
_NOT_IMPORTED = {
    "dataset": "a dataset lives in your files: declare it, and `apply` records it",
    "prompt_template": "a prompt template lives in your files: declare it, and `apply` writes it",
    "knowledge_base": "a knowledge base is made of its documents: declare it, and `apply` does",
    "publication": "its template publishes it: declare it, and `apply` makes a new version",
    "upload": "a tuning job makes its uploads anew from the dataset it names",
}
# What uploads and publications are derived from.
_PARENTS = frozenset({"dataset", "knowledge_base", "prompt_template"})
# Endpoints of these provider types are records of tunectl's own: there is nothing to take over.
_RECORDS = frozenset({"openai"})


def moves(declared: Node | None, known: set[Address], problems: Problems) -> tuple[Moved, ...]:
    """Return the moves; the new address must be declared, the old one not."""
    found: dict[Address, Moved] = {}
    targets: dict[Address, Moved] = {}
    chained = _sources(declared)
    entries = tuple(_listed(declared, MOVED, "moved", problems))
    for node, said in (each for each in entries if not of_modules(each[1])):
        at, to = node.find(("from",))[0].source, node.find(("to",))[0].source
        before, after = _address(said.from_, at, problems), _address(said.to, to, problems)
        if before is None or after is None:
            continue
        move = Moved(before=before, after=after, source=node.source)
        if before.kind != after.kind:
            _no(
                problems,
                f"`{before.kind}` cannot become `{after.kind}`",
                to,
                "a move keeps the kind",
            )
        elif before == after:
            _no(problems, f"`{before}` moves to itself", to, "remove this entry")
        elif not _is_declared(after, known) and after not in chained:
            _no(
                problems,
                f"there is no `{after}` to move to",
                to,
                _nearest(after, known, "a move ends at what is declared"),
            )
        elif before in known:
            _no(
                problems,
                f"`{before}` is still declared, so it cannot have moved",
                at,
                "rename the resource, or remove this entry",
            )
        elif before in found or after in targets:
            first = found.get(before) or targets[after]
            twice = before if before in found else after
            _again(problems, f"`{twice}` moves twice", at, first.source)
        elif before.key is not None and (keys := _keys(after, known)):
            _no(
                problems,
                f"`{after}` is several resources",
                to,
                f"say which: {listed(str(after._replace(key=key)) for key in keys)}",
            )
        else:
            found[before] = targets[after] = move
    return _all_of(found, entries, known, problems)


def _all_of(
    found: dict[Address, Moved],
    entries: Iterable[tuple[Node, MovedFields]],
    known: set[Address],
    problems: Problems,
) -> tuple[Moved, ...]:
    """Return the single moves, those of whole modules, and those of each key of a `for_each`."""
    for move in module_moves(entries, known, problems):
        found.setdefault(move.before, move)
    every = _expanded(found.values(), known)
    _check_circles(every, problems)
    return every


def _sources(declared: Node | None) -> frozenset[Address]:
    """Return what moves on, so that a move may end there: `a` to `b`, later `b` to `c`."""
    nodes = declared.value if declared is not None and isinstance(declared.value, list) else []
    found: set[Address] = set()
    for node in nodes:
        said = node.find(("from",))[0].value
        with contextlib.suppress(ValueError):
            found.add(Address.parse(said if isinstance(said, str) else ""))
    return frozenset(found)


def _keys(address: Address, known: Iterable[Address]) -> list[str]:
    """Return the keys of a `for_each`, when its address is given without one."""
    if address.key is not None:
        return []
    same = (a.key for a in known if (a.kind, a.path) == (address.kind, address.path))
    return sorted(key for key in same if key is not None)


def _expanded(moves: Iterable[Moved], known: set[Address]) -> tuple[Moved, ...]:
    """Return a move for each key where a whole `for_each` moves; the plain one stays beside."""
    moves = tuple(moves)
    ends = {move.before: move.after for move in moves}
    found: dict[Address, Moved] = {move.before: move for move in moves}
    for move in moves:
        end = move.after
        for _ in moves:
            end = ends.get(end, end)
        for key in _keys(end, known) if move.before.key is None else ():
            before, after = move.before._replace(key=key), move.after._replace(key=key)
            found.setdefault(before, replace(move, before=before, after=after))
    return tuple(found.values())


def _check_circles(moves: Iterable[Moved], problems: Problems) -> None:
    ends = {move.before: move for move in moves}
    for move in ends.values():
        seen, at = {move.before}, move
        while at.after in ends and at.after not in seen:
            seen.add(at.after)
            at = ends[at.after]
        if at.after == move.before:
            chain = " → ".join(f"`{address}`" for address in (*sorted(seen), move.before))
            place = move.source or Source("")
            _no(problems, f"`moved` goes round in a circle: {chain}", place, "remove one of them")
            return


def with_uploads(moved: tuple[Moved, ...], world: World) -> tuple[Moved, ...]:
    """Return the moves with those of the uploads that belong to what moves."""
    found = {move.before: move for move in moved}
    for move in moved:
        for resource in world.resources.values() if move.after.kind in _PARENTS else ():
            if resource.parent != move.after or resource.address.key is None:
                continue
            key = resource.address.key
            if move.after.key is not None:
                key = key.removeprefix(f"{move.after.key}/")
            if move.before.key is not None:
                key = f"{move.before.key}/{key}"
            before = Address(resource.address.kind, move.before.path, key)
            found.setdefault(before, replace(move, before=before, after=resource.address))
    return tuple(found.values())


def removals(
    declared: Node | None, known: set[Address], problems: Problems, moved: Iterable[Moved] = ()
) -> tuple[Removed, ...]:
    """Return the removals; what is declared cannot be removed, nor what moved elsewhere."""
    leaving = {move.before: move for move in moved}
    found: dict[Address, Removed] = {}
    for node, said in _listed(declared, REMOVED, "removed", problems):
        at = node.find(("address",))[0].source
        address = _address(said.address, at, problems)
        if address is None:
            continue
        if _is_declared(address, known):
            _no(
                problems,
                f"`{address}` is still declared, so it cannot be removed",
                at,
                "delete its block as well",
            )
        elif address in leaving:
            summary = f"`{address}` is removed, and `moved` says where it is now"
            _again(problems, summary, at, leaving[address].source)
        elif address in found:
            _again(problems, f"`{address}` is removed twice", at, found[address].source)
        else:
            found[address] = Removed(address=address, destroy=said.destroy, source=at)
    return tuple(found.values())


def imports(declared: Node | None, world: World, moved: tuple[Moved, ...]) -> tuple[Import, ...]:
    """Return the imports; each names one declared resource of a kind that can be taken over."""
    problems, known = world.problems, set(world.drafts)
    found: dict[Address, Import] = {}
    ids: dict[tuple[str, str, str], Import] = {}
    arriving = {move.after: move for move in moved}
    for node, said in _listed(declared, IMPORT, "import", problems):
        at, id_at = node.find(("address",))[0].source, node.find(("id",))[0].source
        address, id_ = _address(said.address, at, problems), said.id.strip()
        if not id_:
            problems.error("`id` is empty", id_at, code="invalid", hint="write a value")
        if address is None or not id_ or not _may_import(address, known, at, problems):
            continue
        taken = Import(address=address, id=id_, source=at)
        resource = world.resources.get(address)
        where = (address.kind, resource.provider if resource else "", id_)
        if address in found:
            _again(problems, f"`{address}` is imported twice", at, found[address].source)
        elif resource is not None and where in ids:
            other = ids[where]
            _again(
                problems, f"`{id_}` is imported as `{other.address}` already", id_at, other.source
            )
        elif address in arriving:
            _again(
                problems,
                f"`{address}` is imported, and `moved` says what is there",
                at,
                arriving[address].source,
            )
        elif resource is not None and _is_record(resource, world):
            _no_alias(problems, address, resource.provider, at)
        else:
            found[address] = ids[where] = taken
    return tuple(found.values())


def not_importable(kind: str) -> tuple[str, str] | None:
    """Return why nothing of a kind can be imported, with a hint; None where it can."""
    if kind in KINDS and KINDS.named[kind].facts.importable:
        return None
    if kind not in KINDS and kind not in DERIVED:
        return f"there is no kind `{kind}`", did_you_mean(kind, KINDS)
    article = "an" if kind[0] in "aeiou" else "a"
    kinds = " and ".join(f"`{one}`" for one, model in KINDS.named.items() if model.facts.importable)
    return f"{article} `{kind}` cannot be imported", _NOT_IMPORTED.get(kind, f"{kinds} can be")


def _is_record(resource: Resource, world: World) -> bool:
    provided = world.providers.get(resource.provider)
    return (
        resource.address.kind == "endpoint" and provided is not None and provided.type in _RECORDS
    )


def _no_alias(problems: Problems, address: Address, provider: str, at: Source) -> None:
    _no(
        problems,
        f"`{address}` cannot be imported: at provider `{provider}` an endpoint is only a record",
        at,
        "remove this entry: `apply` makes the record and changes nothing at the provider",
    )


def _may_import(address: Address, known: set[Address], at: Source, problems: Problems) -> bool:
    if (refusal := not_importable(address.kind)) is not None:
        summary, hint = refusal
        _no(problems, summary, at, hint)
        return False
    if address in known:
        return True
    keys = [a.key for a in known if (a.kind, a.path) == (address.kind, address.path)]
    if address.key is None and keys:
        named = sorted(str(a) for a in known if (a.kind, a.path) == (address.kind, address.path))
        _no(problems, f"`{address}` is several resources", at, f"say which: {listed(named)}")
        return False
    _no(
        problems,
        f"there is no `{address}` to import into",
        at,
        _nearest(
            address, known, f"declare it first, or let `tunectl import {address} ID` write it"
        ),
    )
    return False


def _nearest(address: Address, known: set[Address], otherwise: str) -> str:
    same = sorted(str(a) for a in known if a.kind == address.kind)
    return did_you_mean(str(address), same, otherwise)


def _listed(
    declared: Node | None, model: Named[M], name: str, problems: Problems
) -> Iterator[tuple[Node, M]]:
    nodes = declared.value if declared is not None else []
    for index, node in enumerate(nodes if isinstance(nodes, list) else []):
        said = validated(model, node, plain(node), problems, f"{name}[{index}]")
        if said is not None:
            yield node, said


def _is_declared(address: Address, known: set[Address]) -> bool:
    return address in known or any(
        a.kind == address.kind and a.path == address.path and address.key is None for a in known
    )


def _address(text: str, at: Source, problems: Problems) -> Address | None:
    try:
        address = Address.parse(text)
    except ValueError:
        _no(problems, f"`{text}` is not an address", at, _repaired(text))
        return None
    if address.kind not in KINDS and address.kind not in DERIVED:
        _no(problems, f"there is no kind `{address.kind}`", at, did_you_mean(address.kind, KINDS))
        return None
    return address


def _repaired(text: str) -> str:
    """Put quotes round a bare key, which is what people forget."""
    head, bracket, key = text.rstrip("]").partition("[")
    if bracket and key.strip("'\""):
        return f'keys stand in double quotes: `{head}["{key.strip(chr(39) + chr(34))}"]`'
    if "${" in text:
        return "an address is plain text: `${…}` has no value here"
    return "such as `tuning_job.support`"


def _no(problems: Problems, summary: str, at: Source, hint: str = "") -> None:
    problems.error(summary, at, code="bad-address", hint=hint)


def _again(problems: Problems, summary: str, at: Source, first: Source | None) -> None:
    problems.error(
        summary,
        at,
        code="bad-address",
        detail=f"the first one is at {first}",
        hint="keep one of them",
    )
