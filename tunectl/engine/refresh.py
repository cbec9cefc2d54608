"""observe: what is there now. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunectl.core.errors import Diagnostic, Exit, Refused
from tunectl.core.ports import Connect
from tunectl.core.resource import BUILTIN, Instance
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.listing import look


def observe(state: State, connect: Connect) -> dict[Address, Instance | None]:
    """Look at every live instance, many of a kind by one list; None means it is gone.

    Raises:
        Refused: an account is not the one the instances were made in.
        ProviderError: something could not be looked at; "gone" is never guessed.
    """
    instances = [state.instances[address] for address in sorted(state.instances, key=str)]
    _same_accounts((*instances, *state.superseded), connect)
    seen = look(instances, connect)
    return {i.address: now for i, now in zip(instances, seen, strict=True)}


def observe_everything(
    state: State, connect: Connect
) -> tuple[tuple[Instance, Instance | None], ...]:
    """Look at every recorded instance, the superseded ones too: each as recorded and as it is now.

    Raises:
        Refused: an account is not the one the instances were made in.
        ProviderError: something could not be looked at.
    """
    superseded = {i.key for i in state.superseded}
    instances = sorted(state.everything, key=lambda i: (i.address, i.key in superseded, i.id))
    _same_accounts(instances, connect)
    return tuple(zip(instances, look(instances, connect), strict=True))


def _same_accounts(instances: Iterable[Instance], connect: Connect) -> None:
    recorded: dict[tuple[str, str], Instance] = {}
    for instance in instances:
        if instance.provider != BUILTIN:
            recorded.setdefault((instance.provider, instance.account), instance)
    problems = tuple(
        Diagnostic(
            summary=f"provider `{name}` is account `{account}`, but `{instance.address}` lives in "
            f"account `{instance.account}`",
            hint="use the key and address of the account it was made in, or give this account "
            "another name under `providers:`; what is gone with its account is forgotten with "
            f"`tunectl state rm {instance.address}`",
            code="wrong-account",
            address=str(instance.address),
            exit=Exit.REFUSED,
        )
        for (name, _), instance in recorded.items()
        if (account := connect(name).account()) != instance.account
    )
    if problems:
        raise Refused(problems)


def accounts(names: Iterable[str], connect: Connect) -> Mapping[str, str]:
    """Return the account of each provider, for the plan's digest."""
    return {name: connect(name).account() for name in sorted(set(names) - {BUILTIN})}
