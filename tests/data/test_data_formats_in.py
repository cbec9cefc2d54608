"""Every format people have gives the one canonical row of its method, and loses nothing."""

import json
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.data.dataset import DataSpec
from tunectl.data.files import find_files
from tunectl.data.fingerprint import input_part
from tunectl.data.problems import Problems
from tunectl.data.scan import Scanner
from tunectl.data.shapes import shape_named, shape_of
from tunectl.data.spec import SplitSpec

SYSTEM, QUESTION, ANSWER = "Bądź uprzejmy", "Gdzie jest paczka?", "Посылка уже в пути, ąę."
WORSE = "Nie wiem."
ASKED = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": QUESTION}]
GOOD, BAD = ({"role": "assistant", "content": text} for text in (ANSWER, WORSE))
CHAT = {"messages": [*ASKED, GOOD]}
PAIR = {"input": {"messages": ASKED}, "preferred_output": [GOOD], "non_preferred_output": [BAD]}
TASK = {"messages": ASKED, "reference": ANSWER}

SAME_CHAT = {
    "openai-chat": CHAT,
    "bedrock": {"system": SYSTEM, "messages": [ASKED[1], GOOD]},
    "author-chat": {
        "context": SYSTEM,
        "messages": [{"author": "user", "content": QUESTION}, {"author": "bot", "content": ANSWER}],
    },
    "prompt-completion": {"prompt": ASKED, "completion": [GOOD]},
    "columns": {"question": QUESTION, "answer": ANSWER, "system": SYSTEM},
    "gemini": {
        "systemInstruction": {"role": "system", "parts": [{"text": SYSTEM}]},
        "contents": [
            {"role": "user", "parts": [{"text": QUESTION}]},
            {"role": "model", "parts": [{"text": ANSWER}]},
        ],
    },
    "bedrock-conversation": {
        "schemaVersion": "bedrock-conversation-2024",
        "system": [{"text": SYSTEM}],
        "messages": [
            {"role": "user", "content": [{"text": QUESTION}]},
            {"role": "assistant", "content": [{"text": ANSWER}]},
        ],
    },
    "sharegpt": {
        "conversations": [
            {"from": "system", "value": SYSTEM},
            {"from": "human", "value": QUESTION},
            {"from": "gpt", "value": ANSWER},
        ],
        "tools": "[]",
    },
    "alpaca": {"system": SYSTEM, "instruction": QUESTION, "input": "", "output": ANSWER},
}
SAME_PAIR = {
    "preference": PAIR,
    "chosen-rejected": {
        "system": SYSTEM,
        "prompt": QUESTION,
        "chosen": ANSWER,
        "rejected": WORSE,
    },
}
OTHER_PAIRS = [
    {
        "input": {"messages": ASKED},
        "preferred_completion": [GOOD],
        "non_preferred_completion": [BAD],
    },
    {"prompt": ASKED, "chosen": [GOOD], "rejected": [BAD]},
    {"prompt": ASKED, "chosen": [*ASKED, GOOD], "rejected": [*ASKED, BAD]},
    {"chosen": [*ASKED, GOOD], "rejected": [*ASKED, BAD]},
    {
        "system": SYSTEM,
        "prompt": QUESTION,
        "chosen": [ASKED[1], GOOD],
        "rejected": [ASKED[1], BAD],
    },
    {"system": SYSTEM, "question": QUESTION, "chosen": ANSWER, "rejected": WORSE},
    {"system": SYSTEM, "instruction": QUESTION, "input": "", "chosen": ANSWER, "rejected": WORSE},
    {
        "conversations": [
            {"from": "system", "value": SYSTEM},
            {"from": "human", "value": QUESTION},
        ],
        "chosen": {"from": "gpt", "value": ANSWER},
        "rejected": {"from": "gpt", "value": WORSE},
    },
]

