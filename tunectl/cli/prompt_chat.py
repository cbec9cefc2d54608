"""`tunectl prompt chat`."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.prompt_options import asked, input_options, parameters, sending_options
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit, Interrupted, TunectlError

if TYPE_CHECKING:
    from tunectl.app.prompt_chatting import Conversation

EXAMPLE = """
tunectl prompt chat support --user anna
tunectl prompt chat support --user anna --session chat-1f2e3d4c
printf 'Cześć\\nGdzie paczka 7?\\n' | tunectl prompt chat support
"""
HELP = """\
/tokens   the tokens of the last prompt, by section
/profile  what the memory knows of the user
/reset    begin a new conversation
/exit     end; so does the end of input"""


@tunectl_command("chat", example=EXAMPLE)
@click.argument("name")
@input_options
@sending_options
@pass_session
def chat(
    session: Session,
    /,
    name: str,
    provider: str | None,
    model: str | None,
    max_tokens: int | None,
    temperature: float | None,
    **told: Any,  # noqa: ANN401  # the options that `asked` reads
) -> int:
    """Talk through a prompt: each line is what the user says.

    Turns are kept in the template's memory under the user and the session; without a memory or
    without `--user` they are kept while the chat runs. Tokens, cost and what came from the
    provider's cache follow each answer. Ctrl-C ends an answer, which is kept as far as it came;
    twice it ends the chat (exit 130).
    """
    from tunectl.app import prompt_running
    from tunectl.app.prompt_chatting import Conversation
    from tunectl.app.prompt_summaries import summariser
    from tunectl.app.prompting import template

    made = template(session.options(), name, sending=True)
    talk = Conversation(
        made=made,
        prompt=made.opened(summariser(made)),
        where=prompt_running.target(made, provider=provider, model=model),
        asked=asked(made, None, **told, all_of=False),
        params=parameters(max_tokens, temperature),
    )
    _greet(session, talk)
    done = _loop(session, talk)
    _part(session, talk)
    return done


def _greet(session: Session, talk: Conversation) -> None:
    from tunectl.views.text import clean

    screen = session.screen
    where = f"{talk.where.model} at {talk.where.provider}"
    kept = "kept in the memory" if talk.remembers else "kept while this runs"
    screen.warn(clean(f"{talk.made.name}: {where}; session {talk.session}, {kept}"))
    if not talk.shows_history:
        screen.warn("the template has no section with `role: history`: each turn stands alone")
    if sys.stdin.isatty():
        screen.warn("/help lists what can be said to tunectl; Ctrl-D ends")


def _loop(session: Session, talk: Conversation) -> int:
    interrupted = False
    while True:
        try:
            line = _read(session)
            if line is None or line.strip() == "/exit":
                return Exit.DONE
            if line.strip():
                interrupted = False
                _turn(session, talk, line.strip())
        except KeyboardInterrupt:
            session.screen.warn("")
            if interrupted:
                return Exit.INTERRUPTED
            interrupted = True
            session.screen.warn("interrupted; Ctrl-C again ends the chat")


def _read(session: Session) -> str | None:
    """Return the next line; None at the end of input."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  # `input` edits lines with it
    try:
        return input("> ")
    except EOFError:
        session.screen.warn("")
        return None


def _turn(session: Session, talk: Conversation, line: str) -> None:
    """Do what a line says; an error ends the turn, and on a terminal not the chat."""
    try:
        if line.startswith("/"):
            _command(session, talk, line)
        else:
            _answer(session, talk, line)
    except Interrupted:
        raise
    except TunectlError as error:
        if not sys.stdin.isatty():
            raise
        from tunectl.views.diagnostics import diagnostics_text

        session.screen.warn(diagnostics_text(error.diagnostics, session.screen.err_paint))


def _command(session: Session, talk: Conversation, line: str) -> None:
    from tunectl.views.prompts import report_text
    from tunectl.views.text import clean, json_text

    screen = session.screen
    match line.split()[0]:
        case "/reset":
            screen.warn(f"a new conversation: session {talk.reset()}")
        case "/tokens" if talk.rendered is None:
            screen.warn("nothing was asked yet")
        case "/tokens":
            assert talk.rendered is not None
            screen.warn(report_text(talk.rendered, screen.err_paint))
        case "/profile":
            screen.warn(json_text(talk.profile(), indent=2))
        case "/help":
            screen.warn(HELP)
        case other:
            screen.warn(clean(f"there is no `{other}`") + f"\n{HELP}")


def _answer(session: Session, talk: Conversation, line: str) -> None:
    from tunectl.views.prompts import citations_text, ending_text, usage_text
    from tunectl.views.text import clean

    screen, pieces, shown = session.screen, talk.say(line), False
    told = talk.cost.unknown

    def words() -> Iterator[str]:
        nonlocal shown
        for piece in pieces:
            shown = True
            yield clean(piece.text)

    try:
        screen.stream(words())
    finally:
        pieces.close()
        if shown:
            screen.say()
    last = talk.last
    assert last is not None
    if noted := citations_text(last.citations):
        screen.warn(noted)
    if ending := ending_text(last.used):
        screen.warn(ending)
    if last.complaint:
        screen.warn(clean(last.complaint))
    screen.warn(usage_text(last.used, last.cost, what=f"turn {talk.turns}: ", told=told))


def _part(session: Session, talk: Conversation) -> None:
    from tunectl.views.prompts import usage_text

    if talk.turns > 1:
        told = talk.cost.unknown
        text = usage_text(talk.used, talk.cost, what=f"{talk.turns} turns: ", told=told)
        left_out = "; what was interrupted is not counted" if talk.interrupted else ""
        session.screen.warn(text + left_out)
    if talk.remembers and talk.kept:
        session.screen.warn(f"go on with `--session {talk.session}`")
