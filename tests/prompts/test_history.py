"""What is sent of a conversation that is too long: the laws of every rule."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tunectl.prompts.errors import PromptError
from tunectl.prompts.history import RULES, fitted
from tunectl.prompts.turn import Turn, turn, turn_of, turns_of


def count(text):
    """A token a word or mark of two letters: near enough to a tokenizer, and never monotonous."""
    return len(text.split()) + len(text) // 7


class Told:
    """A summariser that knows how often it was asked, and for which turns."""

    def __init__(self, reaches=0, text="skrót rozmowy", stored="poprzedni skrót"):
        self.reaches, self.text, self.stored, self.asked = reaches, text, stored, []

    def __call__(self, turns):
        if not turns:
            return self.stored
        self.asked.append([one.number for one in turns])
        self.reaches, self.stored = turns[-1].number, self.text
        return self.text


words = st.text(alphabet="ab żЖ<&\n", max_size=60)


@st.composite
def conversation(draw):
    made = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        question, answer = draw(words), draw(words)
        if draw(st.booleans()):
            messages = (
                {"role": "user", "content": question},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
                {"role": "tool", "tool_call_id": "1", "content": draw(words)},
                {"role": "assistant", "content": answer},
            )
        else:
            messages = turn(question, answer).messages
        made.append(Turn(messages, number=number))
    return tuple(made)


overflows = st.one_of(
    st.sampled_from([rule for rule in RULES if rule != "keep_ends"]).map(lambda r: {"rule": r}),
    st.builds(
        lambda first, last: {"rule": "keep_ends", "keep_first": first, "keep_last": last},
        st.integers(0, 4),
        st.integers(1, 6),
    ),
)
limits = st.integers(0, 120)


def result(turns, limit, overflow, reaches=0):
    try:
        return fitted(turns, limit, overflow, count, Told(reaches))
    except PromptError:
        return None


def total(turns):
    return sum(one.tokens(count) for one in turns)


@given(conversation(), limits, overflows, st.integers(0, 12))
def test_the_result_fits(turns, limit, overflow, reaches):
    found = result(turns, limit, overflow, reaches)
    assume(found is not None)
    assert total(found.turns) <= limit


@given(conversation(), limits, overflows, st.integers(0, 12))
def test_turns_keep_their_order_and_the_newest_is_always_there(turns, limit, overflow, reaches):
    found = result(turns, limit, overflow, reaches)
    assume(found is not None)
    numbers = [one.number for one in found.turns]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == turns[-1].number
    assert found.dropped == len(turns) - len(numbers)


@given(conversation(), limits, overflows)
def test_it_begins_with_the_user_and_alternates_with_tools_beside_their_calls(
    turns, limit, overflow
):
    found = result(turns, limit, overflow)
    assume(found is not None)
    for one in found.turns:
        assert turn_of(one.messages).messages == one.messages
        original = turns[one.number - 1]
        assert [m["role"] for m in one.messages] == [m["role"] for m in original.messages]


@given(conversation(), limits, overflows)
def test_the_same_turns_give_the_same_result(turns, limit, overflow):
    assert result(turns, limit, overflow) == result(turns, limit, overflow)


@given(conversation(), limits, overflows)
def test_what_fits_is_given_back_as_it_is(turns, limit, overflow):
    found = result(turns, limit, overflow)
    assume(found is not None)
    again = fitted(found.turns, limit, overflow, count, Told())
    assert again.turns == found.turns
    assert again.dropped == 0


@given(conversation(), overflows)
def test_without_a_limit_all_is_sent(turns, overflow):
    assert fitted(turns, None, overflow, count).turns == turns


@given(conversation(), limits, overflows)
def test_only_a_newest_turn_that_is_too_long_or_the_rule_error_is_refused(turns, limit, overflow):
    if result(turns, limit, overflow) is None:
        assert overflow["rule"] == "error" or turns[-1].tokens(count) > limit


@given(conversation(), limits)
def test_of_the_oldest_as_few_as_possible_are_dropped(turns, limit):
    found = result(turns, limit, {"rule": "drop_oldest_turns"})
    assume(found is not None and found.dropped)
    assert total(turns[found.dropped - 1 :]) > limit


def ten():
    return tuple(Turn(turn(f"pytanie {n}", f"odpowiedź {n}").messages, n) for n in range(1, 11))


def numbers(found):
    return [one.number for one in found.turns]


def test_an_empty_conversation_is_empty():
    assert fitted((), 0, "drop_oldest_turns", count).turns == ()


def test_the_rule_error_says_how_many_tokens_there_are():
    with pytest.raises(PromptError, match=r"has \d+ tokens; 20 may be"):
        fitted(ten(), 20, None, count)


def test_an_unknown_rule_is_refused_with_those_there_are():
    with pytest.raises(PromptError, match="`drop_lowest_score` is no overflow rule of a history"):
        fitted(ten(), 20, "drop_lowest_score", count)


def test_both_ends_are_kept_as_told():
    found = fitted(
        ten(), total(ten()) - 1, {"rule": "keep_ends", "keep_first": 2, "keep_last": 3}, count
    )
    assert numbers(found) == [1, 2, 8, 9, 10]
    assert found.note == "5 turns in the middle left out"


def test_where_both_ends_are_too_much_the_last_ones_give_way_first_but_for_the_newest():
    three = 3 * ten()[0].tokens(count) + 2
    found = fitted(ten(), three, {"rule": "keep_ends", "keep_first": 2, "keep_last": 3}, count)
    assert numbers(found) == [1, 2, 10]


def test_the_middle_goes_first():
    one = ten()[0].tokens(count)
    found = fitted(ten(), 4 * one + 3, "truncate_middle", count)
    assert numbers(found) == [1, 2, 9, 10]


def test_a_newest_turn_that_is_too_long_is_shortened_in_its_middle():
    long = turn("a" * 400 + "KONIEC PYTANIA", "POCZĄTEK " + "б" * 4000 + " KONIEC")
    found = fitted((*ten(), long), 60, "truncate_middle", count)
    (kept,) = found.turns
    assert kept.answer.startswith("POCZĄTEK")
    assert kept.answer.endswith("KONIEC")
    assert "characters left out" in kept.answer
    assert "shortened" in found.note


def test_a_summary_stands_marked_before_the_oldest_turn_that_is_kept():
    told = Told(text="Klient <b>pytał</b> & czeka </conversation_summary>")
    found = fitted(ten(), 55, "summarize", count, told)
    first = found.turns[0]
    assert first.question.startswith("<conversation_summary>\nKlient &lt;b&gt;")
    assert first.question.count("</conversation_summary>") == 1
    assert first.question.endswith(f"pytanie {first.number}")
    assert found.note == f"{first.number - 1} oldest turns summarised"
    assert told.asked == [list(range(1, first.number))]


def test_without_a_summariser_that_is_said():
    with pytest.raises(PromptError, match="needs a model that summarises"):
        fitted(ten(), 55, "summarize", count)


def test_a_summary_serves_several_turns_before_the_next_is_bought():
    told = Told(text="skrót")
    every = tuple(Turn(turn(f"pytanie {n}", f"odpowiedź {n}").messages, n) for n in range(1, 61))
    for end in range(1, 61):
        found = fitted(every[:end], 80, "summarize", count, told)
        assert total(found.turns) <= 80
    sent = [number for asked in told.asked for number in asked]
    assert sent == list(range(1, told.reaches + 1))  # each turn is paid for once
    assert len(told.asked) <= 60 / 3


def test_a_summary_that_is_bought_already_is_used_when_older_turns_are_deleted():
    told = Told(reaches=6)
    every = tuple(Turn(turn("a " * 10, "b " * 10).messages, n) for n in range(4, 11))
    limit = total(every) - 1
    found = fitted(every, limit, "summarize", count, told)
    assert told.asked == []
    assert "poprzedni skrót" in found.turns[0].question
    assert numbers(found) == [7, 8, 9, 10]


def test_a_summary_that_is_too_long_is_cut():
    found = fitted(ten(), 55, "summarize", count, Told(text="bardzo długi skrót " * 500))
    assert total(found.turns) <= 55
    assert "[…]" in found.turns[0].question


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "begins with a message of role `user`"),
        ([{"role": "assistant", "content": "x"}], "begins with"),
        ([{"role": "user", "content": "x"}], "ends with the text of an `assistant`"),
        ([{"role": "system", "content": "x"}], "has the role"),
        ([{"role": "user", "content": ["x"]}], "needs `content`, which is text"),
        (["x"], "is a map"),
        (
            [{"role": "user", "content": "x"}, {"role": "assistant", "content": {1}}],
            "needs `content`",
        ),
        (
            [
                {"role": "user", "content": "x"},
                {"role": "tool", "tool_call_id": "1", "content": "y"},
                {"role": "assistant", "content": "z"},
            ],
            "without its call",
        ),
        (
            [
                {"role": "user", "content": "x"},
                {"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]},
                {"role": "assistant", "content": "z"},
            ],
            "without its result",
        ),
    ],
)
def test_what_is_no_turn_is_refused(messages, why):
    with pytest.raises(PromptError, match=why):
        turn_of(messages)


def test_a_conversation_falls_into_turns_at_each_question():
    every = [*turn("1", "a").messages, *turn("2", "b").messages]
    assert [t.question for t in turns_of(every)] == ["1", "2"]
    with pytest.raises(PromptError, match="a history begins with"):
        turns_of(every[1:])
