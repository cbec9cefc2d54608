"""How often the local retriever finds the answer: `python -m tests.bench.retrieval`.

68 short texts, half Polish and half Russian, in one index, and 100 questions. Half of the
questions, chosen by hash within each language and sort, are held out: nothing was tuned on them.
hit@k: the share of questions with the answering document among the first k passages.

`--tune` prints the tuned half alone, over weights of the keywords. `--scale 10000` measures how
long a search in so many passages takes: real words and questions, vectors drawn at random.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from tunectl.retrieval import building
from tunectl.retrieval.building import build
from tunectl.retrieval.document import EMBEDDINGS, HYBRID, KEYWORDS, Document, Settings
from tunectl.retrieval.embedding import MODELS, embedder
from tunectl.retrieval.index import Index, open_index

TEXTS = Path(__file__).parent / "retrieval_texts"
LANGUAGES = ("pl", "ru")
SORTS = ("lexical", "paraphrase", "cross", "code", "sloppy")
DEPTH = 3


@dataclass(frozen=True)
class Asked:
    """One question with the document that answers it."""

    text: str
    answer: str
    language: str
    sort: str
    held_out: bool


def documents() -> list[Document]:
    """All texts, as an application would have them."""
    found = []
    for language in LANGUAGES:
        texts = yaml.safe_load((TEXTS / f"{language}.yaml").read_text(encoding="utf-8"))
        found += [Document(f"{name}.md", text) for name, text in texts.items()]
    return found


def questions() -> list[Asked]:
    """All questions; of each language and sort every second one, by hash, is held out."""
    tree = yaml.safe_load((TEXTS / "questions.yaml").read_text(encoding="utf-8"))
    found = []
    for language, sorts in tree.items():
        for sort, asked in sorts.items():
            ordered = sorted(asked, key=lambda one: hashlib.sha256(str(one).encode()).digest())
            found += [
                Asked(str(text), answer, language, sort, held_out=bool(at % 2))
                for at, (text, answer) in enumerate(ordered)
            ]
    return found


def ranks(index: Index, asked: Sequence[Asked], mode: str) -> list[int]:
    """The place of the right passage for each question, from 1; 0 where it is not among them."""
    found = []
    for one in asked:
        sources = [p.source.removesuffix(".md") for p in index.search(one.text, DEPTH, mode)]
        found.append(sources.index(one.answer) + 1 if one.answer in sources else 0)
    return found


def hits(places: Iterable[int], most: int) -> float:
    """The share of places from 1 to `most`."""
    listed = list(places)
    return sum(0 < place <= most for place in listed) / len(listed)


def table(index: Index, modes: Sequence[str], asked: Sequence[Asked]) -> list[str]:
    """Lines of a Markdown table: hit@1 / hit@3 by language and sort."""
    places = {mode: dict(zip(asked, ranks(index, asked, mode), strict=True)) for mode in modes}
    lines = ["| questions | n | " + " | ".join(modes) + " |", "|---|---|" + "---|" * len(modes)]
    groups: list[tuple[str, Callable[[Asked], bool]]] = [
        *((name, lambda a, n=name: a.language == n) for name in LANGUAGES),
        *((name, lambda a, n=name: a.sort == n) for name in SORTS),
        ("all", lambda a: True),
        ("all, held out", lambda a: a.held_out),
    ]
    for name, belongs in groups:
        group = [a for a in asked if belongs(a)]
        cells = []
        for mode in modes:
            got = [places[mode][a] for a in group]
            cells.append(f"{hits(got, 1):.2f} / {hits(got, DEPTH):.2f}")
        lines.append(f"| {name} | {len(group)} | " + " | ".join(cells) + " |")
    return lines


def tune(index: Index, asked: Sequence[Asked]) -> None:
    """Print what the tuned half says of weights; the held-out half is not looked at."""
    from tunectl.retrieval import ranking

    half = [a for a in asked if not a.held_out]
    shipped = ranking.KEYWORDS_WEIGHT
    for step in range(21):
        ranking.KEYWORDS_WEIGHT = step / 20
        got = ranks(index, half, HYBRID)
        print(f"{step / 20:.2f}  {hits(got, 1):.3f} {hits(got, DEPTH):.3f}")
    ranking.KEYWORDS_WEIGHT = shipped


class Drawn:
    """Embeds by drawing: how long a search takes does not depend on what the vectors say."""

    def __init__(self, width: int) -> None:
        self._width, self._random = width, np.random.default_rng(7)

    def passages(self, texts: Sequence[str]) -> np.ndarray:
        drawn = self._random.standard_normal((len(texts), self._width), dtype=np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def scale(count: int) -> None:
    """Print the CPU and wall time of one search in an index of `count` passages, by mode."""
    pieces = [piece for one in documents() for piece in one.text.split(". ")]
    shuffled = random.Random(7)
    texts = [". ".join(shuffled.sample(pieces, 5)) for _ in range(count)]
    listed = [Document(f"d{at}.txt", text) for at, text in enumerate(texts)]
    asked = [a.text for a in questions()][:30]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scale.db"
        building.embedder, shipped = (lambda name: Drawn(MODELS[name].dimensions)), embedder
        began = time.process_time()
        build(path, listed, Settings())
        spent, building.embedder = time.process_time() - began, shipped
        size = path.stat().st_size / 1e6
        print(f"{count} passages, {size:.1f} MB; built in {spent:.1f} s of CPU, embedding apart\n")
        print("| mode | first, ms | median, ms | CPU, ms |\n|---|---|---|---|")
        embedder(Settings().embedding).query("warm")
        for mode in (KEYWORDS, EMBEDDINGS, HYBRID):
            with open_index(path) as index:
                walls, began = [], time.process_time()
                for text in asked:
                    at = time.perf_counter()
                    index.search(text, DEPTH, mode)
                    walls.append((time.perf_counter() - at) * 1000)
                spent = (time.process_time() - began) * 1000 / len(asked)
                print(f"| {mode} | {walls[0]:.0f} | {sorted(walls)[15]:.0f} | {spent:.0f} |")


def main() -> None:
    """Print the table of each embedding model that is installed."""
    options = argparse.ArgumentParser()
    options.add_argument("--tune", action="store_true")
    options.add_argument("--scale", type=int, metavar="N")
    given = options.parse_args()
    if given.scale:
        scale(given.scale)
        return
    asked = questions()
    for name, model in MODELS.items():
        if not model.installed:
            print(f"`{name}` is not installed\n")
            continue
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "bench.db"
            built = build(path, documents(), Settings(embedding=name))
            with open_index(path) as index:
                print(f"`{name}`: {built.chunks} passages, {len(asked)} questions; hit@1 / hit@3\n")
                if given.tune:
                    tune(index, asked)
                else:
                    print("\n".join(table(index, (KEYWORDS, EMBEDDINGS, HYBRID), asked)), "\n")


if __name__ == "__main__":
    main()
