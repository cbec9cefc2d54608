"""Events on the screen: not too many lines, and bars where a person watches."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tunectl.cli.live import Live
from tunectl.cli.presenter import JsonLines, Lines, Throttle
from tunectl.cli.screen import Screen
from tunectl.core.event import Event, Phase
from tunectl.core.steps import Verb
from tunectl.core.value import Address
from tunectl.views.paint import Paint
from tunectl.views.redact import Redactor

JOB, OTHER = Address.of("tuning_job", "support"), Address.of("tuning_job", "zgłoszenia")


def progress(step: int, elapsed: float, address: Address = JOB) -> Event:
    return Event(
        phase=Phase.PROGRESS,
        address=address,
        verb=Verb.WAIT,
        elapsed=elapsed,
        detail={"step": step, "total_steps": 2000, "train_loss": 1.0},
    )


def complete(address: Address = JOB) -> Event:
    return Event(phase=Phase.COMPLETE, address=address, verb=Verb.WAIT, id="ftjob-1", elapsed=61)


def screen() -> Screen:
    return Screen(io.StringIO(), io.StringIO(), redact=Redactor(["top-secret"]))


def text_of(shown: Screen) -> str:
    assert isinstance(shown.out, io.StringIO)
    return shown.out.getvalue()


def test_plain_progress_is_at_most_a_line_in_ten_seconds() -> None:
    shown = screen()
    with Lines(shown) as lines:
        for second in range(1, 61):
            lines.event(progress(second, float(second)))
        lines.event(complete())
    told = text_of(shown).splitlines()
    assert len(told) == 7
    assert told[0].startswith("tuning_job.support: Still creating... [step 1/2000")
    assert told[-1] == "tuning_job.support: Creation complete after 1m1s [id=ftjob-1]"


def test_six_hours_of_training_keep_telling() -> None:
    due = Throttle(10)
    told = [s for s in range(0, 6 * 3600, 5) if due(progress(s, float(s)))]
    assert len(told) == 6 * 360
    assert told[-1] > 6 * 3600 - 15


def test_each_object_has_its_own_turn_and_a_new_wait_starts_afresh() -> None:
    due = Throttle(10)
    assert due(progress(1, 1))
    assert due(progress(1, 1, OTHER))
    assert not due(progress(2, 2))
    assert due(complete())
    assert due(progress(3, 3))


def test_json_lines_are_objects() -> None:
    shown = screen()
    with JsonLines(shown) as lines:
        lines.event(progress(1, 0.1))
        lines.event(progress(2, 0.2))
        lines.event(complete())
    types = [json.loads(line)["type"] for line in text_of(shown).splitlines()]
    assert types == ["apply_progress", "apply_complete"]


def test_bars_show_the_step_and_leave_only_finished_lines() -> None:
    drawn = io.StringIO()
    shown = Screen(drawn, drawn, Paint(color=True), redact=Redactor(["top-secret"]))
    console = Console(file=drawn, force_terminal=True, width=100, legacy_windows=False)
    with Live(shown, console) as live:
        live.event(Event(phase=Phase.START, address=JOB, verb=Verb.CREATE))
        live.event(progress(1000, 3))
        live.event(progress(7, 3, OTHER))
        live.event(Event(phase=Phase.PROGRESS, address=OTHER, verb=Verb.WAIT, message="top-secret"))
        live.event(complete())
        live.event(complete(OTHER))
    text = drawn.getvalue()
    assert "step 1000/2000" in text
    assert "zgłoszenia" in text
    assert "top-secret" not in text
    assert "Creation complete after 1m1s [id=ftjob-1]" in text
    assert "━" not in text.rsplit("Creation complete", 1)[1]


def test_a_closed_pipe_stops_nothing() -> None:
    class Closed(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    shown = Screen(Closed(), io.StringIO())
    shown.say("x")
    shown.stream(["a", "b"])
    shown.warn("still here")
    assert isinstance(shown.err, io.StringIO)
    assert shown.err.getvalue() == "still here\n"


class Writes(io.StringIO):
    """A stream that remembers each write."""

    def __init__(self) -> None:
        super().__init__()
        self.each: list[str] = []

    def write(self, text: str) -> int:
        self.each.append(text)
        return super().write(text)


def test_what_is_said_together_is_one_write_with_its_secrets_taken_out() -> None:
    out = Writes()
    shown = Screen(out, io.StringIO(), redact=Redactor(["top-secret"]))
    with shown.together():
        shown.say("raz")
        shown.say("dwa top-secret")
        assert out.each == []
    shown.say("trzy")
    assert out.each == ["raz\ndwa (secret)\n", "trzy\n"]


def test_what_is_printed_otherwise_comes_after_what_was_said_together_before_it() -> None:
    both = Writes()
    shown = Screen(both, both)
    with shown.together():
        shown.say("one")
        shown.warn("two")
        shown.say("three")
        shown.stream(["four\n"])
    assert both.getvalue() == "one\ntwo\nthree\nfour\n"


def test_what_was_said_together_is_printed_when_an_error_ends_it() -> None:
    shown = screen()

    def fails() -> None:
        with shown.together():
            shown.say("said")
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert text_of(shown) == "said\n"


def test_bars_are_drawn_below_what_was_said_together() -> None:
    shown = screen()
    live = Live(shown, Console(file=shown.out, force_terminal=True, width=80))
    with live, shown.together():
        live.event(complete(OTHER))
        live.event(progress(1, 1.0))
    told = text_of(shown)
    assert told.index("Creation complete") < told.index("step 1/2000")
