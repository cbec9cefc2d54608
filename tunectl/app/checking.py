"""dataset check, stats: read data files or declared datasets, offline."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import Any

from tunectl.app.aiming import aimed
from tunectl.app.options import Options
from tunectl.app.vocabularies import located
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import (
    ConfigError,
    Diagnostic,
    Exit,
    Refused,
    Severity,
    Source,
    TunectlError,
    strongest,
)
from tunectl.data.dataset import Dataset, DataSpec, SplitSpec, read
from tunectl.data.policy import NO_POLICY, Policy, strictly
from tunectl.data.syntax import Readable, judge, read_syntax
from tunectl.data.targets import Level, Target
from tunectl.views.datasets import Report

_NAME_ONE = "name a file: `tunectl dataset check FILE`"

# Told now and then while a file is read: bytes and rows so far, and how many bytes there are.
Progress = Callable[[int, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to read, and how.

    Attributes:
        files: paths, patterns, `dataset.NAME` of the project, or `-` for standard input; each is
            a dataset of its own.
        held: further files of the one dataset, by split: `validation`, `test`.
        format: the shape's name; None to recognise it.
        columns: which column is `input`, `output`, `system`.
        split: how to divide the rows.
        limit: read only so many rows.
        strip: columns that never leave this machine.
        keys: columns that tell a row from the others across edits.
        targets: for whom it is checked.
        level: how much is looked at.
        strict: warnings refuse too.
        policy: a file of severities, thresholds and waivers.
        against: texts and datasets whose words no training row may hold.
        like: the declared dataset whose settings hold for the file.
    """

    files: tuple[str, ...]
    held: Mapping[str, str] = field(default_factory=dict)
    format: str | None = None
    columns: Mapping[str, str] | None = None
    split: SplitSpec | None = None
    limit: int | None = None
    strip: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    level: Level = Level.DEFAULT
    strict: bool = False
    policy: Path | None = None
    against: tuple[str, ...] = ()
    like: str | None = None


def asked(
    *,
    files: tuple[str, ...],
    validation: str | None = None,
    test: str | None = None,
    group: str | None = None,
    format_in: str | None = None,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    strip: tuple[str, ...] = (),
    keys: tuple[str, ...] = (),
    targets: tuple[Target, ...] = (),
    syntax_only: bool = False,
    all_rules: bool = False,
    strict: bool = False,
    policy: Path | None = None,
    against: tuple[str, ...] = (),
) -> Asked:
    """Return what the options of a command say.

    Raises:
        ConfigError: options that contradict each other.
    """
    if syntax_only and all_rules:
        raise ConfigError.of("`--syntax-only` and `--all` contradict each other", code="usage")
    level = Level.SYNTAX if syntax_only else Level.ALL if all_rules else Level.DEFAULT
    given = {"validation": validation, "test": test}
    if group is not None and validation is None and test is None:
        raise ConfigError.of(
            "`--group` compares splits, and there is one file",
            hint="name the others with `--validation` or `--test`",
            code="usage",
        )
    return Asked(
        files=files,
        held={name: path for name, path in given.items() if path is not None},
        format=format_in,
        columns=columns,
        split=None if group is None else SplitSpec({}, group=group),
        limit=limit,
        strip=strip,
        keys=keys,
        targets=targets,
        level=level,
        strict=strict,
        policy=policy,
        against=against,
    )


def divided(asked: Asked, fractions: Mapping[str, float], seed: int, group: str | None) -> Asked:
    """Return what was asked with the rows divided by shares."""
    return replace(asked, split=SplitSpec(fractions, seed, group))


@dataclass(frozen=True, slots=True)
class Checked:
    """One dataset that was looked at.

    Attributes:
        name: as it was asked for.
        dataset: what was read; None where it could not be used, or only its syntax was asked for.
        diagnostics: everything noticed, in the order of the rows.
        targets: for whom it was checked.
        readable: what is known of a dataset whose rows can be read.
    """

    name: str
    dataset: Dataset | None
    diagnostics: tuple[Diagnostic, ...]
    targets: tuple[Target, ...] = ()
    readable: Readable | None = None

    @property
    def exit(self) -> Exit:
        """The exit code this dataset stands for."""
        return strongest(d.exit for d in self.errors)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What stands in the way of using it."""
        return tuple(d for d in self.diagnostics if d.severity is Severity.ERROR)

    def failure(self) -> TunectlError:
        """Return the errors as what stops a command: a refusal, or an error of the data."""
        return (Refused if self.exit is Exit.REFUSED else ConfigError)(self.errors)


def check(
    options: Options, asked: Asked, progress: Progress | None = None, *, rows_again: bool = True
) -> tuple[Checked, ...]:
    """Read and check every dataset that was asked for; without one, all that are declared.

    Args:
        options: of the command.
        asked: what to read, and how.
        progress: told now and then while rows go by.
        rows_again: whether the caller reads the rows again or compares them; without, a check is
            quicker, and its datasets are None.

    Raises:
        ConfigError: nothing to check, a name that is no dataset or no provider, or options that
            contradict.
    """
    look = _checked if rows_again else _judged
    asked = replace(asked, targets=aimed(options, asked.targets))
    root = options.root
    return tuple(
        look(replace(one, targets=located(one.targets, root)), root, asked, progress)
        for one in _wanted(options, asked)
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One dataset to be read: its name, how, for whom, and what was decided about the rules."""

    name: str
    spec: DataSpec
    targets: tuple[Target, ...]
    policy: Policy


