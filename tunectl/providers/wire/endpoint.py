"""Endpoints: a stable name for a model where the service has aliases, else a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote as quoted
from typing import Any
from urllib.parse import quote

from tunectl.core.abilities import RECORD
from tunectl.core.errors import ConflictError, Diagnostic, NotFoundError, Severity
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Address, Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.instances import found, made
from tunectl.providers.recorded import Recorded, continued
from tunectl.providers.wire.account import Account
from tunectl.providers.wire.client import Wire, fields
from tunectl.providers.wire.listing import moment
from tunectl.providers.wire.naming import OP, alias_name, carries, mark_metadata, mark_of
from tunectl.providers.wire.profile import Profile

_DECLARED = "tunectl-model"  # metadata of an alias: the model as it was declared


def outputs_of(wire: Wire, model: str) -> dict[str, Plain]:
    """Return what others may refer to: the model's name for callers, and where to call it."""
    return {
        "model_id": model,
        "base_url": wire.base_url,
        "invoke": f"{wire.base_url}/chat/completions",
    }


def no_deployment(profile: Profile, resource: Resource) -> Iterable[Diagnostic]:
    """Refuse the name of a deployment where there are none."""
    if resource.spec.get("deployment") and not profile.deployments:
        yield Diagnostic(
            summary=f"{profile.title} has no deployments that `deployment` could name",
            hint="leave it out",
            code="provider-deployment",
            address=str(resource.address),
            source=resource.source,
        )


