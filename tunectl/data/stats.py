"""What a dataset holds, in numbers: rows, turns, scripts, tokens, and what training on it costs."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections import Counter as Tallied
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field

from tunectl.catalog.prices import Price
from tunectl.core.dataclass import dataclass
from tunectl.core.money import Estimate
from tunectl.data.cost import context_of, passes, tally_for, training_cost
from tunectl.data.dataset import Dataset
from tunectl.data.fingerprint import Row
from tunectl.data.own_vocabulary import counter_of
from tunectl.data.sensitive.names import shown
from tunectl.data.spec import TRAIN
from tunectl.data.targets import Target
from tunectl.data.tokens import Tokens, percentile

_LETTERS = re.compile(r"[^\W\d_]+")
_LATIN = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]+")
_CYRILLIC = re.compile("[\u0400-\u0481\u048a-\u052f]+")
_SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARABIC",
    "HEBREW",
    "CJK",
    "HIRAGANA",
    "KATAKANA",
    "HANGUL",
)
_LOOKED_AT = 400  # characters of a message that tell its script
_MOST = 0.9  # share of the letters that makes a row one script


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStats:
    """One split: its rows, and the bytes of their canonical form."""

    rows: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How numbers are spread: of half of the rows at most, of 95 in a hundred, of all."""

    p50: int
    p95: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetStats:
    """What the training rows are for one target.

    Attributes:
        vocabulary: what the tokens were counted with; empty where only general bounds hold.
        exact: whether texts were counted with the model's own vocabulary.
        limit: the most tokens of an example; None where that is not known.
        effect: what happens to a longer one, `cut` or `dropped`; empty without a limit.
        tokens: the counts; `over` of them are too long.
        epochs: the passes; None where the provider chooses and does not say how.
        cost: of training.
    """

    target: Target
    vocabulary: str
    exact: bool
    limit: int | None
    effect: str
    tokens: Tokens
    epochs: int | None
    cost: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """A dataset in numbers.

    Attributes:
        turns: messages of a row.
        roles: how many messages each role has.
        scripts: how many rows are written in each script; `mixed` for several, `none` for none.
        with_tools: rows that offer tools.
        with_images: rows with an image.
        trained: the split the targets train on.
        targets: one entry a target, in the order asked for.
    """

    shape: str
    evidence: str
    method: str
    rows: int
    bytes: int
    splits: Mapping[str, SplitStats]
    turns: Spread
    roles: Mapping[str, int]
    scripts: Mapping[str, int]
    with_tools: int
    with_images: int
    trained: str
    targets: tuple[TargetStats, ...] = ()


@dataclass(slots=True)
class _Sums:
    """What is kept while the rows go by: numbers, and four bytes a row."""

    rows: Tallied[str] = field(default_factory=Tallied)
    sizes: Tallied[str] = field(default_factory=Tallied)
    roles: Tallied[str] = field(default_factory=Tallied)
    scripts: Tallied[str] = field(default_factory=Tallied)
    turns: array[int] = field(default_factory=lambda: array("I"))
    tools: int = 0
    images: int = 0

    def add(self, split: str, row: Row, packed: bytes) -> None:
        self.rows[split] += 1
        self.sizes[split] += len(packed) + 1
        messages = list(_messages(row))
        self.turns.append(len(messages))
        self.roles.update(shown(one.get("role")) for one in messages)
        self.scripts[script_of(messages)] += 1
        asked = row.get("input")
        offered = asked if isinstance(asked, Mapping) else row
        self.tools += bool(offered.get("tools") or offered.get("functions"))
        self.images += b'"image_url"' in packed

    def stats(self, dataset: Dataset, trained: str, targets: tuple[TargetStats, ...]) -> Stats:
        turns = sorted(self.turns)
        most = turns[-1] if turns else 0
        return Stats(
            shape=dataset.shape,
            evidence=dataset.evidence,
            method=dataset.method,
            rows=self.rows.total(),
            bytes=self.sizes.total(),
            splits={
                name: SplitStats(rows=self.rows[name], bytes=self.sizes[name])
                for name in dataset.splits
            },
            turns=Spread(p50=percentile(turns, 50), p95=percentile(turns, 95), most=most),
            roles=dict(self.roles.most_common()),
            scripts=dict(self.scripts.most_common()),
            with_tools=self.tools,
            with_images=self.images,
            trained=trained,
            targets=targets,
        )