def _wanted(options: Options, asked: Asked) -> list[_Wanted]:
    policy = _policy(options, asked)
    files = asked.files
    if asked.like is not None:
        [declared] = _declared(options, replace(asked, files=(asked.like,), like=None), policy)
        return [replace(declared, name=files[0], spec=_read_as(declared.spec, files[0]))]
    if not files or any(is_address(name) for name in files):
        return _declared(options, asked, policy)
    if [*files, *asked.held.values()].count("-") > 1:
        raise ConfigError.of("standard input can be read once only", code="usage")
    if asked.held and len(files) > 1:
        raise ConfigError.of(
            f"`--validation` and `--test` belong to one training file, and there are {len(files)}",
            hint="name one file, or a pattern in quotes",
            code="usage",
        )
    return [_Wanted(name, _of_file(name, asked), asked.targets, policy) for name in files]


def _read_as(spec: DataSpec, file: str) -> DataSpec:
    """The settings of a declared dataset for another file.

    Raises:
        ConfigError: the dataset has a file for each split.
    """
    if spec.splits is not None:
        raise ConfigError.of(
            "the declared dataset has a file for each split, and one file is none of them",
            hint="compare the files one by one",
            code="usage",
        )
    return replace(spec, source=file, rows=None, where=None)


def _policy(options: Options, asked: Asked) -> Policy:
    """The policy that was named on the command line, as the user types its path."""
    if asked.policy is None:
        return NO_POLICY
    # What reads YAML costs most of a second, and a data file needs none of it.
    from tunectl.config.policy import read_policy
    from tunectl.config.problems import Problems

    problems = Problems()
    found = read_policy(options.root / asked.policy, str(asked.policy), problems)
    problems.stop()
    return found


def is_address(name: str) -> bool:
    """Whether a word names a declared dataset and not a file."""
    return name.startswith("dataset.") and "/" not in name and not Path(name).exists()


def _of_file(name: str, asked: Asked) -> DataSpec:
    common = DataSpec(
        format=asked.format,
        columns=asked.columns,
        limit=asked.limit,
        split=asked.split,
        strip=asked.strip,
        keys=asked.keys,
        against=asked.against,
    )
    if asked.held:
        return replace(common, splits={"train": name, **asked.held})
    return replace(common, source=name)


def _declared(options: Options, asked: Asked, policy: Policy) -> list[_Wanted]:
    from tunectl.config.load import declared_data
    from tunectl.config.problems import did_you_mean, listed

    mixed = [name for name in asked.files if not is_address(name)]
    if mixed:
        raise ConfigError.of(
            f"`{mixed[0]}` is a file, and others are declared datasets",
            hint="check files and declared datasets one after the other",
            code="usage",
        )
    if asked.held:
        raise ConfigError.of(
            "`--validation` and `--test` belong to a file",
            hint="a declared dataset names its own under `splits:`",
            code="usage",
        )
    declared = {
        str(data.address): data
        for data in declared_data(
            options.root,
            environ=os.environ,
            env=options.env,
            variables=options.named,
            var_files=options.var_files,
        )
    }
    for name in asked.files:
        if name not in declared:
            hint = did_you_mean(name, declared, f"declared are {listed(declared)}")
            raise ConfigError.of(f"there is no `{name}`", hint=hint, code="unknown-dataset")
    if not declared:
        raise ConfigError.of("the project declares no dataset", hint=_NAME_ONE, code="usage")
    return [
        _Wanted(
            name,
            replace(
                declared[name].spec,
                **{k: v for k, v in _overrides(asked).items() if v is not None},
            ),
            asked.targets or declared[name].targets,
            policy.over(declared[name].policy),
        )
        for name in asked.files or declared
    ]


def _overrides(asked: Asked) -> dict[str, Any]:
    """What the command line says of a declared dataset, instead of the YAML."""
    return {
        "limit": asked.limit,
        "split": asked.split,
        "format": asked.format,
        "columns": asked.columns,
        "strip": asked.strip or None,
        "keys": asked.keys or None,
        "against": asked.against or None,
    }


def _checked(wanted: _Wanted, root: Path, asked: Asked, progress: Progress | None) -> Checked:
    dataset, found = read(
        wanted.spec,
        root,
        targets=wanted.targets,
        level=asked.level,
        policy=wanted.policy,
        progress=progress,
    )
    readable = None if dataset is None else Readable.of(dataset)
    shown = _placed(strictly(found) if asked.strict else found, wanted)
    return Checked(wanted.name, dataset, shown, wanted.targets, readable)


def _judged(wanted: _Wanted, root: Path, asked: Asked, progress: Progress | None) -> Checked:
    if asked.level is Level.SYNTAX:
        readable, found = read_syntax(wanted.spec, root, policy=wanted.policy, progress=progress)
    else:
        readable, found = judge(
            wanted.spec,
            root,
            targets=wanted.targets,
            level=asked.level,
            policy=wanted.policy,
            progress=progress,
        )
    shown = _placed(strictly(found) if asked.strict else found, wanted)
    return Checked(wanted.name, None, shown, wanted.targets, readable)


def _placed(found: Sequence[Diagnostic], wanted: _Wanted) -> tuple[Diagnostic, ...]:
    """What is said of a whole file stands at the file: code scanning takes nothing without a place.

    Source: GitHub Docs, "SARIF support for code scanning", read 2026-11-22.
    """
    if wanted.spec.where is not None or is_address(wanted.name):
        return tuple(found)
    place = Source("<stdin>" if wanted.name == "-" else wanted.name)
    return tuple(replace(d, source=place) if d.source is None else d for d in found)


def reports(found: Sequence[Checked]) -> tuple[Report, ...]:
    """Return what views show of the datasets."""
    return tuple(
        Report(
            name=one.name,
            shape=one.readable.shape if one.readable else "",
            evidence=one.readable.evidence if one.readable else "",
            splits=one.readable.rows if one.readable else {},
            targets=tuple(str(target) for target in one.targets),
            diagnostics=one.diagnostics,
            exit=one.exit,
        )
        for one in found
    )
