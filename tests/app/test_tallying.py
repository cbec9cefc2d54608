"""What is waited for is told in the words of what began it."""

from __future__ import annotations

import pytest

from tunectl.app.tallying import Tally
from tunectl.core.event import Event, Phase
from tunectl.core.plan import Action, Cause, Change, Plan
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.views.progress import event_line

ADDRESS = Address.of("endpoint", "support")


def told(action: Action, phase: Phase, verb: Verb = Verb.WAIT) -> str:
    change = Change(address=ADDRESS, provider="p", action=action, cause=Cause.CHANGED)
    tally = Tally()
    tally.expect(Plan(lineage="l", serial=1, project="x", env="default", changes=(change,)))
    return event_line(tally.named(Event(phase=phase, address=ADDRESS, verb=verb, elapsed=3.0)))


@pytest.mark.parametrize(
    ("phase", "update", "create"),
    [
        (Phase.PROGRESS, "Still modifying...", "Still creating..."),
        (Phase.COMPLETE, "Modifications complete", "Creation complete"),
        (Phase.ERRORED, "Modifications failed", "Creation failed"),
    ],
)
def test_a_change_in_place_is_modified_while_it_is_waited_for(phase, update, create):
    assert update in told(Action.UPDATE, phase)
    assert create in told(Action.CREATE, phase)
    assert create in told(Action.REPLACE, phase)


def test_what_was_not_begun_is_told_once():
    assert told(Action.UPDATE, Phase.SKIPPED) == ""
    assert told(Action.UPDATE, Phase.SKIPPED, Verb.UPDATE).endswith("is not ready")


def test_what_another_command_did_meanwhile_is_not_called_not_begun():
    tally, other = Tally(), Address.of("endpoint", "inny")
    for address in (ADDRESS, other):
        tally.count(Event(phase=Phase.SKIPPED, address=address, verb=Verb.CREATE))
    tally.elsewhere({other})
    assert [e.address for e in tally.skipped()] == [other]
    assert tally.ended(()).unbegun == (other,)
