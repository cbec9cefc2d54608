"""A rehearsal: what was done in which order, what it would cost, and which promises were kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from tunectl.core.rehearsal import Check, Operation, Rehearsed, Standing, Verdict
from tunectl.views.diagnostics import diagnostic_tree, exit_tree
from tunectl.views.marked import attribute, code, prose
from tunectl.views.money import cost_summary, cost_trees
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.sentences import summary
from tunectl.views.text import counted, cut, one_line, pad, scrub, width

FORMAT_VERSION: Final = "1.0"
LIMIT: Final = 60_000  # characters; GitHub takes 65,536
_JOB: Final = "tuning_job"
_LISTED = 50
_DETAIL = 200  # characters
_SIGNS: Final[Mapping[Verdict, tuple[str, Style]]] = {
    Verdict.PASSED: ("ok", Style.GOOD),
    Verdict.FAILED: ("FAILED", Style.ERROR),
    Verdict.SKIPPED: ("skipped", Style.WARNING),
}


def rehearsal_text(rehearsed: Rehearsed, paint: Paint = PLAIN) -> str:
    """Return the report for people, ending in one line with the verdict."""
    found = scrub(rehearsed)
    blocks = [
        paint(f"{found.project}, environment {found.env}", Style.BOLD)
        + ": rehearsed on this machine",
        "\n".join(_facts(found)),
        *(_order(operation, paint) for operation in _numbered(found) if operation.steps),
        _calls_text(found, paint),
        _billing_text(found, paint),
        *_notes_text(found, paint),
        _checks_text(found, paint),
        _verdict_text(found, paint),
    ]
    return "\n\n".join(block for block in blocks if block)


def verdict(rehearsed: Rehearsed) -> str:
    """Return `Rehearsal passed: 6 of 6 promises kept.`, or how it failed."""
    if rehearsed.refusals:
        return "Rehearsal ended: the plan is refused."
    kept = sum(check.verdict is Verdict.PASSED for check in rehearsed.checks)
    word = "passed" if rehearsed.passed else "failed"
    fault = f" in spite of `{rehearsed.fault}`" if rehearsed.fault and rehearsed.passed else ""
    return f"Rehearsal {word}: {kept} of {len(rehearsed.checks)} promises kept{fault}."


def _verdict_text(found: Rehearsed, paint: Paint) -> str:
    head, _, rest = verdict(found).partition(": ")
    return paint(f"{head}:", Style.GOOD if found.passed else Style.ERROR) + f" {rest}"


def _facts(found: Rehearsed) -> Iterator[str]:
    if found.stages:
        named = (f"`{name}` ({one_line(title)})" for name, title in found.stages.items())
        yield f"Stood in for: {', '.join(named)}."
    yield summary(found.plan) if not found.plan.empty else "Plan: nothing to do."
    if cost := _cost(found):
        yield cost
    if found.durations:
        yield _duration(found)
    if found.fault:
        yield f"Fault: `{found.fault}` on the first upload and the first job of each provider."


def _cost(found: Rehearsed) -> str:
    """What it would cost; of training only where there is some."""
    trains = any(change.address.kind == _JOB for change in found.plan.changes)
    nothing = "Cost: nothing for training." if trains or found.durations else ""
    return cost_summary(found.plan) or nothing


def _duration(found: Rehearsed) -> str:
    told = [span for span in found.durations.values() if span is not None]
    parts = []
    if told:
        low, high = sum(span[0] for span in told), sum(span[1] for span in told)
        spread = f"{low}" if low == high else f"{low} to {high}"
        turns = ", one after another" if len(told) > 1 else ""
        parts.append(f"{spread} minutes for {counted(len(told), 'tuning job')}{turns}")
    if unknown := len(found.durations) - len(told):
        parts.append(f"not published for {counted(unknown, 'tuning job')}")
    return f"Duration: {'; '.join(parts)}."


def _numbered(found: Rehearsed) -> list[Operation]:
    """Number the operations of one name, where there are several."""
    count, several = Counter[str](), Counter(o.name for o in found.operations)
    made = []
    for one in found.operations:
        count[one.name] += 1
        name = f"{one.name} {count[one.name]}" if several[one.name] > 1 else one.name
        made.append(Operation(name=name, steps=one.steps, calls=one.calls))
    return made


def _order(operation: Operation, paint: Paint) -> str:
    shown = [f"  {n:>3}. {one_line(step)}" for n, step in enumerate(operation.steps, 1)]
    if len(shown) > _LISTED:
        shown[_LISTED:] = [f"       and {len(operation.steps) - _LISTED} more"]
    return "\n".join([paint(f"{operation.name}:", Style.BOLD), *shown])


def _table(found: Rehearsed) -> tuple[list[str], list[list[str]]]:
    """Return the heads and rows of the calls: a row a provider, a column an operation."""
    operations = _numbered(found)
    names = sorted({name for one in operations for name in one.calls})
    heads = ["calls", *(one.name for one in operations)]
    rows = [[name, *(str(one.calls.get(name, 0)) for one in operations)] for name in names]
    return heads, rows


def _calls_text(found: Rehearsed, paint: Paint) -> str:
    heads, rows = _table(found)
    if not rows:
        return ""
    widths = [max(width(row[at]) for row in [heads, *rows]) for at in range(len(heads))]
    lines = [_line(row, widths) for row in [heads, *rows]]
    return "\n".join([paint(lines[0], Style.BOLD), *lines[1:]])


def _line(row: list[str], widths: list[int]) -> str:
    numbers = (
        " " * (most - width(text)) + text for text, most in zip(row[1:], widths[1:], strict=True)
    )
    return "  ".join([pad(row[0], widths[0]), *numbers]).rstrip()


def _billing_text(found: Rehearsed, paint: Paint) -> str:
    if not found.operations[1:]:
        return ""
    head = paint("Would go on billing if left after apply:", Style.BOLD)
    if not found.billing:
        return f"{head} nothing."
    return "\n".join([head, *(f"  - {line}" for line in _bills(found.billing))])


def _bills(standing: tuple[Standing, ...]) -> Iterator[str]:
    for one in standing[:_LISTED]:
        yield f"{one.provider}: {one.kind} {one_line(one.name)}: {one_line(one.bills)}"
    if len(standing) > _LISTED:
        yield f"and {len(standing) - _LISTED} more"


def _notes_text(found: Rehearsed, paint: Paint) -> Iterable[str]:
    if found.notes:
        head = paint("Rehearsed otherwise than declared:", Style.NOTE)
        yield "\n".join([head, *(f"  - {one_line(note)}" for note in found.notes)])


def _checks_text(found: Rehearsed, paint: Paint) -> str:
    return "\n".join(_check_line(check, paint) for check in found.checks)


def _check_line(check: Check, paint: Paint) -> str:
    sign, style = _SIGNS[check.verdict]
    detail = f" ({cut(one_line(check.detail), _DETAIL)})" if check.detail else ""
    return f"{paint(pad(sign, len('skipped')), style)} {check.promise}{detail}"


def rehearsal_tree(rehearsed: Rehearsed, version: str = "") -> dict[str, Any]:
    """Return the document of `rehearse --format json`."""
    return {
        "format_version": FORMAT_VERSION,
        "tunectl_version": version,
        "project": rehearsed.project,
        "environment": rehearsed.env,
        "passed": rehearsed.passed and not rehearsed.refusals,
        "exit": exit_tree(rehearsed.exit),
        "fault": rehearsed.fault or None,
        "providers": [{"name": n, "stands_for": t} for n, t in rehearsed.stages.items()],
        "summary": {
            "message": verdict(rehearsed),
            "add": rehearsed.plan.adds,
            "digest": rehearsed.plan.digest,
        },
        "cost": cost_trees(rehearsed.plan),
        "durations": [
            {"address": address, "minutes": list(span) if span is not None else None}
            for address, span in rehearsed.durations.items()
        ],
        "operations": [
            {"name": one.name, "steps": list(one.steps), "calls": dict(one.calls)}
            for one in rehearsed.operations
        ],
        "checks": [
            {
                "name": check.name,
                "promise": check.promise,
                "verdict": check.verdict.value,
                "detail": check.detail,
            }
            for check in rehearsed.checks
        ],
        "billing_if_left": [_standing_tree(one) for one in rehearsed.billing],
        "left": [_standing_tree(one) for one in rehearsed.left],
        "notes": list(rehearsed.notes),
        "diagnostics": [
            diagnostic_tree(d)
            for d in (*rehearsed.warnings, *rehearsed.refusals, *rehearsed.failures)
        ],
    }


def _standing_tree(one: Standing) -> dict[str, Any]:
    return {
        "provider": one.provider,
        "kind": one.kind,
        "name": one.name,
        "record": one.record,
        "bills": one.bills or None,
    }


def rehearsal_markdown(rehearsed: Rehearsed, *, limit: int = LIMIT) -> str:
    """Return the body of a pull-request comment, at most `limit` characters (at least 2,000).

    The hidden first line lets a bot find its comment and edit it in place.
    """
    found = scrub(rehearsed)
    place = f"{prose(found.project)} ({prose(found.env)})"
    whose = f"project={attribute(found.project)} env={attribute(found.env)}"
    blocks = [
        f"<!-- tunectl:rehearse {whose} -->",
        f"## tunectl rehearse: {place}: {verdict(found)}",
        *_refused(found),
        "\n".join(f"- {prose(fact)}" for fact in _facts(found)),
        _checks_markdown(found),
        _warned(found),
        _calls_markdown(found),
        _bills_markdown(found),
        _quoted(found),
        *(_order_markdown(one) for one in _numbered(found) if one.steps),
    ]
    text = ""
    for block in (block for block in blocks if block):
        if len(text) + len(block) + 2 > limit:
            break  # what comes first matters most
        text += f"{block}\n\n"
    return text.rstrip("\n") + "\n"


def _refused(found: Rehearsed) -> Iterable[str]:
    if found.refusals:
        said = [f"> - {prose(cut(one_line(r.summary), _DETAIL))}" for r in found.refusals[:_LISTED]]
        yield "\n".join(["> [!CAUTION]", "> The plan is **refused**:", *said])


def _warned(found: Rehearsed) -> str:
    said = [f"> - {prose(cut(one_line(w.summary), _DETAIL))}" for w in found.warnings[:_LISTED]]
    return "\n".join(["> [!WARNING]", "> The plan warns:", *said]) if said else ""


def _checks_markdown(found: Rehearsed) -> str:
    return "\n".join(["| | Promise | |", "|---|---|---|", *map(_check_row, found.checks)])


def _check_row(check: Check) -> str:
    detail = prose(cut(one_line(check.detail), _DETAIL))
    return f"| {_SIGNS[check.verdict][0]} | {prose(check.promise)} | {detail} |"


def _calls_markdown(found: Rehearsed) -> str:
    heads, rows = _table(found)
    if not rows:
        return ""
    lines = [f"| {' | '.join(map(prose, row))} |" for row in [heads, *rows]]
    return "\n".join([lines[0], "|---" + "|---:" * (len(heads) - 1) + "|", *lines[1:]])


def _bills_markdown(found: Rehearsed) -> str:
    if not found.billing:
        return ""
    kinds = Counter((one.provider, one.kind, one.bills) for one in found.billing)
    lines = [
        f"> - {prose(provider)}: {count} × {prose(kind)}: {prose(one_line(bills))}"
        for (provider, kind, bills), count in list(kinds.items())[:_LISTED]
    ]
    return "\n".join(["> [!NOTE]", "> Would go on billing if left after apply:", *lines])


def _quoted(found: Rehearsed) -> str:
    lines = [f"> - {prose(one_line(note))}" for note in found.notes[:_LISTED]]
    return "\n".join(["> Rehearsed otherwise than declared:", *lines]) if lines else ""


def _order_markdown(operation: Operation) -> str:
    lines = [f"{n}. {code(step)}" for n, step in enumerate(operation.steps, 1)]
    head = f"<details><summary>Order of {operation.name} ({counted(len(lines), 'step')})</summary>"
    return "\n".join([head, "", *lines, "", "</details>"])
