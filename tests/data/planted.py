"""For each rule a planted case and its nearest clean twin."""

from __future__ import annotations

from tests.data import planted_rows, planted_splits, planted_tables
from tests.data.planting import Planted

CASES: tuple[Planted, ...] = (
    *planted_rows.CASES,
    *planted_tables.CASES,
    *planted_splits.CASES,
)
