"""Documents that are declared beside those that a service tells of."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from tunectl.providers.documents import (
    Document,
    Indexed,
    Place,
    batches,
    complaints,
    declared,
    told,
)

names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=30)
documents = st.dictionaries(names, st.text("0123456789abcdef", min_size=64, max_size=64))


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


@given(documents)
def test_what_is_there_as_declared_is_told_as_declared(hashes):
    spec = {"documents": hashes, "chunking": {"size": 100}}
    there = [Indexed(id_, Place.THERE) for id_ in declared(spec)]
    assert told(spec, there) == spec


@given(documents, documents)
def test_the_difference_of_two_declarations_is_that_of_their_ids(before, after):
    old, new = declared({"documents": before}), declared({"documents": after})
    changed = {n for n in before.keys() & after.keys() if before[n][:16] != after[n][:16]}
    added = {one.path for key, one in new.items() if key not in old}
    removed = {one.path for key, one in old.items() if key not in new}
    assert added == (after.keys() - before.keys()) | changed
    assert removed == (before.keys() - after.keys()) | changed


@given(names)
def test_a_document_of_ours_tells_its_name_and_the_beginning_of_its_hash(name):
    document = Document(name, sha(name))
    there = Indexed(document.id, Place.THERE)
    assert (there.path, there.sha) == (name, sha(name)[:16])


def test_what_failed_or_goes_counts_as_not_there():
    spec = {"documents": {"a.md": sha("a"), "b.md": sha("b"), "c.md": sha("c")}}
    a, b, c = declared(spec)
    found = told(
        spec, [Indexed(a, Place.FAILED, "no"), Indexed(b, Place.GOING), Indexed(c, Place.COMING)]
    )
    assert found["documents"] == {"c.md": sha("c")}


def test_a_superseded_document_beside_its_successor_is_told_by_its_id():
    spec = {"documents": {"a.md": sha("new")}}
    [new] = declared(spec)
    old = Document("a.md", sha("old")).id
    found = told(spec, [Indexed(old, Place.THERE), Indexed(new, Place.THERE)])
    assert found["documents"] == {"a.md": sha("new"), old: sha("old")[:16]}


def test_what_somebody_else_put_there_is_told_by_its_own_name():
    found = told({"documents": {}}, [Indexed("s3://x/y.pdf", Place.THERE)])
    assert found["documents"] == {"s3://x/y.pdf": ""}


def test_complaints_are_by_name_and_not_endless():
    failed = [Indexed(Document(f"{n}.md", sha("x")).id, Place.FAILED, "zły") for n in range(7)]
    said = complaints(failed)
    assert said.startswith("`0.md`: zły; `1.md`: zły")
    assert said.endswith("and 2 more")
    assert complaints([Indexed("0/a", Place.THERE)]) == ""


@given(st.lists(st.integers()), st.integers(1, 5))
def test_parts_are_the_whole_in_order(items, size):
    parts = list(batches(items, size))
    assert [one for part in parts for one in part] == items
    assert all(0 < len(part) <= size for part in parts)
