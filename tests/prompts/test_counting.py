"""Estimates of tokens hold to the truth in the languages they were made for."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.prompts.trees import ASK, prompt
from tunectl.data.bpe import encoding
from tunectl.prompts import load, prompt_of
from tunectl.prompts.budget import estimated, estimator, exact_counter

TEXTS = {
    "en": (
        "Thank you for your order. The parcel left our warehouse on Monday and will reach you "
        "within three working days. If it does not, write to us with the number of your order, "
        "and we will find out where it is. You can return goods within fourteen days; we refund "
        "the price and the cost of the cheapest delivery. Batteries and opened food stay yours."
    ),
    "pl": (
        "Dziękujemy za zamówienie. Paczka wyszła z magazynu w poniedziałek i dotrze w ciągu "
        "trzech dni roboczych. Jeśli tak się nie stanie, prosimy o wiadomość z numerem "
        "zamówienia, a sprawdzimy, gdzie się znajduje. Towar można zwrócić w ciągu czternastu "
        "dni; zwracamy cenę i koszt najtańszej dostawy. Baterii ani otwartej żywności nie "
        "przyjmujemy z powrotem."
    ),
    "ru": (
        "Спасибо за заказ. Посылка отправлена со склада в понедельник и придёт в течение трёх "
        "рабочих дней. Если этого не случится, напишите нам номер заказа, и мы выясним, где она "
        "находится. Товар можно вернуть в течение четырнадцати дней; мы возместим цену и "
        "стоимость самой дешёвой доставки. Батарейки и открытые продукты мы назад не принимаем."
    ),
    "code": (
        "def total(rows: list[dict[str, int]]) -> int:\n    found = 0\n    for row in rows:\n"
        '        if row.get("count", 0) > 10:\n            found += row["count"] * 2\n'
        "    return found\n\n\nprint(total([{'count': 12}, {'count': 3}]))\n"
    ),
}


@pytest.mark.parametrize("language", sorted(TEXTS))
def test_an_estimate_is_near_the_truth_and_rather_above_it(language):
    text = TEXTS[language]
    truth = encoding("o200k_base").count(text)
    assert 0.9 < estimator("gpt-4o-mini")(text) / truth < 1.3


@pytest.mark.parametrize("language", ["pl", "ru"])
def test_four_characters_a_token_would_be_far_too_few(language):
    text = TEXTS[language]
    assert len(text) / 4 < 0.9 * estimator("gpt-4o-mini")(text)


def test_other_vocabularies_need_more_tokens_for_russian():
    text = TEXTS["ru"]
    openai = estimator("gpt-4o-mini")(text)
    assert estimator("smollm2-135m-instruct")(text) > 2 * openai
    assert estimator("claude-opus-4-8")(text) > 1.5 * openai
    assert estimator("whatever", "anthropic")(text) == estimator("claude-opus-4-8")(text)
    assert estimator("my-own-model")(text) > 1.3 * openai


@given(st.text(max_size=300))
def test_an_estimate_is_never_more_than_a_token_a_byte_nor_less_than_one(text):
    found = estimator("gpt-4o-mini")(text)
    assert (found >= 1) is bool(text)
    assert found <= len(text.encode("utf-8", "replace"))
    assert estimator("gpt-4o-mini")(text) == found


@given(st.text(alphabet="aąж 1.,\n", max_size=50), st.text(alphabet="aąж 1.,\n", max_size=50))
def test_more_text_is_hardly_ever_fewer_tokens(one, more):
    assert estimated(one + " " + more) >= 0.7 * estimated(one)


def test_exact_counts_are_openais_and_for_openai_only():
    count = exact_counter("gpt-4o-mini")
    assert count is not None
    assert count(TEXTS["pl"]) == encoding("o200k_base").count(TEXTS["pl"])
    assert exact_counter("claude-opus-4-8") is None


def test_an_application_chooses_how_tokens_are_counted(tmp_path):
    from tests.prompts.trees import tree, written

    exact = prompt_of(tree(ASK), root=Path(), count="exact").render(question=TEXTS["pl"])
    assert exact.messages[0].tokens == encoding("o200k_base").count(TEXTS["pl"])
    assert prompt(ASK, count=len).render(question="abc").messages[0].tokens == 3
    (tmp_path / "x.json").write_text(written(tree(ASK)), encoding="utf-8")
    assert load("x", path=tmp_path / "x.json", count=len).count("abcd") == 4
