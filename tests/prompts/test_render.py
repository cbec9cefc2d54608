"""Sections become messages within their limits, and the whole within the model's context."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.trees import ASK, prompt, section, turns
from tunectl.prompts import PromptError
from tunectl.prompts.budget import MESSAGE
from tunectl.prompts.shortening import without_middle
from tunectl.retrieval.passage import Passage


def words(text: str) -> int:
    """One token a word: easy to reckon with."""
    return len(text.split())


SYSTEM = {"id": "s", "role": "system", "template": "Jesteś pomocny."}
HISTORY = section("old", "history")
DOCS = section("docs", "documents", knowledge="manual")
PROFILE = section("who", "profile")
FOUND = [
    {"text": "Paczka idzie trzy dni.", "source": "docs/a.md", "score": 0.2},
    {"text": "Посылка идёт три дня.", "source": "docs/b.md", "score": 0.9, "title": "Доставка"},
    {"text": "Zwrot trwa tydzień.", "source": "docs/c.md", "score": 0.5},
]


class Searcher:
    def __init__(self, found):
        self.found, self.asked = found, []

    def search(self, query, *, top_k):
        self.asked.append((query, top_k))
        return [Passage(id=str(at), **one) for at, one in enumerate(self.found)][:top_k]


def test_sections_keep_their_order_and_know_where_they_came_from():
    made = prompt(SYSTEM, PROFILE, HISTORY, DOCS, ASK)
    rendered = made.render(
        question="Kiedy?", profile={"name": "Ola"}, history=turns(1), documents=FOUND[:1]
    )
    assert [(one.section, one.role, one.kind, one.volatility) for one in rendered.messages] == [
        ("s", "system", "text", "static"),
        ("who", "system", "profile", "per_user"),
        ("old", "user", "history", "per_conversation"),
        ("old", "assistant", "history", "per_conversation"),
        ("docs", "user", "documents", "per_turn"),
        ("ask", "user", "text", "per_turn"),
    ]


def test_documents_stand_in_the_form_that_claude_was_taught():
    rendered = prompt(DOCS, ASK).render(question="x", documents=FOUND[1:2])
    assert rendered.messages[0].text == (
        '<documents>\n<document index="1">\n<source>docs/b.md</source>\n<title>Доставка</title>\n'
        "<document_content>\nПосылка идёт три дня.\n</document_content>\n</document>\n</documents>"
    )


def test_what_is_empty_sends_nothing_and_says_so():
    rendered = prompt(SYSTEM, PROFILE, HISTORY, DOCS, ASK).render(question="x", documents=[])
    assert [one.section for one in rendered.messages] == ["s", "ask"]
    assert [one.note for one in rendered.report if one.id == "docs"] == ["nothing found"]


def test_a_search_is_asked_by_the_only_text_and_scores_below_the_least_are_left_out():
    searcher = Searcher(FOUND)
    docs = {**DOCS, "top_k": 3, "min_score": 0.4}
    rendered = prompt(docs, ASK, searchers={"manual": searcher}).render(question="Kiedy?")
    assert searcher.asked == [("Kiedy?", 3)]
    assert [one.source for one in rendered.messages[0].passages] == ["docs/b.md", "docs/c.md"]


def test_a_query_is_a_template_over_the_inputs():
    searcher = Searcher(FOUND)
    docs = {**DOCS, "query": "{{ product }}: {{ question }}"}
    inputs = {"question": {"type": "string"}, "product": {"type": "string"}}
    prompt(docs, ASK, inputs=inputs, searchers={"manual": searcher}).render(
        question="cena?", product="żuk"
    )
    assert searcher.asked == [("żuk: cena?", 5)]


FOLLOWING = {**DOCS, "query": "{{ history }}\n{{ question }}", "query_turns": 2}


def test_a_search_sees_the_last_questions_of_the_user_where_that_is_declared():
    searcher = Searcher(FOUND)
    made = prompt(FOLLOWING, ASK, searchers={"manual": searcher})
    said = [
        {"role": role, "content": text}
        for question in ("Jaki żuk?", "Ile kosztuje\u200b?", "{{ 7*7 }} " + "ż" * 900)
        for role, text in (("user", question), ("assistant", "Tajna odpowiedź."))
    ]
    made.render(question="A w zielonym?", history=said)
    [(query, _)] = searcher.asked
    first, second, asked = query.split("\n")
    assert first == "Ile kosztuje?"
    assert second == ("{{ 7*7 }} " + "ż" * 900)[:500]
    assert asked == "A w zielonym?"


def test_a_search_that_does_not_ask_for_it_sees_the_inputs_alone():
    searcher = Searcher(FOUND)
    prompt(HISTORY, DOCS, ASK, searchers={"manual": searcher}).render(
        question="A w zielonym?", history=turns(3)
    )
    assert searcher.asked == [("A w zielonym?", 5)]


def test_a_first_question_is_searched_for_by_itself(tmp_path):
    searcher = Searcher(FOUND)
    made = prompt(FOLLOWING, ASK, searchers={"manual": searcher}, root=tmp_path)
    made.render(question="Ile kosztuje żuk?", user="anna", session="s1")
    made.remember(user="anna", session="s1", question="Ile kosztuje żuk?", answer="Dużo.")
    made.render(question="A w zielonym?", user="anna", session="s1")
    made.render(question="A inny?", user="anna", session="s2")
    assert [query for query, _ in searcher.asked] == [
        "Ile kosztuje żuk?",
        "Ile kosztuje żuk?\nA w zielonym?",
        "A inny?",
    ]


def test_an_unknown_knowledge_base_is_named_with_those_there_are():
    with pytest.raises(PromptError, match="no knowledge base `manual`; there is none"):
        prompt(DOCS, ASK).render(question="x")


def test_the_lowest_scores_go_first_and_the_rest_keeps_its_order():
    docs = {**DOCS, "max_tokens": 22, "overflow": {"rule": "drop_lowest_score"}}
    rendered = prompt(docs, ASK, count=words).render(question="x", documents=FOUND)
    [line] = [one for one in rendered.report if one.id == "docs"]
    assert [one.source for one in rendered.messages[0].passages] == ["docs/b.md", "docs/c.md"]
    assert (line.tokens <= 22, line.dropped, line.note) == (True, 1, "1 of 3 passages left out")


@pytest.mark.parametrize("rule", ["error", "drop_lowest_score"])
def test_documents_that_do_not_fit_at_all_are_an_error(rule):
    docs = {**DOCS, "max_tokens": 3, "overflow": {"rule": rule}}
    with pytest.raises(PromptError, match=r"section `docs` has \d+ tokens; 3 may be"):
        prompt(docs, ASK, count=words).render(question="x", documents=FOUND)


@pytest.mark.parametrize("role", ["system", "user", "profile"])
def test_a_text_that_is_too_long_is_an_error_that_says_what_helps(role):
    wordy = {
        "id": "a",
        "role": role,
        "volatility": "static",
        "template": "a b c d",
        "max_tokens": 3,
    }
    with pytest.raises(
        PromptError, match="`a` has 4 tokens; 3 may be: it needs an `overflow` rule"
    ):
        prompt(wordy, ASK, count=words).render(question="x", profile={"name": "x"})


def test_the_middle_of_a_text_goes_and_its_tag_stays_whole():
    wordy = section(
        "a",
        "user",
        template="{{ question }}",
        wrap="q",
        max_tokens=30,
        overflow={"rule": "truncate_middle"},
    )
    question = " ".join(f"słowo{at}&" for at in range(200))
    rendered = prompt(wordy, count=words).render(question=question)
    text = rendered.messages[0].text
    assert text.startswith("<q>\nsłowo0&amp; ")
    assert text.endswith(" słowo199&amp;\n</q>")
    assert words(text) <= 30
    assert rendered.report[0].dropped > 1000


@given(st.text(alphabet="aż &<\u0301👩\u200d💻\n", min_size=20, max_size=200), st.integers(10, 80))
def test_a_shortened_text_fits_and_is_a_beginning_and_an_end(text, most):
    found = without_middle(text, lambda part: len(part) <= most + 40)
    if found is None:
        return
    short, gone = found
    head, _, rest = short.partition("\n[… ")
    tail = rest.partition("…]\n")[2]
    assert len(short) <= most + 40
    assert text.startswith(head)
    assert text.endswith(tail)
    assert 0 < gone <= len(text)
    assert not tail.startswith(("\u0301", "\u200d"))


def test_old_turns_go_and_the_report_says_how_many():
    old = {**HISTORY, "max_tokens": 12, "overflow": {"rule": "drop_oldest_turns"}}
    rendered = prompt(old, ASK, count=words).render(question="x", history=turns(10))
    assert [one.text for one in rendered.messages[:-1]][-1] == "Odpowiedź 9."
    assert rendered.report[0].dropped == 7
    assert rendered.report[0].tokens == 12


def test_the_whole_fits_the_context_less_the_answer_and_history_gives_way_first():
    old = {**HISTORY, "max_tokens": 1000, "overflow": {"rule": "drop_oldest_turns"}}
    budget = {"context_tokens": 100, "reserve_output": 40}
    rendered = prompt(SYSTEM, old, ASK, count=words, budget=budget).render(
        question="x", history=turns(50)
    )
    assert rendered.tokens <= 60
    assert rendered.report[1].dropped > 40
    assert rendered.tokens == 3 + sum(one.tokens + MESSAGE for one in rendered.messages)


def test_what_cannot_fit_is_an_error_that_names_the_largest_sections():
    budget = {"context_tokens": 100, "reserve_output": 90}
    with pytest.raises(PromptError, match=r"10 fit: 100 less 90 .* `ask` 30, `s` 2"):
        prompt(SYSTEM, ASK, count=words, budget=budget).render(question="x " * 30)


def test_a_conversation_is_summed_up_by_who_is_asked():
    old = {**HISTORY, "max_tokens": 60, "overflow": {"rule": "summarize"}}
    asked = []

    def summarise(before, since):
        asked.append((before, len(since)))
        return "Klient pyta o paczkę."

    made = prompt(old, ASK, count=words, summarise=summarise)
    first = made.render(question="x", history=turns(40)).messages[0].text
    assert "<conversation_summary>\nKlient pyta o paczkę." in first
    assert asked[0][0] == ""


def test_tool_calls_of_a_conversation_stay_with_their_results():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    history = [
        {"role": "user", "content": "Ile?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "42"},
        {"role": "assistant", "content": "42."},
    ]
    sent = prompt(HISTORY, ASK).request("openai", question="x")["messages"]
    assert len(sent) == 1
    rendered = prompt(HISTORY, ASK).render(question="x", history=history)
    assert [one.role for one in rendered.messages] == [
        "user",
        "assistant",
        "tool",
        "assistant",
        "user",
    ]
    assert rendered.messages[1].extra == {"tool_calls": [call]}


def test_profile_and_conversation_come_from_the_memory_and_turns_are_kept(tmp_path):
    from tests.prompts.trees import PROFILE as SCHEMA

    entry = {"name": "customers", "store": {"file": "m.db"}, "profile": SCHEMA, "sessions": {}}
    made = prompt(PROFILE, HISTORY, ASK, memory=entry, root=tmp_path)
    made.set_profile(user="anna@example.com", name="Ania", vip=True)
    made.remember(user="anna@example.com", session="s1", question="Gdzie?", answer="Tu.")
    assert made.profile(user="anna@example.com") == {"name": "Ania", "vip": True}
    assert made.messages(user="anna@example.com", session="s1", question="Kiedy?") == [
        {"role": "system", "content": "<user_profile>\n<name>Ania</name>\n</user_profile>"},
        {"role": "user", "content": "Gdzie?"},
        {"role": "assistant", "content": "Tu."},
        {"role": "user", "content": "Kiedy?"},
    ]
    assert len(made.messages(user="inna", session="s1", question="Kiedy?")) == 1
    assert len(made.messages(question="Kiedy?")) == 1


def test_one_prompt_serves_many_threads_and_an_event_loop():
    made = prompt(SYSTEM, ASK)
    with ThreadPoolExecutor(8) as pool:
        texts = [
            one[-1]["content"]
            for one in pool.map(lambda at: made.messages(question=f"q{at}"), range(200))
        ]
    assert texts == [f"q{at}" for at in range(200)]
    assert asyncio.run(made.messages_async(question="x")) == made.messages(question="x")


@pytest.mark.parametrize(
    ("rule", "value", "words_"),
    [
        ({"type": "string", "one_of": ["pl", "ru"]}, "en", "must be one of `pl`, `ru`"),
        ({"type": "list", "max_chars": 3}, ["abcd"], "has 4 characters; 3 may be"),
        ({"type": "list"}, ["a", 5], "list of texts, not of int"),
        ({"type": "number"}, float("nan"), "finite"),
        ({"type": "integer"}, True, "must be a integer, not bool"),
    ],
)
def test_inputs_hold_to_their_rules(rule, value, words_):
    with pytest.raises(PromptError, match=words_):
        prompt(ASK, inputs={"question": rule}).messages(question=value)


def test_a_list_is_there_to_be_looped_over():
    ask = {"id": "a", "role": "user", "template": "{{ tags | join(', ') }}"}
    assert prompt(ask, inputs={"tags": {"type": "list"}}).messages(tags=("ą", "б")) == [
        {"role": "user", "content": "ą, б"}
    ]


def test_an_input_misspelt_is_told_the_right_one():
    with pytest.raises(PromptError, match="no input `qestion`; did you mean `question`"):
        prompt(ASK).messages(qestion="x")


def test_a_profile_that_is_too_long_loses_the_middles_of_its_longest_values_and_no_tag():
    who = section("who", "profile", max_tokens=70, overflow={"rule": "truncate_middle"})
    profile = {"name": "O'Brien & Żuk", "bio": "lubi <b> herbatę, " * 60, "language": "pl"}
    schema = {name: {"type": "string", "inject": True} for name in profile}
    memory = {"name": "m", "store": {"file": "m.db"}, "profile": schema}
    made = prompt(who, ASK, memory=memory).render(question="x", profile=profile)
    root = ET.fromstring(made.messages[0].text)
    assert [one.tag for one in root] == ["name", "bio", "language"]
    assert root.findtext("name") == profile["name"]
    assert root.findtext("language") == "pl"
    assert "characters left out" in str(root.findtext("bio"))
    assert made.report[0].tokens <= 70
    assert made.report[0].dropped > 900


def test_a_limit_that_nothing_can_meet_says_to_raise_it():
    who = section("who", "profile", max_tokens=8, overflow={"rule": "truncate_middle"})
    with pytest.raises(PromptError, match="not even its two ends fit") as caught:
        prompt(who, ASK).render(question="x", profile={"name": "Ala ma kota. " * 5})
    assert "overflow" not in str(caught.value)
