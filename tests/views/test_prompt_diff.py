"""What a changed prompt says of its words, examples, tokens and price, in each format."""

import re
from dataclasses import replace
from decimal import Decimal

import jsonschema
import pytest

from tests.views import samples
from tunectl.core.plan import Action, Cause
from tunectl.core.planrecord import plan_from_tree, plan_to_tree
from tunectl.core.prompt_delta import PromptDelta, SectionDelta
from tunectl.views.human_plan import plan_text
from tunectl.views.json_plan import plan_tree, schema
from tunectl.views.markdown import plan_markdown
from tunectl.views.paint import Paint
from tunectl.views.prompt_diff import token_sentence

DELTA = PromptDelta(
    sections=(
        SectionDelta(id="system", before=(120, 120, 120), after=(131, 131, 131)),
        SectionDelta(
            id="shots", before=(300, 300, 300), after=(280, 280, 280), added=1, removed=2, kept=3
        ),
    ),
    price=Decimal("3.00"),
    currency="USD",
)


def changed(delta=DELTA, before="Jesteś pomocnikiem.", after="Jesteś doradcą."):
    def made(text):
        return samples.prompt(({"id": "system", "role": "system", "template": text},))

    change = samples.change(
        Action.UPDATE, Cause.CHANGED, samples.made(made(before), "support"), made(after)
    )
    return samples.plan(changes=(replace(change, prompt=delta),))


def test_people_read_words_examples_tokens_and_price():
    text = plan_text(changed())
    assert "examples: shots 1 added, 2 removed, 3 kept" in text
    assert (
        "tokens: system 120 -> 131 (+11), shots 300 -> 280 (-20), together -9 (exact); "
        "1,000 calls cost 0.03 USD less"
    ) in text
    assert "| Jesteś [-pomocnikiem-]{+doradcą+}." in text


def test_colour_marks_the_words_and_takes_nothing_away():
    plain = "| Jesteś [-pomocnikiem-]{+doradcą+}."
    assert plain in plan_text(changed())
    coloured = plan_text(changed(), Paint(color=True))
    assert "\x1b[31m[-pomocnikiem-]\x1b[0m\x1b[32m{+doradcą+}\x1b[0m" in coloured


def test_a_comment_shows_the_words_and_the_tokens():
    text = plan_markdown(changed())
    [line] = [line for line in text.splitlines() if "doradcą" in line]
    assert line.startswith("!")
    assert line.endswith("| Jesteś [-pomocnikiem-]{+doradcą+}.")
    assert "together -9 (exact)" in text


def test_the_json_plan_has_them_and_fits_its_schema():
    tree = plan_tree(changed())
    jsonschema.validate(tree, schema())
    prompt = tree["resource_changes"][0]["prompt"]
    assert prompt["cost_per_1000_calls"] == "-0.027000"
    assert prompt["tokens_more"] == {"low": -9, "likely": -9, "high": -9}
    first, second = prompt["sections"]
    assert [(w["op"], w["text"]) for w in first["words"]] == [
        ("same", "Jesteś "),
        ("removed", "pomocnikiem"),
        ("added", "doradcą"),
        ("same", "."),
    ]
    assert second["examples"] == {"added": 1, "removed": 2, "kept": 3}


@pytest.mark.parametrize(
    ("delta", "said"),
    [
        (
            replace(DELTA, price=None, unknown="no price is known"),
            "what 1,000 calls cost is unknown (no price is known)",
        ),
        (replace(DELTA, currency="", price=Decimal(0)), "1,000 calls cost nothing"),
        (
            PromptDelta(sections=(SectionDelta(id="shots", before=None, after=(5, 5, 5)),)),
            (
                "shots unknown -> 5; what 1,000 calls cost is unknown "
                "(not all of the tokens are known)"
            ),
        ),
        (
            PromptDelta(
                sections=(SectionDelta(id="a", before=(1, 2, 3), after=(4, 5, 6)),),
                price=Decimal(1),
                currency="EUR",
            ),
            "a ~ 2 -> ~ 5 (+3) (estimated); 1,000 calls cost under 0.01 EUR more",
        ),
    ],
)
def test_what_is_not_known_is_said_to_be_unknown(delta, said):
    assert said in token_sentence(changed(delta).changes[0])


def test_a_stored_plan_keeps_them():
    plan = changed()
    assert plan_from_tree(plan_to_tree(plan)).changes[0].prompt == DELTA


def test_hostile_texts_reach_no_terminal():
    text = plan_text(changed(after="Jesteś \x1b[31mdoradcą\u202e."))
    assert "\x1b" not in text
    assert "\u202e" not in text


FIRST = PromptDelta(
    sections=(
        SectionDelta(id="system", after=(120, 120, 120)),
        SectionDelta(id="shots", after=(280, 280, 280), added=4, removed=0, kept=0),
        SectionDelta(id="near", after=None),
        SectionDelta(id="talk"),
        SectionDelta(id="rules.md.j2", after=(30, 30, 30)),
    ),
    price=Decimal("3.00"),
    currency="USD",
)


def created(delta=FIRST):
    sections = (
        {"id": "system", "role": "system", "template": "Jesteś pomocnikiem sklepu."},
        {"id": "shots", "role": "examples", "examples": {"split": "train"}, "max": 4},
        {"id": "near", "role": "examples", "select": "nearest", "max": 2},
        {"id": "talk", "role": "history"},
    )
    change = samples.create(samples.prompt(sections))
    return samples.plan(changes=(replace(change, prompt=delta),))


def test_of_a_new_prompt_people_read_how_long_each_section_is_and_no_text_of_it():
    text = plan_text(created())
    for said in (
        "section system: 3 words, 120 tokens",
        "section shots: 4 examples, 280 tokens",
        "section near: the examples nearest to each question, at most 2",
        "section talk: filled in at each call",
        "file rules.md.j2: 30 tokens",
        "tokens: 430 (exact) before anything is filled in; 1,000 calls cost 1.29 USD at least",
    ):
        assert said in text
    assert "pomocnikiem" not in text
    assert "section system: 3 words, 120 tokens" in plan_markdown(created())


def test_of_a_new_prompt_the_json_plan_has_the_numbers_and_fits_its_schema():
    tree = plan_tree(created())
    jsonschema.validate(tree, schema())
    system, shots, *_ = tree["resource_changes"][0]["prompt"]["sections"]
    assert (system["words_after"], system["tokens_after"]["likely"]) == (3, 120)
    assert "words" not in system
    assert shots["examples"] == {"added": 4, "removed": 0, "kept": 0}


def test_a_new_prompt_without_a_price_says_why():
    text = plan_text(created(replace(FIRST, price=None, unknown="no price is known")))
    assert "what 1,000 calls cost is unknown (no price is known)" in text


def test_the_reason_in_a_comment_is_cut_between_words_and_keeps_its_place():
    sections = tuple(
        SectionDelta(id=f"sekcja-{number}", before=(number, number, number), after=(1, 1, 1))
        for number in range(10, 30)
    )
    [row] = [
        line
        for line in plan_markdown(changed(replace(DELTA, sections=sections))).splitlines()
        if line.startswith("| `~`")
    ]
    assert re.search(r" … \(\S+:\d+\) \|$", row)
    cell = row.rsplit(" … ", 1)[0].replace("\\", "")
    assert cell.rsplit(" ", 1)[-1] in plan_text(changed(replace(DELTA, sections=sections))).split()
