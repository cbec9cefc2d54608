"""What a prompt is given, and what an answer costs."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.app.prompt_chatting import added
from tunectl.app.prompt_costing import answer_cost
from tunectl.app.prompt_running import check_answer
from tunectl.app.prompt_values import documents_in, first_left, mapping_in, settled
from tunectl.catalog.prices import Price
from tunectl.core.errors import ConfigError
from tunectl.core.ports import Delta
from tunectl.views.prompts import cost_text

RULES = {
    "question": {"type": "string"},
    "times": {"type": "integer", "default": 1},
    "words": {"type": "list"},
    "urgent": {"type": "boolean", "default": False},
}


def price(**amounts: str) -> Price:
    said = {name: Decimal(amount) for name, amount in amounts.items()}
    from datetime import date

    return Price(model="m", currency="USD", source="?", source_date=date.min, **said)


def test_typed_values_go_before_those_of_a_file():
    pairs = (("words", "a"), ("words", "ć"), ("urgent", "yes"))
    given = {"words": ["plik"], "times": 3}
    found = settled(RULES, pairs, given, "Gdzie?")
    assert found == {"words": ["a", "ć"], "times": 3, "urgent": True, "question": "Gdzie?"}


def test_a_list_may_be_typed_as_json():
    pairs = (("words", '["a, b", "c"]'), ("question", "?"))
    assert settled(RULES, pairs, {})["words"] == ["a, b", "c"]


def test_the_text_is_the_first_input_that_must_be_given():
    assert first_left(RULES, ()) == "question"
    assert first_left(RULES, ("question",)) == "words"
    assert first_left(RULES, ("question", "words")) == "times"
    assert first_left(RULES, RULES) is None


def complaints(rules, pairs):
    try:
        settled(rules, pairs, {})
    except ConfigError as error:
        return [one.summary for one in error.diagnostics]
    return []


@given(st.text(), st.sampled_from(["times", "urgent"]))
def test_no_value_stands_in_a_message(value, name):
    wanted = {"times": "a whole number", "urgent": "`true` or `false`"}[name]
    told = complaints({name: RULES[name]}, ((name, value),))
    assert told in ([], [f"input `{name}` must be {wanted}"])


def test_everything_that_is_wrong_is_told_at_once():
    with pytest.raises(ConfigError) as caught:
        settled(RULES, (("qestion", "?"), ("times", "x")), {"more": 1})
    told = {one.summary for one in caught.value.diagnostics}
    assert told == {
        "the prompt has no input `more`",
        "the prompt has no input `qestion`",
        "input `times` must be a whole number",
        "the prompt needs the input `question`",
        "the prompt needs the input `words`",
    }


def test_documents_are_read_from_lists_lines_and_plain_texts(tmp_path: Path):
    text = tmp_path / "zwroty.md"
    text.write_text("# Zwroty\n\n14 dni", "utf-8")
    [plain] = documents_in(text)
    assert (plain.text, plain.source) == ("# Zwroty\n\n14 dni", "zwroty.md")
    lines = tmp_path / "p.jsonl"
    lines.write_text('"sam tekst"\n\n{"text": "b", "score": 0.5, "id": 7}\n', "utf-8")
    first, second = documents_in(lines)
    assert (first.id, first.text, second.id, second.score) == ("1", "sam tekst", "7", 0.5)
    listed = tmp_path / "p.yaml"
    listed.write_text("- {text: a, source: s, title: t}\n", "utf-8")
    assert documents_in(listed)[0].title == "t"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.json", b"{", "is not JSON"),
        ("p.json", b"{}", "holds no list"),
        ("p.yaml", b"- {source: a}", "has no `text`"),
        ("p.txt", b"\xff\xfe\x00", "is not UTF-8"),
    ],
)
def test_a_file_of_documents_that_is_none_is_told(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        documents_in(tmp_path / name)


def test_a_file_of_inputs_must_be_a_map(tmp_path):
    path = tmp_path / "in.yaml"
    path.write_text("[1]", "utf-8")
    with pytest.raises(ConfigError, match="holds no map"):
        mapping_in(path, "the inputs")


USED = Delta(
    prompt_tokens=3000, completion_tokens=100, cache_read_tokens=1000, cache_written_tokens=1000
)


def test_cached_tokens_have_their_own_prices():
    found = answer_cost(price(input="1", cached_input="0.1", output="5"), USED, "anthropic")
    assert found.low == found.high == Decimal("0.00285")
    hour = answer_cost(price(input="1", cached_input="0.1", output="5"), USED, "anthropic", "1h")
    assert hour.high == Decimal("0.0036")
    assert cost_text(hour) == "0.0036 USD"


def test_what_nobody_says_is_unknown_and_never_nothing():
    assert "cost unknown" in cost_text(answer_cost(None, USED, "openai"))
    assert "cost unknown" in cost_text(answer_cost(price(input="1"), USED, "openai"))
    found = answer_cost(price(input="1", output="5"), USED, "gemini")
    assert found.low < found.high
    assert cost_text(found).startswith("at most ")


def test_counts_of_answers_add_up():
    assert added(USED, USED).prompt_tokens == 6000
    assert added(USED, Delta()) == USED


def test_an_answer_that_does_not_fit_is_told_by_its_place_and_never_by_its_value():
    schema = {"type": "object", "properties": {"a": {"items": {"type": "integer"}}}}
    check_answer(schema, '{"a": [1, 2]}')
    with pytest.raises(
        ConfigError, match=r"at `\$\.a\[1\]`: it breaks `type` \(integer\)"
    ) as caught:
        check_answer(schema, '{"a": [1, "tajne"]}')
    assert "tajne" not in str(caught.value.diagnostics)
    with pytest.raises(ConfigError, match="is not JSON") as caught:
        check_answer(schema, "{", "length")
    assert "`--max-tokens`" in caught.value.diagnostics[0].hint
    with pytest.raises(ConfigError, match="is not JSON") as caught:
        check_answer(schema, "Myślę, że…", "stop")
    assert "`--max-tokens`" not in caught.value.diagnostics[0].hint


def test_an_answer_that_does_not_fit_is_told_what_short_rule_it_breaks():
    schema = {"type": "object", "properties": {"a": {"enum": ["zwrot", "возврат"]}}}
    with pytest.raises(ConfigError, match=r"it breaks `enum` \(zwrot, возврат\)$"):
        check_answer(schema, '{"a": "tajne"}')
    schema["properties"]["a"]["enum"] = [str(number) for number in range(100)]
    with pytest.raises(ConfigError, match=r"it breaks `enum`$"):
        check_answer(schema, '{"a": "tajne"}')
    with pytest.raises(ConfigError, match=r"it breaks `additionalProperties`$"):
        check_answer({**schema, "additionalProperties": False}, '{"b": 1}')
