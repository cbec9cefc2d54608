"""Keys and addresses as settings name them: a key stands in the environment and nowhere else."""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from tunectl.core.errors import ConfigError, CredentialsError

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def read_key(provider: str, variable: str, *, setting: str = "key_env") -> str:
    """Return the key in an environment variable, without white space around it.

    Args:
        provider: the name under `providers:`.
        variable: the name of the variable.
        setting: what names another variable.

    Raises:
        CredentialsError: naming the variable, never what it holds.
    """
    key = os.environ.get(variable, "").strip()
    if not key:
        raise CredentialsError.of(
            f"provider `{provider}` has no key: the variable `{variable}` is not set",
            hint=f"set `{variable}`, or name another variable with `{setting}:`",
            code="no-key",
        )
    # Such a key cannot be sent, and the HTTP library's own complaint would quote it.
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CredentialsError.of(
            f"the variable `{variable}` of provider `{provider}` holds characters that no key has",
            hint="it may hold more than the key: a second line, quotes or a name before it",
            code="bad-key",
        )
    return key


def checked_url(provider: str, url: str) -> str:
    """Return a base URL that can be called, without a slash at its end.

    Raises:
        ConfigError: it is no http(s) URL, or it carries a password.
    """
    problem = ""
    try:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            problem = "is not a URL that begins with `https://`"
        elif parts.username or parts.password:
            problem = "carries a user name or password"
        else:
            _ = parts.port  # raises when it is no number
    except ValueError as error:
        problem = f"is not a URL: {error}"
    if problem:
        shown = url if "@" not in url else "…"
        raise ConfigError.of(
            f"`base_url` of provider `{provider}` {problem}: `{shown}`",
            hint="a key belongs into the variable that `key_env:` names"
            if "@" in url
            else "for example `https://api.openai.com/v1`",
            code="wrong-setting",
        )
    return url.rstrip("/")


def is_loopback(url: str | None) -> bool:
    """Tell whether an address is on this machine and without TLS: no credentials go there."""
    parts = urlsplit(url or "")
    return parts.scheme == "http" and parts.hostname in _LOOPBACK
