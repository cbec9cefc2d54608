"""Files others wrote, read as they are; they lie beside the checkout and are not part of it."""

from pathlib import Path

import pytest

from tunectl.core.errors import Exit, Severity
from tunectl.data.dataset import DataSpec, SplitSpec, read

INPUTS = Path(__file__).parents[3] / "shared" / "data"


@pytest.fixture
def inputs():
    if not INPUTS.is_dir():
        pytest.skip("the real inputs are not beside this checkout")
    return INPUTS


@pytest.mark.parametrize(
    ("name", "shape", "rows"),
    [
        ("foundry_gsm8k_train.jsonl", "openai-chat", 449),
        ("foundry_gsm8k_val.jsonl", "openai-chat", 50),
        ("foundry_tool.jsonl", "openai-chat", 86),
        ("anth_json_mode.jsonl", "bedrock", 500),
        ("lf_glaive.json", "sharegpt", 300),
    ],
)
def test_a_good_file_is_read_without_errors(inputs, name, shape, rows):
    dataset, problems = read(DataSpec(source=name), inputs)
    assert [d for d in problems if d.severity is Severity.ERROR] == []
    assert (dataset.shape, dataset.splits["train"].rows) == (shape, rows)
    assert len(list(dataset.rows("train"))) == rows


def test_train_and_validation_of_one_author_do_not_overlap(inputs):
    spec = DataSpec(
        splits={"train": "foundry_gsm8k_train.jsonl", "validation": "foundry_gsm8k_val.jsonl"}
    )
    dataset, problems = read(spec, inputs)
    assert problems == ()
    assert [s.rows for s in dataset.splits.values()] == [449, 50]


def test_a_file_against_itself_overlaps_in_every_row(inputs):
    name = "foundry_gsm8k_val.jsonl"
    _, problems = read(DataSpec(splits={"train": name, "test": name}), inputs)
    assert {(d.code, d.exit) for d in problems} == {("split-overlap", Exit.REFUSED)}
    assert problems[-1].summary.startswith("and 40 more rows that break `split-overlap`")


def test_the_one_repeated_question_of_the_cookbook_file_is_found(inputs):
    _, problems = read(DataSpec(source="anth_json_mode.jsonl"), inputs)
    found = [d.source.line for d in problems if d.code == "conflicting-targets"]
    assert found == [340]


def test_a_real_file_splits_without_losing_rows(inputs):
    spec = SplitSpec({"validation": 0.1, "test": 0.1}, seed=7)
    dataset, problems = read(DataSpec(source="foundry_gsm8k_train.jsonl", split=spec), inputs)
    assert problems == ()
    assert sum(s.rows for s in dataset.splits.values()) == 449


def test_the_seed_tasks_are_read_and_their_other_keys_are_refused(inputs):
    dataset, problems = read(DataSpec(source="ru_alpaca_seed.jsonl"), inputs)
    assert (dataset.shape, dataset.splits["train"].rows) == ("alpaca", 137)
    assert {d.code for d in problems if d.severity is Severity.ERROR} == {"unknown-key"}
    keys = ("id", "name", "orig_instruction", "is_classification", "orig_instances")
    dataset, problems = read(DataSpec(source="ru_alpaca_seed.jsonl", strip=keys), inputs)
    assert [d for d in problems if d.severity is Severity.ERROR] == []
    [first, *_] = dataset.rows("train")
    assert set(first) == {"messages"}


@pytest.mark.parametrize(
    ("name", "code", "word"),
    [
        ("ru_lfs_pointer.jsonl", "lfs-pointer", "git lfs pull"),
        ("README.md", "unknown-content", "JSON"),
    ],
)
def test_what_cannot_be_used_says_why(inputs, name, code, word):
    dataset, [found] = read(DataSpec(source=name), inputs)
    assert dataset is None
    assert (found.code, found.exit) == (code, Exit.ERROR)
    assert word in found.hint
