"""Diagnostics as annotations of a pull request.

Source: GitHub Docs, "Workflow commands for GitHub Actions", read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable

from tunectl.core.errors import Diagnostic, Severity
from tunectl.views.text import one_line, scrub

_WORDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github_annotations(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one workflow command a diagnostic; empty for none."""
    return "\n".join(_annotation(scrub(diagnostic)) for diagnostic in diagnostics)


def _annotation(found: Diagnostic) -> str:
    properties = {}
    if found.source is not None:
        properties["file"] = found.source.file
        if found.source.line:
            properties["line"] = str(found.source.line)
        if found.source.column:
            properties["col"] = str(found.source.column)
    if found.code:
        properties["title"] = found.code
    where = ",".join(f"{key}={_property(text)}" for key, text in properties.items())
    text = one_line(found.summary)
    if found.detail:
        text += f"\n{found.detail}"
    if found.hint:
        text += f"\nhint: {found.hint}"
    return f"::{_WORDS[found.severity]}{' ' if where else ''}{where}::{_message(text)}"


def _message(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
