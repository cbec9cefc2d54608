"""What is recorded: state, outputs. Reads the store, asks no provider, and needs no sound data."""

from __future__ import annotations

from collections.abc import Mapping

from tunectl.app.addressing import typed
from tunectl.app.options import Options
from tunectl.app.recording import UNKNOWN, unknown
from tunectl.app.workspace import Workspace, open_record
from tunectl.config.problems import did_you_mean
from tunectl.core.errors import ConfigError
from tunectl.core.resource import Instance
from tunectl.core.state import State
from tunectl.core.value import Plain


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
    address = typed(text)
    if address not in recorded.instances:
        raise unknown(address, recorded.instances)
    return recorded.instances[address]


def applied(workspace: Workspace, recorded: State, text: str) -> Instance:
    """Return the live instance at an address of a project whose declaration is known.

    Raises:
        ConfigError: the address is malformed, not declared, or not applied yet.
    """
    try:
        return instance(recorded, text)
    except ConfigError as error:
        if error.diagnostics[0].code != UNKNOWN:
            raise
    env = workspace.options.env
    apply = "run `tunectl apply" + (f" --env {env}`" if env != "default" else "`")
    declared = [str(resource.address) for resource in workspace.project.resources]
    if text in declared:
        raise ConfigError.of(
            f"`{text}` is declared and not applied yet", hint=apply, code="not-applied"
        )
    known = [*map(str, recorded.instances), *declared]
    otherwise = "`tunectl state list` shows what is there" if recorded.instances else apply
    raise ConfigError.of(
        f"there is no `{text}`" + ("" if recorded.instances else ", and nothing is applied yet"),
        hint=did_you_mean(text, known, otherwise),
        code=UNKNOWN,
    )


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
