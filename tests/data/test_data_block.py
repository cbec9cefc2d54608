"""Many lines at once are read exactly as one by one."""

import json
import random

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.conftest import chat_row, lines_of
from tunectl.core.errors import Severity
from tunectl.data import reading
from tunectl.data.block import plain_block, sound_rows
from tunectl.data.checks.plain import is_plain
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.fingerprint import canonical_bytes
from tunectl.data.syntax import Readable, judge, read_syntax
from tunectl.data.targets import Level

texts = st.text(max_size=6) | st.sampled_from(
    [
        "",
        " ",
        "\n\t",
        "\u2003",
        "\xa0",
        '"content":""',
        '","role":"user"}',
        "\\u003a",
        "a: b",
        "żółw",
    ]
)
roles = st.sampled_from(["system", "user", "assistant", "user", "assistant", "tool", "x"])
messages = st.fixed_dictionaries(
    {"role": roles, "content": texts}, optional={"weight": st.just(1), "name": texts}
)
talks = st.lists(st.tuples(texts, texts), min_size=1, max_size=2).map(
    lambda turns: [
        message
        for asked, said in turns
        for message in (
            {"role": "user", "content": asked},
            {"role": "assistant", "content": said},
        )
    ]
)
rows = st.fixed_dictionaries(
    {"messages": talks | st.lists(messages, max_size=3)}, optional={"tools": st.just([])}
)


