"""`tunectl dataset split`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.dataset_options import reading_options, share, strip_option
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl dataset split rows.jsonl --validation 10% --test 10% -o data/
tunectl dataset split a.jsonl --test 0.1 --group user --strip user -o data/
"""


@tunectl_command("split", example=EXAMPLE)
@click.argument("file")
@click.option("--validation", callback=share, metavar="SHARE", help="Such as `10%` or `0.1`.")
@click.option("--test", callback=share, metavar="SHARE", help="Such as `10%` or `0.1`.")
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    help="Changes which rows go where [default: 0].",
)
@click.option("--group", metavar="COLUMN", help="Rows with the same value stay together.")
@click.option(
    "-o",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    help="Where train.jsonl and the others go.",
)
@click.option("--force", is_flag=True, help="Replace files that are there.")
@reading_options
@strip_option
@format_option("human", "json")
@pass_session
def split(  # one parameter an option
    session: Session,
    /,
    file: str,
    validation: float | None,
    test: float | None,
    seed: int,
    group: str | None,
    folder: Path,
    force: bool,
    format_: str,
    **told: Any,  # noqa: ANN401  # the options that others read
) -> int:
    """Divide a file into training, validation and test rows.

    A row's split comes from a hash of its input and the seed: rows that are added later move no
    old row to another side. `split:` in the YAML does the same without files.
    """
    from tunectl.app import checking, splitting
    from tunectl.cli.counting import counting
    from tunectl.views.datasets import written_text, written_tree
    from tunectl.views.diagnostics import diagnostics_text
    from tunectl.views.text import json_text

    shares = {"validation": validation, "test": test}
    fractions = {name: value for name, value in shares.items() if value is not None}
    if not fractions:
        raise click.UsageError(
            "nothing to hold back\ngive `--validation 10%`, `--test 10%` or both"
        )
    session.machine = "json" if format_ == "json" else ""
    asked = checking.asked(files=(file,), **told)
    with counting(session) as progress:
        done = splitting.split(
            session.options(),
            checking.divided(asked, fractions, seed, group),
            folder,
            force=force,
            progress=progress,
        )
    screen = session.screen
    rows = [(str(one.path), one.split, one.rows) for one in done.files]
    if session.machine:
        screen.say(json_text(written_tree(rows, done.checked.diagnostics), indent=2))
        return 0
    if done.checked.diagnostics:
        screen.warn(diagnostics_text(done.checked.diagnostics, screen.err_paint) + "\n")
    screen.say(written_text(rows))
    return 0
