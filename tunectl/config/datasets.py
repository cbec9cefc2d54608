"""Datasets: reading them, and what a reference to one means."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.world import World
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Join, Plain, Ref
from tunectl.data.dataset import Dataset as ReadDataset
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.kinds.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Rows:
    """One split of one dataset."""

    dataset: Address
    split: str
    rows: int
    sha256: str


def lower_datasets(world: World) -> None:
    """Read every dataset and declare it."""
    for draft in in_file_order(world.drafts, "dataset"):
        world.check_builtin(draft)
        model = draft.model
        assert isinstance(model, Dataset)
        dataset, found = read(_spec(model, draft), world.root)
        for diagnostic in found:
            if diagnostic.severity is not Severity.INFO:
                world.problems.add(_placed(diagnostic, draft))
        if dataset is None:
            continue
        world.datasets[draft.address] = dataset
        world.resources[draft.address] = Resource(
            address=draft.address,
            provider=BUILTIN,
            spec=_lowered(model, dataset),
            outputs=tuple(dataset.splits),
            depends_on=world.depends_on(draft),
            lifecycle=world.lifecycle(draft),
            labels=world.labels_of(draft),
            source=draft.source,
        )


def _placed(diagnostic: Diagnostic, draft: Draft) -> Diagnostic:
    """Show what is said of a whole file where the YAML names it."""
    source, hint = diagnostic.source, diagnostic.hint
    if diagnostic.severity is Severity.ERROR and (source is None or not source.line):
        source = draft.at("source") if draft.node.find(("source",))[1] else draft.at("splits")
    if diagnostic.code == "empty-file" and not hint:
        hint = "put rows into it, or name another file"
    return replace(
        diagnostic, source=source, hint=hint, address=diagnostic.address or str(draft.address)
    )


def _spec(model: Dataset, draft: Draft) -> DataSpec:
    split = None
    if model.split is not None:
        shares = {"validation": model.split.validation, "test": model.split.test}
        split = SplitSpec(
            {name: share for name, share in shares.items() if share is not None},
            model.split.seed,
            model.split.group,
        )
    field = "source" if model.source is not None else "splits"
    return DataSpec(
        source=model.source,
        splits=model.splits,
        format=model.format,
        split=split,
        strip=tuple(model.strip),
        columns={str(k): v for k, v in model.columns.items()} if model.columns else None,
        limit=model.limit,
        where=draft.at(field),
        allow=model.checks.allow,
    )


def _lowered(model: Dataset, dataset: ReadDataset) -> dict[str, Plain]:
    splits: dict[str, Plain] = {
        name: {"rows": summary.rows, "sha256": summary.sha256}
        for name, summary in dataset.splits.items()
    }
    return {
        "source": model.source if model.source is not None else dict(model.splits or {}),
        "format": dataset.shape,
        "splits": splits,
        "rows": dataset.marks_sha256,
    }


def rows_of(
    world: World,
    draft: Draft,
    value: str | Ref | Join,
    path: tuple[str | int, ...],
    *,
    otherwise: str = "train",
) -> Rows | None:
    """Return the split a field means, None when it means none; the reason is told.

    Args:
        world: what is declared.
        draft: the resource that has the field.
        value: what the field says.
        path: where the field stands in the resource.
        otherwise: the split that is meant when the reference names none.
    """
    ref = dataset_ref(world, draft, value, path)
    if ref is None:
        return None
    dataset = world.datasets.get(ref.address)
    if dataset is None:
        return None
    split = ref.path[0] if ref.path else otherwise
    if len(ref.path) > 1 or split not in dataset.splits:
        world.problems.error(
            f"`{ref.address}` has no split `{'.'.join(ref.path) or split}`",
            draft.at(*path),
            code="unknown-split",
            hint=did_you_mean(split, dataset.splits, f"its splits are {listed(dataset.splits)}"),
            address=str(draft.address),
        )
        return None
    summary = dataset.splits[split]
    return Rows(ref.address, split, summary.rows, summary.sha256)


def dataset_ref(
    world: World, draft: Draft, value: str | Ref | Join, path: tuple[str | int, ...]
) -> Ref | None:
    """Return the dataset a field refers to, None when it refers to none; the reason is told."""
    found = world.reference(draft, value, ("dataset",), *path)
    if found is None or isinstance(found, Ref):
        return found
    names = [str(a) for a in world.drafts if a.kind == "dataset"]
    text = str(found)
    hint = "declare a `dataset` with it as `source:` and name that here: `dataset.NAME`"
    if f"dataset.{text}" in names:
        hint = f"did you mean `dataset.{text}`?"
    elif not any(c in text for c in "/\\."):
        hint = did_you_mean(f"dataset.{text}", names, "write `dataset.NAME`")
    world.problems.error(
        f"`{path[-1]}` must refer to a dataset, not to `{text}`",
        draft.at(*path),
        code="bad-reference",
        hint=hint,
        address=str(draft.address),
    )
    return None
