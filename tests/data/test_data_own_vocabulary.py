"""A model that lies on this machine is counted as its trainer counts it."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from tunectl.data.own_vocabulary import counter_of
from tunectl.data.stats import target_stats
from tunectl.data.targets import Target
from tunectl.data.tokens import NOTHING, Tokens

tokenizers = pytest.importorskip("tokenizers")
TEMPLATE = (
    "{% for m in messages %}{{ '<s>' + m['role'] + ' ' + m['content'] + ' </s>' }}{% endfor %}"
)
WORDS = (
    "<s>",
    "</s>",
    "user",
    "assistant",
    "system",
    "ile",
    "kosztuje",
    "мёд",
    "?",
    "dużo",
    "[UNK]",
)
ROW = {
    "messages": [
        {"role": "user", "content": "ile kosztuje мёд ?"},
        {"role": "assistant", "content": "dużo"},
    ]
}


def model(folder: Path, template: str | None = TEMPLATE, **settings: object) -> Target:
    """A model's folder with a vocabulary of eleven words."""
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]")
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(["<s>", "</s>"])
    folder.mkdir(exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_bytes(orjson.dumps(settings))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return Target("local", "any/model", vocabulary=str(folder))


def test_a_row_counts_as_its_template_writes_it(tmp_path):
    found = counter_of(model(tmp_path / "m")).row(ROW)
    assert (found.exact, found.likely) == (True, 2 + 1 + 4 + 2 + 1 + 1)


def test_the_template_may_stand_in_the_settings_and_name_special_tokens(tmp_path):
    template = "{{ bos_token }}{% for m in messages %} {{ m.content }}{% endfor %}"
    target = model(tmp_path / "m", None, chat_template=template, bos_token="<s>")
    assert counter_of(target).row(ROW).likely == 1 + 4 + 1


@pytest.mark.parametrize(
    "template",
    [
        None,
        "{{ raise_exception('only one turn') }}",
        "{{ messages[7].content }}",
        "{% if %}",
    ],
)
def test_what_the_template_cannot_show_is_bounded_by_its_texts(tmp_path, template):
    found = counter_of(model(tmp_path / "m", template)).row(ROW)
    assert found.low == 4 + 1 + 1 + 1
    assert found.low < found.high


def test_a_row_with_tools_is_bounded_too(tmp_path):
    row = {**ROW, "tools": [{"type": "function", "function": {"name": "f"}}]}
    found = counter_of(model(tmp_path / "m")).row(row)
    assert not found.exact


@pytest.mark.parametrize("content", [None, b"", b"{}", b"[1]", b'{"model": 1}', b"\xff"])
def test_a_folder_without_a_usable_vocabulary_is_counted_by_bounds(tmp_path, content):
    if content is not None:
        (tmp_path / "tokenizer.json").write_bytes(content)
    target = Target("local", "smollm2-135m-instruct", vocabulary=str(tmp_path))
    assert counter_of(target).tokenizer.name == "smollm2"


def test_a_template_cannot_reach_into_the_machine(tmp_path):
    template = "{{ messages.__class__.__mro__[1].__subclasses__() }}"
    found = counter_of(model(tmp_path / "m", template)).row(ROW)
    assert found.low == 4 + 1 + 1 + 1  # refused by the sandbox, so bounded


def test_the_statistics_say_that_the_own_vocabulary_was_used(tmp_path):
    tokens = Tokens(rows=1, total=NOTHING, billed=NOTHING, p50=0, p95=0, longest=0)
    found = target_stats(model(tmp_path / "m"), tokens)
    assert (found.vocabulary, found.exact) == ("tokenizer.json", True)


@pytest.mark.slow
def test_the_real_base_model_is_counted_as_its_trainer_encodes_it():
    root = Path(os.environ.get("TUNECTL_TEST_CACHE", "~/.cache/tunectl-tests")).expanduser()
    folders = sorted((root / "models").glob("*/tokenizer.json"))
    if not folders:
        pytest.skip("no base model was pulled for the tests")
    transformers = pytest.importorskip("transformers")
    from tunectl.server.trainers.encode import encode

    folder = folders[0].parent
    counter = counter_of(Target("local", "smollm2-135m-instruct", vocabulary=str(folder)))
    own = transformers.AutoTokenizer.from_pretrained(str(folder))
    bounds = counter_of(Target("local", "smollm2-135m-instruct"))
    for question, answer in (
        ("Ile kosztuje miód gryczany?", "Dzień dobry, 38 złotych za słoik. Pozdrawiamy 🐝"),
        ("Есть ли у вас мёд?", "Да, липовый и гречишный."),
        ("Do you have honey?", "Yes.\n\n- lime\n- buckwheat"),
    ):
        row = {
            "messages": [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer},
            ]
        }
        exact = len(encode(row, own, 10_000).ids)
        assert counter.row(row).likely == exact
        assert bounds.row(row).low <= exact <= bounds.row(row).high
