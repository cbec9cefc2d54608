"""`tunectl dataset stats`."""

from __future__ import annotations

from typing import Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.dataset_options import (
    files_argument,
    for_option,
    held_options,
    reading_options,
    strip_option,
)
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl dataset stats data/support.jsonl --for openai:gpt-4.1-mini
tunectl dataset stats dataset.support --format json
"""


@tunectl_command("stats", example=EXAMPLE)
@files_argument
@held_options
@for_option
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Passes over the rows [default: what the provider chooses].",
)
@reading_options
@strip_option
@format_option("human", "json")
@pass_session
def stats(
    session: Session,
    /,
    epochs: int | None,
    format_: str,
    **told: Any,  # noqa: ANN401  # the options that others read
) -> None:
    """Count rows, messages, scripts, tokens, and what training costs.

    FILE is a path, a pattern in quotes, `-` for standard input, or `dataset.NAME`. Tokens and
    costs are told for each `--for`, and for the tuning jobs that use a declared dataset. A price
    nobody publishes is unknown, never guessed.
    """
    from tunectl.app import checking, measuring
    from tunectl.cli.counting import counting
    from tunectl.views.dataset_stats import stats_text, stats_tree
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    asked = checking.asked(**told, syntax_only=True)
    with counting(session) as progress:
        found = measuring.measure(session.options(), asked, epochs, progress)
    screen = session.screen
    if session.machine:
        trees = [stats_tree(one.name, one.stats) for one in found]
        screen.say(json_text({"format_version": "1.0", "datasets": trees}, indent=2))
        return
    screen.say("\n\n".join(stats_text(one.name, one.stats, screen.out_paint) for one in found))
    if not any(one.stats.targets for one in found):
        session.advise("\nhint: `--for openai:gpt-4.1-mini` counts tokens and costs for a model")
