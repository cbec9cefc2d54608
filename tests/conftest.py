"""What concerns the run as a whole: a quick collection, and the counts of the crash suite."""

from __future__ import annotations

import gc
from collections import Counter

import pytest

COUNTED = ("crash points", "fault cases")
DONE = ("killed at a point", "hindered by a fault", "killed at random")


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Look for no garbage while tests are collected: nearly all that is made then stays.

    It was a third of a collection's time. Afterwards what was made is old, as if it had been looked
    at. It is not left frozen: who asks how much is frozen has it counted, object by object.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.unfreeze()
        gc.enable()


def pytest_terminal_summary(terminalreporter):
    """Print how many crash points and fault cases there are, and how many this run tried."""
    found: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, ()):
            if getattr(report, "when", "") == "call":
                found.update({k: v for k, v in report.user_properties if k in (*COUNTED, *DONE)})
    if found:
        counts = ", ".join(f"{found[name]} {name}" for name in COUNTED if name in found)
        done = ", ".join(f"{found[name]} {name}" for name in DONE if name in found)
        terminalreporter.section("crash suite")
        terminalreporter.write_line("; ".join(text for text in (counts, done) if text))
