"""Where rows are few they are compared without numpy, and the same is said of them."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tunectl.data.alike import FEW, Alike

# Letters of one to four bytes, characters that are words by themselves, and what is no letter.
PIECES = st.sampled_from(
    [
        *"abz09_AZ -—«»。、　",
        *["łódź", "Σ", "ς", "İ", "ё", "你", "好", "ハ", "한", "\u0301", "ـ", "\u07ff", "\u0800"],
        *["\ue000", "\uffff", "😀", "\xa0", "\x1e", "\ud800", "abcdefgh1ijklmnopq", "\n"],
    ]
)
ANY = st.lists(PIECES, max_size=40).map("".join)
WORDY = st.lists(st.sampled_from(["a", "b", "Ż", "дом"]), max_size=12).map(" ".join)
ROWS = st.lists(st.tuples(ANY | WORDY, ANY | WORDY), max_size=12)


def compared(rows, *, last):
    found = Alike()
    for asked, answered in rows:
        found.add(asked, answered)
    found.settle(last=last)
    return (
        [*zip(found.later, found.earlier, strict=True)],
        [*zip(found.later_whole, found.earlier_whole, strict=True)],
        found.rows,
        found.sampled_from,
    )


@settings(deadline=None, max_examples=60)
@given(ROWS)
@example([("abcdefgh1ijklmnopq " * 6, ""), ("abcdefgh2ijklmnopq " * 6, "")])
@example([("a b c d e f", "a b c d e f")] * 3)
def test_the_same_is_said_of_few_rows_with_and_without_numpy(rows):
    assert compared(rows, last=True) == compared(rows, last=False)


@pytest.mark.parametrize("seed", range(4))
def test_a_template_counts_the_same_with_and_without_numpy(seed):
    rng = random.Random(seed)
    words = [f"w{n}" for n in range(30)]
    rows = []
    for _ in range(140):
        begin = "one two three four five six " if rng.random() < 0.6 else ""
        said = " ".join(rng.choices(words, k=8))
        again = rng.choice(rows) if rows and rng.random() < 0.3 else (begin + said, said)
        rows.append((again[0], again[1] + " indeed"))
    assert sum(len(asked) + len(answered) for asked, answered in rows) <= FEW
    found = compared(rows, last=True)
    assert found == compared(rows, last=False)
    assert found[0]
    assert found[1]


def test_numpy_is_not_imported_for_few_rows_and_is_for_many():
    code = (
        "import sys\n"
        "from tunectl.data.alike import FEW, Alike\n"
        "found = Alike(); found.add('a b c d e f', 'g'); found.settle(last=True)\n"
        "print('numpy' in sys.modules)\n"
        "found = Alike(); found.add('a' * FEW, 'g'); found.settle(last=True)\n"
        "print('numpy' in sys.modules)\n"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.split() == ["False", "True"]
