"""`tunectl lock`."""

from __future__ import annotations

import click

from tunectl.cli.command import SETTINGS
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl lock list
tunectl lock break 6f1c2a0e-7d57-4b0c-9c39-0f4f2f6a1c55
"""


@click.group("lock", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """List held locks, and break one."""


@command.add
@tunectl_command("list", example="tunectl lock list --format json")
@document_option()
@pass_session
def list_(session: Session, format_: str) -> None:
    """Print the held locks of this project's environments.

    Who holds each, for what, since when, and the id that `lock break` wants.
    """
    from tunectl.app import locking
    from tunectl.views.records import lock_tree, locks_text
    from tunectl.views.text import json_text

    session.machine = "json" if format_ == "json" else ""
    held = locking.locks(session.options())
    if session.machine:
        locks = [lock_tree(env, holder) for env, holder in held]
        session.screen.say(json_text({"format_version": "1.0", "locks": locks}, indent=2))
    else:
        session.screen.say(locks_text(held))


@command.add
@tunectl_command("break", example="tunectl lock break 6f1c2a0e-7d57-4b0c-9c39-0f4f2f6a1c55")
@click.argument("lock_id", metavar="ID")
@pass_session
def break_(session: Session, lock_id: str) -> None:
    """Remove a lock whose holder is gone.

    ID is the one that `lock list` and the refused command show. A holder that still lives
    notices, starts nothing new and exits 4; what it has begun is recorded.
    """
    from tunectl.app import locking

    env, holder = locking.break_lock(session.options(), lock_id)
    session.screen.say(
        f"The lock of environment {env} is broken; {holder.who} held it for `{holder.operation}`."
    )
