"""Lint finds what is wrong with a prompt without asking anybody."""

from __future__ import annotations

import pytest

from tests.prompts.trees import ASK, prompt, section
from tunectl.prompts.cache_floors import floor_of
from tunectl.prompts.expectations import failures
from tunectl.prompts.lint import lint
from tunectl.prompts.prefix import prefix
from tunectl.prompts.samples import Sample

STABLE = "Jesteś pomocny i odpowiadasz po polsku. " * 60
INPUTS = {"question": {"type": "string", "max_chars": 200}, "today": {"type": "string"}}
SYSTEM = {"id": "s", "role": "system", "template": STABLE}
DATED = {**SYSTEM, "template": "Dziś {{ today }}. " + STABLE}
DATED_LAST = {**SYSTEM, "template": STABLE + "Dziś {{ today }}."}
NOW = {"id": "now", "role": "system", "volatility": "per_turn", "template": "Dziś {{ today }}."}
PROFILE = section("who", "profile")
HISTORY = section("old", "history", max_tokens=500, overflow={"rule": "drop_oldest_turns"})


def rules(*sections, **fields):
    return {one.rule: one for one in lint(prompt(*sections, **{"inputs": INPUTS, **fields}))}


def test_a_good_prompt_has_no_findings():
    good = (SYSTEM, PROFILE, HISTORY, {**ASK, "template": "{{ question }} ({{ today }})"})
    assert lint(prompt(*good, inputs=INPUTS)) == []


def test_a_date_at_the_beginning_spoils_the_cache_and_one_at_the_end_does_not():
    first = prefix(prompt(DATED, ASK, inputs=INPUTS))
    last = prefix(prompt(DATED_LAST, ASK, inputs=INPUTS))
    assert first.stable == 5
    assert last.stable > 2400
    assert first.possible > 2400
    assert (first.share < 0.01, last.share > 0.95) == (True, True)


@pytest.mark.parametrize(
    ("cache", "rule", "severity"),
    [({"ttl": "5m"}, "prefix-changes", "E"), (None, "volatility", "W")],
)
def test_a_static_section_that_changes_is_found_with_the_place(cache, rule, severity):
    found = rules(DATED, ASK, cache=cache)[rule]
    assert (found.severity, found.section) == (severity, "s")
    assert "declared `static` and changes at each turn, from character 5 of" in found.message
    assert "declare `volatility: per_turn`" in found.hint


def test_the_stable_share_is_told_with_what_would_make_it_larger():
    found = rules(DATED, ASK)["stable-prefix"]
    assert "0% of the prompt is a stable prefix" in found.message
    assert "move what changes to the end of `s`" in found.hint
    found = rules(NOW, SYSTEM, ASK)["stable-prefix"]
    assert found.hint.startswith("order the sections `s`, `now`, `ask`; move what changes")


def test_where_nothing_can_be_moved_the_stable_share_is_not_held_against_a_prompt():
    found = section("found", "documents", knowledge="manual", max_tokens=900)
    short = {**SYSTEM, "template": "Krótko."}
    made = prompt(short, PROFILE, found, {**ASK, "template": "{{ question }}"}, inputs=INPUTS)
    shares = prefix(made)
    assert shares.possible_share - shares.share > 0.1
    assert "stable-prefix" not in {one.rule for one in lint(made)}


def test_what_is_stable_behind_what_changes_before_the_breakpoint_is_found():
    cached = {**SYSTEM, "breakpoint": True}
    found = rules(PROFILE, cached, {**ASK, "template": "{{ question }}{{ today }}"})
    assert found["volatility-order"].hint == "put `s` before `who`"


def test_services_that_read_instructions_first_are_judged_in_their_order():
    shots = section(
        "shots", "examples", messages=[{"role": "user", "content": STABLE}], breakpoint=True
    )
    made = prompt(shots, PROFILE, ASK, inputs={"question": {"type": "string"}})
    assert "volatility-order" not in {one.rule for one in lint(made)}
    found = {one.rule: one for one in lint(made, dialect="anthropic")}
    assert found["volatility-order"].hint.startswith("declare `as: user` for `who`")
    assert found["stable-prefix"].hint.startswith("declare `as: user` for `who`")
    moved = prompt(shots, {**PROFILE, "as": "user"}, ASK, inputs=made.inputs)
    assert {one.rule for one in lint(moved, dialect="anthropic")} == {"cache-floor"}


def test_a_prefix_below_the_floor_is_told_for_the_service():
    short = {**SYSTEM, "template": "Krótko.", "breakpoint": True}
    for dialect, number in (("openai", "1024"), ("anthropic", "512"), ("gemini", "1024")):
        found = rules(short, ASK, dialect=dialect)["cache-floor"]
        assert found.severity == "W"
        assert f"{dialect} keeps none below {number}:" in found.message
    middling = {**SYSTEM, "breakpoint": True}
    assert rules(middling, ASK, dialect="anthropic")["cache-floor"].severity == "I"


