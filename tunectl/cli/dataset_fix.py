"""`tunectl dataset fix`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

if TYPE_CHECKING:
    from tunectl.app.fixing import Asked, Fixed
    from tunectl.data.fixing.edit import Edit

EXAMPLE = """
tunectl dataset fix data/support.jsonl --dry-run
tunectl dataset fix export.csv --columns input=q,output=a -o data/rows.jsonl
tunectl dataset fix old.jsonl --encoding koi8-r --json
"""


@tunectl_command("fix", example=EXAMPLE)
@click.argument("files", nargs=-1, metavar="FILE...", required=True)
@click.option(
    "-o",
    "--out",
    metavar="FILE",
    help="The new file, `-` for standard output [default: NAME.fixed.jsonl beside each].",
)
@click.option("--dry-run", is_flag=True, help="Only say what would be repaired.")
@click.option("--drop", is_flag=True, help="Leave out the rows that cannot be repaired.")
@click.option(
    "--encoding", metavar="NAME", help="Of the lines that are not UTF-8 [default: found]."
)
@click.option(
    "--from", "format_in", metavar="FORMAT", help="The shape of the rows [default: detected]."
)
@click.option("--columns", metavar="INPUT=…", help="Columns of a table: `input=a,output=b`.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@click.option("--json", is_flag=True, help="Print one JSON object for each edit and file.")
@pass_session
def fix(
    session: Session,
    /,
    format_in: str | None,
    columns: str | None,
    json: bool,
    **told: Any,  # noqa: ANN401  # the options
) -> int:
    """Repair data files without guessing, into new files.

    Encoding, byte order marks, line ends, blank lines, commas too many, NFC, rows that stand
    twice, and every shape to OpenAI's chat rows. Lists each edit; names what only a person can
    repair. Exit 1 when something cannot be repaired, 3 when the new file breaks a rule.
    """
    from tunectl.app import fixing
    from tunectl.cli.dataset_options import pairs

    session.machine = "ndjson" if json else ""
    asked = fixing.Asked(
        format=format_in, columns=pairs(columns, "--columns") if columns else None, **told
    )
    return run_fix(session, asked)


def run_fix(session: Session, asked: Asked) -> int:
    """Repair, print every edit as it is made, and return the exit code."""
    from tunectl.app import fixing
    from tunectl.core.errors import strongest

    if session.machine:
        edit, finish = _to_machine(session, asked)
    else:  # the rows themselves may go to standard output
        edit, finish = _to_person(session, asked, away=asked.out == "-")
    done = fixing.fix(session.options(), asked, edit, sys.stdout.buffer)
    finish(done)
    return int(strongest(one.exit for one in done))


def repaired(session: Session, told: dict[str, Any]) -> dict[str, Any]:
    """Repair the files of `dataset check --fix` and return the options for what is to be checked.

    The edits go to standard error. What an earlier run wrote is replaced. Where something cannot
    be repaired, the files are checked as they are, which says what.

    Args:
        session: what the command shares.
        told: the options of `check`.

    Raises:
        click.UsageError: no files are named, or a declared dataset.
    """
    from tunectl.app import checking, fixing

    files = told["files"]
    if not files or any(checking.is_address(name) for name in files):
        raise click.UsageError(
            "`--fix` repairs files\nname them: `tunectl dataset check FILE --fix`"
        )
    asked = fixing.Asked(
        files=files, format=told["format_in"], columns=told["columns"], force=True, check=False
    )
    edit, finish = _to_person(session, asked, away=True)
    done = fixing.fix(session.options(), asked, edit, sys.stdout.buffer)
    finish(tuple(replace(one, left=()) for one in done if one.out is not None))
    if any(one.left for one in done):
        return told
    made = tuple(one.out or one.names[0] for one in done)
    return {**told, "files": made, "format_in": None, "columns": None}


_Printers = tuple["Callable[[Edit], None]", "Callable[[tuple[Fixed, ...]], None]"]


def _to_person(session: Session, asked: Asked, *, away: bool) -> _Printers:
    from tunectl.views.fixing import EditsShown, fixed_text

    screen = session.screen
    put, paint = (screen.warn, screen.err_paint) if away else (screen.say, screen.out_paint)
    shown = EditsShown(paint)

    def edit(one: Edit) -> None:
        if text := shown.line(one.file, one.line, one.rule, one.what, one.times):
            put(text)

    def finish(done: tuple[Fixed, ...]) -> None:
        for line in shown.rest():
            put(line)
        for one in done:
            put(fixed_text(_shown(one, asked), paint))

    return edit, finish


def _to_machine(session: Session, asked: Asked) -> _Printers:
    from tunectl.views.fixing import edit_tree, fixed_tree
    from tunectl.views.text import json_text

    put = session.screen.warn if asked.out == "-" else session.screen.say

    def edit(one: Edit) -> None:
        put(json_text(edit_tree(one.file, one.line, one.rule, one.what, one.times)))

    def finish(done: tuple[Fixed, ...]) -> None:
        for one in done:
            put(json_text(fixed_tree(_shown(one, asked))))

    return edit, finish


def _shown(one: Fixed, asked: Asked) -> Any:  # noqa: ANN401  # views are imported when used
    from tunectl.views.fixing import FixedFile

    return FixedFile(
        names=one.names,
        out=one.out,
        dry_run=asked.dry_run,
        rows=one.rows,
        written=one.written,
        edits=one.edits,
        left=one.left,
        exit=one.exit,
    )
