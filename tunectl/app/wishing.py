"""What the planner is told beyond the state: the declaration, the flags, and what can be reused."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from tunectl.app.adapters import is_adapter
from tunectl.app.addressing import typed
from tunectl.app.connecting import Connector
from tunectl.app.options import Aim
from tunectl.app.told import as_declared
from tunectl.catalog.base_models import find
from tunectl.catalog.provider_types import service
from tunectl.core.errors import ConfigError
from tunectl.core.guard import Limits
from tunectl.core.plan import Plan
from tunectl.core.project import Import, Moved, Project
from tunectl.core.resource import Instance, Need, Resource, Status, utc
from tunectl.core.selection import chosen, ending, matching
from tunectl.core.sharing import Others, Registry, key_of
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.core.wish import Offer, Wish
from tunectl.engine.listing import handler_for

_WILD = frozenset("*?")  # a text with these is a pattern: no name has them


def wish(
    project: Project,
    state: State,
    connect: Connector,
    aim: Aim,
    registry: Callable[[], Registry],
) -> Wish:
    """Return what is wanted.

    Args:
        project: the declaration.
        state: what is recorded.
        connect: the providers.
        aim: which kind of plan.
        registry: reads what the environments of the store share; called only where that counts.

    Raises:
        ConfigError: an address to replace, a pattern or an import means nothing.
        ProviderError: a provider could not be asked.
    """
    return Wish(
        resources=project.resources,
        outputs=project.outputs,
        moved=(*project.moved, *(() if aim.destroy else _implied(project, state, connect))),
        removed=project.removed,
        replace=declared_as("--replace", project, aim.replace),
        renew=declared_as("--renew", project, aim.renew),
        destroy=aim.destroy,
        chosen=_chosen(project, state, aim),
        imports={} if aim.destroy else _imports(project, state, connect),
        offers={} if aim.destroy else _offers(project, state, connect, registry),
        shared=Others(registry, f"{state.project}/{state.env}"),
        refresh_only=aim.refresh_only,
        now=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def limits(plan: Plan, state: State, aim: Aim) -> Limits:
    """Return what the user allows, with what the catalogue knows of the objects a plan may end.

    Raises:
        ConfigError: a pattern matches nothing.
    """
    named, now = aim.allow_irreplaceable, datetime.now(UTC)
    recorded = {i.address for i in state.everything} if named else set()
    ending = {c.doomed.address for c in plan.changes if c.doomed is not None}
    doomed = tuple(i for i in state.everything if i.address in ending) if ending else ()
    return Limits(
        force=aim.force,
        irreplaceable=_irreplaceable(doomed, state, now.date()),
        committed=_committed(doomed, now),
        allowed=_matching("--allow-irreplaceable", named, recorded),
    )


def addresses(texts: Iterable[str]) -> frozenset[Address]:
    """Read addresses as a user types them.

    Raises:
        ConfigError: one is malformed.
    """
    return frozenset(typed(text) for text in texts)


def declared_as(flag: str, project: Project, texts: Collection[str]) -> frozenset[Address]:
    """Read the addresses of a flag, and what its patterns mean, such as `tuning_job.*`.

    Raises:
        ConfigError: one is malformed, or is not declared; a pattern matches nothing.
    """
    declared = {r.address for r in project.resources} if texts else set()
    patterns: list[str] = []
    plain: list[str] = []
    for text in texts:
        (patterns if _WILD & set(text.partition("[")[0]) else plain).append(text)
    found = addresses(plain) | _matching(flag, patterns, declared)
    for address in sorted(found - declared):
        raise ConfigError.of(
            f"`{flag} {address}`: there is no such resource",
            hint=_near(str(address), declared) or "`tunectl state list` shows the addresses",
        )
    return found


def _chosen(project: Project, state: State, aim: Aim) -> frozenset[Address] | None:
    if not aim.target and not aim.exclude:
        return None
    known = {i.address for i in state.everything}
    known |= {m.before for m in project.moved}
    if not aim.destroy:
        known |= {r.address for r in project.resources}
    targets = _matching("--target", aim.target, known)
    excluded = _matching("--exclude", aim.exclude, known)
    if aim.destroy:
        return ending(project.resources, state, targets, excluded)
    return chosen(project.resources, state, targets, excluded)


def _matching(flag: str, patterns: Iterable[str], known: set[Address]) -> frozenset[Address]:
    found: set[Address] = set()
    for pattern in patterns:
        matched = matching(pattern, known)
        if not matched:
            raise ConfigError.of(
                f"`{flag} {pattern}` matches no resource",
                hint=_near(pattern, known) or "`tunectl state list` shows what is recorded",
                code="no-match",
            )
        found |= matched
    return frozenset(found)


def _near(text: str, known: Iterable[Address]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(text, sorted(map(str, known)), n=1)
    return f"did you mean `{near[0]}`?" if near else ""


def _imports(project: Project, state: State, connect: Connector) -> dict[Address, Instance]:
    declared = {r.address: r for r in project.resources} if project.imports else {}
    found: dict[Address, Instance] = {}
    for block in project.imports:
        recorded = state.instances.get(block.address)
        if is_adapter(block.id):
            continue  # copied, not taken over
        if recorded is not None and recorded.id == block.id:
            continue  # done: the block may stay until somebody removes it
        _check_unmanaged(block, state)
        resource = declared[block.address]
        now = imported(block, resource, connect)
        found[block.address] = replace(now, spec=as_declared(resource, now.spec))
    return found


def _check_unmanaged(block: Import, state: State) -> None:
    holder = next((i for i in state.everything if i.id == block.id), None)
    recorded = state.instances.get(block.address)
    if holder is None and recorded is None:
        return
    taken = (
        f"`{block.id}` is managed already, as `{holder.address}`"
        if holder is not None
        else f"`{block.address}` is managed already: it is `{recorded.id if recorded else ''}`"
    )
    raise ConfigError.of(
        f"cannot import `{block.id}` as `{block.address}`: {taken}",
        hint="remove the `import:` entry, use `moved:` to rename, or forget the recorded object "
        "first with `tunectl state rm`",
        code="import-managed",
        source=block.source,
    )


def imported(block: Import, resource: Resource, connect: Connector) -> Instance:
    """Return the object an `import:` block names, as it is.

    Raises:
        ConfigError: there is none, or its kind cannot be imported.
        ProviderError: the provider could not be asked.
    """
    account = connect(resource.provider).account()
    stub = Instance(
        address=resource.address,
        provider=resource.provider,
        account=account,
        id=block.id,
        spec={},
        recreate=resource.recreate,
    )
    now = handler_for(connect, stub).read(stub)
    if now is None:
        raise ConfigError.of(
            f"there is no `{block.id}` to import as `{block.address}`",
            detail=f"asked was provider `{resource.provider}`, account `{account}`",
            hint="check the id, and that it belongs to this account",
            code="import-missing",
            source=block.source,
        )
    if now.status in {Status.FAILED, Status.CANCELLED}:
        raise ConfigError.of(
            f"`{block.id}` cannot be imported as `{block.address}`: it is {now.status.value}",
            code="import-unusable",
            source=block.source,
        )
    return now


def _offers(
    project: Project,
    state: State,
    connect: Connector,
    registry: Callable[[], Registry],
) -> dict[str, tuple[Offer, ...]]:
    """What is there already for each fingerprint that is wanted and not had; only what lives.

    One that this environment itself is said to use, and that its state lacks, is offered too: a
    state from before it was put back, or a kill came between both. What was let go is not.
    """
    let_go = {(f.account, f.id) for f in state.forgotten}
    found: dict[str, tuple[Offer, ...]] = {}
    known: frozenset[str] | None = None
    kept: dict[Address, list[Instance]] = {}
    for old in reversed(state.superseded):
        kept.setdefault(old.address, []).append(old)
    for resource in project.resources:
        wanted = resource.fingerprint
        if not wanted or _has(state.instances.get(resource.address), resource, connect):
            continue
        candidates = list(_kept(kept.get(resource.address, ()), resource, connect))
        if registry().knows(wanted):
            if known is None:
                known = frozenset(i.id for i in state.everything)
            account = connect(resource.provider).account()
            candidates += [
                Offer(instance=s.instance, env=s.env)
                for s in registry().equal(account, wanted)
                if s.instance.id not in known and key_of(s.instance) not in let_go
            ]
        alive = tuple(o for c in candidates if (o := _alive(c, resource, connect)) is not None)
        if alive:
            found[wanted] = (*found.get(wanted, ()), *alive)
    return found


def _has(live: Instance | None, resource: Resource, connect: Connector) -> bool:
    """Whether what is wanted is there already: the same fingerprint in the same account."""
    if live is None or live.fingerprint != resource.fingerprint:
        return False
    return live.account == connect(resource.provider).account()


def _kept(
    superseded: Iterable[Instance], resource: Resource, connect: Connector
) -> Iterable[Offer]:
    for old in superseded:
        if old.status is Status.READY and _has(old, resource, connect):
            yield Offer(instance=old)


def _implied(project: Project, state: State, connect: Connector) -> Iterable[Moved]:
    """A job that is declared under another name only is the same job: nothing is bought again.

    Of several that are alike, those with one key belong together. A `moved:` whose object has
    moved long ago says nothing any more.
    """
    declared = {r.address for r in project.resources}
    spoken_for = {m.before for m in project.moved} | {r.address for r in project.removed}
    left: dict[str, list[Instance]] = {}
    for address, instance in state.instances.items():
        if instance.fingerprint and address not in declared and address not in spoken_for:
            left.setdefault(instance.fingerprint, []).append(instance)
    if not left:
        return
    named = _moving_to(project, state) | {i.address for i in project.imports}
    new = [
        r
        for r in project.resources
        if r.fingerprint in left and r.address not in state.instances and r.address not in named
    ]
    found: set[Address] = set()
    for keys_alike in (True, False):
        for resource in new:
            alike = left[resource.fingerprint or ""]
            old = next((i for i in alike if _was(i, resource, connect, keys_alike)), None)
            if old is None or resource.address in found:
                continue
            alike.remove(old)
            found.add(resource.address)
            yield Moved(before=old.address, after=resource.address, source=resource.source)


def _was(old: Instance, resource: Resource, connect: Connector, keys_alike: bool) -> bool:
    """Whether an object may be what is declared under a new name now."""
    here, there = resource.address, old.address
    if here.kind != there.kind or (keys_alike and here.key != there.key):
        return False
    return _has(old, resource, connect)


def _moving_to(project: Project, state: State) -> set[Address]:
    """Return where `moved:` puts an object that is recorded, over any number of steps."""
    found: set[Address] = set()
    left, before = list(project.moved), -1
    while len(left) != before:
        before, waiting = len(left), left
        left = []
        for block in waiting:
            if block.before in state.instances or block.before in found:
                found.add(block.after)
            else:
                left.append(block)
    return found


def _alive(offer: Offer, resource: Resource, connect: Connector) -> Offer | None:
    here = replace(offer.instance, address=resource.address, provider=resource.provider, needs=())
    now = handler_for(connect, here).read(here)
    if now is None or now.status is not Status.READY:
        return None
    return replace(offer, instance=replace(here, outputs=now.outputs, needs=offer.instance.needs))


def _committed(doomed: Iterable[Instance], now: datetime) -> dict[Need, str]:
    """Objects that a provider sold until a day, which is not yet."""
    found: dict[Need, str] = {}
    for instance in doomed:
        until = instance.outputs.get("committed_until")
        if isinstance(until, str) and utc(until) > now:
            found[instance.key] = until[:10]
    return found


def _irreplaceable(doomed: Iterable[Instance], state: State, today: date) -> dict[Need, str]:
    """Trained objects that still answer, while no new job on their base model is taken."""
    found: dict[Need, str] = {}
    for instance in doomed:
        provider = state.providers.get(instance.provider)
        base = instance.spec.get("base_model")
        if provider is None or not isinstance(base, str) or not instance.fingerprint:
            continue
        settings = provider.settings
        profile, url = settings.get("profile"), settings.get("base_url")
        offering = service(
            provider.type,
            str(profile) if profile is not None else None,
            base_url=str(url) if url is not None else None,
        )
        model = find(offering.name, base) if offering is not None else None
        if model is None or offering is None or model.is_shut_down(today):
            continue
        if model.days_of_training_left(today) == 0 and instance.status is Status.READY:
            found[instance.key] = (
                f"{offering.title} takes no new tuning job on `{base}` since {model.no_new_jobs}"
            )
    return found