@given(st.lists(rows, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_what_is_accepted_is_plain_and_has_the_canonical_bytes(made, ascii_only, spaced):
    spaces = (", ", ": ") if spaced else (",", ":")
    lines = [
        json.dumps(row, ensure_ascii=ascii_only, separators=spaces).encode() + b"\n" for row in made
    ]
    block = plain_block(b"".join(lines))
    if block is None:
        return
    read_again = [orjson.loads(line) for line in lines]
    assert block.packed == [canonical_bytes(row) for row in read_again]
    assert block.joined == b"".join(packed + b"\n" for packed in block.packed)
    assert all(is_plain(row) for row in read_again)
    assert block.rows() == read_again
    assert block.answers() == [row["messages"][-1]["content"] for row in read_again]


SAID = b'{"role": "assistant", "content": "c"}]}'


@pytest.mark.parametrize(
    "line",
    [
        b'{"messages": [{"role": "user", "content": "a", "content": "b"}, ' + SAID,
        b'{"messages": [], "messages": [{"role": "user", "content": "b"}, ' + SAID,
        b'{"messages": [{"role": "user", "content": "b"}, ' + SAID + b" x",
        b'{"messages": [{"role": "user", "content": "\xff"}, ' + SAID,
        b'{"messages": [{"role": "user", "content": "\\ud800"}, ' + SAID,
        b'{"messages": [{"role": "user", "content": null}, ' + SAID,
        b'{"messages": []}',
        b"[]",
        b"",
    ],
)
def test_what_is_not_in_order_is_left_to_the_long_way(line):
    good = orjson.dumps(chat_row("a", "b")) + b"\n"
    assert plain_block(good) is not None
    assert plain_block(good + line + b"\n" + good) is None


def test_most_ordinary_lines_are_accepted():
    made = [chat_row(f"Pytanie: {n}?", 'Odpowiedź "tak"\n1. żółw\n') for n in range(50)]
    assert plain_block(lines_of(made).encode())
    assert plain_block(lines_of(made).encode().rstrip())


SECRET = "sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34Op56Qr78St90Uv12Wx34"
ODD = [
    {"messages": [{"role": "user", "content": "a"}]},
    {"messages": [{"role": "user", "content": "b"}, {"role": "assistant", "content": " "}]},
    chat_row("pokaż", f"klucz {SECRET}"),
    chat_row("zażółć", "<|im_end|>"),
    chat_row(
        "To jest pytanie, które się powtórzy w odpowiedzi",
        "To jest pytanie, które się powtórzy w odpowiedzi",
    ),
]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(list(Level)))
def test_a_file_gives_the_same_dataset_and_diagnostics_both_ways(tmp_path_factory, seed, level):
    rng = random.Random(seed)
    made = [chat_row(f"pytanie {rng.randrange(30)}?", f"odpowiedź {n}.\n") for n in range(40)]
    for odd in rng.sample(ODD, rng.randrange(4)):
        made.insert(rng.randrange(1, len(made)), odd)
    folder = tmp_path_factory.mktemp("rows")
    (folder / "rows.jsonl").write_text(lines_of(made), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunectl.data.readers._BLOCK", 600)
        patch.setattr(reading, "FEW", 0)
        quick, told = read(DataSpec(source="rows.jsonl"), folder, level=level)
        patch.setattr("tunectl.data.block.plain_block", lambda text: None)
        slow, told_slowly = read(DataSpec(source="rows.jsonl"), folder, level=level)

    def order(one):
        return (one.code, one.source.line if one.source else 0, one.summary)

    assert sorted(map(order, told)) == sorted(map(order, told_slowly))
    assert (quick is None) == (slow is None)
    if quick is not None:
        assert (quick.splits, quick.marks, quick.marks_sha256) == (
            slow.splits,
            slow.marks,
            slow.marks_sha256,
        )
        assert list(quick.rows("train")) == list(slow.rows("train"))


UNREADABLE = [
    '{"messages": [oops',
    "",
    "[1]",
    '"tekst"',
    '{"messages": []}',
    '{"messages": [1]}',
    '{"messages": [{"role": "user", "content": "a", "content": "b"}]}',
    '{"messages": [{"role": "user", "role": "user", "content": "b"}]}',
    '{"messages": [{"r\\u006fle": "user", "role": "user", "content": "b"}]}',
    '{"messages": [{"role": "user", "content": "b"}], "messages": [{"role": "user"}]}',
    '{"messages": [{"role": "user", "content": {"a": 1, "a": 2}}]}',
    '{"messages": [{"role": "user", "content": "\\ud800"}]}',
    '{"messages": [{"role": "user", "content": "a\tb"}]}',
    '{"messages": [{"role": "user", "content": NaN}]}',
    '{"prompt": "a", "completion": "b"}',
    '{"messages": [{"role": "user", "content": "a"}], "reference": "x"}',
    '{"messages": [{"author": "user", "content": "a"}]}',
]
FINE = [
    '{"messages": [{"role": "user", "content": "a"}]}',
    '{"messages": [{"content": "role", "role": "assistant"}, {"role": "x", "content": null}]}',
    '{"messages":[{"role":"user","content":"\\u017c\\"role\\": \\"content\\""}]}',
    '{"messages": [{"role": "assistant", "content": "żółw", "weight": 1}], "tools": []}',
]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(FINE), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(UNREADABLE)), max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_the_quick_look_at_the_syntax_says_what_the_long_way_says(
    tmp_path_factory, fine, odd, ended, named
):
    lines = [FINE[0], *fine]
    for place, line in odd:
        lines.insert(1 + place % len(lines), line)
    folder = tmp_path_factory.mktemp("syntax")
    content = "\n".join(lines) + "\n" * ended
    (folder / "rows.jsonl").write_text(content, encoding="utf-8")
    spec = DataSpec(source="rows.jsonl", format="openai-chat" if named else None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tunectl.data.readers._BLOCK", 100)
        quick, told = read_syntax(spec, folder)
    slow, told_slowly = read(spec, folder, level=Level.SYNTAX)
    assert told == told_slowly
    assert (quick is None) == (slow is None)
    if quick is not None:
        assert quick.rows == {name: one.rows for name, one in slow.splits.items()}
        assert (quick.shape, quick.evidence) == (slow.shape, slow.evidence)


@given(st.lists(rows, min_size=1, max_size=4), st.booleans())
def test_lines_that_pass_as_sound_are_as_many_rows_of_messages(made, ascii_only):
    lines = [json.dumps(row, ensure_ascii=ascii_only).encode() + b"\n" for row in made]
    assert sound_rows(b"".join(lines)) in (0, len(made))


def test_ordinary_chats_pass_as_sound_and_a_key_that_stands_twice_does_not():
    made = lines_of([chat_row(f"Pytanie: {n}?", 'Odpowiedź "tak": żółw') for n in range(50)])
    assert sound_rows(made.encode()) == 50
    for line in UNREADABLE[:-3]:
        assert sound_rows(f"{made}{line}\n".encode()) == 0


def test_the_syntax_of_several_files_and_splits_is_counted_by_split(folder):
    for name, count in (("a", 3), ("b", 40)):
        made = lines_of([chat_row(f"{name} {n}?", "o.") for n in range(count)])
        (folder / f"{name}.jsonl").write_text(made, encoding="utf-8")
    found, told = read_syntax(
        DataSpec(splits={"validation": "a.jsonl", "train": "b.jsonl"}), folder
    )
    assert (dict(found.rows), told) == ({"train": 40, "validation": 3}, ())
    shares = SplitSpec({"test": 0.5})
    found, _ = read_syntax(DataSpec(source="b.jsonl", split=shares), folder)
    assert sum(found.rows.values()) == 40
    assert found.rows["test"] > 0


def test_a_broken_line_among_many_is_named_with_its_line(folder):
    lines = lines_of([chat_row(f"p{n}", f"o{n}") for n in range(3000)]).splitlines(keepends=True)
    lines[2222] = '{"messages": [oops\n'
    lines[10:10] = ["\n"]
    (folder / "rows.jsonl").write_text("".join(lines), encoding="utf-8")
    dataset, problems = read(DataSpec(source="rows.jsonl"), folder)
    assert dataset is None
    [broken] = [d for d in problems if d.severity is Severity.ERROR]
    assert broken.source.line == 2224


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([Level.DEFAULT, Level.ALL]), st.booleans())
def test_what_is_judged_without_lasting_marks_is_told_the_same(
    tmp_path_factory, seed, level, divided
):
    rng = random.Random(seed)
    made = [chat_row(f"pytanie {rng.randrange(30)}?", f"odpowiedź {n % 9}.\n") for n in range(40)]
    for odd in rng.sample(ODD, rng.randrange(4)):
        made.insert(rng.randrange(1, len(made)), odd)
        made.insert(rng.randrange(1, len(made)), {**odd, "tools": []})
    folder = tmp_path_factory.mktemp("rows")
    (folder / "rows.jsonl").write_text(lines_of(made), encoding="utf-8")
    split = SplitSpec({"test": 0.3}) if divided else None
    spec = DataSpec(source="rows.jsonl", split=split)
    dataset, lasting = read(spec, folder, level=level)
    readable, quick = judge(spec, folder, level=level)
    assert quick == lasting
    assert (readable is None) == (dataset is None)
    if dataset is not None:
        assert readable == Readable.of(dataset)
