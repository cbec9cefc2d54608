"""What a loading looked at, so that later can be told whether it would see the same again.

Laws: whatever a loading reads outside its arguments is told here; what cannot be told apart for
certain later (a pipe, a large file written a moment ago) makes the loading one that cannot be
repeated; no value is kept, only its hash.
"""

from __future__ import annotations

import os
import re
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeAlias

from tunectl.core.dataclass import dataclass

MAIN = "tunectl.yaml"
SUFFIX = ".tunectl.yaml"
_HASHED = 1 << 20  # bytes: a larger file of rows is known by its inode, size and times
_PLAIN = re.compile(r"[\w./-]+", re.ASCII)  # a path that can mean nothing else
_FRESH = 3_000_000_000  # nanoseconds: one written so lately may change again in the same tick

Tree: TypeAlias = dict[str, Any]  # of JSON


@dataclass(slots=True)
class Looked:
    """Takes what one loading looks at.

    Attributes:
        repeatable: whether everything that counts is told here, and nothing of it is secret.
        texts: path to the hash of what was read.
        places: path to where it really is.
        rows: path or glob of a dataset to its files, each with what tells its content.
        environ: variables of the process's environment that were asked for, with the hash of each
            value; None for one that is not set.
    """

    repeatable: bool = True
    names: Names | None = None
    texts: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)
    rows: dict[str, list[list[str]]] = field(default_factory=dict)
    environ: dict[str, str | None] = field(default_factory=dict)

    def read(self, path: Path, content: bytes) -> None:
        """A text file was read; a pipe gives what it has once only."""
        digest = sha256(content).hexdigest()
        same_again = self.texts.setdefault(str(path), digest) == digest
        self.repeatable &= same_again and os.path.isfile(path)

    def stands(self, path: Path) -> None:
        """It mattered where a path leads."""
        self.places[str(path)] = os.path.realpath(path)

    def asked(self, name: str, value: str | None) -> None:
        """A variable of the environment was asked for."""
        self.environ[name] = hashed(value)

    def opened(self, root: Path, sources: Sequence[str]) -> None:
        """A dataset is about to be read, or was: told before and after, it must be the same."""
        for source in sources:
            found = _files(root, source)
            if found is None or self.rows.setdefault(source, found) != found:
                self.repeatable = False

    def tree(self) -> Tree:
        """Return it as JSON."""
        return {
            "names": self.names,
            "texts": self.texts,
            "places": self.places,
            "rows": self.rows,
            "environ": self.environ,
        }


def same(tree: Tree, root: Path, env: str, environ: Mapping[str, str]) -> bool:
    """Whether a loading of a folder would look at the very same now.

    Args:
        tree: what it looked at then.
        root: the project's folder.
        env: the environment's name.
        environ: the process's environment.
    """
    return (
        tree["names"] == list(project_names(root, env))
        and all(hashed(environ.get(name)) == told for name, told in tree["environ"].items())
        and all(_digest(path) == told for path, told in tree["texts"].items())
        and all(os.path.realpath(path) == told for path, told in tree["places"].items())
        and all(_files(root, source) == told for source, told in tree["rows"].items())
    )


Names: TypeAlias = tuple[bool, bool, list[str]]


def project_names(root: Path, env: str) -> Names:
    """Return whether there is a main file, whether there is an overlay, and the other files.

    Files are found by name alone; a link that leads nowhere counts as a main file.
    """
    others: list[str] = []
    try:
        with os.scandir(root) as entries:
            others = sorted(e.name for e in entries if e.name.endswith(SUFFIX) and e.is_file())
    except OSError:  # said where it is read
        return False, False, []
    overlay = os.path.isfile(root / f"tunectl.{env}.yaml")
    return os.path.lexists(root / MAIN), overlay, others


def hashed(value: str | None) -> str | None:
    """Return the hash of a text, None for None."""
    return None if value is None else sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def instant(moment: datetime) -> str:
    """Return a moment such that texts order as moments do."""
    return moment.isoformat(timespec="microseconds")


def _digest(path: str) -> str | None:
    if not os.path.isfile(path):  # a pipe would have nothing left for who must read it
        return None
    try:
        with open(path, "rb") as file:
            return sha256(file.read()).hexdigest()
    except OSError:
        return None


def _files(root: Path, source: str) -> list[list[str]] | None:
    """Return the files of a path or glob, each with what tells its content; None: not certain."""
    plain = str(root / source)
    # What is a glob, and how else a name may be spelled, is the data room's to say.
    paths = [plain] if _PLAIN.fullmatch(source) and os.path.isfile(plain) else _found(root, source)
    found = [[path, told] for path in paths or () if (told := _told(path)) is not None]
    return found if paths is not None and len(found) == len(paths) else None


def _found(root: Path, source: str) -> list[str] | None:
    from tunectl.data.files import find_files, is_local
    from tunectl.data.problems import Problems
    from tunectl.data.spec import DataSpec

    if not is_local(source):
        return None
    problems = Problems(None, {})
    found = [str(file.path) for file in find_files(DataSpec(source), root, problems)]
    return None if problems.failures else found


def _told(path: str) -> str | None:
    try:
        about = os.stat(path)
        if not stat.S_ISREG(about.st_mode):
            return None
        if about.st_size <= _HASHED:
            return _digest(path)
    except OSError:
        return None
    if time.time_ns() - max(about.st_mtime_ns, about.st_ctime_ns) < _FRESH:
        return None
    numbers = (about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns)
    return " ".join(map(str, numbers))
