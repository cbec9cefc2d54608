"""Run one folder of `errors/` and show what a user would read."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path

from tunectl.config.load import load
from tunectl.core.errors import ConfigError, Diagnostic

HERE = Path(__file__).parent
FOLDER = HERE / "errors"
TODAY = date(2026, 11, 22)
ROW = (
    '{{"messages": [{{"role": "user", "content": "Pytanie numer {0}, całkiem inne niż {1}?"}}, '
    '{{"role": "assistant", "content": "Odpowiedź {0}: proszę zajrzeć do punktu {1}."}}]}}\n'
)


def rows(count: int) -> str:
    """Return so many different chat rows as JSON Lines."""
    return "".join(ROW.format(number, number * 7919) for number in range(count))


def copied(case: Path, to: Path) -> Path:
    """Copy a case and add the data that every case may use: 24 sound rows."""
    root = to / "project"
    shutil.copytree(case, root, ignore=shutil.ignore_patterns("expected.txt", "options.json"))
    good = root / "data" / "good.jsonl"
    good.parent.mkdir(exist_ok=True)
    good.write_text(rows(24), encoding="utf-8")
    return root


def said(case: Path, root: Path) -> str:
    """Return the exit code and every diagnostic of loading a case."""
    file = case / "options.json"
    options = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    options["var_files"] = [root / name for name in options.get("var_files", ())]
    options.setdefault("environ", {})
    try:
        load(root, now=TODAY, **options)
    except ConfigError as error:
        shown = "\n".join(_shown(d) for d in error.diagnostics)
        return f"exit {int(error.exit)}\n\n{shown}".replace(str(root), "PROJECT")
    return "no error\n"


def _shown(diagnostic: Diagnostic) -> str:
    lines = [f"{diagnostic.severity.value}: {diagnostic.summary}"]
    source = diagnostic.source
    if source is not None:
        layer = f" ({source.layer})" if source.layer else ""
        lines.append(f"  at {source}{layer}")
        if source.text:
            lines.append(f"  | {source.text}")
            if source.column:
                before = "".join(
                    "\t" if c == "\t" else " " for c in source.text[: source.column - 1]
                )
                lines.append(f"  | {before}{'^' * source.length}")
    if diagnostic.detail:
        lines.append(f"  {diagnostic.detail}")
    if diagnostic.hint:
        lines.append(f"  hint: {diagnostic.hint}")
    return "\n".join(lines) + "\n"