CALL = {"id": "call_1", "type": "function", "function": {"name": "znajdź", "arguments": '{"nr":7}'}}
SCHEMA = {"type": "object", "properties": {"nr": {"type": "integer"}}}
TOOL = {"type": "function", "function": {"name": "znajdź", "parameters": SCHEMA}}
CALLED = {
    "messages": [
        {"role": "user", "content": QUESTION},
        {"role": "assistant", "content": "Sprawdzam.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": '{"gdzie":"Łódź"}'},
        {"role": "assistant", "content": ANSWER},
    ],
    "tools": [TOOL],
}
SAME_CALL = {
    "gemini": {
        "contents": [
            {"role": "user", "parts": [{"text": QUESTION}]},
            {
                "role": "model",
                "parts": [
                    {"text": "Sprawdzam."},
                    {"functionCall": {"name": "znajdź", "args": {"nr": 7}}},
                ],
            },
            {
                "role": "user",
                "parts": [{"functionResponse": {"name": "znajdź", "response": {"gdzie": "Łódź"}}}],
            },
            {"role": "model", "parts": [{"text": ANSWER}]},
        ],
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "znajdź",
                        "parameters": {
                            "type": "OBJECT",
                            "properties": {"nr": {"type": "INTEGER"}},
                        },
                    }
                ]
            }
        ],
    },
    "bedrock-conversation": {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [
            {"role": "user", "content": [{"text": QUESTION}]},
            {
                "role": "assistant",
                "content": [
                    {"text": "Sprawdzam."},
                    {"toolUse": {"toolUseId": "call_1", "name": "znajdź", "input": {"nr": 7}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {
                        "toolResult": {
                            "toolUseId": "call_1",
                            "content": [{"json": {"gdzie": "Łódź"}}],
                            "status": "success",
                        }
                    }
                ],
            },
            {"role": "assistant", "content": [{"text": ANSWER}]},
        ],
        "toolConfig": {
            "tools": [{"toolSpec": {"name": "znajdź", "inputSchema": {"json": SCHEMA}}}]
        },
    },
    "sharegpt": {
        "conversations": [
            {"from": "human", "value": QUESTION},
            {"from": "gpt", "value": "Sprawdzam."},
            {"from": "function_call", "value": '{"name": "znajdź", "arguments": {"nr":7}}'},
            {"from": "observation", "value": '{"gdzie":"Łódź"}'},
            {"from": "gpt", "value": ANSWER},
        ],
        "tools": json.dumps([{"name": "znajdź", "parameters": SCHEMA}]),
    },
}


@pytest.fixture
def scan(tmp_path):
    """Read one file as far as the canonical rows: rows with their lines, shape, problems."""

    def run(content, name="rows.jsonl", **spec):
        made = content
        if not isinstance(content, bytes | str):
            made = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in content)
        (tmp_path / name).write_bytes(made.encode() if isinstance(made, str) else made)
        declared = DataSpec(source=name, **spec)
        problems = Problems(None, {})
        shape = shape_named(declared.format) if declared.format else None
        scanner = Scanner(declared, find_files(declared, tmp_path, problems), problems, shape)
        rows = [(line, row) for _, line, _, row, _, _ in scanner.rows()]
        scanner.finish()
        return rows, scanner.shape, problems.result()

    return run


@pytest.mark.parametrize(
    ("rows", "wanted", "method"),
    [
        (SAME_CHAT, CHAT, "supervised"),
        (SAME_PAIR, PAIR, "preference"),
        ({"reinforcement": TASK}, TASK, "reinforcement"),
        (SAME_CALL, CALLED, "supervised"),
    ],
    ids=["chat", "pair", "task", "call"],
)
def test_the_same_said_in_every_format_is_the_same_canonical_row(rows, wanted, method, scan):
    for name, row in rows.items():
        made, shape, problems = scan([row])
        assert problems == ()
        assert (shape.name, shape.method, made) == (name, method, [(1, wanted)])


@pytest.mark.parametrize("row", OTHER_PAIRS, ids=range(len(OTHER_PAIRS)))
def test_other_spellings_of_a_preference_are_the_same_row(row, scan):
    made, shape, problems = scan([row])
    assert (problems, shape.method, made) == ((), "preference", [(1, PAIR)])


def test_two_answers_without_a_question_say_that_it_is_missing(scan):
    _, shape, [found] = scan([{"chosen": ANSWER, "rejected": WORSE}])
    assert shape is None
    assert found.code == "unknown-shape"
    assert "`prompt`" in found.hint


