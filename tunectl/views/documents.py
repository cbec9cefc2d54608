"""The documents of a knowledge base in a plan: how many come, change and go, with their names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tunectl.core.diff import Absent
from tunectl.core.plan import Action, Change
from tunectl.views.text import clean, cut, one_line

KIND = "knowledge_base"
FIELD = "documents"
SHOWN = 12  # names; the rest are counted
_LONGEST = 120  # characters of a name
_WORDS = {"+": "added", "~": "changed", "-": "removed"}


def is_document(change: Change) -> bool:
    """Whether a change is of the file of a document, which the documents' own lines tell of."""
    address = change.address
    return address.kind == "upload" and (address.key or "").endswith("/document")


def document_sentence(change: Change) -> str:
    """Return `2 added, 1 changed, 1 removed`; empty where no document differs."""
    found = _signed(change)
    counts = {sign: sum(s == sign for s, _ in found) for sign in _WORDS}
    return ", ".join(f"{count} {_WORDS[sign]}" for sign, count in counts.items() if count)


def document_lines(change: Change, files: Iterable[Change] = ()) -> Iterable[tuple[str, str]]:
    """Yield a sign and a text for each document that differs, the first ones only, and the rest.

    Args:
        change: of a knowledge base.
        files: the changes of what is derived from it.
    """
    files = [file for file in files if is_document(file)]
    sentence = document_sentence(change)
    if sentence:
        yield "", f"documents: {sentence}"
    found = _signed(change)
    for sign, name in found[:SHOWN]:
        yield sign, cut(one_line(clean(name)), _LONGEST)
    if len(found) > SHOWN:
        yield "", f"  and {len(found) - SHOWN} more"
    sent = sum(file.action in {Action.CREATE, Action.REPLACE} for file in files)
    gone = sum(file.action in {Action.DELETE, Action.REPLACE} for file in files)
    told = [f"{sent} sent" if sent else "", f"{gone} deleted" if gone else ""]
    if any(told):
        yield "", f"files at the provider: {', '.join(filter(None, told))}"


def _signed(change: Change) -> list[tuple[str, str]]:
    """The documents that differ, each with a sign: what goes first, then by name."""
    if change.address.kind != KIND:
        return []
    if change.action is Action.CREATE and change.after is not None:
        said = change.after.spec.get(FIELD)
        return [("+", str(name)) for name in sorted(said)] if isinstance(said, Mapping) else []
    found = []
    for delta in change.deltas:
        if delta.path[0] == FIELD and len(delta.path) == 2:
            sign = "+" if isinstance(delta.before, Absent) else "~"
            found.append(("-" if isinstance(delta.after, Absent) else sign, delta.path[1]))
    return sorted(found, key=lambda one: ("-~+".index(one[0]), one[1]))
