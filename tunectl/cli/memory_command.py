"""`tunectl memory`."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tunectl.cli.command import SETTINGS
from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.groups import ExampleGroup
from tunectl.cli.memory_option import memory_options, user_given
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import TunectlError

EXAMPLE = """
tunectl memory show
tunectl memory set anna language=pl vip=true
tunectl memory export anna -o anna.json
tunectl memory purge
"""


@click.group("memory", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """Show, export and purge what is remembered of users."""


@command.add
@tunectl_command("show", example="tunectl memory show anna --show-data")
@click.argument("user", required=False)
@memory_options
@click.option("--show-data", is_flag=True, help="Also personal values, and what was said.")
@document_option()
@pass_session
def show(
    session: Session,
    user: str | None,
    memory: str,
    file: str,
    url_env: str,
    show_data: bool,
    format_: str,
) -> None:
    """Print how much is remembered, or what is of USER.

    Personal values and the words of conversations are masked unless `--show-data` is given.
    """
    from tunectl.app import remembering
    from tunectl.views import memories
    from tunectl.views.text import json_text

    where = remembering.Where(memory=memory, file=file, url_env=url_env)
    as_json = format_ == "json"
    session.machine = "json" if as_json else ""
    if user is not None:
        if as_json:
            raise click.UsageError("`tunectl memory export USER` prints JSON")
        tree = remembering.export(session.options(), where, user_given(user))
        session.screen.say(memories.user_text(tree, show_data=show_data))
        return
    rows = remembering.survey(session.options(), where)
    tree = memories.amounts_tree(rows, "memories")
    text = json_text(tree, indent=2) if as_json else memories.amounts_text(rows, users=True)
    session.screen.say(text)


@command.add
@tunectl_command("export", example="tunectl memory export anna -o anna.json")
@click.argument("user")
@memory_options
@click.option(
    "-o", "out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write here."
)
@pass_session
def export(
    session: Session, user: str, memory: str, file: str, url_env: str, out: Path | None
) -> None:
    """Print all that is remembered of USER, as JSON.

    Profile, conversations, summaries and times, of every memory of the project. USER is the id
    that the application uses; `-` reads it from standard input.
    """
    from tunectl.app import remembering
    from tunectl.views import memories
    from tunectl.views.text import json_text

    where = remembering.Where(memory=memory, file=file, url_env=url_env)
    session.machine = "" if out else "json"
    tree = remembering.export(session.options(), where, user_given(user))
    text = json_text(tree, indent=2)
    if out is None:
        session.screen.say(text)
        return
    _write(out, text + "\n")
    session.screen.say(f"wrote `{out}`: {memories.exported_text(tree)}; only you may read it")


def _write(out: Path, text: str) -> None:
    """Write what only its owner may read.

    Raises:
        TunectlError: the file cannot be written.
    """
    try:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(number, "w", encoding="utf-8") as stream:
            os.fchmod(number, 0o600)  # a file that was there keeps its permissions otherwise
            stream.write(text)
    except OSError as error:
        raise TunectlError.of(f"cannot write `{out}`: {error.strerror}") from error


@command.add
@tunectl_command("set", example="tunectl memory set anna language=pl vip=true")
@click.argument("user")
@click.argument("fields", nargs=-1, required=True, metavar="NAME=VALUE...")
@click.option("--memory", default="", metavar="NAME", help="This memory, of several declared.")
@pass_session
def set_(session: Session, user: str, fields: tuple[str, ...], memory: str) -> None:
    """Set fields of USER's profile, to try a prompt.

    An empty VALUE forgets the field. The texts of a list are separated by commas; where one has a
    comma in it, the list is written as JSON: `grows='["beans, runner", "peas"]'`. Only declared
    fields are taken, and only values that fit them.
    """
    from tunectl.app import remembering

    given: dict[str, str] = {}
    for text in fields:
        name, separator, value = text.partition("=")
        if not separator or not name:
            raise click.UsageError("a field is given as `name=value`")
        given[name] = value
    where = remembering.Where(memory=memory)
    name = remembering.set_fields(session.options(), where, user_given(user), given)
    kept = [field for field, value in given.items() if value]
    forgotten = [field for field, value in given.items() if not value]
    told = [f"{', '.join(kept)} set"] if kept else []
    told += [f"{', '.join(forgotten)} forgotten"] if forgotten else []
    session.screen.say(f"{name}: {'; '.join(told)}")


@command.add
@tunectl_command("purge", example="tunectl memory purge --undeclared")
@memory_options
@click.option("--undeclared", is_flag=True, help="Also the fields that are declared no more.")
@document_option()
@pass_session
def purge(
    session: Session, memory: str, file: str, url_env: str, undeclared: bool, format_: str
) -> None:
    """Delete what has expired, of all users.

    What has expired is never returned, and each write deletes it; this is for a memory that is
    seldom written to. Safe to run on a schedule.
    """
    from tunectl.app import remembering
    from tunectl.views import memories
    from tunectl.views.text import json_text

    where = remembering.Where(memory=memory, file=file, url_env=url_env)
    session.machine = "json" if format_ == "json" else ""
    rows = remembering.purge(session.options(), where, undeclared=undeclared)
    if session.machine:
        session.screen.say(json_text(memories.amounts_tree(rows, "purged"), indent=2))
        return
    for name, amount in rows:
        session.screen.say(f"{name}: {memories.amount_text(amount)} deleted")
