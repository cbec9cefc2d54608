"""Asking before anything is changed: the typed `yes`, as Terraform asks for it."""

from __future__ import annotations

import os
import sys
from dataclasses import field
from typing import TYPE_CHECKING

from tunectl.cli.presenter import now
from tunectl.cli.session import Session
from tunectl.core.dataclass import dataclass
from tunectl.core.errors import TunectlError
from tunectl.views.diagnostics import diagnostics_text
from tunectl.views.human_plan import place, plan_text

if TYPE_CHECKING:
    from tunectl.app.planning import Planned

_APPLY = """
Do you want to perform these actions in {place}?
  tunectl will perform the actions described above.
  Only 'yes' will be accepted to approve.

  Enter a value: """
_DESTROY = """
Do you really want to destroy everything above in {place}?
  tunectl will delete what this project made, as shown above.
  There is no undo. Only 'yes' will be accepted to confirm.

  Enter a value: """
_INTERRUPTED = (
    b"\nInterrupt received. Nothing new is started; running jobs go on at the provider.\n"
    b"Press Ctrl-C again to leave at once.\n"
)


class Declined(TunectlError):  # noqa: N818  # it is an answer, not an error
    """The user said no; it has been said on the screen."""


@dataclass(slots=True)
class Approval:
    """Shows the plan and asks, once, under the lock.

    Attributes:
        granted: approved beforehand: `--auto-approve`, or a saved plan.
        hidden: names of sensitive outputs, known when the plan is.
    """

    session: Session
    granted: bool = False
    destroy: bool = False
    hidden: frozenset[str] = frozenset()
    _asking: bool = field(default=False, init=False)

    def __call__(self, planned: Planned) -> None:
        """Show the plan and return when it may be carried out.

        Raises:
            Declined: the user said no.
            TunectlError: there is nobody to ask.
        """
        self.hidden = frozenset(o.name for o in planned.project.outputs if o.sensitive)
        self._show(planned)
        if planned.plan.empty or self.granted:
            if not planned.plan.empty and not self.session.machine:
                self.session.screen.say()
            return
        if not sys.stdin.isatty() or self.session.machine:
            raise TunectlError.of(
                "not interactive; pass --auto-approve or a saved plan", code="not-interactive"
            )
        self._ask(place(planned.plan))

    def interrupted(self) -> None:
        """Answer the first Ctrl-C: at the prompt it ends the command.

        Raises:
            KeyboardInterrupt: at the prompt.
        """
        if self._asking:
            raise KeyboardInterrupt
        # Runs inside a signal handler, where a buffered stream may be in the middle of a write.
        os.write(2, _INTERRUPTED)

    def _show(self, planned: Planned) -> None:
        if self.session.machine:
            self._show_lines(planned)
        else:
            self.present(planned)

    def _show_lines(self, planned: Planned) -> None:
        """Print the plan as the objects that a machine reads."""
        from tunectl.views import json_events  # with the shapes of all events
        from tunectl.views.text import json_text

        plan, screen = planned.plan, self.session.screen
        lines = [json_events.diagnostic_line(d, now()) for d in planned.warnings]
        lines += [json_events.planned_line(change, now()) for change in plan.changes]
        lines += [json_events.recorded_only_line(a, said, now()) for a, said in plan.noted]
        with screen.together():
            for line in [*lines, json_events.plan_summary_line(plan, now())]:
                screen.say(json_text(line))

    def present(self, planned: Planned) -> None:
        """Show the plan to a person; also one that is refused."""
        screen = self.session.screen
        if planned.warnings:
            screen.warn(diagnostics_text(planned.warnings, screen.err_paint) + "\n")
        screen.say(plan_text(planned.plan, screen.out_paint))

    def _ask(self, where: str) -> None:
        self._asking = True
        try:
            question = _DESTROY if self.destroy else _APPLY
            answer = self.session.screen.ask(question.format(place=where))
        finally:
            self._asking = False
        self.session.screen.say()
        if not answer:
            raise TunectlError.of(
                "not interactive; pass --auto-approve or a saved plan", code="not-interactive"
            )
        if answer.strip() != "yes":
            word = "Destroy" if self.destroy else "Apply"
            self.session.screen.say(f"{word} cancelled.")
            raise Declined
