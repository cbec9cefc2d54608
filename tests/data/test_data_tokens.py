"""Tokens of rows: published counts where there are some, bounds that hold where there are none."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunectl.catalog.tokenizers import UNKNOWN, tokenizer_of, tokenizers
from tunectl.data.bpe import encoding
from tunectl.data.tokens import NOTHING, Count, Tally, bounded, counter_for, percentile

# OpenAI cookbook, How_to_count_tokens_with_tiktoken, sections 6 and 7: the API's own numbers.
EXAMPLE = [
    {
        "role": "system",
        "content": "You are a helpful, pattern-following assistant that translates corporate "
        "jargon into plain English.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "New synergies will help drive top-line growth.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Things working well together will increase revenue.",
    },
    {
        "role": "system",
        "name": "example_user",
        "content": "Let's circle back when we have more bandwidth to touch base on opportunities "
        "for increased leverage.",
    },
    {
        "role": "system",
        "name": "example_assistant",
        "content": "Let's talk later when we're less busy about how to do better.",
    },
    {
        "role": "user",
        "content": "This late pivot means we don't have time to boil the ocean for the client "
        "deliverable.",
    },
]
WEATHER = {
    "messages": [
        {
            "role": "system",
            "content": "You are a helpful assistant that can answer to questions "
            "about the weather.",
        },
        {"role": "user", "content": "What's the weather like in San Francisco?"},
    ],
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "description": "Get the current weather in a given location",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "location": {
                            "type": "string",
                            "description": "The city and state, e.g. San Francisco, CA",
                        },
                        "unit": {
                            "type": "string",
                            "description": "The unit of temperature to return",
                            "enum": ["celsius", "fahrenheit"],
                        },
                    },
                    "required": ["location"],
                },
            },
        }
    ],
}
PRIMING = 3  # of an answer that is still to come; no part of a training example

# Counted once with each family's published vocabulary (tokenizers 0.23.3).
_COUNTED = ("claude", "gemini", "gemma3", "llama3_1", "qwen3", "smollm2")
MEASURED = {
    "Hello, thank you for your message. You can return the parcel within fourteen days of "
    "receiving it; please fill in the form on our website and keep the receipt.": dict(
        zip(_COUNTED, (33, 33, 33, 33, 33, 33), strict=True)
    ),
    "Dzień dobry, dziękujemy za wiadomość. Reklamację można zgłosić w ciągu czternastu dni od "
    "daty otrzymania przesyłki, korzystając z formularza na naszej stronie internetowej.": dict(
        zip(_COUNTED, (78, 43, 45, 60, 58, 86), strict=True)
    ),
    "Zażółć gęślą jaźń to zdanie, które zawiera wszystkie polskie znaki diakrytyczne i dlatego "
    "często służy do sprawdzania, czy program poprawnie wyświetla tekst.": dict(
        zip(_COUNTED, (74, 43, 46, 57, 52, 85), strict=True)
    ),
    "Здравствуйте! Спасибо за обращение. Вернуть товар можно в течение четырнадцати дней с "
    "момента получения посылки, заполнив заявление на нашем сайте.": dict(
        zip(_COUNTED, (76, 31, 31, 45, 47, 106), strict=True)
    ),
    'def add(a: int, b: int) -> int:\n    """Return the sum."""\n    return a + b\n\n'
    "for i in range(10):\n    print(f'{i}: {add(i, 1)}')\n": dict(
        zip(_COUNTED, (49, 54, 53, 46, 47, 52), strict=True)
    ),
    '{"name": "Anna", "age": 31, "items": [{"sku": "A-100", "price": 12.5}, {"sku": "B-200", '
    '"price": 99.0}], "paid": true}': dict(zip(_COUNTED, (49, 60, 59, 52, 59, 63), strict=True)),
}
FAMILIES = {
    "claude": "claude-3-haiku",
    "gemini": "gemini-3-pro",
    "gemma3": "gemini-3-pro",
    "llama3_1": "meta-llama/Llama-3.1-8B-Instruct",
    "qwen3": "Qwen/Qwen3-32B",
    "smollm2": "smollm2-135m-instruct",
}
TEXT = st.one_of(
    st.text(st.characters(blacklist_categories=["Cs"]), max_size=80),
    st.text(
        st.sampled_from("abc XYZ ąęćłńóśźż привет мир 0123\n\t.,!?{}\"'/…—😀🇵🇱漢字"), max_size=120
    ),
)


@pytest.mark.parametrize(
    ("model", "published"), [("gpt-4o", 124), ("gpt-4o-mini", 124), ("gpt-4", 129)]
)
def test_a_conversation_counts_as_the_api_counts_it(model, published):
    found = counter_for(model).row({"messages": EXAMPLE})
    assert found.likely + PRIMING == published
    assert found.low <= published <= found.high


def test_offered_tools_count_likely_as_the_api_counts_them():
    found = counter_for("gpt-4o").row(WEATHER)
    assert found.likely + PRIMING == 101
    without = counter_for("gpt-4o").row({"messages": WEATHER["messages"]})
    assert found.low == without.low  # nobody says that tools are billed
    assert found.high > found.likely


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "o200k_base"),
        ("gpt-4.1-mini-2025-04-14", "o200k_base"),
        ("o4-mini", "o200k_base"),
        ("gpt-5", "o200k_base"),
        ("gpt-6-luna", "o200k_base"),
        ("ft:gpt-4.1-mini-2025-04-14:acme:support:abc12345", "o200k_base"),
        ("ft:gpt-3.5-turbo-0125:acme::abc12345", "cl100k_base"),
        ("gpt-4", "cl100k_base"),
        ("gpt-4-0613", "cl100k_base"),
        ("gemini-3.5-flash", "gemini"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "claude"),
        ("meta-llama/Llama-3.3-70B-Instruct", "llama"),
        ("smollm2-135m-instruct", "smollm2"),
        ("somebody/else", ""),
        (None, ""),
    ],
)
def test_every_model_is_counted_with_its_own_vocabulary(model, name):
    assert tokenizer_of(model).name == name


@pytest.mark.parametrize("found", tokenizers().values(), ids=lambda one: one.name)
def test_every_way_of_counting_has_a_source_a_date_and_ordered_bounds(found):
    assert found.source
    assert found.source_date is not None
    for bounds in (found.message, found.example, found.image):
        assert list(bounds) == sorted(bounds)
    if not found.exact:
        assert list(found.ascii) == sorted(found.ascii)
        assert list(found.other) == sorted(found.other)


@given(TEXT)
@settings(max_examples=300, deadline=None)
def test_the_bounds_of_an_unknown_vocabulary_hold_for_a_known_one(text):
    for name in ("o200k_base", "cl100k_base"):
        found = bounded(text, UNKNOWN)
        assert found.low <= encoding(name).count(text) <= found.high
        assert found.low <= found.likely <= found.high


@given(TEXT, st.sampled_from(sorted(set(FAMILIES.values()))))
@settings(max_examples=200, deadline=None)
def test_no_bounds_ever_leave_those_of_all_vocabularies(text, model):
    found, widest = bounded(text, tokenizer_of(model)), bounded(text, UNKNOWN)
    assert widest.low <= found.low <= found.likely <= found.high <= widest.high


@pytest.mark.parametrize(
    ("text", "family", "measured"),
    [(text, family, n) for text, counts in MEASURED.items() for family, n in counts.items()],
    ids=lambda value: value if isinstance(value, str) and len(value) < 12 else "text",
)
def test_what_other_vocabularies_need_lies_within_their_stated_bounds(text, family, measured):
    found = counter_for(FAMILIES[family]).text(text)
    assert found.low <= measured <= found.high
    assert found.high <= 3 * measured  # a bound that says something


def test_a_russian_text_takes_more_tokens_of_a_small_english_vocabulary():
    text = "Здравствуйте! Спасибо за обращение. Вернуть товар можно в течение недели."
    small, large = counter_for("smollm2-135m-instruct").text(text), counter_for("gpt-4o").text(text)
    assert small.low > large.high


def test_parts_images_calls_and_results_all_count():
    row = {
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is on it?"},
                    {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
                ],
            },
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {
                        "id": "call_1",
                        "type": "function",
                        "function": {"name": "look", "arguments": '{"at": "it"}'},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "call_1", "content": "a bee"},
            {"role": "assistant", "content": "A bee.", "weight": 1},
        ]
    }
    counter = counter_for("gpt-4o")
    found = counter.row(row)
    texts = ("What is on it?", "look", '{"at": "it"}', "a bee", "A bee.")
    roles = ("user", "assistant", "tool", "assistant")
    spoken = sum(counter.text(text).low for text in (*texts, *roles)) + 3 * 4
    assert found.low == spoken + 85
    assert found.high >= spoken + 1445
    assert found.low < found.likely < found.high


def test_of_a_pair_the_file_has_both_answers_and_an_example_one():
    pair = {
        "input": {"messages": [{"role": "user", "content": "Cześć"}]},
        "preferred_output": [{"role": "assistant", "content": "Dzień dobry, w czym mogę pomóc?"}],
        "non_preferred_output": [{"role": "assistant", "content": "No"}],
    }
    counter = counter_for("gpt-4o")
    asked = counter.row(pair["input"])
    good = counter.row({"messages": pair["preferred_output"]})
    assert counter.example(pair).low == asked.low + good.low
    assert counter.row(pair).low > counter.example(pair).low


@pytest.mark.parametrize("row", [{}, {"messages": None}, {"messages": [1, "x"]}, {"messages": "x"}])
def test_a_row_that_is_no_conversation_counts_its_frame_at_most(row):
    assert counter_for("gpt-4o").row(row) == Count(0, 0, 3)


@given(
    st.lists(
        st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant"]), "content": TEXT}),
        max_size=4,
    ),
    st.sampled_from(["gpt-4o", "gpt-4", "gemini-3-pro", "smollm2-135m-instruct", "who/knows"]),
)
@settings(max_examples=100, deadline=None)
def test_a_row_never_has_more_tokens_than_its_json_has_bytes_and_its_frame(messages, model):
    counter = counter_for(model)
    found = counter.row({"messages": messages})
    assert found.low <= found.likely <= found.high
    frame = counter.tokenizer.example[2] + counter.tokenizer.message[2] * len(messages)
    assert found.high <= len(orjson.dumps({"messages": messages})) + frame


def test_a_tally_cuts_what_is_too_long_and_says_how_many_rows_that_are():
    rows = [{"messages": [{"role": "user", "content": "tak " * n}]} for n in (1, 50, 100)]
    counter = counter_for("gpt-4o")
    sizes = [counter.row(row).likely for row in rows]
    tally = Tally(counter, 40)
    for row in rows:
        tally.add(row)
    found = tally.tokens()
    assert (found.rows, found.over, found.maybe_over) == (3, 2, 0)
    assert found.total.likely == sum(sizes)
    assert found.billed.likely == sizes[0] + 40 + 40
    assert (found.p50, found.p95, found.longest) == (sizes[1], sizes[2], sizes[2])


def test_a_service_that_drops_long_rows_bills_none_of_them():
    tally = Tally(counter_for("gpt-4o"), 40, dropped=True)
    tally.add({"messages": [{"role": "user", "content": "tak " * 100}]})
    found = tally.tokens()
    assert (found.over, found.billed) == (1, NOTHING)


def test_rows_about_the_limit_are_told_apart_from_rows_over_it():
    row = {"messages": [{"role": "user", "content": "Zażółć gęślą jaźń, proszę. " * 20}]}
    counter = counter_for("gemini-3-pro")
    count = counter.row(row)
    for limit, expected in (
        (count.low - 1, (1, 0)),
        (count.low, (0, 1)),
        (count.high - 1, (0, 1)),
        (count.high, (0, 0)),
    ):
        tally = Tally(counter, limit)
        tally.add(row)
        found = tally.tokens()
        assert (found.over, found.maybe_over) == expected


@given(st.lists(st.integers(0, 1000), min_size=1), st.integers(1, 100))
def test_a_percentile_is_a_value_that_enough_values_do_not_exceed(values, percent):
    ordered = sorted(values)
    found = percentile(ordered, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    smaller = [value for value in values if value < found]
    assert not smaller or sum(v <= max(smaller) for v in values) * 100 < percent * len(values)


def test_nothing_has_no_percentile_but_zero():
    assert percentile([], 95) == 0
