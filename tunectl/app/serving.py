"""The local server and its base models, by hand: `tunectl serve`, `tunectl model pull`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from tunectl.core.errors import ProviderError
from tunectl.providers.local.root import root_folder


def serve(root: str | None, trainer: str, arguments: Sequence[str]) -> int:
    """Run the local server in this process until it is stopped; return the exit code.

    Args:
        root: its folder, relative to the working directory; None for the user's own.
        trainer: `lora` or `simulated`.
        arguments: further options of the server (`--port`, `--idle`, `--listen` …).

    Raises:
        ProviderError: what it needs is not installed.
    """
    folder = root_folder(root, Path.cwd(), trainer)
    try:
        from tunectl.server.__main__ import main  # needs the extra `local`

        return main(["--root", str(folder), "--trainer", trainer, "--foreground", *arguments])
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def pull(name: str, root: str | None, progress: Callable[[str], None]) -> str:
    """Fetch and import a base model; return its name at the local server.

    Args:
        name: a known name, a folder, a GGUF file or a hub name.
        root: the server's folder; None for the user's own.
        progress: told what is happening.

    Raises:
        ProviderError: it cannot be had, or cannot be tuned here.
    """
    folder = root_folder(root, Path.cwd(), "lora")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        from tunectl.server import bases  # needs the extra `local`
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    try:
        return bases.pull(name, folder, progress).name
    except bases.BaseModelError as error:
        raise ProviderError.of(str(error), hint=error.hint) from error


def _missing(error: ModuleNotFoundError) -> ProviderError:
    return ProviderError.of(
        f"the local server needs `{error.name}`, which is not installed",
        hint="pip install 'tunectl[local]'",
    )
