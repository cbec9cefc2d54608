"""dataset split: divide a file into training, validation and test files."""

from __future__ import annotations

import contextlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from tunectl.app.checking import Asked, Checked, Progress, check
from tunectl.app.options import Options
from tunectl.core.errors import ConfigError, Exit, Refused, Severity
from tunectl.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Written:
    """One file that was written."""

    path: Path
    split: str
    rows: int


@dataclass(frozen=True, slots=True)
class Divided:
    """What was read, and the files that were written."""

    checked: Checked
    files: tuple[Written, ...]


def split(
    options: Options,
    asked: Asked,
    folder: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> Divided:
    """Divide one file as `split:` in the YAML divides it, and write each split as JSON Lines.

    Args:
        options: the folder from which paths count.
        asked: one file, and how to divide it.
        folder: where the files go; made where it is not there.
        force: replace files that are there.
        progress: told of the reading.

    Raises:
        ConfigError: more than one file, or one to be written that is there already.
        Refused: the rows break a rule of severity error; nothing was written.
    """
    if len(asked.files) != 1:
        raise ConfigError.of("name one file to split", code="usage")
    [checked] = check(options, asked, progress)
    errors = tuple(d for d in checked.diagnostics if d.severity is Severity.ERROR)
    dataset = checked.dataset
    if dataset is None or errors:
        raise (Refused(errors) if checked.exit is Exit.REFUSED else ConfigError(errors))
    wanted = {name: folder / f"{name}.jsonl" for name in dataset.splits}
    taken = [path for path in wanted.values() if path.exists()]
    if taken and not force:
        raise ConfigError.of(
            f"`{taken[0]}` is there already",
            hint="name another folder with `-o`, or replace it with `--force`",
            code="file-exists",
        )
    return Divided(checked, _write(dataset, wanted, folder))


def _write(dataset: Dataset, wanted: dict[str, Path], folder: Path) -> tuple[Written, ...]:
    """Write all splits beside their places, then move each there."""
    made: dict[str, str] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            for name in wanted:
                handle, made[name] = tempfile.mkstemp(dir=folder, prefix=".split-")
                with os.fdopen(handle, "wb") as stream:
                    dataset.write(name, _FORMATS[dataset.method], cast("BinaryIO", stream))
                os.chmod(made[name], 0o644)
            for name, path in wanted.items():
                os.replace(made.pop(name), path)
        finally:
            for left in made.values():
                with contextlib.suppress(OSError):
                    os.unlink(left)
    except OSError as error:
        raise ConfigError.of(
            f"cannot write into `{folder}`: {(error.strerror or str(error)).lower()}",
            hint="name another folder with `-o`",
        ) from error
    return tuple(Written(p, n, dataset.splits[n].rows) for n, p in wanted.items())


_FORMATS = {
    "supervised": "chat",
    "preference": "preference",
    "reinforcement": "reinforcement",
}
