"""Texts that a tokenizer or a provider takes for something else."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tunectl.data.checks.rule import Finding, RowRule, Rule
from tunectl.data.fingerprint import Json, Row

SPECIAL_TOKEN = Rule(
    name="special-token",
    number="",
    hint="providers refuse the whole file for it: remove the token or break it up",
)
LOST_CHARACTER = Rule(
    name="lost-character",
    number="D01",
    hint="U+FFFD stands where a letter was lost in a conversion: fetch the text again",
)
# OpenAI answers `Invalid file format. Example N message contains an invalid token`.
_TOKEN = re.compile(r"<\|[A-Za-z_]+\|>")
_LOST = "�"


def _texts(value: Json, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, f"{path}[{index}]")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _texts(one, f"{path}.{key}" if path else key)


def _special_token(row: Row) -> Iterator[Finding]:
    for path, text in _texts(row, ""):
        for token in sorted(set(_TOKEN.findall(text))):
            yield Finding(f"`{path}` holds the special token `{token}`")


def _lost_character(row: Row) -> Iterator[Finding]:
    for path, text in _texts(row, ""):
        if _LOST in text:
            yield Finding(f"`{path}` holds U+FFFD ({text.count(_LOST)} times)")


RULES = (RowRule(SPECIAL_TOKEN, _special_token), RowRule(LOST_CHARACTER, _lost_character))
