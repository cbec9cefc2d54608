"""`tunectl fmt`."""

from __future__ import annotations

from pathlib import Path

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl fmt
tunectl fmt --check tunectl.yaml
"""


@tunectl_command("fmt", example=EXAMPLE)
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", is_flag=True, help="Write nothing; exit 3 when a file is not in style.")
@pass_session
def command(session: Session, files: tuple[Path, ...], check: bool) -> Exit:
    """Rewrite configuration files in one style.

    Comments, order and values stay; only layout changes. Without FILES: those of the project.
    Prints the names of the files that were not in style.
    """
    from tunectl.app import formatting

    root = session.options().root
    paths = tuple(root / file for file in files) or formatting.project_files(root)
    changed = formatting.fmt(paths, check=check)
    for path in changed:
        session.screen.say(str(path))
    return Exit.REFUSED if check and changed else Exit.DONE
