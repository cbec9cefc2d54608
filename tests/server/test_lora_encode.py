import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.server.tiny_model import TEMPLATE, chat, tiny_tokenizer
from tunectl.server.trainers.encode import IGNORED, UnusableRowError, encode, encode_file

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")


@pytest.fixture(scope="module")
def tokenizer():
    return tiny_tokenizer()


def learned_text(example, tokenizer):
    return tokenizer.decode([label for label in example.labels if label != IGNORED])


def test_only_the_answer_and_the_token_that_ends_it_are_learned(tokenizer):
    example = encode(chat("Jak zmienić hasło?", "Zażółć 🐝"), tokenizer, 256)
    assert learned_text(example, tokenizer) == "Zażółć 🐝<|im_end|>\n"
    assert tokenizer.decode(example.ids) == (
        "<|im_start|>system\nYou are tiny.<|im_end|>\n<|im_start|>user\nJak zmienić hasło?"
        "<|im_end|>\n<|im_start|>assistant\nZażółć 🐝<|im_end|>\n"
    )


def test_every_assistant_turn_of_a_long_chat_is_learned(tokenizer):
    row = {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": "FIRST"},
            {"role": "user", "content": "b"},
            {"role": "assistant", "content": "SECOND"},
            {"role": "user", "content": "never answered"},
        ]
    }
    example = encode(row, tokenizer, 512)
    assert learned_text(example, tokenizer) == "FIRST<|im_end|>\nSECOND<|im_end|>\n"
    assert len(example.ids) == len(example.labels)


def test_an_answer_of_weight_0_is_read_but_not_learned(tokenizer):
    row = chat("a", "MUTED", weight=0)
    row["messages"] += [{"role": "user", "content": "b"}, {"role": "assistant", "content": "LOUD"}]
    example = encode(row, tokenizer, 512)
    assert learned_text(example, tokenizer) == "LOUD<|im_end|>\n"
    assert "MUTED" in tokenizer.decode(example.ids)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": []}, "missing or empty"),
        ({"messages": [{"role": "user", "content": "a"}]}, "no assistant message"),
        (chat("a", "b", weight=0), "no assistant message"),
        (chat("a", "b", weight=2), "`weight` is 0 or 1"),
        (chat("a", None), "must be text"),
        (chat("a", "b", tool_calls=[{"id": "1"}]), "`tool_calls`"),
        (chat("a", "b") | {"tools": [{"type": "function"}]}, "`tools`"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "role `tool`"),
        (chat([{"type": "image_url"}], "b"), "`image_url`"),
    ],
)
def test_a_row_that_cannot_be_learned_from_is_refused_with_its_reason(tokenizer, row, reason):
    with pytest.raises(ValueError, match=reason):
        encode(row, tokenizer, 256)


def test_a_cut_that_leaves_nothing_to_learn_is_refused_by_line(tokenizer, tmp_path):
    import orjson

    path = tmp_path / "train.jsonl"
    rows = [chat("short", "answer"), chat("x" * 300, "answer")]
    path.write_bytes(b"\xef\xbb\xbf" + b"\n\n".join(orjson.dumps(row) for row in rows))
    with pytest.raises(UnusableRowError) as caught:
        encode_file(path, tokenizer, 128)
    assert caught.value.line == 3
    assert "cut at 128" in caught.value.reason


def test_a_cut_inside_the_answer_keeps_what_is_left(tokenizer):
    example = encode(chat("q", "y" * 200), tokenizer, 128)
    assert example.cut
    assert len(example.ids) == 128
    assert set(learned_text(example, tokenizer)) == {"y"}


def test_a_template_that_rewrites_earlier_turns_is_refused():
    forgetful = tiny_tokenizer(
        TEMPLATE.replace("message['content'] +", "(message['content'] if loop.last else '…') +")
    )
    row = chat("a", "first")
    row["messages"] += chat("b", "second")["messages"]
    with pytest.raises(ValueError, match="not prefix-stable"):
        encode(row, forgetful, 256)


@settings(deadline=None)
@given(
    turns=st.lists(
        st.tuples(st.text(max_size=12), st.text(max_size=12), st.sampled_from([0, 1])),
        min_size=1,
        max_size=4,
    )
)
def test_what_is_learned_is_exactly_the_weighted_answers(turns):
    tokenizer = tiny_tokenizer()
    messages = []
    for question, answer, weight in turns:
        messages += chat(question, answer, weight=weight)["messages"]
    wanted = "".join(f"{answer}<|im_end|>\n" for _, answer, weight in turns if weight)
    if not wanted:
        with pytest.raises(ValueError, match="no assistant message"):
            encode({"messages": messages}, tokenizer, 4096)
        return
    example = encode({"messages": messages}, tokenizer, 4096)
    assert learned_text(example, tokenizer) == wanted