def stats(
    dataset: Dataset,
    targets: Sequence[Target] = (),
    *,
    epochs: int | None = None,
    prices: Mapping[str, Sequence[Price]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Stats:
    """Count a dataset, in one pass and in memory that hardly grows with it.

    Args:
        dataset: as it was read.
        targets: for whom tokens and costs are counted; without a method, by that of the rows.
        epochs: the passes the user set; None for what the provider chooses.
        prices: the user's own prices by service.
        progress: is told now and then how many rows went by.

    Raises:
        StaleError: a file is no longer what was read.
    """
    sums = _Sums()
    settled = [target.for_rows(dataset.method) for target in targets]
    tallies = [(target, tally_for(target)) for target in settled]
    trained = TRAIN if TRAIN in dataset.splits else next(iter(dataset.splits), TRAIN)
    for number, (split, row, packed) in enumerate(dataset.each()):
        sums.add(split, row, packed)
        if split == trained:
            for _, tally in tallies:
                tally.add(row)
        if progress is not None and number % 1000 == 0:
            progress(number)
    return sums.stats(
        dataset,
        trained,
        tuple(
            target_stats(target, tally.tokens(), epochs, (prices or {}).get(target.provider, ()))
            for target, tally in tallies
        ),
    )


def target_stats(
    target: Target, tokens: Tokens, said: int | None = None, own: Sequence[Price] = ()
) -> TargetStats:
    """Return what counted rows mean for a target.

    Args:
        target: where they are trained on.
        tokens: the training rows, counted.
        said: the epochs the user set.
        own: the user's own prices at that service.
    """
    counting, context = counter_of(target).tokenizer, context_of(target)
    epochs = passes(target, tokens.rows, said if said is not None else target.epochs)
    own = (*own, *target.prices)
    return TargetStats(
        target=target,
        vocabulary=counting.name,
        exact=counting.exact,
        limit=context.tokens if context is not None else None,
        effect=context.effect if context is not None else "",
        tokens=tokens,
        epochs=epochs,
        cost=training_cost(target, tokens.billed, epochs, own),
    )


def script_of(messages: Sequence[Mapping[str, object]]) -> str:
    """Return the script nine of ten letters of a row are in, by the beginning of each message."""
    found: Tallied[str] = Tallied()
    for one in messages:
        content = one.get("content")
        if isinstance(content, str):
            text = content[:_LOOKED_AT]
            if text.isascii():
                found["latin"] += sum(map(len, _LATIN.findall(text)))
            else:
                found.update(_scripts(text))
    letters = found.total()
    if not letters:
        return "none"
    name, number = found.most_common(1)[0]
    return name if number >= _MOST * letters else "mixed"


def _scripts(text: str) -> Mapping[str, int]:
    """How many letters of a text are in each script."""
    latin, cyrillic, letters = (
        sum(map(len, runs.findall(text))) for runs in (_LATIN, _CYRILLIC, _LETTERS)
    )
    if latin + cyrillic == letters:
        return {"latin": latin, "cyrillic": cyrillic}
    return Tallied(_script(letter) for run in _LETTERS.findall(text) for letter in run)


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next((one.lower() for one in _SCRIPTS if name.startswith(one)), "other")


def _messages(row: Row) -> Iterator[Mapping[str, object]]:
    """The messages of a row of any method."""
    asked = row.get("input")
    lists: list[object] = [row.get("messages")]
    if isinstance(asked, Mapping):
        lists = [
            asked.get("messages"),
            row.get("preferred_output"),
            row.get("non_preferred_output"),
        ]
    for one in lists:
        if isinstance(one, Sequence) and not isinstance(one, str):
            yield from (message for message in one if isinstance(message, Mapping))
