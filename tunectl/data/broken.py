"""Saying exactly what is wrong with a piece of JSON that could not be read.

Only ever called for bad input, so it may be slow: it reads the piece again with the standard
library, which tells positions.
"""

from __future__ import annotations

import json
import re
from typing import NoReturn

import orjson

from tunectl.core.dataclass import dataclass
from tunectl.data.encodings import guess_encoding
from tunectl.data.pattern import regex

_TOKEN = regex(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]')
# What is read must be written again: `orjson` reads 1,024 levels and writes 254, and converting a
# row adds some.
DEEPEST = 200
_MANY_DIGITS = regex(r"\d{4301,}")
# Every escape; `half` is one of a surrogate pair without the other.
_ESCAPE = regex(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)
_NOT_JSON = regex(r"-?\b(?:NaN|Infinity)\b")


_LITERALS = {
    "None": "null", "True": "true", "False": "false", "undefined": "null", "nil": "null",
    "NULL": "null", "TRUE": "true", "FALSE": "false",
}  # fmt: skip


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
        if text.startswith("\ufeff"):
            hint = "files that each begin with one were joined: remove it from this line"
            return Fault("byte-order-mark", "a byte order mark inside the file", 0, hint)
        return _named(text, error)
    except _NotANumberError as error:
        found = _constant(text, str(error))
        return Fault(
            "not-a-number", f"`{error}` is not JSON", found, "use null or leave the key out"
        )
    except RecursionError:
        return too_deep()
    except ValueError:  # Python reads no number of more digits
        digits = _MANY_DIGITS.search(text)
        hint = "write it as a text, in quotes"
        return Fault(
            "broken-json", "a number of too many digits", digits.start() if digits else 0, hint
        )
    lone = next((found for found in _ESCAPE.finditer(text) if found["half"]), None)
    if lone is not None:
        hint = r"write both halves (such as `\ud83d\ude00`), or the character itself"
        what = rf"half a character: `\{lone['half']}` alone"
        return Fault("broken-json", what, lone.start(), hint)
    try:
        orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        what = str(error).split(": line")[0].rstrip(".")
        return Fault("broken-json", what[:1].lower() + what[1:], error.pos)
    return Fault("broken-json", "not valid JSON", 0)


def too_deep() -> Fault:
    """The fault of brackets inside of brackets beyond what can be written again."""
    return Fault("broken-json", "nested too deep", 0, f"{DEEPEST} levels are the most: flatten it")


def is_deep(raw: bytes, value: object) -> bool:
    """Whether a value that was read from some bytes is nested deeper than `DEEPEST`."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return False
    return any(isinstance(one, dict | list) for one in level)


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


def lines_of_items(raw: bytes, key: str, line: int) -> list[int]:
    """The line on which each item of the list under a key of an object begins.

    Args:
        raw: the object as it stands in the file, valid JSON.
        key: a key of the object itself, not of what is inside it.
        line: the line on which the object begins.
    """
    if b"\n" not in raw:
        return []
    text = raw.decode("utf-8")
    lines: list[int] = []
    depth, within, before, last = 0, False, "", ""
    for token in _TOKEN.finditer(text):
        word = token[0]
        if depth == 2 and within and before in ("[", ",") and word != "]":
            lines.append(line + text.count("\n", 0, token.start()))
        if word in ("{", "["):
            within = within or (depth == 1 and before == ":" and last == key and word == "[")
            depth += 1
        elif word in ("}", "]"):
            depth -= 1
            within = within and depth > 1
        elif word[0] == '"' and depth == 1:
            last = json.loads(word)
        before = word[0]
    return lines


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
    return _expected(error.msg, text, at)


def _expected(message: str, text: str, at: int) -> Fault:
    """What the standard library expected, in words and with what to do."""
    code = "broken-json"
    word = re.match(r"[^\W\d]\w*", text[at:])
    if message == "Expecting value" and word and word[0] in _LITERALS:
        return Fault(code, f"`{word[0]}` is not JSON", at, f"write `{_LITERALS[word[0]]}`")
    if message == "Expecting value" and not text[:at].strip():
        return Fault(code, "the line is not JSON", at, "write one JSON object on each line")
    if message == "Expecting value":
        hint = "a text stands in double quotes; where there is no value, write null"
        return Fault(code, "a value is missing here", at, hint)
    if message.startswith("Expecting property name"):
        return Fault(code, "a key is missing here", at, 'a key stands in double quotes: `"key":`')
    if message == "Expecting ':' delimiter":
        return Fault(code, "a colon is missing here", at, 'write `"key": value`')
    if message.startswith("Invalid \\"):
        return Fault(code, "no such escape", at, r"a backslash inside a text is written \\")
    return Fault(code, message[:1].lower() + message[1:], at)
