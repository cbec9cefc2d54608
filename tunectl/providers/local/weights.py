"""Base models: fetched and imported before the first job that starts from one."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tunectl.core.errors import InvalidRequestError, NotFoundError, UnavailableError
from tunectl.providers.wire.client import Wire, fields

PULL_SECONDS = 3600.0
_TAIL = 2000


@dataclass(frozen=True, slots=True)
class Weights:
    """The base models of one folder.

    Attributes:
        wire: the connection to its server.
        root: the server's folder.
        project: the folder that a path in the declaration is relative to.
    """

    wire: Wire
    root: Path
    project: Path

    def ready(self, base: str) -> str:
        """Return the name by which the server knows a base model, once it is there.

        Raises:
            InvalidRequestError: it cannot be had, or cannot be tuned here.
            UnavailableError: fetching it took too long.
        """
        if is_path(base):
            path = self._path(base)
            self._pull(path)
            return path
        if not self._known(base):
            self._pull(base)
        return base

    def named(self, base: str) -> str:
        """Return the name that a model answers by: of a path, what it was imported as.

        Raises:
            InvalidRequestError: it cannot be had.
            UnavailableError: fetching it took too long.
        """
        return self._pull(self._path(base)) if is_path(base) else self.ready(base)

    def asked(self, model: str) -> str:
        """Return the name to ask a model by; nothing is fetched from elsewhere for a question.

        Raises:
            InvalidRequestError: what lies at a path is no model.
        """
        return self._pull(self._path(model)) if is_path(model) else model

    def _path(self, base: str) -> str:
        return str((self.project / Path(base).expanduser()).resolve())

    def _known(self, base: str) -> bool:
        try:
            self.wire.ask(
                f"look for the base model `{base}`", lambda c: fields(c.models.retrieve(base))
            )
        except NotFoundError:
            return False
        return True

    def _pull(self, name: str) -> str:
        """Fetch and import a base model; returns the name that it is known by."""
        self.wire.channel.reach()  # the server makes its folder, for this account's eyes alone
        command = [
            sys.executable, "-P", "-m", "tunectl.server.pull", name,
            "--root", str(self.root),
        ]  # fmt: skip
        try:
            done = subprocess.run(
                command,
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=PULL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise UnavailableError.of(
                f"fetching base model `{name}` took longer than an hour",
                hint=f"run `tunectl model pull {name}`, then try again",
            ) from error
        if done.returncode != 0:
            lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
            hints = [line.removeprefix("hint: ") for line in lines if line.startswith("hint: ")]
            words = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
            reason = words[-1] if words else (lines[-1] if lines else "no reason given")
            raise InvalidRequestError.of(
                f"base model `{name}` is not available: {reason}",
                hint=hints[-1] if hints else f"run `tunectl model pull {name}`",
                detail="" if words else done.stderr[-_TAIL:],
            )
        return done.stdout.rstrip().rpartition("\n")[2]


def is_path(base: str) -> bool:
    """Tell whether a base model is named by a path: it ends in `.gguf` or begins like one."""
    return base.endswith(".gguf") or base.startswith(("/", "./", "../", "~"))
