"""`tunectl rehearse`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.document_option import document_option
from tunectl.cli.session import Session, pass_session
from tunectl.cli.write_option import write_file, write_option
from tunectl.core.errors import Exit
from tunectl.core.rehearsal import FAULTS

if TYPE_CHECKING:
    from tunectl.core.rehearsal import Rehearsed
    from tunectl.views.paint import Paint

EXAMPLE = """
tunectl rehearse
tunectl rehearse --env prod --write markdown=comment.md
tunectl rehearse --fault lost-reply
tunectl rehearse --sample 's3://acme/rows/*.jsonl=tests/rows.jsonl'
"""


@tunectl_command("rehearse", example=EXAMPLE)
@click.option(
    "--fault",
    type=click.Choice(FAULTS),
    default=None,
    help="Let the first upload and the first job of each provider go wrong.",
)
@click.option(
    "--sample",
    "samples",
    metavar="SOURCE=FILE",
    multiple=True,
    callback=lambda _context, _option, given: dict(map(_sample, given)),
    help="Let a local file stand in for data in a bucket; otherwise rows are made up.",
)
@document_option("markdown")
@write_option("human", "json", "markdown")
@pass_session
def command(
    session: Session,
    fault: str | None,
    samples: dict[str, Path],
    format_: str,
    write: tuple[tuple[str, Path], ...],
) -> Exit:
    """Plan, apply and destroy on pretended services.

    Every provider is replaced by a small server on this machine: nothing is bought, no key is
    needed, and neither state nor caches are touched. The data is really read and converted; data
    in a bucket is stood in for, and the report says so. Then it plans, applies, plans again, looks
    for drift and destroys. Exits 0 when a second plan has no changes, nothing drifts and nothing
    is left; 1 when a promise is broken; 3 when a guard refuses the plan.
    """
    from tunectl.app import rehearsing
    from tunectl.views.diagnostics import diagnostics_text

    session.machine = "json" if format_ == "json" else ""
    screen = session.screen
    rehearsed = rehearsing.rehearse(session.options(), fault or "", samples=samples)
    for name, path in write:
        write_file(path, _rendered(rehearsed, name))
    told = (*rehearsed.warnings, *rehearsed.refusals, *rehearsed.failures)
    if told and format_ != "json":
        screen.warn(diagnostics_text(told, screen.err_paint) + "\n")
    screen.say(_rendered(rehearsed, format_, screen.out_paint))
    return rehearsed.exit


def _sample(text: str) -> tuple[str, Path]:
    """Take `SOURCE=FILE`; a source may hold `=`, a file's name may not."""
    source, _, file = text.rpartition("=")
    if not source or not file:
        raise click.BadParameter(
            f"`{text}` is not of the form `SOURCE=FILE`; the source is written as it is declared"
        )
    return source, Path(file)


def _rendered(rehearsed: Rehearsed, format_: str, paint: Paint | None = None) -> str:
    import tunectl
    from tunectl.views import rehearsal
    from tunectl.views.paint import PLAIN
    from tunectl.views.text import json_text

    if format_ == "json":
        return json_text(rehearsal.rehearsal_tree(rehearsed, tunectl.__version__), indent=2)
    if format_ == "markdown":
        return rehearsal.rehearsal_markdown(rehearsed).rstrip("\n")
    return rehearsal.rehearsal_text(rehearsed, paint or PLAIN)
