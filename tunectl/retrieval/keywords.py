"""From a question to a query in the language of SQLite's full-text search, which nothing breaks.

A word of more than two letters is looked for by its first five: Polish and Russian endings change,
and no stemmer is needed. A word with a digit is looked for whole.
"""

from __future__ import annotations

from tunectl.retrieval.folding import codes, words

_BEGINNING = 5  # letters
_SHORTEST = 3
_MOST = 64  # words; of a longer question the first and the last half of them


def terms(question: str) -> list[str]:
    """The parts of a query, each a full-text expression by itself; none for a question of signs.

    Joined by ` OR ` they are a query. Every part is made of letters and digits between quotation
    marks, so no question can be taken for syntax.
    """
    found = dict.fromkeys(_term(word) for word in words(question) if _counts(word))
    parts = [*found, *(f'codes : "{code}"' for code in codes(question))]
    if len(parts) > _MOST:
        parts = parts[: _MOST // 2] + parts[-_MOST // 2 :]
    return parts


def _counts(word: str) -> bool:
    return len(word) >= _SHORTEST or any(c.isdigit() for c in word)


def _term(word: str) -> str:
    if any(c.isdigit() for c in word):
        return f'{{title text}} : "{word}"'
    return f'{{title text}} : "{word[:_BEGINNING]}"*'
