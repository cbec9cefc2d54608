"""Text of others made safe to show, and text measured in terminal columns.

Names, prompts, rows and error messages come from files and servers. A terminal obeys escape
sequences and bidirectional controls inside them, so they are taken out before anything is shown
(the same as OpenTofu 1.12 does to its messages).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from functools import partial
from operator import attrgetter, is_
from typing import Any, TypeVar, cast

from tunectl.core.value import Address

T = TypeVar("T")

# Texts, which `re` compiles when they are first used: of most commands nothing is to be cleaned.
# CSI, OSC/DCS/APC/PM/SOS up to their end, and any other two-character escape.
_SEQUENCES = (
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x9b[0-?]*[ -/]*[@-~]"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b[ -/]*[0-~]?"
)
# C0 but tab and newline, DEL, C1, bidirectional controls, byte order mark, invisible tags.
_CONTROLS = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff"
    "\U000e0000-\U000e007f]"
)
_BREAKS = "[\u2028\u2029]|\r\n?"
_SURROGATES = "[\ud800-\udfff]"
_ANY = (
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def clean(text: str) -> str:
    """Return the text without control characters; newlines and tabs stay.

    `clean(clean(text)) == clean(text)`.
    """
    if not re.search(_ANY, text):
        return text
    text = re.sub(_BREAKS, "\n", text)
    text = re.sub(_CONTROLS, "", re.sub(_SEQUENCES, "", text))
    return re.sub(_SURROGATES, "\ufffd", text)


def scrub(value: T) -> T:
    """Return a value of the core with every text inside it cleaned."""
    return cast("T", _scrub(value))


_ATOMS = frozenset({int, float, bool, type(None)})


def _scrub(value: Any) -> Any:  # noqa: ANN401  # walks any value of the core
    """Return the very same object where nothing in it needs cleaning: that is nearly always."""
    kind = value.__class__
    if kind is str:
        return value if value.isprintable() else clean(value)  # all that is cleaned is unprintable
    if kind in _ATOMS:
        return value
    how = _HOW.get(kind)
    if how is None:
        how = _HOW[kind] = _how(kind)
    return how(value)


def _how(kind: type) -> Callable[[Any], Any]:
    """Return how values of a kind are cleaned; found out once, for a plan holds very many."""
    if kind is Address:
        return _scrub_address
    if kind is tuple:
        return _scrub_tuple
    if kind is frozenset:
        return _scrub_set
    if issubclass(kind, Enum):
        return _same
    if issubclass(kind, Mapping):
        return _scrub_map
    if is_dataclass(kind):
        names = tuple(f.name for f in fields(kind) if f.init)
        if names:
            return partial(_scrub_fields, names, attrgetter(names[0], *names))
    return _same


def _same(value: Any) -> Any:  # noqa: ANN401
    return value


def _scrub_tuple(value: tuple[Any, ...]) -> tuple[Any, ...]:
    for item in value:
        if item.__class__ is not str or not item.isprintable():
            break
    else:  # a path of keys, most often
        return value
    items = [_scrub(item) for item in value]
    return value if all(map(is_, items, value)) else tuple(items)


def _scrub_set(value: frozenset[Any]) -> frozenset[Any]:
    if value in _CLEAN:
        return value
    items = [_scrub(item) for item in value]
    if not all(map(is_, items, value)):
        return frozenset(items)
    if len(_CLEAN) < _MANY:
        _CLEAN.add(value)
    return value


def _scrub_address(value: Address) -> Address:
    kind, path, key = value
    if kind.isprintable() and (key is None or key.isprintable()) and "".join(path).isprintable():
        return value
    return Address(clean(kind), tuple(map(clean, path)), key and clean(key))


def _scrub_map(value: Mapping[Any, Any]) -> Mapping[Any, Any]:
    pairs = {_scrub(key): _scrub(item) for key, item in value.items()}
    same = all(map(is_, pairs, value)) and all(map(is_, pairs.values(), value.values()))
    return value if same else pairs


def _scrub_fields(
    names: tuple[str, ...],
    get: Callable[[Any], tuple[Any, ...]],
    value: Any,  # noqa: ANN401
) -> Any:  # noqa: ANN401
    """Clean what the fields hold; `get` gives the first one, then all of them."""
    changed = {}
    for name, before in zip(names, get(value)[1:], strict=True):
        if not before or (kind := before.__class__) in _ATOMS:
            continue
        if kind is str and before.isprintable():
            continue
        after = _scrub(before)
        if after is not before:
            changed[name] = after
    return replace(value, **changed) if changed else value


# Sets seen to be clean: what many resources have in common, such as names of fields.
_CLEAN: set[frozenset[Any]] = set()
_MANY = 1000
_HOW: dict[type, Callable[[Any], Any]] = {}


def json_text(tree: object, *, indent: int | None = None) -> str:
    """Return JSON in which letters stay as they are and what a terminal obeys is escaped."""
    text = json.dumps(tree, ensure_ascii=False, indent=indent, default=_listed)
    return re.sub(_ANY, _escaped, text)


def _listed(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))


def one_line(text: str) -> str:
    """Return the text with every run of white space as one space."""
    return " ".join(text.split())


def width(text: str) -> int:
    """How many terminal columns a line takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only when there is something wide to measure

    return cell_len(text)


def pad(text: str, columns: int) -> str:
    """Fill up with spaces to a number of terminal columns."""
    return text + " " * (columns - width(text))


def cut(text: str, columns: int) -> str:
    """Shorten a line to at most so many columns, the last one an ellipsis when it was longer."""
    if width(text) <= columns:
        return text
    kept = text[: columns - 1]
    while width(kept) > columns - 1:
        kept = kept[:-1]
    return kept + "…"


def cut_words(text: str, columns: int) -> str:
    """Shorten a line as `cut` does, but between two words; a single long word is cut within."""
    kept = cut(text, columns)
    if kept == text:
        return text
    head, space, _ = kept.rpartition(" ")
    return f"{head.rstrip(' ,;:(')} …" if space and head.strip() else kept


def indent(text: str, by: str) -> str:
    """Put the same characters before every line."""
    return "\n".join(by + line if line else line for line in text.split("\n"))


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return aligned lines, the columns two spaces apart."""
    lines = [head, *rows]
    columns = [max(width(line[i]) for line in lines) for i in range(len(head))]
    return [
        "  ".join(pad(cell, columns[i]) for i, cell in enumerate(line)).rstrip() for line in lines
    ]


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def duration(seconds: float) -> str:
    """Return `7s`, `3m2s`, `2h5m`: the way Terraform writes how long a step took."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours}h{minutes}m"
    return f"{minutes}m{left}s" if minutes else f"{left}s"
