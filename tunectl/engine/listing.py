"""Look at many objects with few questions: one list of a kind, where a provider can list.

Law: a list only saves questions, it never answers differently. It vouches for what it shows ready,
of the recorded operation and with every recorded output; whatever else is recorded (absent,
pending, failed, under another mark) is read by itself, for a list may lag and tells less.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import cast

from tunectl.core.errors import ConflictError, InvalidRequestError, NotFoundError, ProviderError
from tunectl.core.ports import Connect, Found, Handler, Lists
from tunectl.core.resource import Instance, Status

PARALLELISM = 10
FEW = 5  # up to so many of one kind are read one by one
WORTH = 100  # a page has about so many objects: beyond it for each one wanted, reading is cheaper


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


def look(instances: Sequence[Instance], connect: Connect) -> list[Instance | None]:
    """Return each object as it is now, in the same order; None where it is gone.

    Raises:
        ProviderError: something could not be looked at; "gone" is never guessed.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    for number, instance in enumerate(instances):
        groups.setdefault((instance.provider, instance.address.kind), []).append(number)
    handlers = {
        group: handler_for(connect, instances[numbers[0]]) for group, numbers in groups.items()
    }
    many = [(handlers[group], numbers) for group, numbers in groups.items() if len(numbers) > FEW]

    def listed(group: tuple[Handler, list[int]]) -> dict[int, Instance]:
        handler, numbers = group
        source = lists(handler)
        known = {n: instances[n] for n in numbers if instances[n].status is Status.READY}
        return {} if source is None else _vouched(source, known)

    now: list[Instance | None] = [None] * len(instances)
    with ThreadPoolExecutor(max_workers=PARALLELISM) as pool:
        known: set[int] = set()
        for vouched in pool.map(listed, many):
            known |= vouched.keys()
            for number, instance in vouched.items():
                now[number] = instance
        # One for all workers: each takes the next, and none is handed over.
        turns = iter([n for n in range(len(instances)) if n not in known])

        def some(_: int) -> None:
            for number in turns:
                instance = instances[number]
                handler = handlers[instance.provider, instance.address.kind]
                now[number] = handler.read(instance)

        for _ in pool.map(some, range(PARALLELISM)):
            pass  # what a worker raised is raised here
    return now


def _vouched(source: Lists, recorded: Mapping[int, Instance]) -> dict[int, Instance]:
    """Return what a list vouches for; nothing where the service has no such list."""
    wanted = {instance.id for instance in recorded.values()}
    try:
        found = _until_all_are_found(source.list(), wanted)
    except (InvalidRequestError, NotFoundError, ConflictError):
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
