"""Endpoints: a record that names a Claude model. Nothing remote is made, moved or removed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from tunectl.catalog.claude_models import find_claude
from tunectl.core.abilities import RECORD
from tunectl.core.errors import Diagnostic, InvalidRequestError, NotFoundError, Severity
from tunectl.core.ports import Request
from tunectl.core.resource import Instance, Resource
from tunectl.core.value import Plain
from tunectl.providers.anthropic.account import Account
from tunectl.providers.anthropic.client import Link
from tunectl.providers.instances import made
from tunectl.providers.recorded import Recorded


def _today() -> date:
    return datetime.now(UTC).date()


@dataclass(frozen=True, slots=True)
class Records(Recorded):
    """Handler of kind `endpoint`. Moving one changes its `model_id`."""

    link: Link
    account: Account
    today: Callable[[], date] = _today

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Refuse a retired model, and settings of services that deploy; warn of a coming end."""
        for name in sorted(resource.spec.keys() - {"model"}):
            if resource.spec[name] is not None:
                yield _diagnostic(
                    resource,
                    Severity.ERROR,
                    "provider-setting",
                    f"Anthropic deploys nothing, so `{name}` means nothing there",
                    "remove it",
                )
        model = resource.spec.get("model")
        if isinstance(model, str):
            yield from self._ends(resource, model)

    def _ends(self, resource: Resource, name: str) -> Iterator[Diagnostic]:
        model, day = find_claude(name), self.today()
        if model is None:
            yield _diagnostic(
                resource,
                Severity.WARNING,
                "model-unknown",
                f"`{name}` is no Claude model that this version knows",
                "`tunectl model list` shows those of the account",
            )
        elif model.is_retired(day):
            yield _diagnostic(
                resource,
                Severity.ERROR,
                "model-retired",
                f"`{name}` ({model.title}) was retired on {model.retires}: requests to it fail",
                f"use `{model.successor}`, which Anthropic recommends instead",
                model.source,
            )
        elif model.is_deprecated(day):
            yield _diagnostic(
                resource,
                Severity.WARNING,
                "model-retiring",
                f"`{name}` ({model.title}) will be retired on {model.retires}",
                f"move to `{model.successor}`, which Anthropic recommends instead",
                model.source,
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return the record: there is nothing that could have changed it."""
        return replace(instance, outputs=self._outputs(str(instance.spec["model"])))

    def create(self, request: Request) -> Instance:
        """Return a record, once the account is known to have the model.

        Raises:
            InvalidRequestError: it has no such model.
        """
        name = str(request.spec["model"])
        try:
            self.link.ask(f"read the model `{name}`", lambda c: c.models.retrieve(name))
        except NotFoundError as error:
            raise InvalidRequestError.of(
                f"this account has no model `{name}`",
                hint="`tunectl model list` shows those it has",
                detail=error.diagnostics[0].detail,
                address=str(request.resource.address),
            ) from None
        return made(
            request,
            account=self.account.id(),
            id=f"{RECORD}{request.mark.op}",
            outputs=self._outputs(name),
        )

    def _outputs(self, model: str) -> dict[str, Plain]:
        base = f"{self.link.url}/v1"
        return {"model_id": model, "base_url": base, "invoke": f"{base}/messages"}


def _diagnostic(
    resource: Resource, severity: Severity, code: str, summary: str, hint: str, detail: str = ""
) -> Diagnostic:
    return Diagnostic(
        summary=summary,
        severity=severity,
        hint=hint,
        detail=detail,
        code=code,
        address=str(resource.address),
        source=resource.source,
    )
