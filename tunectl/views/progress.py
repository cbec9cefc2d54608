"""What an apply says while it runs, a line for each event."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from tunectl.core.event import Event, Phase
from tunectl.core.ports import JobEvent
from tunectl.core.steps import Verb
from tunectl.core.value import Plain
from tunectl.views.paint import PLAIN, Paint, Style
from tunectl.views.text import duration, one_line, scrub

_WORDS = {
    Verb.CREATE: ("Creating...", "Still creating...", "Creation"),
    Verb.WAIT: ("Creating...", "Still creating...", "Creation"),
    Verb.UPDATE: ("Modifying...", "Still modifying...", "Modifications"),
    Verb.DELETE: ("Destroying...", "Still destroying...", "Destruction"),
    Verb.ADOPT: ("Importing...", "Still importing...", "Import"),
    Verb.FORGET: ("Forgetting...", "Still forgetting...", "Forgetting"),
}


def event_line(event: Event, paint: Paint = PLAIN) -> str:
    """Return the event as one line, empty when it says nothing to people."""
    if not _is_clean(event):
        event = scrub(event)
    text = _text(event)
    return f"{paint(f'{event.address}:', Style.BOLD)} {text}" if text else ""


def _is_clean(event: Event) -> bool:
    """Whether nothing of what a line shows needs cleaning: there are two events a resource."""
    texts = event.id.isprintable() and event.message.isprintable()
    return texts and not event.detail and scrub(event.address) is event.address


def _text(event: Event) -> str:
    starting, going_on, noun = _WORDS[event.verb]
    id_ = f" [id={one_line(event.id)}]" if event.id else ""
    match event.phase:
        case Phase.START:
            return f"{starting}{id_}"
        case Phase.PROGRESS:
            return f"{going_on} [{progress_text(event)}]"
        case Phase.COMPLETE:
            after = id_ if event.verb not in {Verb.DELETE, Verb.FORGET} else ""
            return f"{noun} complete after {duration(event.elapsed)}{after}"
        case Phase.ERRORED:
            return f"{noun} failed after {duration(event.elapsed)}"
        case Phase.SKIPPED:
            return "" if event.verb is Verb.WAIT else "Not begun: something it needs is not ready"
        case Phase.DETACHED:
            return f"Still running{id_}; the next apply goes on with it"
        case Phase.RECOVERED:
            return f"Recovered: {one_line(event.message) or 'an interrupted step was settled'}{id_}"
        case Phase.REMAINS:
            return ""


def progress_text(event: Event) -> str:
    """Return `step 12/90, loss 1.23, valid 0.90, 2m10s left`, else the event's own words."""
    parts = [*metrics(event.detail)]
    if not parts:
        elapsed = f"{duration(event.elapsed)} elapsed"
        return f"{one_line(event.message)}, {elapsed}" if event.message else elapsed
    return ", ".join(parts)


def metrics(detail: Mapping[str, Plain]) -> tuple[str, ...]:
    """Return the numbers of a training step as words, in one order."""
    parts: list[str] = []
    step, total = detail.get("step"), detail.get("total_steps")
    if step is not None:
        parts.append(f"step {step}/{total}" if total else f"step {step}")
    for key, word in (("train_loss", "loss"), ("valid_loss", "valid")):
        number = detail.get(key)
        if isinstance(number, int | float):
            parts.append(f"{word} {number:.3g}")
    left = detail.get("seconds_left")
    if isinstance(left, int | float):
        parts.append(f"{duration(left)} left")
    return tuple(parts)


def job_event_line(event: JobEvent, paint: Paint = PLAIN) -> str:
    """Return one line of a job's log: UTC time, level where it matters, message, numbers."""
    event = scrub(event)
    at = datetime.fromtimestamp(event.at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    level = "" if event.level in {"", "info"} else paint(f"{event.level}: ", Style.WARNING)
    numbers = ", ".join(metrics(event.data))
    message = one_line(event.message)
    told = message.lower().startswith("step ")  # the message says only what the numbers say
    text = f"{message} ({numbers})" if message and numbers and not told else numbers or message
    return f"{paint(at, Style.FAINT)}  {level}{text}"
