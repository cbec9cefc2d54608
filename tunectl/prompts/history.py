"""What is sent of a conversation that is longer than its section may be.

Laws, of every rule: the result fits; turns stay whole, in their order; the newest one is always
there, and where it alone is too long that is an error; what fits is given back as it is; the same
turns give the same result. Nothing here is read, written or sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from tunectl.prompts.errors import PromptError
from tunectl.prompts.turn import Count, Turn

RULES = ("error", "drop_oldest_turns", "keep_ends", "truncate_middle", "summarize")

KEEP_FIRST, KEEP_LAST = 1, 6  # of `keep_ends` where it says nothing
_SHORTEST = 8  # characters that stay of a shortened text, beside what says so
_LEAST_SUMMARY = 24  # tokens; a shorter one would say nothing

Turns = tuple[Turn, ...]


class Fitted(NamedTuple):
    """What is sent of a conversation.

    Attributes:
        turns: in their order.
        dropped: how many turns were left out.
        note: what was left out, in words; empty when nothing was.
    """

    turns: Turns
    dropped: int
    note: str


class Summariser(Protocol):
    """Makes one text of the oldest turns, and knows how far it has come already."""

    @property
    def reaches(self) -> int:
        """The number of the last turn that is summarised already; 0 when none is."""
        ...

    def __call__(self, turns: Sequence[Turn]) -> str:
        """Return a summary of the conversation up to the last of these turns.

        Args:
            turns: those after `reaches`, oldest first; none of them where what is summarised
                already is enough.
        """
        ...


def fitted(
    turns: Sequence[Turn],
    limit_tokens: int | None,
    overflow: Mapping[str, Any] | str | None,
    count: Count,
    summarise: Summariser | None = None,
) -> Fitted:
    """Return what is sent of a conversation.

    Args:
        turns: oldest first.
        limit_tokens: how many tokens it may have; None for any number.
        overflow: `{rule, keep_first, keep_last}`, or the name of the rule alone; None is `error`.
        count: counts the tokens of a text.
        summarise: makes the summary of `summarize`.

    Raises:
        PromptError: it does not fit and the rule is `error`, the newest turn alone is too long, or
            there is nobody to summarise.
    """
    rule, settings = _rule(overflow)
    given = tuple(turns)
    sizes = [one.tokens(count) for one in given]
    if limit_tokens is None or sum(sizes) <= limit_tokens:
        return Fitted(given, 0, "")
    match rule:
        case "drop_oldest_turns":
            return _drop_oldest(given, sizes, limit_tokens)
        case "keep_ends":
            return _keep_ends(given, sizes, limit_tokens, settings)
        case "truncate_middle":
            return _truncate_middle(given, sizes, limit_tokens, count)
        case "summarize":
            return _summarize(given, sizes, limit_tokens, count, summarise)
        case _:
            raise PromptError(
                f"the conversation has {sum(sizes)} tokens; {limit_tokens} may be: "
                "choose an `overflow` rule, such as `drop_oldest_turns`"
            )


def _rule(overflow: Mapping[str, Any] | str | None) -> tuple[str, Mapping[str, Any]]:
    settings = overflow if isinstance(overflow, Mapping) else {"rule": overflow or "error"}
    rule = settings.get("rule", "error")
    if rule not in RULES:
        known = ", ".join(f"`{name}`" for name in RULES)
        raise PromptError(f"`{rule}` is no overflow rule of a history; there are {known}")
    return rule, settings


def _check_newest(sizes: Sequence[int], limit: int) -> None:
    if sizes[-1] > limit:
        raise PromptError(
            f"the newest turn alone has {sizes[-1]} tokens; {limit} may be: raise `max_tokens` of "
            "the section, or use `overflow: truncate_middle`, which shortens it"
        )


def _drop_oldest(turns: Turns, sizes: Sequence[int], limit: int) -> Fitted:
    _check_newest(sizes, limit)
    start = _first_that_fit(sizes, limit)
    return Fitted(turns[start:], start, f"{_counted(start, 'oldest turn')} left out")


def _first_that_fit(sizes: Sequence[int], limit: int) -> int:
    """Return where the longest ending begins that fits."""
    left, start = limit, len(sizes)
    while start > 0 and sizes[start - 1] <= left:
        start -= 1
        left -= sizes[start]
    return start


def _keep_ends(
    turns: Turns, sizes: Sequence[int], limit: int, settings: Mapping[str, Any]
) -> Fitted:
    """Keep the first and the last turns; where even they are too many, the first give way last.

    First the oldest of the last ones go, down to the newest turn, then the latest of the first.
    """
    _check_newest(sizes, limit)
    first = _number(settings, "keep_first", KEEP_FIRST, least=0)
    last = min(_number(settings, "keep_last", KEEP_LAST, least=1), len(turns))
    first = min(first, len(turns) - last)
    while first + last > 1 and sum(sizes[:first]) + sum(sizes[-last:]) > limit:
        if last > 1:
            last -= 1
        else:
            first -= 1
    dropped = len(turns) - first - last
    where = "in the middle" if first else "at the beginning"
    note = f"{_counted(dropped, 'turn')} {where} left out"
    return Fitted((*turns[:first], *turns[-last:]), dropped, note if dropped else "")


def _number(settings: Mapping[str, Any], name: str, otherwise: int, *, least: int) -> int:
    value = settings.get(name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PromptError(f"`{name}` is a whole number of at least {least}")
    return value


def _truncate_middle(turns: Turns, sizes: Sequence[int], limit: int, count: Count) -> Fitted:
    """Leave out whole turns, nearest the middle first; shorten the newest when it stands alone."""
    newest = len(turns) - 1
    left, gone = sum(sizes), set[int]()
    for at in sorted(range(newest), key=lambda at: (abs(2 * at - newest), at)):
        if left <= limit:
            break
        gone.add(at)
        left -= sizes[at]
    kept = tuple(one for at, one in enumerate(turns) if at not in gone)
    note = f"{_counted(len(gone), 'turn')} in the middle left out" if gone else ""
    if left > limit:
        kept = (_shortened(turns[newest], limit, count),)
        note = "; ".join(filter(None, (note, "the text of the newest turn shortened")))
    return Fitted(kept, len(gone), note)


def _shortened(one: Turn, limit: int, count: Count) -> Turn:
    """Return a turn whose texts lost their middles: each may have the same number of characters."""
    longest = max(len(str(message.get("content") or "")) for message in one.messages)
    low, high, best = _SHORTEST, longest, None
    while low <= high:
        most = (low + high) // 2
        tried = replace(one, messages=tuple(_cut(message, most) for message in one.messages))
        if tried.tokens(count) <= limit:
            best, low = tried, most + 1
        else:
            high = most - 1
    if best is None:
        raise PromptError(
            f"the newest turn has {one.tokens(count)} tokens and cannot be shortened to {limit}: "
            "raise `max_tokens` of the section"
        )
    return best


def _cut(message: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    text = message.get("content")
    if not isinstance(text, str) or len(text) <= most:
        return message
    head, tail = most - most // 2, most // 2
    middle = f"\n[… {len(text) - most} characters left out …]\n"
    return {**message, "content": text[:head] + middle + text[len(text) - tail :]}


def _summarize(
    turns: Turns, sizes: Sequence[int], limit: int, count: Count, summarise: Summariser | None
) -> Fitted:
    """Put a summary of the oldest turns before the rest.

    A quarter of the limit is the summary's. When the turns after it outgrow the rest, so many are
    summarised that half of it is free again: so a summary serves many turns before the next one.
    """
    if summarise is None:
        raise PromptError(
            "`overflow: summarize` needs a model that summarises, and none was given: name one "
            "under `summarize_by`, or use another rule"
        )
    _check_newest(sizes, limit)
    newest = len(turns) - 1
    room = limit - max(limit // 4, min(_LEAST_SUMMARY, limit - sizes[newest]))
    done = sum(one.number <= summarise.reaches for one in turns[:newest] if one.number)
    start = done
    if sum(sizes[start:]) > room or not start:
        start = max(start, min(newest, _first_that_fit(sizes, room // 2)))
    left = limit - sum(sizes[start:])
    if left < _LEAST_SUMMARY:
        return Fitted(turns[start:], start, f"{_counted(start, 'oldest turn')} left out")
    text = summarise(turns[done:start])
    first = _first_with(text, turns[start], left, count)
    note = f"{_counted(start, 'oldest turn')} summarised"
    return Fitted((first, *turns[start + 1 :]), start, note)


def _first_with(text: str, one: Turn, left: int, count: Count) -> Turn:
    """Return a turn with the summary before the user's words, cut to what is left for it."""
    size = one.tokens(count)

    def with_(summary: str) -> Turn:
        head = {**one.messages[0], "content": summarised(summary) + one.question}
        return replace(one, messages=(head, *one.messages[1:]))

    return _longest(text.strip(), lambda part: with_(part).tokens(count) - size <= left, with_, one)


def _longest(
    text: str, fits: Callable[[str], bool], with_: Callable[[str], Turn], otherwise: Turn
) -> Turn:
    if not text:
        return otherwise
    if fits(text):
        return with_(text)
    low, high, best = 1, len(text) - 1, ""
    while low <= high:
        most = (low + high) // 2
        part = text[:most].rstrip() + " […]"
        if fits(part):
            best, low = part, most + 1
        else:
            high = most - 1
    return with_(best) if best else otherwise


def summarised(text: str) -> str:
    """Return a summary marked as one; it cannot close its own mark."""
    inert = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<conversation_summary>\n{inert}\n</conversation_summary>\n\n"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
