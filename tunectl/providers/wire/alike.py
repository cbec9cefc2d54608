"""A job told by the files it names, where a service may have dropped its mark.

A file's id is the service's own and unique, and the file was uploaded by us: a job that names it
was made from it. Laws: what a job says differently from what was asked is another job's; that no
job names the file is believed only where every job that could be ours names a file that the service
lists, for a service (or a gateway before it) may call files by other names in its jobs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tunectl.core.errors import UnknownOutcomeError
from tunectl.core.ports import Mark
from tunectl.core.value import Plain
from tunectl.providers.wire.client import Wire, items
from tunectl.providers.wire.naming import OP
from tunectl.providers.wire.told import settings_of

if TYPE_CHECKING:
    from openai import OpenAI

Job = Mapping[str, Any]
# By which this machine's clock and the service's may differ, and from which on a job is an old one.
_SKEW, _OLD = timedelta(minutes=10), timedelta(days=1)
_FILES = ("training_file", "validation_file")


def jobs_alike(
    wire: Wire, jobs: Iterable[Job], mark: Mark, spec: Mapping[str, Plain], since: datetime
) -> list[Job]:
    """Return the jobs without a mark that can only be of these settings.

    Args:
        wire: of the account.
        jobs: all that the service lists.
        mark: of the operation, for messages.
        spec: what was asked for.
        since: when it was asked for, by this machine's clock.

    Raises:
        UnknownOutcomeError: it cannot be told whether there is one.
        ProviderError: the files cannot be listed.
    """
    training = spec.get("training_file")
    if not isinstance(training, str) or not training:
        raise _unsure(wire, mark, "the file that it was to be made from is not known", "")
    bare = [job for job in jobs if not _marked(job) and _since(job, since - _OLD, True)]
    ours = [job for job in bare if job.get("training_file") == training and _agrees(job, spec)]
    named = [job for job in ours if job.get("metadata")]
    if named:
        raise _unsure(wire, mark, "a job made from its file carries other words", named[0]["id"])
    early = [job for job in ours if not _since(job, since - _SKEW)]
    if early:
        raise _unsure(wire, mark, "a job was made from its file before", str(early[0]["id"]))
    others = [job for job in bare if job.get("training_file") != training]
    if not ours and others:
        listed = _listed(wire)
        for job in others:
            if job.get("training_file") not in listed:
                raise _unsure(wire, mark, "a job names no file that is listed", str(job["id"]))
    return ours


def _marked(job: Job) -> bool:
    """Tell whether a job kept its mark; a service may put words of its own there."""
    return OP in (job.get("metadata") or {})


def _since(job: Job, moment: datetime, unknown: bool = False) -> bool:
    made_at = _made_at(job)
    return unknown if made_at is None else made_at >= moment


def _made_at(job: Job) -> datetime | None:
    at = job.get("created_at")
    if isinstance(at, bool) or not isinstance(at, int | float) or at <= 0:
        return None
    return datetime.fromtimestamp(at, UTC)


def _agrees(job: Job, spec: Mapping[str, Plain]) -> bool:
    """Tell whether a job says nothing else than was asked; what it does not say is no difference.

    The base is not compared: a service may tell a snapshot of what was asked for.
    """
    told = settings_of(job)
    for name in (*_FILES, "seed"):
        asked, said = spec.get(name), told.get(name)
        if asked is not None and said is not None and asked != said:
            return False
    if told.get("validation_file") is not None and spec.get("validation_file") is None:
        return False
    asked, said = spec.get("method"), told.get("method")
    if not isinstance(asked, Mapping) or not isinstance(said, Mapping):
        return True
    numbers = asked.keys() & said.keys() - {"type", "grader"}
    return all(asked[one] == said[one] for one in numbers)


def _listed(wire: Wire) -> frozenset[str]:
    def listed(client: OpenAI) -> frozenset[str]:
        return frozenset(one["id"] for one in items(client.files.list, "id"))

    return wire.ask("list the files", listed)


def _unsure(wire: Wire, mark: Mark, why: str, job: str) -> UnknownOutcomeError:
    named = f", `{job}`" if job else ""
    error = UnknownOutcomeError.of(
        f"provider `{wire.provider}` cannot tell whether a job for `{mark.address}` was created: "
        f"{why}{named}",
        hint="look at the jobs there; cancel the one that is yours, then allow another: "
        f"`tunectl apply --retry-unknown {mark.address}`",
        address=str(mark.address),
    )
    assert isinstance(error, UnknownOutcomeError)
    return error
