"""How an apply or a destroy ended, and what it gives: the last lines of the screen."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from tunectl.core.errors import Diagnostic
from tunectl.core.value import Plain, canonical
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, one_line, pad, scrub, width
from tunectl.views.values import SENSITIVE

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_INDENT = "  "
LISTED = 20  # addresses of one kind at the end of an apply


def apply_summary(
    added: int,
    changed: int,
    destroyed: int,
    forgotten: int = 0,
    *,
    imported: int = 0,
    destroy: bool = False,
) -> str:
    """Return Terraform's closing line. Tools parse it: never change a byte of it."""
    tail = f", {forgotten} forgotten" if forgotten else ""
    if destroy:
        return f"Destroy complete! Resources: {destroyed} destroyed{tail}."
    head = f"{imported} imported, " if imported else ""
    return (
        f"Apply complete! Resources: {head}{added} added, {changed} changed, "
        f"{destroyed} destroyed{tail}."
    )


def incomplete_text(
    counts: tuple[int, int, int, int],
    *,
    failed: int = 0,
    running: int = 0,
    skipped: int = 0,
    blocked: int = 0,
    imported: int = 0,
    destroy: bool = False,
) -> str:
    """Return the closing line of an apply that could not do everything yet."""
    added, changed, destroyed, forgotten = counts
    done = f"{imported} imported, " if imported else ""
    done += f"{added} added, {changed} changed, {destroyed} destroyed"
    if forgotten:
        done += f", {forgotten} forgotten"
    words = (
        (failed, "failed"),
        (running, "still running"),
        (skipped, "not begun"),
        (blocked, "blocked"),
    )
    left = ", ".join(f"{number} {word}" for number, word in words if number)
    return f"{'Destroy' if destroy else 'Apply'} incomplete. Resources: {done}; {left}."


_ENDED = {
    "done": ("Done", Style.GOOD),
    "failed": ("Failed", Style.ERROR),
    "running": ("Still running", Style.NOTE),
    "not_started": ("Not started", Style.WARNING),
    "blocked": ("Blocked", Style.WARNING),
}


def ended_text(
    ended: Mapping[str, Sequence[str]],
    paint: Paint = PLAIN,
    *,
    ids: Mapping[str, str] | None = None,
) -> str:
    """Return which resources ended how, the first of each kind; empty for none.

    Args:
        ended: addresses under `done`, `failed`, `running`, `not_started` and `blocked`.
        paint: how to colour.
        ids: the object's id by address, where it helps.
    """
    blocks = []
    for name, (word, style) in _ENDED.items():
        found = ended.get(name, ())
        if not found:
            continue
        lines = [paint(f"{word} ({len(found)}):", style)]
        for address in found[:LISTED]:
            id_ = (ids or {}).get(address, "")
            lines.append(f"  {clean(address)}" + (f" [id={one_line(clean(id_))}]" if id_ else ""))
        if len(found) > LISTED:
            lines.append(f"  and {len(found) - LISTED} more")
        blocks.append("\n".join(lines))
    return "\n".join(blocks)


def addressed(diagnostic: Diagnostic) -> Diagnostic:
    """Return the diagnostic with its resource in the summary, where the words name none."""
    name = f"`{diagnostic.address}`"
    if not diagnostic.address or name in diagnostic.summary:
        return diagnostic
    return replace(diagnostic, summary=f"{name}: {diagnostic.summary}")


def remains_text(remains: Iterable[str], paint: Paint = PLAIN) -> str:
    """Return what stays at a provider for ever, one line each; empty for nothing."""
    lines = [f"  {one_line(clean(line))}" for line in remains]
    return "\n".join([paint("What remains:", Style.NOTE), *lines]) if lines else ""


def outputs_text(
    outputs: Mapping[str, Plain], paint: Paint = PLAIN, *, hidden: Collection[str] = ()
) -> str:
    """Return `Outputs:` and each value the way Terraform prints it; empty for none."""
    text = assignments(outputs, hidden)
    return f"{paint('Outputs:', Style.GOOD)}\n\n{text}" if text else ""


def assignments(outputs: Mapping[str, Plain], hidden: Collection[str] = ()) -> str:
    """Return `name = value` lines, sorted and aligned; empty for none."""
    values = {
        name: SENSITIVE if name in hidden else value_text(item)
        for name, item in scrub(dict(outputs)).items()
    }
    column = max((width(name) for name in values), default=0)
    return "\n".join(f"{pad(name, column)} = {text}" for name, text in sorted(values.items()))


def value_text(value: Plain, depth: int = 0) -> str:
    """Return a value in Terraform's notation; lists and maps over several lines."""
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    match value:
        case tuple() if value:
            items = [f"{inner}{value_text(item, depth + 1)}," for item in value]
            return "\n".join(["[", *items, f"{outer}]"])
        case Mapping() if value:
            names = {key: json.dumps(key, ensure_ascii=False) for key in value}
            column = max(width(name) for name in names.values())
            items = [
                f"{inner}{pad(names[key], column)} = {value_text(item, depth + 1)}"
                for key, item in value.items()
            ]
            return "\n".join(["{", *items, f"{outer}}}"])
        case _:
            return json.dumps(
                dict(value) if isinstance(value, Mapping) else value, ensure_ascii=False
            )


def raw_text(value: Plain) -> str:
    """Return a value for a shell: text as it is, the rest as JSON on one line."""
    return clean(value) if isinstance(value, str) else canonical(value)


def env_text(outputs: Mapping[str, Plain]) -> str:
    """Return lines `NAME='value'` for `eval` or an env file; names in capitals, quoted for sh."""
    lines: list[str] = []
    for name, value in sorted(outputs.items()):
        variable = name.upper()
        if _VARIABLE.fullmatch(variable):
            lines.append(f"{variable}={shlex.quote(raw_text(value))}")
        else:
            lines.append(f"# {one_line(clean(name))}: not a name a shell takes")
    return "\n".join(lines)
