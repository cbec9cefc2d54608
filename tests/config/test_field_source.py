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
