"""init: the files of a first project."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from tunectl.core.errors import ConfigError

_IGNORED = Path(".gitignore")


def starters() -> dict[str, str]:
    """Return the starters: name to the first line of its description."""
    found: dict[str, str] = {}
    for folder in sorted(_root().iterdir(), key=lambda f: f.name):
        if folder.is_dir() and (folder / "tunectl.yaml").is_file():
            first = (folder / "tunectl.yaml").read_text(encoding="utf-8").partition("\n")[0]
            found[folder.name] = first.lstrip("# ")
    return found


def init(folder: Path, starter: str) -> tuple[Path, ...]:
    """Write a starter's files into a folder and return them.

    A `.gitignore` that is there stays as it is: most folders of a repository have one.

    Raises:
        ConfigError: there is no such starter, a file of it exists already, or cannot be written.
    """
    if starter not in starters():
        names = ", ".join(f"`{name}`" for name in starters())
        near = get_close_matches(starter, starters(), n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"there are {names}"
        raise ConfigError.of(f"there is no starter `{starter}`", hint=hint)
    wanted = dict(_files(_root() / starter, Path()))
    if (folder / _IGNORED).exists():
        del wanted[_IGNORED]
    taken = [path for path in wanted if (folder / path).exists()]
    if taken:
        verb = "exists" if len(taken) == 1 else "exist"
        raise ConfigError.of(
            f"{', '.join(f'`{folder / path}`' for path in taken)} {verb} already",
            hint="nothing was written; use an empty folder: `tunectl -C NEW init`",
        )
    try:
        for path, content in wanted.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
    except OSError as error:
        raise ConfigError.of(
            f"cannot write into `{folder}`: {(error.strerror or '').lower()}"
        ) from error
    return tuple(folder / path for path in wanted)


def unignored(folder: Path, starter: str) -> tuple[str, ...]:
    """Return the lines that a starter's `.gitignore` has and the folder's has not."""
    wanted = (_root() / starter / _IGNORED.name).read_text(encoding="utf-8").splitlines()
    try:
        there = (folder / _IGNORED).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return tuple(wanted)
    known = {line.strip().strip("/") for line in there}
    return tuple(line for line in wanted if line.strip("/") not in known)


def _root() -> Traversable:
    return files("tunectl.app") / "starters"


def _files(folder: Traversable, at: Path) -> list[tuple[Path, bytes]]:
    found: list[tuple[Path, bytes]] = []
    for item in sorted(folder.iterdir(), key=lambda f: f.name):
        if item.is_dir():
            found.extend(_files(item, at / item.name))
        else:
            found.append((at / item.name, item.read_bytes()))
    return found
