"""Rows that a model cannot take whole, and what training will cost (D08, D31)."""

from __future__ import annotations

import orjson
import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.dataset import DataSpec, read
from tunectl.data.targets import Level, Target

NANO = Target("openai", "gpt-4.1-nano")  # 32,768 tokens
LARGE = Target("openai", "gpt-4.1")  # 65,536 tokens
WORD = "wielokropek "


def chat(question, answer="Dzień dobry."):
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    }


@pytest.fixture
def checked(tmp_path):
    def check(rows, *targets, level=Level.DEFAULT):
        content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        (tmp_path / "rows.jsonl").write_bytes(content)
        _, found = read(DataSpec(source="rows.jsonl"), tmp_path, targets=targets, level=level)
        return [d for d in found if d.code in {"too-long", "token-cost"}]

    return check


def test_a_row_that_loses_its_answer_is_refused_with_its_line_and_its_size(checked):
    rows = [chat(f"Pytanie {n}?") for n in range(12)]
    rows[4] = chat("słowo " * 20_000 + "i pytanie?")
    [found] = checked(rows, NANO, LARGE)
    assert (found.severity, found.exit, found.source.line) == (Severity.ERROR, Exit.REFUSED, 5)
    assert found.summary.endswith("and `openai:gpt-4.1-nano` trains on the first 32,768 only")
    assert "słowo" not in str(found)


def test_many_long_rows_are_counted_for_each_target(checked):
    rows = [chat("słowo " * 20_000 + f"{n}?") for n in range(14)]
    found = checked(rows, NANO)
    assert len(found) == 11
    assert "4 more rows" in found[-1].summary


def test_a_row_just_within_the_limit_is_kept_and_one_token_more_is_not(checked):
    # 10 tokens of frame, roles and answer (`user`, `assistant`, `Dzień dobry.`, twice 3).
    frame = 3 + 1 + 3 + 1
    answer = chat("")["messages"][1]["content"]
    from tunectl.data.bpe import encoding

    room = 32_768 - frame - encoding("o200k_base").count(answer)
    fits, over = "a" + " a" * (room - 1), "a" + " a" * room
    assert checked([chat(fits)], NANO) == []
    assert len(checked([chat(over)], NANO)) == 1


def test_a_service_that_leaves_long_rows_out_is_named_so(checked):
    [found] = checked([chat("слово " * 220_000)], Target("vertex", "gemini-3.5-flash"))
    assert "leaves out rows of over 131,072" in found.summary
    assert "at least" in found.summary


def test_on_this_machine_a_long_row_is_a_warning_and_max_tokens_moves_the_limit(checked):
    row = chat("please tell me more about honey and bees " * 120)
    [found] = checked([row], Target("local", "smollm2-135m-instruct"))
    assert found.severity is Severity.WARNING
    assert "trains on the first 512 only" in found.summary
    assert checked([row], Target("local", "smollm2-135m-instruct", context=8_192)) == []


@pytest.mark.parametrize("target", [None, Target("nebius", "any/model"), Target("openai")])
def test_where_no_limit_is_known_nothing_is_said(checked, target):
    assert checked([chat(WORD * 40_000)], *([target] if target else [])) == []


def test_of_a_pair_only_the_longer_answer_counts(checked):
    half = [{"role": "assistant", "content": "słowo " * 14_000}]
    pair = {
        "input": {"messages": [{"role": "user", "content": "Opowiedz."}]},
        "preferred_output": half,
        "non_preferred_output": [{"role": "assistant", "content": "słowo " * 13_000}],
    }
    target = Target("openai", "gpt-4.1-nano", "preference")
    assert checked([pair] * 10, target) == []


def test_the_cost_is_said_only_when_everything_is_asked_for(checked):
    rows = [chat(f"Pytanie numer {n}?") for n in range(50)]
    assert checked(rows, LARGE) == []
    [found] = checked(rows, LARGE, level=Level.ALL)
    assert (found.code, found.severity, found.exit) == ("token-cost", Severity.INFO, Exit.DONE)
    assert "3 epochs, about 0.0" in found.summary


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target("local", "smollm2-135m-instruct"), "nothing to pay"),
        (Target("azure", "gpt-4.1-mini"), "the cost is unknown"),
        (Target("openai", "o4-mini", "reinforcement"), "the cost is unknown"),
    ],
)
def test_what_is_free_and_what_nobody_knows_are_told_apart(checked, target, words):
    rows = [chat(f"Pytanie numer {n}?") for n in range(12)]
    [found] = [d for d in checked(rows, target, level=Level.ALL) if d.code == "token-cost"]
    assert words in found.summary
