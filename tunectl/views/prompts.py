"""A rendered prompt and its answer: the token report, what an answer cost, what it rests on."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from decimal import Decimal
from typing import Any, Protocol

from tunectl.core.money import Estimate
from tunectl.core.ports import Citation, Delta
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import clean, one_line, table

_QUOTED = 160  # characters shown of what is cited


class Line(Protocol):
    """What one section costs."""

    @property
    def id(self) -> str:
        """Its name."""
        ...

    @property
    def role(self) -> str:
        """Whose words it has."""
        ...

    @property
    def tokens(self) -> int:
        """What is sent of it."""
        ...

    @property
    def limit(self) -> int | None:
        """The most it may have."""
        ...

    @property
    def note(self) -> str:
        """What was left out."""
        ...


class Report(Protocol):
    """What a whole prompt costs."""

    @property
    def report(self) -> Sequence[Line]:
        """Its sections."""
        ...

    @property
    def tokens(self) -> int:
        """All of them together."""
        ...

    @property
    def context_tokens(self) -> int | None:
        """What the model takes at once."""
        ...

    @property
    def reserve_output(self) -> int:
        """What of that is kept for the answer."""
        ...


def report_text(rendered: Report, paint: Paint = PLAIN, exact: bool = False) -> str:
    """Return the token report: a line for each section, then the sum."""
    rows = [
        (
            clean(one.id),
            one.role,
            f"{one.tokens:,}",
            "" if one.limit is None else f"of {one.limit:,}",
            clean(one_line(one.note)),
        )
        for one in rendered.report
    ]
    head, *lines = table(("section", "role", "tokens", "limit", "left out"), rows)
    how = "counted" if exact else "estimated"
    total = f"{rendered.tokens:,} tokens ({how})"
    if rendered.context_tokens is not None:
        room = rendered.context_tokens - rendered.reserve_output
        total += f" of {room:,}, with {rendered.reserve_output:,} kept for the answer"
    # What every message costs beside its words belongs to no section.
    if (marks := rendered.tokens - sum(one.tokens for one in rendered.report)) > 0:
        total += f"; {marks:,} of them mark the messages"
    return "\n".join([paint(head, Style.BOLD), *lines, total])


def report_tree(rendered: Report) -> dict[str, Any]:
    """Return the token report as JSON."""
    return {
        "tokens": rendered.tokens,
        "context_tokens": rendered.context_tokens,
        "reserve_output": rendered.reserve_output,
        "sections": [
            {
                "id": one.id,
                "role": one.role,
                "tokens": one.tokens,
                "limit": one.limit,
                "note": one.note,
            }
            for one in rendered.report
        ],
    }


def citations_text(citations: Iterable[Citation]) -> str:
    """Return what an answer rests on as footnotes; empty for nothing."""
    lines = []
    for number, one in enumerate(citations, 1):
        named = " · ".join(part for part in (one.source, one.title) if part)
        if not named:
            named = "the prompt's documents" if one.index is None else f"document {one.index + 1}"
        quoted = one_line(one.text)
        if len(quoted) > _QUOTED:
            quoted = quoted[: _QUOTED - 1] + "…"
        lines.append(clean(f"[{number}] {named}" + (f": “{quoted}”" if quoted else "")))
    return "\n".join(lines)


def ending_text(used: Delta) -> str:
    """Return what a person must know of how an answer ended; empty where it came to its end."""
    match used.finish_reason:
        case "length":
            return "the answer was cut off at the most tokens it may have"
        case "content_filter":
            return "the service's content filter ended the answer"
        case _:
            return ""


def usage_text(used: Delta, cost: Estimate, *, what: str = "", told: Collection[str] = ()) -> str:
    """Return `1,204 in (1,024 from the cache), 87 out, 0.00031 USD`.

    Args:
        used: the counts, of one answer or of many.
        cost: of the same.
        what: what stands before it, such as `turn 2: `.
        told: why a cost is unknown that was said already: it is not said again.
    """
    cached = []
    if used.cache_read_tokens:
        cached.append(f"{used.cache_read_tokens:,} from the cache")
    if used.cache_written_tokens:
        cached.append(f"{used.cache_written_tokens:,} written to it")
    read = f"{used.prompt_tokens:,} in" + (f" ({', '.join(cached)})" if cached else "")
    said = f"{what}{read}, {used.completion_tokens:,} out"
    if not cost.currency and cost.unknown and all(why in told for why in cost.unknown):
        return said
    return f"{said}, {cost_text(cost)}"


def cost_text(cost: Estimate) -> str:
    """Return `0.00031 USD`, `at most 0.002 USD`, `free`, or `cost unknown` with the reason."""
    if not cost.currency:
        told = "; ".join(one_line(part) for part in cost.unknown)
        return f"cost unknown ({told})" if told else "free"
    least = "at most " if cost.low != cost.high else ""
    more = " and what is not known" if cost.unknown else ""
    return f"{least}{_amount(cost.high)} {cost.currency}{more}"


def usage_tree(used: Delta, cost: Estimate) -> dict[str, Any]:
    """Return counts and cost as JSON; money is decimal text, not rounded."""
    known = bool(cost.currency) or not cost.unknown
    return {
        "prompt_tokens": used.prompt_tokens,
        "completion_tokens": used.completion_tokens,
        "cache_read_tokens": used.cache_read_tokens,
        "cache_written_tokens": used.cache_written_tokens,
        "cost": {
            "known": known,
            "low": _plain(cost.low),
            "high": _plain(cost.high),
            "currency": cost.currency,
            "unknown": list(cost.unknown),
        },
    }


def citation_tree(citation: Citation) -> dict[str, Any]:
    """Return a citation as JSON."""
    return {
        "text": citation.text,
        "source": citation.source,
        "title": citation.title,
        "index": citation.index,
    }


def _amount(value: Decimal) -> str:
    """Return an amount with two digits that count, and cents where it is more than one."""
    if value >= 1:
        return f"{value:,.2f}"
    return _plain(Decimal(f"{value:.2g}"))


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
