"""Mending one piece of JSON that cannot be read, where only one reading is possible."""

from __future__ import annotations

import ast
import json
import re
from typing import NoReturn

from tunectl.core.dataclass import dataclass
from tunectl.data.fingerprint import Json, Row
from tunectl.data.sensitive.names import shown_name

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|,', re.DOTALL)
_AFTER = re.compile(r"\s*([}\]]|\Z)")
_LONGEST_LITERAL = 1 << 20


@dataclass(frozen=True, slots=True)
class Mended:
    """A piece that can be read now: its value, and what was done, as pairs of rule and words."""

    value: Row
    done: tuple[tuple[str, str], ...]


class _UnclearError(ValueError):
    pass


def mend(raw: bytes) -> Mended | None:
    """Read a piece of JSON after removing what says nothing; None when that is not enough.

    Mended are commas too many, control characters inside texts (written as escapes), keys that
    stand twice with the same value, and objects as Python writes them.
    """
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    if "\x00" in text:
        return None
    try:
        return _json(text) or _python(text)
    except _UnclearError:
        return None


def _json(text: str) -> Mended | None:
    """None where it is no JSON at all.

    Raises:
        _UnclearError: a key stands twice with two values, a word is no number, or the piece was
            in order or is no object.
    """
    done = []
    bare, commas = _without_commas(text)
    if commas:
        what = "1 comma too many" if commas == 1 else f"{commas} commas too many"
        done.append(("trailing-comma", f"{what} removed"))
    twice: list[str] = []
    try:
        value = _load(bare, twice, strict=True)
    except _UnclearError:
        raise
    except (ValueError, RecursionError):
        twice.clear()
        try:
            value = _load(bare, twice, strict=False)
        except _UnclearError:
            raise
        except (ValueError, RecursionError):
            return None
        done.append(("control-character", "control characters in texts written as escapes"))
    done += [
        ("duplicate-key", f"`{shown_name(key)}` stood twice with one value: once now")
        for key in dict.fromkeys(twice)
    ]
    if not isinstance(value, dict) or not done:
        raise _UnclearError("nothing to mend")
    return Mended(value, tuple(done))


def _without_commas(text: str) -> tuple[str, int]:
    """The text without commas before a closing bracket or the end, and how many those were."""
    kept, at, count = [], 0, 0
    for token in _TOKEN.finditer(text):
        if token[0] == "," and _AFTER.match(text, token.end()):
            kept.append(text[at : token.start()])
            at = token.end()
            count += 1
    return "".join(kept) + text[at:], count


def _load(text: str, twice: list[str], *, strict: bool) -> Json:
    def unique(pairs: list[tuple[str, Json]]) -> Row:
        made: Row = {}
        for key, value in pairs:
            if key in made:
                if json.dumps(made[key]) != json.dumps(value):
                    raise _UnclearError(key)
                twice.append(key)
            made[key] = value
        return made

    loaded: Json = json.loads(text, strict=strict, object_pairs_hook=unique, parse_constant=_refuse)
    return loaded


def _refuse(word: str) -> NoReturn:
    raise _UnclearError(word)


def _python(text: str) -> Mended | None:
    """An object in Python's spelling: single quotes, `True`, `None`."""
    if len(text) > _LONGEST_LITERAL or not text.lstrip().startswith("{"):
        return None
    try:
        tree = ast.parse(text.strip().removesuffix(","), mode="eval")
        if any(isinstance(node, ast.Dict) and _repeats(node) for node in ast.walk(tree)):
            return None
        value = ast.literal_eval(tree)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if not isinstance(value, dict) or not _is_json(value):
        return None
    return Mended(value, (("python-literal", "Python's spelling written as JSON"),))


def _repeats(node: ast.Dict) -> bool:
    keys = [key.value for key in node.keys if isinstance(key, ast.Constant)]
    return len(set(keys)) < len(keys)


def _is_json(value: object) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(one) for key, one in value.items())
    if isinstance(value, list):
        return all(_is_json(one) for one in value)
    return value is None or isinstance(value, str | bool | int | float)
