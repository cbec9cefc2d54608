"""Keys and passwords: they would leave the machine, and a model may repeat them.

Patterns are those that the issuers publish or that secret scanners agree on (gitleaks and
detect-secrets, read 2026-11). What stands after a word such as `password` is only a warning:
example passwords are common in good data. A diagnostic names the kind and the place, never the
value nor its length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.checks.texts import texts_of
from tunectl.data.fingerprint import Row
from tunectl.data.pattern import regex
from tunectl.data.sensitive.credentials import DUMMY, KINDS, LEAST_ENTROPY, entropy, secrets

SECRET = Rule(
    name="secret",
    number="D24",
    hint="revoke it, and put a placeholder into the row",
    reason="it would leave this machine, and a tuned model may repeat it to anybody",
    secretive=True,
)
PASSWORD = Rule(
    name="password",
    number="D24",
    hint="put a placeholder into the row, or allow it where the value is made up",
    reason="what stands beside `password` or `api key` looks made by a machine, and may be real",
    severity=Severity.WARNING,
    shown=5,
    secretive=True,
)
_WORDS = (
    "password", "passwd", "pwd", "passphrase", "secret", "api_key", "apikey", "api key", "api-key",
    "access_key", "access key", "auth_token", "access_token", "client_secret", "hasło", "haslo",
    "пароль", "Пароль", "ПАРОЛЬ", "ключ API", "Ключ API",
)  # fmt: skip
# In lower case; a word that ends with another is found by that one.
_LOW = tuple(dict.fromkeys(word.lower() for word in _WORDS))
_ENDS = tuple(
    word for word in _LOW if not any(word != other and word.endswith(other) for other in _LOW)
)
_BESIDE = regex(
    r"[\"'`*]{0,3}\s{0,2}(?:=>|:=|[:=]|\bis\b|\bto\b|—)"
    r"\s{0,2}[\"'`*]{0,3}([^\s\"'`<>{}\[\]()]{10,128})",
    re.IGNORECASE | re.ASCII,
)


def _secret(row: Row) -> Iterator[Finding]:
    for one in texts_of(row):
        for what, at in secrets(one.text):
            yield Finding(f"`{one.path}` holds what looks like {what} (character {at + 1})")


def _password(row: Row) -> Iterator[Finding]:
    told: set[str] = set()
    for one in texts_of(row):
        for found in _beside(one.text):
            value = found[1].rstrip(".,;:!?")
            if value not in told and _is_machine_made(value):
                told.add(value)
                yield Finding(
                    f"`{one.path}` holds what looks like a password or a key "
                    f"(character {found.start(1) + 1})"
                )
                break


def _beside(text: str) -> Iterator[re.Match[str]]:
    """The values beside a word such as `password`, in order.

    Words are looked for one by one and the pattern is tried only behind them: a pattern of all the
    words would be tried at every character.
    """
    low = text.lower()
    if len(low) != len(text):  # a few letters become two
        low = "".join(small if len(small := c.lower()) == 1 else c for c in text)
    ends = set()
    for word in _ENDS:
        at = low.find(word)
        while at >= 0:
            at += len(word)
            ends.add(at)
            at = low.find(word, at)
    for end in sorted(ends):
        found = _BESIDE.match(text, end)
        if found is not None:
            yield found


def _is_machine_made(value: str) -> bool:
    classes = (
        any(c.islower() for c in value)
        + any(c.isupper() for c in value)
        + any(c.isdigit() for c in value)
        + any(not c.isalnum() for c in value)
    )
    return (
        len(value) >= 10
        and classes >= 3
        and any(c.isdigit() for c in value)
        and "://" not in value
        and not DUMMY.search(value)
        and entropy(value) >= LEAST_ENTROPY
    )


_WORD_NEEDLES = tuple(
    "".join(c.lower() if c.isascii() else c for c in word).encode() for word in _WORDS
)
RULES = (
    RowRule(SECRET, _secret, tuple(needle for *_, needles in KINDS for needle in needles)),
    RowRule(PASSWORD, _password, _WORD_NEEDLES),
)
