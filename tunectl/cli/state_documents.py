"""`tunectl state pull`, `push` and `history`: the state as a document."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.locking import lock_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import StateError


@tunectl_command("pull", example="tunectl state pull > backup.json")
@pass_session
def pull(session: Session) -> None:
    """Print the state document, opened and with the journal folded in.

    `state push` takes it back. `tunectl schema state` describes it.
    """
    from tunectl.app import documents

    session.screen.say(documents.pull(session.options()).decode("utf-8").rstrip("\n"))


@tunectl_command("push", example="tunectl state push backup.json")
@click.argument("file", type=click.Path(path_type=Path), metavar="FILE|-")
@click.option("--force", is_flag=True, help="Also from another history, or older.")
@lock_option
@pass_session
def push(session: Session, file: Path, force: bool) -> None:
    """Put a pulled state in the place of the present one.

    Refused when FILE belongs to another project, environment or history, is older than the
    present state, or was altered. What it replaces is kept: `state history` lists it.
    """
    from tunectl.app import documents
    from tunectl.views.records import diff_lines

    name, content = _content(file)
    done = documents.push(session.options(), content, name, force=force)
    if not done.written:
        session.screen.say("The present state is the same. Nothing was written.")
        return
    if done.change is not None:
        session.screen.say(diff_lines(done.change))
    session.screen.say(f"State pushed. Its serial is {done.state.serial}.")


def _content(file: Path) -> tuple[str, bytes]:
    if str(file) == "-":
        return "standard input", sys.stdin.buffer.read()
    try:
        return str(file), file.read_bytes()
    except OSError as error:
        raise StateError.of(f"cannot read `{file}`: {(error.strerror or '').lower()}") from error


@tunectl_command("history", example="tunectl state history --format json")
@document_option()
@pass_session
def history(session: Session, format_: str) -> None:
    """List the last ten states, the newest first, and what changed in each.

    `state repair --from GENERATION` brings one back.
    """
    from tunectl.app import documents
    from tunectl.views.records import diff_tree, history_text
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    kept = documents.history(session.options())
    if not session.machine:
        rows = [
            (k.id, k.replaced, k.serial, k.tool_version, k.resources, k.change, k.problem)
            for k in kept
        ]
        session.screen.say(history_text(rows))
        return
    generations = [
        {
            "id": k.id,
            "replaced": k.replaced.isoformat() if k.replaced else None,
            "serial": None if k.problem else k.serial,
            "tool_version": k.tool_version or None,
            "resources": None if k.problem else k.resources,
            "change": diff_tree(k.change),
            "problem": k.problem or None,
        }
        for k in kept
    ]
    tree = {"format_version": "1.0", "generations": generations}
    session.screen.say(json_text(tree, indent=2))


COMMANDS = (pull, push, history)
