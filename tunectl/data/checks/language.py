"""Languages: rows in another language than the rest, and answers in another than their question.

The script of the letters decides first, then short words that every text of a language is full of.
Where neither is clear (short texts, code, tables) nothing is said.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from tunectl.core.errors import Severity
from tunectl.data.checks.rule import Context, Finding, Gatherer, GatheringRule, Rule
from tunectl.data.checks.sampling import Sample
from tunectl.data.checks.texts import content_text, question_of
from tunectl.data.fingerprint import Row
from tunectl.data.marks import Marks
from tunectl.data.pattern import regex
from tunectl.data.targets import PREFERENCE, SUPERVISED, Level

LANGUAGE_MIX = Rule(
    name="language-mix",
    number="D17",
    hint="translate the row or remove it, or allow the rule where several languages are meant",
    reason="stray rows in another language teach the model to change the language by itself",
    severity=Severity.WARNING,
    methods=(SUPERVISED, PREFERENCE),
    threshold=0.05,
    shown=5,
)
ANSWER_LANGUAGE = Rule(
    name="answer-language",
    number="D17",
    hint="translate the answers, or allow the rule where it is meant, as in translations",
    reason="whoever asks the tuned model in his language is answered in another",
    severity=Severity.WARNING,
    methods=(SUPERVISED, PREFERENCE),
    threshold=0.5,
)
_NAMES = {
    "pl": "Polish", "en": "English", "ru": "Russian", "de": "German", "fr": "French",
    "es": "Spanish", "uk": "Ukrainian", "it": "Italian",
}  # fmt: skip
_WORDS = {
    "en": (
        "the and of to is that you for it with are this be have not what your can we will was how "
        "from they which would there or if do"
    ),
    "pl": (
        "w nie na się że jest z do to o co jak ale za po są dla czy przez być tego od proszę może "
        "który która które mam lub tak oraz ze będzie jeśli przed swoje aby można"
    ),
    "ru": (
        "и в не на что с как это по к у для за от из вы он она я но так же мы или если то при "
        "можно есть быть его был ваш вас нет который"
    ),
    "uk": (
        "і в не на що з як це за до від ви він вона але так ми або якщо є бути та для можна який"
    ),
    "de": (
        "der die das und ist nicht ein eine zu mit den von sie ich für auf dem es wie im werden "
        "sind auch oder bei"
    ),
    "fr": (
        "le la les et est un une de des que pour dans vous il elle qui ne pas sur avec ce au plus"
    ),
    "es": "el la los las es un una de que en para por con se su del como está más pero",
    "it": "il la le un una di che per in con non si del della come sono più questo",
}
_SEEN_IN = Counter(word for words in _WORDS.values() for word in set(words.split()))
# A word that two languages share tells nothing.
_OF = {
    code: frozenset(word for word in words.split() if _SEEN_IN[word] == 1)
    for code, words in _WORDS.items()
}
_EVERY = frozenset(word for word, times in _SEEN_IN.items() if times == 1)
_CYRILLIC, _LATIN = regex("[\u0400-\u04ff]"), regex("[A-Za-z]")
_UKRAINIAN, _POLISH = regex("[іїєґІЇЄҐ]"), regex("[ąęłżśźńĄĘŁŻŚŹŃ]")
_LEAST_LETTERS = 12  # a name alone has fewer
_SAMPLE = 400  # characters of a text that are looked at
_LEAST_WORDS, _LEAST_SHARE = 3, 0.05  # different words of the language; short texts hold few
_EVERY_ROW = Sample(0, 1)
# What most rows do shows in fewer.
_FOR_RARE, _FOR_MOST = Sample(1_000, 64), Sample(200, 128)
_LEAST_ROWS = 5


def language_of(text: str) -> str:
    """The code of a text's language, empty when it is not clear."""
    return _told(text[:_SAMPLE])


