"""What is recorded: state, outputs. Reads the store, asks no provider, and needs no sound data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tunectl.app.options import Options
from tunectl.app.planning import addresses
from tunectl.app.workspace import open_record
from tunectl.core.errors import ConfigError
from tunectl.core.resource import Instance
from tunectl.core.state import Abandoned, Deleted, State, fold
from tunectl.core.value import Address, Plain


def state(options: Options) -> State:
    """Return the recorded state, journal folded in.

    Raises:
        ConfigError: the declaration cannot be used.
        StateError: the state cannot be read.
    """
    return open_record(options)[1].load()


def instance(recorded: State, text: str) -> Instance:
    """Return the live instance at an address.

    Raises:
        ConfigError: the address is malformed, or nothing is recorded there.
    """
    try:
        address = Address.parse(text)
    except ValueError as error:
        raise ConfigError.of(str(error)) from error
    if address not in recorded.instances:
        raise ConfigError.of(
            f"nothing is recorded at `{text}`", hint="`tunectl state list` shows what is"
        )
    return recorded.instances[address]


def output_values(options: Options) -> Mapping[str, Plain]:
    """Return the outputs of the last apply.

    Raises:
        ConfigError: the declaration cannot be used.
        StateError: the state cannot be read.
    """
    return state(options).outputs


def sensitive(options: Options) -> frozenset[str]:
    """Return the names of the outputs that are shown only when asked for by name.

    Raises:
        ConfigError: the declaration cannot be used.
    """
    return frozenset(o.name for o in open_record(options)[0].outputs if o.sensitive)


def forget(options: Options, texts: Sequence[str]) -> tuple[Instance, ...]:
    """Remove everything recorded at these addresses, and touch nothing remote; return what it was.

    The way out where an account is gone for ever, or an object shall be managed no longer.

    Raises:
        ConfigError: an address is malformed, or nothing is recorded there.
        LockError: an apply is under way.
    """
    _, ledger = open_record(options)
    with ledger.store.lock(options.env, "state rm", timeout=options.lock_timeout):
        recorded = ledger.load()
        chosen = addresses(texts)
        known = {i.address for i in recorded.everything} | {i.address for i in recorded.intents}
        for address in sorted(chosen - known):
            raise ConfigError.of(
                f"nothing is recorded at `{address}`", hint="`tunectl state list` shows what is"
            )
        gone = tuple(i for i in recorded.everything if i.address in chosen)
        closed = tuple(
            Abandoned(i.op, "forgotten by the user")
            for i in recorded.intents
            if i.address in chosen
        )
        ended = tuple(Deleted("", i.address, i.id) for i in gone)
        ledger.save(fold(recorded, (*closed, *ended)))
    return gone
