"""One zygote for each test process, and what its recording runs saw."""

from __future__ import annotations

import pytest

from tests.crash.nursery import Nursery
from tests.crash.recorded import record


@pytest.fixture(scope="session")
def nursery():
    """A warm process that forks."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture(scope="session")
def recorded(nursery):
    """The points and calls of every world."""
    return record(nursery)
