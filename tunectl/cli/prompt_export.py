"""`tunectl prompt export`."""

from __future__ import annotations

from pathlib import Path

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.cli.write_option import write_file

DIALECTS = ("openai", "anthropic", "gemini", "bedrock")
EXAMPLE = """
tunectl prompt export support --for openai
tunectl prompt export support --for anthropic -o web/prompt.json
"""


@tunectl_command("export", example=EXAMPLE)
@click.argument("name")
@click.option(
    "--for",
    "dialect",
    type=click.Choice(DIALECTS),
    required=True,
    help="In the words of which service.",
)
@click.option(
    "--carry-jinja",
    "carry",
    is_flag=True,
    help="Hand over as it is what only Jinja can render, instead of refusing.",
)
@click.option(
    "-o",
    "output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write it there instead of printing it.",
)
@pass_session
def export(session: Session, name: str, dialect: str, carry: bool, output: Path | None) -> None:
    """Print a prompt as JSON for programs in other languages.

    Texts stand in it as they are; what an application fills in is named: inputs, the profile,
    history, documents. Conditions and loops of a template are refused by the name of their section.
    It holds no key and nothing of a user; `how` within it says how it is filled in.
    """
    from tunectl.app import prompt_exporting
    from tunectl.views.text import json_text

    session.machine = "" if output else "json"
    tree = prompt_exporting.export(session.options(), name, dialect, carry=carry)
    text = json_text(tree, indent=2)
    if output is None:
        session.screen.say(text)
        return
    write_file(output, text)
    session.screen.say(f"wrote `{output}`")
