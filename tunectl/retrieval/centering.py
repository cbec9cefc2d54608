"""Questions and passages of two languages made comparable.

The vectors of a multilingual model lie close together, and those of one language closer still: a
Polish question fits any Polish passage rather well, and the Russian one that answers it only a
little better. Taking away a part of the mean of each language is the known remedy (Libovický,
Rosa, Fraser: "On the Language Neutrality of Pre-trained Multilingual Representations", 2020). A
language is told by its script alone; the mean of a script is that of the index's own passages,
drawn towards the mean of all where there are few of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tunectl.retrieval.embedding import Vectors

_DRAWN = 3  # as many passages as the mean of all counts for in the mean of a script
_ENOUGH = 400  # letters of a text that are looked at


def script(text: str) -> str:
    """The script that most letters of a text are of: `latin`, `cyrillic`, …; empty without any."""
    counted: dict[str, int] = {}
    letters = (c for c in text if c.isalpha())
    for _, letter in zip(range(_ENOUGH), letters, strict=False):
        name = _script_of(letter)
        counted[name] = counted.get(name, 0) + 1
    return max(sorted(counted), key=counted.__getitem__) if counted else ""


@lru_cache(maxsize=4096)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0].lower()


@dataclass(frozen=True)
class Centred:
    """The passages of an index, ready to be compared.

    Attributes:
        matrix: a vector a row, each of length 1.
        taken: what is taken from a vector of each script.
        otherwise: what is taken from one of a script that no passage has.
    """

    matrix: Vectors
    taken: Mapping[str, Vectors]
    otherwise: Vectors

    def cosines(self, question: Vectors, of_script: str) -> Vectors:
        """Return how near each passage is to a question, -1 to 1."""
        shifted: Vectors = question - self.taken.get(of_script, self.otherwise)
        found: Vectors = self.matrix @ (shifted / _length(shifted))
        return found


def centred(vectors: Vectors, scripts: Sequence[str], share: float) -> Centred:
    """Take a share of its script's mean from each vector.

    Args:
        vectors: of all passages, a row each.
        scripts: of all passages.
        share: how much of the mean, 0 to 1; 0 leaves the vectors as they are.
    """
    import numpy as np

    if not len(vectors):
        return Centred(vectors, {}, np.zeros(vectors.shape[1], dtype=np.float32))
    every = vectors.mean(axis=0)
    names = np.array(scripts)
    taken: dict[str, Vectors] = {}
    matrix = np.empty_like(vectors)
    for name in dict.fromkeys(scripts):
        rows = names == name
        mean = (vectors[rows].sum(axis=0) + _DRAWN * every) / (int(rows.sum()) + _DRAWN)
        taken[name] = share * mean
        matrix[rows] = vectors[rows] - taken[name]
    matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    return Centred(matrix, taken, share * every)


def _length(vector: Vectors) -> float:
    import numpy as np

    return max(float(np.linalg.norm(vector)), 1e-12)
