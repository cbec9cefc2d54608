"""What `gc` compares: the states of every environment of a store, and what the accounts show."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import NamedTuple

import tunectl
from tunectl.app.connecting import Connector
from tunectl.app.options import Options
from tunectl.app.workspace import open_record
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import (
    ConfigError,
    Diagnostic,
    ProviderError,
    Severity,
    StateError,
)
from tunectl.core.places import Place, place_of
from tunectl.core.ports import Found, Handler, Provider, Store
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Status
from tunectl.core.sharing import Registry, key_of
from tunectl.core.state import State
from tunectl.core.value import Plain, canonical
from tunectl.engine.listing import lists
from tunectl.stores import generations
from tunectl.stores.deleted import Deleted
from tunectl.stores.ledger import Ledger
from tunectl.stores.registry import SharedObjects

_SNAPSHOT, _JOURNAL = ".json", ".journal"
_LISTED = "environment `{env}` is said to use it: its next whole `apply` does, or lets it go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """The states of a store.

    Attributes:
        past: older generations that can still be read.
        shared: ids that environments whose state was not read say they use.
        listed: ids that an environment says it uses although its state lacks them, with that as
            a reason to spare them.
        unread: the environments of which the store holds something but no state that can be read.
        problems: why that is.
    """

    states: Mapping[str, State] = field(default_factory=dict)
    past: tuple[State, ...] = ()
    shared: frozenset[str] = frozenset()
    unread: frozenset[str] = frozenset()
    listed: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()


class Site:
    """One project's store, with all environments in it."""

    def __init__(self, options: Options) -> None:
        """Find the store.

        Raises:
            ConfigError: the project's name or its state address cannot be read.
        """
        self.options = options
        self.project, ledger = open_record(options)
        self.store: Store = ledger.store

    @property
    def deleted(self) -> Deleted:
        """What `gc` deleted where no provider tells of it."""
        return Deleted(self.store)

    def envs(self) -> tuple[str, ...]:
        """Return the environments of which the store holds anything.

        Raises:
            StateError: the store cannot list.
        """
        names = [n for n in self.store.list("") if "/" not in n and not n.startswith(".")]
        ends = (_SNAPSHOT, _JOURNAL)
        return tuple(sorted({n.removesuffix(e) for n in names for e in ends if n.endswith(e)}))

    def state(self, env: str) -> State:
        """Return what an environment recorded; an empty state where there is none.

        Raises:
            StateError: it cannot be read.
        """
        return self._ledger(env).load()

    def records(self, *, past: bool = True) -> Records:
        """Read every state as it is now.

        Args:
            past: read the older generations too.
        """
        states: dict[str, State] = {}
        problems: list[Diagnostic] = []
        old: list[State] = []
        shared: frozenset[str] = frozenset()
        envs = self.envs()
        # Of some nothing but older generations may be left: of those a state was there and is lost.
        envs += tuple(sorted(generations.stems(self.store, _SNAPSHOT) - {*envs}))
        listed: dict[str, str] = {}
        for env in envs:
            try:
                states[env] = self._ledger(env).load()
            except StateError as error:
                problems.extend(error.diagnostics)
            if past:
                old += self._past(env)
        read = {self._shares(env).user: state for env, state in states.items()}
        try:
            registry = self._shares(self.options.env).read()
            shared = frozenset(i for (_, i), s in registry.objects.items() if s.users - set(read))
            listed = _listed(registry, read)
        except StateError as error:
            problems.extend(error.diagnostics)
        return Records(
            states=states,
            past=tuple(old),
            shared=shared,
            unread=frozenset(envs) - states.keys(),
            listed=listed,
            problems=tuple(problems),
        )

    def release(self, instance: Instance, envs: Iterable[str]) -> bool:
        """Take back that environments use an object; True when nobody else does.

        Raises:
            StateError: the store cannot be used.
        """
        last = True
        for env in envs:
            last = self._shares(env).release(instance)
        return last

    def _shares(self, env: str) -> SharedObjects:
        return SharedObjects(self.store, self.project.name, env)

    def _ledger(self, env: str) -> Ledger:
        return Ledger(self.store, self.project.name, env, tunectl.__version__)

    def _past(self, env: str) -> Iterator[State]:
        """Yield what can be read of the older generations: the more, the more is known as ours."""
        for kept in generations.kept(self.store, env + _SNAPSHOT):
            with contextlib.suppress(StateError):
                yield kept.read(self.store).state

    def declared(self, env: str) -> Project:
        """Return the outline of an environment; one that is declared no more has no providers."""
        try:
            return open_record(replace(self.options, env=env))[0]
        except ConfigError:
            return replace(self.project, env=env, providers={})


