"""The local server and its base models, by hand: `tunectl serve`, `tunectl model pull`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import ConfigError, ProviderError
from tunectl.providers.local.daemon import free_port
from tunectl.providers.local.root import root_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How the server is to run.

    Attributes:
        root: its folder, relative to the working directory; None for the user's own.
        trainer: `lora` or `simulated`.
        idle: seconds without work after which it stops; 0 for never.
        port: on the loopback interface; 0 for a free one, None for the folder's own, under which
            provider `local` and the applications it told look for it.
        listen: `HOST:PORT`, for other hosts; needs both files.
        tls_cert: certificate chain, PEM.
        tls_key: its private key, PEM.
        token_env: the variable with the token; without it the folder's own is used.
        vllm: the address of a vLLM server that answers.
        executor: `process`, or `ray` for a cluster.
        ray: the settings of that cluster, `KEY=VALUE` each.
    """

    root: str | None = None
    trainer: str = "lora"
    idle: float = 0.0
    port: int | None = None
    listen: str | None = None
    tls_cert: str | None = None
    tls_key: str | None = None
    token_env: str | None = None
    vllm: str | None = None
    executor: str = "process"
    ray: tuple[str, ...] = ()


def serve(wanted: Wanted) -> int:
    """Run the local server in this process until it is stopped; return the exit code.

    Raises:
        ConfigError: `port` and `listen` are both given.
        ProviderError: what it needs is not installed.
    """
    if wanted.port and wanted.listen:
        raise ConfigError.of(
            "`--port` and `--listen` are both given",
            hint="`--listen HOST:PORT` names the port, too",
            code="usage",
        )
    folder = root_folder(wanted.root, Path.cwd(), wanted.trainer)
    options: dict[str, object] = {
        "--root": folder,
        "--trainer": wanted.trainer,
        "--idle": wanted.idle,
        "--port": _port(wanted, folder),
        "--listen": wanted.listen,
        "--tls-cert": wanted.tls_cert,
        "--tls-key": wanted.tls_key,
        "--token-env": wanted.token_env,
        "--vllm": wanted.vllm,
        "--executor": wanted.executor,
    }
    told = [text for k, v in options.items() if v is not None for text in (k, str(v))]
    try:
        from tunectl.server.__main__ import main  # needs the extra `local`

        cluster = [text for word in wanted.ray for text in ("--ray", word)]
        return main([*told, *cluster, "--foreground"])
    except ModuleNotFoundError as error:
        raise _missing(error) from error


def _port(wanted: Wanted, folder: Path) -> int | None:
    """Return the folder's own port, so that the addresses that an apply wrote stay right."""
    return free_port(folder) if wanted.port is None and not wanted.listen else wanted.port


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
