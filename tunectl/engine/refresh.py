"""observe: what is there now. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar, cast

from tunectl.core.abilities import RECORD, Vague
from tunectl.core.errors import (
    ConfigError,
    CredentialsError,
    Diagnostic,
    Exit,
    ProviderError,
    Refused,
    Source,
    TunectlError,
)
from tunectl.core.ports import Connect, Provider
from tunectl.core.resource import BUILTIN, Instance
from tunectl.core.state import State
from tunectl.core.value import Address
from tunectl.engine.listing import PARALLELISM, look

E = TypeVar("E", bound=TunectlError)


def observe(state: State, connect: Connect) -> dict[Address, Instance | None]:
    """Look at every live instance, many of a kind by one list; None means it is gone.

    Raises:
        Refused: an account is not the one the instances were made in.
        ProviderError: something could not be looked at; "gone" is never guessed.
    """
    instances = tuple(state.instances.values())
    _same_accounts((*instances, *state.superseded), connect)
    seen = look(instances, connect)
    _somewhere(instances, seen, connect)
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
    seen = look(instances, connect)
    _somewhere(instances, seen, connect)
    return tuple(zip(instances, seen, strict=True))


def _same_accounts(instances: Collection[Instance], connect: Connect) -> None:
    problems: list[Diagnostic] = []
    homes = {(instance.provider, instance.account) for instance in instances}
    for name, home_account in sorted(homes):
        if name == BUILTIN or (account := connect(name).account()) == home_account:
            continue
        here = (i for i in instances if (i.provider, i.account) == (name, home_account))
        one = min(str(instance.address) for instance in here)  # however the record is ordered
        problems.append(
            Diagnostic(
                summary=f"provider `{name}` is account `{account}`, but `{one}` lives in account "
                f"`{home_account}`",
                hint="use the key and address of the account it was made in, or give this account "
                "another name under `providers:`; what is gone with its account is forgotten with "
                f"`tunectl state rm {one}`",
                code="wrong-account",
                address=one,
                exit=Exit.REFUSED,
            )
        )
    if problems:
        raise Refused(tuple(problems))


def _somewhere(
    instances: Sequence[Instance], seen: Sequence[Instance | None], connect: Connect
) -> None:
    """Refuse to believe that all is gone where the account cannot be told from another one.

    A key of another account is answered "not found" for everything, and no service's word for that
    differs from the word for what was deleted. One object that is there proves the account.
    """
    if all(now is not None for now in seen):
        return
    from shlex import quote

    gone: dict[str, list[str]] = {}
    proven: set[str] = set()
    for instance, now in zip(instances, seen, strict=True):
        if instance.provider == BUILTIN or instance.id.startswith(RECORD):
            continue
        if now is None:
            gone.setdefault(instance.provider, []).append(str(instance.address))
        else:
            proven.add(instance.provider)
    problems = tuple(
        Diagnostic(
            summary=f"provider `{name}` shows nothing of what is recorded there (objects: "
            f"{len(missed)}), and its service does not say whose account a key belongs to",
            hint="check the key and the address: with those of another account everything looks "
            "deleted; what is really gone is forgotten with "
            f"`tunectl state rm {quote(min(missed))}`",
            code="doubtful-account",
            address=min(missed),
            exit=Exit.REFUSED,
        )
        for name, missed in sorted(gone.items())
        if name not in proven and _vague(connect(name))
    )
    if problems:
        raise Refused(problems)


def _vague(provider: Provider) -> bool:
    return hasattr(provider, "vague") and cast("Vague", provider).vague


def placed(error: E, source: Source | None) -> E:
    """Return the same error, at that place where it has none."""
    error.diagnostics = tuple(replace(d, source=d.source or source) for d in error.diagnostics)
    return error


def accounts(
    names: Iterable[str],
    connect: Connect,
    where: Mapping[str, Source | None] = MappingProxyType({}),
) -> Mapping[str, str]:
    """Return the account of each provider, for the plan's digest. All are asked at once.

    Args:
        names: of the providers.
        connect: connects one.
        where: where each is declared, for what is said of it.

    Raises:
        CredentialsError: naming every provider whose credentials are missing or refused.
        ProviderError: the first of what else went wrong.
    """
    wanted = sorted(set(names) - {BUILTIN})

    def ask(name: str) -> str | ConfigError | ProviderError:
        try:
            return connect(name).account()
        except (ConfigError, ProviderError) as error:
            return placed(error, where.get(name))

    if len(wanted) < 2:
        told = {name: ask(name) for name in wanted}
    else:
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(max_workers=min(len(wanted), PARALLELISM)) as pool:
            told = dict(zip(wanted, pool.map(ask, wanted), strict=True))
    failed = [one for one in told.values() if isinstance(one, ConfigError | ProviderError)]
    refused = [d for one in failed if isinstance(one, CredentialsError) for d in one.diagnostics]
    if refused:
        raise CredentialsError(tuple(refused))
    if failed:
        raise failed[0]
    return {name: one for name, one in told.items() if isinstance(one, str)}
