"""`tunectl ask`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session

EXAMPLE = """
tunectl ask endpoint.support "How do I return a parcel?"
tunectl ask prompt_template.support - < question.txt
tunectl ask smollm2-135m-instruct "Hello" --max-tokens 50
"""


@tunectl_command("ask", example=EXAMPLE)
@click.argument("target")
@click.argument("text")
@click.option("--system", metavar="TEXT", help="System instructions.")
@click.option("--input", "inputs", multiple=True, metavar="NAME=VALUE", help="Prompt input.")
@click.option("--provider", metavar="NAME", help="Which provider has a model id.")
@click.option("--max-tokens", type=click.IntRange(min=1), metavar="N", help="Longest answer.")
@click.option("--temperature", type=click.FloatRange(0, 2), metavar="T", help="0 is repeatable.")
@pass_session
def command(
    session: Session,
    target: str,
    text: str,
    system: str | None,
    inputs: tuple[str, ...],
    provider: str | None,
    max_tokens: int | None,
    temperature: float | None,
) -> None:
    """Ask an endpoint, prompt, tuned or base model.

    TARGET is the address of an endpoint, a tuning job or a prompt template, or a model as it is
    named in the YAML: its id, or the path of a local one. TEXT is the question; `-` reads it from
    standard input. The answer is printed as it comes.
    """
    from tunectl.app import asking
    from tunectl.views.prompts import ending_text
    from tunectl.views.text import clean

    given = sys.stdin.read() if text == "-" else text
    if not given.strip():
        raise click.UsageError("the question is empty")
    question = asking.Question(
        target=target,
        text=given.rstrip("\n"),
        system=system,
        provider=provider,
        max_tokens=max_tokens,
        temperature=temperature,
        inputs=_pairs(inputs),
    )
    pieces, shown, ending = asking.ask(session.options(), question), False, ""

    def words() -> Iterator[str]:
        nonlocal shown, ending
        for piece in pieces:
            shown, ending = True, ending or ending_text(piece)
            yield clean(piece.text)

    try:
        session.screen.stream(words())
    finally:
        if shown:
            session.screen.say()
        if ending:
            session.screen.warn(ending)


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise click.UsageError(f"`--input {text}` is not of the form `name=value`")
        found[name] = value
    return found
