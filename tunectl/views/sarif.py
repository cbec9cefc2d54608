"""Diagnostics as SARIF 2.1.0 (OASIS standard, 2020-03-27), for code scanning.

Of a row only its place is written, never its text, not even masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from urllib.parse import quote

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Severity
from tunectl.views.text import one_line, scrub

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


@dataclass(frozen=True, slots=True)
class Described:
    """What a rule is, for those who read its findings.

    Attributes:
        number: its number in the published table; empty when it has none.
        reason: why it matters.
        hint: what to do.
    """

    name: str
    number: str
    severity: Severity
    reason: str
    hint: str


def sarif_tree(
    diagnostics: Iterable[Diagnostic], rules: Mapping[str, Described], version: str
) -> dict[str, object]:
    """Return the log of one run.

    Args:
        diagnostics: what was found.
        rules: the rules that have a description, by name.
        version: the tool's.
    """
    found = [scrub(diagnostic) for diagnostic in diagnostics]
    used = list(dict.fromkeys(d.code or "other" for d in found))
    driver = {
        "name": "tunectl",
        "version": version,
        "rules": [_rule(name, rules.get(name)) for name in used],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(d, used.index(d.code or "other")) for d in found],
    }
    return {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(name: str, rule: Described | None) -> dict[str, object]:
    tree: dict[str, object] = {"id": name}
    if rule is None:
        return tree
    tree["shortDescription"] = {"text": rule.reason or name}
    tree["help"] = {"text": rule.hint or rule.reason or name}
    tree["defaultConfiguration"] = {"level": _LEVELS[rule.severity]}
    if rule.number:
        tree["properties"] = {"tags": [rule.number]}
    return tree


def _result(found: Diagnostic, index: int) -> dict[str, object]:
    text = one_line(found.summary)
    for more in (found.detail, found.hint and f"hint: {found.hint}"):
        text += f"\n{more}" if more else ""
    tree: dict[str, object] = {
        "ruleId": found.code or "other",
        "ruleIndex": index,
        "level": _LEVELS[found.severity],
        "message": {"text": text},
    }
    if found.source is not None:
        region = {"startLine": found.source.line or 1}
        if found.source.column:
            region["startColumn"] = found.source.column
        place = {"artifactLocation": {"uri": _uri(found.source.file)}, "region": region}
        tree["locations"] = [{"physicalLocation": place}]
    return tree


def _uri(file: str) -> str:
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(file)
