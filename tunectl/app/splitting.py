"""dataset split: divide a file into training, validation and test files."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from tunectl.app.checking import Asked, Checked, Progress, check
from tunectl.app.new_files import new_file, refuse_to_overwrite
from tunectl.app.options import Options
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError
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
        ConfigError: more than one file, or one to be written that is there already or is read.
        Refused: the rows break a rule of severity error; nothing was written.
    """
    if len(asked.files) != 1:
        raise ConfigError.of("name one file to split", code="usage")
    [checked] = check(options, asked, progress)
    dataset = checked.dataset
    if dataset is None or checked.errors:
        raise checked.failure()
    place = options.root / folder
    made = _folder(place)
    wanted = {name: place / f"{name}.jsonl" for name in dataset.splits}
    read = [options.root / name for name in dataset.read_from]
    try:
        for path in wanted.values():
            refuse_to_overwrite(path, read, force=force)
        _write(dataset, wanted)
    finally:
        if made:
            with contextlib.suppress(OSError):
                place.rmdir()  # only while nothing is in it
    files = (Written(path, name, dataset.splits[name].rows) for name, path in wanted.items())
    return Divided(checked, tuple(files))


def _folder(place: Path) -> bool:
    """Make the folder; whether it was not there."""
    try:
        made = not place.exists()
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError.of(
            f"cannot write into `{place}`: {(error.strerror or str(error)).lower()}",
            hint="name another folder with `-o`",
        ) from error
    return made


def _write(dataset: Dataset, wanted: Mapping[str, Path]) -> None:
    """Write all splits; none takes its place before all are written."""
    format_ = _FORMATS[dataset.method]
    with contextlib.ExitStack() as open_:
        for name, path in wanted.items():
            dataset.write(name, format_, open_.enter_context(new_file(path)))


_FORMATS = {
    "supervised": "chat",
    "preference": "preference",
    "reinforcement": "reinforcement",
}
