"""What an endpoint costs each month, though nobody asks it anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from tunectl.catalog.prices import Price, prices
from tunectl.config.prices import own_prices
from tunectl.config.services import service_of
from tunectl.core.dataclass import dataclass
from tunectl.core.money import Estimate, unknown
from tunectl.core.plan import Action, Change
from tunectl.core.project import Project
from tunectl.core.value import Value

_MADE = frozenset({Action.CREATE, Action.REPLACE, Action.RECREATE})
_RENTED = frozenset({"machine_type", "accelerator", "replicas", "spot"})  # what the bill depends on
_HOURS = Decimal(365 * 24) / 12  # of a month


def with_rent(project: Project, change: Change) -> Change:
    """Return a change of an endpoint with what it bills by the hour; one that bills nothing as is.

    That is machines at Vertex AI and model units at Bedrock, used or not. The fewest machines
    bill always, so they are counted and no more. Of what changes in place the new price is said,
    and nothing is added to the bill of the plan: a part of it is paid already.
    """
    if change.address.kind != "endpoint" or change.after is None or not _billed_anew(change):
        return change
    provided = project.providers.get(change.provider)
    behind = service_of(provided) if provided is not None else None
    if behind is None:
        return change
    spec = change.after.spec
    known = (*own_prices(project.prices, change.provider), *prices().get(behind.name, ()))
    if isinstance(machine := spec.get("machine_type"), str):
        rent = _machines(spec, machine, known)
        what, key = f"`{machine}`", machine
    elif spec.get("serving") == "provisioned":
        from tunectl.config.prompt_model import base_behind  # with what reads a declaration

        base = base_behind({one.address: one for one in project.resources}, spec.get("model"))
        rent = _units(spec, base, known)
        what, key = "model units", base or "BASE_MODEL"
    else:
        return change
    if rent is None:
        key = f'"{key}"' if ":" in key else key
        rent = unknown(
            f"{behind.title} bills {what} by the hour, and nobody says for how much: "
            f"`prices: {{{change.provider}: {{{key}: {{hour: 1.23 USD}}}}}}`"
        )
    return _told(change, rent)


@dataclass(frozen=True, slots=True)
class _Rent:
    """What is billed for each hour.

    Attributes:
        what: that is billed: `machines` or `model units`.
        source: who says so.
    """

    what: str
    hour: Decimal
    currency: str
    source: str


def _billed_anew(change: Change) -> bool:
    if change.action in _MADE:
        return True
    touched = {delta.path[0] for delta in change.deltas}
    return change.action is Action.UPDATE and not touched.isdisjoint(_RENTED)


def _told(change: Change, rent: _Rent | Estimate) -> Change:
    made = change.action in _MADE
    if isinstance(rent, Estimate):
        why = f"what it costs from now on is unknown ({'; '.join(rent.unknown)})"
        if made:
            return replace(change, estimate=rent)
        return replace(change, notes=(*change.notes, why))
    idle = (rent.hour * _HOURS).quantize(Decimal("0.01"))
    said = f"{rent.what}: {rent.hour} {rent.currency} for each hour, used or not ({rent.source})"
    noted = replace(change, notes=(*change.notes, said))
    if not made or not idle:
        return noted
    return replace(noted, estimate=Estimate(idle=idle, currency=rent.currency))


def _machines(
    spec: Mapping[str, Value], machine: str, known: tuple[Price, ...]
) -> _Rent | Estimate | None:
    """Return what machines cost; an estimate where it cannot be told, None without a price."""
    price = _priced(machine, known)
    more, count = _accelerator(spec, known)
    if price is None:
        return None
    if more is not None and more.currency != price.currency:
        return unknown(f"the prices of `{machine}` and `{more.model}` are in two currencies")
    each = _hour(price) + (_hour(more) * count if more is not None else 0)
    return _Rent("machines", each * _fewest(spec), price.currency, price.source)


def _units(spec: Mapping[str, Value], base: str | None, known: tuple[Price, ...]) -> _Rent | None:
    """Return what model units cost: a tuned model's are those of its base (AWS, 2026-11)."""
    price = _priced(base, known) if base is not None else None
    if price is None:
        return None
    units = spec.get("model_units")
    number = units if isinstance(units, int) else 1
    return _Rent("model units", _hour(price) * number, price.currency, price.source)


def _priced(type_: str, known: tuple[Price, ...]) -> Price | None:
    return next((one for one in known if one.model == type_ and one.hour is not None), None)


def _hour(price: Price) -> Decimal:
    return price.hour if price.hour is not None else Decimal(0)


def _accelerator(spec: Mapping[str, Value], known: tuple[Price, ...]) -> tuple[Price | None, int]:
    """Return what is paid for each accelerator beside the machine, and how many there are."""
    told = spec.get("accelerator")
    if not isinstance(told, Mapping):
        return None, 0
    count = told.get("count")
    return _priced(str(told.get("type")), known), count if isinstance(count, int) else 1


def _fewest(spec: Mapping[str, Value]) -> int:
    replicas = spec.get("replicas")
    least = replicas.get("min") if isinstance(replicas, Mapping) else None
    return least if isinstance(least, int) else 1
