"""make_plan: what is wanted, recorded and observed, turned into a plan. Pure; decides everything.

The laws:

- A job is replaced only when its recorded fingerprint differs from the wanted one.
- What costs money and vanished, failed or was cancelled is never bought again unasked.
- The new object is made before the old one goes, unless a fixed name forces the reverse.
- Nothing that lives on points at something deleted: what is still used is held.
- The order of files and of resources within them changes nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Iterable, Iterator, Mapping

from tunectl.core import graph
from tunectl.core.catching_up import caught_up
from tunectl.core.deciding import decide, decide_on_demand, demanded_by, stays, unmoved
from tunectl.core.diff import deltas, same
from tunectl.core.draft import MAKES, Draft
from tunectl.core.ending import Endings, Leaving, endings
from tunectl.core.expiry import Expired, expired, not_again
from tunectl.core.moving import Moves
from tunectl.core.plan import Action, Blocked, Change, Drift, OutputChange, Plan
from tunectl.core.project import Moved
from tunectl.core.resource import BUILTIN, Instance, Need, Recreate, Resource
from tunectl.core.state import Renamed, State, fold
from tunectl.core.value import Address, refs, resolve
from tunectl.core.wish import Wish

_ON_DEMAND = Recreate.ON_DEMAND  # to ask an enumeration for a name is slow


def make_plan(
    wish: Wish,
    state: State,
    observed: Mapping[Address, Instance | None],
    accounts: Mapping[str, str] | None = None,
) -> Plan:
    """Decide what to do.

    Args:
        wish: what is wanted; every reference points at a wanted resource and there is no cycle.
        state: what is recorded, journal folded in.
        observed: what is there; None is gone, an absent key was not looked at.
        accounts: the account of each provider, bound into the digest.

    Raises:
        graph.Cycle: when the wanted resources need each other in a circle, and one is to change.
    """
    state, moved = _renamed(state, wish.moved)
    observed = _follow(observed, moved)
    if wish.refresh_only:
        return _refreshed(wish, state, observed, accounts or {})
    gone = {address for address, seen in observed.items() if seen is None}
    over = Expired() if wish.destroy else expired(wish.resources, state, wish, gone)
    wanted = {} if wish.destroy else {r.address: r for r in wish.resources}
    wanted = {a: r for a, r in wanted.items() if a not in over.ending} if over.ending else wanted
    empty = Draft(wish, state, observed, wanted, {}, over.needed, accounts or {})
    still = unmoved(empty)
    if any(a not in still and r.recreate is not _ON_DEMAND for a, r in wanted.items()):
        order = graph.order({address: r.needs for address, r in wanted.items()})
    else:  # nothing that could change anything else: only what is made on demand is looked at
        order = tuple(a for a, r in wanted.items() if r.recreate is _ON_DEMAND)
    draft, ended = _settled(empty, order, still, over)
    live = [ended.changes.get(a, draft.changes[a]) for a in order if a in draft.changes]
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        project=state.project,
        env=state.env,
        accounts=dict(accounts or {}),
        changes=(*live, *ended.deletions),
        outputs=tuple(_outputs(draft)),
        moved=moved,
        drift=tuple(sorted(draft.drift, key=lambda d: d.address)),
        blocked=(*draft.blocked.values(), *ended.blocked),
        recover=state.intents,
        notes=(*draft.notes, *ended.notes, *_over(over, state)),
        unchanged=_unchanged(draft),
        destroy=wish.destroy,
        partial=wish.chosen is not None,
    )


def _unchanged(draft: Draft) -> int:
    """How many declared resources stay as they are recorded."""
    live = draft.state.instances
    changing = sum(a in live for a in draft.changes if a in draft.wanted)
    return sum(map(live.__contains__, draft.wanted)) - changing


def _settled(
    empty: Draft, order: tuple[Address, ...], still: Container[Address], over: Expired
) -> tuple[Draft, Endings]:
    """Decide, again and again, until no fixed name is in the way of another decision."""
    now = fold(empty.state, caught_up(empty.state, (), empty.observed))
    stuck: dict[Address, Blocked] = {}
    while True:
        draft = _drafted(empty.again(dict(stuck)), order, still)
        ended = endings(now, draft.wanted, draft.changes, _on_leaving(draft, over))
        if not ended.stuck:
            return draft, ended
        stuck |= ended.stuck


def _over(over: Expired, state: State) -> Iterable[tuple[Address, str]]:
    for address, lapse in sorted(over.ending.items()):
        if address not in state.instances:
            yield address, not_again(lapse)


_BOUGHT_AGAIN = (
    "was deleted remotely; it stays recorded, or it would be bought again unasked: "
    "`--replace` makes it anew, `tunectl state rm` forgets it"
)


def _refreshed(
    wish: Wish,
    state: State,
    observed: Mapping[Address, Instance | None],
    accounts: Mapping[str, str],
) -> Plan:
    """The plan that takes over what is there into the record, and changes nothing else."""
    drift: list[Drift] = []
    notes: list[tuple[Address, str]] = []
    for address, recorded in sorted(state.instances.items()):
        if address not in observed or not wish.touches(address):
            continue
        seen = observed[address]
        found = () if seen is None else deltas(recorded.spec, seen.spec)
        if seen is None and recorded.recreate is Recreate.ON_REQUEST:
            notes.append((address, _BOUGHT_AGAIN))
        elif seen is None or found:
            released = seen is None and recorded.recreate is Recreate.ON_DEMAND
            drift.append(
                Drift(
                    address=address,
                    gone=seen is None,
                    released=released,
                    local=recorded.provider == BUILTIN,
                    deltas=found,
                )
            )
    return Plan(
        lineage=state.lineage,
        serial=state.serial,
        project=state.project,
        env=state.env,
        accounts=dict(accounts),
        drift=tuple(drift),
        recover=state.intents,
        notes=tuple(notes),
        unchanged=len(state.instances) - len(drift),
        refresh_only=True,
        partial=wish.chosen is not None,
    )


def _renamed(
    state: State, moves: Iterable[Moved]
) -> tuple[State, tuple[tuple[Address, Address], ...]]:
    """Follow the moves, each once, in whatever order they can be; a chain goes to its end.

    Of several that can be, the first one by its addresses goes first.
    """
    left = {(m.before, m.after) for m in moves}
    naming: dict[Address, list[tuple[Address, Address]]] = {}
    for move in left:
        for address in move:
            naming.setdefault(address, []).append(move)
    taken = set(state.instances) if left else set()
    done: list[tuple[Address, Address]] = []
    todo = sorted(left)  # sorted, so it is a heap
    while todo:
        before, after = move = heapq.heappop(todo)
        if move not in left or before not in taken or after in taken:
            continue
        done.append(move)
        left.remove(move)
        taken.remove(before)
        taken.add(after)
        for freed in naming[before] + naming[after]:
            heapq.heappush(todo, freed)
    return fold(state, [Renamed(*move) for move in done]) if done else state, tuple(done)


def _on_leaving(draft: Draft, over: Expired) -> Leaving:
    return Leaving(
        expired=over.ending,
        spared=frozenset(_untouched(draft)),
        shared=draft.wish.shared,
        removed=_removed(draft),
        destroy=draft.wish.destroy,
        blocked=frozenset(draft.blocked),
        gone=frozenset(_gone(draft)),
        in_the_way=frozenset(_in_the_way(draft)),
    )


def _untouched(draft: Draft) -> Iterable[Address]:
    if draft.wish.chosen is None:
        return ()
    return (i.address for i in draft.state.everything if not draft.wish.touches(i.address))


def _gone(draft: Draft) -> Iterator[Need]:
    """The live objects that were looked for and are not there."""
    live = draft.state.instances
    for address, seen in draft.observed.items():
        if seen is None and (recorded := live.get(address)) is not None:
            yield recorded.key


def _in_the_way(draft: Draft) -> Iterator[Need]:
    """What was left in an account to which a fixed name comes back: it holds the name there."""
    for old in draft.state.superseded:
        change = draft.changes.get(old.address)
        if change is None or change.action not in MAKES or change.after is None:
            continue
        if change.after.destroy_first and draft.stays_home(change.after, old):
            yield old.key


def _removed(draft: Draft) -> dict[Address, bool]:
    """What `removed:` says of each recorded address; without a key, all of a `for_each` is meant.

    Of two that mean the same address the later one counts.
    """
    said = {r.address: (number, r.destroy) for number, r in enumerate(draft.wish.removed)}
    found: dict[Address, bool] = {}
    for instance in draft.state.everything if said else ():
        address = instance.address
        of_all = address._replace(key=None)
        meant = [said[a] for a in (address, of_all) if a in said]
        if meant:
            _, found[address] = max(meant)
    return found


def _follow(
    observed: Mapping[Address, Instance | None], moved: Iterable[tuple[Address, Address]]
) -> Mapping[Address, Instance | None]:
    moves = Moves()
    for before, after in moved:
        moves.add(before, after)
    return moves.observed(observed) if moves.where else observed


def _drafted(draft: Draft, order: Iterable[Address], still: Container[Address]) -> Draft:
    """Decide in the order of need, so that what waits for something blocked is known in one pass.

    What is made on demand comes last, when it is known who demands it. `still` names what stays as
    it is, unless something that it refers to changes.
    """
    on_demand: list[Resource] = []
    chosen, wanted, changes = draft.wish.chosen, draft.wanted, draft.changes
    for address in order:
        resource = wanted[address]
        if resource.recreate is _ON_DEMAND:
            on_demand.append(resource)
            continue
        if chosen is not None and address not in chosen:
            continue
        if address in still and not (changes and _refers_to(resource, changes)):
            continue
        if not stays(draft, resource):
            decide(draft, resource)
            _block_if_it_waits(draft, resource)
    demanded = {need for change in draft.changes.values() for need in demanded_by(change)}
    for resource in on_demand:
        decide_on_demand(draft, resource, demanded=resource.address in demanded)
        demanded |= demanded_by(draft.changes.get(resource.address))
    for address, seen in draft.observed.items():
        recorded = draft.state.instances.get(address)
        if seen is None and recorded is not None and address not in draft.wanted:
            released = recorded.recreate is Recreate.ON_DEMAND
            local = recorded.provider == BUILTIN
            draft.drift.append(Drift(address=address, gone=True, released=released, local=local))
    return draft


def _refers_to(resource: Resource, changes: Mapping[Address, Change]) -> bool:
    return any(ref.address in changes for ref in resource.refs)


def _block_if_it_waits(draft: Draft, resource: Resource) -> None:
    """A change that needs something which will not come is blocked, and so on downwards."""
    address = resource.address
    change = draft.changes.get(address)
    if change is None or change.action is Action.WAIT or not draft.blocked:
        return
    by = min(_lacking(draft, resource), default=None)
    if by is not None:
        if change.found is not None:
            draft.taken.discard(change.found.id)
        del draft.changes[address]
        root = draft.blocked[by].by or by
        draft.blocked[address] = Blocked(address=address, reason=f"waits for `{root}`", by=root)


def _lacking(draft: Draft, resource: Resource) -> set[Address]:
    """The blocked resources it cannot do without, directly or through what is made on demand."""
    unknown = {ref.address for ref in refs(resolve(dict(resource.spec), draft.lookup))}
    found: set[Address] = set()
    for need in resource.needs:
        if need in draft.blocked and (need in unknown or not draft.ready(need)):
            found.add(need)
        elif (wanted := draft.wanted.get(need)) and wanted.recreate is Recreate.ON_DEMAND:
            found |= _lacking(draft, wanted)
    return found


def _outputs(draft: Draft) -> Iterable[OutputChange]:
    wanted = () if draft.wish.destroy else draft.wish.outputs
    recorded = draft.state.outputs
    for output in sorted(wanted, key=lambda o: o.name):
        after = resolve(output.value, draft.lookup)
        stuck = {ref.address for ref in refs(after)} & set(draft.blocked)
        if not stuck and not same(recorded.get(output.name), after):
            before = recorded.get(output.name)
            yield OutputChange(
                name=output.name, before=before, after=after, sensitive=output.sensitive
            )
    for name in sorted(set(recorded) - {o.name for o in wanted}):
        yield OutputChange(name=name, before=recorded[name], gone=True)
