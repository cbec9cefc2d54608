"""What the run as a whole has to say: the counts of the crash suite."""

from __future__ import annotations

from collections import Counter

COUNTED = ("crash points", "fault cases")
DONE = ("killed at a point", "hindered by a fault", "killed at random")


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
