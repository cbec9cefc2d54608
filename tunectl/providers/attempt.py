"""One call to a service, for the messages about it: what was tried, and what may not be shown."""

from __future__ import annotations

from dataclasses import dataclass, replace

_LONGEST = 600  # characters of foreign words


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to a service.

    Attributes:
        provider: the name under `providers:`.
        doing: what was attempted, as in `create a tuning job`.
        changes: whether it may have changed the remote side.
        secrets: texts that no message may hold.
    """

    provider: str
    doing: str
    changes: bool
    secrets: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Leave the secrets out."""
        return f"Attempt({self.provider!r}, {self.doing!r})"

    def hiding(self, secret: str) -> Attempt:
        """Return the same with one more secret."""
        return replace(self, secrets=(*self.secrets, secret)) if secret else self

    def clean(self, text: str) -> str:
        """Return foreign text fit to be shown: one line, no control characters, no secret."""
        for secret in self.secrets:
            text = text.replace(secret, "[key]")
        text = "".join(c if c.isprintable() else " " for c in text)
        text = " ".join(text.split())
        return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
