"""Tuning jobs: their data, their identity, and what the service would refuse anyway."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any, cast

from tunectl.catalog.open_models import open_model
from tunectl.catalog.provider_types import Service, provider_types
from tunectl.catalog.row_form import row_form
from tunectl.config.base_model import base_of, check_base_model, retirement
from tunectl.config.datasets import Rows, dataset_ref, rows_of
from tunectl.config.derive import fingerprint, in_file_order, upload
from tunectl.config.drafts import Draft
from tunectl.config.expiry import expiry
from tunectl.config.limits import check_job, check_rows, check_tunes
from tunectl.config.origin import origin
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.project import Provided
from tunectl.core.resource import Recreate, Resource
from tunectl.core.value import SCALARS, Address, Join, Plain, Ref, Value, shown
from tunectl.kinds import TUNING_JOB

if TYPE_CHECKING:
    from tunectl.kinds.tuning_job import TuningJob

_IMMUTABLE = frozenset({"base_model", "method", "seed", "data", "trainer"})
_DEFERRED = frozenset({"suffix", "metadata", "integrations"})
_INPUTS = frozenset({"training_file", "validation_file"})
_DEFAULT_TRAINER = "lora"
_DEFAULT_FORMAT = "chat"


@dataclass(slots=True)
class _Job:
    """A tuning job on the way down."""

    draft: Draft
    model: TuningJob
    provider: Provided
    base: str | Ref | Join
    method: Mapping[str, Value]
    training: Rows
    validation: Rows | None
    trainer: str | None = None
    fingerprint: str | None = None
    open: bool = field(default=False)


def lower_jobs(world: World) -> None:
    """Declare every tuning job and the uploads it needs."""
    jobs: dict[Address, _Job] = {}
    for draft in in_file_order(world.drafts, "tuning_job"):
        job = _resolved(world, draft)
        if job is not None:
            jobs[draft.address] = job
    known: dict[str, str] = {}
    for address, job in jobs.items():
        job.fingerprint = _fingerprint(job, jobs, known)
        world.resources[address] = _resource(world, job)


def _resolved(world: World, draft: Draft) -> _Job | None:
    model = draft.model
    assert TUNING_JOB.fits(model)
    provider = world.provider(draft)
    service = world.service(provider) if provider is not None else None
    if not check_tunes(world, draft, provider, service):
        return None
    base = world.model_reference(draft, model.base_model, ("tuning_job",), "base_model")
    training, validation, sound = _data(world, draft, model)
    world.depends_on(draft)
    if provider is not None and service is not None:
        check_job(world, draft, model, provider, service)
        if isinstance(base, str):
            check_base_model(world, draft, base, provider, service)
        if training is not None:
            check_rows(world, draft, training, provider, service)
    if provider is None or base is None or training is None or not sound:
        return None
    method = _method(model)
    return _Job(draft, model, provider, base, method, training, validation, _trainer(provider))


def _data(world: World, draft: Draft, model: TuningJob) -> tuple[Rows | None, Rows | None, bool]:
    """Return training and validation rows, and whether all that was said could be found."""
    if model.data is None:
        assert model.training is not None
        training = rows_of(world, draft, model.training, ("training",))
        if model.validation is None:
            return training, None, True
        validation = rows_of(
            world, draft, model.validation, ("validation",), otherwise="validation"
        )
        return training, validation, validation is not None
    ref = dataset_ref(world, draft, model.data, ("data",))
    if ref is None:
        return None, None, False
    if ref.path:
        world.problems.error(
            f"`data` takes a whole dataset, and `{ref}` is a split",
            draft.at("data"),
            code="wrong-reference",
            hint=f"write `data: {ref.address}`, or `training: {ref}`",
            address=str(draft.address),
        )
        return None, None, False
    training = rows_of(world, draft, ref, ("data",))
    dataset = world.datasets.get(ref.address)
    if dataset is None or "validation" not in dataset.splits:
        return training, None, True
    return training, rows_of(world, draft, ref, ("data",), otherwise="validation"), True


def _trainer(provider: Provided) -> str | None:
    versions = provider_types()[provider.type].trainers if provider.type in provider_types() else {}
    name = str(provider.settings.get("trainer") or _DEFAULT_TRAINER)
    return f"{name}/{versions[name]}" if name in versions else None


def _fingerprint(job: _Job, jobs: Mapping[Address, _Job], known: dict[str, str]) -> str | None:
    """Return a job's identity; a base that another job makes counts by that job's identity.

    A line of jobs may be as long as the project: it is followed to its end, then back.
    """
    line: list[_Job] = []
    at: _Job | None = job
    while at is not None and at.fingerprint is None and not at.open:
        at.open = True
        line.append(at)
        at = jobs.get(at.base.address) if isinstance(at.base, Ref) else None
    for one in reversed(line):
        one.fingerprint = _identity(one, jobs, known)
        one.open = False
    return job.fingerprint


def _identity(job: _Job, jobs: Mapping[Address, _Job], known: dict[str, str]) -> str:
    """Return what a job is; of the many that differ in other things it is made once.

    Args:
        job: the job.
        jobs: all, of which one may make its base.
        known: what was made before, by all that it is made from.
    """
    base: Plain = str(job.base)
    if isinstance(job.base, Ref):
        before = jobs.get(job.base.address)
        base = {"tuning_job": before.fingerprint if before is not None else None}
    validation = job.validation.sha256 if job.validation is not None else None
    parts = (base, job.method, job.model.seed, job.training.sha256, validation, job.trainer)
    about = repr(parts)  # which tells 1, 1.0 and True apart
    if about not in known:
        known[about] = fingerprint(
            base_model=base,
            method={name: shown(value) for name, value in job.method.items()},
            seed=job.model.seed,
            training=job.training.sha256,
            validation=validation,
            trainer=job.trainer,
        )
    return known[about]


def _method(model: TuningJob) -> dict[str, Value]:
    """Return the method with what the user set; `auto` is like leaving out."""
    return {name: _frozen(value) for name, value in vars(model.method).items() if value is not None}


def _frozen(value: Any) -> Value:  # noqa: ANN401  # a tree of the declaration
    if value.__class__ in SCALARS:
        return cast("Value", value)
    if isinstance(value, Mapping):
        return {str(key): _frozen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_frozen(item) for item in value)
    return cast("Value", value)


def _resource(world: World, job: _Job) -> Resource:
    draft, model, service = job.draft, job.model, world.service(job.provider)
    spec = _spec(job)
    spec["training_file"] = _file(world, job, job.training, service)
    if job.validation is not None:
        spec["validation_file"] = _file(world, job, job.validation, service)
    free = service is not None and service.keeping_costs is False
    # Weights of an open model are gigabytes in the user's bucket.
    heavy = (
        service is not None
        and bool(service.open_formats)
        and open_model(base_of(world, job.base)) is not None
    )
    keep = 1 if free and not heavy else 0
    return Resource(
        address=draft.address,
        provider=job.provider.name,
        spec=spec,
        immutable=_IMMUTABLE,
        deferred=_DEFERRED,
        inputs=_INPUTS,
        fingerprint=job.fingerprint,
        outputs=model.outputs,
        depends_on=world.depends_on(draft),
        lifecycle=world.lifecycle(draft, keep_previous=keep),
        recreate=Recreate.ON_REQUEST,
        retired=retirement(str(job.base), service, world.now)
        if service is not None and isinstance(job.base, str)
        else "",
        expires=expiry(world, draft),
        origin=origin(world, draft),
        labels=world.labels_of(draft),
        source=draft.source,
    )


def _spec(job: _Job) -> dict[str, Value]:
    model = job.model
    data: dict[str, Value] = {"training": _counted(job.training)}
    if job.validation is not None:
        data["validation"] = _counted(job.validation)
    spec: dict[str, Value] = {"base_model": job.base, "method": job.method, "data": data}
    if model.seed is not None:
        spec["seed"] = model.seed
    if job.trainer is not None:
        spec["trainer"] = job.trainer
    if model.suffix is not None:
        spec["suffix"] = model.suffix
    if model.metadata:
        spec["metadata"] = dict(model.metadata)
    if model.integrations:
        spec["integrations"] = tuple(
            {
                "type": "wandb",
                "wandb": {
                    key: tuple(value) if isinstance(value, list) else value
                    for key, value in one.wandb.model_dump(exclude_unset=True).items()
                },
            }
            for one in model.integrations
        )
    return spec


def _counted(rows: Rows) -> dict[str, Value]:
    return {"rows": rows.rows, "sha256": rows.sha256}


def _file(world: World, job: _Job, rows: Rows, service: Service | None) -> Ref:
    format_ = row_form(service, job.model.method.type, base_of(world, job.base)) or _DEFAULT_FORMAT
    return Ref(upload(world, rows.dataset, rows.split, job.provider.name, format_), ("file_id",))
