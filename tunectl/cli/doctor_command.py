"""`tunectl doctor`."""

from __future__ import annotations

from tunectl.cli.command import command as tunectl_command
from tunectl.cli.session import Session, pass_session
from tunectl.core.errors import Exit

EXAMPLE = """
tunectl doctor
tunectl -C helpdesk doctor
"""


@tunectl_command("doctor", example=EXAMPLE)
@pass_session
def command(session: Session) -> Exit:
    """Say what this machine has, and what it lacks.

    Looks at packages, memory, disk, the project, its state and its providers' keys, and names
    the command that helps. Changes nothing. Exits 1 when something is missing.
    """
    from tunectl.app import doctor
    from tunectl.views.states import finding_text

    screen = session.screen
    healthy = True
    for found in doctor.examine(session.options()):
        healthy = healthy and found.ok is not False
        hint = "" if found.ok else found.hint
        screen.say(finding_text(found.name, found.ok, found.said, hint, screen.out_paint))
    return Exit.DONE if healthy else Exit.ERROR
