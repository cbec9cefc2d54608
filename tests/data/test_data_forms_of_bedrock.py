"""What each base model of Bedrock takes as rows is told exactly, and before an upload."""

from __future__ import annotations

import orjson
import pytest

from tunectl.core.errors import Severity
from tunectl.data.convert import writer
from tunectl.data.dataset import read
from tunectl.data.spec import DataSpec
from tunectl.data.targets import Target

LLAMA = "meta.llama3-1-8b-instruct-v1:0:128k"
LLAMA_32 = "meta.llama3-2-3b-instruct-v1:0:128k"
NOVA = "amazon.nova-lite-v1:0:300k"
NOVA_2 = "amazon.nova-2-lite-v1:0:256k"
HAIKU = "anthropic.claude-3-haiku-20240307-v1:0:200k"


def chat(number, system=False, turns=1):
    said = [("system", "Jesteś pomocny.")] * system
    for turn in range(turns):
        said += [("user", f"Gdzie jest {number}.{turn}?"), ("assistant", f"Привет {number}.{turn}")]
    return {"messages": [{"role": role, "content": text} for role, text in said]}


def graded(number):
    return {"messages": [{"role": "user", "content": f"Ile to {number}?"}], "reference_answer": "1"}


def found(folder, rows, *targets, code="provider-rows"):
    (folder / "a.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
    _, told = read(DataSpec(source="a.jsonl"), folder, targets=targets)
    return [d.summary for d in told if d.code == code and d.severity is Severity.ERROR]


def target(model, method="supervised"):
    return Target("bedrock", model, method)


@pytest.mark.parametrize(
    ("row", "what"),
    [({"system": True}, "the system text"), ({"turns": 2}, "2 turns before the last question")],
)
def test_a_plain_chat_that_is_more_than_two_texts_is_told_for_llama_alone(tmp_path, row, what):
    rows = [chat(number, **row) for number in range(40)]
    told = found(tmp_path, rows, target(LLAMA))
    assert told[0] == (
        f"rows for `bedrock:{LLAMA}` are a `prompt` and its `completion`, with no place for {what}"
    )
    for other in (LLAMA_32, NOVA, HAIKU):
        assert found(tmp_path, rows, target(other)) == []


def test_a_row_that_is_not_plain_is_told_once(tmp_path):
    rows = [chat(number) for number in range(40)]
    rows[7]["messages"][0]["name"] = "ania"
    [told] = found(tmp_path, rows, target(LLAMA))
    assert "the name of a speaker" in told


def test_one_question_and_its_answer_go_to_llama_as_prompt_and_completion(tmp_path):
    assert found(tmp_path, [chat(n) for n in range(40)], target(LLAMA)) == []
    line = orjson.loads(writer("prompt-completion")(chat(1)))
    assert line == {"prompt": "Gdzie jest 1.0?", "completion": "Привет 1.0"}


def test_a_reinforcement_needs_what_the_grader_compares_with(tmp_path):
    rows = [graded(number) for number in range(120)]
    assert found(tmp_path, rows, target(NOVA_2, "reinforcement")) == []
    for row in rows[:2]:
        row["wynik"] = row.pop("reference_answer")
    told = found(tmp_path, rows, target(NOVA_2, "reinforcement"))
    assert told == ["`bedrock` takes no row without `reference_answer`"] * 2
    mantle = Target("bedrock-mantle", "openai.gpt-oss-20b", "reinforcement")
    assert found(tmp_path, rows, mantle) == []


@pytest.mark.parametrize(
    ("model", "method", "count", "refused"),
    [
        (HAIKU, "supervised", 31, True),
        (HAIKU, "supervised", 32, False),
        (LLAMA, "supervised", 12, False),
        (NOVA, "supervised", 12, False),
        (NOVA_2, "reinforcement", 99, True),
        (NOVA_2, "reinforcement", 100, False),
    ],
)
def test_rows_are_counted_by_base_model_and_method(tmp_path, model, method, count, refused):
    row = graded if method == "reinforcement" else chat
    rows = [row(number) for number in range(count)]
    assert bool(found(tmp_path, rows, target(model, method), code="row-count")) is refused
