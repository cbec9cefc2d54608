"""`tunectl serve`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl serve
tunectl serve --root /srv/models --port 8430 --idle 0
"""


@tunectl_command("serve", example=EXAMPLE)
@click.option("--root", metavar="DIR", help="Where it keeps all.")
@click.option(
    "--trainer", type=click.Choice(["lora", "simulated"]), default="lora", help="What trains."
)
@click.option(
    "--idle",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="Stop after so long without work; 0: never [default: 0].",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, metavar="N", help="0: any free one."
)
@pass_session
def command(session: Session, root: str | None, trainer: str, idle: float, port: int) -> int:
    """Run the local tuning and inference server.

    An OpenAI-compatible API on this machine only (127.0.0.1). Provider `local` starts one by
    itself; run it in the foreground to watch it, or to keep it up.
    """
    from tunectl.app import serving

    del session
    return serving.serve(root, trainer, ["--idle", str(idle), "--port", str(port)])
