"""Rebuild a lost state from what the providers hold: read-only, and nothing is invented.

Laws: only what carries the mark of this project, environment and one lineage is taken over. An
older record of the same object is better than what its provider tells of it: a record decides the
address, for a mark keeps the one that the object was made at. One object stands at one address.
What was forgotten on purpose stays forgotten. What cannot be looked
up by marks stays as it was recorded. Nothing is taken for gone that could not be listed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import field, replace
from typing import cast

from tunectl.core import graph
from tunectl.core.dataclass import dataclass
from tunectl.core.places import Place, brought_home, places
from tunectl.core.ports import Connect, Found, Lists, Mark
from tunectl.core.project import Project
from tunectl.core.resource import BUILTIN, Instance, Need, Resource, Status
from tunectl.core.state import State
from tunectl.core.value import Address, Plain, plain, resolve
from tunectl.engine.run import lookup, uses

_USABLE = (Status.READY, Status.PENDING)
_KNOWLEDGE = "knowledge_base"
_SHA_SHOWN = 12  # digits of a rows' hash that a file's name has room for


@dataclass(frozen=True, slots=True)
class Sighting:
    """An object at a provider.

    Attributes:
        provider: the name under `providers:`.
        account: the provider's account, as it is connected now.
    """

    provider: str
    kind: str
    account: str
    found: Found

    @property
    def mark(self) -> Mark | None:
        """Whose it is."""
        return self.found.mark

    @property
    def place(self) -> Place:
        """What tells it from all others."""
        return self.account, self.kind, self.found.instance.id

    @property
    def newest(self) -> tuple[bool, str]:
        """How it ranks among those of one address: usable ones first, then by age."""
        return self.found.instance.status in _USABLE, self.found.created_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Everything that could be listed.

    Attributes:
        listed: provider, kind and account of what was.
        blind: the pairs that cannot be looked up by marks.
    """

    sightings: tuple[Sighting, ...] = ()
    listed: frozenset[tuple[str, str, str]] = frozenset()
    blind: tuple[tuple[str, str], ...] = ()

    def lineages(self, project: str, env: str) -> Mapping[str, int]:
        """Return the lineages that this project's marks name, with how many objects each has."""
        counts: dict[str, int] = {}
        for mark in (s.mark for s in self.sightings):
            if mark is not None and (mark.project, mark.env) == (project, env):
                counts[mark.lineage] = counts.get(mark.lineage, 0) + 1
        return counts


