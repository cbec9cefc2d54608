"""How many tokens a row is, for a model: exactly, or within stated bounds.

Laws: nothing is asked of a network or a model. A count says what it is: where low, likely and high
are one number it is exact; otherwise the truth lies between low and high. Text is counted with the
model's own vocabulary where that is known (`data/bpe.py`), else by measured factors on another
one (`catalog/tokenizers.json`), and never leaves the bounds that hold for every vocabulary: a token
for each word at least, a token for each byte at most.

What a service wraps around texts is counted by its published rules: so many tokens a message, an
example, an image. Tools are bounded: left out they are the low end (OpenAI's own sample job bills
17 tokens for a line whose tool schema alone has 95), OpenAI's cookbook rule is the likely count,
and their JSON text the high end.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from tunectl.catalog.tokenizers import Tokenizer, tokenizer_of
from tunectl.core.dataclass import dataclass
from tunectl.data.bpe import encoding

_REFERENCE = "o200k_base"
_WORDS = re.compile(r"[^\W_]\S*")
_OFFERS = 64  # lists of tools that are remembered
_DENSE = 4  # a text with a second byte at every fourth character counts as wholly not ASCII


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tokens: at least `low`, probably `likely`, at most `high`."""

    low: int = 0
    likely: int = 0
    high: int = 0

    @property
    def exact(self) -> bool:
        """Whether it is one number."""
        return self.low == self.high

    def __add__(self, other: Count) -> Count:
        """Both together."""
        return Count(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def times(self, factor: int) -> Count:
        """So many times as much; the factor is not negative."""
        return Count(self.low * factor, self.likely * factor, self.high * factor)

    def at_most(self, limit: int) -> Count:
        """What is left where everything after `limit` tokens is cut off."""
        return Count(min(self.low, limit), min(self.likely, limit), min(self.high, limit))


NOTHING = Count()


class Counter:
    """Counts for one way of counting."""

    def __init__(self, tokenizer: Tokenizer, exact: Callable[[str], int] | None = None) -> None:
        """Count as a family of models does.

        Args:
            tokenizer: what is known of the family.
            exact: counts a text; without it the bundled encoding or the bounds do.
        """
        self.tokenizer = tokenizer
        self._exact = exact
        if exact is None and tokenizer.exact:
            self._exact = encoding(tokenizer.name).count
        self._message = Count(*tokenizer.message)
        self._example = Count(*tokenizer.example)
        self._image = Count(*tokenizer.image)
        self._offered: dict[str, Count] = {}

    def text(self, text: str) -> Count:
        """The tokens of a text by itself."""
        if self._exact is not None:
            number = self._exact(text)
            return Count(number, number, number)
        return bounded(text, self.tokenizer)

    def row(self, row: Mapping[str, object]) -> Count:
        """The tokens of a canonical row of any method, as they stand in the file."""
        asked = row.get("input")
        if not isinstance(asked, Mapping):
            return self._conversation(row)
        answers = (row.get("preferred_output"), row.get("non_preferred_output"))
        return sum((self._messages(one) for one in answers), self._conversation(asked))

    def example(self, row: Mapping[str, object]) -> Count:
        """The tokens that must fit into the model at once: of a pair, the longer answer's."""
        asked = row.get("input")
        if not isinstance(asked, Mapping):
            return self._conversation(row)
        answers = (row.get("preferred_output"), row.get("non_preferred_output"))
        longer = max((self._messages(one) for one in answers), key=lambda count: count.high)
        return self._conversation(asked) + longer

    def _conversation(self, row: Mapping[str, object]) -> Count:
        found = self._example + self._messages(row.get("messages"))
        tools = row.get("tools") or row.get("functions")
        return found + self._tools(tools) if isinstance(tools, Sequence) and tools else found

    def _messages(self, messages: object) -> Count:
        if not isinstance(messages, Sequence) or isinstance(messages, str):
            return NOTHING
        exact = self._exact
        texts = 0  # of messages of one role and one text, counted exactly: nearly all there are
        found = Count()
        plain = 0
        for one in messages:
            if not isinstance(one, Mapping):
                continue
            role, content = one.get("role"), one.get("content")
            if exact and len(one) == 2 and isinstance(role, str) and isinstance(content, str):
                texts += exact(content) + exact(role)
                plain += 1
            else:
                found += self._one(one)
        return found + Count(texts, texts, texts) + self._message.times(plain)

    def _one(self, message: Mapping[str, object]) -> Count:
        found = self._message
        for key, value in message.items():
            if key == "weight" or value is None:
                continue
            if key in ("tool_calls", "function_call"):
                found += self._calls(value)
            elif isinstance(value, str):
                found += self._field(key, value)
            elif key == "content" and isinstance(value, Sequence):
                found += sum((self._part(part) for part in value), NOTHING)
        return found

    def _field(self, key: str, value: str) -> Count:
        count = self.text(value)
        if key == "name":  # OpenAI cookbook: one more for a name
            return count + Count(1, 1, 1)
        # Whether the model sees which call a result belongs to is nowhere said.
        return Count(0, 0, count.high) if key == "tool_call_id" else count

    def _part(self, part: object) -> Count:
        if not isinstance(part, Mapping):
            return NOTHING
        text = part.get("text") or part.get("refusal")
        if isinstance(text, str):
            return self.text(text)
        return self._image if "image" in str(part.get("type")) else NOTHING

    def _calls(self, calls: object) -> Count:
        spelled = self.text(_json(calls))
        texts = sum((self.text(text) for text in _call_texts(calls)), NOTHING)
        return Count(
            min(texts.low, spelled.low),
            min(texts.likely, spelled.likely),
            max(texts.high, spelled.high),
        )

    def _tools(self, tools: Sequence[object]) -> Count:
        """The rows of a file mostly offer the same tools: the last ones are remembered."""
        spelled = _json(tools)
        if spelled not in self._offered:
            if len(self._offered) >= _OFFERS:
                self._offered.clear()
            most = self.text(spelled).high
            rule = sum((self._tool(tool) for tool in tools), 12)
            self._offered[spelled] = Count(0, min(rule, most), max(rule, most))
        return self._offered[spelled]

    def _tool(self, tool: object) -> int:
        """OpenAI cookbook, How_to_count_tokens_with_tiktoken, section 7 (values of gpt-4o)."""
        function = tool.get("function", tool) if isinstance(tool, Mapping) else {}
        if not isinstance(function, Mapping):
            return 0
        found = 7 + self._likely(_pair(function.get("name"), function.get("description")))
        parameters = function.get("parameters")
        properties = parameters.get("properties") if isinstance(parameters, Mapping) else None
        if not isinstance(properties, Mapping) or not properties:
            return found
        found += 3
        for name, value in properties.items():
            if not isinstance(value, Mapping):
                continue
            found += 3
            if isinstance(choices := value.get("enum"), Sequence):
                found += sum((3 + self._likely(str(one)) for one in choices), -3)
            described = _pair(value.get("type"), value.get("description"))
            found += self._likely(f"{name}:{described}")
        return found

    def _likely(self, text: str) -> int:
        return self.text(text).likely


def counter_for(model: str | None) -> Counter:
    """Return the counter of a base model, or of one tuned from it (`ft:BASE:…`)."""
    return Counter(tokenizer_of(model))


def bounded(text: str, tokenizer: Tokenizer) -> Count:
    """The tokens of a text in a vocabulary that is not here.

    Args:
        text: any text.
        tokenizer: with measured factors, or none: then only the general bounds hold, and what
            another vocabulary would need is the likely count.
    """
    if not text:
        return NOTHING
    size = len(text.encode("utf-8", "replace"))
    words = len(_WORDS.findall(text))
    known = encoding(_REFERENCE).count(text)
    if tokenizer.ascii is None or tokenizer.other is None:
        return Count(words, min(max(known, words), size), size)
    share = min(1.0, _DENSE * (size - len(text)) / len(text))
    low, likely, high = (
        known * (plain + (other - plain) * share)
        for plain, other in zip(tokenizer.ascii, tokenizer.other, strict=True)
    )
    most = min(size, math.ceil(high) + 2)
    least = min(most, max(words, math.floor(low) - 1))
    return Count(least, max(least, min(most, round(likely))), most)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """What the rows of a split add up to, for one target.

    Attributes:
        rows: how many.
        total: of all rows, as they are.
        billed: of all rows, each cut at the limit.
        p50: half of the rows have at most so many (likely) tokens.
        p95: 95 of a hundred rows have at most so many.
        longest: of the longest row.
        over: rows that are surely longer than the limit.
        maybe_over: rows of which that cannot be said for sure.
    """

    rows: int
    total: Count
    billed: Count
    p50: int
    p95: int
    longest: int
    over: int = 0
    maybe_over: int = 0


class Tally:
    """Adds rows up; keeps eight bytes of each."""

    def __init__(self, counter: Counter, limit: int | None, *, dropped: bool = False) -> None:
        """Count for a target.

        Args:
            counter: how.
            limit: the most tokens of an example; None where none is known.
            dropped: a longer example is left out, not cut.
        """
        self._counter = counter
        self._limit = limit
        self._dropped = dropped
        self._sizes = array("Q")
        self._total = [0, 0, 0]
        self._billed = [0, 0, 0]
        self._over = self._maybe = 0

    def add(self, row: Mapping[str, object]) -> None:
        """Take the next row."""
        found = self._counter.row(row)
        self._sizes.append(found.likely)
        _add(self._total, found)
        limit = self._limit
        if limit is not None and found.high > limit:
            found = self._cut(row, found, limit)
        _add(self._billed, found)

    def _cut(self, row: Mapping[str, object], found: Count, limit: int) -> Count:
        example = self._counter.example(row)
        if example.high <= limit:
            return found
        self._over += example.low > limit
        self._maybe += example.low <= limit
        if self._dropped:
            if example.low > limit:
                return NOTHING
            return Count(0, found.likely if example.likely <= limit else 0, found.high)
        if found.high > example.high:  # a pair: which of its two answers is cut is not looked at
            return Count(min(found.low, limit), found.likely, found.high)
        return found.at_most(limit)

    def tokens(self) -> Tokens:
        """What was added up."""
        sizes = sorted(self._sizes)
        return Tokens(
            rows=len(sizes),
            total=Count(*self._total),
            billed=Count(*self._billed),
            p50=percentile(sizes, 50),
            p95=percentile(sizes, 95),
            longest=sizes[-1] if sizes else 0,
            over=self._over,
            maybe_over=self._maybe,
        )


def percentile(ordered: Sequence[int], percent: int) -> int:
    """The least value that so many percent of the values do not exceed (nearest rank); 0 of none.

    >>> percentile([1, 2, 3, 4], 50), percentile([1, 2, 3, 4], 95)
    (2, 4)
    """
    if not ordered:
        return 0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _add(sums: list[int], count: Count) -> None:
    sums[0] += count.low
    sums[1] += count.likely
    sums[2] += count.high


def _json(value: object) -> str:
    return orjson.dumps(value).decode("utf-8")


def _call_texts(calls: object) -> Iterable[str]:
    for call in calls if isinstance(calls, Sequence) else (calls,):
        function = call.get("function", call) if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            yield from (v for v in function.values() if isinstance(v, str))


def _pair(name: object, description: object) -> str:
    return f"{name or ''}:{str(description or '').removesuffix('.')}"
