"""Diagnostics for people (in the manner of rustc and uv) and for machines (Terraform's object)."""

from __future__ import annotations

from collections.abc import Iterable

from tunectl.core.errors import Diagnostic, Exit, Severity, Source, strongest
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import counted, indent, one_line, scrub, width

_STYLES = {
    Severity.ERROR: Style.ERROR,
    Severity.WARNING: Style.WARNING,
    Severity.INFO: Style.NOTE,
}
_BEFORE, _AFTER = 50, 46  # characters of a long line shown before and after the place meant


def diagnostics_text(diagnostics: Iterable[Diagnostic], paint: Paint = PLAIN) -> str:
    """Return the diagnostics, each a block, with an empty line between them."""
    return "\n\n".join(diagnostic_text(diagnostic, paint) for diagnostic in diagnostics)


def diagnostic_text(diagnostic: Diagnostic, paint: Paint = PLAIN) -> str:
    """Return one diagnostic: what, where with the line and a caret, more, and a hint."""
    found = scrub(diagnostic)
    word = paint(f"{found.severity.value}:", _STYLES[found.severity])
    lines = [f"{word} {paint(one_line(found.summary), Style.BOLD)}"]
    if found.source is not None:
        lines += _place(found.source, paint, _STYLES[found.severity])
    if found.detail:
        lines.append(indent(found.detail, "  "))
    if found.hint:
        lines.append(f"{paint('hint:', Style.NOTE)} {found.hint}")
    return "\n".join(lines)


def _place(source: Source, paint: Paint, style: Style) -> list[str]:
    number = str(source.line) if source.line else ""
    gutter = " " * max(len(number), 1)
    layer = f" (layer {one_line(source.layer)})" if source.layer else ""
    lines = [f"{gutter}{paint('-->', Style.NOTE)} {one_line(str(source))}{layer}"]
    if not source.line or not source.text.strip():
        return lines
    bar = paint("|", Style.NOTE)
    before, meant, after = _window(source)
    lines.append(f"{gutter} {bar}")
    text = f"{before}{meant}{after}".rstrip()
    lines.append(f"{paint(number, Style.NOTE)} {bar} {text}")
    if source.column:
        carets = "^" * max(1, width(meant))
        lines.append(f"{gutter} {bar} {' ' * width(before)}{paint(carets, style)}")
    return lines


def _window(source: Source) -> tuple[str, str, str]:
    """The line in three parts: before what is meant, that, and after; long ends are cut off."""
    text = source.text.replace("\t", " ").replace("\n", " ")
    start = min(max(source.column - 1, 0), len(text))
    end = min(start + max(source.length, 1), len(text))
    before, meant, after = text[:start], text[start:end], text[end:]
    if len(text) <= _BEFORE + _AFTER:
        return before, meant, after
    if len(before) > _BEFORE:
        before = "…" + before[1 - _BEFORE :]
    room = _AFTER if source.column else _BEFORE + _AFTER
    if len(meant) > room:
        meant, after = meant[: room - 1] + "…", ""
    left = room - len(meant)
    if len(after) > left:
        after = after[: max(left - 1, 0)] + "…"
    return before, meant, after


def count_text(diagnostics: Iterable[Diagnostic]) -> str:
    """Return `2 errors, 1 warning`, leaving out what there is none of; empty for nothing.

    What stands for several findings counts as many.
    """
    found = list(diagnostics)
    counts = ((s, sum(d.stands_for for d in found if d.severity is s)) for s in Severity)
    return ", ".join(
        counted(n, s.value, s.value if s is Severity.INFO else "") for s, n in counts if n
    )


def diagnostic_tree(diagnostic: Diagnostic) -> dict[str, object]:
    """Return one diagnostic as JSON: Terraform's object, with `hint`, `code` and `exit` beside."""
    tree: dict[str, object] = {
        "severity": diagnostic.severity.value,
        "summary": diagnostic.summary,
        "detail": diagnostic.detail,
    }
    optional = {
        "address": diagnostic.address,
        "hint": diagnostic.hint,
        "code": diagnostic.code,
    }
    tree |= {key: text for key, text in optional.items() if text}
    if diagnostic.stands_for > 1:
        tree["stands_for"] = diagnostic.stands_for
    if diagnostic.severity is Severity.ERROR:
        tree["exit"] = exit_tree(diagnostic.exit)
    if diagnostic.source is not None:
        tree |= _range(diagnostic.source)
    return tree


def _range(source: Source) -> dict[str, object]:
    column = source.column or 1
    tree: dict[str, object] = {
        "range": {
            "filename": source.file,
            "start": {"line": source.line, "column": column},
            "end": {"line": source.line, "column": column + source.length},
        }
    }
    if source.layer:
        tree["layer"] = source.layer
    if source.text:
        tree["snippet"] = {
            "code": source.text,
            "start_line": source.line,
            "highlight_start_offset": column - 1,
            "highlight_end_offset": column - 1 + source.length,
        }
    return tree


def exit_tree(code: Exit) -> dict[str, object]:
    """Return an exit code with its name."""
    return {"code": int(code), "reason": code.name.lower()}


def validation_tree(diagnostics: Iterable[Diagnostic]) -> dict[str, object]:
    """Return the document of `validate --format json`, and of any failed `--format json`."""
    found = list(diagnostics)
    errors = [d for d in found if d.severity is Severity.ERROR]
    return {
        "format_version": "1.0",
        "valid": not errors,
        "error_count": len(errors),
        "warning_count": sum(d.severity is Severity.WARNING for d in found),
        "exit": exit_tree(strongest(d.exit for d in errors)),
        "diagnostics": [diagnostic_tree(d) for d in found],
    }
