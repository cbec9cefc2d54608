"""What `from:` means: a job of another environment of the same store, and the way to it.

Law: what is named must be there and be the same job. Where that cannot be, the plan ends with an
error: nothing is trained instead unasked, but where the accounts differ and nothing can be copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field, replace
from typing import TYPE_CHECKING

from tunectl.app.adapters import adapter_at, is_adapter
from tunectl.app.connecting import Connector
from tunectl.app.options import Options
from tunectl.core.dataclass import dataclass
from tunectl.core.diff import Delta, deltas
from tunectl.core.errors import ConfigError, Diagnostic, ProviderError
from tunectl.core.ports import Original
from tunectl.core.resource import Instance, Origin, Resource, Status, output
from tunectl.core.state import State
from tunectl.core.value import Address, Ref, Value, resolve
from tunectl.core.wish import Offer, Wish
from tunectl.engine.listing import handler_for

if TYPE_CHECKING:
    from tunectl.app.inventory import Site
    from tunectl.app.reaching import Reach

UNCOPIED = (
    "`{id}` of environment `{env}` cannot be copied between accounts (`{there}` to `{here}`): "
    "trained again"
)


class Neighbours:
    """The other environments of a store, each read and connected once."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._site: Site | None = None
        self._reached: dict[str, tuple[State, Reach]] = {}

    def envs(self) -> tuple[str, ...]:
        """Return the environments of which the store holds anything."""
        return self._at.envs()

    def state(self, env: str) -> State:
        """Return what an environment recorded.

        Raises:
            StateError: it cannot be read.
        """
        return self._reach(env)[0]

    def original(self, env: str, instance: Instance) -> Original:
        """Return an object of another environment, or an adapter, with the way to it.

        Raises:
            ConfigError: nothing says how to connect its provider.
            ProviderError: its provider cannot be used.
        """
        if is_adapter(instance.id):
            return adapter_at(self._options.root, instance)
        reach = self._reach(env)[1]
        handler = handler_for(reach, instance)
        if (now := reach(instance.provider).account()) != instance.account:
            raise ProviderError.of(
                f"`{instance.address}` of environment `{env}` lives in account "
                f"`{instance.account}`, but its provider `{instance.provider}` is account `{now}`",
                hint="use the key and address of the account it was made in",
                code="wrong-account",
            )
        return Original(instance=instance, handler=handler)

    @property
    def _at(self) -> Site:
        if self._site is None:
            from tunectl.app.inventory import Site

            self._site = Site(self._options)
        return self._site

    def _reach(self, env: str) -> tuple[State, Reach]:
        if env not in self._reached:
            from tunectl.app.reaching import Reach

            state = self._at.state(env)
            self._reached[env] = state, Reach(self._at.declared(env), state)
        return self._reached[env]


@dataclass(slots=True)
class _Search:
    """The wish while what is named is looked for."""

    wish: Wish
    state: State
    connect: Connector
    near: Neighbours
    named: dict[Address, Offer] = field(default_factory=dict)
    uncopied: dict[Address, str] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)


def with_origins(wish: Wish, state: State, connect: Connector, near: Neighbours) -> Wish:
    """Return the wish with what `from:` names, where it is wanted and not had.

    Raises:
        ConfigError: every name that means nothing, or another job.
        StateError: another environment's state cannot be read.
        ProviderError: a provider could not be asked.
    """
    wanted = [r for r in wish.resources if r.origin is not None and wish.touches(r.address)]
    if not wanted or wish.destroy or wish.refresh_only:
        return wish
    search = _Search(wish, state, connect, near)
    for resource in wanted:
        if not _settled(resource, search):
            _look(search, resource, _told(resource))
    if search.problems:
        raise ConfigError(tuple(search.problems))
    return replace(wish, named=search.named, uncopied=search.uncopied)


def _told(resource: Resource) -> Origin:
    assert resource.origin is not None, f"{resource.address} comes from nowhere"
    return resource.origin


def _settled(resource: Resource, search: _Search) -> bool:
    """Whether the very job is recorded here already, and nobody asks for it anew."""
    live = search.state.instances.get(resource.address)
    if live is None or resource.address in search.wish.replace:
        return False
    same = live.fingerprint == resource.fingerprint
    return same and live.account == search.connect(resource.provider).account()


