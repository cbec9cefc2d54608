"""Few-shot examples: which rows of a split, and as which messages."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from tunectl.core.ports import Reader
from tunectl.core.value import Plain, canonical

DEFAULT_MAX = 4
NEAREST_AMONG = 2000
"""Rows among which the nearest examples are looked for: the first ones that are plain text."""

Messages = tuple[Mapping[str, Plain], ...]


def chosen_rows(
    section: Mapping[str, Plain], source: Mapping[str, Plain], reader: Reader
) -> tuple[Messages, ...]:
    """Return the messages of each chosen row, in the order of the file.

    Only rows whose messages are all plain text can be examples.

    Args:
        section: `max` (how many), `select` (`fixed`: the first; `seeded`: a
            sample that `seed` and each row's own content decide, so that adding a row moves no
            other) and `seed`.
        source: the dataset, its split, `sha256` and `rows`.
        reader: gives the rows.

    Raises:
        StaleError: the rows are no longer what was planned.
    """
    rows: Iterable[Messages] = plain_rows(source, reader)
    given = section.get("max")
    most = given if isinstance(given, int) else DEFAULT_MAX
    if section.get("select") == "seeded":
        rows = _sample(rows, most, section.get("seed") or 0)
    else:
        rows = islice(rows, most)
    return tuple(rows)


def hash_of(row: Messages) -> str:
    """Return what a row is remembered by: 16 digits of its sha256."""
    return hashlib.sha256(canonical(row).encode()).hexdigest()[:16]


def first_rows(source: Mapping[str, Plain], reader: Reader) -> Iterator[Messages]:
    """Yield the rows among which the nearest ones are looked for, at most `NEAREST_AMONG`.

    Args:
        source: the dataset, its split, `sha256` and `rows`.
        reader: gives the rows.

    Raises:
        StaleError: the rows are no longer what was planned.
    """
    return islice(plain_rows(source, reader), NEAREST_AMONG)


def plain_rows(source: Mapping[str, Plain], reader: Reader) -> Iterator[Messages]:
    """Yield the rows that can be examples: those whose messages are all plain text.

    Args:
        source: the dataset, its split, `sha256` and `rows`.
        reader: gives the rows.

    Raises:
        StaleError: the rows are no longer what was planned.
    """
    read = (_messages(row) for row in reader.rows({"format": "chat", **source}))
    return (messages for messages in read if messages)


def _sample(rows: Iterable[Messages], most: int, seed: Plain) -> Iterator[Messages]:
    def ranked() -> Iterator[tuple[str, int, Messages]]:
        for at, row in enumerate(rows):
            text = f"{seed}\n{canonical(row)}"
            yield hashlib.sha256(text.encode()).hexdigest(), at, row

    best = heapq.nsmallest(most, ranked(), key=lambda item: item[:2])
    for _, _, row in sorted(best, key=lambda item: item[1]):
        yield row


def _messages(row: Mapping[str, Plain]) -> Messages:
    """Return role and text of what shows the model how to answer; empty when it is not all text.

    A row's own system message is left out: the template has its own.
    """
    given = row.get("messages")
    kept: list[Mapping[str, Plain]] = []
    for message in given if isinstance(given, tuple | list) else ():
        if not isinstance(message, Mapping):
            return ()
        role, content = message.get("role"), message.get("content")
        if role in {"system", "developer"}:
            continue
        if not isinstance(content, str) or role not in {"user", "assistant"}:
            return ()
        kept.append({"role": role, "content": content})
    return tuple(kept)
