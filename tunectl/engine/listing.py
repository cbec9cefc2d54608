"""Look at many objects with few questions: one list of a kind, where a provider can list.

Law: a list only saves questions, it never answers differently. It vouches for what it shows ready,
of the recorded operation and with every recorded output; whatever else is recorded (absent,
pending, failed, under another mark) is read by itself, for a list may lag and tells less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from tunectl.core.errors import (
    ConflictError,
    CredentialsError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
)
from tunectl.core.ports import Connect, Found, Handler, Lists
from tunectl.core.resource import Instance, Status

PARALLELISM = 10
FEW = 5  # up to so many of one kind are read one by one
WORTH = 100  # a page has about so many objects: beyond it for each one wanted, reading is cheaper

_NO_LIST = (InvalidRequestError, NotFoundError, ConflictError)  # a definite answer: there is none


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


def lists(handler: Handler) -> Lists | None:
    """Return the handler as one that can list; None where it cannot."""
    return cast("Lists", handler) if hasattr(handler, "list") else None


def shown(source: Lists) -> tuple[Found, ...]:
    """Return every object that a list shows; none where the service has no such list or refuses it.

    Raises:
        ProviderError: it could not be asked; a shortened list is never returned.
    """
    try:
        return tuple(source.list())
    except (*_NO_LIST, CredentialsError):
        return ()


def look(instances: Sequence[Instance], connect: Connect) -> list[Instance | None]:
    """Return each object as it is now, in the same order; None where it is gone.

    Raises:
        ProviderError: something could not be looked at; "gone" is never guessed.
    """
    from concurrent.futures import ThreadPoolExecutor  # which takes `logging` along

    groups = _groups(instances)
    handlers = {
        group: handler_for(connect, instances[numbers[0]]) for group, numbers in groups.items()
    }
    many = [
        (source, numbers)
        for group, numbers in groups.items()
        if len(numbers) > FEW and (source := lists(handlers[group])) is not None
    ]

    def listed(group: tuple[Lists, list[int]]) -> dict[int, Instance]:
        source, numbers = group
        return _vouched(
            source, {n: instances[n] for n in numbers if instances[n].status is Status.READY}
        )

    now: list[Instance | None] = [None] * len(instances)
    with ThreadPoolExecutor(max_workers=PARALLELISM) as pool:
        known: set[int] = set()
        for vouched in pool.map(listed, many):
            known |= vouched.keys()
            for number, instance in vouched.items():
                now[number] = instance
        left = [
            (handlers[group].read, number)
            for group, numbers in groups.items()
            for number in numbers
            if number not in known
        ]
        turns = iter(left)  # one for all workers: each takes the next, and none is handed over

        def some(_: int) -> None:
            for read, number in turns:
                now[number] = read(instances[number])

        for _ in pool.map(some, range(min(PARALLELISM, len(left)))):
            pass  # what a worker raised is raised here
    return now


def _groups(instances: Sequence[Instance]) -> dict[tuple[str, str], list[int]]:
    """Return the numbers of the objects of each kind at each provider."""
    groups: dict[tuple[str, str], list[int]] = {}
    for number, instance in enumerate(instances):
        group = instance.provider, instance.address.kind
        numbers = groups.get(group)
        if numbers is None:
            groups[group] = [number]
        else:
            numbers.append(number)
    return groups


def _vouched(source: Lists, recorded: Mapping[int, Instance]) -> dict[int, Instance]:
    """Return what a list vouches for; nothing where the service has no such list."""
    wanted = {instance.id for instance in recorded.values()}
    try:
        found = _until_all_are_found(source.list(), wanted)
    except _NO_LIST:
        return {}
    return {
        number: _now(instance, found[instance.id])
        for number, instance in recorded.items()
        if instance.id in found and _vouches(found[instance.id], instance)
    }


def _until_all_are_found(listed: Iterable[Found], wanted: set[str]) -> dict[str, Instance]:
    found: dict[str, Instance] = {}
    for number, one in enumerate(listed, start=1):
        if one.instance.id in wanted:
            found[one.instance.id] = one.instance
        if len(found) == len(wanted) or number >= WORTH * len(wanted):
            break
    return found


def _vouches(found: Instance, recorded: Instance) -> bool:
    return (
        found.status is Status.READY
        and found.op == recorded.op
        and found.outputs.keys() >= recorded.outputs.keys()
    )


def _now(recorded: Instance, found: Instance) -> Instance:
    """Return the recorded object with what the list tells of it."""
    return replace(
        recorded,
        spec={**recorded.spec, **found.spec},
        outputs=found.outputs,
        status=found.status,
        progress=found.progress,
        reason=found.reason,
    )
