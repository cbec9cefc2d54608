"""Saying exactly what is wrong with a piece of JSON that could not be read.

Only ever called for bad input, so it may be slow: it reads the piece again with the standard
library, which tells positions.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import NoReturn

import orjson

from tunectl.data.encodings import guess_encoding

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
_NOT_JSON = re.compile(r"-?\b(?:NaN|Infinity)\b")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong.

    Attributes:
        position: 0-based, in characters from the beginning of the piece.
    """

    code: str
    summary: str
    position: int
    hint: str = ""


def explain(raw: bytes) -> Fault:
    """Why a piece of text is not one JSON value."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        return not_utf8(raw, error)
    nul = text.find("\x00")
    if nul >= 0:
        return Fault("nul-byte", "a NUL byte", nul, "write the file again as plain UTF-8 text")
    try:
        json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        return _named(text, error)
    except _NotANumberError as error:
        found = _constant(text, str(error))
        return Fault(
            "not-a-number", f"`{error}` is not JSON", found, "use null or leave the key out"
        )
    except RecursionError:
        return Fault("broken-json", "nested too deep", 0)
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        what = str(error).split(": line")[0].rstrip(".")
        return Fault("broken-json", what[:1].lower() + what[1:], error.pos)
    return Fault("broken-json", "not valid JSON", 0)


def not_utf8(raw: bytes, error: UnicodeDecodeError) -> Fault:
    """The fault of bytes that are not UTF-8, with a guess at what they are."""
    guess = guess_encoding(raw)
    hint = "save the file as UTF-8"
    if guess:
        hint = f"it looks like {guess}: convert it with `iconv -f {guess} -t utf-8`"
    position = len(raw[: error.start].decode("utf-8"))
    byte = raw[error.start]
    return Fault("not-utf8", f"not UTF-8: byte 0x{byte:02x}", position, hint)


def find_duplicate_key(text: str) -> tuple[str, int] | None:
    """The first key that stands twice in one object of a valid JSON text, and its position."""
    stack: list[set[str] | None] = []
    before = ""
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word == "{":
            stack.append(set())
        elif word == "[":
            stack.append(None)
        elif word in "}]":
            stack.pop()
        elif word[0] == '"' and before in ("{", ",") and stack and stack[-1] is not None:
            key = json.loads(word)
            if key in stack[-1]:
                return key, token.start()
            stack[-1].add(key)
        before = word[0]
    return None


class _NotANumberError(Exception):
    pass


def _refuse(word: str) -> NoReturn:
    raise _NotANumberError(word)


def _constant(text: str, word: str) -> int:
    """Where a constant stands outside of strings."""
    blanked = _TOKEN.sub(lambda m: " " * len(m[0]) if m[0][0] == '"' else m[0], text)
    for found in _NOT_JSON.finditer(blanked):
        if found[0] == word:
            return found.start()
    return 0


def _named(text: str, error: json.JSONDecodeError) -> Fault:
    at = error.pos
    here = text[at : at + 1]
    rest = text[at:].strip()
    before = text[:at].rstrip()[-1:]
    code = "broken-json"
    if error.msg == "Extra data":
        if rest == ",":
            return Fault(
                code, "a comma after the object", at, "JSON Lines has no commas between lines"
            )
        return Fault(code, "more text after the JSON value", at, "write one object on each line")
    if not rest or error.msg.startswith("Unterminated string"):
        hint = "close it, or write the object on one line"
        if text.strip() in ("{", "["):
            hint = "it looks like indented JSON: write one object on each line, or one JSON array"
        return Fault(code, "the line ends inside the JSON value", at, hint)
    if here == "'":
        return Fault(code, "single quotes are not JSON", at, 'use double quotes: `"`')
    if here in ("}", "]") and before == ",":
        return Fault(code, f"a comma before `{here}`", at, "remove the trailing comma")
    if error.msg.startswith("Illegal trailing comma"):
        return Fault(code, "a trailing comma", at, "remove it")
    if error.msg.startswith("Invalid control character"):
        return Fault(
            code,
            "a control character inside a text",
            at,
            r"write it as an escape, such as \n or \t",
        )
    if error.msg == "Expecting ',' delimiter":
        return Fault(code, "a comma is missing here", at, r"a quote inside a text is written \"")
    return Fault(code, error.msg[:1].lower() + error.msg[1:], at)
