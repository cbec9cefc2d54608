"""Changes of the record alone: forget an object, move an address. No provider is asked."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tunectl.app.options import Options
from tunectl.app.wishing import addresses
from tunectl.app.workspace import open_record
from tunectl.core.errors import ConfigError
from tunectl.core.moving import relocated
from tunectl.core.resource import Instance
from tunectl.core.state import Abandoned, Forgot, State, fold
from tunectl.core.value import Address
from tunectl.stores.ledger import Ledger

UNKNOWN = "unknown-address"


@contextmanager
def held(options: Options, operation: str) -> Iterator[Ledger]:
    """Hold the environment's lock and give its record; the rest of the project may be broken.

    Raises:
        LockError: an apply is under way.
    """
    _, ledger = open_record(options)
    with ledger.store.lock(options.env, operation, timeout=options.lock_timeout):
        yield ledger


def unknown(address: Address, known: Iterable[Address]) -> ConfigError:
    """Return the error for an address at which nothing is recorded, with the nearest one."""
    near = difflib.get_close_matches(str(address), sorted(map(str, known)), n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`tunectl state list` shows what is"
    return ConfigError.of(f"nothing is recorded at `{address}`", hint=hint, code=UNKNOWN)


def forget(options: Options, texts: Sequence[str]) -> tuple[Instance, ...]:
    """Remove everything recorded at these addresses, and touch nothing remote; return what it was.

    The way out where an account is gone for ever, or an object shall be managed no longer.

    Raises:
        ConfigError: an address is malformed, or nothing is recorded there.
        LockError: an apply is under way.
    """
    with held(options, "state rm") as ledger:
        recorded = ledger.load()
        chosen = addresses(texts)
        known = {i.address for i in recorded.everything} | {i.address for i in recorded.intents}
        for address in sorted(chosen - known):
            raise unknown(address, known)
        gone = tuple(i for i in recorded.everything if i.address in chosen)
        closed = tuple(
            Abandoned(i.op, "forgotten by the user")
            for i in recorded.intents
            if i.address in chosen
        )
        ended = tuple(Forgot(i.address, i.id, i.account) for i in gone)
        ledger.save(fold(recorded, (*closed, *ended)))
    return gone


def move(options: Options, before: str, after: str) -> tuple[tuple[Address, Address], ...]:
    """Record what stands at one address at another, with all that names it.

    The uploads of a dataset go with it: their addresses are made from its own.

    Returns:
        every address that changed, with its new one.

    Raises:
        ConfigError: nothing is recorded at the first, something at the second, the kinds differ,
            or a step at the first is still open.
        LockError: an apply is under way.
    """
    [source], [target] = addresses([before]), addresses([after])
    with held(options, "state mv") as ledger:
        recorded = ledger.load()
        _check_move(recorded, source, target)
        moves = ((source, target), *_derived(recorded, source, target))
        for one, other in moves:
            recorded = _moved(recorded, one, other)
        ledger.save(recorded)
    return moves


def _check_move(recorded: State, source: Address, target: Address) -> None:
    known = {i.address for i in recorded.everything}
    if source not in known:
        raise unknown(source, known)
    if source.kind != target.kind:
        raise ConfigError.of(
            f"`{source}` cannot become `{target}`: they are of different kinds",
            hint=f"the new address begins with `{source.kind}.` too",
            code="other-kind",
        )
    if any(i.parent is not None and i.address == source for i in recorded.everything):
        raise ConfigError.of(
            f"`{source}` is derived, and is named after what it belongs to",
            hint="move that instead; this goes with it",
            code="derived-address",
        )
    for address in (target, *(new for _, new in _derived(recorded, source, target))):
        if address in known:
            raise ConfigError.of(
                f"`{address}` is taken: another object is recorded there",
                hint=f"move or forget that first: `tunectl state rm {address}`",
                code="address-taken",
            )
    if any(i.address in {source, target} for i in recorded.intents):
        raise ConfigError.of(
            f"an interrupted step at `{source}` is still open",
            hint="run `tunectl apply` first: it finds out what became of it",
            code="open-step",
        )


def _derived(
    recorded: State, source: Address, target: Address
) -> tuple[tuple[Address, Address], ...]:
    """What is named after the moved address: `upload.NAME["KEY/SPLIT/…"]`."""
    found = sorted({i.address for i in recorded.everything if i.parent == source})
    return tuple((a, Address(a.kind, target.path, _key(a, source, target))) for a in found)


def _key(derived: Address, source: Address, target: Address) -> str | None:
    own = derived.key or ""
    rest = own.removeprefix(f"{source.key}/") if source.key is not None else own
    return f"{target.key}/{rest}" if target.key is not None else rest or None


def _moved(recorded: State, before: Address, after: Address) -> State:
    """Rename one address wherever it stands: live, superseded, needed, a parent."""
    live = [relocated(i, before, after) for i in recorded.instances.values()]
    return replace(
        recorded,
        instances={i.address: i for i in live},
        superseded=tuple(relocated(i, before, after) for i in recorded.superseded),
    )