@dataclass(frozen=True, slots=True)
class Records(Recorded):
    """Handler of kind `endpoint` where a model answers under its own id: nothing remote is made.

    Moving the endpoint changes its `model_id`.
    """

    wire: Wire
    account: Account

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say where a tuned model needs something deployed that is not managed."""
        profile = self.wire.profile
        yield from no_deployment(profile, resource)
        if profile.serves_tuned_models or profile.deployments:
            return  # that a deployment is not named was told when the project was read
        yield Diagnostic(
            summary=f"{profile.title} answers for a tuned model only after {profile.deploys_by}; "
            "this is not managed yet",
            severity=Severity.WARNING,
            hint="deploy it there by hand; this endpoint only records the model's id",
            code="provider-deployment",
            address=str(resource.address),
            source=resource.source,
        )

    def read(self, instance: Instance) -> Instance | None:
        """Return the record: there is nothing that could have changed it."""
        return replace(instance, outputs=outputs_of(self.wire, _served(instance.spec)))

    def create(self, request: Request) -> Instance:
        """Return a record; nothing is sent."""
        return made(
            request,
            account=self.account.id(),
            id=f"{RECORD}{request.mark.op}",
            outputs=outputs_of(self.wire, _served(request.spec)),
        )


@dataclass(frozen=True, slots=True)
class Aliases:
    """Handler of kind `endpoint` where the service keeps aliases: a name that never changes.

    `PUT` replaces an alias in one step, so callers always reach a whole model.

    Attributes:
        prepare: makes a base model ready and returns the name to send; None when nothing is to be
            made ready.
    """

    wire: Wire
    account: Account
    prepare: Callable[[str], str] | None = None

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Refuse what has no meaning here."""
        return no_deployment(self.wire.profile, resource)

    def read(self, instance: Instance) -> Instance | None:
        """Return the alias as it is now, None when it is gone."""
        try:
            alias = self._get(instance.id)
        except NotFoundError:
            return None
        metadata = alias.get("metadata")
        if not instance.op:  # one to import: whoever made it
            instance = replace(instance, op=_op(metadata))
        elif not carries(metadata, OP, instance.op):
            return None  # ours is gone, and somebody else took the name
        spec = {**instance.spec, "model": _model(alias)}
        return replace(instance, spec=spec, outputs=outputs_of(self.wire, instance.id))

    def create(self, request: Request) -> Instance:
        """Make the alias.

        Raises:
            ConflictError: the name is taken by an alias that this request did not make.
        """
        name, address = alias_name(request.mark), request.resource.address
        try:
            before = self._get(name)
        except NotFoundError:
            before = None
        if before is not None and not carries(before.get("metadata"), OP, request.mark.op):
            raise ConflictError.of(
                f"the alias `{name}` exists already and is not of this operation: "
                f"it stands for `{before.get('model')}`",
                hint=f"`tunectl import {quoted(str(address))} {quoted(name)}` takes it over; or "
                "rename the endpoint",
                address=str(address),
            )
        self._put(name, request.spec, mark_metadata(request.mark))
        return made(
            request,
            account=self.account.id(),
            id=name,
            outputs=outputs_of(self.wire, name),
        )

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return self.wire.profile.list_lag

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the aliases that carry the operation."""
        for alias in self._all():
            if carries(alias.get("metadata"), OP, mark.op):
                yield replace(
                    found(
                        mark,
                        provider=self.wire.provider,
                        account=self.account.id(),
                        id=str(alias["name"]),
                        outputs=outputs_of(self.wire, str(alias["name"])),
                    ),
                    spec={"model": _model(alias)},
                )

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the alias's metadata holds, if any."""
        return mark_of(self._get(instance.id).get("metadata"))

    def list(self) -> Iterable[Found]:
        """Yield every alias of the account, whoever made it."""
        account = self.account.id()
        for alias in self._all():
            name, metadata = str(alias["name"]), alias.get("metadata")
            mark = mark_of(metadata)
            yield Found(
                instance=Instance(
                    address=mark.address if mark else Address.of("endpoint", name),
                    provider=self.wire.provider,
                    account=account,
                    id=name,
                    spec={"model": _model(alias)},
                    outputs=outputs_of(self.wire, name),
                    op=_op(metadata),
                ),
                mark=mark,
                # It may be older than what it stands for now.
                created_at=moment(alias.get("updated_at") or alias.get("created_at")),
            )

    def _all(self) -> Sequence[Mapping[str, Any]]:
        return self.wire.ask(
            "list the aliases",
            lambda c: _aliases(fields(c.get(self._path(), cast_to=dict[str, Any]))),
        )

    def poll(self, instance: Instance) -> Instance:
        """Return the alias; it is never pending.

        Raises:
            NotFoundError: it is gone.
        """
        self._get(instance.id)
        return instance

    def update(self, request: Request) -> Instance:
        """Let the alias stand for another model, keeping its name and mark."""
        prior = request.prior
        mark = request.mark if prior is None else replace(request.mark, op=prior.op)
        name = alias_name(request.mark) if prior is None else prior.id
        self._put(name, request.spec, mark_metadata(mark))
        fresh = made(
            request, account=self.account.id(), id=name, outputs=outputs_of(self.wire, name)
        )
        return fresh if prior is None else continued(fresh, prior)

    def delete(self, instance: Instance) -> Instance | None:
        """Remove the alias; nothing stays. One that somebody else made meanwhile is left alone."""
        path = self._path(instance.id)
        try:
            metadata = self._get(instance.id).get("metadata")
            if instance.op and not carries(metadata, OP, instance.op):
                return None
            self.wire.tell(
                f"delete the alias `{instance.id}`",
                lambda c: c.delete(path, cast_to=dict[str, Any]),
            )
        except NotFoundError:
            return None
        return None

    def _get(self, name: str) -> dict[str, Any]:
        path = self._path(name)
        return self.wire.ask(
            f"read the alias `{name}`",
            lambda c: fields(c.get(path, cast_to=dict[str, Any]), "name", "model"),
        )

    def _put(self, name: str, spec: Mapping[str, Plain], metadata: Mapping[str, str]) -> None:
        declared = model = _served(spec)
        if self.prepare is not None:
            model = self.prepare(declared)
        told = dict(metadata) if model == declared else {**metadata, _DECLARED: declared}
        path, content = self._path(name), {"model": model, "metadata": told}
        self.wire.tell(
            f"set the alias `{name}`",
            lambda c: fields(c.put(path, cast_to=dict[str, Any], body=content), "name"),
        )

    def _path(self, name: str = "") -> str:
        path = self.wire.profile.alias_path or ""
        return f"{path}/{quote(name, safe='')}" if name else path


def _model(alias: Mapping[str, Any]) -> str:
    """Return the model as it was declared: a path, where the service knows it by another name."""
    metadata = alias.get("metadata")
    declared = metadata.get(_DECLARED) if isinstance(metadata, Mapping) else None
    return declared if isinstance(declared, str) and declared else str(alias["model"])


def _op(metadata: object) -> str:
    op = metadata.get(OP) if isinstance(metadata, Mapping) else None
    return op if isinstance(op, str) else ""


def _aliases(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise SenselessAnswerError("`data` is missing")
    return [fields(alias, "name", "model") for alias in data]


def _served(spec: Mapping[str, Plain]) -> str:
    """Return the name that callers give: of a deployment where there is one, else of the model."""
    return str(spec.get("deployment") or spec["model"])
