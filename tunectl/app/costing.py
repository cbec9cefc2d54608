"""What a change costs: rows, base model and epochs of a job, priced by the user or the catalogue.

Rows are counted only where a price asks for it: never for training on this machine, and once for
each split and vocabulary; what was counted is remembered between runs under the rows' fingerprint.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from hashlib import sha256
from typing import TYPE_CHECKING

import orjson

from tunectl.app.workspace import Workspace
from tunectl.catalog.tokenizers import tokenizer_of
from tunectl.config.cache_folder import CacheFolder, user_folder
from tunectl.config.prices import own_prices
from tunectl.config.services import service_of
from tunectl.core.errors import StaleError
from tunectl.core.money import Estimate, unknown
from tunectl.core.plan import Action, Cause, Change, TokenDelta
from tunectl.core.ports import Store
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address, Ref, Value
from tunectl.data.cost import billed_by_tokens, context_of, passes, tally_for, training_cost
from tunectl.data.targets import PREFERENCE, SUPERVISED, Target

if TYPE_CHECKING:
    from tunectl.data.dataset import Dataset
    from tunectl.data.tokens import Count, Tokens

_MADE = frozenset({Action.CREATE, Action.REPLACE, Action.RECREATE})
_METHODS = {"dpo": PREFERENCE}
_FORMAT = 1
_ENTRIES = 256  # counted splits that are remembered


def with_estimates(workspace: Workspace, changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return the changes with what each tuning job costs or, where one is reused, saves.

    A job that costs nothing has no estimate. Where its rows changed and it is paid for, the tokens
    of before and after are told too.

    Raises:
        StaleError: a data file is no longer what was read.
    """
    costing = Costing(workspace.project, workspace.datasets, workspace.store)
    return tuple(_with_estimate(costing, change) for change in changes)


def keep_tokens(workspace: Workspace, changes: Iterable[Change]) -> None:
    """Store the tokens of the rows that paid jobs are made of, for the plans that follow.

    Rows that were replaced stand nowhere any more, and the state keeps no text: their tokens can
    only be told from a count that was kept.

    Raises:
        StaleError: a data file is no longer what was read.
    """
    costing = Costing(workspace.project, workspace.datasets, workspace.store)
    for change in changes:
        if change.estimate is not None and change.after is not None:
            costing.keep(change.after)


def _with_estimate(costing: Costing, change: Change) -> Change:
    if change.address.kind != "tuning_job" or change.after is None:
        return change
    if change.action not in _MADE and change.cause is not Cause.REUSED:
        return change
    estimate = costing.job(change.after)
    if estimate.free:
        return change
    return replace(change, estimate=estimate, tokens=costing.delta(change))