def test_what_all_users_share_should_end_with_a_breakpoint_of_its_own():
    long = {**SYSTEM, "template": STABLE * 2}
    own = {**PROFILE, "breakpoint": True}
    found = rules(long, own, ASK, dialect="anthropic")["shared-prefix"]
    assert (found.severity, found.section) == ("I", "s")
    assert "shared-prefix" not in rules({**long, "breakpoint": True}, own, ASK, dialect="anthropic")
    assert "shared-prefix" not in rules(
        long, PROFILE, ASK, dialect="anthropic", cache={"ttl": "5m"}
    )


def test_a_cache_with_nothing_to_keep_is_told():
    assert "begins with what changes" in rules(NOW, ASK, cache={"ttl": "5m"})["cache-floor"].message


def test_more_breakpoints_than_services_take_are_told():
    many = [{**SYSTEM, "id": f"s{at}", "breakpoint": True} for at in range(5)]
    assert "5 breakpoints" in rules(*many, ASK)["breakpoints"].message


def test_an_input_that_is_used_nowhere_is_told_and_one_that_is_searched_for_is_not():
    assert "`today`" in rules(SYSTEM, ASK)["unused-input"].message
    docs = section("docs", "documents", knowledge="manual", max_tokens=500)
    only = {"id": "a", "role": "user", "template": "Odpowiedz."}
    made = prompt(docs, only, inputs={"question": {"type": "string", "max_chars": 50}})
    assert "unused-input" not in {one.rule for one in lint(made)}


def test_limits_that_cannot_fit_the_model_are_an_error():
    budget = {"context_tokens": 1500, "reserve_output": 500}
    fixed = {**SYSTEM, "max_tokens": 1200}
    assert rules(fixed, ASK, budget=budget)["budget"].severity == "E"
    roomy = {**HISTORY, "max_tokens": 9000}
    assert rules(roomy, ASK, budget=budget)["budget"].severity == "I"
    assert "budget" not in rules(roomy, ASK, budget={"context_tokens": 128000})


def test_a_section_that_grows_without_limit_is_told():
    assert rules(section("old", "history"), ASK)["no-limit"].section == "old"


def test_what_does_not_render_is_an_error_that_says_why():
    found = rules({**SYSTEM, "template": "{{ nobody }}"}, ASK)["render"]
    assert found.severity == "E"
    assert "`nobody` has no value" in found.message


def test_values_of_ones_own_are_rendered_with():
    picky = {**SYSTEM, "template": "{% if today == 'x' %}{{ missing }}{% endif %}" + STABLE}
    made = prompt(picky, ASK, inputs=INPUTS)
    assert "render" not in {one.rule for one in lint(made)}
    assert "render" in {one.rule for one in lint(made, sample=Sample(inputs={"today": "x"}))}


def test_nearest_examples_are_judged_without_their_index():
    near = section(
        "near",
        "examples",
        volatility="per_turn",
        index="gone.db",
        max=1,
        query="{{ question }}",
        rows=[[{"role": "user", "content": t}, {"role": "assistant", "content": t}] for t in "ab"],
    )
    assert {
        one.rule for one in lint(prompt(SYSTEM, near, ASK, inputs={"question": {"type": "string"}}))
    } == set()
    static = {**near, "volatility": "static", "breakpoint": True}
    assert rules(SYSTEM, static, ASK)["prefix-changes"].section == "near"


def test_a_test_of_the_template_tells_what_it_does_not_find():
    made = prompt(SYSTEM, PROFILE, section("docs", "documents"), ASK)
    test = {
        "name": "first",
        "inputs": {"question": "Gdzie?"},
        "profile": {"name": "Ola"},
        "history": [],
        "documents": [{"text": "Paczka.", "source": "a.md"}],
        "expect": {
            "contains": ["Ola", "Paczka."],
            "not_contains": ["vip"],
            "max_prompt_tokens": 4000,
        },
    }
    assert failures(made, test) == []
    test["expect"] = {"contains": "Ela", "not_contains": ["Ola"], "max_prompt_tokens": 5}
    assert [one.message.partition(": ")[2][:28] for one in failures(made, test)] == [
        "the prompt does not contain ",
        "the prompt contains `Ola`",
        "the prompt has 853 tokens; 5",
    ]
    assert "needs the input" in failures(made, {**test, "inputs": {}})[0].message


@pytest.mark.parametrize(
    ("model", "dialect", "floor"),
    [
        ("claude-opus-4-6", "anthropic", (4096, 4096)),
        ("claude-haiku-4-5-20251001", "anthropic", (4096, 4096)),
        ("claude-sonnet-4-5-20250929", "anthropic", (1024, 1024)),
        ("claude-sonnet-4-6", "anthropic", (1024, 2048)),
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "bedrock", (1024, 1024)),
        ("claude-opus-4-9", "anthropic", (512, 4096)),
        ("claude-3-5-haiku-20241022", "anthropic", (2048, 2048)),
        ("gpt-5.6", "openai", (1024, 1024)),
        ("", "gemini", (1024, 4096)),
    ],
)
def test_the_floor_of_a_cache_is_the_models_where_that_is_known(model, dialect, floor):
    assert floor_of(dialect, model) == floor
