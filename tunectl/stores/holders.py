"""Who holds a lock, and what is said of it."""

from __future__ import annotations

import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime

import orjson

from tunectl.core.errors import LockError
from tunectl.core.ports import Holder

_LOST_HINT = "nothing new is started; run `tunectl plan` to see where things stand"


def parsed(content: bytes) -> Holder | None:
    """Read a holder from its JSON; None when it is none. Keys it does not know are passed over."""
    known = {field.name for field in fields(Holder)}
    try:
        tree = orjson.loads(content)
        return Holder(**{key: value for key, value in tree.items() if key in known})
    except (orjson.JSONDecodeError, TypeError, AttributeError):
        return None


def who(operation: str) -> Holder:
    """Return us, as the holder of a new lock."""
    return Holder(
        id=str(uuid.uuid4()),
        who=f"{_user()}@{platform.node()}",
        operation=operation,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        pid=os.getpid(),
        info=run_info(os.environ),
    )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have a number and no name
        return f"uid {os.getuid()}"


def run_info(environ: Mapping[str, str]) -> str:
    """Return the CI run and the pull request that the environment tells, in one line.

    Read are the default variables of GitHub Actions (docs.github.com, 2026-11), GitLab CI/CD
    (docs.gitlab.com, 2026-11) and Jenkins.
    """
    said = environ.get
    parts = [said("GITHUB_ACTOR") or said("GITLAB_USER_LOGIN") or ""]
    if server := said("GITHUB_SERVER_URL"):
        parts.append(f"{server}/{said('GITHUB_REPOSITORY')}/actions/runs/{said('GITHUB_RUN_ID')}")
    else:
        parts.append(said("CI_JOB_URL") or said("BUILD_URL") or "")
    reference = (said("GITHUB_REF") or "").split("/")
    if reference[:2] == ["refs", "pull"] and len(reference) > 2:
        parts.append(f"pull request #{reference[2]}")
    elif number := said("CI_MERGE_REQUEST_IID"):
        parts.append(f"merge request !{number}")
    return ", ".join(part for part in parts if part)


def held(holder: Holder | None, *, stays: bool = False) -> LockError:
    """Return the error of a lock that another holds.

    Args:
        holder: as far as it is known.
        stays: the lock has neither a lease nor a process that holds it: it outlives its holder.
    """
    if holder is None:
        return LockError.of("the state is locked", hint="try again, or pass `--lock-timeout 60`")
    process = f"process {holder.pid}, " if holder.pid else ""
    detail = f"lock id {holder.id}, {process}since {holder.created}"
    return LockError.of(
        f"the state is locked by {holder.who} for `{holder.operation}`",
        detail=f"{detail}\n{holder.info}" if holder.info else detail,
        hint="wait for it, or pass `--lock-timeout 60`"
        + (f"; when that run is dead: `tunectl lock break {holder.id}`" if stays else ""),
        code="lock-held",
    )


def lost(name: str) -> LockError:
    """Return the error of a lock that was ours."""
    return LockError.of(f"the state lock `{name}` was lost", hint=_LOST_HINT, code="lock-lost")


def not_the_holder(lock_id: str, holder: Holder | None) -> LockError:
    """Return the error of breaking a lock by an id that does not hold it."""
    now_ = f"is held under id `{holder.id}`" if holder else "is free"
    return LockError.of(f"lock `{lock_id}` does not hold the state: it {now_}", code="lock-id")
