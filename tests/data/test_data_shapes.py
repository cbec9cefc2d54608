"""Every shape is recognised by its content and gives the same canonical row."""

import gzip
import json

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.dataset import DataSpec, read

QUESTION, ANSWER = "Gdzie jest paczka?", "Посылка уже в пути."
PAIR = (
    {"role": "user", "content": QUESTION},
    {"role": "assistant", "content": ANSWER},
)
SYSTEM = {"role": "system", "content": "Bądź uprzejmy"}


def errors(problems):
    return [d for d in problems if d.severity is Severity.ERROR]


SHAPES = {
    "openai-chat": {"messages": list(PAIR)},
    "author-chat": {
        "messages": [{"author": "user", "content": QUESTION}, {"author": "bot", "content": ANSWER}]
    },
    "instruction": {"input_text": QUESTION, "output_text": ANSWER},
    "prompt-completion": {"prompt": QUESTION, "completion": ANSWER},
    "columns": {"question": QUESTION, "answer": ANSWER},
}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_recognised_and_gives_the_canonical_row(name, read_rows):
    dataset, problems = read_rows([SHAPES[name]])
    assert problems == ()
    assert dataset.shape == name
    assert list(dataset.rows("train")) == [{"messages": PAIR}]


@pytest.mark.parametrize("name", SHAPES)
def test_the_same_conversation_has_one_fingerprint_in_every_shape(name, read_rows):
    dataset, _ = read_rows([SHAPES[name]])
    plain, _ = read_rows([SHAPES["openai-chat"]])
    assert dataset.splits == plain.splits
    assert dataset.marks_sha256 == plain.marks_sha256


@pytest.mark.parametrize("author", ["model", "bot", "assistant"])
def test_the_authors_of_answers_are_assistants(author, read_rows):
    row = {"messages": [{"author": "user", "content": "a"}, {"author": author, "content": "b"}]}
    dataset, problems = read_rows([row])
    assert problems == ()
    [made] = dataset.rows("train")
    assert [m["role"] for m in made["messages"]] == ["user", "assistant"]


def test_an_unknown_author_is_carried_over_and_refused(read_rows, one):
    row = {"messages": [{"author": "user", "content": "a"}, {"author": "robot", "content": "b"}]}
    outcome = read_rows([row, SHAPES["author-chat"]])
    assert [d.code for d in outcome[1]] == ["unknown-role", "no-assistant-turn"]


def test_the_context_of_author_chat_is_the_system_message(read_rows):
    dataset, problems = read_rows([{**SHAPES["author-chat"], "context": SYSTEM["content"]}])
    assert problems == ()
    assert list(dataset.rows("train")) == [{"messages": (SYSTEM, *PAIR)}]


def test_bedrock_rows_may_miss_their_system_text(read_rows):
    with_system = {"system": SYSTEM["content"], "messages": list(PAIR)}
    dataset, problems = read_rows(
        [with_system, {"messages": [{"role": "user", "content": "x"}, PAIR[1]]}]
    )
    assert errors(problems) == []
    assert dataset.shape == "bedrock"
    assert next(iter(dataset.rows("train"))) == {"messages": (SYSTEM, *PAIR)}


def test_prompt_and_completion_may_be_lists_of_messages(read_rows):
    dataset, problems = read_rows([{"prompt": [SYSTEM, PAIR[0]], "completion": [PAIR[1]]}])
    assert problems == ()
    assert list(dataset.rows("train")) == [{"messages": (SYSTEM, *PAIR)}]


def test_tools_weights_and_names_of_openai_rows_are_kept(read_rows):
    call = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
    row = {
        "messages": [
            {"role": "user", "content": "a", "name": "Ola"},
            {"role": "assistant", "tool_calls": [call], "weight": 0},
            {"role": "tool", "tool_call_id": "c1", "content": "ok"},
            {"role": "assistant", "content": "b", "weight": 1},
        ],
        "tools": [{"type": "function", "function": {"name": "find", "parameters": {}}}],
        "parallel_tool_calls": False,
    }
    dataset, problems = read_rows([row])
    assert problems == ()
    [made] = dataset.rows("train")
    assert json.loads(json.dumps(made)) == row


def test_a_json_array_is_read_with_the_line_of_each_element(read_content):
    rows = [SHAPES["openai-chat"], {"messages": [{"role": "user", "content": "b"}, PAIR[1]]}]
    dataset, problems = read_content(json.dumps(rows, indent=1), "rows.json")
    assert problems == ()
    assert [mark.line for mark in dataset.marks] == [2, 14]


def test_an_array_on_one_line_with_brackets_in_its_texts_is_cut_rightly(read_content):
    rows = [
        {"messages": [{"role": "user", "content": f'{n} ]}},{{["\\"'}, PAIR[1]]} for n in range(50)
    ]
    dataset, problems = read_content(json.dumps(rows), "rows.json")
    assert errors(problems) == []
    assert [row["messages"][0]["content"] for row in dataset.rows("train")] == [
        row["messages"][0]["content"] for row in rows
    ]