def test_a_text_alone_is_no_row(scan):
    _, _, [found] = scan([{"text": ANSWER}])
    assert "`plain-text`" in found.summary
    assert "two columns" in found.hint


def test_keys_beside_a_preference_are_carried_along_and_tools_are_of_the_question(scan):
    row = {"prompt": QUESTION, "chosen": ANSWER, "rejected": WORSE, "tools": [TOOL], "score": 0.5}
    [(_, made)], _, _ = scan([row])
    assert made["input"] == {"messages": [ASKED[1]], "tools": [TOOL]}
    assert made["score"] == 0.5


def test_a_set_of_pairs_that_holds_chats_too_is_what_its_format_says(read_rows):
    row = {
        "prompt": QUESTION,
        "messages": [ASKED[1], GOOD],
        "chosen": [ASKED[1], GOOD],
        "rejected": [ASKED[1], BAD],
    }
    dataset, _ = read_rows([row], format="chosen-rejected", strip=("messages",))
    assert json.loads(json.dumps(list(dataset.rows("train")))) == [
        {**PAIR, "input": {"messages": [ASKED[1]]}}
    ]


def test_what_is_asked_decides_the_split_of_a_pair_and_of_a_task():
    asked = input_part({"messages": ASKED})
    assert input_part(PAIR, "preference") == asked
    assert input_part(TASK, "reinforcement") == asked
    again = {"messages": [*ASKED, GOOD, ASKED[1]], "reference": "x"}
    assert input_part(again, "reinforcement") != asked


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"instruction": QUESTION, "output": ANSWER}, QUESTION),
        ({"instruct": QUESTION, "input": "", "output": ANSWER}, QUESTION),
        ({"instruction": QUESTION, "input": "Łódź", "output": ANSWER}, f"{QUESTION}\nŁódź"),
        ({"instruction": QUESTION, "context": "Łódź", "response": ANSWER}, f"{QUESTION}\nŁódź"),
    ],
)
def test_instructions_are_read_under_their_usual_names(row, answer, scan):
    [(_, made)], shape, _ = scan([row])
    assert shape.name == "alpaca"
    assert made == {"messages": [{"role": "user", "content": answer}, GOOD]}


def test_the_history_of_an_instruction_is_turns_before_it(scan):
    row = {"instruction": "A teraz?", "output": ANSWER, "history": [[QUESTION, WORSE]]}
    [(_, made)], _, _ = scan([row])
    assert made == {"messages": [ASKED[1], BAD, {"role": "user", "content": "A teraz?"}, GOOD]}


def test_every_instance_is_a_row_with_the_line_it_stands_on(scan):
    seed = {
        "instruction": "Переведи",
        "id": 7,
        "instances": [{"input": "да", "output": "tak"}, {"input": "нет", "output": "nie"}],
    }
    rows, shape, problems = scan([seed, {**seed, "instances": seed["instances"][:1]}])
    assert problems == ()
    assert shape.name == "alpaca"
    assert [line for line, _ in rows] == [1, 1, 2]
    assert [row["messages"][1]["content"] for _, row in rows] == ["tak", "nie", "tak"]
    assert {row["id"] for _, row in rows} == {7}
    rows, _, _ = scan(json.dumps([seed, seed], indent=1, ensure_ascii=False), "seed.json")
    text = json.dumps([seed, seed], indent=1, ensure_ascii=False).splitlines()
    places = [n for n, line in enumerate(text, 1) if line == "   {"]
    assert [line for line, _ in rows] == places
    assert len(places) == 4


def test_a_limit_counts_rows_and_not_objects(scan):
    seed = {"instruction": "a", "instances": [{"output": str(n)} for n in range(5)]}
    rows, _, _ = scan([seed, seed], limit=7)
    assert [row["messages"][1]["content"] for _, row in rows] == [*"01234", *"01"]


def test_an_object_of_several_rows_that_names_a_key_twice_gives_none(scan):
    line = '{"instruction": "a", "instances": [{"output": "x"}, {"output": "y", "output": "z"}]}'
    rows, _, [found] = scan(line + "\n")
    assert rows == []
    assert (found.code, found.source.column) == ("duplicate-key", line.index('"output": "z"') + 1)


