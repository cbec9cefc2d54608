"""`tunectl prompt`."""

from __future__ import annotations

import click

from tunectl.cli import prompt_chat, prompt_export, prompt_lint, prompt_render, prompt_run
from tunectl.cli.command import SETTINGS
from tunectl.cli.groups import ExampleGroup

EXAMPLE = """
tunectl prompt render support "Where is my parcel?" --for anthropic
tunectl prompt run support "Where is my parcel?"
tunectl prompt chat support --user anna
tunectl prompt lint
"""


@click.group("prompt", cls=ExampleGroup, context_settings=SETTINGS, example=EXAMPLE)
def command() -> None:
    """Render, run, chat through and check prompts.

    A prompt is taken as it is declared now: what was edited needs no apply to be tried. NAME is
    the template's name, with its key where it has one: `support["pl"]`.
    """


for _made in (
    prompt_render.render,
    prompt_run.run,
    prompt_chat.chat,
    prompt_lint.lint,
    prompt_export.export,
):
    command.add(_made)
