"""What changes a fingerprint, and what does not."""

import json
import random
import tempfile
from copy import deepcopy
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.data.conftest import chat_row, lines_of
from tunectl.core.value import canonical
from tunectl.data.dataset import DataSpec, read
from tunectl.data.fingerprint import canonical_bytes, input_part

words = st.text(min_size=1, max_size=12).filter(str.strip)
rows = st.lists(
    st.builds(
        lambda q, a, extra: {**chat_row(q, a), **extra},
        words,
        words,
        st.fixed_dictionaries(
            {},
            optional={
                "tools": st.lists(
                    st.fixed_dictionaries(
                        {"n": words, "p": st.dictionaries(words, words, max_size=3)}
                    ),
                    max_size=2,
                ),
                "score": st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.none()),
            },
        ),
    ),
    min_size=1,
    max_size=4,
)


def fingerprint(text):
    with tempfile.TemporaryDirectory() as name:
        Path(name, "rows.jsonl").write_bytes(text.encode("utf-8"))
        dataset, problems = read(DataSpec(source="rows.jsonl"), Path(name))
        assert dataset is not None, problems
        return dataset.splits["train"].sha256, dataset.marks_sha256


def shuffled(value, order):
    if isinstance(value, dict):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    if isinstance(value, list):
        return [shuffled(one, order) for one in value]
    return value


@settings(max_examples=40, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_spelling_does_not_change_it(made, order):
    original = fingerprint(lines_of(made))
    lines = [
        json.dumps(
            shuffled(row, order),
            ensure_ascii=order.random() < 0.5,
            separators=order.choice([(",", ":"), (", ", ": "), (" , ", " : ")]),
        )
        for row in made
    ]
    text = "".join(
        order.choice(["", "\n", " \n", "\r\n"]) + "  " + line + order.choice(["\n", "\r\n", " \n"])
        for line in lines
    )
    assert fingerprint(text) == original
    assert fingerprint(text.rstrip()) == original


@settings(max_examples=40, deadline=None)
@given(rows, rows)
def test_other_rows_have_another_fingerprint(first, second):
    assume(canonical(tuple(first)) != canonical(tuple(second)))
    assert fingerprint(lines_of(first))[0] != fingerprint(lines_of(second))[0]
    assert fingerprint(lines_of(first))[1] != fingerprint(lines_of(second))[1]


@settings(max_examples=40, deadline=None)
@given(rows, st.randoms(use_true_random=False), words)
def test_any_edit_changes_it(made, order, other):
    edited = deepcopy(made)
    row = order.choice(edited)
    edit = order.choice(["question", "answer", "space", "role", "key", "drop", "copy"])
    if edit == "question":
        row["messages"][0]["content"] += other
    elif edit == "answer":
        row["messages"][1]["content"] = other + row["messages"][1]["content"]
    elif edit == "space":
        row["messages"][1]["content"] += " "
    elif edit == "role":
        row["messages"][0]["role"] = "system"
    elif edit == "key":
        row["name of a key"] = None
    elif edit == "drop":
        assume(len(edited) > 1)
        edited.remove(row)
    else:
        edited.append(row)
    assert fingerprint(lines_of(edited)) != fingerprint(lines_of(made))


def test_the_order_of_rows_counts():
    one, two = chat_row("a", "b"), chat_row("c", "d")
    assert fingerprint(lines_of([one, two])) != fingerprint(lines_of([two, one]))


def test_line_separators_inside_a_text_are_no_line_ends():
    row = chat_row("a\u2028b\u0085c\x0bd", "e")
    with_raw = json.dumps(row, ensure_ascii=False) + "\n"
    assert with_raw.count("\n") == 1
    assert fingerprint(with_raw) == fingerprint(json.dumps(row) + "\n")


def test_the_fingerprint_is_that_of_the_first_release():
    made = [chat_row("Zażółć", 'gęślą\n"jaźń" 🐝', tools=[{"n": 1, "f": 0.5, "z": None}])]
    assert canonical_bytes(made[0]) == canonical(made[0]).encode()
    assert fingerprint(lines_of(made)) == (
        "8531df77c1eaa9261b13e5bdba9cf95d49926d0c17d0b9773332eae0471cbd65",
        "3b555419b9e2084d364642270ad1930f897bdd25720f4f3d46c644fbdbd62a2f",
    )


@given(rows)
def test_the_canonical_bytes_are_those_of_the_core(made):
    for row in made:
        assert canonical_bytes(row) == canonical(row).encode()


def test_the_input_part_is_everything_before_the_last_answer():
    turns = [
        {"role": r, "content": r} for r in ("system", "user", "assistant", "user", "assistant")
    ]
    assert input_part({"messages": turns}) == canonical_bytes(turns[:4])
    assert input_part({"messages": turns[:2]}) == canonical_bytes(turns[:2])


def test_strip_takes_keys_out_of_the_fingerprint():
    rows_ = [chat_row(f"{n}", "a", customer=random.random()) for n in range(3)]
    with tempfile.TemporaryDirectory() as name:
        Path(name, "rows.jsonl").write_text(lines_of(rows_), encoding="utf-8")
        spec = DataSpec(source="rows.jsonl", strip=("customer",))
        dataset, problems = read(spec, Path(name))
    assert problems == ()
    plain = lines_of([chat_row(f"{n}", "a") for n in range(3)])
    assert fingerprint(plain) == (dataset.splits["train"].sha256, dataset.marks_sha256)