class Costing:
    """Prices the jobs of one project; counts each split once."""

    def __init__(
        self,
        project: Project,
        datasets: Mapping[Address, Dataset],
        store: Store | None = None,
    ) -> None:
        """Look at a project.

        Args:
            project: the declaration.
            datasets: its rows; none is looked at before a price asks for it.
            store: where counts of rows are kept that may have changed since.
        """
        self._store = store
        self._project = project
        self._datasets = datasets
        self._resources = {r.address: r for r in project.resources}
        self._counted: dict[str, Tokens] = {}
        folder = user_folder(os.environ, "tokens")
        self._cache = CacheFolder(folder, _ENTRIES) if folder is not None else None

    def job(self, job: Resource) -> Estimate:
        """Return what training costs.

        Raises:
            StaleError: a data file is no longer what was read.
        """
        target = self.target(job)
        if target is None:
            return unknown(f"no price is known for training at provider `{job.provider}`")
        own = own_prices(self._project.prices, job.provider)
        if billed_by_tokens(target, own) is None:
            return training_cost(target, _none(), None, own)
        rows = self._rows(job)
        if rows is None:
            return unknown(f"the rows of `{job.address}` are not known")
        dataset, split = rows
        epochs = passes(target, dataset.splits[split].rows, _epochs(job))
        if epochs is None:
            return training_cost(target, _none(), None, own)
        return training_cost(target, self._tokens(dataset, split, target).billed, epochs, own)

    def delta(self, change: Change) -> TokenDelta | None:
        """Return what changed rows do to the tokens of a job.

        Returns:
            None where they did not change, nothing is paid for them, or nobody counted the rows of
            before.

        Raises:
            StaleError: a data file is no longer what was read.
        """
        before, after = change.before, change.after
        old, new = (_training(one.spec) if one else None for one in (before, after))
        if before is None or after is None or old is None or new is None or old[1] == new[1]:
            return None
        was, target, rows = self.target(before), self.target(after), self._rows(after)
        if was is None or target is None or rows is None:
            return None
        own = own_prices(self._project.prices, before.provider)
        if billed_by_tokens(was, own) is None:
            return None
        kept = self._kept(_name(old[1], was))
        if kept is None:
            return None
        now = self._tokens(*rows, target)
        times = passes(was, old[0], _epochs(before))
        return TokenDelta(
            before=_three(kept.total),
            after=_three(now.total),
            cost=training_cost(was, kept.billed, times, own),
        )

    def keep(self, job: Resource) -> None:
        """Store the tokens of a job's training rows under what they were counted of.

        Raises:
            StaleError: a data file is no longer what was read.
        """
        target = self.target(job)
        own = own_prices(self._project.prices, job.provider)
        if target is None or billed_by_tokens(target, own) is None:
            return
        rows = self._rows(job)
        if rows is None:
            return
        dataset, split = rows
        name = _name(dataset.splits[split].sha256, target)
        content = orjson.dumps(asdict(self._tokens(dataset, split, target)))
        with contextlib.suppress(StaleError):  # it is there already
            if self._store is not None:
                self._store.write(_kept_as(name), content, expected=None)

    def _kept(self, name: str) -> Tokens | None:
        """Tokens that an apply stored, else what this machine remembers."""
        blob = self._store.read(_kept_as(name)) if self._store is not None else None
        return (_read(blob.content) if blob is not None else None) or self._remembered(name)

    def target(self, job: Resource | Instance) -> Target | None:
        """Return where and on what a job trains; None for a service nothing is known of."""
        provided = self._project.providers.get(job.provider)
        service = service_of(provided) if provided is not None else None
        if service is None:
            return None
        method = job.spec.get("method")
        said = str(method.get("type")) if isinstance(method, Mapping) else SUPERVISED
        return Target(service.name, self._base(job), _METHODS.get(said, said))

    def _base(self, job: Resource | Instance) -> str | None:
        """The base model's name; of a job that trains another's model further, that one's."""
        seen: set[Address] = set()
        base: Value = job.spec.get("base_model")
        while isinstance(base, Ref) and base.address not in seen:
            seen.add(base.address)
            before = self._resources.get(base.address)
            base = before.spec.get("base_model") if before is not None else None
        return base if isinstance(base, str) else None

    def _rows(self, job: Resource) -> tuple[Dataset, str] | None:
        file = job.spec.get("training_file")
        upload = self._resources.get(file.address) if isinstance(file, Ref) else None
        if upload is None:
            return None
        address, split = Address.parse(str(upload.spec["dataset"])), str(upload.spec["split"])
        if address not in self._datasets:
            return None
        dataset = self._datasets[address]
        return (dataset, split) if split in dataset.splits else None

    def _tokens(self, dataset: Dataset, split: str, target: Target) -> Tokens:
        name = _name(dataset.splits[split].sha256, target)
        if name not in self._counted:
            self._counted[name] = self._remembered(name) or self._count(
                name, dataset, split, target
            )
        return self._counted[name]

    def _count(self, name: str, dataset: Dataset, split: str, target: Target) -> Tokens:
        tally = tally_for(target)
        for of, row, _ in dataset.each():
            if of == split:
                tally.add(row)
        found = tally.tokens()
        if self._cache is not None:
            self._cache.write(name, orjson.dumps(asdict(found)))
        return found

    def _remembered(self, name: str) -> Tokens | None:
        content = self._cache.read(name) if self._cache is not None else None
        return None if content is None else _read(content)


def _none() -> Count:
    from tunectl.data.tokens import Count

    return Count()


def _read(content: bytes) -> Tokens | None:
    """Tokens as they were stored; None when they are of another version."""
    from tunectl.data.tokens import Count, Tokens

    try:
        tree = orjson.loads(content)
        total, billed = Count(**tree.pop("total")), Count(**tree.pop("billed"))
        return Tokens(total=total, billed=billed, **tree)
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None


def _kept_as(name: str) -> str:
    """The name of a count in the store."""
    return f"tokens/{name}"


def _training(spec: Mapping[str, Value]) -> tuple[int, str] | None:
    """How many rows a job trains on, and their fingerprint; None for an unknown job."""
    data = spec.get("data")
    rows = data.get("training") if isinstance(data, Mapping) else None
    if not isinstance(rows, Mapping):
        return None
    count, sha256 = rows.get("rows"), rows.get("sha256")
    return (count, sha256) if isinstance(count, int) and isinstance(sha256, str) else None


def _three(count: Count) -> tuple[int, int, int]:
    return count.low, count.likely, count.high


def _epochs(job: Resource | Instance) -> int | None:
    method = job.spec.get("method")
    said = method.get("epochs") if isinstance(method, Mapping) else None
    return said if isinstance(said, int) else None


def _name(rows: str, target: Target) -> str:
    context = context_of(target)
    limit = (context.tokens, context.effect) if context is not None else None
    parts = (_FORMAT, rows, tokenizer_of(target.model), limit)
    return sha256(repr(parts).encode()).hexdigest()
