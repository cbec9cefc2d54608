"""`tunectl output`."""

from __future__ import annotations

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import ConfigError

EXAMPLE = """
tunectl output
MODEL=$(tunectl output model --raw)
eval "$(tunectl output --format env)"
"""


@tunectl_command("output", example=EXAMPLE)
@click.argument("name", required=False)
@format_option("human", "json", "env")
@click.option("--raw", is_flag=True, help="Print the text of NAME without quotes.")
@pass_session
def command(session: Session, name: str | None, format_: str, raw: bool) -> None:
    """Print the outputs of the last apply.

    `--format env` prints NAME='value' lines for a shell, the names in capitals.
    """
    from tunectl.app import reading
    from tunectl.core.valuetree import value_to_tree
    from tunectl.views import outcome
    from tunectl.views.text import json_text

    if raw and name is None:
        raise click.UsageError("`--raw` prints one output: name it")
    session.machine = "json" if format_ == "json" else ""
    values = reading.output_values(session.options())
    if name is not None and name not in values:
        known = ", ".join(f"`{known}`" for known in sorted(values))
        hint = f"there are {known}" if known else "the last apply made no outputs"
        raise ConfigError.of(f"there is no output `{name}`", hint=hint)
    chosen = values if name is None else {name: values[name]}
    if format_ == "json":
        tree = value_to_tree(values[name] if name is not None else dict(chosen))
        text = json_text(tree, indent=2)
    elif format_ == "env":
        text = outcome.env_text(chosen)
    elif name is not None:
        text = outcome.raw_text(values[name]) if raw else outcome.value_text(values[name])
    else:
        hidden = reading.sensitive(session.options())
        text = outcome.assignments(chosen, hidden) or "No outputs."
    session.screen.say(text)
