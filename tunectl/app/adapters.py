"""`import: [{address, id: file://…}]`: a LoRA adapter that was trained elsewhere, as a tuned model.

Law: what is taken in are the bytes that the plan named by their hash. They are copied by the same
protocol as a job of another account; nothing is trained. Once it is recorded, the entry under
`import:` says nothing any more.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import orjson

from tunectl.app.connecting import Connector
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, NotFoundError, StaleError
from tunectl.core.ports import Handler, Original
from tunectl.core.project import Import, Project
from tunectl.core.resource import Instance, Resource, Status
from tunectl.core.state import State
from tunectl.core.wish import Offer, Wish

if TYPE_CHECKING:
    import tarfile

SCHEME = "file://"
_CONFIG, _WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_KIND = "tuning_job"
_UNTOLD = {"n_epochs": "auto", "batch_size": "auto", "learning_rate_multiplier": "auto"}
_HASHED = 16  # hexadecimal digits of the hash that a plan shows


def is_adapter(id_: str) -> bool:
    """Whether an id of an `import:` entry names a folder of this machine."""
    return id_.startswith(SCHEME)


def with_adapters(wish: Wish, project: Project, state: State, connect: Connector) -> Wish:
    """Return the wish with the adapters that are to be taken in and are not recorded yet.

    Raises:
        ConfigError: one is not there, is no plain LoRA adapter, or its provider takes none.
    """
    blocks = [b for b in project.imports if is_adapter(b.id) and wish.touches(b.address)]
    if not blocks or wish.destroy or wish.refresh_only:
        return wish
    declared = {r.address: r for r in project.resources}
    named = dict(wish.named)
    for block in blocks:
        if block.address not in state.instances:
            resource = declared[block.address]
            named[block.address] = offered(block, resource, Path(project.root), connect)
    return replace(wish, named=named)


def offered(block: Import, resource: Resource, root: Path, connect: Connector) -> Offer:
    """Return an adapter as what a job can be copied from.

    Raises:
        ConfigError: see `with_adapters`.
    """
    if resource.address.kind != _KIND:
        raise _no(block, "only a `tuning_job` can be an adapter", "import the object by its id")
    folder = _folder(block, root)
    files = _files(folder)
    _checked(block, folder, files)
    name = f"{block.id}#sha256={_digest(files)[:_HASHED]}"
    base = resource.spec.get("base_model")
    if not isinstance(base, str):
        raise _no(block, "its base is another job's model", "our server tunes base models only")
    instance = Instance(
        address=resource.address,
        provider=resource.provider,
        account="",
        id=name,
        spec={"base_model": base},
        status=Status.READY,
        fingerprint=resource.fingerprint,
    )
    handler = connect(resource.provider).handlers[_KIND]
    copies = getattr(handler, "copies", None)
    if copies is None or not copies(adapter_at(root, instance)):
        raise _no(
            block,
            f"provider `{resource.provider}` takes no adapters",
            "our own server does: provider type `local` or `tunectl`",
        )
    return Offer(instance=instance, afar=True)


def adapter_at(root: Path, instance: Instance) -> Original:
    """Return the way to an adapter that a plan named."""
    return Original(instance=instance, handler=cast("Handler", _Adapter(root)))


@dataclass(frozen=True, slots=True)
class _Adapter:
    """Stands where a handler of another account would: it gives out, and does nothing else."""

    root: Path

    def give_out(self, instance: Instance, target: IO[bytes]) -> None:
        """Write what our server makes a job of.

        Raises:
            NotFoundError: the folder is gone.
            StaleError: it is not what the plan named any more.
        """
        name, _, wanted = instance.id.partition("#sha256=")
        folder = self.root / name.removeprefix(SCHEME)
        try:
            files = _files(folder)
        except OSError as error:
            raise NotFoundError.of(f"the adapter `{name}` is gone") from error
        if not files:
            raise NotFoundError.of(f"the adapter `{name}` is gone")
        if not _digest(files).startswith(wanted):
            raise StaleError.of(
                f"the adapter `{name}` is not what was planned any more", hint="plan again"
            )
        import tarfile  # with three compressors, for what few plans have

        head = _head(instance, files)
        with tarfile.open(fileobj=target, mode="w") as archive:
            _add(archive, "job.json", orjson.dumps(head))
            for path, content in files.items():
                _add(archive, f"adapter/{path}", content)


def _head(instance: Instance, files: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what our server asks of a copy; what nobody knows of an adapter stays open."""
    base = instance.spec.get("base_model")
    return {
        "format": 1,
        "account": "a folder",
        "job": instance.id,
        "recipe": {
            "model": base if isinstance(base, str) else "",
            "trainer": "lora",
            "method": {"type": "supervised"},
            "hyperparameters": _UNTOLD,
            "seed": 0,
            "suffix": instance.address.name,
            "training_sha256": None,
            "validation_sha256": None,
        },
        "base": {"name": base if isinstance(base, str) else "", "sha256": ""},
        "requested": _UNTOLD,
        "training_file": "",
        "validation_file": None,
        "trained_tokens": None,
        "files": {
            f"adapter/{path}": hashlib.sha256(content).hexdigest()
            for path, content in files.items()
        },
    }


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    import tarfile

    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def _folder(block: Import, root: Path) -> Path:
    """Return the folder that an id names, relative to the project."""
    told = block.id.removeprefix(SCHEME)
    folder = root / told
    if not told or "#" in told:
        raise _no(block, "that names no folder", "`file://adapters/support`")
    if not folder.is_dir():
        raise _no(block, f"there is no folder `{told}`", "paths count from the project's folder")
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    """Return what makes an adapter, by name: its two files."""
    return {
        name: (folder / name).read_bytes()
        for name in (_CONFIG, _WEIGHTS)
        if (folder / name).is_file()
    }


def _digest(files: Mapping[str, bytes]) -> str:
    whole = hashlib.sha256()
    for name, content in sorted(files.items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
    return whole.hexdigest()


def _checked(block: Import, folder: Path, files: Mapping[str, bytes]) -> None:
    missing = [name for name in (_CONFIG, _WEIGHTS) if name not in files]
    if missing:
        pickled = (folder / "adapter_model.bin").is_file()
        raise _no(
            block,
            f"`{missing[0]}` is not in it",
            "save it anew with `save_pretrained(…, safe_serialization=True)`: pickles are not read"
            if pickled
            else "name the folder that `save_pretrained` of peft wrote",
        )
    try:
        config = orjson.loads(files[_CONFIG])
        kind = config.get("peft_type") if isinstance(config, dict) else None
    except orjson.JSONDecodeError:
        kind = None
    if kind != "LORA":
        raise _no(block, f"it is no LoRA adapter: `peft_type` is `{kind}`", "only LoRA is taken in")


def _no(block: Import, summary: str, hint: str) -> ConfigError:
    return ConfigError.of(
        f"cannot import `{block.id}` as `{block.address}`: {summary}",
        hint=hint,
        code="import-adapter",
        source=block.source,
    )
