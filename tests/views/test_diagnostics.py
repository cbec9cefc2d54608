"""Diagnostics for people and for machines."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from tests.views import samples
from tunectl.core.errors import Diagnostic, Exit, Severity, Source
from tunectl.views.diagnostics import (
    count_text,
    diagnostic_text,
    diagnostics_text,
    validation_tree,
)
from tunectl.views.paint import Paint
from tunectl.views.text import clean, json_text, width

ALL = (
    samples.UNKNOWN_KEY,
    samples.WIDE,
    samples.LONG_ROW,
    samples.NO_SOURCE,
    samples.WARNING,
)


def test_diagnostics_read_like_rustc(snapshot: SnapshotAssertion) -> None:
    assert diagnostics_text(ALL) == snapshot


def test_machines_get_terraforms_object(snapshot: SnapshotAssertion) -> None:
    assert json_text(validation_tree(ALL), indent=1) == snapshot


def test_the_strongest_exit_is_named() -> None:
    assert validation_tree(ALL)["exit"] == {"code": int(Exit.CREDENTIALS), "reason": "credentials"}
    assert validation_tree([samples.WARNING])["exit"] == {"code": 0, "reason": "done"}


def test_carets_stand_under_wide_text() -> None:
    lines = diagnostic_text(samples.WIDE).splitlines()
    line, carets = lines[3], lines[4]
    assert width(line[: line.index("модель")]) == carets.index("^")


def test_colour_changes_nothing_but_colour() -> None:
    assert clean(diagnostics_text(ALL, Paint(color=True))) == diagnostics_text(ALL)


@given(
    st.text(max_size=300),
    st.integers(0, 400),
    st.integers(1, 400),
    st.integers(0, 10_000),
)
def test_any_place_in_any_line_is_shown_in_few_columns(
    text: str, column: int, length: int, line: int
) -> None:
    source = Source("a.yaml", line, column, text, length)
    shown = diagnostic_text(Diagnostic(summary="x", source=source))
    assert clean(shown) == shown
    assert max(width(row) for row in shown.splitlines()) <= 240


def test_counts_leave_out_what_there_is_none_of() -> None:
    assert count_text(ALL) == "4 errors, 1 warning"
    assert count_text([]) == ""
    assert count_text([samples.WARNING, replace(samples.WARNING, stands_for=15)]) == "16 warnings"
    assert count_text([replace(samples.WARNING, severity=Severity.INFO)] * 2) == "2 info"


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_has_its_word(severity: Severity) -> None:
    assert diagnostic_text(Diagnostic(summary="x", severity=severity)) == f"{severity.value}: x"
