"""The two ways in which a tuned model answers, told in the same words.

On demand: a custom model deployment, paid by the token; another model is put behind the same ARN.
Provisioned: model units by the hour; another model of the same base, never other units.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from tunectl.core.ports import Request
from tunectl.core.resource import Status
from tunectl.core.value import Plain
from tunectl.providers.bedrock.client import CONTROL, Cloud, fields, pages
from tunectl.providers.bedrock.job import moment
from tunectl.providers.bedrock.naming import as_tags, mark_pairs, served_name

ON_DEMAND, PROVISIONED = "on_demand", "provisioned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One of them, as it is now.

    Attributes:
        model: the ARN of the model that answers, or will when what is under way is over.
        spec: how it is bought, in the words of a declaration.
        until: when the commitment ends; None without one.
    """

    arn: str
    name: str
    model: str
    spec: Mapping[str, Plain]
    status: Status
    progress: str = ""
    reason: str = ""
    created_at: str = ""
    until: datetime | None = None


class Serving(Protocol):
    """One way of serving."""

    def make(self, request: Request) -> str:
        """Make it; return its ARN."""
        ...

    def look(self, arn: str) -> Served:
        """Return it as it is now.

        Raises:
            NotFoundError: there is none.
        """
        ...

    def every(self, part: str = "") -> Iterable[Served]:
        """Yield all whose name holds a part."""
        ...

    def move(self, arn: str, model: str) -> None:
        """Put another model behind it."""
        ...

    def remove(self, arn: str) -> None:
        """Delete it.

        Raises:
            ConflictError: it is being made or changed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Deployments:
    """Custom model deployments."""

    cloud: Cloud

    def make(self, request: Request) -> str:
        """Make it; return its ARN."""
        asked = {
            "modelDeploymentName": served_name(request.mark),
            "modelArn": str(request.spec["model"]),
            "tags": as_tags(mark_pairs(request.mark)),
            "clientRequestToken": request.mark.op,
        }
        answer = self.cloud.tell(
            CONTROL,
            "deploy the model",
            lambda c: fields(c.create_custom_model_deployment(**asked), "customModelDeploymentArn"),
        )
        return str(answer["customModelDeploymentArn"])

    def look(self, arn: str) -> Served:
        """Return it as it is now."""
        return _deployed(
            self.cloud.ask(
                CONTROL,
                f"read the deployment `{arn}`",
                lambda c: fields(
                    c.get_custom_model_deployment(customModelDeploymentIdentifier=arn),
                    *("customModelDeploymentArn", "status", "modelArn"),
                ),
            )
        )

    def every(self, part: str = "") -> Iterable[Served]:
        """Yield all whose name holds a part."""
        for one in pages(
            self.cloud,
            "list the deployments",
            "list_custom_model_deployments",
            "modelDeploymentSummaries",
            **({"nameContains": part} if part else {}),
        ):
            yield _deployed(one)

    def move(self, arn: str, model: str) -> None:
        """Put another model behind it."""
        self.cloud.tell(
            CONTROL,
            f"move the deployment `{arn}`",
            lambda c: c.update_custom_model_deployment(
                customModelDeploymentIdentifier=arn, modelArn=model
            ),
        )

    def remove(self, arn: str) -> None:
        """Delete it."""
        self.cloud.tell(
            CONTROL,
            f"delete the deployment `{arn}`",
            lambda c: c.delete_custom_model_deployment(customModelDeploymentIdentifier=arn),
        )


def _deployed(one: Mapping[str, Any]) -> Served:
    update = one.get("updateDetails") or {}
    state, moving = str(one.get("status")), update.get("updateStatus") == "Updating"
    status = {"Active": Status.READY, "Failed": Status.FAILED}.get(state, Status.PENDING)
    reason = str(one.get("failureMessage") or "") if status is Status.FAILED else ""
    if status is Status.READY and update.get("updateStatus") == "UpdateFailed":
        status = Status.FAILED
        reason = f"it still serves `{one['modelArn']}`: {one.get('failureMessage') or 'no reason'}"
    return Served(
        arn=str(one["customModelDeploymentArn"]),
        name=str(one.get("modelDeploymentName") or one.get("customModelDeploymentName")),
        model=str(update["modelArn"] if moving else one["modelArn"]),
        spec={"serving": ON_DEMAND},
        status=Status.PENDING if moving else status,
        progress="moving" if moving else "deploying" if status is Status.PENDING else "",
        reason=reason or ("the provider gives no reason" if status is Status.FAILED else ""),
        created_at=moment(one.get("createdAt")),
    )


@dataclass(frozen=True, slots=True)
class Throughput:
    """Provisioned throughput."""

    cloud: Cloud

    def make(self, request: Request) -> str:
        """Buy it; return its ARN."""
        spec = request.spec
        asked: dict[str, Any] = {
            "provisionedModelName": served_name(request.mark),
            "modelId": str(spec["model"]),
            "modelUnits": spec.get("model_units") or 1,
            "tags": as_tags(mark_pairs(request.mark)),
            "clientRequestToken": request.mark.op,
        }
        if spec.get("commitment"):
            asked["commitmentDuration"] = spec["commitment"]
        answer = self.cloud.tell(
            CONTROL,
            "buy provisioned throughput",
            lambda c: fields(c.create_provisioned_model_throughput(**asked), "provisionedModelArn"),
        )
        return str(answer["provisionedModelArn"])

    def look(self, arn: str) -> Served:
        """Return it as it is now."""
        return _bought(
            self.cloud.ask(
                CONTROL,
                f"read the throughput `{arn}`",
                lambda c: fields(
                    c.get_provisioned_model_throughput(provisionedModelId=arn),
                    *("provisionedModelArn", "status", "modelArn"),
                ),
            )
        )

    def every(self, part: str = "") -> Iterable[Served]:
        """Yield all whose name holds a part."""
        for one in pages(
            self.cloud,
            "list the provisioned throughput",
            "list_provisioned_model_throughputs",
            "provisionedModelSummaries",
            **({"nameContains": part} if part else {}),
        ):
            yield _bought(one)

    def move(self, arn: str, model: str) -> None:
        """Put another model behind it: the service takes one of the same base only."""
        self.cloud.tell(
            CONTROL,
            f"move the throughput `{arn}`",
            lambda c: c.update_provisioned_model_throughput(
                provisionedModelId=arn, desiredModelId=model
            ),
        )

    def remove(self, arn: str) -> None:
        """Delete it."""
        self.cloud.tell(
            CONTROL,
            f"delete the throughput `{arn}`",
            lambda c: c.delete_provisioned_model_throughput(provisionedModelId=arn),
        )


def _bought(one: Mapping[str, Any]) -> Served:
    state = str(one.get("status"))
    status = {"InService": Status.READY, "Failed": Status.FAILED}.get(state, Status.PENDING)
    reason = str(one.get("failureMessage") or "the provider gives no reason")
    spec: dict[str, Plain] = {
        "serving": PROVISIONED,
        "model_units": int(one.get("modelUnits") or 1),
    }
    if one.get("commitmentDuration"):
        spec["commitment"] = str(one["commitmentDuration"])
    return Served(
        arn=str(one["provisionedModelArn"]),
        name=str(one.get("provisionedModelName")),
        model=str(one.get("desiredModelArn") or one["modelArn"]),
        spec=spec,
        status=status,
        progress=state.lower() if status is Status.PENDING else "",
        reason=reason if status is Status.FAILED else "",
        created_at=moment(one.get("creationTime")),
        until=one.get("commitmentExpirationTime"),
    )
