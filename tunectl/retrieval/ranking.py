"""How the two searches become one list: pure arithmetic over scores of 0 to 1."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunectl.retrieval.embedding import Vectors

CANDIDATES = 100  # passages that each of the two searches proposes
KEYWORDS_WEIGHT = 0.3
_MOST_OF_A_TERM = 2.2  # what bm25 gives a term at most, in units of its rarity: k1 + 1


def keyword_scores(
    rows: Iterable[tuple[int, float]], frequencies: Sequence[int], count: int
) -> dict[int, float]:
    """Return how much of the question each passage has, rare words counting more; 0 to 1.

    Args:
        rows: passage and its bm25, as SQLite reckons it.
        frequencies: in how many passages each term of the question is.
        count: how many passages there are.
    """
    rarity = sum(
        max(1e-6, math.log((count - n + 0.5) / (n + 0.5))) if n else math.log(2 * count + 1)
        for n in frequencies
    )
    most = _MOST_OF_A_TERM * rarity
    return {at: min(1.0, max(0.0, fit / most)) for at, fit in rows}


def meaning_scores(cosines: Vectors, unrelated: float, same: float) -> Vectors:
    """Return how near each passage is to the question, 0 to 1, by its cosine."""
    import numpy as np

    scaled: Vectors = np.clip((cosines - unrelated) / (same - unrelated), 0.0, 1.0)
    return scaled


def fused(keywords: Mapping[int, float], meaning: Vectors) -> list[tuple[int, float]]:
    """Return passages and scores, best first; equal ones in the order of the documents."""
    import numpy as np

    most = min(CANDIDATES, len(meaning))
    near = np.argpartition(-meaning, most - 1)[:most].tolist() if most else []
    candidates = {at + 1 for at in near} | keywords.keys()
    weight = KEYWORDS_WEIGHT if keywords else 0.0
    scores = {
        at: weight * keywords.get(at, 0.0) + (1 - weight) * float(meaning[at - 1])
        for at in candidates
    }
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))
