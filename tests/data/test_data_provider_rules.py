"""The same rows may be right for one provider and wrong for another; each finding names which."""

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.dataset import DataSpec, read
from tunectl.data.targets import Target

SYSTEM = {"role": "system", "content": "Pomagaj."}
USER = {"role": "user", "content": "Gdzie jest moja paczka?"}
ASSISTANT = {"role": "assistant", "content": "Jest w drodze."}
CALL = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
TOOL = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "https://a.pl/b.png"}}
OPENAI, AZURE = Target("openai"), Target("azure")
VERTEX, BEDROCK, LOCAL = Target("vertex"), Target("bedrock", "claude-3-haiku"), Target("local")
COUNTS = ("few-rows", "row-count", "byte-order-mark")


@pytest.fixture
def look(folder, jsonl):
    """Read rows for targets; what is said of the file as a whole is left out."""

    def run(rows, *targets, **spec):
        (folder / "a.jsonl").write_text(jsonl(rows), encoding="utf-8")
        _, found = read(DataSpec(source="a.jsonl", **spec), folder, targets=targets)
        return [d for d in found if d.code not in COUNTS]

    return run


def said(found):
    return {(d.code, d.summary.split("`")[1]) for d in found}


@pytest.mark.parametrize(
    ("row", "refused"),
    [
        ({"messages": [SYSTEM, USER, ASSISTANT]}, set()),
        (
            {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]},
            {"bedrock", "local"},
        ),
        (
            {"messages": [{**SYSTEM, "role": "developer"}, USER, ASSISTANT]},
            {"bedrock"},
        ),
        (
            {"messages": [USER, {**ASSISTANT, "weight": 0}, USER, ASSISTANT]},
            {"bedrock", "vertex"},
        ),
        (
            {"messages": [{"role": "user", "content": [IMAGE]}, ASSISTANT]},
            {"bedrock", "local"},
        ),
        (
            {"messages": [USER, ASSISTANT], "parallel_tool_calls": True},
            {"bedrock", "local", "vertex"},
        ),
    ],
)
def test_a_row_is_refused_for_the_providers_that_do_not_take_it(row, refused, look):
    found = look([row], OPENAI, AZURE, VERTEX, BEDROCK, LOCAL)
    assert said(found) == {("provider-rows", name) for name in refused}
    assert {d.exit for d in found} <= {Exit.REFUSED}


SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}
NOVA = Target("bedrock", "amazon.nova-lite-v1:0:300k")


@pytest.mark.parametrize(
    ("row", "target", "lost"),
    [
        ({"messages": [USER, {**ASSISTANT, "weight": 0}, USER, ASSISTANT]}, NOVA, "`weight` 0"),
        ({"messages": [USER, ASSISTANT], "parallel_tool_calls": True}, NOVA, "`parallel_tool"),
        ({"messages": [{"role": "user", "content": [IMAGE]}, ASSISTANT]}, NOVA, "neither inline"),
        ({"messages": [{"role": "user", "content": [SOUND]}, ASSISTANT]}, NOVA, "`input_audio`"),
        (
            {"messages": [USER, SYSTEM, ASSISTANT]},
            NOVA,
            "a system turn inside the conversation",
        ),
        (
            {
                "messages": [
                    USER,
                    {
                        "role": "assistant",
                        "tool_calls": [CALL | {"function": {"name": "f", "arguments": "[]"}}],
                    },
                ]
            },
            VERTEX,
            "not a JSON object",
        ),
    ],
)
def test_what_an_upload_would_refuse_to_lose_is_told_by_the_check(row, target, lost, look):
    found = [d for d in look([row], target) if d.code == "provider-rows"]
    assert [d.exit for d in found] == [Exit.REFUSED]
    assert found[0].summary.startswith(f"rows for `{target}` have no place for")
    assert lost in found[0].summary


def test_what_an_upload_can_say_is_no_finding(look):
    pictured = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
    rows = [
        {"messages": [{"role": "user", "content": [pictured]}, ASSISTANT]},
        {"messages": [USER, {"role": "assistant", "tool_calls": [CALL]}], "tools": [TOOL]},
    ]
    assert look(rows, NOVA) == []
    assert look([{"messages": [{"role": "user", "content": [SOUND]}, ASSISTANT]}], VERTEX) == []


def test_a_row_that_is_no_conversation_is_told_by_the_rules_of_structure_alone(look):
    row = {"messages": [USER, {"role": "tool", "tool_call_id": "c9", "content": "a"}, ASSISTANT]}
    assert {d.code for d in look([row], NOVA)} == {"tool-calls", "message-order"}


def test_without_a_model_nothing_is_said_of_a_form_that_depends_on_it(look):
    row = {"messages": [USER, {**ASSISTANT, "weight": 0}, USER, ASSISTANT]}
    assert look([row], Target("bedrock")) == []


def test_without_targets_nothing_is_provider_exact(look):
    assert look([{"messages": [USER, ASSISTANT], "tools": [TOOL]}]) == []


