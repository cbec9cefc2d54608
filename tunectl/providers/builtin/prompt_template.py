"""Prompt templates: the compiled artefact as a file of the project.

Laws: the file is replaced in one step, its index of examples is written before it, and what no
artefact refers to any more is removed after; its history of versions is kept in the state alone,
and goes on when the file is lost.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tunectl.core.errors import Diagnostic, Severity
from tunectl.core.ports import Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Address, Plain
from tunectl.providers.builtin.artefact import FORMAT, compile_prompt, compiled
from tunectl.providers.builtin.nearest import NearestIndexes, file_sha256, lacking
from tunectl.providers.builtin.places import place_of, unusable
from tunectl.providers.instances import made
from tunectl.providers.recorded import Immediate, aged

__all__ = ["FORMAT", "PromptTemplates", "compiled"]

HISTORY = 50
"""Versions of a template that are remembered."""


@dataclass(frozen=True, slots=True)
class PromptTemplates(Immediate):
    """Handler of kind `prompt_template`.

    Attributes:
        project: the project's folder.
        env: the environment, a folder of its own.
    """

    project: Path
    env: str

    def check(self, resource: Resource) -> Iterable[Diagnostic]:
        """Say that the embedding model is not installed; the rest is checked where it is read."""
        found = lacking(resource.spec.get("sections"))
        if found is not None:
            yield Diagnostic(
                summary=found[0],
                hint=found[1],
                code="not-installed",
                severity=Severity.ERROR,
                address=str(resource.address),
                source=resource.source,
            )

    def read(self, instance: Instance) -> Instance | None:
        """Return the artefact, None when a file of it is missing or no longer what was written.

        Raises:
            ProviderError: the file is there and cannot be read.
        """
        path = self.project / str(instance.outputs.get("path", instance.id))
        indexes = instance.outputs.get("indexes")
        files = {path: instance.outputs.get("sha256")}
        if isinstance(indexes, Mapping):
            files |= {self.project / name: sha256 for name, sha256 in indexes.items()}
        for file, sha256 in files.items():
            try:
                same = file_sha256(file) == sha256
            except (FileNotFoundError, NotADirectoryError):
                return None
            except OSError as error:
                raise unusable(file, "read", error) from error
            if not same:
                return None
        return instance

    def create(self, request: Request) -> Instance:
        """Compile the template and write its file.

        Raises:
            ProviderError: the file cannot be written, or the embedding model is not installed.
            StaleError: the rows of the examples are no longer what was planned.
        """
        address = request.resource.address
        path = self.path_of(address)
        indexes = NearestIndexes(self.project, path)
        try:
            artefact = compile_prompt(address, request.spec, request.reader, indexes.make)
            _replace(self.project / path, artefact.content)
            indexes.remove_others(keep=_indexes_of(_before(request)))
        except OSError as error:
            raise unusable(self.project / path, "write", error) from error
        return made(
            request,
            account=BUILTIN,
            id=path.as_posix(),
            outputs={
                "version": request.spec.get("version"),
                "path": path.as_posix(),
                "sha256": hashlib.sha256(artefact.content).hexdigest(),
                **({"examples": artefact.examples} if artefact.examples else {}),
                **({"indexes": indexes.made} if indexes.made else {}),
                "history": _history(request),
            },
        )

    def update(self, request: Request) -> Instance:
        """Write the file again."""
        return aged(self.create(request), request.prior)

    def delete(self, instance: Instance) -> Instance | None:
        """Remove the file; nothing stays.

        Raises:
            ProviderError: it cannot be removed.
        """
        path = self.project / instance.id
        try:
            path.unlink(missing_ok=True)
            NearestIndexes(self.project, Path(instance.id)).remove_others()
        except NotADirectoryError:
            return None
        except OSError as error:
            raise unusable(path, "remove", error) from error
        return None

    def path_of(self, address: Address) -> Path:
        """Return where the artefact of an address lies, relative to the project."""
        return place_of("prompts", self.env, address, ".json")


def _before(request: Request) -> Instance | None:
    """What the record says of this template; also where its file is gone and made again."""
    return request.prior or request.former


def _indexes_of(prior: Instance | None) -> frozenset[str]:
    """The indexes of the version that running applications have read, until they start anew."""
    known = prior.outputs.get("indexes") if prior is not None else None
    return frozenset(map(str, known)) if isinstance(known, Mapping) else frozenset()


def _history(request: Request) -> tuple[Plain, ...]:
    """The versions there were, the newest first; one that is written again is told once."""
    version, prior = request.spec.get("version"), _before(request)
    known: tuple[Plain, ...] = ()
    if prior is not None:
        said = prior.outputs.get("history")
        # A record of a version that kept no history still says what was made last.
        first: Plain = {"version": prior.outputs.get("version"), "when": prior.created_at}
        known = tuple(said) if isinstance(said, tuple | list) else (first,)
    newest = known[0] if known else None
    if isinstance(newest, Mapping) and newest.get("version") == version:
        return tuple(known)
    entry: Plain = {"version": version, "when": request.now.isoformat(timespec="seconds")}
    return (entry, *known)[:HISTORY]


def _replace(path: Path, content: bytes) -> None:
    """Write a file in one step, durably: a reader sees the old content or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
