"""Repairs of data files: every edit, and what became of each file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field

from tunectl.core.dataclass import dataclass
from tunectl.core.errors import Diagnostic, Exit
from tunectl.views.diagnostics import diagnostic_tree, diagnostics_text, exit_tree
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, counted

EDITS_SHOWN = 10  # of each rule, for people; JSON has them all


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedFile:
    """What became of some files that were repaired into one.

    Attributes:
        names: the files read.
        out: the file written; None where there is none.
        dry_run: nothing was written on purpose.
        rows: how many rows were read, and `written`, how many are left.
        edits: how many of each rule.
        left: what a person has to repair.
        exit: the exit code it stands for.
    """

    names: Sequence[str]
    out: str | None
    dry_run: bool
    rows: int
    written: int
    edits: Mapping[str, int] = field(default_factory=dict)
    left: Sequence[Diagnostic] = ()
    exit: Exit = Exit.DONE


class EditsShown:
    """Makes lines of edits; of each rule the first few, and a count of the others at the end."""

    def __init__(self, paint: Paint = PLAIN) -> None:
        self._paint = paint
        self._seen: Counter[str] = Counter()

    def line(self, file: str, line: int, rule: str, what: str, times: int) -> str:
        """Return one line; empty when enough of the rule were shown."""
        self._seen[rule] += 1
        if self._seen[rule] > EDITS_SHOWN:
            return ""
        more = f" ({times} times, first here)" if times > 1 else ""
        place = self._paint(f"{clean(file)}:{line}", Style.BOLD)
        return f"{place}: {rule}: {clean(what)}{more}"

    def rest(self) -> list[str]:
        """Return the lines that count what was not shown."""
        left = {rule: n - EDITS_SHOWN for rule, n in self._seen.items() if n > EDITS_SHOWN}
        return [f"and {counted(n, 'more edit')} of `{rule}`" for rule, n in left.items()]


def fixed_text(done: FixedFile, paint: Paint = PLAIN) -> str:
    """Return what became of the files, and what is left to do."""
    lines = []
    if done.left:
        lines += [diagnostics_text(done.left, paint), ""]
    names = ", ".join(clean(name) for name in done.names)
    lines.append(f"{paint(names, Style.BOLD)}: {_what(done)}")
    return "\n".join(lines)


def _what(done: FixedFile) -> str:
    edits = counted(sum(done.edits.values()), "edit")
    if done.out is None:
        if not done.left:
            return "nothing to repair"
        return f"nothing written; {edits} could be made" if done.edits else "nothing written"
    where = "standard output" if done.out == "-" else clean(done.out)
    rows = counted(done.written, "row")
    verb = "would be written" if done.dry_run else "written"
    return f"{edits}, {rows} of {done.rows} {verb} to {where}"


def edit_tree(file: str, line: int, rule: str, what: str, times: int) -> dict[str, object]:
    """Return one edit as a line of `--json`."""
    return {
        "type": "edit",
        "file": file,
        "line": line,
        "rule": rule,
        "what": what,
        "times": times,
    }


def fixed_tree(done: FixedFile) -> dict[str, object]:
    """Return what became of the files as a line of `--json`."""
    return {
        "type": "fixed",
        "files": list(done.names),
        "out": done.out,
        "dry_run": done.dry_run,
        "rows": done.rows,
        "written": done.written,
        "edits": dict(done.edits),
        "left": [diagnostic_tree(d) for d in done.left],
        "exit": exit_tree(done.exit),
    }
