"""Prompt templates: a compiled artefact, plain JSON that holds all an application needs.

Laws: the same declaration and rows give the same bytes; the file is replaced in one step; it
holds no key. `{"format": 1, "name", "version", "model", "base_url", "inputs", "sections",
"sha256"}`, where `sha256` is over the canonical JSON of the rest.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunectl.core.errors import Diagnostic, ProviderError, TunectlError
from tunectl.core.ports import Mark, Reader, Request
from tunectl.core.resource import BUILTIN, Instance, Resource
from tunectl.core.value import Address, Plain, canonical
from tunectl.providers.builtin.examples import chosen
from tunectl.providers.instances import made

FORMAT = 1
_LONGEST = 180


@dataclass(frozen=True, slots=True)
class PromptTemplates:
    """Handler of kind `prompt_template`.

    Attributes:
        project: the project's folder.
        env: the environment, a folder of its own.
    """

    project: Path
    env: str

    def check(self, resource: Resource) -> Iterable[Diagnostic]:  # noqa: ARG002
        """Find nothing: templates are checked where they are read."""
        return ()

    def read(self, instance: Instance) -> Instance | None:
        """Return the artefact, None when its file is missing or is no longer what was written.

        Raises:
            ProviderError: the file is there and cannot be read.
        """
        path = self.project / str(instance.outputs.get("path", instance.id))
        try:
            raw = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _unusable(path, "read", error) from error
        same = hashlib.sha256(raw).hexdigest() == instance.outputs.get("sha256")
        return instance if same else None

    def create(self, request: Request) -> Instance:
        """Compile the template and write its file.

        Raises:
            ProviderError: the file cannot be written.
            StaleError: the rows of the examples are no longer what was planned.
        """
        path = self._path(request.resource.address)
        content = compiled(request.resource.address, request.spec, request.reader)
        try:
            _replace(self.project / path, content)
        except OSError as error:
            raise _unusable(self.project / path, "write", error) from error
        return made(
            request,
            account=BUILTIN,
            id=path.as_posix(),
            outputs={
                "version": request.spec.get("version"),
                "path": path.as_posix(),
                "sha256": hashlib.sha256(content).hexdigest(),
            },
        )

    @property
    def lag(self) -> float:
        """No second: what is written here is found here."""
        return 0.0

    def find(self, mark: Mark) -> Iterable[Instance]:  # noqa: ARG002
        """Find nothing: writing the same file again does no harm."""
        return ()

    def poll(self, instance: Instance) -> Instance:
        """Return the artefact; it is never pending."""
        return instance

    def update(self, request: Request) -> Instance:
        """Write the file again."""
        fresh, prior = self.create(request), request.prior
        if prior is None:
            return fresh
        return replace(fresh, op=prior.op, created_at=prior.created_at)

    def delete(self, instance: Instance) -> Instance | None:
        """Remove the file; nothing stays.

        Raises:
            ProviderError: it cannot be removed.
        """
        path = self.project / instance.id
        try:
            path.unlink(missing_ok=True)
        except NotADirectoryError:
            return None
        except OSError as error:
            raise _unusable(path, "remove", error) from error
        return None

    def _path(self, address: Address) -> Path:
        """Return where the artefact of an address lies, relative to the project."""
        name = ".".join(address.path)
        if address.key is not None:
            name = f"{name}[{_file_part(address.key)}]"
        if len(name.encode()) > _LONGEST:
            name = f"{name[:60]}-{hashlib.sha256(str(address).encode()).hexdigest()[:16]}"
        return Path(".tunectl") / "prompts" / _file_part(self.env) / f"{name}.json"


def _file_part(text: str) -> str:
    """Return text that stays within its folder, and as it is wherever that is possible."""
    from urllib.parse import quote

    safe = "".join(c if c.isprintable() and c not in "/\\:%" else quote(c, safe="") for c in text)
    return safe.replace(".", "%2E") if safe in {"", ".", ".."} else safe


def compiled(address: Address, spec: Mapping[str, Plain], reader: Reader) -> bytes:
    """Return the bytes of an artefact.

    Args:
        address: of the template.
        spec: its settled settings.
        reader: gives the rows of examples.
    """
    name = ".".join(address.path)
    given = spec.get("sections")
    sections = given if isinstance(given, tuple) else ()
    content: dict[str, Plain] = {
        "format": FORMAT,
        "name": name if address.key is None else f"{name}[{address.key}]",
        "version": spec.get("version"),
        "model": spec.get("model"),
        "base_url": spec.get("base_url"),
        "inputs": spec.get("inputs") or {},
        "sections": tuple(_section(section, reader) for section in sections),
    }
    content["sha256"] = hashlib.sha256(canonical(content).encode()).hexdigest()
    tree = json.loads(canonical(content))
    ordered = {key: tree[key] for key in content}
    return (json.dumps(ordered, ensure_ascii=False, indent=2) + "\n").encode()


def _section(section: Plain, reader: Reader) -> Plain:
    """Return a section as it is; for one of examples, with the rows that were chosen."""
    if not isinstance(section, Mapping):
        return section
    source = section.get("examples")
    if not isinstance(source, Mapping):
        return section
    settings = {key: value for key, value in section.items() if key != "examples"}
    return {**settings, "source": source, "messages": chosen(section, source, reader)}


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


def _unusable(path: Path, verb: str, error: OSError) -> TunectlError:
    full = error.errno in {errno.ENOSPC, errno.EDQUOT}
    return ProviderError.of(
        f"cannot {verb} `{path}`: {error.strerror or error}",
        hint="free some space" if full else "check the permissions of the folder",
    )
