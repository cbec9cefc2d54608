"""observe: what is there now. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from tunectl.core.errors import Diagnostic, Exit, ProviderError, Refused
from tunectl.core.ports import Connect, Handler
from tunectl.core.resource import BUILTIN, Instance
from tunectl.core.state import State
from tunectl.core.value import Address

PARALLELISM = 10


def handler_for(connect: Connect, instance: Instance) -> Handler:
    """Return the handler that made an instance.

    Raises:
        ProviderError: the provider has none for this kind.
    """
    provider = connect(instance.provider)
    try:
        return provider.handlers[instance.address.kind]
    except KeyError:
        raise ProviderError.of(
            f"provider `{instance.provider}` cannot manage a `{instance.address.kind}`",
            address=str(instance.address),
        ) from None


def observe(state: State, connect: Connect) -> dict[Address, Instance | None]:
    """Look at every live instance; None means it is gone.

    Raises:
        Refused: an account is not the one the instances were made in.
        ProviderError: something could not be looked at; "gone" is never guessed.
    """
    instances = sorted(state.instances.values(), key=lambda i: i.key)
    _same_accounts((*instances, *state.superseded), connect)
    with ThreadPoolExecutor(max_workers=PARALLELISM) as pool:
        seen = list(pool.map(lambda i: handler_for(connect, i).read(i), instances))
    return {i.address: now for i, now in zip(instances, seen, strict=True)}


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
