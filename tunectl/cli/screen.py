"""The screen: everything printed goes through here, with secrets taken out."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path
from typing import TextIO

from tunectl.core.dataclass import dataclass
from tunectl.views.paint import Paint
from tunectl.views.redact import Redactor

_SECRET_NAME = re.compile(
    r".*(?:_API_KEY|_STATE_KEY|_TOKEN|_SECRET|_PASSWORD)(?:_.*)?", re.IGNORECASE
)
_KEY_ENV = re.compile(r"""\bkey_env["']?\s*:\s*["']?([A-Za-z_]\w*)""")
_CONFIG = ("tunectl.yaml", "tunectl.*.yaml", "*.tunectl.yaml")


def secrets_of(root: Path, environ: Mapping[str, str]) -> set[str]:
    """Return the values that must never be shown.

    These are the values of variables named like a key or token, and of every variable a
    `key_env:` names in the project's files, also where the files cannot be loaded.
    """
    names = {name for name in environ if _SECRET_NAME.fullmatch(name)}
    for pattern in _CONFIG:
        for path in root.glob(pattern):
            with contextlib.suppress(OSError):
                text = path.read_text("utf-8", "replace")
                names |= set(_KEY_ENV.findall(text)) if "key_env" in text else set()
    return {environ[name] for name in names if environ.get(name)}


@dataclass(slots=True)
class Screen:
    """Prints. A reader that went away (`| head`) never stops the work that is going on."""

    out: TextIO
    err: TextIO
    out_paint: Paint = field(default_factory=Paint)
    err_paint: Paint = field(default_factory=Paint)
    redact: Redactor = field(default_factory=Redactor)
    _held: list[str] | None = None  # what is said together

    @classmethod
    def on_process(cls, root: Path, *, color: bool) -> Screen:
        """Make the screen of this process."""
        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="backslashreplace")
        return cls(
            sys.stdout,
            sys.stderr,
            Paint(color and colorful(sys.stdout)),
            Paint(color and colorful(sys.stderr)),
            Redactor(secrets_of(root, os.environ)),
        )

    @property
    def is_terminal(self) -> bool:
        """Whether a person watches stdout."""
        return self.out.isatty() and os.environ.get("TERM") != "dumb"

    def say(self, text: str = "") -> None:
        """Print lines on stdout."""
        if self._held is None:
            self._put(self.out, self.redact(text) + "\n")
        else:
            self._held.append(text)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Print with one write what is said meanwhile; anything else that is printed comes after.

        For lines that are known at the same time: nothing may be waited for within.
        """
        self._held = []
        try:
            yield
        finally:
            self.let_out()
            self._held = None

    def let_out(self) -> None:
        """Print what is held back."""
        if self._held:
            text, self._held = "\n".join(self._held), []
            self._put(self.out, self.redact(text) + "\n")

    def warn(self, text: str) -> None:
        """Print lines on stderr."""
        self.let_out()
        self._put(self.err, self.redact(text) + "\n")

    def stream(self, pieces: Iterable[str]) -> None:
        """Print the pieces of one text as they come."""
        self.let_out()
        for piece in self.redact.stream(pieces):
            self._put(self.out, piece)

    def ask(self, text: str) -> str:
        """Print a question and return the answer's line; empty at the end of input."""
        self.let_out()
        self._put(self.out, self.redact(text))
        return sys.stdin.readline()

    def _put(self, stream: TextIO, text: str) -> None:
        try:
            stream.write(text)
            stream.flush()
        except BrokenPipeError:
            _silence(stream)


def _silence(stream: TextIO) -> None:
    """Send what follows nowhere: an apply must not end because nobody reads on."""
    with contextlib.suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def colorful(stream: TextIO) -> bool:
    """Whether to colour: only a terminal, and not against NO_COLOR (no-color.org)."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return stream.isatty()
