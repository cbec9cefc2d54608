"""Which edits `ignore_changes` leaves alone, and what an update then carries."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tunectl.core.diff import deltas
from tunectl.core.ignoring import covers, fields, pinned

NAMES = st.sampled_from(["method", "data", "suffix"])
PARTS = st.sampled_from(["epochs", "type", "seed"])
SPECS = st.dictionaries(
    NAMES, st.one_of(st.integers(0, 3), st.dictionaries(PARTS, st.integers(0, 3), max_size=3))
)
PATHS = st.one_of(NAMES, st.builds("{}.{}".format, NAMES, PARTS))


def test_a_path_covers_itself_and_what_is_below_it():
    assert covers({"method"}, ("method", "epochs"))
    assert covers({"method.epochs"}, ("method", "epochs"))
    assert not covers({"method.epochs"}, ("method",))
    assert not covers({"method.epochs"}, ("method", "epochs_more"))
    assert fields({"method.epochs", "data"}) == {"method", "data"}


@given(SPECS, SPECS, st.frozensets(PATHS, max_size=3))
def test_an_update_that_is_pinned_changes_nothing_that_is_ignored(seen, wanted, ignored):
    after = pinned(wanted, seen, ignored)
    for delta in deltas(seen, after):
        covered = covers(ignored, delta.path)
        # A whole field that came or went takes its parts with it.
        assert not covered or delta.path[0] not in seen or delta.path[0] not in wanted
    kept = [d for d in deltas(seen, wanted) if not covers(ignored, d.path)]
    assert [d for d in deltas(seen, after) if d in kept] == kept


@given(SPECS, SPECS)
def test_where_nothing_is_ignored_all_is_as_wanted(seen, wanted):
    assert pinned(wanted, seen, frozenset()) == wanted
