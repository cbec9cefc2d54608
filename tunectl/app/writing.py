"""A declaration for an object that exists: what its provider tells, and what nobody can tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tunectl.config.editing import flow
from tunectl.core.project import Project
from tunectl.core.resource import Instance, Resource
from tunectl.core.state import State
from tunectl.core.value import Address, Plain

_ORDER = ("base_model", "method", "seed", "suffix", "metadata")


@dataclass(frozen=True, kw_only=True)
class Described:
    """The fields of a resource.

    Attributes:
        fields: what is known.
        missing: what a person must fill in, so that the file is refused until it is done.
        notes: a comment for each field that is missing.
    """

    fields: Mapping[str, Plain]
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def describe(
    resource: Resource,
    now: Instance,
    project: Project,
    state: State,
    arriving: Iterable[Instance] = (),
) -> Described:
    """Return the declaration of an object as it is.

    What is not known for certain is left out, never guessed: a wrong guess would plan to make the
    object anew.

    Args:
        resource: its address and provider.
        now: the object.
        project: the declaration.
        state: what is recorded.
        arriving: what is imported already and not recorded yet.
    """
    fields: dict[str, Plain] = {}
    if resource.provider != project.default_provider:
        fields["provider"] = resource.provider
    models = _models([*state.instances.values(), *arriving])
    if resource.address.kind == "endpoint":
        model = str(now.spec.get("model", ""))
        return Described(fields={**fields, "model": models.get(model, model)})
    for name in _ORDER:
        if name in now.spec:
            fields[name] = now.spec[name]
    base = str(now.spec.get("base_model", ""))
    fields["base_model"] = models.get(base, base)
    training, validation = now.spec.get("training_file"), now.spec.get("validation_file")
    sources = _sources(project, state, training, validation)
    if sources:
        return Described(fields={**fields, **sources})
    files = f"`{training}`" + (f", validated on `{validation}`" if validation else "")
    return Described(
        fields=fields,
        missing=("data",),
        notes=(f"data: dataset.NAME    # fill in: it was trained on {files}",),
    )


def resource_lines(described: Described) -> list[str]:
    """Return the fields as lines of YAML; what is missing is a comment."""
    lines = [f"{name}: {flow(value)}" for name, value in described.fields.items()]
    return [*lines, *(f"# {note}" for note in described.notes)]


def _models(known: Iterable[Instance]) -> dict[str, str]:
    """Return the managed tuning jobs by the model they made."""
    return {
        str(i.outputs["model_id"]): str(i.address)
        for i in known
        if i.address.kind == "tuning_job" and "model_id" in i.outputs
    }


def _sources(
    project: Project, state: State, training: Plain, validation: Plain
) -> dict[str, Plain]:
    """Return the datasets behind the files of a job, where we uploaded them ourselves."""
    uploaded = {
        i.id: (i.parent, i.spec.get("split"))
        for i in state.everything
        if i.address.kind == "upload" and isinstance(i.parent, Address)
    }
    files = [file for file in (training, validation) if file]
    if not files or any(file not in uploaded for file in files):
        return {}
    (dataset, split), *others = (uploaded[str(file)] for file in files)
    declared = next((r for r in project.resources if r.address == dataset), None)
    splits = declared.spec.get("splits") if declared is not None else None
    validated = isinstance(splits, Mapping) and "validation" in splits
    if split == "train" and others == ([(dataset, "validation")] if validated else []):
        return {"data": str(dataset)}
    found: dict[str, Plain] = {"training": f"{dataset}.{split}"}
    for other, name in others:
        found["validation"] = f"{other}.{name}"
    return found
