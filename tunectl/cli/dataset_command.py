"""`tunectl dataset`."""

from __future__ import annotations

import click

from tunectl.cli import (
    dataset_check,
    dataset_convert,
    dataset_diff,
    dataset_fix,
    dataset_split,
    dataset_stats,
)
from tunectl.cli.command import SETTINGS
from tunectl.cli.groups import ExampleGroup

EXAMPLE = """
tunectl dataset check data/support.jsonl
tunectl dataset check rows.csv --columns input=q,output=a --for openai
tunectl dataset stats dataset.support
"""


@click.group("dataset", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """Check, count, compare, split and convert data files.

    Works offline, without a project and without a key, on any file of examples.
    """


for _made in (
    dataset_check.check,
    dataset_check.rules,
    dataset_stats.stats,
    dataset_diff.diff,
    dataset_split.split,
    dataset_convert.convert,
    dataset_fix.fix,
):
    command.add(_made)
