"""The plan as the body of a pull-request comment.

GitHub takes 65,536 characters; the budget is 60,000. What is destroyed or replaced comes first,
so that cutting takes the harmless end, and never leaves a fence or a `<details>` open. The
hidden first line lets a bot find its comment and edit it in place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from tunectl.core.errors import Diagnostic
from tunectl.core.plan import Action, Change, Plan
from tunectl.views import sentences
from tunectl.views.documents import document_sentence, is_document
from tunectl.views.human_plan import plan_text
from tunectl.views.marked import attribute as _attribute
from tunectl.views.marked import code as _code
from tunectl.views.marked import prose as _prose
from tunectl.views.money import cost_summary, token_sentence
from tunectl.views.prompt_diff import prompt_sentences
from tunectl.views.sentences import Symbol
from tunectl.views.text import counted, cut_words, one_line, scrub

LIMIT = 60_000  # characters
_TABLE_SHARE = 2  # the table may take this part of the budget: a half
_UNFOLDED = 12  # lines of plan shown without folding, as Atlantis does
_CELL = 200
_ORDER = (
    Symbol.DELETE,
    Symbol.RECREATE,
    Symbol.REPLACE,
    Symbol.SWAP,
    Symbol.LET_GO,
    Symbol.FORGET,
    Symbol.KEEP,
    Symbol.ADOPT,
    Symbol.CREATE,
    Symbol.UPDATE,
    Symbol.WAIT,
)


def plan_markdown(plan: Plan, *, refusals: Iterable[Diagnostic] = (), limit: int = LIMIT) -> str:
    """Return the comment, at most `limit` characters (at least 2,000).

    Args:
        plan: what to show.
        refusals: why it is not carried out, where a guard refuses it.
        limit: characters.
    """
    plan = scrub(plan)
    digest = plan.digest
    head = [
        _marker(plan, digest),
        f"## tunectl plan: {_prose(plan.project)} ({_prose(plan.env)}): {_result(plan)}",
        *_refused(tuple(refusals), limit // 8),
        *_cost(plan),
        *_caution(plan),
        *_blocked(plan, limit // 8),
        *_noted(plan, limit // 8),
    ]
    foot = _foot(plan, digest)
    parts = [*head, *_table(plan, limit // _TABLE_SHARE - sum(map(len, head)))]
    used = sum(len(part) + 2 for part in [*parts, foot])
    if not (plan.empty and not plan.drift):
        parts.append(_details(plan_text(plan), limit - used))
    return "\n\n".join(part for part in [*parts, foot] if part) + "\n"


def _marker(plan: Plan, digest: str) -> str:
    project, env = _attribute(plan.project), _attribute(plan.env)
    return f"<!-- tunectl:plan project={project} env={env} digest={digest} -->"


def _result(plan: Plan) -> str:
    if plan.refresh_only:
        return sentences.refreshed(plan) + "."
    if plan.empty and not plan.blocked:
        return "No changes to what was chosen." if plan.partial else "No changes."
    return sentences.summary(plan)


def _cost(plan: Plan) -> Iterable[str]:
    if cost := cost_summary(plan):
        yield f"**{_prose(cost)}**"


def _refused(refusals: tuple[Diagnostic, ...], budget: int) -> Iterable[str]:
    if refusals:
        said = [_told(r.summary) for r in refusals]
        yield _listed(
            ["> [!CAUTION]", "> This plan is **refused** and cannot be applied:"], said, budget
        )


def _noted(plan: Plan, budget: int) -> Iterable[str]:
    if plan.noted:
        said = [
            f"{_code(str(a))}: {_prose(cut_words(one_line(text), _CELL))}" for a, text in plan.noted
        ]
        head = ["> [!NOTE]", "> Recorded only: nothing changes at the provider:"]
        yield _listed(head, said, budget)


def _told(text: str) -> str:
    """A line of prose of bounded length; the whole of it stands in the full plan below."""
    return _prose(cut_words(one_line(text), _CELL))


def _listed(head: list[str], items: list[str], budget: int) -> str:
    """A quoted list, cut where the budget of characters ends, with how many are left out."""
    lines = list(head)
    for number, item in enumerate(items):
        if sum(map(len, lines)) + len(item) > budget:
            lines.append(f"> - and {len(items) - number} more")
            break
        lines.append(f"> - {item}")
    return "\n".join(lines)


def _caution(plan: Plan) -> Iterable[str]:
    ends = [c for c in plan.changes if _is_loss(c)]
    if not ends:
        return
    lines = [f"> - {_code(str(c.address))} {_ending(c)}" for c in ends[:_LISTED]]
    if len(ends) > _LISTED:
        lines.append(f"> - and {len(ends) - _LISTED} more")
    intro = f"> {counted(len(ends), 'object')} will be **destroyed or replaced**:"
    yield "\n".join(["> [!CAUTION]", intro, *lines])


_LISTED = 10


def _is_loss(change: Change) -> bool:
    """Whether a reviewer must see it first; a derived upload made anew is no loss.

    Nor is the file of a document: the knowledge base says which documents go.
    """
    symbol = sentences.symbol(change)
    if is_document(change):
        return False
    return symbol in _ORDER[:4] or (symbol is Symbol.KEEP and change.parent is None)


def _ending(change: Change) -> str:
    word = "is **destroyed**" if change.action is Action.DELETE else "is **replaced**"
    if change.held:
        word += ", the old one is kept"
    why = sentences.reason(change)
    return word + (f" ({_prose(cut_words(why, _CELL))})" if why else "")


def _blocked(plan: Plan, budget: int) -> Iterable[str]:
    if not plan.blocked:
        return
    head = ["> [!WARNING]", f"> {counted(len(plan.blocked), 'resource')} blocked:"]
    said = [
        f"{_code(str(b.address))}: {_prose(cut_words(one_line(b.reason), _CELL))}"
        for b in plan.blocked
    ]
    yield _listed(head, said, budget)


def _table(plan: Plan, budget: int) -> Iterable[str]:
    if not plan.changes:
        return
    tops = {change.address for change in plan.changes if change.parent is None}
    told = [c for c in plan.changes if not (is_document(c) and c.parent in tops)]
    ranked = sorted(told, key=lambda c: _ORDER.index(sentences.symbol(c)))
    lines = ["| | Address | Why |", "|---|---|---|"]
    size = sum(map(len, lines))
    for number, change in enumerate(ranked):
        line = _row(change)
        size += len(line) + 1
        if size > budget:
            lines.append(f"| | and {len(ranked) - number} more | |")
            break
        lines.append(line)
    yield "\n".join(lines)


def _row(change: Change) -> str:
    words = [sentences.reason(change)]
    words += [sentences.rows_sentence(delta) for delta in change.rows]
    words += [f"tokens {tokens}" for tokens in [token_sentence(change)] if tokens]
    words += prompt_sentences(change)
    words += [f"documents: {said}" for said in [document_sentence(change)] if said]
    if not any(words):
        words = [sentences.MEANING[sentences.symbol(change)]]
    why = cut_words(one_line("; ".join(word for word in words if word)), _CELL)
    if change.source is not None:
        why += f" ({one_line(change.source.file)}:{change.source.line})"
    symbol = sentences.symbol(change).value
    return f"| `{symbol}` | {_code(str(change.address))} | {_prose(why)} |"


def _details(text: str, room: int) -> str:
    """The human plan in a `diff` fence, its signs in column 0 so that GitHub colours them."""
    lines = [_coloured(line) for line in text.split("\n")]
    runs = [len(run) for line in lines for run in re.findall(r"`{3,}", line)]
    fence = "`" * max(3, *(length + 1 for length in runs), 3)
    start, end = f"{fence}diff\n", f"\n{fence}"
    if len(lines) > _UNFOLDED:
        summary = f"<details><summary>Full plan ({len(lines)} lines)</summary>"
        start, end = f"{summary}\n\n{start}", f"{end}\n\n</details>"
    room -= len(start) + len(end)
    return start + _fitting(lines, room) + end if room > 0 else ""


def _fitting(lines: list[str], room: int) -> str:
    body = "\n".join(lines)
    if len(body) <= room:
        return body
    kept: list[str] = []
    used = 80
    for line in lines:
        used += len(line) + 1
        if used > room:
            break
        kept.append(line)
    return "\n".join([*kept, f"# … cut here: {len(lines) - len(kept)} more lines"])


_WORDS = re.compile(r"^ +\| .*(\[-.*-\]|\{\+.*\+\})")
_SIGNED = re.compile(r"^(\s*)([-+~!=]|\+/=|\+/-|-/\+|=/-)( .*)$")


def _coloured(line: str) -> str:
    """A sign in column 0; `!` is what GitHub colours orange."""
    if _WORDS.match(line):
        return f"!{line[1:]}"
    found = _SIGNED.match(line)
    if found is None:
        return line
    space, sign, rest = found.groups()
    return f"{'!' if sign == '~' else sign}{space}{rest}"


def _foot(plan: Plan, digest: str) -> str:
    drift = counted(len(plan.drift), "object") if plan.drift else "none"
    parts = [f"drift: {drift}", f"unchanged: {plan.unchanged}", f"digest: `{digest[:19]}…`"]
    return " · ".join(parts)
