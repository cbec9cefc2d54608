"""What a dataset holds, in numbers, and what training on it costs."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunectl.catalog.prices import Price
from tunectl.core.errors import StaleError
from tunectl.core.money import FREE
from tunectl.data.bpe import encoding
from tunectl.data.cost import billed_by_tokens, passes, training_cost
from tunectl.data.dataset import DataSpec, SplitSpec, read
from tunectl.data.stats import script_of, stats
from tunectl.data.targets import Target
from tunectl.data.tokens import Count

INPUTS = Path(__file__).parents[3] / "shared" / "data"
MINI = Target("openai", "gpt-4.1-mini")


def chat(question, answer, **more):
    return {
        "messages": [
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ],
        **more,
    }


@pytest.fixture
def opened(tmp_path):
    def opened(rows, **spec):
        content = b"".join(orjson.dumps(row) + b"\n" for row in rows)
        (tmp_path / "rows.jsonl").write_bytes(content)
        dataset, _ = read(DataSpec(source="rows.jsonl", **spec), tmp_path)
        return dataset

    return opened


def test_rows_turns_roles_scripts_and_bytes_are_counted(opened):
    rows = [
        chat("Dzień dobry, czy macie miód?", "Tak, lipowy i gryczany."),
        chat("Здравствуйте, есть ли мёд?", "Да, липовый."),
        chat("Do you have honey?", "Yes: липовый мёд, two kinds."),
        {"messages": [{"role": "system", "content": "1"}, *chat("2", "3")["messages"]]},
    ]
    found = stats(opened(rows))
    assert (found.rows, found.method, found.shape) == (4, "supervised", "openai-chat")
    assert found.roles == {"user": 4, "assistant": 4, "system": 1}
    assert (found.turns.p50, found.turns.most) == (2, 3)
    assert found.scripts == {"latin": 1, "cyrillic": 1, "mixed": 1, "none": 1}
    canonical = sum(len(orjson.dumps(row, option=orjson.OPT_SORT_KEYS)) + 1 for row in rows)
    assert found.bytes == canonical == found.splits["train"].bytes


def test_targets_train_on_the_training_split_only(opened):
    rows = [chat(f"Pytanie numer {n}?", f"Odpowiedź numer {n}.") for n in range(60)]
    dataset = opened(rows, split=SplitSpec({"validation": 0.3}))
    found = stats(dataset, [MINI])
    [target] = found.targets
    assert {n: s.rows for n, s in found.splits.items()} == {
        n: s.rows for n, s in dataset.splits.items()
    }
    assert target.tokens.rows == dataset.splits["train"].rows < 60
    assert found.rows == 60


def test_the_cost_is_tokens_times_epochs_times_the_price(opened):
    rows = [chat("Ile kosztuje miód?", f"{n} złotych.") for n in range(40)]
    found = stats(opened(rows), [MINI]).targets[0]
    count = encoding("o200k_base").count
    each = [
        sum(count(m["content"]) + count(m["role"]) + 3 for m in row["messages"]) for row in rows
    ]
    assert found.exact
    assert found.tokens.total.likely == sum(each)
    assert found.epochs == 3
    assert found.cost.likely == Decimal(sum(each)) * 3 * 5 / 1_000_000
    assert found.cost.currency == "USD"
    said = stats(opened(rows), [MINI], epochs=7).targets[0]
    assert said.cost.likely * 3 == found.cost.likely * 7


def test_the_users_own_price_comes_before_the_catalogues(opened):
    own = Price(
        model="gpt-4.1-mini",
        currency="PLN",
        training=Decimal(20),
        source="umowa",
        source_date=date(2026, 11, 1),
    )
    found = stats(
        opened([chat("a", "b")]),
        [MINI, Target("azure", "gpt-4.1-mini")],
        epochs=1,
        prices={"azure": [own]},
    )
    assert [one.cost.currency for one in found.targets] == ["USD", "PLN"]


def test_what_is_not_known_is_said_and_not_guessed(opened):
    dataset = opened([chat("a", "b")] * 1)
    azure, vertex, hours, local = stats(
        dataset,
        [
            Target("azure", "gpt-4.1-mini"),
            Target("vertex", "gemini-3.5-flash"),
            Target("openai", "o4-mini", "reinforcement"),
            Target("local", "smollm2-135m-instruct"),
        ],
    ).targets
    assert azure.cost.unknown == ("no price is known for training on `azure:gpt-4.1-mini`",)
    assert (azure.epochs, vertex.epochs) == (None, None)
    assert not vertex.exact
    assert "by the hour (100.00 USD)" in hours.cost.unknown[0]
    assert local.cost == FREE


def test_a_price_without_published_epochs_is_still_unknown():
    own = (
        Price(
            model="*",
            currency="USD",
            training=Decimal(1),
            source="x",
            source_date=date(2026, 1, 1),
        ),
    )
    azure = Target("azure", "gpt-4.1-mini")
    assert passes(azure, 100) is None
    assert "`auto`" in training_cost(azure, Count(1, 1, 1), None, own).unknown[0]
    assert training_cost(azure, Count(1, 2, 3), 2, own).high == Decimal(6) / 1_000_000


@pytest.mark.parametrize(
    ("target", "counted"),
    [
        (MINI, True),
        (Target("local", "x"), False),
        (Target("azure", "gpt-4.1-mini"), False),
        (Target("openai", "o4-mini", "reinforcement"), False),
    ],
)
def test_tokens_are_counted_only_where_a_price_asks_for_them(target, counted):
    assert (billed_by_tokens(target) is not None) == counted


@given(
    st.tuples(st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9)).map(sorted),
    st.integers(1, 50),
)
def test_a_cost_is_as_wide_as_its_tokens(tokens, epochs):
    found = training_cost(MINI, Count(*tokens), epochs)
    low, likely, high = (Decimal(n) * epochs * 5 / 1_000_000 for n in tokens)
    assert (found.low, found.likely, found.high) == (low, likely, high)


def test_a_file_that_changed_meanwhile_is_not_counted(opened, tmp_path):
    dataset = opened([chat("a", "b")])
    (tmp_path / "rows.jsonl").write_bytes(orjson.dumps(chat("a", "c")) + b"\n")
    with pytest.raises(StaleError):
        stats(dataset, [MINI])


def test_rows_with_tools_and_with_images_are_counted(opened):
    image = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    rows = [
        chat("a", "b", tools=[{"type": "function", "function": {"name": "f"}}]),
        chat([{"type": "text", "text": "a"}, image], "b"),
        chat("c", "d"),
    ]
    found = stats(opened(rows))
    assert (found.with_tools, found.with_images) == (1, 1)


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("Zażółć gęślą jaźń", "latin"),
        ("Съешь ещё этих булок", "cyrillic"),
        ("Γειά σου", "greek"),
        ("お誕生日", "mixed"),
        ("漢字", "cjk"),
        ("12:30", "none"),
        ("слово and word", "mixed"),
        ("", "none"),
    ],
)
def test_the_script_of_a_row(text, script):
    assert script_of([{"role": "user", "content": text}]) == script


@pytest.mark.parametrize(
    ("name", "tokens", "longest"),
    [("foundry_gsm8k_train.jsonl", 82_979, 459), ("foundry_gsm8k_val.jsonl", None, None)],
)
def test_files_of_others_are_counted_whole(name, tokens, longest):
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    dataset, _ = read(DataSpec(source=name), INPUTS)
    found = stats(dataset, [MINI]).targets[0]
    assert found.tokens.over == 0
    assert tokens is None or (found.tokens.total.likely, found.tokens.longest) == (tokens, longest)
