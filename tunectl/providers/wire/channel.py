"""The channel to a remote service: a fixed address, and a key from the environment."""

from __future__ import annotations

from dataclasses import dataclass

from tunectl.providers.keys import checked_url as checked_url
from tunectl.providers.keys import read_key
from tunectl.providers.wire.client import Reached


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedChannel:
    """A service at one address.

    Attributes:
        provider: the name under `providers:`, for messages.
        url: the base URL.
        key_env: the environment variable that holds the key.
        organization: sent as `OpenAI-Organization`.
        project: sent as `OpenAI-Project`.
        ca_file: authorities to trust, instead of those of this machine.
    """

    provider: str
    url: str
    key_env: str
    organization: str | None = None
    project: str | None = None
    ca_file: str | None = None

    def base_url(self) -> str:
        """Return the base URL."""
        return self.url

    def reach(self) -> Reached:
        """Return the address and the key as the environment has it now.

        Raises:
            CredentialsError: the variable is not set, or holds what can be no key.
        """
        return Reached(
            base_url=self.url,
            key=read_key(self.provider, self.key_env),
            organization=self.organization,
            project=self.project,
            ca_file=self.ca_file,
        )

    def credentials(self) -> str:
        """Return the name of the variable that holds the key.

        Raises:
            CredentialsError: it is not set, or holds what can be no key.
        """
        read_key(self.provider, self.key_env)
        return f"the variable `{self.key_env}`"

    def executor(self) -> str:
        """Nothing is known of where a remote service trains."""
        return ""

    @property
    def untouched(self) -> bool:
        """Nothing is known of what a remote service was asked for."""
        return False

    def revive(self) -> bool:
        """Nothing can be done from here about a remote service that is down."""
        return False
