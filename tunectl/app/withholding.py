"""What a service says of a request it refuses, without what was sent in it.

Law: no profile, conversation, document or rendered prompt stands in an error. Services quote the
request in their messages; where one does, its words are left out and only what failed is told.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from tunectl.core.errors import Diagnostic, ProviderError

T = TypeVar("T")

_WINDOW = 16  # characters in a row that two texts share by no accident
_LEAST = 3  # characters of a value that is looked for as a whole
_TAG = re.compile(r"<[^<>]*>|\n")
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORD = re.compile(r"[^\W_]+")
_LEFT_OUT = "its answer repeats what was sent and is left out"


def withholding(pieces: Iterable[T], texts: Iterable[str]) -> Iterator[T]:
    """Yield the pieces of an answer; an error keeps no words that were sent.

    Args:
        pieces: the answer.
        texts: what was sent.

    Raises:
        ProviderError: as the answer does.
    """
    try:
        yield from pieces
    except ProviderError as error:
        raise without_words(error, tuple(texts)) from None


def without_words(error: ProviderError, texts: Sequence[str]) -> ProviderError:
    """Return an error without the words of its service where they repeat one of the texts."""
    told = tuple(_without(one, texts) for one in error.diagnostics)
    if told == error.diagnostics:
        return error
    made = type(error)(told, error.exit)  # anew: the arguments of an exception hold its words too
    vars(made).update({**vars(error), "diagnostics": told})
    return made


def _without(one: Diagnostic, texts: Sequence[str]) -> Diagnostic:
    head, _, words = one.summary.partition(": ")
    if words and repeats(words, texts):
        one = replace(one, summary=f"{head}: {_LEFT_OUT}")
    return replace(one, detail="") if repeats(one.detail, texts) else one


def repeats(words: str, texts: Sequence[str]) -> bool:
    """Whether words hold a value of a text, or a stretch of it, however they are escaped."""
    said = _plain(words)
    stretches = {said[at : at + _WINDOW] for at in range(len(said) - _WINDOW + 1)}
    for text in texts:
        whole = _plain(text)
        if any(stretch in whole for stretch in stretches):
            return True
        values = (_plain(part) for part in _TAG.split(text))
        if any(len(value) >= _LEAST + 2 and value in said for value in values):
            return True
    return False


def _plain(text: str) -> str:
    """Return letters and digits alone, in small letters, a space between words and at the ends."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    text = re.sub(r"\\[nrt]", " ", html.unescape(text)).casefold()
    return f" {' '.join(_WORD.findall(text))} "
