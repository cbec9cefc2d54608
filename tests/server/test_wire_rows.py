"""The checks of a fine-tuning file, against the row schemas that OpenAI once published."""

import json

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server import wire_schemas
from tests.server.served import chat_row, jsonl, rows
from tunectl.catalog.epochs import cookbook
from tunectl.server.hyperparameters import requested, resolved, seed_of
from tunectl.server.validate import RowError, check_job, check_row, check_upload, rows_of
from tunectl.server.wire import ApiError

DATA = wire_schemas.SUBSET.parent

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant", "tool", "robot"]) | JSON},
    optional={
        "content": st.text(max_size=10) | JSON,
        "name": st.text(max_size=3),
        "weight": st.integers(-1, 2),
        "tool_calls": JSON,
        "tool_call_id": st.text(max_size=3),
    },
)
ROW = st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=3) | JSON}) | JSON


def write(path, content):
    path.write_bytes(content)
    return path


@settings(max_examples=60, deadline=None)
@given(ROW)
def test_a_row_is_accepted_or_refused_with_words_never_a_crash(row):
    try:
        check_row(row)
    except RowError as error:
        assert str(error)  # noqa: PT017
    else:
        assert any(m["role"] == "assistant" for m in row["messages"])


@settings(max_examples=60, deadline=None)
@given(ROW)
def test_what_is_accepted_fits_the_published_row_schema(row):
    try:
        check_row(row)
    except RowError:
        return
    if any(m["role"] == "developer" for m in row["messages"]):
        return
    document = wire_schemas.row_spec()
    reference = "#/components/schemas/FineTuneChatRequestInput"
    schema = {"$ref": reference, "components": document["components"]}
    jsonschema.Draft202012Validator(schema).validate(row)


BAD_ROWS = [
    ({"messages": "text"}, "missing key `messages`"),
    ({"prompt": "a", "completion": "b"}, "unexpected key(s): completion, prompt"),
    ({"messages": [{"role": "user", "content": "a"}]}, "no message from the assistant"),
    (
        {"messages": [{"role": "model", "content": "a"}]},
        'message has an invalid role: "model"',
    ),
    ({"messages": [{"role": ["user"], "content": "a"}]}, "invalid role"),
    ({"messages": [{"role": "user"}, {"role": "assistant", "content": "b"}]}, "has no content"),
    (
        {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "  "}]},
        "is empty",
    ),
    (chat_row("a", "b <|fim_suffix|> c"), "invalid token: <|fim_suffix|>"),
    (
        {"messages": [{"role": "user", "content": "a", "weight": 1}]},
        "message from user has unexpected key(s): weight",
    ),
    (
        {"messages": [{"role": "assistant", "content": "a", "weight": 2}]},
        "weight must be 0 or 1",
    ),
    (
        {"messages": [{"role": "assistant", "content": "a", "weight": 0}]},
        "nothing to learn",
    ),
    (
        {"messages": [{"role": "tool", "content": "a", "tool_call_id": "x"}]},
        "answers no earlier tool call",
    ),
]


@pytest.mark.parametrize(("row", "words"), BAD_ROWS)
def test_a_bad_row_is_numbered_and_explained(tmp_path, row, words):
    problem = check_job(write(tmp_path / "t.jsonl", jsonl([*rows(), row])), None)
    assert (problem["code"], problem["param"]) == ("invalid_training_file", "training_file")
    assert "Example 13" in problem["message"]
    assert words in problem["message"]


@pytest.mark.parametrize("name", ["foundry_gsm8k_train.jsonl", "foundry_tool.jsonl"])
def test_real_files_pass(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the sample `{name}` is not beside this checkout")
    count, problem = check_upload(path)
    assert problem is None
    assert count == len(list(rows_of(path)))
    assert check_job(path, None) is None


@pytest.mark.parametrize("name", ["anth_json_mode.jsonl", "ru_alpaca_seed.jsonl"])
def test_real_files_of_another_shape_fail_the_job(name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the sample `{name}` is not beside this checkout")
    assert check_upload(path)[1] is None
    assert check_job(path, None)["code"] == "invalid_training_file"


def test_a_pointer_that_calls_itself_jsonl_is_refused():
    path = DATA / "ru_lfs_pointer.jsonl"
    if not path.exists():
        pytest.skip("the sample is not beside this checkout")
    assert "Line 1 is not a dictionary" in check_upload(path)[1]


def test_lines_end_at_line_feeds_only(tmp_path):
    content = json.dumps(rows(1)[0] | {}, ensure_ascii=False).replace("Jak", "Jak\u2028\u0085")
    path = write(tmp_path / "x.jsonl", content.encode() + b"\r\n\n" + content.encode())
    assert check_upload(path) == (2, None)
    assert [number for number, _ in rows_of(path)] == [1, 3]


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path):
    path = write(tmp_path / "x.jsonl", b"\xef\xbb\xbf" + jsonl(rows()))
    assert check_upload(path) == (12, None)
    assert check_job(path, None) is None


def test_a_validation_file_may_be_short(tmp_path):
    training = write(tmp_path / "t.jsonl", jsonl(rows(10)))
    validation = write(tmp_path / "v.jsonl", jsonl(rows(1)))
    assert check_job(training, validation) is None
    assert check_job(validation, training)["code"] == "invalid_n_examples"


@given(st.integers(1, 200_000))
def test_auto_epochs_are_few_and_never_none(count):
    epochs = cookbook(count)
    assert 1 <= epochs <= 25
    assert epochs == 3 or (epochs > 3) == (count * 3 < 100)


@given(st.integers(0, 50_000))
def test_auto_always_becomes_numbers_in_range(count):
    numbers = resolved(requested({}), count)
    assert 1 <= numbers["n_epochs"] <= 50
    assert 1 <= numbers["batch_size"] <= max(1, count)
    assert numbers["learning_rate_multiplier"] == 1.0


@given(JSON)
def test_any_method_is_understood_or_refused(method):
    try:
        wanted = requested({"method": method})
    except ApiError as error:
        assert error.status == 400  # noqa: PT017
    else:
        assert wanted.keys() == {"n_epochs", "batch_size", "learning_rate_multiplier"}


@given(st.text(), st.text())
def test_a_seed_is_filled_in_and_the_same_each_time(data, model):
    seed = seed_of(None, data, model)
    assert seed == seed_of(None, data, model)
    assert 0 <= seed < 2**31
