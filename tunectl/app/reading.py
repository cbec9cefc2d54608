"""What is recorded: state, outputs. Reads the store, asks no provider, and needs no sound data."""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.app.options import Options
from tunectl.app.recording import unknown
from tunectl.app.workspace import open_record
from tunectl.core.errors import ConfigError
from tunectl.core.resource import Instance
from tunectl.core.state import State
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
        raise unknown(address, recorded.instances)
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
