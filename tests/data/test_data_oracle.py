"""Rows that break no rule fit the published schemas of a row; real files raise no false alarm.

The schemas and the files lie beside the checkout and are not part of it.
"""

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.errors import Severity
from tunectl.data.checks import check_row
from tunectl.data.checks.rule import Context
from tunectl.data.dataset import DataSpec, read
from tunectl.data.targets import Level, Target

INPUTS = Path(__file__).parents[3] / "shared" / "data"
SCHEMAS = INPUTS / "openai-finetune-row-schemas.json"
NAMES = {
    "supervised": "FineTuneChatRequestInput",
    "preference": "FineTunePreferenceRequestInput",
    "reinforcement": "FineTuneReinforcementRequestInput",
}


@pytest.fixture(scope="module")
def fits():
    """Whether a row fits the published schema of its method."""
    if not SCHEMAS.is_file():
        pytest.skip("the published schemas are not beside this checkout")
    from jsonschema import Draft202012Validator

    whole = orjson.loads(SCHEMAS.read_bytes())
    validators = {
        method: Draft202012Validator({**whole, "$ref": f"#/components/schemas/{name}"})
        for method, name in NAMES.items()
    }

    def run(row, method):
        if method == "preference":  # the schema says `completion`, the service `output`
            row = {key.replace("output", "completion"): value for key, value in row.items()}
        return validators[method].is_valid(without_nulls(row))

    return run


def without_nulls(value):
    """The schemas say `nullable`, which JSON Schema does not know: null is like leaving out."""
    if isinstance(value, dict):
        return {key: without_nulls(one) for key, one in value.items() if one is not None}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value


texts = st.sampled_from(["", " ", "a", "Gdzie paczka?", "Где посылка?"])
parts = st.one_of(
    st.fixed_dictionaries({"type": st.just("text"), "text": texts}),
    st.fixed_dictionaries(
        {
            "type": st.just("image_url"),
            "image_url": st.fixed_dictionaries(
                {"url": st.sampled_from(["https://a.pl/b.png", "b.png"])},
                optional={"detail": st.sampled_from(["low", "tiny"])},
            ),
        }
    ),
    st.just({"type": "input_audio"}),
)
contents = st.one_of(texts, st.none(), st.lists(parts, max_size=2))
calls = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["c1", "c2", ""]),
            "type": st.sampled_from(["function", "other"]),
            "function": st.fixed_dictionaries(
                {"name": st.sampled_from(["f", ""]), "arguments": st.sampled_from(["{}", "{"])}
            ),
        }
    ),
    max_size=2,
)
messages = st.one_of(
    st.fixed_dictionaries({"role": st.just("user"), "content": contents}),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": texts}),
    st.fixed_dictionaries(
        {"role": st.just("assistant")},
        optional={"content": contents, "tool_calls": calls, "weight": st.integers(0, 2)},
    ),
    st.fixed_dictionaries(
        {"role": st.sampled_from(["system", "tool", "bot"]), "content": contents},
        optional={"name": st.just("anna"), "tool_call_id": st.sampled_from(["c1", "c2"])},
    ),
)
answered = st.lists(
    st.tuples(texts, messages).map(lambda two: [{"role": "user", "content": two[0]}, two[1]]),
    min_size=1,
    max_size=2,
).map(lambda pairs: [one for pair in pairs for one in pair])
tools = st.sampled_from(
    [[], [{"type": "function", "function": {"name": "f"}}], [{"type": "function"}], {}]
)
chats = st.fixed_dictionaries(
    {"messages": st.one_of(answered, st.lists(messages, max_size=3))},
    optional={"tools": tools, "parallel_tool_calls": st.booleans(), "id": st.integers(0, 1)},
)
asked = st.one_of(st.just([{"role": "user", "content": "a"}]), st.lists(messages, max_size=2))
outputs = st.one_of(
    texts.map(lambda text: [{"role": "assistant", "content": text}]),
    st.lists(messages, max_size=2),
)
preferences = st.fixed_dictionaries(
    {
        "input": st.fixed_dictionaries({"messages": asked}),
        "preferred_output": outputs,
        "non_preferred_output": outputs,
    }
)


def accepted(row, method):
    context = Context(DataSpec(), (Target("openai", None, method),), method=method)
    found = check_row(orjson.loads(orjson.dumps(row)), context)
    return not [f for rule, f in found if (f.severity or rule.severity) is Severity.ERROR]


@given(chats)
def test_a_chat_that_breaks_no_rule_fits_the_published_schema(fits, row):
    if accepted(row, "supervised"):
        assert fits(row, "supervised")


@given(preferences)
def test_a_preference_row_that_breaks_no_rule_fits_the_published_schema(fits, row):
    if accepted(row, "preference"):
        assert fits(row, "preference")


@given(chats)
def test_a_reinforcement_row_that_breaks_no_rule_fits_the_published_schema(fits, row):
    if accepted(row, "reinforcement"):
        assert fits(row, "reinforcement")


USER = {"role": "user", "content": "Gdzie paczka?"}
ANSWERS = [{"role": "assistant", "content": "W drodze."}, {"role": "assistant", "content": "Nie."}]


@pytest.mark.parametrize(
    ("row", "method"),
    [
        ({"messages": [USER, ANSWERS[0]]}, "supervised"),
        ({"messages": [USER], "reference": 1}, "reinforcement"),
        (
            {
                "input": {"messages": [USER]},
                "preferred_output": ANSWERS[:1],
                "non_preferred_output": ANSWERS[1:],
            },
            "preference",
        ),
    ],
)
def test_the_plainest_row_of_each_method_breaks_no_rule_and_fits(fits, row, method):
    assert accepted(row, method)
    assert fits(row, method)


@pytest.mark.parametrize(
    "name",
    [
        "foundry_gsm8k_train.jsonl",
        "foundry_gsm8k_val.jsonl",
        "foundry_tool.jsonl",
        "anth_json_mode.jsonl",
        "lf_glaive.json",
    ],
)
@pytest.mark.parametrize("level", [Level.DEFAULT, Level.ALL])
def test_a_good_real_file_breaks_no_rule_of_severity_error(name, level):
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    spec = DataSpec(source=name)
    _, found = read(spec, INPUTS, targets=(Target("openai", "gpt-4.1-mini"),), level=level)
    assert [d for d in found if d.severity is Severity.ERROR] == []


def test_what_is_said_of_real_files_by_default_is_there():
    """Each text rule that speaks of them was looked up: gaps, an example password, cut answers."""
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    said = {
        (name.partition("_")[0], d.code)
        for name in ("foundry_gsm8k_train.jsonl", "anth_json_mode.jsonl", "ru_alpaca_seed.jsonl")
        for d in read(DataSpec(source=name), INPUTS)[1]
        if d.code in TEXT_RULES
    }
    assert said == {("anth", "template-residue"), ("anth", "password"), ("ru", "template-residue")}


TEXT_RULES = {
    "hidden-character", "no-break-space", "not-composed", "garbled-text", "mixed-alphabet",
    "markup-residue", "template-residue", "boilerplate", "secret", "password", "personal-data",
    "prompt-injection", "language-mix", "cut-answer", "echoed-input",
}  # fmt: skip