def test_an_instruction_without_instances_is_not_passed_over(scan):
    rows, _, _ = scan([{"instruction": "a", "instances": []}])
    assert len(rows) == 1


@pytest.mark.parametrize("who", ["human", "user", "Human"])
@pytest.mark.parametrize("whom", ["gpt", "assistant", "model", "chatgpt"])
def test_the_roles_of_sharegpt_have_many_names(who, whom, scan):
    turns = [{"from": who, "value": QUESTION}, {"role": whom, "content": ANSWER}]
    [(_, made)], _, _ = scan([{"conversations": turns}])
    assert made == {"messages": [ASKED[1], GOOD]}


def test_function_is_a_call_or_an_answer_by_what_it_says(scan):
    turns = [
        {"from": "human", "value": QUESTION},
        {"from": "function", "value": '{"name": "f", "arguments": {"a": 1,  "b": [2]}}'},
        {"from": "function", "value": "Łódź"},
        {"from": "gpt", "value": ANSWER},
    ]
    [(_, made)], _, _ = scan([{"conversations": turns}])
    call, answer = made["messages"][1:3]
    assert call["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"a": 1,  "b": [2]}'}
    assert answer == {"role": "tool", "tool_call_id": "call_1", "content": "Łódź"}


def test_parallel_calls_and_their_answers_are_paired_in_order(scan):
    calls = '[{"name": "f", "arguments": {"n": 1}}, {"name": "f", "arguments": "{\\"n\\": 2}"}]'
    turns = [
        {"from": "human", "value": QUESTION},
        {"from": "function_call", "value": calls},
        {"from": "observation", "value": "1"},
        {"from": "tool", "value": "2"},
        {"from": "observation", "value": "3"},
    ]
    [(_, made)], _, _ = scan([{"conversations": turns}])
    _, call, *answers = made["messages"]
    assert [one["id"] for one in call["tool_calls"]] == ["call_1", "call_2"]
    assert [a.get("tool_call_id") for a in answers] == ["call_1", "call_2", None]


@pytest.mark.parametrize(
    "value", ["nie JSON", '{"name": "f"}', '{"name": "f", "arguments": {}, "x": 1}']
)
def test_a_call_that_is_none_is_carried_over_as_written(value, scan):
    [(_, made)], _, _ = scan([{"conversations": [{"from": "function_call", "value": value}]}])
    assert made == {"messages": [{"role": "function_call", "content": value}]}


def test_tools_that_are_no_json_are_carried_over(scan):
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]
    [(_, made)], _, _ = scan([{"conversations": turns, "tools": "none"}])
    assert made["tools"] == "none"


def test_the_weight_of_a_turn_is_kept(scan):
    turns = [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b", "weight": 0}]
    [(_, made)], _, _ = scan([{"conversations": turns}])
    assert made["messages"][1] == {"role": "assistant", "content": "b", "weight": 0}


def test_gemini_in_snake_case_is_gemini(scan):
    row = {
        "system_instruction": {"parts": [{"text": SYSTEM}]},
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"text": QUESTION},
                    {"inline_data": {"mime_type": "image/png", "data": "aGk="}},
                ],
            },
            {"role": "model", "parts": [{"function_call": {"name": "f", "args": {}}}]},
        ],
    }
    [(_, made)], _, _ = scan([row])
    assert made["messages"][1]["content"] == [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
    ]
    assert made["messages"][2]["tool_calls"][0]["function"]["name"] == "f"


