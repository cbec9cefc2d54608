"""`tunectl prompt render`."""

from __future__ import annotations

from typing import Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.command import format_option
from tunectl.cli.prompt_options import asked, input_options, said
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl prompt render support --input question="Gdzie jest paczka?"
tunectl prompt render support - --for anthropic < question.txt
tunectl prompt render support "Cześć" --documents passages.json --format json
"""


@tunectl_command("render", example=EXAMPLE)
@click.argument("name")
@click.argument("text", required=False)
@click.option(
    "--for",
    "wanted",
    metavar="DIALECT",
    help="anthropic, openai, gemini, bedrock, or a provider [default: the template's].",
)
@input_options
@format_option("human", "json")
@pass_session
def render(
    session: Session,
    /,
    name: str,
    text: str | None,
    wanted: str | None,
    format_: str,
    **told: Any,  # noqa: ANN401  # the options that `asked` reads
) -> None:
    """Print exactly what would be sent, and its tokens by section.

    TEXT is the first input that has no value; `-` reads it from standard input. The body of the
    request goes to standard output, the token report to standard error; with `--format json` both
    stand in one document. Nothing is sent. Nothing needs to be applied, but for what is searched.
    """
    from tunectl.app import prompt_running
    from tunectl.app.prompt_summaries import nobody
    from tunectl.app.prompting import template
    from tunectl.views.prompts import report_text, report_tree
    from tunectl.views.text import clean, json_text

    session.machine = "json" if format_ == "json" else ""
    made = template(session.options(), name, sending=False)
    given = asked(made, said(text), **told)
    dialect, structured, service = prompt_running.dialect_for(made, wanted)
    rendered = prompt_running.render(made, made.opened(nobody), given)
    model = str(made.tree.get("model") or "")
    sent = prompt_running.request(rendered, dialect, model, structured=structured, service=service)
    sent = prompt_running.noted(sent, made, given)
    screen = session.screen
    if format_ == "json":
        tree = {"prompt": made.name, "dialect": dialect, "body": sent.body}
        screen.say(json_text({**tree, **report_tree(rendered), "notes": sent.notes}, indent=2))
        return
    screen.say(json_text(sent.body, indent=2))
    screen.warn(report_text(rendered, screen.err_paint))
    for note in sent.notes:
        screen.warn(clean(note))
