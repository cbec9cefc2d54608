"""`tunectl erase`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from tunectl.cli.approval import Declined
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.memory_option import memory_options, user_given
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import TunectlError

if TYPE_CHECKING:
    from tunectl.app.remembering import Rows

EXAMPLE = """
tunectl erase anna
echo "$USER_ID" | tunectl erase - --auto-approve
tunectl erase anna --memory customers
"""
_QUESTION = """
Do you really want to erase this user's data from the memories above?
  There is no undo. Only 'yes' will be accepted to confirm.

  Enter a value: """


@tunectl_command("erase", example=EXAMPLE)
@click.argument("user")
@memory_options
@click.option("--auto-approve", is_flag=True, help="Do not ask.")
@document_option()
@pass_session
def command(
    session: Session,
    user: str,
    memory: str,
    file: str,
    url_env: str,
    auto_approve: bool,
    format_: str,
) -> None:
    """Erase all that is remembered of a user, for good.

    Profile, conversations and summaries go from every memory of the project, and from the files
    beside it. USER is the id that the application uses; `-` reads it from standard input. An
    unknown user is fine. Backups, and what a provider keeps of requests, are not reached.
    To print JSON it must be approved beforehand.
    """
    from tunectl.app import remembering
    from tunectl.views import memories
    from tunectl.views.text import json_text

    if user == "-" and not auto_approve:
        raise click.UsageError("`erase -` reads USER from standard input: pass `--auto-approve`")
    session.machine = "json" if format_ == "json" else ""
    where = remembering.Where(memory=memory, file=file, url_env=url_env)
    approve = _Approval(session, granted=auto_approve)
    rows = remembering.erase(session.options(), where, user_given(user), approve)
    if session.machine:
        session.screen.say(json_text(memories.amounts_tree(rows, "erased"), indent=2))
        return
    if not any(amount["users"] for _, amount in rows):
        session.screen.say("Nothing is remembered of this user.")
        return
    for name, amount in rows:
        session.screen.say(f"{name}: {memories.amount_text(amount)} erased")


class _Approval:
    """Shows how much would be erased, and asks."""

    def __init__(self, session: Session, *, granted: bool) -> None:
        self._session, self._granted = session, granted

    def __call__(self, held: Rows) -> None:
        """Return when it may be erased.

        Raises:
            Declined: the user said no.
            TunectlError: there is nobody to ask.
        """
        from tunectl.views import memories

        screen = self._session.screen
        if self._granted:
            return
        if not self._session.machine:
            screen.say(memories.amounts_text(held))
        if not sys.stdin.isatty() or self._session.machine:
            raise _nobody()
        answer = screen.ask(_QUESTION)
        screen.say()
        if not answer:
            raise _nobody()
        if answer.strip() != "yes":
            screen.say("Cancelled. Nothing was erased.")
            raise Declined


def _nobody() -> TunectlError:
    return TunectlError.of("not interactive; pass --auto-approve", code="not-interactive")