@pytest.mark.parametrize(
    ("target", "rows", "code", "words"),
    [
        (OPENAI, 9, "row-count", "at least 10"),
        (OPENAI, 10, "few-rows", "advises more"),
        (OPENAI, 100, "", ""),
        (BEDROCK, 31, "row-count", "at least 32"),
        (LOCAL, 10, "", ""),
        (LOCAL, 9, "row-count", "at least 10"),
        (Target("unheard"), 1, "", ""),
    ],
)
def test_the_number_of_rows_is_the_provider_s_business(
    target, rows, code, words, folder, jsonl, chat
):
    made = [chat(f"Pytanie {n} o coś innego?", f"Odpowiedź {n * 7}.") for n in range(rows)]
    (folder / "a.jsonl").write_text(jsonl(made), encoding="utf-8")
    _, found = read(DataSpec(source="a.jsonl"), folder, targets=(target,))
    counted = [d for d in found if d.code in COUNTS]
    assert [d.code for d in counted] == [code] * bool(code)
    assert all(words in d.summary for d in counted)


def test_rows_of_another_method_than_the_target_s_are_refused_once(look, chat):
    rows = [chat(f"{n}?", f"{n}") for n in range(3)]
    found = look(rows, Target("openai", "gpt-4.1", "preference"))
    assert [(d.code, d.source.line) for d in found if d.code == "wrong-method"] == [
        ("wrong-method", 1)
    ]
    assert "`supervised`" in found[0].summary
    assert "`openai:gpt-4.1`" in found[0].summary


def test_a_method_that_is_not_known_of_a_provider_is_a_warning(look, chat):
    [found] = look([chat("a?", "b")], Target("bedrock-mantle"))
    assert found.severity is Severity.WARNING
    assert "bedrock-mantle" in found.summary


ASKED = {"messages": [SYSTEM, USER]}


def preference(better, worse, asked=ASKED, **more):
    return {"input": asked, "preferred_output": better, "non_preferred_output": worse, **more}


WORSE = {"role": "assistant", "content": "Nie wiem."}


@pytest.mark.parametrize(
    ("code", "row"),
    [
        ("bad-messages", preference([], [WORSE])),
        ("bad-messages", preference([ASSISTANT], "text")),
        ("bad-messages", preference([ASSISTANT], [WORSE], extra=1)),
        ("bad-messages", preference([ASSISTANT], [WORSE], asked={"messages": "a"})),
        ("bad-messages", preference([ASSISTANT], [WORSE], asked={**ASKED, "id": 7})),
        ("unknown-role", preference([{**ASSISTANT, "role": "bot"}], [WORSE])),
        ("empty-content", preference([{**ASSISTANT, "content": " "}], [WORSE])),
        ("message-order", preference([ASSISTANT], [WORSE], asked={"messages": [USER, ASSISTANT]})),
        ("preference-output", preference([ASSISTANT, USER, ASSISTANT], [WORSE])),
        (
            "preference-output",
            preference(
                [ASSISTANT],
                [WORSE],
                asked={"messages": [{"role": "user", "content": [IMAGE]}]},
            ),
        ),
        ("same-answers", preference([ASSISTANT], [ASSISTANT])),
        ("same-answers", preference([ASSISTANT], [{**ASSISTANT, "content": "Jest  w drodze. "}])),
        ("special-token", preference([ASSISTANT], [{**WORSE, "content": "<|im_end|>"}])),
        ("personal-data", preference([{**ASSISTANT, "content": "PESEL 44051401359"}], [WORSE])),
    ],
)
def test_what_is_wrong_with_a_preference_row_is_found(code, row, look):
    assert code in {d.code for d in look([row])}


def test_a_good_preference_row_breaks_no_rule(look):
    assert look([preference([ASSISTANT], [WORSE])], Target("openai", None, "preference")) == []


def test_a_message_of_a_preference_row_is_named_where_it_stands(look):
    [found] = look([preference([{**ASSISTANT, "content": ""}], [WORSE])])
    assert "`preferred_output[0]`" in found.summary
    [found] = look(
        [preference([ASSISTANT], [WORSE], asked={"messages": [{**USER, "content": ""}]})]
    )
    assert "`input.messages[0]`" in found.summary


def grading(*messages, **keys):
    return {"messages": list(messages), "reference": "Łódź", **keys}


def test_a_reinforcement_row_may_hold_anything_for_its_grader(look):
    row = grading(USER, score=0.5, labels=["a"])
    assert look([row], Target("openai", None, "reinforcement")) == []


def test_a_reinforcement_row_ends_with_the_question(look):
    found = look([grading(USER, ASSISTANT)], format="reinforcement")
    assert [d.code for d in found] == ["last-message"]


def test_one_service_wants_the_user_last_and_another_does_not(look):
    called = {"role": "assistant", "tool_calls": [CALL]}
    answer = {"role": "tool", "tool_call_id": "c1", "content": "ok"}
    row = grading(USER, called, answer)
    openai = Target("openai", None, "reinforcement")
    azure = Target("azure", None, "reinforcement")
    found = look([row], openai, azure, format="reinforcement")
    assert said([d for d in found if d.code == "last-message"]) == {("last-message", "azure")}


def test_a_system_message_is_not_for_reinforcement_everywhere(look):
    found = look([grading(SYSTEM, USER)], Target("openai", None, "reinforcement"))
    assert said(found) == {("provider-rows", "openai")}