def _listed(registry: Registry, read: Mapping[str, State]) -> dict[str, str]:
    """What an environment says it uses and its state lacks, though it was not let go.

    An older state was put back: the next plan offers it to be used again.
    """
    found: dict[str, str] = {}
    for user, state in read.items():
        known = {key_of(i) for i in state.everything}
        known |= {(f.account, f.id) for f in state.forgotten}
        for key, shared in registry.objects.items():
            if user in shared.users and key not in known:
                found[shared.instance.id] = _LISTED.format(env=state.env)
    return found


class Sighted(NamedTuple):
    """One remote object, and who can delete it."""

    found: Found
    handler: Handler


@dataclass(slots=True)
class Accounts:
    """The accounts of a project, each listed as a whole or not at all.

    Attributes:
        providers: by account; several where the keys differ and may show different objects.
        shown: every object, once.
        problems: what could not be reached.
        gone: places of what was deleted although its record is still shown.
    """

    providers: dict[str, list[Provider]] = field(default_factory=dict)
    gone: frozenset[Place] = frozenset()
    shown: list[Sighted] = field(default_factory=list)
    problems: list[Diagnostic] = field(default_factory=list)

    def again(self, account: str) -> list[Sighted]:
        """List one account anew.

        Raises:
            ProviderError: it could not be listed as a whole.
        """
        every = distinct(one for p in self.providers[account] for one in everything(p))
        return [self.known(one) for one in every]

    def known(self, one: Sighted) -> Sighted:
        """Return what is shown with what is known of it: of what was deleted a record is left."""
        there = one.found.instance
        if there.status is not Status.READY or place_of(there) not in self.gone:
            return one
        now = replace(there, status=Status.FAILED, reason="its model was deleted by `tunectl gc`")
        return one._replace(found=replace(one.found, instance=now))


def everything(provider: Provider) -> list[Sighted]:
    """Return every object of an account, of each kind that can be listed.

    Raises:
        ProviderError: a list could not be had as a whole.
    """
    return [
        Sighted(one, handler)
        for _, handler in sorted(provider.handlers.items())
        if (source := lists(handler)) is not None
        for one in source.list()
    ]


def distinct(sighted: Iterable[Sighted]) -> list[Sighted]:
    """Return each object once, also where two keys of one account show it."""
    seen: dict[tuple[str, str, str], Sighted] = {}
    for one in sighted:
        there = one.found.instance
        seen.setdefault((there.account, there.address.kind, there.id), one)
    return list(seen.values())


def accounts(site: Site, states: Mapping[str, State]) -> Accounts:
    """Connect and list every account that a state records or the declaration names.

    What cannot be reached is a problem: an error where something was made with it, else a warning.
    """
    made = Accounts(gone=site.deleted.read())
    missed: list[tuple[str, Diagnostic]] = []
    shown: list[Sighted] = []
    known: set[str] = set()
    for door in _doors(site, states):
        if door.key in known:
            continue
        known.add(door.key)
        try:
            provider = door.connect(door.name)
            account = provider.account()
            shown += everything(provider)
        except (ConfigError, ProviderError) as error:
            missed += [(door.recorded, d) for d in error.diagnostics]
            continue
        made.providers.setdefault(account, []).append(provider)
    made.shown = [made.known(one) for one in distinct(shown)]
    for recorded, diagnostic in missed:
        if not recorded:
            made.problems.append(replace(diagnostic, severity=Severity.WARNING))
        elif recorded not in made.providers:
            made.problems.append(diagnostic)
    told = {recorded for recorded, _ in missed}
    for state in states.values():
        for name, known_as in state.providers.items():
            if known_as.account not in made.providers and known_as.account not in told:
                told.add(known_as.account)
                made.problems.append(_elsewhere(name, known_as.account, state.env))
    return made


def _elsewhere(name: str, account: str, env: str) -> Diagnostic:
    return Diagnostic(
        summary=f"account `{account}` was not looked at: provider `{name}` is another one now",
        hint=f"environment `{env}` holds objects there: use the key and address of that account",
        code="wrong-account",
    )


class _Door(NamedTuple):
    """One way to an account: `recorded` names the account that objects were made in, if any."""

    connect: Connector
    name: str
    key: str
    recorded: str = ""


def _doors(site: Site, states: Mapping[str, State]) -> Iterator[_Door]:
    for state in states.values():
        connector = Connector(replace(site.project, env=state.env, providers={}), state)
        for name, account in state.providers.items():
            yield _Door(connector, name, _key(account.type, account.settings), account.account)
    for env in dict.fromkeys((site.options.env, *states)):
        project = site.declared(env)
        for name, provided in project.providers.items():
            yield _Door(Connector(project), name, _key(provided.type, provided.settings))


def _key(type_: str, settings: Mapping[str, Plain]) -> str:
    return canonical({"type": type_, "settings": dict(settings)})
