"""From the paths and globs in the YAML to the files that are there."""

from __future__ import annotations

import glob
import os
import unicodedata
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from tunectl.data.problems import Problems
from tunectl.data.spec import TRAIN, DataSpec

_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a dataset.

    Attributes:
        name: the path as shown: relative to the project where it lies inside, with `/`.
        split: the split it belongs to; None when rows are split by fractions.
    """

    path: Path
    name: str
    split: str | None


def find_files(spec: DataSpec, root: Path, problems: Problems) -> list[DataFile]:
    """The files of a dataset in reading order; what is missing goes to `problems`."""
    if spec.splits is not None:
        wanted: list[tuple[str | None, str]] = [(n, spec.splits[n]) for n in spec.split_names]
    else:
        wanted = [(None if spec.split else TRAIN, spec.source or "")]
    return [
        DataFile(path, shown(path, root), split)
        for split, source in wanted
        for path in _resolve(source, root, problems)
    ]


def shown(path: Path, root: Path) -> str:
    """The path as a person would type it in the project."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def _resolve(source: str, root: Path, problems: Problems) -> list[Path]:
    if not source.strip():
        problems.cannot(
            "no-source", "the dataset names no file", hint="write `source: data/*.jsonl`"
        )
        return []
    if "://" in source:
        problems.cannot(
            "remote-source",
            f"`{source}` is remote: not in this version",
            hint="download the file and name the local path",
        )
        return []
    path = _spelled(root / source)
    if os.path.isdir(path):
        problems.cannot(
            "is-a-directory",
            f"`{source}` is a directory",
            hint=f"name the files in it, such as `{source.rstrip('/')}/*.jsonl`",
        )
        return []
    if _there(path):
        return [path]
    if _MAGIC & set(source):
        return _glob(source, root, problems)
    hint = _near(root / source, root)
    if "\\" in source or "\r" in source or "\n" in source:
        hint = "write paths with `/`, also on Windows: `data/rows.jsonl`"
    problems.cannot("no-such-file", f"there is no file `{source}`", hint=hint)
    return []


def _spelled(path: Path) -> Path:
    """The same path as the disk spells it: some systems store names decomposed (NFD)."""
    if str(path).isascii() or _there(path):
        return path
    for form in ("NFC", "NFD"):
        other = Path(unicodedata.normalize(form, str(path)))
        if _there(other):
            return other
    return path


def _there(path: Path) -> bool:
    """Whether there is something of that name; what cannot be looked at is left to the reader."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:
        return True
    return True


def _glob(source: str, root: Path, problems: Problems) -> list[Path]:
    patterns = {source, *(unicodedata.normalize(form, source) for form in ("NFC", "NFD"))}
    names = {n for p in patterns for n in glob.glob(p, root_dir=root, recursive=True)}
    paths = [root / name for name in names if not os.path.isdir(root / name)]
    if not paths:
        folder = Path(os.path.dirname(source.split("*")[0].split("?")[0].split("[")[0]))
        problems.cannot(
            "no-match", f"no file matches `{source}`", hint=_holds(root / folder, folder, root)
        )
    return sorted(paths, key=lambda p: unicodedata.normalize("NFC", p.as_posix()))


def _near(path: Path, root: Path) -> str:
    """What lies nearby: a name like the missing one, or what the last existing folder holds."""
    missing = path
    while not missing.parent.is_dir() and missing.parent != missing:
        missing = missing.parent
    names = {unicodedata.normalize("NFC", n): n for n in _listed(missing.parent)}
    close = get_close_matches(unicodedata.normalize("NFC", missing.name), names, n=1, cutoff=0.75)
    if close:
        tail = path.relative_to(missing)
        return f"did you mean `{shown(missing.parent / names[close[0]] / tail, root)}`?"
    return _holds(missing.parent, Path(shown(missing.parent, root)), root)


def _holds(folder: Path, name: Path, root: Path) -> str:
    if not folder.is_dir():
        return _near(folder, root)
    names = sorted(n for n in _listed(folder) if not n.startswith("."))
    label = "the project" if name == Path() else f"`{name.as_posix()}/`"
    if not names:
        return f"{label} holds no files"
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"{label} holds {', '.join(f'`{n}`' for n in names[:5])}{more}"


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
