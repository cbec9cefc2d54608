"""Datasets: reading them, and what a reference to one means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from tunectl.config.derive import in_file_order
from tunectl.config.drafts import Draft
from tunectl.config.policy import read_schema
from tunectl.config.problems import did_you_mean, listed
from tunectl.config.uses import uses
from tunectl.config.world import World
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.resource import BUILTIN, Resource
from tunectl.core.value import Address, Join, Plain, Ref
from tunectl.data.dataset import Dataset as ReadDataset
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.output import OutputSpec
from tunectl.data.policy import Policy
from tunectl.data.targets import Target
from tunectl.kinds import DATASET

if TYPE_CHECKING:
    from tunectl.kinds.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Rows:
    """One split of one dataset."""

    dataset: Address
    split: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class DeclaredData:
    """A declared dataset, before its rows are read.

    Attributes:
        spec: what the YAML says.
        targets: the jobs that use it: where, on which base model, and by which method.
        policy: what the project decided about the rules.
    """

    address: Address
    spec: DataSpec
    targets: tuple[Target, ...]
    policy: Policy


def to_read(world: World) -> Iterator[tuple[Draft, DeclaredData]]:
    """Yield the datasets to be read, in the order of the files."""
    targets = uses(world)
    for draft in in_file_order(world.drafts, "dataset"):
        model = draft.model
        assert DATASET.fits(model)
        spec = _spec(world, model, draft)
        yield draft, DeclaredData(draft.address, spec, targets.get(draft.address, ()), world.policy)


def lower_datasets(world: World) -> None:
    """Read every dataset and declare it."""
    for draft, data in to_read(world):
        world.check_builtin(draft)
        model = draft.model
        assert DATASET.fits(model)
        sources = [model.source] if model.source is not None else [*(model.splits or {}).values()]
        sources += model.checks.contamination
        world.looked.opened(world.root, sources)
        dataset, found = read(data.spec, world.root, targets=data.targets, policy=data.policy)
        world.looked.opened(world.root, sources)
        for diagnostic in found:
            if diagnostic.severity is not Severity.INFO and not _is_told_by_job(diagnostic):
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
        source = draft.at(_origin(draft))
    return replace(
        diagnostic, source=source, hint=hint, address=diagnostic.address or str(draft.address)
    )


def _origin(draft: Draft) -> str:
    """The field that says where the rows are."""
    model = draft.model
    assert DATASET.fits(model)
    if model.rows is not None:
        return "rows"
    return "splits" if model.source is None else "source"


def _is_told_by_job(diagnostic: Diagnostic) -> bool:
    """Whether each job tells it itself: the rows of its split, a method its service has not."""
    warns = diagnostic.severity is Severity.WARNING
    return diagnostic.code == "row-count" or (warns and diagnostic.code == "wrong-method")


def _spec(world: World, model: Dataset, draft: Draft) -> DataSpec:
    split = None
    if model.split is not None:
        shares = {"validation": model.split.validation, "test": model.split.test}
        split = SplitSpec(
            {name: share for name, share in shares.items() if share is not None},
            model.split.seed,
            model.split.group,
        )
    rows = None
    if model.rows is not None:
        rows = tuple((draft.at("rows", i).line, row) for i, row in enumerate(model.rows))
    return DataSpec(
        source=model.source,
        splits=model.splits,
        format=model.format,
        split=split,
        strip=tuple(model.strip),
        keys=tuple(model.keys),
        columns={str(k): v for k, v in model.columns.items()} if model.columns else None,
        limit=model.limit,
        where=draft.at(_origin(draft)),
        rows=rows,
        allow=model.checks.allow,
        output=_output(world, model, draft),
        against=tuple(model.checks.contamination),
    )


def _output(world: World, model: Dataset, draft: Draft) -> OutputSpec | None:
    """Return the declared form of the answers; what is wrong with it is told."""
    said = model.checks.output
    if said is None:
        return None
    if said.one_of is not None:
        return OutputSpec("one-of", choices=tuple(said.one_of))
    at = draft.at("checks", "output")
    if said.regex is not None:
        made = OutputSpec("regex", pattern=said.regex)
    else:
        schema = said.json_schema
        if isinstance(schema, str):
            schema = read_schema(world.root / schema, schema, world.problems, at, world.looked)
            if schema is None:
                return None
        made = OutputSpec("json", schema=schema or None)
    wrong = made.complaint()
    if wrong:
        world.problems.error(wrong, at, code="bad-output", address=str(draft.address))
        return None
    return made


def _lowered(model: Dataset, dataset: ReadDataset) -> dict[str, Plain]:
    splits: dict[str, Plain] = {
        name: {"rows": summary.rows, "sha256": summary.sha256}
        for name, summary in dataset.splits.items()
    }
    source: Plain = model.source if model.source is not None else dict(model.splits or {})
    return {
        "source": "rows" if model.rows is not None else source,
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
