"""`tunectl import`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import ConfigError, Exit

if TYPE_CHECKING:
    from tunectl.app.importing import Imported

EXAMPLE = """
tunectl import tuning_job.support ftjob-abc123
tunectl import endpoint.support helpdesk-support --dry-run
tunectl import tuning_job.old ftjob-abc123 --provider openai_eu
"""


@tunectl_command("import", example=EXAMPLE)
@click.argument("address", metavar="ADDR")
@click.argument("id", metavar="ID")
@click.option(
    "--provider", metavar="NAME", help="Where it is, when ADDR is not declared and names none."
)
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write there: `NAME.tunectl.yaml` in the project's folder.",
)
@click.option("--dry-run", is_flag=True, help="Print the file; write nothing.")
@click.option(
    "--force", is_flag=True, help="Import it although it carries the mark of another history."
)
@format_option("human", "json")
@pass_session
def command(
    session: Session,
    address: str,
    id: str,  # noqa: A002  # the word of the usage line
    provider: str | None,
    out: Path | None,
    dry_run: bool,
    force: bool,
    format_: str,
) -> Exit:
    """Take over a model or endpoint that exists already.

    Adds an `import:` entry to the configuration, into the overlay with --env. When ADDR is not
    declared, its declaration is written too, from what the provider tells; what it cannot tell
    (the rows of a tuning job) is left as a comment to fill in, and the command exits 1. The next
    plan shows what is taken over; nothing is made, changed or paid.
    """
    from tunectl.app import importing
    from tunectl.views.diagnostics import diagnostics_text

    session.machine = "json" if format_ == "json" else ""
    wanted = importing.Wanted(
        address=address, id=id, provider=provider, out=out, dry_run=dry_run, force=force
    )
    done = importing.take(session.options(), wanted)
    if format_ == "json":
        _say_json(session, done, written=not dry_run)
    else:
        if done.warnings:
            session.screen.warn(diagnostics_text(done.warnings, session.screen.err_paint) + "\n")
        _say(session, done, written=not dry_run)
    return Exit.ERROR if done.missing else Exit.DONE


def _say(session: Session, done: Imported, *, written: bool) -> None:
    from tunectl.views.diagnostics import diagnostics_text

    screen = session.screen
    if not written:
        screen.say(f"# {done.file}\n{done.text.rstrip()}")
    else:
        what = (
            "an `import:` entry" if done.declared else f"`{done.address}` and its `import:` entry"
        )
        screen.say(f"Wrote {what} to {done.file}.")
    if done.missing:
        screen.warn("\n" + diagnostics_text(_open(done).diagnostics, screen.err_paint))
    elif written:
        session.advise("`tunectl plan` shows what is taken over; `tunectl apply` does it.")


def _open(done: Imported) -> ConfigError:
    fields = ", ".join(f"`{name}:`" for name in done.missing)
    return ConfigError.of(
        f"the declaration of `{done.address}` is not complete: {fields} must be filled in",
        hint=f"a comment in `{done.file}` says where; nothing is planned before",
        code="import-incomplete",
        address=str(done.address),
    )


def _say_json(session: Session, done: Imported, *, written: bool) -> None:
    from tunectl.views.diagnostics import diagnostic_tree
    from tunectl.views.text import json_text

    tree = {
        "address": str(done.address),
        "id": done.id,
        "provider": done.provider,
        "account": done.account,
        "status": done.status,
        "declared": done.declared,
        "file": done.file,
        "written": written,
        "missing": list(done.missing),
        "text": done.text,
        "warnings": [diagnostic_tree(d) for d in done.warnings],
    }
    session.screen.say(json_text(tree, indent=2))
