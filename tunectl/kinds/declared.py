"""What every kind has in common."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from pydantic import Field, model_validator

from tunectl.kinds import rules
from tunectl.kinds.time import Duration, Instant
from tunectl.kinds.values import Fields, Texts


class LifecycleFields(Fields):
    """How replacing and deleting is handled."""

    protect: bool = Field(
        default=False, description="Refuse any plan that deletes or replaces this resource."
    )
    ignore_changes: Texts = Field(
        default_factory=list,
        description="Fields whose edits are not applied; `method.epochs` names a part of one.",
    )
    keep_on_destroy: bool = Field(
        default=False, description="Forget the remote object instead of deleting it."
    )
    keep_previous: int | None = Field(
        default=None,
        ge=0,
        description=(
            "How many replaced objects to keep. For tuning jobs 1 where keeping costs nothing, "
            "else 0."
        ),
    )


@cache
def _unsaid() -> LifecycleFields:
    """Return the one object of all that say nothing; it is frozen."""
    return LifecycleFields()


class Declared(Fields):
    """The fields that every kind takes.

    Attributes:
        builtin: it belongs to no provider; `provider:` on it is an error.
        importable: one that exists at a provider can be taken over by its id.
        outputs: what other resources may refer to; empty where that depends on the resource.
        main_output: what a reference that names no output means.
        compared: the fields whose edits `ignore_changes` may name.
    """

    builtin: ClassVar[bool] = False
    importable: ClassVar[bool] = False
    outputs: ClassVar[tuple[str, ...]] = ()
    main_output: ClassVar[str | None] = None
    compared: ClassVar[tuple[str, ...]] = ()

    provider: str | None = Field(
        default=None,
        description="A name under `providers:`. Without it the `default_provider` is used.",
    )
    for_each: list[str] | dict[str, Any] | None = Field(
        default=None,
        description=(
            "Make one resource for each item of a list of texts, or each key of a map; "
            "`${each.key}` and `${each.value}` tell them apart."
        ),
    )
    depends_on: Texts = Field(
        default_factory=list,
        description="Addresses that must be ready first, beyond those that are referred to.",
    )
    lifecycle: LifecycleFields = Field(
        default_factory=_unsaid, description="Protection, and what is kept."
    )
    labels: dict[str, str] = Field(
        default_factory=dict, description="Added to the project's `labels`."
    )


class Remote(Declared):
    """The fields of kinds whose object lives at a provider, can be imported and can be deleted."""

    importable: ClassVar[bool] = True

    expires_after: Duration | None = Field(
        default=None,
        description=(
            "Delete it so long after its creation: `12h`, `30d`, `2w`. By the next `apply` after "
            "that, where the provider does not do it."
        ),
    )
    expires_at: Instant | None = Field(
        default=None,
        description=(
            "Delete it then, instead of `expires_after`: `2027-01-31` (00:00 UTC) or "
            "`2027-01-31T18:00+01:00`."
        ),
    )

    _expires_once = model_validator(mode="after")(rules.expires_once)