def _look(search: _Search, resource: Resource, origin: Origin) -> None:
    found = _recorded(search, resource, origin)
    if found is None:
        return
    account = search.connect(resource.provider).account()
    original = search.near.original(origin.env, found)
    now = original.handler.read(found)
    if now is None or now.status is not Status.READY:
        search.problems.append(
            _no(
                resource,
                f"`{found.id}`, which `{origin.address}` of environment `{origin.env}` made, was "
                "deleted remotely",
                f"make it there again: `tunectl apply --env {origin.env} --replace "
                f"{origin.address}`; or remove `from:` to train here",
            )
        )
    elif found.account == account:
        here = replace(now, address=resource.address, provider=resource.provider)
        search.named[resource.address] = Offer(instance=here, env=origin.env)
    elif _copies(search.connect, resource, original):
        search.named[resource.address] = Offer(instance=found, env=origin.env, afar=True)
    else:
        search.uncopied[resource.address] = UNCOPIED.format(
            id=found.id, env=origin.env, there=found.account, here=account
        )


def _copies(connect: Connector, resource: Resource, original: Original) -> bool:
    handler = connect(resource.provider).handlers[resource.address.kind]
    copies = getattr(handler, "copies", None)
    return copies is not None and bool(copies(original))


def _recorded(search: _Search, resource: Resource, origin: Origin) -> Instance | None:
    """Return what is recorded there, when it is the same job and has succeeded."""
    envs = search.near.envs()
    if origin.env not in envs:
        others = [env for env in envs if env != search.state.env]
        hint = _near(origin.env, others) or (f"apply it first: `tunectl apply --env {origin.env}`")
        search.problems.append(
            _no(resource, f"nothing is recorded of an environment `{origin.env}`", hint)
        )
        return None
    there = search.near.state(origin.env)
    found = there.instances.get(origin.address)
    if found is None:
        search.problems.append(_missing(resource, origin, there))
    elif found.status is not Status.READY:
        word = "is still running" if found.status is Status.PENDING else found.status.value
        search.problems.append(
            _no(
                resource,
                f"`{origin.address}` of environment `{origin.env}` has no model: it {word}",
                f"it is there when `tunectl apply --env {origin.env}` has succeeded",
            )
        )
    elif found.fingerprint != resource.fingerprint:
        search.problems.append(_another(resource, origin, found, search.state))
    else:
        return found
    return None


def _missing(resource: Resource, origin: Origin, there: State) -> Diagnostic:
    known = sorted(str(a) for a in there.instances if a.kind == origin.address.kind)
    listed = ", ".join(f"`{name}`" for name in known)
    return _no(
        resource,
        f"environment `{origin.env}` has no `{origin.address}`",
        _near(str(origin.address), known)
        or (f"it has {listed}" if known else f"apply it first: `tunectl apply --env {origin.env}`"),
    )


def _another(resource: Resource, origin: Origin, found: Instance, state: State) -> Diagnostic:
    if found.fingerprint is None:
        return _no(
            resource,
            f"what `{origin.address}` of environment `{origin.env}` was trained on is not known",
            "it was imported, so it cannot be told to be the same; remove `from:`, or `import:` "
            f"`{found.id}` here too",
        )
    names = tuple(dict.fromkeys(_inputs(_differing(resource, found, state))))
    said = ", ".join(names) or "what its `base_model` was made from"
    return _no(
        resource,
        f"`{origin.address}` of environment `{origin.env}` is another job than is declared here: "
        f"{said} {'differ' if len(names) > 1 or said.endswith('rows') else 'differs'}",
        f"apply the same there first: `tunectl apply --env {origin.env}`; or remove `from:` to "
        "train here",
    )


def _differing(resource: Resource, found: Instance, state: State) -> Iterable[Delta]:
    """The inputs that differ; a base that another job makes has other ids in each environment."""

    def known(ref: Ref) -> Value:
        return output(state.instances.get(ref.address), ref)

    wanted: Mapping[str, Value] = {
        key: resolve(value, known)
        for key, value in resource.spec.items()
        if key in resource.immutable and not isinstance(value, Ref)
    }
    keys = resource.immutable - {k for k, v in resource.spec.items() if isinstance(v, Ref)}
    recorded = {key: value for key, value in found.spec.items() if key in keys}
    return deltas(recorded, wanted, resource.immutable)


def _inputs(found: Iterable[Delta]) -> Iterator[str]:
    for delta in found:
        if delta.path[0] == "data" and len(delta.path) > 1:
            yield f"{delta.path[1]} rows"
        else:
            yield f"`{'.'.join(delta.path)}`"


def _near(text: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(text, sorted(known), n=1)
    return f"did you mean `{near[0]}`?" if near else ""


def _no(resource: Resource, summary: str, hint: str) -> Diagnostic:
    return Diagnostic(
        summary=f"`{resource.address}` cannot come from there: {summary}",
        hint=hint,
        code="no-origin",
        address=str(resource.address),
        source=_told(resource).source,
    )
