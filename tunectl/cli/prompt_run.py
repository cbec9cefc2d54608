"""`tunectl prompt run`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.prompt_options import asked, input_options, parameters, said, sending_options
from tunectl.cli.session import Session, pass_session
from tunectl.core.ports import Delta

if TYPE_CHECKING:
    from tunectl.app.prompt_running import Sent, Target
    from tunectl.app.prompting import Template

EXAMPLE = """
tunectl prompt run support "Where is my parcel?"
tunectl prompt run support - < question.txt
tunectl prompt run classify --input text="Chcę zwrotu" --json
"""


@tunectl_command("run", example=EXAMPLE)
@click.argument("name")
@click.argument("text", required=False)
@input_options
@sending_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON lines, one an event.")
@pass_session
def run(
    session: Session,
    /,
    name: str,
    text: str | None,
    provider: str | None,
    model: str | None,
    max_tokens: int | None,
    temperature: float | None,
    as_json: bool,
    **told: Any,  # noqa: ANN401  # the options that `asked` reads
) -> None:
    """Send a prompt once, and print the answer as it comes.

    TEXT is the first input that has no value; `-` reads it from standard input. What the answer
    rests on, its tokens and its cost follow on standard error. A structured answer is checked
    against its schema: exit 1 where it does not fit. Nothing is kept in the memory.
    """
    from tunectl.app import prompt_running
    from tunectl.app.prompt_summaries import summariser
    from tunectl.app.prompting import template

    session.machine = "ndjson" if as_json else ""
    question = said(text)
    if question is not None and not question.strip():
        raise click.UsageError("the question is empty")
    made = template(session.options(), name, sending=True)
    given = asked(made, question, **told)
    rendered = prompt_running.render(made, made.opened(summariser(made)), given)
    where = prompt_running.target(made, provider=provider, model=model)
    sent = prompt_running.noted(prompt_running.sent_to(rendered, where), made, given)
    pieces = prompt_running.answer(where, sent, parameters(max_tokens, temperature))
    show = _lines if as_json else _text
    answer, last = show(session, made, where, sent, pieces)
    if sent.checked is not None:
        prompt_running.check_answer(sent.checked, answer, last.finish_reason or "")


def _text(
    session: Session, made: Template, where: Target, sent: Sent, pieces: Iterator[Delta]
) -> tuple[str, Delta]:
    from tunectl.views.prompts import citations_text, ending_text, usage_text
    from tunectl.views.text import clean

    screen = session.screen
    told: list[Delta] = []

    def words() -> Iterator[str]:
        for piece in pieces:
            told.append(piece)
            yield clean(piece.text)

    try:
        screen.stream(words())
    finally:
        if told:
            screen.say()
    last = told[-1] if told else Delta()
    if noted := citations_text(one for piece in told for one in piece.citations):
        screen.warn(noted)
    for note in sent.notes:
        screen.warn(clean(note))
    if ending := ending_text(last):
        screen.warn(ending)
    screen.warn(usage_text(last, where.cost(last, made.ttl)))
    return "".join(piece.text for piece in told), last


def _lines(
    session: Session, made: Template, where: Target, sent: Sent, pieces: Iterator[Delta]
) -> tuple[str, Delta]:
    from tunectl.cli.presenter import now
    from tunectl.views import prompt_events
    from tunectl.views.text import json_text

    told: list[Delta] = []

    def say(line: dict[str, Any]) -> None:
        session.screen.say(json_text(line))

    say(prompt_events.begun(made.name, where.provider, where.model, sent.rendered, now()))
    for piece in pieces:
        told.append(piece)
        for line in prompt_events.piece(piece, now()):
            say(line)
    last = told[-1] if told else Delta()
    answer = "".join(piece.text for piece in told)
    say(prompt_events.ended(answer, last, where.cost(last, made.ttl), sent.notes, now()))
    return answer, last
