"""How what a provider answers becomes an `Instance`."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC
from typing import Any

from tunectl.core.errors import ConfigError, Diagnostic, InvalidRequestError, NotFoundError
from tunectl.core.ports import Mark, Request
from tunectl.core.resource import Instance, Need, Status
from tunectl.core.value import Plain

RESERVED_SETTINGS = frozenset({"type", "name", "project_root", "env", "requests_per_minute"})


def made(
    request: Request,
    *,
    account: str,
    id: str,  # noqa: A002  # the field's own name
    outputs: Mapping[str, Plain],
    status: Status = Status.READY,
    progress: str = "",
    reason: str = "",
) -> Instance:
    """Return the record of an object that was just created for `request`."""
    wanted = request.resource
    return Instance(
        address=wanted.address,
        provider=wanted.provider,
        account=account,
        id=id,
        spec=dict(request.spec),
        outputs=dict(outputs),
        status=status,
        needs=tuple(
            Need(address, found.id, found.account)
            for address, found in request.dependencies.items()
        ),
        fingerprint=wanted.fingerprint,
        progress=progress,
        reason=reason,
        op=request.mark.op,
        created_at=request.now.astimezone(UTC).isoformat(timespec="seconds"),
        lifecycle=wanted.lifecycle,
        recreate=wanted.recreate,
        parent=wanted.parent,
        labels=dict(wanted.labels),
    )


def found(
    mark: Mark,
    *,
    provider: str,
    account: str,
    id: str,  # noqa: A002  # the field's own name
    outputs: Mapping[str, Plain],
    status: Status = Status.READY,
    progress: str = "",
    reason: str = "",
) -> Instance:
    """Return what `find` knows of an object that carries `mark`.

    The settings are not told by the remote side in the words of the declaration: `spec`, `needs`,
    `fingerprint` and what else the declaration says are for the caller to fill in from its intent.
    """
    return Instance(
        address=mark.address,
        provider=provider,
        account=account,
        id=id,
        spec={},
        outputs=dict(outputs),
        status=status,
        progress=progress,
        reason=reason,
        op=mark.op,
    )


def unchangeable(what: str, request: Request, hint: str = "replace it") -> InvalidRequestError:
    """Return the refusal to change what is made once, and made anew for every change.

    Args:
        what: such as `a tuning job`.
        request: the change that was asked for.
        hint: what to do.
    """
    address = str(request.resource.address)
    return InvalidRequestError.of(
        f"{what} cannot be changed: `{address}`", hint=hint, address=address
    )


def gone(what: str, instance: Instance) -> NotFoundError:
    """Return the error of an object that is asked for and is not there any more."""
    address = str(instance.address)
    return NotFoundError.of(f"the {what} `{instance.id}` of `{address}` is gone", address=address)


def check_settings(provider: str, settings: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse settings that nobody reads.

    Raises:
        ConfigError: naming every unknown one, with the nearest known name.
    """
    problems = []
    for key in sorted(settings.keys() - set(known) - RESERVED_SETTINGS):
        from difflib import get_close_matches

        near = get_close_matches(key, sorted(known), n=1)
        listed = ", ".join(f"`{name}`" for name in sorted(known)) or "none"
        problems.append(
            Diagnostic(
                summary=f"unknown setting `{key}` of provider `{provider}`",
                hint=f"did you mean `{near[0]}`?" if near else f"known settings: {listed}",
                code="unknown-setting",
            )
        )
    if problems:
        raise ConfigError(tuple(problems))


def text_setting(provider: str, settings: Mapping[str, Any], key: str) -> str | None:
    """Return a setting that is a text; an empty one is as good as none.

    Raises:
        ConfigError: when it is something else.
    """
    value = settings.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ConfigError.of(
            f"setting `{key}` of provider `{provider}` must be a text, not `{value}`",
            code="wrong-setting",
        )
    return value
