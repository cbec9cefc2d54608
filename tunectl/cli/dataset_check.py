"""`tunectl dataset check` and `rules`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.dataset_options import (
    files_argument,
    for_option,
    held_options,
    level_options,
    reading_options,
    strip_option,
)
from tunectl.cli.session import Session, pass_session
from tunectl.cli.write_option import write_file, write_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunectl.app.checking import Checked

EXAMPLE = """
tunectl dataset check data/support.jsonl
tunectl dataset check train.jsonl --validation held.jsonl --for openai
tunectl dataset check rows.csv --columns input=q,output=a --format github
"""
FORMATS = ("human", "json", "sarif", "github")


@tunectl_command("check", example=EXAMPLE)
@files_argument
@held_options
@click.option("--group", metavar="COLUMN", help="What rows of two splits may not share.")
@for_option
@reading_options
@strip_option
@level_options
@click.option(
    "--against",
    multiple=True,
    metavar="FILE",
    help="A text or dataset to score with: training rows may not hold its words.",
)
@click.option("--fix", is_flag=True, help="Repair FILE into NAME.fixed.jsonl and check that.")
@click.option("--strict", is_flag=True, help="Let warnings refuse too (exit 3).")
@click.option(
    "--policy",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="Severities, thresholds and waivers from a YAML file.",
)
@format_option(*FORMATS)
@write_option(*FORMATS)
@pass_session
def check(
    session: Session,
    /,
    format_: str,
    write: tuple[tuple[str, Path], ...],
    fix: bool,
    **told: Any,  # noqa: ANN401  # the options that others read
) -> int:
    """Say what a provider would reject, and what would make a bad model.

    FILE is a path, a pattern in quotes, `-` for standard input, or `dataset.NAME`; each is a
    dataset of its own. Without FILE every declared dataset is checked, for the providers that
    tune with it. Nothing leaves this machine. Exit 3 when data breaks a rule, 1 when it cannot
    be read.
    """
    from tunectl.app import checking
    from tunectl.cli.counting import counting
    from tunectl.core.errors import strongest

    session.machine = "json" if format_ in {"json", "sarif"} else ""
    if fix:
        from tunectl.cli.dataset_fix import repaired

        told = repaired(session, told)
    asked = checking.asked(**told)
    with counting(session) as progress:
        found = checking.check(session.options(), asked, progress, rows_again=False)
    screen = session.screen
    if text := _render(found, format_, session, colored=True):
        screen.say(text)
    for name, path in write:
        write_file(path, _render(found, name, session, colored=False))
    return strongest(one.exit for one in found)


def _render(found: Sequence[Checked], format_: str, session: Session, *, colored: bool) -> str:
    import tunectl
    from tunectl.app import checking, explaining
    from tunectl.views import datasets, github, sarif
    from tunectl.views.paint import PLAIN
    from tunectl.views.text import json_text

    diagnostics = [d for one in found for d in one.diagnostics]
    if format_ == "github":
        return github.github_annotations(diagnostics)
    if format_ == "sarif":
        tree = sarif.sarif_tree(diagnostics, explaining.described(), tunectl.__version__)
        return json_text(tree, indent=2)
    reports = checking.reports(found)
    if format_ == "json":
        return json_text(datasets.reports_tree(reports), indent=2)
    return datasets.reports_text(reports, session.screen.out_paint if colored else PLAIN)


@tunectl_command("rules", example="tunectl dataset rules\ntunectl dataset rules near-duplicate")
@click.argument("name", required=False)
@format_option("human", "json")
@pass_session
def rules(session: Session, name: str | None, format_: str) -> None:
    """List the rules of `check`: why each is there, and what to do.

    NAME is a rule or its number (`D12`).
    """
    from tunectl.app import explaining
    from tunectl.views.datasets import rules_text, rules_tree
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    found = explaining.rules(name)
    session.screen.say(
        json_text(rules_tree(found), indent=2) if session.machine else rules_text(found)
    )
