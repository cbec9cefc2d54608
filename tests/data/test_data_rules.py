"""Each rule reports what breaks it, refuses with its own exit code, and can be allowed."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import Exit, Severity, Source
from tunectl.data.checks import ROW_RULES, RULES, check_row
from tunectl.data.checks.plain import is_plain, plain_input
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.fingerprint import canonical_bytes, input_part

SYSTEM = {"role": "system", "content": "Pomagaj"}
USER = {"role": "user", "content": "Gdzie paczka?"}
ASSISTANT = {"role": "assistant", "content": "W drodze."}


def call(id_="c1", arguments='{"city": "Łódź"}', **more):
    return {
        "id": id_,
        "type": "function",
        "function": {"name": "f", "arguments": arguments},
        **more,
    }


def calling(*calls):
    return {"role": "assistant", "tool_calls": list(calls)}


def answer(id_="c1"):
    return {"role": "tool", "tool_call_id": id_, "content": "ok"}


def row(*messages, **more):
    return {"messages": list(messages), **more}


BROKEN = [
    ("bad-messages", row()),
    ("bad-messages", row(USER, "text", ASSISTANT)),
    ("unknown-key", row(USER, ASSISTANT, customer_id=7)),
    ("unknown-key", row({**USER, "time": "12:30"}, ASSISTANT)),
    ("unknown-role", row({"role": "usr", "content": "a"}, ASSISTANT)),
    ("unknown-role", row({"content": "a"}, ASSISTANT)),
    ("unknown-role", row({"role": ["user"], "content": "a"}, ASSISTANT)),
    ("no-assistant-turn", row(SYSTEM, USER)),
    ("message-order", row(ASSISTANT)),
    ("message-order", row(USER, USER, ASSISTANT)),
    ("message-order", row(USER, ASSISTANT, ASSISTANT)),
    ("message-order", row(USER, ASSISTANT, USER)),
    ("message-order", row(USER, SYSTEM, ASSISTANT)),
    ("message-order", row(SYSTEM, ASSISTANT)),
    ("message-order", row(SYSTEM, SYSTEM, USER, ASSISTANT)),
    ("message-order", row(USER, calling(call()), answer())),
    ("empty-content", row(USER, {"role": "assistant", "content": ""})),
    ("empty-content", row(USER, {"role": "assistant", "content": " \n\t"})),
    ("empty-content", row(USER, {"role": "assistant", "content": None})),
    ("empty-content", row(USER, {"role": "assistant"})),
    ("empty-content", row({"role": "user", "content": []}, ASSISTANT)),
    ("empty-content", row({"role": "user", "content": [{"type": "text", "text": " "}]}, ASSISTANT)),
    ("bad-content", row({"role": "user", "content": 7}, ASSISTANT)),
    ("bad-content", row({"role": "user", "content": ["Co to?"]}, ASSISTANT)),
    ("special-token", row(USER, {"role": "assistant", "content": "a <|fim_suffix|> b"})),
    ("special-token", row(USER, calling(call(arguments='{"a": "<|endoftext|>"}')))),
    ("lost-character", row(USER, {"role": "assistant", "content": "Za�ółć"})),
    ("weight", row(USER, {**ASSISTANT, "weight": 2}, USER, ASSISTANT)),
    ("weight", row(USER, {**ASSISTANT, "weight": True}, USER, ASSISTANT)),
    ("weight", row(USER, {**ASSISTANT, "weight": "1"}, USER, ASSISTANT)),
    ("weight", row(USER, {**ASSISTANT, "weight": 0})),
    ("weight", row({**USER, "weight": 1}, ASSISTANT)),
    ("tool-calls", row(USER, calling(call()), answer("c2"), ASSISTANT)),
    ("tool-calls", row(USER, calling(call()), {"role": "tool", "content": "x"}, ASSISTANT)),
    ("tool-calls", row(USER, calling(call(), call("c2")), answer(), ASSISTANT)),
    ("tool-calls", row(USER, calling(call()), USER, ASSISTANT)),
    ("tool-calls", row(USER, calling(call(arguments={"city": "Łódź"})))),
    ("tool-calls", row(USER, calling(call(arguments="{city}")))),
    ("tool-calls", row(USER, calling(call(), call()))),
    ("tool-calls", row(USER, calling(call(id_="")))),
    ("tool-calls", row(USER, calling(call(type="custom")))),
    ("tool-calls", row(USER, {**ASSISTANT, "tool_calls": []})),
    ("tools", row(USER, ASSISTANT, tools={})),
    ("tools", row(USER, ASSISTANT, tools=[{"type": "function"}])),
]

FINE = [
    row(USER, ASSISTANT),
    row(SYSTEM, USER, ASSISTANT, USER, ASSISTANT),
    row({**SYSTEM, "role": "developer"}, USER, ASSISTANT),
    row(USER, calling(call())),
    row(USER, calling(call(), call("c2")), answer("c2"), answer(), ASSISTANT),
    row(USER, {**calling(call()), "content": None}, answer(), ASSISTANT, tools=[]),
    row(USER, {**ASSISTANT, "weight": 0}, USER, {**ASSISTANT, "weight": 1}),
    row(
        {
            "role": "user",
            "content": [{"type": "image_url", "image_url": {"url": "https://a.pl/b.png"}}],
        },
        ASSISTANT,
    ),
    row(USER, {"role": "assistant", "content": "a < b | c > d, x <| y |> z"}),
    row(USER, {"role": "assistant", "refusal": "nie"}),
    row(USER, ASSISTANT, tools=[{"type": "function", "function": {"name": "f"}}]),
]


@pytest.mark.parametrize(("name", "broken"), BROKEN)
def test_a_row_that_breaks_one_rule_is_refused_by_that_rule_alone(name, broken, read_rows):
    dataset, problems = read_rows([broken, row({**USER, "content": "inne"}, ASSISTANT)])
    assert {d.code for d in problems} == {name}
    assert {d.exit for d in problems} == {Exit.REFUSED}
    assert {str(d.source) for d in problems} == {"rows.jsonl:1:1"}
    assert dataset is not None


@pytest.mark.parametrize("fine", FINE)
def test_a_row_in_order_is_not_reported(fine, read_rows):
    assert read_rows([fine])[1] == ()


@pytest.mark.parametrize(("name", "broken"), BROKEN)
def test_an_allowed_rule_is_only_noted_with_its_reason(name, broken, read_rows):
    dataset, problems = read_rows([broken], allow={name: "celowo"})
    assert [(d.severity, d.code) for d in problems] == [(Severity.INFO, name)]
    assert problems[0].summary.endswith(": celowo")
    assert dataset is not None


def test_every_rule_has_a_hint_and_a_kebab_name():
    for name, rule in RULES.items():
        assert name == rule.name
        assert name.replace("-", "").isalpha()
        assert name.islower()
        assert rule.hint


def test_a_number_allows_all_its_rules(read_rows):
    _, problems = read_rows([row(USER, ASSISTANT, customer_id=7)], allow={"D04": "grader"})
    assert [d.severity for d in problems] == [Severity.INFO]


def test_an_unknown_rule_in_allow_gets_a_suggestion(read_rows, one):
    found = one(read_rows([row(USER, ASSISTANT)], allow={"duplicate-rows": "x"}))
    assert (found.code, found.exit) == ("unknown-rule", Exit.ERROR)
    assert found.hint == "did you mean `duplicate-row`?"


def test_of_each_rule_ten_findings_are_shown_and_the_others_counted(read_rows):
    rows = [
        row({**USER, "content": f"{n}"}, {"role": "assistant", "content": ""}) for n in range(25)
    ]
    _, problems = read_rows(rows)
    assert [d.source.line for d in problems[:-1]] == list(range(1, 11))
    assert problems[-1].summary == "and 15 more rows that break `empty-content`"
    assert sum(d.stands_for for d in problems) == 25
    assert problems[-1].exit is Exit.REFUSED


def test_an_unknown_key_is_shown_once_a_key(read_rows):
    rows = [row({**USER, "content": f"{n}"}, ASSISTANT, id=n, email="x") for n in range(5)]
    _, problems = read_rows(rows)
    shown = [d for d in problems if d.source.text]
    assert sorted(d.summary for d in shown) == [
        "a chat row has no key `email`",
        "a chat row has no key `id`",
    ]
    assert len(problems) == 4


def test_no_finding_repeats_the_text_of_a_row(read_rows):
    secret = "Kowalski"
    rows = [
        row({"role": "user", "content": secret}, {"role": "assistant", "content": "<|im_end|>"}),
        row({"role": "user", "content": secret}, {"role": "assistant", "content": ""}),
        row({"role": "user", "content": secret}, {**ASSISTANT, "weight": secret}),
    ]
    _, problems = read_rows(rows)
    assert len(problems) > 3
    for found in problems:
        assert secret not in f"{found.summary}{found.detail}{found.hint}"
        assert found.source is None or secret not in found.source.text


def test_a_repeated_row_is_a_warning_that_names_the_first(read_rows, one):
    dataset, problems = read_rows(
        [row(USER, ASSISTANT), row(SYSTEM, USER, ASSISTANT), row(USER, ASSISTANT)]
    )
    [found] = problems
    assert (found.code, found.severity, str(found.source)) == (
        "duplicate-row",
        Severity.WARNING,
        "rows.jsonl:3:1",
    )
    assert found.summary == "the row repeats rows.jsonl:1"
    assert dataset.splits["train"].rows == 3


def test_one_input_with_two_answers_is_a_warning(read_rows, one):
    found = one(read_rows([row(USER, ASSISTANT), row(USER, {**ASSISTANT, "content": "Nie wiem."})]))
    assert (found.code, found.severity, found.source.line) == (
        "conflicting-targets",
        Severity.WARNING,
        2,
    )


def test_other_tools_make_another_input(read_rows):
    tool = {"type": "function", "function": {"name": "f"}}
    assert read_rows([row(USER, calling(call()), tools=[tool]), row(USER, ASSISTANT)])[1] == ()


@pytest.mark.parametrize(
    ("kept", "what"), [(ASSISTANT, "row"), ({**ASSISTANT, "content": "inaczej"}, "input")]
)
def test_an_overlap_of_named_splits_is_refused(kept, what, folder, jsonl, one):
    (folder / "a.jsonl").write_text(jsonl([row(USER, ASSISTANT)]), encoding="utf-8")
    (folder / "b.jsonl").write_text(jsonl([row(USER, kept)]), encoding="utf-8")
    spec = DataSpec(splits={"validation": "b.jsonl", "train": "a.jsonl"}, allow={"D13": "x"})
    problems = [d for d in read(spec, folder)[1] if d.severity is not Severity.INFO]
    [found] = problems
    assert (found.code, found.exit, str(found.source)) == (
        "split-overlap",
        Exit.REFUSED,
        "b.jsonl:1:1",
    )
    assert found.summary == f"the {what} of `validation` stands in `train` too, at a.jsonl:1"


def test_a_split_that_gets_no_row_says_how_many_it_needs(read_rows, chat):
    spec = SplitSpec({"validation": 0.1, "test": 0.1}, seed=7)
    dataset, problems = read_rows([chat("a", "b")], split=spec, where=Source("tunectl.yaml", 9))
    assert {(d.code, d.exit, str(d.source)) for d in problems} == {
        ("empty-split", Exit.REFUSED, "tunectl.yaml:9")
    }
    assert len(problems) == 2
    told = " ".join(d.summary for d in problems)
    assert "it needs about 44 different inputs, there are 1" in told
    assert sum(split.rows for split in dataset.splits.values()) == 1


def test_a_row_without_its_group_is_refused(read_rows, chat):
    rows = [chat(f"{n}", "b", customer=f"k{n}") for n in range(30)] + [chat("x", "y")]
    spec = SplitSpec({"validation": 0.3}, group="customer")
    _, problems = read_rows(rows, split=spec, strip=("customer",))
    assert [(d.code, d.source.line) for d in problems] == [("missing-group", 31)]


def test_the_same_question_of_two_groups_in_two_splits_is_a_warning(read_rows, chat):
    rows = [chat("cześć", "dzień dobry", customer=n) for n in range(30)]
    spec = SplitSpec({"validation": 0.3}, group="customer")
    _, problems = read_rows(rows, split=spec, strip=("customer",), allow={"D11": "powitania"})
    assert {(d.code, d.severity) for d in problems} == {
        ("group-overlap", Severity.WARNING),
        ("duplicate-row", Severity.INFO),
    }


texts = st.sampled_from(["", " ", "a", "ż", "п\n", "<|x|>", "<|", "�", '},{"', "\\", '"', ":"])
roles = st.sampled_from(["system", "developer", "user", "assistant", "tool", "function", "x", None])
contents = st.one_of(texts, st.none(), st.integers(0, 1), st.just([{"type": "text", "text": "a"}]))
messages = st.one_of(
    st.fixed_dictionaries(
        {"role": roles, "content": contents},
        optional={"weight": st.integers(0, 2), "name": texts, "tool_calls": st.just([])},
    ),
    st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": texts}),
    st.dictionaries(texts, texts, max_size=2),
    texts,
)
pairs = st.lists(
    st.tuples(texts, texts).map(
        lambda p: [{"role": "user", "content": p[0]}, {"content": p[1], "role": "assistant"}]
    ),
    max_size=3,
).map(lambda turns: [m for turn in turns for m in turn])
OF_STRUCTURE = {one.rule.name for one in ROW_RULES if not one.needles}
any_rows = st.fixed_dictionaries(
    {"messages": st.one_of(pairs, st.lists(messages, max_size=4), texts, st.none())},
    optional={"tools": st.just([]), "extra": texts},
)


@given(any_rows)
def test_a_plain_row_breaks_no_rule_and_its_input_is_cut_rightly(made):
    packed = canonical_bytes(made)
    if is_plain(made):
        assert [rule.name for rule, _ in check_row(made) if rule.name in OF_STRUCTURE] == []
        assert plain_input(packed) == input_part(made)


@given(any_rows)
def test_every_rule_can_look_at_any_row(made):
    for rule, finding in check_row(orjson.loads(json.dumps(made))):
        assert rule.name in RULES
        assert finding.text


def test_ordinary_chats_are_plain():
    for made in (row(USER, ASSISTANT), row(SYSTEM, USER, ASSISTANT, USER, ASSISTANT)):
        assert is_plain(made)
