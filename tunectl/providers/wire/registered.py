"""Endpoints where a checkpoint is registered before it is served: Nebius Token Factory.

`POST /v0/models {name, base_model, source, description}` answers with the name that callers give,
`BASE-LoRa:NAME-XXXX`; it is served when its status is `active` (cookbook, `fine_tune_llama`,
2026-08). A registered model is one checkpoint for good: an endpoint moves by another registration.
The owner mark is in the description, and the name ends in the first digits of the operation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from tunectl.core.errors import Diagnostic, NotFoundError
from tunectl.core.ports import Found, Mark, Request
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.value import Address, Plain
from tunectl.providers.attempt import SenselessAnswerError
from tunectl.providers.instances import found, made, unchangeable
from tunectl.providers.latin import ascii_name
from tunectl.providers.wire.account import Account
from tunectl.providers.wire.client import Wire, fields
from tunectl.providers.wire.endpoint import Records, no_deployment, outputs_of
from tunectl.providers.wire.listing import moment
from tunectl.providers.wire.naming import mark_metadata, mark_of

_ENDS = {"active": Status.READY, "error": Status.FAILED}
_TUNED = "ftjob-"
_LONGEST_NAME = 40
_OP_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Registered:
    """Handler of kind `endpoint` where tuned models are registered; a base model is a record."""

    wire: Wire
    account: Account

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Refuse what has no meaning here."""
        return no_deployment(self.wire.profile, resource)

    def read(self, instance: Instance) -> Instance | None:
        """Return the registered model as it is now, None when it is gone."""
        if not _is_tuned(instance.spec):
            return self._record.read(instance)
        try:
            return self._shown(instance, self._get(instance.id))
        except NotFoundError:
            return None

    def create(self, request: Request) -> Instance:
        """Register the checkpoint; it is pending until it is served.

        Raises:
            InvalidRequestError: the job, or its checkpoint, is not there.
        """
        if not _is_tuned(request.spec):
            return self._record.create(request)
        source = str(request.spec["model"])
        body = {
            "name": _name(request.mark),
            "base_model": self._served_as(source),
            "source": source,
            "description": _description(request.mark),
        }
        url = self._url()
        model = self.wire.tell(
            f"register the model `{source}`",
            lambda c: fields(c.post(url, cast_to=dict[str, Any], body=body), "name"),
        )
        account, name = self.account.id(), str(model["name"])
        blank = made(request, account=account, id=name, outputs={}, status=Status.PENDING)
        return self._shown(blank, model)

    @property
    def lag(self) -> float:
        """Seconds for which `find` may not show what was just made."""
        return self.wire.profile.list_lag

    def find(self, mark: Mark) -> Iterable[Instance]:
        """Yield the registered models that carry the operation."""
        account = self.account.id()
        for model in self._all():
            told = _mark(model)
            ours = told.op == mark.op if told else f":{_name(mark)}-" in str(model["name"])
            if ours:
                name = str(model["name"])
                blank = found(
                    mark, provider=self.wire.provider, account=account, id=name, outputs={}
                )
                spec: dict[str, Plain] = {"model": str(model.get("source") or "")}
                yield self._shown(replace(blank, spec=spec), model)

    def mark(self, instance: Instance) -> Mark | None:
        """Return the mark that the model's description holds, if any."""
        return _mark(self._get(instance.id)) if _is_tuned(instance.spec) else None

    def list(self) -> Iterable[Found]:
        """Yield every registered model of the account, whoever registered it."""
        account = self.account.id()
        for model in self._all():
            mark, name = _mark(model), str(model["name"])
            blank = Instance(
                address=mark.address if mark else Address.of("endpoint", name),
                provider=self.wire.provider,
                account=account,
                id=name,
                spec={"model": str(model.get("source") or "")},
                outputs={},
                op=mark.op if mark else "",
            )
            yield Found(
                instance=self._shown(blank, model),
                mark=mark,
                created_at=moment(model.get("created_at")),
            )

    def poll(self, instance: Instance) -> Instance:
        """Return how far it is.

        Raises:
            NotFoundError: it is gone.
        """
        if not _is_tuned(instance.spec):
            return instance
        return self._shown(instance, self._get(instance.id))

    def update(self, request: Request) -> Instance:
        """Move a record of a base model; a registered model is registered anew instead.

        Raises:
            InvalidRequestError: a tuned model is or was behind it.
        """
        prior = request.prior
        if _is_tuned(request.spec) or (prior is not None and _is_tuned(prior.spec)):
            raise unchangeable("a registered model", request)
        return self._record.update(request)

    def delete(self, instance: Instance) -> Instance | None:
        """Take the model out of the registry; its job and checkpoints stay."""
        if not _is_tuned(instance.spec):
            return None
        url = self._url(instance.id)
        try:
            self.wire.tell(
                f"delete the model `{instance.id}`",
                lambda c: c.delete(url, cast_to=object),
            )
        except NotFoundError:
            return None
        return None

    @property
    def _record(self) -> Records:
        return Records(self.wire, self.account)

    def _shown(self, instance: Instance, model: Mapping[str, Any]) -> Instance:
        state = str(model.get("status") or "")
        status = _ENDS.get(state, Status.PENDING)
        reason = str(model.get("status_reason") or "the model was not accepted")
        return replace(
            instance,
            status=status,
            outputs=outputs_of(self.wire, str(model["name"])),
            progress=state or "being registered" if status is Status.PENDING else "",
            reason=reason if status is Status.FAILED else "",
        )

    def _served_as(self, source: str) -> str:
        """Return the base model's name where it is served: the job tells which it was."""
        job_id = source.partition(":")[0]
        job = self.wire.ask(
            f"read the job `{job_id}`",
            lambda c: fields(c.fine_tuning.jobs.retrieve(job_id), "id", "model"),
        )
        return self.wire.profile.serving_names.get(job["model"], str(job["model"]))

    def _get(self, name: str) -> dict[str, Any]:
        url = self._url(name)
        return self.wire.ask(
            f"read the model `{name}`",
            lambda c: fields(c.get(url, cast_to=dict[str, Any]), "name"),
        )

    def _all(self) -> Sequence[Mapping[str, Any]]:
        url = self._url()
        return self.wire.ask(
            "list the registered models",
            lambda c: _models(fields(c.get(url, cast_to=dict[str, Any]))),
        )

    def _url(self, name: str = "") -> str:
        parts = urlsplit(self.wire.base_url)
        root = f"{parts.scheme}://{parts.netloc}{self.wire.profile.registry}"
        return f"{root}/{quote(name, safe='/:')}" if name else root


def _models(answer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    data = answer.get("data")
    if not isinstance(data, list):
        raise SenselessAnswerError("`data` is missing")
    return [fields(model, "name") for model in data]


def _is_tuned(spec: Mapping[str, Plain]) -> bool:
    """Tell a checkpoint (`ftjob-…:ftckpt_…`) from a model that answers under its own id."""
    model = spec.get("model")
    return isinstance(model, str) and model.startswith(_TUNED) and ":" in model


def _name(mark: Mark) -> str:
    parts = (mark.project, *mark.address.path, mark.address.key or "")
    text = "-".join(part for part in map(ascii_name, parts) if part)[:_LONGEST_NAME].strip("-")
    return f"{text or 'model'}-{mark.op[:_OP_DIGITS]}"


def _description(mark: Mark) -> str:
    return json.dumps(mark_metadata(mark), ensure_ascii=False)


def _mark(model: Mapping[str, Any]) -> Mark | None:
    try:
        return mark_of(json.loads(str(model.get("description") or "")))
    except ValueError:
        return None
