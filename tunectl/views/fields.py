"""The field lines of one change: `~ epochs = 3 -> 4  # forces replacement`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tunectl.core.dataclass import dataclass
from tunectl.core.diff import ABSENT, Absent, Delta, deltas
from tunectl.core.plan import Action, Change
from tunectl.core.value import Plain, Value, shown
from tunectl.views.documents import FIELD, KIND
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import pad, width
from tunectl.views.values import dotted, flat, inline, is_hash, is_known, keyed, rows_summary
from tunectl.views.words import marked_lines, word_diff

FORCES = "  # forces replacement"
_TEXT_LINES = 14
_WORD_LINES = 20
_WORDS = "    |"
_MARKS = re.compile(r"\[-.*?-\]|\{\+.*?\+\}")
_WIDEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Line:
    """One field: its sign, name and what stands after the `=`; `below` are further lines."""

    sign: str
    name: str
    value: str
    below: tuple[str, ...] = ()


DIFFERS = {"+": Style.ADD, "-": Style.REMOVE, "~": Style.CHANGE}


def field_lines(change: Change, paint: Paint) -> list[str]:
    """Return the lines of a change's fields, aligned; what does not change is only counted."""
    if change.action is Action.CREATE:
        return aligned([Line("+", dotted(p), inline(v)) for p, v in _created(change)], paint)
    lines = aligned(list(delta_lines(_visible(change))), paint)
    if change.action is Action.ADOPT and change.before is None:
        return []
    if change.before is not None and change.after is not None:
        quiet = {d.path[0] for d in change.deltas} | change.after.inputs
        hidden = len(change.before.spec.keys() - quiet)
        if hidden and change.deltas:
            noun = "field" if hidden == 1 else "fields"
            lines.append(paint(f"# ({hidden} unchanged {noun} hidden)", Style.FAINT))
    return lines


def aligned(lines: list[Line], paint: Paint) -> list[str]:
    """Return the lines with their `=` in one column, as Terraform does."""
    column = max((width(line.name) for line in lines), default=0)
    column = min(column, _WIDEST_NAME)
    made: list[str] = []
    for line in lines:
        value = line.value
        if value.endswith(FORCES):
            value = value.removesuffix(FORCES) + paint(FORCES, Style.REMOVE)
        sign = paint(line.sign, DIFFERS[line.sign])
        made.append(f"{sign} {pad(line.name, column)} = {value}")
        made.extend(_painted(below, paint) for below in line.below)
    return made


def _painted(line: str, paint: Paint) -> str:
    if line.startswith(_WORDS):
        return _MARKS.sub(lambda m: paint(m[0], DIFFERS[m[0][1]]), line)
    return paint(line, DIFFERS.get(line.lstrip()[:1])) if line[:6].strip() else line


def _created(change: Change) -> Iterable[tuple[tuple[str, ...], Value]]:
    """The fields of something new: as declared, without hashes of the whole and inputs."""
    if change.after is None:
        return []
    values: dict[str, Value] = dict(change.after.spec)
    for delta in change.deltas:
        if len(delta.path) == 1 and not isinstance(delta.after, Absent):
            values[delta.path[0]] = delta.after
    kept = {
        key: item
        for key, item in values.items()
        if key not in change.after.inputs
        and not (key == "rows" and is_hash(item))
        and not (key == FIELD and change.address.kind == KIND)
        and not (key == "format" and isinstance(item, int))  # how our own file is written
    }
    return list(flat(kept))


def _visible(change: Change) -> Iterable[Delta]:
    """Deltas without the hash over all rows and without those of documents: others say more."""
    told = FIELD if change.address.kind == KIND else None
    return [
        d
        for d in change.deltas
        if not (d.path == ("rows",) and is_hash(d.before)) and d.path[0] != told
    ]


def delta_lines(found: Iterable[Delta]) -> Iterable[Line]:
    """Yield a line for each delta, data fingerprints joined and lists of named parts opened."""
    for delta in _joined(_opened(found)):
        yield _line(delta)


