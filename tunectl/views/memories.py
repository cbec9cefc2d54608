"""Users' data as people see it: how much there is, and of one user what it is.

Law: the value of a personal field and the words of a conversation are shown only on request.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunectl.views.text import clean, counted, indent, json_text, one_line, table

_NOUNS = (
    ("users", "user", ""),
    ("fields", "profile field", ""),
    ("sessions", "session", ""),
    ("turns", "turn", ""),
    ("summaries", "summary", "summaries"),
)

Rows = Sequence[tuple[str, Mapping[str, int]]]


def amount_text(amount: Mapping[str, int], *, users: bool = False) -> str:
    """Return how much there is in one line: `2 profile fields, 1 session, 12 turns`."""
    parts = [
        counted(amount[key], noun, plural)
        for key, noun, plural in _NOUNS
        if amount[key] and (users or key != "users")
    ]
    return ", ".join(parts) or "nothing"


def amounts_text(rows: Rows, *, users: bool = False) -> str:
    """Return how much there is in each memory, one line each."""
    return "\n".join(
        table(("MEMORY", "HOLDS"), [(one_line(n), amount_text(a, users=users)) for n, a in rows])
    )


def amounts_tree(rows: Rows, key: str) -> dict[str, Any]:
    """Return the same as JSON."""
    return {"format_version": "1.0", key: [{"memory": n, **a} for n, a in rows]}


def exported_text(tree: Mapping[str, Any]) -> str:
    """Return how much an export holds: `2 profile fields, 1 session, 3 turns`."""
    every = tree["memories"]
    sessions = [session for one in every for session in one["sessions"]]
    return amount_text(
        {
            "users": 0,
            "fields": sum(len(one["profile"]) for one in every),
            "sessions": len(sessions),
            "turns": sum(len(session["turns"]) for session in sessions),
            "summaries": sum(bool(session["summary"]) for session in sessions),
        }
    )


def user_text(tree: Mapping[str, Any], *, show_data: bool) -> str:
    """Return what there is of one user, from the export of it."""
    blocks = ["\n".join(_memory(one, show_data=show_data)) for one in tree["memories"]]
    return "\n\n".join(blocks)


def _memory(tree: Mapping[str, Any], *, show_data: bool) -> Iterable[str]:
    yield one_line(tree["memory"])
    if not tree["profile"] and not tree["sessions"]:
        yield "  nothing is remembered of this user"
    for name, field in tree["profile"].items():
        hidden = field["personal"] and not show_data
        shown = "(personal)" if hidden else one_line(clean(json_text(field["value"])))
        note = "" if field["declared"] else "  (declared no more, never sent)"
        yield f"  {one_line(name)} = {shown}{note}"
    for number, session in enumerate(tree["sessions"], 1):
        name = one_line(clean(session["session"])) if show_data else str(number)
        turns = counted(len(session["turns"]), "turn")
        summary = ", a summary" if session["summary"] else ""
        yield f"  session {name}: {turns}{summary}, last {session['last_at']}"
        if show_data:
            yield from _words(session)


def _words(session: Mapping[str, Any]) -> Iterable[str]:
    if session["summary"]:
        yield indent("summary: " + clean(session["summary"]["text"]), "    ")
    for turn in session["turns"]:
        for message in turn["messages"]:
            text = message.get("content")
            yield indent(f"{message['role']}: " + (clean(text) if text else "(a tool)"), "    ")
