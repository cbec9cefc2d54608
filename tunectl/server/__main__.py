"""`python -m tunectl.server`: run the local server in this process. See the package's charter."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from tunectl.server.executor import Executor, ExecutorError
from tunectl.server.manners import MANNERS
from tunectl.server.serve import Listen, ServeError, serve
from tunectl.server.service import Settings

if TYPE_CHECKING:
    from starlette.middleware import Middleware


_SHORTEST_TOKEN = 24  # characters; guessing one of 24 letters and digits is hopeless


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(1, f"error: {message}\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve; returns 0 after an orderly end and 1 when the server cannot start."""
    options = _options(arguments)
    try:
        host, port = _address(options.listen, options.port)
        listen = Listen(host, port, options.tls_cert, options.tls_key)
        settings = Settings(
            options.root,
            options.trainer,
            options.idle,
            options.mimic_openai,
            listen.public(),
            _token(options.token_env),
            options.vllm,
            _profile(options),
        )
        serve(
            settings,
            listen,
            foreground=options.foreground,
            middleware=_faults(options.faults),
            executor=_executor(options),
        )
    except (ServeError, ExecutorError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = _Parser(prog="python -m tunectl.server", description="The local tuning server.")
    add = parser.add_argument
    add("--root", type=Path, required=True, help="the server's folder")
    add("--trainer", choices=("lora", "simulated"), default="lora", help="how jobs are trained")
    add("--idle", type=float, default=900.0, metavar="SECONDS", help="stop when idle; 0 = never")
    add("--port", type=int, default=0, help="port on the loopback interface; 0 = a free one")
    add("--foreground", action="store_true", help="log to the terminal and print the address")
    add("--listen", metavar="HOST:PORT", help="listen elsewhere; other hosts need TLS")
    add("--tls-cert", type=Path, metavar="FILE", help="certificate chain, PEM")
    add("--tls-key", type=Path, metavar="FILE", help="private key, PEM")
    add("--token-env", metavar="NAME", help="the variable with the token that clients send")
    add("--executor", choices=("process", "ray"), default="process", help="who runs the trainers")
    add(
        "--ray",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="of executor `ray`: address, workers, cpus, gpus, resource.NAME, python",
    )
    add("--vllm", metavar="URL", help="a vLLM server on this machine that answers")
    add(
        "--mimic-openai",
        action="store_true",
        help="send what OpenAI really sends where that departs from its specification",
    )
    add("--profile", default="", choices=sorted(MANNERS), help="the service to stand in for")
    add("--faults", type=Path, help=argparse.SUPPRESS)  # for tests alone: see `faults`
    return parser.parse_args(arguments)


def _profile(options: argparse.Namespace) -> str:
    """Return the service to stand in for.

    Raises:
        ServeError: real training has no other manners than our own.
    """
    if options.profile and options.trainer != "simulated":
        raise ServeError(
            f"`--profile {options.profile}` stands in for a service and trains nothing\n"
            "hint: add `--trainer simulated`"
        )
    return str(options.profile)


def _executor(options: argparse.Namespace) -> Executor | None:
    """Return who runs the trainers, None for processes of this machine.

    Raises:
        ServeError: the options do not go together.
        ExecutorError: Ray is not installed, or its settings cannot be used.
    """
    if options.executor != "ray":
        if options.ray:
            raise ServeError("`--ray` is for `--executor ray`\nhint: give both")
        return None
    from tunectl.server.on_ray.cluster import check_installed
    from tunectl.server.on_ray.executor import RayExecutor
    from tunectl.server.on_ray.settings import parse

    settings = parse(options.ray)
    if settings.workers > 1 and options.trainer != "lora":
        raise ServeError(
            f"trainer `{options.trainer}` cannot be spread over {settings.workers} workers\n"
            "hint: trainer `lora` can"
        )
    check_installed()
    executor = RayExecutor(settings)
    executor.warm()
    return executor


def _token(variable: str | None) -> str | None:
    """Take the token out of the environment, which trainers inherit."""
    if variable is None:
        return None
    token = os.environ.pop(variable, "").strip()
    if len(token) < _SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
        raise ServeError(
            f"`--token-env {variable}`: the variable is not set, or holds less than "
            f"{_SHORTEST_TOKEN} characters, or some that no token has\n"
            "hint: `openssl rand -hex 32` makes a good one"
        )
    return token


def _faults(path: Path | None) -> list[Middleware]:
    if path is None:
        return []
    from starlette.middleware import Middleware

    from tunectl.server.faults import Faults, FaultsError, read_plan

    try:
        return [Middleware(Faults, plan=read_plan(path))]
    except FaultsError as error:
        raise ServeError(str(error)) from error


def _address(listen: str | None, port: int) -> tuple[str, int]:
    if listen is None:
        return "127.0.0.1", port
    host, separator, number = listen.rpartition(":")
    if not separator or not host or not number.isdigit():
        raise ServeError(f"`--listen {listen}` is not HOST:PORT\nhint: `--listen 0.0.0.0:8443`")
    return host.strip("[]"), int(number)


if __name__ == "__main__":
    sys.exit(main())
