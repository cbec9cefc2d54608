"""Loaded projects, kept between runs with everything they depend on.

Laws: what comes out is what loading would give; a change of anything that a loading looked at
(files, the files a glob finds, rows, variables, the environment, the day, packages, our own code)
lets it be loaded anew; a project with secrets, or with anything wrong, is not kept; a cache file
can hold values only, no code.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from tunectl.config.cache_folder import CacheFolder, user_folder
from tunectl.config.installed import installation
from tunectl.config.kept_form import from_bytes, texts, to_bytes
from tunectl.config.loaded import LateDatasets, Loaded
from tunectl.config.looked import Looked, instant, same
from tunectl.config.written import UnusualError
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Severity
from tunectl.core.project import Project
from tunectl.core.resource import utc

FORMAT = 3
_FOREVER = "9999"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a loading is told.

    Attributes:
        environ: the process's environment.
        variables: values given by `--var`, as text.
        var_files: files of values, later ones win.
    """

    root: Path
    environ: Mapping[str, str]
    env: str
    variables: Mapping[str, str] = field(default_factory=dict)
    var_files: Sequence[Path] = ()

    @property
    def name(self) -> str:
        """The name of the one entry for it."""
        parts: list[Any] = [FORMAT, os.path.abspath(self.root), str(self.root), self.env]
        parts += [sorted(self.variables.items()), [str(path) for path in self.var_files]]
        return f"{sha256(repr(parts).encode('utf-8', 'surrogatepass')).hexdigest()}.project"


class ProjectCache:
    """A folder of loaded projects."""

    def __init__(self, folder: Path) -> None:
        """Keep projects in a folder, which need not exist."""
        self._folder = CacheFolder(folder)

    @classmethod
    def of_user(cls, environ: Mapping[str, str]) -> ProjectCache | None:
        """Return the user's own cache; None where it is switched off."""
        folder = user_folder(environ, "projects")
        return None if folder is None else cls(folder)

    def get(self, asked: Asked, now: datetime | None = None) -> Loaded | None:
        """Return what loading would give; None where that is not known.

        Args:
            asked: what the loading is told.
            now: the moment by which expiry counts; this very one if not given.
        """
        content = self._folder.read(asked.name)
        if content is None:
            return None
        end = content.find(b"\n")
        try:
            if not _holds(orjson.loads(content[:end]), asked, now or datetime.now(UTC)):
                return None
            project = from_bytes(content, end + 1)
        except (ValueError, KeyError, TypeError):  # whole, and of another version
            return None
        return Loaded(project, LateDatasets(project, lambda: _load(asked)))

    def put(self, asked: Asked, looked: Looked, loaded: Loaded, since: datetime) -> None:
        """Keep what was loaded, where that can be.

        Args:
            asked: what the loading was told.
            looked: what it looked at.
            loaded: what it gave.
            since: the moment by which expiry counted.
        """
        project = loaded.project
        if not looked.repeatable or not _may_be_kept(project):
            return
        try:
            body = to_bytes(project)
            head = orjson.dumps(
                {
                    "installation": installation(),
                    "since": instant(since),
                    "until": _until(project, since),
                    "looked": looked.tree(),
                }
            )
        except (UnusualError, TypeError, ValueError):  # a path that is no Unicode
            return
        self._folder.write(asked.name, head + b"\n" + body)


def _load(asked: Asked) -> Loaded:
    from tunectl.config.load import load

    return load(
        asked.root,
        environ=asked.environ,
        env=asked.env,
        variables=asked.variables,
        var_files=asked.var_files,
    )


def _holds(head: Any, asked: Asked, now: datetime) -> bool:  # noqa: ANN401  # a JSON tree
    moment = instant(now)
    return (
        head["installation"] == installation()
        and head["since"] <= moment < head["until"]
        and same(head["looked"], asked.root, asked.env, asked.environ)
    )


def _until(project: Project, since: datetime) -> str:
    """Return the end of the day, by which retirement counts, or what expires before."""
    ends = [f"{since.date().isoformat()}T24"]
    ends += [
        instant(utc(resource.expires.at))
        for resource in project.resources
        if resource.expires is not None and resource.expires.at is not None
    ]
    return min(end for end in [*ends, _FOREVER] if end > instant(since))


def _may_be_kept(project: Project) -> bool:
    """Whether nothing in it is secret, and nothing is wrong with it."""
    return not (
        project.sensitive
        or any(provided.secret for provided in project.providers.values())
        or any("@" in text for text in texts(project))
        or any(warning.severity is Severity.ERROR for warning in project.warnings)
    )
