"""Asking before something is deleted for good: the project's name, typed out."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from tunectl.cli.approval import Declined
from tunectl.cli.session import Session
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import TunectlError
from tunectl.views.garbage import swept_text
from tunectl.views.text import counted

if TYPE_CHECKING:
    from tunectl.core.sweep import Swept

_QUESTION = """
Do you really want to delete the orphans listed above?
  There is no undo. Type the project's name, {name}, to confirm.

  Enter a value: """


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Shows what would be deleted and asks for the project's name.

    Attributes:
        given: the name, where it was given beforehand; empty to ask for it.
    """

    session: Session
    given: str = ""

    def __call__(self, found: Swept) -> None:
        """Return when it may be deleted.

        Raises:
            Declined: the user said no.
            TunectlError: another name was given beforehand, or there is nobody to ask.
        """
        if self.given and self.given != found.project:
            raise TunectlError.of(
                f"`--confirm {self.given}`: the project is `{found.project}`",
                hint="nothing was deleted",
                code="not-confirmed",
            )
        if not self.session.machine:
            shown = replace(found, deleting=False)
            self.session.screen.say(swept_text(shown, self.session.screen.out_paint))
        if not found.doomed or self.given:
            return
        if not sys.stdin.isatty() or self.session.machine:
            raise _nobody()
        self._ask(found)

    def _ask(self, found: Swept) -> None:
        answer = self.session.screen.ask(_QUESTION.format(name=found.project))
        self.session.screen.say()
        if not answer:
            raise _nobody()
        if answer.strip() != found.project:
            word = counted(len(found.doomed), "orphan")
            self.session.screen.say(f"Cancelled. {word} left as they are.")
            raise Declined


def _nobody() -> TunectlError:
    return TunectlError.of(
        "not interactive; pass --auto-approve with --confirm and the project's name",
        code="not-interactive",
    )
