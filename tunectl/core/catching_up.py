"""What an apply records without touching any object: how things are, what is said of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from tunectl.core.resource import Instance, Recreate, Resource, deadline
from tunectl.core.state import Deleted, Settled, State
from tunectl.core.value import Address


def caught_up(
    state: State,
    resources: Iterable[Resource],
    observed: Mapping[Address, Instance | None],
    accounts: Mapping[str, str] | None = None,
    renewed: Mapping[Address, str] | None = None,
) -> tuple[Settled, ...]:
    """Return what an apply records before its first step, without touching any object.

    No plan has a change for it, and what is superseded or no longer declared is judged by its
    record alone: how live objects are now (a job that ended since), and the user's present word
    on them (lifecycle, labels, the name of their account, when they end). Settings stay as
    recorded, so that drift stays visible; what is gone stays too, so that it is not bought again
    unasked.

    Args:
        state: what is recorded.
        resources: what is declared.
        observed: what is there.
        accounts: the account of each provider.
        renewed: addresses whose time to live begins anew, and when; ISO 8601, UTC.
    """
    accounts, renewed = accounts or {}, renewed or {}
    declared = {r.address: r for r in resources}
    found: list[Settled] = []
    for address, recorded in _maybe_new(state, observed, declared, renewed):
        now = recorded
        seen = observed.get(address)
        if seen is not None and seen is not recorded and seen.id == recorded.id:
            now = replace(
                now,
                outputs=seen.outputs,
                status=seen.status,
                progress=seen.progress,
                reason=seen.reason,
            )
        if renewed and address in renewed:
            now = replace(now, renewed_at=renewed[address])
        if (wanted := declared.get(address)) is not None:
            now = _as_said(now, wanted, accounts)
        if now is not recorded and now != recorded:
            found.append(Settled("", now))
    return tuple(sorted(found, key=lambda entry: entry.instance.address))


def _maybe_new(
    state: State,
    observed: Mapping[Address, Instance | None],
    declared: Mapping[Address, Resource],
    renewed: Mapping[Address, str],
) -> Iterator[tuple[Address, Instance]]:
    """Pass over what was seen as it is recorded, and of which nothing new is said: most is such."""
    if not declared and not renewed:
        for address, seen in observed.items():
            recorded = state.instances.get(address)
            if recorded is not None and seen is not recorded:
                yield address, recorded
        return
    for address, recorded in state.instances.items():
        if observed.get(address, recorded) is recorded:
            wanted = declared.get(address)
            if wanted is None:
                if not renewed:
                    continue
            elif (
                not renewed
                and wanted.expires is None
                and not recorded.deadline
                and recorded.lifecycle is wanted.lifecycle
                and recorded.provider == wanted.provider
                and recorded.labels == wanted.labels
                and recorded.parent == wanted.parent
            ):
                continue
        yield address, recorded


def news(
    observed: Mapping[Address, Instance | None], state: State
) -> Mapping[Address, Instance | None]:
    """Return what was observed without what is the very object that is recorded.

    Law: it says the same to whoever decides, for what was not looked at counts as recorded.
    """
    live = state.instances
    return {address: seen for address, seen in observed.items() if seen is not live.get(address)}


def _as_said(instance: Instance, wanted: Resource, accounts: Mapping[str, str]) -> Instance:
    """The instance with what the user says of it now; the very same when that is nothing new."""
    ends = ""
    if wanted.expires is not None:
        ends = deadline(wanted.expires, instance.renewed_at or instance.created_at)
    provider = instance.provider
    if provider != wanted.provider and accounts.get(wanted.provider) == instance.account:
        provider = wanted.provider  # the same account under another name
    if (
        (instance.lifecycle is wanted.lifecycle or instance.lifecycle == wanted.lifecycle)
        and instance.parent == wanted.parent
        and instance.labels == wanted.labels
        and instance.deadline == ends
        and instance.provider == provider
    ):
        return instance
    return replace(
        instance,
        lifecycle=wanted.lifecycle,
        parent=wanted.parent,
        labels=wanted.labels,
        deadline=ends,
        provider=provider,
    )


def renamed_providers(
    observed: Mapping[Address, Instance | None], state: State
) -> Mapping[Address, Instance | None]:
    """Return what was observed, under the names that the state has for its accounts by now."""
    changed = {
        a: replace(seen, provider=known.provider)
        for a, seen in observed.items()
        if seen is not None and (known := state.instances.get(a)) is not None
        if seen.provider != known.provider
    }
    return {**observed, **changed} if changed else observed


def taken_over(
    state: State,
    observed: Mapping[Address, Instance | None],
    chosen: frozenset[Address] | None = None,
) -> tuple[Settled | Deleted, ...]:
    """Return what a refresh-only apply records: what was changed or deleted remotely is accepted.

    Args:
        state: what is recorded.
        observed: what is there; None is gone, an absent key was not looked at.
        chosen: the addresses it may touch; None for all.
    """
    found: list[Settled | Deleted] = []
    for address, recorded in sorted(state.instances.items()):
        if address not in observed or (chosen is not None and address not in chosen):
            continue
        seen = observed[address]
        if seen is None and recorded.recreate is not Recreate.ON_REQUEST:
            found.append(Deleted("", address, recorded.id, recorded.account))
        elif seen is None:
            continue  # it would be bought again, unasked
        elif seen.spec != recorded.spec:
            found.append(Settled("", replace(recorded, spec=seen.spec)))
    return tuple(found)
