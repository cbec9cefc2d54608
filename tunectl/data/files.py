"""From the paths, patterns and URLs in the YAML to the files that are there."""

from __future__ import annotations

import glob
import os
import shlex
import stat
import unicodedata
from difflib import get_close_matches
from pathlib import Path

from tunectl.data.datafile import DataFile
from tunectl.data.problems import Problems
from tunectl.data.remote import find_objects, is_remote
from tunectl.data.spec import TRAIN, DataSpec
from tunectl.data.spooled import NAME, STDIN, Spooled

__all__ = ["DataFile", "find_files", "is_local", "shown"]

_MAGIC = frozenset("*?[")
# What `<(command)` stands for.
_SHELL_PIPES = ("/dev/fd/", "/proc/self/fd/")
_STDIN_PATHS = ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0")
_SPECIAL = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def find_files(spec: DataSpec, root: Path, problems: Problems) -> list[DataFile]:
    """The files of a dataset in reading order; what is missing goes to `problems`."""
    whole = None if spec.split else TRAIN
    if spec.rows is not None:
        name = spec.where.file if spec.where else "<rows>"
        return [DataFile(name, whole, rows=spec.rows)]
    if spec.splits is not None:
        wanted: list[tuple[str | None, str]] = [(n, spec.splits[n]) for n in spec.split_names]
    else:
        wanted = [(whole, spec.source or "")]
    return [file for split, source in wanted for file in _files_of(source, split, root, problems)]


def _files_of(source: str, split: str | None, root: Path, problems: Problems) -> list[DataFile]:
    if source == STDIN or source in _STDIN_PATHS:
        return _piped(STDIN, NAME, split, problems)
    if source.startswith(_SHELL_PIPES):
        return _piped(source, source, split, problems)
    if is_remote(source):
        return find_objects(source, split, problems)
    return [
        DataFile.at(path, shown(path, root), split)
        for path in _resolve(source, root, problems)
        if _is_file(path, shown(path, root), problems)
    ]


def _is_file(path: Path, name: str, problems: Problems) -> bool:
    """Whether it is a regular file; what cannot be looked at is left to the reader.

    A dataset is read more than once, and opening a pipe waits for whoever writes into it.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        return True
    if stat.S_ISREG(mode):
        return True
    what = next((what for is_, what in _SPECIAL if is_(mode)), "a special file")
    problems.cannot(
        "not-a-file",
        f"`{name}` is {what}, not a file",
        hint=f"give its content to standard input: `< {shlex.quote(name)}`, with `-` as the file",
    )
    return False


def is_local(source: str) -> bool:
    """Whether a source means files of this machine's disk."""
    return (
        source != STDIN
        and not source.startswith((*_STDIN_PATHS, *_SHELL_PIPES))
        and not is_remote(source)
    )


def _piped(path: str, name: str, split: str | None, problems: Problems) -> list[DataFile]:
    try:
        spooled = Spooled(path)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        problems.cannot("unreadable", f"`{name}` cannot be read: {why}")
        return []
    return [DataFile(name, split, spooled.open, spooled.size)]


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
    inside = Path(*(part for part in Path(os.path.relpath(path, root)).parts if part != ".."))
    if (root / inside).is_file() and root / inside != path:
        return f"paths are relative to the project's folder: `{inside.as_posix()}`"
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
