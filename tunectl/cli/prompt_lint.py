"""`tunectl prompt lint`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session
from tunectl.cli.write_option import write_file, write_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tunectl.app.prompt_linting import Linted

EXAMPLE = """
tunectl prompt lint
tunectl prompt lint support --strict
tunectl prompt lint --format github
"""
FORMATS = ("human", "json", "sarif", "github")


@tunectl_command("lint", example=EXAMPLE)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--strict", is_flag=True, help="Let warnings refuse too (exit 3).")
@format_option(*FORMATS)
@write_option(*FORMATS)
@pass_session
def lint(
    session: Session,
    names: tuple[str, ...],
    strict: bool,
    format_: str,
    write: tuple[tuple[str, Path], ...],
) -> int:
    """Check prompts: cache, limits, inputs, and their tests.

    Said is what spoils the provider's cache, what may not fit the model, which inputs nothing
    uses, which `tests:` fail, and where a prompt asks a tuned model otherwise than its training
    rows do. Nothing is sent; values are invented. Without NAME every template is checked. Exit 3
    for an error.
    """
    from tunectl.app import prompt_linting
    from tunectl.core.errors import strongest

    session.machine = "json" if format_ in {"json", "sarif"} else ""
    found = prompt_linting.lint(session.options(), names, strict=strict)
    if text := _render(found, format_, session, colored=True):
        session.screen.say(text)
    for name, path in write:
        write_file(path, _render(found, name, session, colored=False))
    return strongest(one.exit for each in found for one in each.findings)


def _render(found: Sequence[Linted], format_: str, session: Session, *, colored: bool) -> str:
    import tunectl
    from tunectl.app import explaining
    from tunectl.views import github, prompt_findings, sarif
    from tunectl.views.paint import PLAIN
    from tunectl.views.text import json_text

    diagnostics = [d for one in found for d in one.findings]
    if format_ == "github":
        return github.github_annotations(diagnostics)
    if format_ == "sarif":
        tree = sarif.sarif_tree(diagnostics, explaining.described(), tunectl.__version__)
        return json_text(tree, indent=2)
    if format_ == "json":
        return json_text(prompt_findings.findings_tree(found), indent=2)
    return prompt_findings.findings_text(found, session.screen.out_paint if colored else PLAIN)
