"""The plan as a Terraform user expects to read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunectl.core.plan import Action, Change, Drift, OutputChange, Plan
from tunectl.core.resource import BUILTIN
from tunectl.core.state import Intent
from tunectl.core.value import Address
from tunectl.views import sentences
from tunectl.views.documents import document_lines, is_document
from tunectl.views.fields import DIFFERS, aligned, delta_lines, field_lines
from tunectl.views.money import cost_sentence, cost_summary, token_sentence
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.sentences import MEANING, STYLE, Symbol
from tunectl.views.text import clean, counted, indent, one_line, scrub
from tunectl.views.values import SENSITIVE, UNKNOWN, inline, is_known, rows_summary

NO_CHANGES = "No changes. Your models match the configuration"
NONE_CHOSEN = "No changes. What was chosen matches the configuration; the rest was not looked at"
NO_ENDS = "No changes. No objects need to be destroyed"
NO_CHOSEN_ENDS = "No changes. Nothing that was chosen needs to be destroyed"


def plan_text(plan: Plan, paint: Paint = PLAIN) -> str:
    """Return the whole plan, ending in the summary line; no newline at the end."""
    plan = scrub(plan)
    blocks = [
        *_head(plan, paint),
        *_refresh_only(plan, paint),
        *_drift(plan.drift, paint),
        *_recover(plan.recover, paint),
        *_actions(plan, paint),
        *_outputs(plan.outputs, paint),
        *_blocked(plan, paint),
        *_notes(plan.notes, paint),
        *_noted(plan.noted, paint),
        _end(plan, paint),
    ]
    return "\n\n".join(blocks)


def place(plan: Plan) -> str:
    """Return `helpdesk, environment prod`: what a person must see before saying yes."""
    return f"{one_line(clean(plan.project))}, environment {one_line(clean(plan.env))}"


def _head(plan: Plan, paint: Paint) -> Iterable[str]:
    """Nothing for a plan of one sentence: that one names the place itself."""
    if not plan.empty or plan.blocked or plan.drift or plan.notes:
        yield paint(place(plan), Style.BOLD)


def _refresh_only(plan: Plan, paint: Paint) -> Iterable[str]:
    if plan.refresh_only:
        head = paint("This is a refresh-only plan:", Style.BOLD)
        yield f"{head} the record takes over what is there, and nothing else changes."


def _end(plan: Plan, paint: Paint) -> str:
    if plan.refresh_only and not plan.empty:
        return sentences.refreshed(plan) + "."
    if plan.empty and not plan.blocked:
        head, _, rest = _nothing(plan).partition(". ")
        return paint(f"{head}.", Style.GOOD) + f" {rest} ({place(plan)})."
    line = sentences.summary(plan)
    text = paint("Plan:", Style.BOLD) + line.removeprefix("Plan:")
    if plan.blocked:
        text += "\n" + sentences.blocked_count(plan)
    if cost := cost_summary(plan):
        text += "\n" + cost
    return text


def _nothing(plan: Plan) -> str:
    """What nothing to do means; a partial plan says nothing of the rest."""
    if plan.refresh_only:
        return sentences.refreshed(plan)
    if plan.destroy:
        return NO_CHOSEN_ENDS if plan.partial else NO_ENDS
    return NONE_CHOSEN if plan.partial else NO_CHANGES


def _actions(plan: Plan, paint: Paint) -> Iterable[str]:
    if plan.changes:
        yield _legend(plan, paint) + "\n\ntunectl will perform the following actions:"
    for moved in plan.moved:
        yield paint(f"  # {sentences.moved_sentence(moved)}", Style.BOLD)
    children = _children(plan)
    for change in plan.changes:
        if not any(change is child for child in children.get(_parent(change), ())):
            yield _block(change, children.get(change.address, []), paint)


def _parent(change: Change) -> Address:
    return change.parent or change.address


def _children(plan: Plan) -> Mapping[Address, list[Change]]:
    """Derived objects under what they come from, where that is in the plan too."""
    tops = {c.address for c in plan.changes if c.parent is None and c.after is not None}
    found: dict[Address, list[Change]] = {}
    for change in plan.changes:
        if change.parent in tops and (change.after is not None or is_document(change)):
            found.setdefault(_parent(change), []).append(change)
    return found


def _legend(plan: Plan, paint: Paint) -> str:
    used = {sentences.symbol(change) for change in plan.changes}
    lines = [
        f"{paint(symbol.value.rjust(3), STYLE[symbol])} {MEANING[symbol]}"
        for symbol in Symbol
        if symbol in used
    ]
    intro = "tunectl used the selected providers to generate the following execution plan."
    return "\n".join([intro, "Actions are indicated with the following symbols:", *lines])


def _block(change: Change, children: list[Change], paint: Paint) -> str:
    lines = [paint(f"  # {sentences.heading(change)}", Style.BOLD), _headline(change, paint)]
    lines += [f"      rows: {sentences.rows_sentence(delta)}" for delta in change.rows]
    lines += [f"      tokens: {tokens}" for tokens in [token_sentence(change)] if tokens]
    lines += [f"      {said}" for said in _prompt_sentences(change)]
    for sign, said in document_lines(change, children):
        lines.append(f"      {paint(sign, DIFFERS[sign])} {said}" if sign else f"      {said}")
    lines += [indent(line, "      ") for line in field_lines(change, paint)]
    lines += [_child(child, paint) for child in children if not is_document(child)]
    if cost := cost_sentence(change):
        lines.append(f"      # {cost}")
    if change.held and change.doomed is not None:
        lines.append(paint(f"      # {_keeps(change)}", Style.FAINT))
    lines += [f"      # {one_line(note)}" for note in change.notes]
    if change.who and change.action is not Action.WAIT:
        lines.append(paint(f"      # approved already by {one_line(change.who)}", Style.FAINT))
    return "\n".join(lines)


def _prompt_sentences(change: Change) -> Iterable[str]:
    if change.prompt is None:
        return ()
    from tunectl.views.prompt_diff import prompt_sentences  # few plans change a prompt

    return prompt_sentences(change)


def _keeps(change: Change) -> str:
    old = one_line(change.doomed.id) if change.doomed else "the old one"
    kept = change.after.lifecycle.keep_previous if change.after else 0
    if kept:
        return f"{old} is kept for a rollback (keep_previous: {kept})"
    return f"{old} is kept as long as something uses it"


def _headline(change: Change, paint: Paint) -> str:
    symbol = sentences.symbol(change)
    text = f"{paint(symbol.value.rjust(3), STYLE[symbol])} {change.address}"
    if change.before is not None:
        text += f" [id={one_line(change.before.id)}]"
    elif change.provider != BUILTIN:
        text += f" (provider {one_line(change.provider)})"
    return text


def _child(change: Change, paint: Paint) -> str:
    """One line for a derived object: what goes where."""
    symbol = sentences.symbol(change)
    text = f"    {paint(symbol.value.rjust(3), STYLE[symbol])} {change.address}"
    spec = change.after.spec if change.after else {}
    if labels := _labels_sentence(change):
        return f"{text}: {labels}"
    after = rows_summary({k: v for k, v in spec.items() if k in {"rows", "sha256"}})
    if change.before is not None and change.action is not Action.CREATE:
        old = rows_summary({k: v for k, v in change.before.spec.items() if k in {"rows", "sha256"}})
        return f"{text}: {old} -> {after}" if old and after else text
    return f"{text}: {after}" if after else text


def _labels_sentence(change: Change) -> str:
    """Say which labels a publication carries from now on; empty where none of them moves."""
    before = change.before.spec.get("labels") if change.before is not None else None
    after = change.after.spec.get("labels") if change.after is not None else None
    old, new = (
        ", ".join(one_line(str(one)) for one in said) if isinstance(said, tuple | list) else ""
        for said in (before, after)
    )
    if change.before is None or change.action is Action.CREATE:
        return f"labels {new}" if new else ""
    return f"labels {old or 'none'} -> {new or 'none'}" if old != new else ""


def _outputs(outputs: tuple[OutputChange, ...], paint: Paint) -> Iterable[str]:
    if not outputs:
        return
    column = max(len(output.name) for output in outputs)
    lines = [_output(output, column, paint) for output in outputs]
    yield "\n".join([paint("Changes to Outputs:", Style.BOLD), *lines])


def _output(output: OutputChange, column: int, paint: Paint) -> str:
    name = output.name.ljust(column)
    before = SENSITIVE if output.sensitive else inline(output.before)
    after = SENSITIVE if output.sensitive else inline(output.after)
    if not is_known(output.after):
        after = UNKNOWN
    if output.gone:
        return f"  {paint('-', Style.REMOVE)} {name} = {before} -> null"
    if output.before is None:
        return f"  {paint('+', Style.ADD)} {name} = {after}"
    return f"  {paint('~', Style.CHANGE)} {name} = {before} -> {after}"


def _drift(drift: tuple[Drift, ...], paint: Paint) -> Iterable[str]:
    if not drift:
        return
    head = paint("Note:", Style.NOTE) + " objects have changed outside of tunectl"
    blocks = [head]
    for found in drift:
        lines = [paint(f"  # {sentences.drift_heading(found)}", Style.BOLD)]
        if not found.released:
            sign = ("-", Style.REMOVE) if found.gone else ("~", Style.CHANGE)
            lines.append(f"  {paint(*sign)} {found.address}")
        lines += [f"      {line}" for line in aligned(list(delta_lines(found.deltas)), paint)]
        blocks.append("\n".join(lines))
    yield "\n\n".join(blocks)


def _recover(intents: tuple[Intent, ...], paint: Paint) -> Iterable[str]:
    if not intents:
        return
    head = paint("To recover:", Style.WARNING) + " an interrupted apply left "
    head += f"{counted(len(intents), 'step')} open; the next apply settles them first"
    lines = [
        f"  {paint('?', Style.WARNING)} {intent.action} {intent.address}"
        + (f" [id={one_line(intent.id)}]" if intent.id else "")
        + (f", begun {one_line(intent.time)}" if intent.time else "")
        for intent in intents
    ]
    yield "\n".join([head, "", *lines])


def _blocked(plan: Plan, paint: Paint) -> Iterable[str]:
    if not plan.blocked:
        return
    lines = [paint("Blocked:", Style.ERROR) + " these cannot go on until you act", ""]
    for blocked in plan.blocked:
        reason = indent(blocked.reason, "    ").lstrip()
        lines.append(f"  {paint('!', Style.ERROR)} {blocked.address}: {reason}")
        if blocked.hint:
            lines.append(f"    {paint('hint:', Style.NOTE)} {one_line(blocked.hint)}")
    yield "\n".join(lines)


def _notes(notes: tuple[tuple[Address, str], ...], paint: Paint) -> Iterable[str]:
    if not notes:
        return
    lines = [f"  {address}: {one_line(note)}" for address, note in notes]
    yield "\n".join([paint("Notes:", Style.NOTE), "", *lines])


def _noted(noted: tuple[tuple[Address, str], ...], paint: Paint) -> Iterable[str]:
    if not noted:
        return
    head = paint("Recorded only:", Style.NOTE) + " nothing changes at the provider"
    yield "\n".join([head, "", *(f"  {address}: {one_line(said)}" for address, said in noted)])