def _opened(found: Iterable[Delta]) -> Iterable[Delta]:
    for delta in found:
        before, after = keyed(delta.before), keyed(delta.after)
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            inner = deltas(_plain(before), after)
            yield from (replace(d, path=delta.path + d.path, forces=delta.forces) for d in inner)
            if not inner:
                yield delta
        else:
            yield delta


def _plain(value: Mapping[str, Value]) -> dict[str, Plain]:
    return {key: shown(item) for key, item in value.items()}


def _joined(found: Iterable[Delta]) -> Iterable[Delta]:
    """`data.training.rows` and `data.training.sha256` are one fact: show them as one."""
    groups: dict[tuple[str, ...], list[Delta]] = {}
    for delta in found:
        stem = delta.path[:-1] if delta.path[-1] in {"rows", "sha256"} else delta.path
        groups.setdefault(stem or delta.path, []).append(delta)
    for stem, group in groups.items():
        merged = _merged(stem, group)
        yield from [merged] if merged else group


def _merged(stem: tuple[str, ...], group: list[Delta]) -> Delta | None:
    sides = {delta.path[-1]: delta for delta in group}
    if set(sides) != {"rows", "sha256"} or len(group) != len(sides) or stem == group[0].path:
        return None
    before: dict[str, Plain] = {}
    after: dict[str, Value] = {}
    for key, delta in sides.items():
        if not isinstance(delta.before, Absent):
            before[key] = delta.before
        if not isinstance(delta.after, Absent):
            after[key] = delta.after
    return Delta(stem, before or ABSENT, after or ABSENT, group[0].forces)


def _line(delta: Delta) -> Line:
    name, forces = dotted(delta.path), FORCES if delta.forces else ""
    before, after = delta.before, delta.after
    if isinstance(before, Absent):
        return Line("+", name, _side(after) + forces)
    if isinstance(after, Absent):
        return Line("-", name, f"{_side(before)} -> null{forces}")
    if is_words(delta):
        return Line("~", name, f"(words){forces}", _word_lines(str(before), str(after)))
    if _is_text(before) and _is_text(after) and is_known(after):
        return Line("~", name, f"(text){forces}", _text_diff(str(before), str(after)))
    return Line("~", name, f"{_side(before)} -> {_side(after)}{forces}")


def is_words(delta: Delta) -> bool:
    """Whether a delta is of the text of a prompt: a section's template, or an included file."""
    texts = isinstance(delta.before, str) and isinstance(delta.after, str)
    section = len(delta.path) == 3 and delta.path[0] == "sections" and delta.path[2] == "template"
    return texts and (section or (len(delta.path) == 2 and delta.path[0] == "partials"))


def _word_lines(before: str, after: str) -> tuple[str, ...]:
    """The words of two texts that differ; without colour, which here marks whole lines."""
    lines = [f"{_WORDS} {line}".rstrip() for line in marked_lines(word_diff(before, after), PLAIN)]
    while lines and lines[-1] == _WORDS:
        lines.pop()
    if len(lines) > _WORD_LINES:
        left = len(lines) - _WORD_LINES
        lines = [*lines[:_WORD_LINES], f"    # ({left} more lines)"]
    return tuple(lines)


def opened(found: Iterable[Delta]) -> Iterable[Delta]:
    """Yield the deltas with lists of named parts opened: one delta for each field of a part."""
    return _opened(found)


def _side(value: Value | Absent) -> str:
    return rows_summary(value) or inline(value)


def _is_text(value: Value | Absent) -> bool:
    return isinstance(value, str) and "\n" in value


def _text_diff(before: str, after: str) -> tuple[str, ...]:
    """The lines of two texts that differ, with one line of context."""
    from difflib import unified_diff

    diff = list(unified_diff(before.splitlines(), after.splitlines(), n=1, lineterm=""))
    body = diff[3:] if diff[2].startswith("@@ -1") else diff[2:]
    lines = [_diff_line(line) for line in body]
    if len(lines) > _TEXT_LINES:
        left = len(lines) - _TEXT_LINES
        lines = [*lines[:_TEXT_LINES], f"        # ({left} more lines)"]
    return tuple(lines)


def _diff_line(line: str) -> str:
    if line.startswith("@@"):
        return "        ..."
    return f"    {line[:1]}   {line[1:]}".rstrip()