@lru_cache(maxsize=512)  # two rules ask about the same rows, a block after the other
def _told(sample: str) -> str:
    if not sample.isascii() and (told := _by_script(sample)):
        return told
    words = sample.lower().split()
    met = _EVERY.intersection(words)
    # Letters that only Polish has count for a word or two: a name or a greeting has some as well.
    polish = 0 if sample.isascii() else min(2, len(_POLISH.findall(sample)) // 2)
    if len(met) + polish < _LEAST_WORDS:
        return ""
    counts = sorted(
        ((len(met & of) + polish * (code == "pl"), code) for code, of in _OF.items()), reverse=True
    )
    (most, first), (second, _) = counts[:2]
    enough = most >= _LEAST_WORDS and most >= _LEAST_SHARE * len(words)
    return first if enough and most >= 2 * second else ""


def _by_script(sample: str) -> str:
    """The language of a text that is mostly Cyrillic, empty for another."""
    cyrillic = len(_CYRILLIC.findall(sample))
    if cyrillic < _LEAST_LETTERS or 2 * cyrillic < len(_LATIN.findall(sample)):
        return ""
    return "uk" if _UKRAINIAN.search(sample) else "ru"


class _Languages:
    """Remembers a byte for the languages of each row that was looked at."""

    def __init__(self, share: float, looked_at: Sample) -> None:
        self._share = share
        self._looked_at = looked_at
        self._rows = array("Q")
        self._asked: list[str] = []
        self._said: list[str] = []

    def take(self, index: int, split: int, row: Row, packed: bytes) -> None:  # noqa: ARG002
        """See the next row."""
        if not self._looked_at.holds(index):
            return
        answer = _answer(row)
        if len(answer) < 20:
            return
        said = language_of(answer)
        if said:
            self._rows.append(index)
            self._said.append(said)
            self._asked.append(language_of(question_of(row)))

    def wanted(
        self,
        index: int,
        split: int,  # noqa: ARG002
        packed: list[bytes],  # noqa: ARG002
        answers: list[str],
    ) -> range:
        """Choose the rows that are looked at."""
        return self._looked_at.among(index, len(answers))


class _Mixing(_Languages):
    """Looks for what is rare."""

    def findings(self, marks: Marks) -> Iterator[Finding]:  # noqa: ARG002
        """Say which rows are of a rare language, and which answers do not fit their question."""
        counts = Counter(self._said)
        most = sum(counts.values())
        asked_in = Counter(self._asked)
        rare = {
            code
            for code, n in counts.items()
            if n <= self._share * most and asked_in[code] <= self._share * most
        }
        other = [
            place
            for place, (asked, said) in enumerate(zip(self._asked, self._said, strict=True))
            if asked and asked != said and said not in rare
        ]
        told_other = set(other) if len(other) <= self._share * most else set()
        main = counts.most_common(1)[0][0] if counts else ""
        for place, index in enumerate(self._rows):
            said = self._said[place]
            if said in rare:
                yield Finding(
                    f"the answer is {_NAMES[said]}, and most are {_NAMES[main]}", index=index
                )
            elif place in told_other:
                asked = _NAMES[self._asked[place]]
                yield Finding(f"the question is {asked} and the answer {_NAMES[said]}", index=index)


class _Answering(_Languages):
    """Looks for what most rows do. For that a sample does, whatever the level."""

    def findings(self, marks: Marks) -> Iterator[Finding]:
        """Say once when most answers are in another language than their question."""
        pairs = list(zip(self._asked, self._said, strict=True))
        clear = [pair for pair in pairs if pair[0]]
        other = [pair for pair in clear if pair[0] != pair[1]]
        if len(clear) < _LEAST_ROWS or len(other) <= self._share * len(clear):
            return
        (asked, said), _ = Counter(other).most_common(1)[0]
        among = "" if len(pairs) == len(marks) else " whose languages were told"
        yield Finding(
            f"{len(other):,} of {len(clear):,} rows{among} answer in another language than they "
            f"ask: most of these ask in {_NAMES[asked]} and answer in {_NAMES[said]}",
            index=next(
                index
                for index, pair in zip(self._rows, pairs, strict=True)
                if pair[0] and pair[0] != pair[1]
            ),
        )


def _answer(row: Row) -> str:
    messages = row.get("messages") or row.get("preferred_output")
    last = messages[-1] if isinstance(messages, list) and messages else None
    return content_text(last) if isinstance(last, dict) else ""


def _mixing(context: Context) -> Gatherer:
    share = context.threshold(LANGUAGE_MIX)
    return _Mixing(share, _EVERY_ROW if context.level is Level.ALL else _FOR_RARE)


def _answering(context: Context) -> Gatherer:
    share = context.threshold(ANSWER_LANGUAGE)
    return _Answering(share, _FOR_MOST)


GATHERING = (
    GatheringRule(LANGUAGE_MIX, _mixing),
    GatheringRule(ANSWER_LANGUAGE, _answering),
)
