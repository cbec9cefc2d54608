"""`tunectl dataset diff`."""

from __future__ import annotations

from typing import Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.dataset_options import for_option, reading_options, strip_option, words
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl dataset diff old.jsonl new.jsonl --for openai:gpt-4.1-mini
tunectl dataset diff v1.csv v2.csv --columns input=q,output=a --keys id
git show HEAD:rows.jsonl | tunectl dataset diff - rows.jsonl
"""


@tunectl_command("diff", example=EXAMPLE)
@click.argument("before")
@click.argument("after")
@for_option
@click.option(
    "--epochs",
    type=click.IntRange(min=1),
    metavar="NUMBER",
    help="Passes over the rows [default: what the provider chooses].",
)
@click.option(
    "--keys",
    default="",
    callback=words,
    metavar="COLUMNS",
    help="What names a row whatever else of it is edited: `id`.",
)
@click.option("--show-data", is_flag=True, help="Show the texts that differ, word by word.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit 2 when they differ.")
@reading_options
@strip_option
@format_option("human", "json")
@pass_session
def diff(
    session: Session,
    /,
    before: str,
    after: str,
    epochs: int | None,
    show_data: bool,
    detailed_exitcode: bool,
    format_: str,
    **told: Any,  # noqa: ANN401  # the options that others read
) -> Exit:
    """Say which rows were added, removed and changed, and what that costs.

    BEFORE and AFTER are paths, patterns in quotes, `dataset.NAME`, and one of them `-` for
    standard input. Key order, white space and blank lines are no difference. Texts are shown
    with `--show-data` alone, and never in JSON.
    """
    from tunectl.app import checking, measuring
    from tunectl.cli.counting import counting
    from tunectl.views.dataset_diff import diff_text, diff_tree, row_text
    from tunectl.views.text import json_text

    if show_data and format_ == "json":
        raise click.UsageError("`--show-data` shows texts to people, never in JSON")
    if before == after == "-":
        raise click.UsageError("only one of the two can be standard input")
    session.machine = "json" if format_ == "json" else ""
    old, new = (checking.asked(files=(name,), **told, syntax_only=True) for name in (before, after))
    with counting(session) as progress:
        found = measuring.compare(
            session.options(), old, new, epochs=epochs, show_data=show_data, progress=progress
        )
    screen = session.screen
    names, stats = (before, after), (found.before.stats, found.after.stats)
    if session.machine:
        screen.say(json_text(diff_tree(names, stats, found.deltas, found.places), indent=2))
    else:
        screen.say(diff_text(names, stats, found.deltas, found.places, screen.out_paint))
        for one in found.rows:
            screen.say("\n" + row_text(one.place, one.before, one.after, screen.out_paint))
    return Exit.CHANGES if detailed_exitcode and found.deltas else Exit.DONE
