"""What was found in data files: for people and for machines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit, strongest
from tunectl.views.diagnostics import count_text, diagnostic_tree, diagnostics_text, exit_tree
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, counted, table


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One dataset that was checked.

    Attributes:
        name: as it was asked for.
        shape: of its rows; empty where it could not be read.
        evidence: what told the shape.
        splits: rows by split.
        targets: for whom it was checked.
        diagnostics: what was found.
        exit: the exit code it stands for.
    """

    name: str
    shape: str = ""
    evidence: str = ""
    splits: Mapping[str, int] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    exit: Exit = Exit.DONE


def reports_text(reports: Sequence[Report], paint: Paint = PLAIN) -> str:
    """Return what was found, each dataset's findings first and then what it is."""
    return "\n\n".join(_report(report, paint) for report in reports)


def _report(report: Report, paint: Paint) -> str:
    lines = []
    if report.diagnostics:
        lines += [diagnostics_text(report.diagnostics, paint), ""]
    lines.append(f"{paint(clean(report.name), Style.BOLD)}: {_what(report)}")
    if report.targets:
        lines.append(f"  checked for {', '.join(clean(name) for name in report.targets)}")
    verdict = count_text(report.diagnostics) or "no problems found"
    style = Style.ERROR if report.exit is not Exit.DONE else Style.GOOD
    lines.append(f"  {paint(verdict, style)}")
    return "\n".join(lines)


def _what(report: Report) -> str:
    if not report.shape:
        return "cannot be used"
    rows = counted(sum(report.splits.values()), "row")
    splits = ""
    if len(report.splits) > 1:
        splits = f" ({', '.join(f'{name} {n}' for name, n in report.splits.items())})"
    return f"{rows}{splits} of `{report.shape}`: {clean(report.evidence)}"


def reports_tree(reports: Sequence[Report]) -> dict[str, object]:
    """Return the document of `dataset check --format json`."""
    return {
        "format_version": "1.0",
        "exit": exit_tree(strongest(r.exit for r in reports)),
        "datasets": [_tree(report) for report in reports],
    }


def _tree(report: Report) -> dict[str, object]:
    return {
        "name": report.name,
        "shape": report.shape or None,
        "evidence": report.evidence,
        "rows": sum(report.splits.values()),
        "splits": dict(report.splits),
        "checked_for": list(report.targets),
        "exit": exit_tree(report.exit),
        "diagnostics": [diagnostic_tree(d) for d in report.diagnostics],
    }


def written_text(files: Sequence[tuple[str, str, int]]) -> str:
    """Return the files that were written: path, split and rows of each."""
    return "\n".join(f"wrote {clean(path)}: {counted(rows, 'row')}" for path, _, rows in files)


def written_tree(
    files: Sequence[tuple[str, str, int]], diagnostics: Sequence[Diagnostic]
) -> dict[str, object]:
    """Return the same as JSON, with what was noticed."""
    return {
        "format_version": "1.0",
        "files": [{"path": path, "split": split, "rows": rows} for path, split, rows in files],
        "diagnostics": [diagnostic_tree(d) for d in diagnostics],
    }


@dataclass(frozen=True, slots=True)
class RuleRow:
    """One line of the list of rules."""

    name: str
    number: str
    severity: str
    level: str
    reason: str
    hint: str


def rules_text(rules: Sequence[RuleRow]) -> str:
    """Return the list of rules; of one alone, all that is known of it."""
    if len(rules) == 1:
        [rule] = rules
        number = f" ({rule.number})" if rule.number else ""
        lines = [f"{rule.name}{number}: {rule.severity}, asked {rule.level}"]
        lines += [text for text in (rule.reason, rule.hint and f"what to do: {rule.hint}") if text]
        return "\n".join(lines)
    rows = [(r.name, r.number, r.severity, r.level, r.reason) for r in rules]
    return "\n".join(table(("RULE", "NUMBER", "SEVERITY", "ASKED", "WHY"), rows))


def rules_tree(rules: Sequence[RuleRow]) -> dict[str, object]:
    """Return the list of rules as JSON."""
    return {
        "format_version": "1.0",
        "rules": [
            {
                "name": r.name,
                "number": r.number or None,
                "severity": r.severity,
                "asked": r.level,
                "reason": r.reason,
                "hint": r.hint,
            }
            for r in rules
        ],
    }
