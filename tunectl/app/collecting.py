"""gc: what was made from this store and is in no state. Told of, and deleted only when asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase

from tunectl.app.inventory import Accounts, Records, Sighted, Site, accounts
from tunectl.app.options import Options
from tunectl.core.errors import (
    Diagnostic,
    Exit,
    NotFoundError,
    ProviderError,
    Refused,
    StaleError,
)
from tunectl.core.ports import Found, Lease
from tunectl.core.resource import Status
from tunectl.core.selection import matching
from tunectl.core.sweep import (
    JOB,
    Claims,
    Fate,
    Orphan,
    Outcome,
    Standing,
    Swept,
    claims,
    fate,
    judged,
    spared,
    swept,
    user_of,
    young,
)

GRACE = timedelta(hours=1)
_ALIVE = {Status.READY, Status.PENDING}  # the record of an ended job stays when all is destroyed
_FRESH = 10.0  # seconds for which one listing serves to tell who uses what


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which orphans are spared.

    Attributes:
        grace: younger ones are.
        keep: ids, addresses, or patterns with `*`, of what is not to go.
        forgotten: what was forgotten on purpose may go too.
    """

    grace: timedelta = GRACE
    keep: tuple[str, ...] = ()
    forgotten: bool = False


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How deletion was asked for.

    Attributes:
        approve: shown what goes, under the locks; raises when it shall not.
        tell: told of each orphan that was tried.
        most: refuse to begin when more would go.
        choice: what is spared.
    """

    approve: Callable[[Swept], None]
    tell: Callable[[Orphan], None] = lambda _: None
    most: int | None = None
    choice: Choice = field(default_factory=Choice)


def survey(options: Options, choice: Choice | None = None) -> Swept:
    """Say whose every remote object is. Reads only, takes no lock.

    Args:
        options: which project.
        choice: which orphans are spared.

    Raises:
        ConfigError: the project's name or its state address cannot be read.
        StateError: the store cannot list.
    """
    site = Site(options)
    records = site.records()
    reached = accounts(site, records.states)
    return _surveyed(site, _owning(site, records, reached), reached, choice or Choice())


def _owning(site: Site, records: Records, reached: Accounts) -> Records:
    """Return the records; a state that is not there, and that objects speak of, is a problem.

    Law: an environment without a state is one that was never applied only where nothing alive
    carries its mark. Else its state is lost or elsewhere, and nothing tells what it holds.
    """
    env = site.options.env
    number = sum(
        (mark := one.found.mark) is not None
        and (mark.project, mark.env) == (site.project.name, env)
        and one.found.instance.status in _ALIVE
        for one in reached.shown
    )
    if env in records.states or env in records.unread or not number:
        return records
    told = "1 object carries" if number == 1 else f"{number} objects carry"
    missing = Diagnostic(
        summary=f"no state of environment `{env}` is stored here, but {told} its mark",
        detail="without it nobody can tell what of this is in use and what is left over",
        hint="`tunectl state repair` shows what the marks tell, and `--write` makes the state of "
        "it; a state that is stored elsewhere is named by `state:`, another environment by `--env`",
        code="state-missing",
    )
    return replace(records, problems=(*records.problems, missing))


def _surveyed(site: Site, records: Records, reached: Accounts, choice: Choice) -> Swept:
    found = [one.found for one in reached.shown]
    claimed = _keeping(_claimed(records, records, choice), found, choice.keep)
    return replace(
        swept(found, claimed, datetime.now(UTC), choice.grace),
        project=site.project.name,
        envs=tuple(records.states),
        accounts=tuple(sorted(reached.providers)),
        problems=(*records.problems, *reached.problems),
    )


def _claimed(records: Records, first: Records, choice: Choice) -> Claims:
    """Return what is held by records; older generations are those that were read first."""
    held = claims(records.states.values(), first.past, records.shared, forgotten=choice.forgotten)
    return replace(held, kept={**held.kept, **records.listed})


def _keeping(claimed: Claims, found: Iterable[Found], patterns: Sequence[str]) -> Claims:
    """Return the claims with what patterns name by its id or its address."""
    kept = {
        one.instance.id: f"`--keep {pattern}`"
        for pattern in patterns
        for one in found
        if fnmatchcase(one.instance.id, pattern)
        or (one.mark is not None and matching(pattern, (one.mark.address,)))
    }
    return replace(claimed, kept={**claimed.kept, **kept})


def collect(options: Options, asked: Asked) -> Swept:
    """Delete the orphans, one after the other, each looked at anew right before.

    Holds the locks of all environments meanwhile, so that no apply can be in the middle of making
    or adopting what is about to go.

    Raises:
        Refused: a state cannot be read, or more would go than allowed; nothing was deleted.
        LockError: an apply is under way, or a lock was lost.
        StaleError: an environment appeared meanwhile.
    """
    site = Site(options)
    with ExitStack() as stack:
        envs = site.envs()
        leases = [
            stack.enter_context(site.store.lock(env, "gc", timeout=options.lock_timeout))
            for env in envs
        ]
        records = site.records()
        _refuse_unread(records)
        reached = accounts(site, records.states)
        _refuse_unread(_owning(site, records, reached))
        found = replace(_surveyed(site, records, reached, asked.choice), deleting=True)
        _refuse_many(found, asked.most)
        asked.approve(found)
        sweeper = _Sweeper(site, envs, leases, records, reached, asked)
        done: list[Orphan] = []
        for orphan in found.orphans:
            tried = sweeper.tried(orphan) if orphan.fate.ends else orphan
            if tried.outcome is not None:
                asked.tell(tried)
            done.append(tried)
    return replace(found, orphans=tuple(done))


def _refuse_unread(records: Records) -> None:
    """What cannot be read may hold anything: nothing is deleted on a guess."""
    if records.problems:
        head = Diagnostic(
            summary="nothing is deleted: not every state of this store can be read",
            hint="repair it first; what it holds cannot be told from what nobody holds",
            code="state-unread",
            exit=Exit.REFUSED,
        )
        raise Refused((head, *records.problems))


def _refuse_many(found: Swept, most: int | None) -> None:
    if most is not None and len(found.doomed) > most:
        raise Refused.of(
            f"`--max-deletes {most}`: {len(found.doomed)} objects would be deleted",
            hint="look at them with `tunectl gc`, then allow more",
            code="max-deletes",
        )


@dataclass
class _Sweeper:
    """Deletes orphans, each only if everything still says so."""

    site: Site
    envs: tuple[str, ...]
    leases: list[Lease]
    records: Records
    reached: Accounts
    asked: Asked
    _shown: dict[str, tuple[float, list[Sighted]]] = field(default_factory=dict)

    def tried(self, orphan: Orphan) -> Orphan:
        """Look again, delete, and say what became of it.

        Raises:
            LockError: a lock was lost: nothing more is deleted.
            StaleError: an environment appeared meanwhile.
            Refused: a state cannot be read any more.
        """
        claimed = self._claims()
        try:
            return self._deleted(orphan, claimed)
        except ProviderError as error:
            return replace(orphan, outcome=Outcome.FAILED, why=str(error), exit=error.exit)

    def _claims(self) -> Claims:
        for lease in self.leases:
            lease.check()
        if self.site.envs() != self.envs:
            raise StaleError.of(
                "another environment appeared in the store meanwhile",
                hint="nothing more is deleted; run `tunectl gc` again",
            )
        fresh = self.site.records(past=False)
        _refuse_unread(fresh)
        return _claimed(fresh, self.records, self.asked.choice)

    def _deleted(self, orphan: Orphan, claimed: Claims) -> Orphan:
        there = orphan.found.instance
        shown = self._listed(there.account)
        now = next((s for s in shown if _same(s, orphan)), None)
        if now is None:
            return replace(orphan, outcome=Outcome.KEPT, why="it is gone already")
        every = [s.found for s in shown]
        claimed = _keeping(claimed, every, self.asked.choice.keep)
        whose = next(j for j in judged(every, claimed) if j.found is now.found)
        if whose.standing is not Standing.ORPHAN:
            return replace(orphan, outcome=Outcome.KEPT, why=f"it is {whose.standing.value} by now")
        user = user_of(now.found, every, claimed)
        keep = claimed.keeps(now.found)
        at, grace = datetime.now(UTC), self.asked.choice.grace
        decided = fate(now.found, user, at, grace, keep)
        if not decided.ends:
            return replace(
                orphan,
                found=now.found,
                fate=decided,
                why=spared(user, keep) if decided in {Fate.USED, Fate.KEPT} else "",
                young=young(now.found, at, grace),
                outcome=Outcome.KEPT,
            )
        try:
            if now.handler.read(now.found.instance) is None:
                return replace(orphan, outcome=Outcome.KEPT, why="it is gone already")
            if not self.site.release(now.found.instance, self.envs):
                return replace(orphan, outcome=Outcome.KEPT, why="another project uses it")
            left = now.handler.delete(now.found.instance)
        except NotFoundError:
            return replace(orphan, outcome=Outcome.KEPT, why="it is gone already")
        self._forget(there.account, orphan)
        if there.address.kind == JOB:
            self.site.deleted.add(now.found.instance)
        return replace(
            orphan,
            found=now.found,
            fate=decided,
            outcome=Outcome.DELETED,
            why=left.reason if left else "",
        )

    def _listed(self, account: str) -> list[Sighted]:
        at, shown = self._shown.get(account, (0.0, []))
        if not shown or time.monotonic() - at > _FRESH:
            shown = self.reached.again(account)
            self._shown[account] = (time.monotonic(), shown)
        return shown

    def _forget(self, account: str, orphan: Orphan) -> None:
        """List anew before the next one where what has gone may have used it."""
        instance = orphan.found.instance
        at, shown = self._shown[account]
        uses = bool(instance.spec) or instance.status is Status.PENDING
        kept = [] if uses else [s for s in shown if not _same(s, orphan)]
        self._shown[account] = (at, kept)


def _same(sighted: Sighted, orphan: Orphan) -> bool:
    one, other = sighted.found.instance, orphan.found.instance
    return (one.address.kind, one.id) == (other.address.kind, other.id)
