"""`tunectl dataset convert`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.dataset_options import reading_options, words
from tunectl.cli.session import Session, pass_session

if TYPE_CHECKING:
    from tunectl.app.converting import Converted

EXAMPLE = """
tunectl dataset convert sharegpt.json --to openai-chat -o rows.jsonl
tunectl dataset convert chat.jsonl --to gemini --allow-loss weight,names
tunectl dataset convert a.csv --columns input=q,output=a --to bedrock | less
"""


@tunectl_command("convert", example=EXAMPLE)
@click.argument("files", nargs=-1, metavar="FILE...", required=True)
@click.option(
    "--to",
    required=True,
    metavar="FORMAT",
    help="openai-chat, preference, reinforcement, gemini, bedrock, bedrock-conversation, "
    "prompt-completion, sharegpt, alpaca or csv.",
)
@click.option(
    "-o",
    "--out",
    default="-",
    metavar="FILE",
    help="The file to write; `.json` gives an array, `.gz` and `.zst` are compressed "
    "[default: standard output].",
)
@click.option(
    "--allow-loss",
    "allow",
    metavar="NAMES",
    default="",
    callback=words,
    help="What may be lost: `tools,weight`. Without it nothing is.",
)
@click.option(
    "--keep",
    metavar="KEYS",
    default="",
    callback=words,
    help="Keys that are carried along: `customer_id,source`.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@reading_options
@pass_session
def convert(session: Session, /, **told: Any) -> None:  # noqa: ANN401  # the options
    """Write data files in the format of a provider or a tool.

    FILE is a path, a pattern in quotes, or `-` for standard input; several become one. What the
    format cannot carry is counted and refused (exit 3) unless it is allowed. Nothing is written
    unless every row can be.
    """
    from tunectl.app import converting
    from tunectl.cli.counting import counting

    asked = converting.Asked(format=told.pop("format_in"), **told)
    with counting(session) as progress:
        done = converting.convert(session.options(), asked, sys.stdout.buffer, progress)
    _tell(session, done)


def _tell(session: Session, done: Converted) -> None:
    from tunectl.app import converting
    from tunectl.views.diagnostics import diagnostics_text
    from tunectl.views.text import clean, counted

    screen = session.screen
    if found := converting.warnings(done):
        screen.warn(diagnostics_text(found, screen.err_paint) + "\n")
    rows = counted(done.rows, "row")
    screen.warn(f"read {rows} of `{done.shape}`: {clean(done.evidence)}")
    where = "standard output" if done.out == "-" else clean(done.out)
    screen.warn(f"wrote {rows} of `{done.to}` to {where}")
