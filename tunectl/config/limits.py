"""What a service would refuse, said before anything is sent. Facts come from the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tunectl.catalog.provider_types import Service
from tunectl.config.datasets import Rows
from tunectl.config.drafts import Draft
from tunectl.config.problems import listed
from tunectl.config.world import World
from tunectl.core.errors import Exit
from tunectl.core.project import Provided

if TYPE_CHECKING:
    from tunectl.kinds.tuning_job import TuningJob

# Pairs of a job's metadata that carry our owner mark.
_OURS = 6


def check_tunes(
    world: World, draft: Draft, provider: Provided | None, service: Service | None
) -> bool:
    """Say whether a service trains at all, and where it does not, what works there."""
    if provider is None or service is None or not service.no_tuning:
        return True
    world.problems.error(
        f"{service.title} trains no models, so provider `{provider.name}` can have no `tuning_job`",
        draft.at("provider"),
        code="no-tuning",
        hint=service.no_tuning,
        detail=f"{service.source}, {service.source_date}",
        address=str(draft.address),
    )
    return False


def check_job(
    world: World, draft: Draft, model: TuningJob, provider: Provided, service: Service
) -> None:
    """Check method, hyper-parameters, suffix and metadata."""
    method = model.method
    if method.type not in service.formats:
        _no(
            world,
            draft,
            f"{service.title} does not train `{method.type}`",
            ("method", "type"),
            f"provider `{provider.name}` trains {listed(service.formats)}",
        )
    for name, bounds in (("epochs", service.epochs), ("batch_size", service.batch_size)):
        value = getattr(method, name)
        if bounds is not None and value is not None and not bounds[0] <= value <= bounds[1]:
            _no(
                world,
                draft,
                f"`{name}` is {value}; {service.title} takes {bounds[0]} to {bounds[1]}",
                ("method", name),
            )
    _check_suffix(world, draft, model, service)
    most = service.metadata_pairs
    if most is not None and len(model.metadata) > most - _OURS:
        _no(
            world,
            draft,
            f"`metadata` has {len(model.metadata)} pairs; {most - _OURS} are free",
            ("metadata",),
            f"{service.title} keeps {most}, of which {_OURS} mark whose the job is",
        )


def _check_suffix(world: World, draft: Draft, model: TuningJob, service: Service) -> None:
    suffix = model.suffix
    if suffix is None:
        return
    if service.suffix_supported is False:
        _no(world, draft, f"{service.title} takes no `suffix`", ("suffix",), "remove it")
    elif service.suffix_longest is not None and len(suffix) > service.suffix_longest:
        _no(
            world,
            draft,
            f"`suffix` has {len(suffix)} characters; {service.title} takes "
            f"{service.suffix_longest}",
            ("suffix",),
        )
    for char in service.suffix_forbidden:
        if char in suffix:
            _no(world, draft, f"{service.title} takes no `{char}` in `suffix`", ("suffix",))


def check_rows(
    world: World, draft: Draft, rows: Rows, provider: Provided, service: Service
) -> None:
    """Check the number of training rows; data that can be read and breaks a rule is refused (3)."""
    least, most = service.least_rows, service.most_rows
    wrong = ""
    if least is not None and rows.rows < least:
        wrong = f"{service.title} takes at least {least}"
    elif most is not None and rows.rows > most:
        wrong = f"{service.title} takes at most {most}"
    if not wrong:
        return
    field = "data" if draft.node.find(("data",))[1] else "training"
    plural = "row" if rows.rows == 1 else "rows"
    world.problems.error(
        f"`{rows.dataset}` has {rows.rows} {plural} in `{rows.split}`; {wrong}",
        draft.at(field),
        code="row-count",
        hint="add rows, or hold fewer back with `split:`" if least and rows.rows < least else "",
        detail=f"provider `{provider.name}`; {service.source}, {service.source_date}",
        address=str(draft.address),
        exit=Exit.REFUSED,
    )


def _no(world: World, draft: Draft, summary: str, path: tuple[str, ...], hint: str = "") -> None:
    world.problems.error(
        summary, draft.at(*path), code="limit", hint=hint, address=str(draft.address)
    )