@dataclass(slots=True, kw_only=True)
class Rebuilt:
    """A state made of what was found, and how.

    Attributes:
        recorded: addresses whose record is older and whose object is there.
        adopted: addresses known by the mark alone.
        replaced: addresses where a newer marked object stands than the record says.
        assumed: adopted ones that are taken as made from what is declared now.
        differing: adopted ones that were trained on other rows than those declared now.
        unlisted: addresses kept from the record because nothing tells of them: their kind carries
            no mark, or they live in another account.
        gone: recorded objects that the provider's list does not show; their record stays.
        others: further objects that carry the mark of an address.
        undeclared: addresses in the state that the declaration does not have.
    """

    state: State
    recorded: list[Address] = field(default_factory=list)
    adopted: list[Address] = field(default_factory=list)
    replaced: list[Address] = field(default_factory=list)
    assumed: list[Address] = field(default_factory=list)
    differing: list[Address] = field(default_factory=list)
    unlisted: list[Address] = field(default_factory=list)
    gone: list[Need] = field(default_factory=list)
    others: list[Need] = field(default_factory=list)
    undeclared: list[Address] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to store."""
        return not self.state.everything


def survey(connect: Connect, names: Iterable[str]) -> Survey:
    """List what the providers hold.

    Raises:
        ProviderError: one could not be asked; a shortened list is never used.
    """
    sightings: list[Sighting] = []
    listed: set[tuple[str, str, str]] = set()
    blind: list[tuple[str, str]] = []
    for name in sorted(set(names) - {BUILTIN}):
        provider = connect(name)
        for kind, handler in sorted(provider.handlers.items()):
            if not hasattr(handler, "list"):
                blind.append((name, kind))
                continue
            account = provider.account()
            found = cast("Lists", handler).list()
            sightings += [Sighting(name, kind, account, each) for each in found]
            listed.add((name, kind, account))
    return Survey(sightings=tuple(sightings), listed=frozenset(listed), blind=tuple(blind))


def rebuild(seen: Survey, base: State, project: Project, older: Sequence[State] = ()) -> Rebuilt:
    """Make a state of what was seen and what is still known.

    Args:
        seen: what the providers hold.
        base: the best older record, with the lineage to look for; without instances where there
            is none; each object is at one address.
        project: the declaration, to complete what only a mark tells of.
        older: what else is known of the same history, newest first; where these name several
            addresses of one object, a declared one counts before the newest.
    """
    declared = {r.address: r for r in project.resources}
    made = Rebuilt(state=brought_home(base, older, declared))
    homes = _homes(older, declared)
    mine: dict[Address, list[Sighting]] = {}
    for sighting in seen.sightings:
        mark = sighting.mark
        wanted = (base.lineage, base.project, base.env)
        if mark is not None and (mark.lineage, mark.project, mark.env) == wanted:
            mine.setdefault(homes.get(sighting.place, mark.address), []).append(sighting)
    _compare_record(made, seen, mine)
    # What others refer to comes first, so that they can name it.
    rank = {a: n for n, a in enumerate(graph.order({a: r.needs for a, r in declared.items()}))}
    for address in sorted(mine, key=lambda a: (rank.get(a, -1), a)):
        _take(made, address, mine[address], declared.get(address))
    _take_uploads(made, seen, declared)
    made.undeclared = sorted(made.state.instances.keys() - declared.keys())
    return made


def _homes(older: Sequence[State], declared: Collection[Address]) -> dict[Place, Address]:
    """Return the addresses that older records name, by object."""
    found: dict[Place, Address] = {}
    for one in older:
        for place, address in places(one).items():
            if place not in found or (found[place] not in declared and address in declared):
                found[place] = address
    return found


def _compare_record(made: Rebuilt, seen: Survey, mine: Mapping[Address, list[Sighting]]) -> None:
    """Say what became of each recorded object. No record is dropped."""
    there = {(s.provider, s.kind, s.account, s.found.instance.id) for s in seen.sightings}
    for address, instance in sorted(made.state.instances.items()):
        place = (instance.provider, address.kind, instance.account)
        if place not in seen.listed:
            made.unlisted.append(address)
        elif (*place, instance.id) in there:
            made.recorded.append(address)
        elif not any(s.newest[0] for s in mine.get(address, ())):
            made.gone.append(instance.key)


def _take(
    made: Rebuilt, address: Address, sightings: list[Sighting], declared: Resource | None
) -> None:
    """Put the newest usable object of an address there, unless the record has it."""
    known = places(made.state)
    forgotten = {(f.account, f.id) for f in made.state.forgotten}
    fresh = [
        s
        for s in sightings
        if s.place not in known and (s.account, s.found.instance.id) not in forgotten
    ]
    live = made.state.instances.get(address)
    best = max(fresh, key=lambda s: s.newest, default=None)
    if best is not None and (live is None or _newer(best, live)):
        fresh.remove(best)
        _put(made, best, address, declared)
        if live is not None:
            made.replaced.append(address)
            if address in made.recorded:
                made.recorded.remove(address)
                made.state = replace(made.state, superseded=(*made.state.superseded, live))
    made.others += [Need(address, s.found.instance.id, s.account) for s in fresh]


def _newer(sighting: Sighting, live: Instance) -> bool:
    return sighting.newest[0] and sighting.found.created_at > live.created_at


def _put(made: Rebuilt, sighting: Sighting, address: Address, declared: Resource | None) -> None:
    found = sighting.found
    base = replace(
        found.instance,
        address=address,
        provider=sighting.provider,
        account=sighting.account,
        created_at=found.created_at,
        needs=(),
        labels={},
        op=found.mark.op if found.mark else found.instance.op,
    )
    if declared is not None and declared.provider == sighting.provider:
        base = replace(
            base,
            spec=_spec(made.state, declared, base),
            needs=uses(declared, made.state.instances) or found.instance.needs,
            fingerprint=declared.fingerprint,
            lifecycle=declared.lifecycle,
            recreate=declared.recreate,
            parent=declared.parent,
            labels=dict(declared.labels),
        )
        made.assumed.append(address)
    else:
        base = replace(base, needs=found.instance.needs)
    made.adopted.append(address)
    made.state = replace(made.state, instances={**made.state.instances, address: base})


def _spec(state: State, resource: Resource, found: Instance) -> dict[str, Plain]:
    """The declared settings, as far as they are known; what the object tells of itself wins."""
    spec: dict[str, Plain] = {}
    for key, value in resource.spec.items():
        try:
            spec[key] = plain(resolve(value, lambda ref: lookup(state.instances, ref)))
        except TypeError:
            continue
    return {**spec, **found.spec}


def _name_files(made: Rebuilt, declared: Resource) -> None:
    """Let a knowledge base name the files that were found after it: it is changed by them."""
    address, live = declared.address, made.state.instances
    spec = {**_spec(made.state, declared, live[address]), **live[address].spec}
    named = replace(live[address], spec=spec, needs=uses(declared, live))
    made.state = replace(made.state, instances={**live, address: named})


def _take_uploads(made: Rebuilt, seen: Survey, declared: Mapping[Address, Resource]) -> None:
    """Match the files that adopted jobs were trained on with what is declared.

    A file's name has room for no whole mark, but the job names the file, and the file's name the
    first digits of the hash of its rows: so they also tell whether the rows are the declared ones.
    """
    files = {s.found.instance.id: s for s in seen.sightings if s.kind == "upload"}
    for job in [a for a in made.adopted if a in declared and a in made.assumed]:
        wanted = [declared[n] for n in sorted(declared[job].needs) if n.kind == "upload"]
        used = [
            files[n.id]
            for s in seen.sightings
            if s.found.instance.id == made.state.instances[job].id
            for n in s.found.instance.needs
            if n.id in files
        ]
        for upload in wanted:
            digits = str(upload.spec.get("sha256", ""))[:_SHA_SHOWN]
            match = next((f for f in used if digits in f.found.instance.address.name), None)
            if (
                match is not None
                and upload.address not in made.state.instances
                and match.place not in places(made.state)
            ):
                _put(made, match, upload.address, upload)
            elif match is None and used and job not in made.differing:
                made.differing.append(job)
        if job.kind == _KNOWLEDGE:
            _name_files(made, declared[job])
    for job in made.differing:
        made.assumed.remove(job)
        unknown = replace(made.state.instances[job], fingerprint=None)
        made.state = replace(made.state, instances={**made.state.instances, job: unknown})