@pytest.mark.parametrize(
    ("part", "wanted"),
    [
        (
            {"fileData": {"mimeType": "image/jpeg", "fileUri": "gs://b/ż.jpg"}},
            {"type": "image_url", "image_url": {"url": "gs://b/ż.jpg"}},
        ),
        (
            {"fileData": {"mimeType": "image/png", "fileUri": "gs://b/x"}},
            {"type": "image_url", "image_url": {"url": "gs://b/x", "mime_type": "image/png"}},
        ),
        (
            {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/x.mp4"}},
            {"type": "file", "file": {"file_url": "gs://b/x.mp4"}},
        ),
        (
            {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
            {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
            {"type": "file", "file": {"file_data": "data:application/pdf;base64,aGk="}},
        ),
        ({"text": "myśl", "thought": True}, {"type": "text", "text": "myśl", "thought": True}),
        ({"executableCode": {"code": "1"}}, {"executableCode": {"code": "1"}}),
    ],
)
def test_parts_of_gemini_lose_nothing(part, wanted, scan):
    row = {"contents": [{"role": "user", "parts": [part]}]}
    [(_, made)], _, _ = scan([row])
    assert made["messages"][0]["content"] == [wanted]


def test_settings_beside_the_turns_of_gemini_are_carried_along(scan):
    row = {"contents": [], "generationConfig": {"temperature": 0}, "tools": [{"googleSearch": {}}]}
    [(_, made)], _, _ = scan([row])
    assert made["generationConfig"] == {"temperature": 0}
    assert made["tools"] == [{"googleSearch": {}}]


def test_the_answer_of_a_function_is_its_output_where_that_stands_alone(scan):
    response = {"name": "f", "response": {"output": "Łódź"}}
    row = {
        "contents": [
            {"role": "model", "parts": [{"functionCall": {"name": "f", "args": {}}}]},
            {"role": "user", "parts": [{"functionResponse": response}, {"text": "dalej"}]},
        ]
    }
    [(_, made)], _, _ = scan([row])
    assert made["messages"][1:] == [
        {"role": "tool", "tool_call_id": "call_1", "content": "Łódź"},
        {"role": "user", "content": "dalej"},
    ]


def test_an_image_of_bedrock_keeps_its_owner_and_its_kind(scan):
    place = {"uri": "s3://b/x.png", "bucketOwner": "123"}
    blocks = [
        {"text": QUESTION},
        {"image": {"format": "png", "source": {"s3Location": place}}},
        {"image": {"format": "jpeg", "source": {"bytes": "aGk="}}},
        {"video": {"format": "mp4"}},
    ]
    row = {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [{"role": "user", "content": blocks}],
    }
    [(_, made)], _, _ = scan([row])
    assert made["messages"][0]["content"] == [
        {"type": "text", "text": QUESTION},
        {"type": "image_url", "image_url": {"url": "s3://b/x.png", "bucketOwner": "123"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,aGk="}},
        blocks[3],
    ]


def test_a_failed_tool_of_bedrock_says_so(scan):
    result = {"toolUseId": "x", "content": [{"text": "brak"}], "status": "error"}
    row = {
        "schemaVersion": "bedrock-conversation-2024",
        "messages": [{"role": "user", "content": [{"toolResult": result}]}],
    }
    [(_, made)], _, _ = scan([row])
    assert made["messages"] == [
        {"role": "tool", "tool_call_id": "x", "content": "brak", "status": "error"}
    ]


def test_pairs_and_tasks_are_split_by_what_they_ask_and_conflict_in_their_own_way(read_rows):
    pairs = [
        {"prompt": f"Pytanie {n}?", "chosen": f"Dobra odpowiedź {n}", "rejected": f"Zła {n}"}
        for n in range(40)
    ]
    spec = SplitSpec({"test": 0.3})
    dataset, _ = read_rows(pairs, split=spec)
    assert dataset.method == "preference"
    better = [{**pair, "chosen": pair["chosen"] + ", lepsza"} for pair in pairs]
    again, problems = read_rows(better, split=spec)
    assert [m.split for m in again.marks] == [m.split for m in dataset.marks]
    _, problems = read_rows([*pairs, *better])
    assert "conflicting-targets" not in {d.code for d in problems}
    tasks = [
        {"messages": [{"role": "user", "content": "Ile to 2 + 2?"}], "answer": n} for n in (4, 5)
    ]
    dataset, problems = read_rows(tasks)
    assert dataset.method == "reinforcement"
    assert "conflicting-targets" in {d.code for d in problems}


# Mixed shapes.


def test_each_of_the_shapes_is_counted_with_its_first_line(scan):
    rows = [CHAT, *SAME_CHAT.values(), *SAME_PAIR.values(), TASK, CHAT, TASK]
    _, _, [found] = scan(rows)
    assert found.code == "mixed-shapes"
    names = [line.split("`")[1] for line in found.detail.splitlines()]
    assert names == [*SAME_CHAT, *SAME_PAIR, "reinforcement"]
    assert found.detail.splitlines()[0].startswith("3 × `openai-chat`")
    assert found.detail.splitlines()[-1].startswith("2 × `reinforcement`")
    assert found.detail.endswith("rows.jsonl:13")


def test_a_chat_whose_answer_is_missing_stays_a_chat(scan):
    unanswered = {"messages": ASKED}
    rows, shape, problems = scan([CHAT, unanswered])
    assert (len(rows), shape.name, problems) == (2, "openai-chat", ())
    keyed = [{**CHAT, "klient": 1}, {**unanswered, "klient": 2}]
    rows, shape, problems = scan(keyed, strip=("klient",))
    assert (len(rows), shape.name, problems) == (2, "openai-chat", ())
    rows, shape, problems = scan(keyed, split=SplitSpec({"test": 0.5}, group="klient"))
    assert (len(rows), shape.name, problems) == (2, "openai-chat", ())


def test_a_named_format_takes_what_could_be_either(scan):
    unanswered = {"messages": ASKED}
    for name in ("openai-chat", "reinforcement"):
        rows, shape, problems = scan([unanswered, TASK], format=name)
        assert (len(rows), shape.name, problems) == (2, name, ())


# Properties.

texts = st.text(min_size=1, max_size=20)


@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=4), st.randoms(use_true_random=False))
def test_a_talk_is_one_row_in_every_format_that_can_hold_it(turns, order: random.Random):
    messages = [
        {"role": role, "content": text}
        for pair in turns
        for role, text in zip(("user", "assistant"), pair, strict=True)
    ]
    names = {"user": "human", "assistant": "gpt"}
    formats = [
        {"messages": messages},
        {"conversations": [{"from": names[m["role"]], "value": m["content"]} for m in messages]},
        {
            "contents": [
                {
                    "role": "model" if m["role"] == "assistant" else "user",
                    "parts": [{"text": m["content"]}],
                }
                for m in messages
            ]
        },
        {
            "schemaVersion": "bedrock-conversation-2024",
            "messages": [
                {"role": m["role"], "content": [{"text": m["content"]}]} for m in messages
            ],
        },
        {
            "instruction": messages[-2]["content"],
            "output": messages[-1]["content"],
            "history": [list(pair) for pair in turns[:-1]],
        },
    ]
    order.shuffle(formats)
    made = []
    for row in formats:
        shape = shape_of(row)
        made.append(row if shape.canonical is None else shape.canonical(dict(row)))
    assert made == [{"messages": messages}] * len(formats)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "messages",
                    "role",
                    "content",
                    "parts",
                    "text",
                    "contents",
                    "conversations",
                    "from",
                    "value",
                    "instruction",
                    "input",
                    "output",
                    "instances",
                    "chosen",
                    "rejected",
                    "prompt",
                    "system",
                    "tools",
                    "functionCall",
                    "name",
                    "args",
                    "history",
                    "functionResponse",
                    "response",
                    "toolUse",
                    "toolResult",
                    "schemaVersion",
                    "toolConfig",
                    "author",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(
            [
                "messages",
                "contents",
                "conversations",
                "instruction",
                "output",
                "instances",
                "chosen",
                "rejected",
                "prompt",
                "completion",
                "system",
                "tools",
                "schemaVersion",
                "toolConfig",
                "input",
                "history",
                "question",
            ]
        ),
        anything,
    )
)
def test_no_row_whatever_it_holds_makes_a_shape_stumble(row):
    shape = shape_of(row)
    if shape is not None:
        parts = shape.parts(json.loads(json.dumps(row))) if shape.parts else [row]
        for part in parts:
            made = (
                part if shape.canonical is None else shape.canonical(json.loads(json.dumps(part)))
            )
            assert isinstance(made, dict)


def test_the_shapes_of_the_real_files_are_told(scan):
    inputs = Path(__file__).parents[3] / "shared" / "data"
    if not inputs.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    counts = {}
    for name in ("lf_glaive.json", "ru_alpaca_seed.jsonl"):
        rows, shape, problems = scan((inputs / name).read_bytes(), name)
        assert problems == ()
        counts[shape.name] = len(rows)
    assert counts == {"sharegpt": 300, "alpaca": 137}