def test_an_array_longer_than_a_chunk_is_read_whole(read_content):
    long = 'ż]}",' * 500_000
    rows = [{"input_text": f"{n}", "output_text": long} for n in range(2)]
    dataset, problems = read_content(json.dumps(rows), "rows.json")
    assert errors(problems) == []
    assert [row["messages"][1]["content"] for row in dataset.rows("train")] == [long, long]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_csv_with_obvious_names_is_read_with_its_delimiter(delimiter, read_content):
    text = delimiter.join(("Question", "Answer", "system")) + "\r\n"
    text += delimiter.join((QUESTION, f'"{ANSWER}\nDruga linia"', SYSTEM["content"])) + "\r\n"
    text += delimiter.join(("x", "y", "")) + "\r\n"
    dataset, problems = read_content(text, "rows.csv")
    assert errors(problems) == []
    first, second = dataset.rows("train")
    assert [m["content"] for m in first["messages"]] == [
        SYSTEM["content"],
        QUESTION,
        f"{ANSWER}\nDruga linia",
    ]
    assert [m["role"] for m in second["messages"]] == ["user", "assistant"]
    assert [mark.line for mark in dataset.marks] == [2, 4]


def test_csv_columns_can_be_named_and_the_others_are_not_taken(read_content):
    dataset, problems = read_content(
        "id,q,a\n1,Ile?,Pięć\n", "rows.csv", columns={"input": "q", "output": "a"}
    )
    assert problems == ()
    [row] = dataset.rows("train")
    assert row == {
        "messages": ({"role": "user", "content": "Ile?"}, {"role": "assistant", "content": "Pięć"})
    }


def test_csv_is_told_by_its_content_where_the_name_says_nothing(read_content):
    dataset, problems = read_content("input_text,output_text\na,b\n", "rows")
    assert problems == ()
    assert dataset.shape == "instruction"


def test_columns_name_the_keys_of_flat_objects_too(read_rows):
    dataset, problems = read_rows([{"q": "a", "a": "b"}], columns={"input": "q", "output": "a"})
    assert problems == ()
    assert dataset.shape == "columns"


def test_a_spreadsheets_byte_order_mark_is_dropped(read_content):
    dataset, problems = read_content(b"\xef\xbb\xbfinput_text,output_text\na,b\n", "rows.csv")
    assert problems == ()
    assert dataset.splits["train"].rows == 1


def test_gzip_is_read_through_whatever_the_name(read_content, jsonl):
    packed = gzip.compress(jsonl([SHAPES["openai-chat"]]).encode())
    dataset, problems = read_content(packed, "rows.jsonl")
    assert problems == ()
    assert list(dataset.rows("train")) == [{"messages": PAIR}]


def test_mixed_shapes_are_counted_with_the_first_line_of_each(read_rows):
    rows = [SHAPES["openai-chat"]] * 2 + [SHAPES["instruction"]] + [{"conversations": []}] * 3
    dataset, problems = read_rows(rows)
    [found] = [d for d in problems if d.code == "mixed-shapes"]
    assert dataset is None
    assert found.exit is Exit.ERROR
    assert found.detail.splitlines() == [
        "2 × `openai-chat` (`messages` with `role`), first at rows.jsonl:1",
        "1 × `instruction` (`input_text` and `output_text`), first at rows.jsonl:3",
        "3 × `sharegpt` (`conversations` with `from` and `value`), first at rows.jsonl:4",
    ]


def test_mixed_shapes_across_files_are_mixed_too(folder, jsonl, one):
    (folder / "a.jsonl").write_text(jsonl([SHAPES["openai-chat"]]), encoding="utf-8")
    (folder / "b.jsonl").write_text(jsonl([SHAPES["instruction"]]), encoding="utf-8")
    found = one(read(DataSpec(source="*.jsonl"), folder))
    assert found.code == "mixed-shapes"
    assert "b.jsonl:1" in found.detail


def test_a_late_system_text_gets_the_hint_to_name_the_format(read_rows, one):
    rows = [SHAPES["openai-chat"], {"system": "s", "messages": list(PAIR)}]
    assert "format: bedrock" in one(read_rows(rows)).hint
    dataset, problems = read_rows(rows, format="bedrock")
    assert errors(problems) == []
    assert dataset.splits["train"].rows == 2


def test_an_unknown_shape_names_its_keys(read_rows, one):
    found = one(read_rows([{"pytanie": "a", "odpowiedź": "b"}]))
    assert "`pytanie`, `odpowiedź`" in found.summary
    assert "--columns" in found.hint


def test_ambiguous_columns_are_not_guessed(read_content, one):
    found = one(read_content("question,prompt,answer\na,b,c\n", "rows.csv"))
    assert found.code == "unknown-shape"


def test_a_named_format_that_does_not_fit_says_what_the_row_looks_like(read_rows, one):
    found = one(read_rows([SHAPES["instruction"]], format="openai-chat"))
    assert found.code == "wrong-shape"
    assert "it looks like `instruction`" in found.summary
    assert str(found.source) == "rows.jsonl:1"


def test_an_unknown_format_gets_a_suggestion(read_rows, one):
    assert one(read_rows([PAIR[0]], format="openai-chatt")).hint == "did you mean `openai-chat`?"


def test_a_missing_column_gets_a_suggestion(read_content, one):
    found = one(
        read_content("pytanie,odp\na,b\n", "rows.csv", columns={"input": "pytanie", "output": "od"})
    )
    assert found.hint == "there is no column `od`, did you mean `odp`?"


@pytest.mark.parametrize("columns", [{"input": "a"}, {"input": "a", "output": "b", "answr": "c"}])
def test_wrong_columns_are_refused_before_reading(columns, read_content, one):
    assert one(read_content("a,b\n1,2\n", "rows.csv", columns=columns)).code == "bad-columns"
