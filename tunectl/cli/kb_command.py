"""`tunectl kb`."""

from __future__ import annotations

import sys

import click

from tunectl.cli.command import SETTINGS, format_option
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl kb search manual "How do I return a parcel?"
tunectl kb search manual "błąd E17" --top-k 3 --format json
"""


@click.group("kb", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """Search knowledge bases."""


@command.add
@tunectl_command("search", example=EXAMPLE)
@click.argument("name")
@click.argument("question")
@click.option("--top-k", type=click.IntRange(1, 50), metavar="N", help="At most so many passages.")
@click.option(
    "--min-score",
    type=click.FloatRange(0, 1),
    metavar="X",
    help="Leave out what scores less.",
)
@format_option("human", "json")
@pass_session
def search(
    session: Session,
    name: str,
    question: str,
    top_k: int | None,
    min_score: float | None,
    format_: str,
) -> None:
    """Print what a prompt would be given of a knowledge base.

    NAME is a knowledge base that an apply made, at any provider; QUESTION is what is looked for;
    `-` reads it from standard input. How much is found is as declared under `retrieval:`, unless
    the options say otherwise.
    """
    from tunectl.app import searching
    from tunectl.views.passages import passages_text, passages_tree
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    asked = sys.stdin.read() if question == "-" else question
    if not asked.strip():
        raise click.UsageError("the question is empty")
    found = searching.search(session.options(), name, asked, top_k=top_k, min_score=min_score)
    tree = passages_tree(found) if session.machine else None
    session.screen.say(json_text(tree, indent=2) if tree is not None else passages_text(found))
