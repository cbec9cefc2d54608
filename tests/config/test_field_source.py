"""What a handler refuses is told at the field it names, not at the resource's first line."""

from dataclasses import replace

import pytest

from tests.config.making import loaded, project
from tunectl.config.field_source import at_fields
from tunectl.core.errors import Diagnostic

TEXT = """
project: pomoc
providers: {local: {trainer: simulated}}
dataset:
  support: {source: data/rows.jsonl}
tuning_job:
  first: {base_model: m, data: dataset.support}
  support:
    base_model: m
    data: dataset.support
    suffix: żółw
    method:
      type: supervised
      lora_r: 7
"""


@pytest.fixture
def said(tmp_path):
    found = loaded(project(tmp_path, TEXT)).project.resources
    [source] = [r.source for r in found if str(r.address) == "tuning_job.support"]

    def at(summary):
        [one] = at_fields(tmp_path, [Diagnostic(summary=summary, source=source)])
        return one.source.line, one.source.column, one.source.text.strip()

    return at


@pytest.mark.parametrize(
    ("summary", "place"),
    [
        ("takes an adapter size (`method.lora_r`) of 4, not 7", (14, 15, "lora_r: 7")),
        ("takes no `suffix: żółw`", (11, 13, "suffix: żółw")),
        ("has no place for `method`", (12, 5, "method:")),
        ("may not tune `m` as `base_model`", (9, 17, "base_model: m")),
        ("takes `lora_r` from 8 to 16, not 7", (14, 15, "lora_r: 7")),
        ("keeps no `metadata`", (8, 3, "support:")),
        ("is closed on Sundays", (8, 3, "support:")),
    ],
)
def test_the_place_is_that_of_the_named_field(said, summary, place):
    assert said(summary) == place


def test_without_a_place_or_a_file_nothing_changes(tmp_path):
    here = loaded(project(tmp_path, TEXT)).project.resources[0].source
    gone = Diagnostic(summary="`suffix` is long", source=replace(here, file="gone.yaml"))
    nowhere = Diagnostic(summary="`suffix` is long")
    assert at_fields(tmp_path, [gone, nowhere]) == (gone, nowhere)


def test_a_setting_of_a_provider_is_found_as_a_field_is(tmp_path):
    text = TEXT.replace(
        "providers: {local: {trainer: simulated}}",
        "providers:\n  local:\n    trainer: simulated\n    executor: process",
    )
    [local] = loaded(project(tmp_path, text)).project.providers.values()
    [one] = at_fields(tmp_path, [Diagnostic(summary="no `trainer` here", source=local.source)])
    assert (one.source.line, one.source.text.strip()) == (5, "trainer: simulated")


@pytest.mark.parametrize(
    ("named", "file", "text"),
    [
        ("suffix", "tunectl.prod.yaml", "suffix: wróbel"),
        ("method.lora_r", "tunectl.yaml", "lora_r: 7"),
    ],
)
def test_the_layer_that_counts_is_told(tmp_path, named, file, text):
    root = project(tmp_path, TEXT)
    over = "tuning_job:\n  support:\n    suffix: wróbel\n"
    (tmp_path / "tunectl.prod.yaml").write_text(over, encoding="utf-8")
    found = loaded(root, env="prod").project.resources
    [source] = [r.source for r in found if str(r.address) == "tuning_job.support"]
    said = Diagnostic(summary=f"takes no `{named}`", source=source)
    [one] = at_fields(tmp_path, [said], "prod")
    assert (one.source.file, one.source.text.strip()) == (file, text)
    assert one.source.layer == ("prod" if file.startswith("tunectl.prod") else "")
