"""Excerpts of a row that tell nothing of its text.

Law: the punctuation, the keys and the words of the formats stay; every other word is replaced,
letter by letter, so that columns still fit. Diagnostics travel into pull requests and logs; the
text of rows must not.
"""

from __future__ import annotations

import re

from tunectl.data.pattern import regex
from tunectl.data.sensitive.names import shown_name

WIDTH = 60
_MASK = "•"
_WORD = regex(r"\w+")
_KEY = regex(r'"([^"\\]*)"\s*:')
_FORMAT_WORDS = """
messages role content system developer user assistant tool function model bot human gpt author
context tools tool_calls tool_call_id parallel_tool_calls functions function_call type id name
arguments weight parameters description text input output prompt completion input_text
output_text instruction question answer response conversations from value true false null
contents parts human observation function_call functionCall functionResponse inlineData fileData
systemInstruction schemaVersion toolUse toolResult toolConfig chosen rejected preferred_output
non_preferred_output instances instruct
NaN nan Infinity None True False html DOCTYPE head body version
"""
_KNOWN = frozenset(_FORMAT_WORDS.split())


def masked(text: str) -> str:
    """The text with every word masked that is not a word of a format or of a key to be shown."""
    kept: set[int] = set()
    for key in _KEY.finditer(text):
        if shown_name(key[1]) == key[1]:
            kept.update(range(*key.span(1)))

    def one(found: re.Match[str]) -> str:
        word = found[0]
        if word in _KNOWN or found.start() in kept:
            return word
        return _MASK * len(word)

    return _WORD.sub(one, text)


def excerpt(raw: bytes | str, column: int = 0) -> tuple[str, str]:
    """A masked excerpt of a line, about 60 characters.

    Returns:
        The line's beginning, when the column lies in it, and else the surroundings of the column:
        the first fits under a caret, the second is for the detail.
    """
    line = raw if isinstance(raw, str) else raw.decode("utf-8", "replace")
    line = line.rstrip("\r\n")
    if column <= WIDTH:
        text = _printable(masked(line[: 2 * WIDTH])[:WIDTH])
        return (f"{text}…" if len(line) > WIDTH else text), ""
    start = max(0, column - 1 - WIDTH // 2)
    text = masked(line[max(0, start - WIDTH) : start + 2 * WIDTH])
    cut = _printable(text[min(start, WIDTH) :][:WIDTH])
    return "", f"near column {column}: …{cut}…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)
