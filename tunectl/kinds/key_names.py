"""The names of settings under which people write a key itself, as no file may."""

from __future__ import annotations

# Keys under which people write a secret; each is refused in favour of `key_env`.
SECRETS = frozenset(
    {
        "api_key",
        "apikey",
        "key",
        "token",
        "access_token",
        "secret",
        "secret_key",
        "password",
        "credentials",
        "bearer",
        "auth",
    }
)
