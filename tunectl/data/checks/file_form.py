"""The form of a file of JSON: a byte order mark at its beginning, blank lines between its rows.

Neither counts as content here, and no upload holds them by accident: a byte order mark is written
where the provider demands it and nowhere else. So they matter for files sent by other means.
"""

from __future__ import annotations

from collections.abc import Iterator

from tunectl.catalog.dataset_rules import dataset_rules
from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, FileRule, Finding, Rule
from tunectl.data.datafile import FileFacts

BYTE_ORDER_MARK = Rule(
    name="byte-order-mark",
    number="D01",
    hint="uploads are written as each provider wants it; `tunectl dataset fix` removes it",
    reason="providers differ: most read it as broken JSON in the first line, Azure demands it",
    severity=Severity.WARNING,
)
BLANK_LINE = Rule(
    name="blank-line",
    number="D02",
    hint="uploads are written without; `tunectl dataset fix` removes them",
    reason="some readers of JSON Lines take a blank line for a broken row",
    severity=Severity.INFO,
)
_JSON = ("jsonl", "array")
_EITHER = (
    "uploads are written as each provider wants it; `tunectl dataset fix` removes it, and Azure "
    "demands it: `--for` says for whom"
)


def _byte_order_mark(facts: FileFacts, context: Context) -> Iterator[Finding]:
    if facts.kind not in _JSON:  # a spreadsheet writes one, and every reader of CSV drops it
        return
    if not context.targets:
        if facts.mark:
            yield Finding("the file begins with a byte order mark (BOM)", hint=_EITHER)
        return
    for provider in dict.fromkeys(target.provider for target in context.targets):
        method = next(t.method for t in context.targets if t.provider == provider)
        rules = dataset_rules(provider, method)
        wanted = rules.byte_order_mark if rules is not None else None
        if facts.mark and wanted != "demanded":
            yield Finding(f"the file begins with a byte order mark: `{provider}` takes none")
        elif not facts.mark and wanted == "demanded":
            yield Finding(
                f"the file has no byte order mark, and `{provider}` demands one",
                severity=Severity.INFO,
                hint="an upload by `tunectl` begins with one; sent by other means, save the file "
                "as UTF-8 with a byte order mark",
            )


def _blank_line(facts: FileFacts, _: Context) -> Iterator[Finding]:
    if facts.blank:
        lines = "blank line" if facts.blank == 1 else "blank lines"
        yield Finding(f"{facts.blank} {lines}, first at line {facts.first_blank}")


FILES = (FileRule(BYTE_ORDER_MARK, _byte_order_mark), FileRule(BLANK_LINE, _blank_line))
