"""What concerns the run as a whole: patience, open descriptors, the counts of the crash suite."""

from __future__ import annotations

import gc
import os
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings

# How long an example takes says nothing here: the first one imports and compiles, and the machine
# may be busy. `pyproject.toml` names it; CI names hypothesis' own profile `ci` after it.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])

COUNTED = ("crash points", "fault cases")
DONE = ("killed at a point", "hindered by a fault", "killed at random")
OPEN = Path("/proc/self/fd")  # Linux only
MANY = 200  # descriptors; select() takes numbers below 1024, and limits begin at 256
allowed = {"descriptors": MANY}


def pytest_runtest_teardown():
    """Collect garbage when much of it holds descriptors.

    A command leaves its clients, which are cycles, to the end of its process. Here the process
    goes on, and the SDKs' many objects let the collector look at old ones hardly ever.
    """
    if OPEN.is_dir() and len(os.listdir(OPEN)) > allowed["descriptors"]:
        gc.collect()
        allowed["descriptors"] = max(MANY, 2 * len(os.listdir(OPEN)))


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
